/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_diag.c - Diagnostics: kept, ordered, counted, printed. */
#include <criterion/criterion.h>
#include <string.h>

#include "diag.h"

static struct diags about(struct arena *a, const char *text)
{
	return (struct diags){.arena = a,
			      .file = "net.json",
			      .text = text,
			      .len = strlen(text)};
}

static void expect(struct diags *d, const char *want)
{
	STR(out);

	diags_sort(d);
	diags_print(d, &out);
	cr_assert_str_eq(str_text(&out), want);
}

Test(diag, prints_place_line_and_caret)
{
	ARENA(a);
	struct diags d = about(&a, "{\n\t\"Ports\": [\"443\", 70000]\n}");

	diag_add(&d, DIAG_ERROR, DIAG_NUMBER_RANGE, 0, "/Ports/1", "try less",
		 "port %d is above 65535", 70000);
	diag_add(&d, DIAG_NOTE, DIAG_DNS_NAT, DIAG_AT_KEY, "/Ports", NULL,
		 "not yet");
	expect(&d, "net.json:2:2: note: /Ports: not yet [dns-nat]\n"
		   "    2 | \t\"Ports\": [\"443\", 70000]\n"
		   "      | \t^~~~~~~\n"
		   "net.json:2:19: error: /Ports/1: port 70000 is above 65535 "
		   "[number-range]\n"
		   "    2 | \t\"Ports\": [\"443\", 70000]\n"
		   "      | \t                 ^~~~~\n"
		   "      = hint: try less\n");
	cr_assert(diags_failed(&d));
}

Test(diag, one_mistake_one_message)
{
	ARENA(a);
	struct diags d = about(&a, "{\"a\": 1}");

	diag_add(&d, DIAG_ERROR, DIAG_TYPE, 0, "/a", NULL, "first");
	diag_add(&d, DIAG_ERROR, DIAG_TYPE, 0, "/a", NULL, "second");
	diag_add(&d, DIAG_ERROR, DIAG_ENUM, 0, "/a", NULL, "third");
	cr_assert_eq(d.n, 2);
	cr_assert_eq(d.count[DIAG_ERROR], 2);
	cr_assert_str_eq(d.v[0].message, "first");
}

Test(diag, counts_what_it_does_not_keep)
{
	ARENA(a);
	struct diags d = about(&a, "[0]");
	STR(out);

	for (int i = 0; i < DIAG_MAX_ERRORS + 3; i++)
		diag_add(&d, DIAG_ERROR, DIAG_TYPE, 0,
			 arena_printf(&a, "/%d", i), NULL, "wrong");
	for (int i = 0; i < DIAG_MAX_NOTES + 1; i++)
		diag_add(&d, DIAG_WARNING, DIAG_TYPE, 0,
			 arena_printf(&a, "/%d", i), NULL, "odd");
	cr_assert_eq(d.n, DIAG_MAX_ERRORS + DIAG_MAX_NOTES);
	cr_assert_eq(d.count[DIAG_ERROR], DIAG_MAX_ERRORS + 3);
	diags_print(&d, &out);
	cr_assert(strstr(str_text(&out),
			 "\nand 3 more errors\nand 1 more warning\n"));
}

Test(diag, shows_a_window_of_a_long_line)
{
	char text[402];
	ARENA(a);
	struct diags d;
	STR(out);

	memset(text, ' ', sizeof(text));
	text[0] = '[';
	text[300] = '1';
	text[400] = ']';
	text[401] = '\0';
	d = about(&a, text);
	diag_add(&d, DIAG_ERROR, DIAG_TYPE, 0, "/0", NULL, "no");
	diags_print(&d, &out);
	for (const char *line = str_text(&out); *line;) {
		size_t n = strcspn(line, "\n");

		cr_assert_leq(n, 120, "%.*s", (int)n, line);
		line += n + (line[n] == '\n');
	}
	cr_assert(strstr(str_text(&out), "..."));
}

Test(diag, sends_no_control_characters)
{
	ARENA(a);
	struct diags d =
		about(&a, "{\"\x1b[31m\xc2\x9b\xe2\x80\xae\x7f\": \"\r\x07\"}");
	STR(out);

	d.file = "a\x1b[0m.json";
	diag_add(&d, DIAG_ERROR, DIAG_TYPE, 0, "/\x1b[31m", "h\x1b", "m\x1b %s",
		 "\xff");
	diags_print(&d, &out);
	for (size_t i = 0; i < out.len; i++)
		cr_assert(out.data[i] == '\n' || out.data[i] == '\t' ||
				  (unsigned char)out.data[i] >= 0x20,
			  "%zu", i);
	cr_assert_null(strstr(str_text(&out), "\xc2\x9b"));
	cr_assert_null(strstr(str_text(&out), "\xe2\x80\xae"));
}

Test(diag, prints_json)
{
	ARENA(a);
	struct diags d = about(&a, "{\"a\": 1}");
	STR(out);

	diags_json(&d, &out);
	cr_assert_str_eq(str_text(&out), "[]");
	diag_add(&d, DIAG_WARNING, DIAG_MAPPED, 0, "/a", "\"h\"", "m");
	str_free(&out);
	diags_json(&d, &out);
	cr_assert_str_eq(
		str_text(&out),
		"[{\"file\": \"net.json\", \"line\": 1, \"column\": 7, "
		"\"level\": \"warning\", \"pointer\": \"/a\", "
		"\"code\": \"mapped\", \"message\": \"m\", "
		"\"hint\": \"\\\"h\\\"\"}]");
}

Test(diag, codes_are_unique)
{
	for (int i = 0; i < DIAG_CODE_COUNT; i++)
		for (int j = 0; j < i; j++)
			cr_assert_str_neq(diag_code_name((enum diag_code)i),
					  diag_code_name((enum diag_code)j));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_pin_comment.c - Names as comments: what is read is what was written. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "pin_comment.h"

static struct dname name(struct arena *a, const char *text)
{
	struct dname n = {0};

	cr_assert_null(dname_from_presentation(a, text, &n), "%s", text);
	return n;
}

static const char *comment(struct dname n, uint32_t others,
			   char buf[PIN_COMMENT_MAX])
{
	const size_t len =
		pin_comment_others(others, buf, pin_comment_name(n, buf));

	cr_assert_lt(len, PIN_COMMENT_MAX);
	cr_assert_eq(len, strlen(buf));
	cr_assert_null(strpbrk(buf, "\"\n"));
	return buf;
}

/* What is written is read again; of a name that is cut, the number alone. */
static void expect(struct dname n, uint32_t others, const char *text)
{
	const bool known = n.len && strncmp(text, "...", 3) != 0;
	uint8_t wire[DNAME_WIRE_MAX];
	char buf[PIN_COMMENT_MAX];
	struct pin_names r;

	cr_expect_str_eq(comment(n, others, buf), text);
	cr_expect(pin_comment_parse(buf, wire, &r), "%s", buf);
	cr_expect_eq(r.others, others);
	cr_expect_eq(r.name.len, known ? n.len : 0);
	cr_expect(!known || dname_equal(r.name, n), "%s", buf);
}

Test(pin_comment, one_name_in_full_and_how_many_more)
{
	ARENA(a);

	expect(name(&a, "api.example.com"), 0, "api.example.com");
	expect(name(&a, "API.example.com"), 2, "api.example.com +2");
	expect(name(&a, "x"), PIN_OTHERS_MAX, "x +99999");
	expect((struct dname){0}, 0, "...");
	expect((struct dname){0}, 1, "... +1");
}

Test(pin_comment, odd_octets_are_numbers)
{
	ARENA(a);

	expect(name(&a, "a\\032b.evil.com"), 0, "a\\032b.evil.com");
	expect(name(&a, "\\.\\\".\\000\\255.\\n.*"), 1,
	       "\\046\\034.\\000\\255.n.* +1");
	expect(name(&a, "\\032\\0431.com"), 0, "\\032\\0431.com");
}

Test(pin_comment, a_long_name_is_its_end)
{
	char text[DNAME_TEXT_MAX], want[DNAME_TEXT_MAX];
	ARENA(a);

	/* 120 characters fit, 121 do not. */
	snprintf(text, sizeof(text), "%060d.%059d", 0, 0);
	expect(name(&a, text), 0, text);
	snprintf(want, sizeof(want), "%060d.%059d +99999", 0, 0);
	expect(name(&a, text), PIN_OTHERS_MAX, want);
	snprintf(text, sizeof(text), "%061d.%059d", 0, 0);
	snprintf(want, sizeof(want), "...%059d", 0);
	expect(name(&a, text), 0, want);
	/* As many labels as fit: 117 characters, not 118. */
	snprintf(text, sizeof(text), "a.b.%057d.%059d", 0, 0);
	snprintf(want, sizeof(want), "...%057d.%059d", 0, 0);
	expect(name(&a, text), 0, want);
	snprintf(text, sizeof(text), "a.b.%058d.%059d", 0, 0);
	snprintf(want, sizeof(want), "...%059d +3", 0);
	expect(name(&a, text), 3, want);
	/* No label fits. */
	for (size_t i = 0; i < 40; i++)
		memcpy(text + 4 * i, "\\001", 5);
	expect(name(&a, text), 0, "...");
	/* The longest names that there are. */
	snprintf(text, sizeof(text), "%063d.%063d.%063d.%061d", 0, 0, 0, 0);
	snprintf(want, sizeof(want), "...%061d", 0);
	expect(name(&a, text), 0, want);
}

Test(pin_comment, anything_else_is_nobodys)
{
	static const char *const bad[] = {
		"",
		" ",
		"by hand",
		"a +0",
		"a +01",
		"a +",
		"a  +1",
		"a +1 ",
		"a +-1",
		"a +100000",
		"a -1",
		"A.com",
		"a.com.",
		".",
		".a",
		"a..b",
		"..",
		"a.\\46b",
		"\\256.a",
		"\\097.com",
		"\\a.com",
		"a\\",
		"a\\0",
		"a\"b",
		"a +99999999999",
		"k\xc3\xa4se",
		"a +1x",
	};
	uint8_t wire[DNAME_WIRE_MAX];
	char text[512];
	struct pin_names r;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		r = (struct pin_names){{wire, 7}, 7};
		cr_expect_not(pin_comment_parse(bad[i], wire, &r), "%s",
			      bad[i]);
		cr_expect_eq(r.name.len, 0, "%s", bad[i]);
		cr_expect_eq(r.others, 0, "%s", bad[i]);
	}
	snprintf(text, sizeof(text), "%064d.com", 0);
	cr_expect_not(pin_comment_parse(text, wire, &r));
	snprintf(text, sizeof(text), "%060d.%060d", 0, 0);
	cr_expect_not(pin_comment_parse(text, wire, &r), "a cut name in full");
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (size_t i = 60; i < sizeof(text); i += 61)
		text[i] = '.';
	text[sizeof(text) - 1] = '\0';
	cr_expect_not(pin_comment_parse(text, wire, &r));
}

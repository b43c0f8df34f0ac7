/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_scan.c - JSON texts: what is wrong with them, and where. */
#include <criterion/criterion.h>
#include <string.h>

#include "scan.h"

static bool scan(struct arena *a, struct diags *d, const char *text)
{
	struct scan found;

	*d = (struct diags){
		.arena = a, .file = "x", .text = text, .len = strlen(text)};
	return scan_text(a, d, &found);
}

Test(scan, takes_json)
{
	static const char *const good[] = {
		"{}",
		"[]",
		" [ ] ",
		"0",
		"-0",
		"1.5e-3",
		"\"\"",
		"null",
		"[1,[2,[3]],{}]",
		"{\"a\":{\"a\":{\"a\":[{}]}}}",
		"\"\\u12aF\\\\\"",
		"[true,false]",
		"\r\n\t{}\n",
		"\"\xf4\x8f\xbf\xbf\"",
		"[{\"a\":1},{\"a\":1}]",
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		ARENA(a);
		struct diags d;

		cr_assert(scan(&a, &d, good[i]), "%s", good[i]);
		cr_assert(!diags_failed(&d), "%s", good[i]);
	}
}

Test(scan, points_at_what_is_not_json)
{
	static const struct {
		const char *text;
		enum diag_code code;
		size_t offset;
	} bad[] = {
		{"", DIAG_SYNTAX, 0},		{"{", DIAG_SYNTAX, 1},
		{"[1 2]", DIAG_SYNTAX, 3},	{"[1,]", DIAG_SYNTAX, 2},
		{"{\"a\":1,}", DIAG_SYNTAX, 6}, {"{\"a\" 1}", DIAG_SYNTAX, 5},
		{"{a:1}", DIAG_SYNTAX, 1},	{"[01]", DIAG_SYNTAX, 1},
		{"[-]", DIAG_SYNTAX, 2},	{"[1.]", DIAG_SYNTAX, 3},
		{"[1e]", DIAG_SYNTAX, 3},	{"\"a", DIAG_SYNTAX, 0},
		{"\"\\x\"", DIAG_SYNTAX, 1},	{"\"\\u12g4\"", DIAG_SYNTAX, 1},
		{"\"\\", DIAG_SYNTAX, 1},	{"[}", DIAG_SYNTAX, 1},
		{"{]", DIAG_SYNTAX, 1},		{"[] []", DIAG_SYNTAX, 3},
		{"nul", DIAG_SYNTAX, 0},	{"\"\x01\"", DIAG_SYNTAX, 1},
		{"\xff\xfe{", DIAG_UTF8, 0},	{"{\xa0}", DIAG_UTF8, 1},
		{"{\"", DIAG_SYNTAX, 1},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ARENA(a);
		struct diags d;

		cr_assert(!scan(&a, &d, bad[i].text), "%s", bad[i].text);
		cr_assert_eq(d.n, 1, "%s", bad[i].text);
		cr_assert_eq(d.v[0].code, bad[i].code, "%s", bad[i].text);
		cr_assert_eq(d.v[0].offset, bad[i].offset, "%s: %zu",
			     bad[i].text, d.v[0].offset);
	}
}

Test(scan, finds_every_key_that_occurs_twice)
{
	ARENA(a);
	struct diags d;

	cr_assert(scan(&a, &d,
		       "{\"x\":[{\"k\":1,\"l\":2,\"\\u006b\":3,\"k\":4}],"
		       "\"y\":1,\"x\":{\"z\":1,\"z\":2}}"));
	cr_assert_eq(d.count[DIAG_ERROR], 4);
	diags_sort(&d);
	cr_assert_str_eq(d.v[0].pointer, "/x/0/k");
	cr_assert_eq(d.v[0].offset, 19);
	cr_assert_str_eq(d.v[1].pointer, "/x/0/k");
	cr_assert_eq(d.v[1].offset, 30);
	cr_assert_str_eq(d.v[2].pointer, "/x");
	cr_assert_str_eq(d.v[3].pointer, "/x/z");
}

Test(scan, counts_depth)
{
	char text[2 * SCAN_MAX_DEPTH + 3] = {0};
	ARENA(a);
	struct diags d;

	memset(text, '[', SCAN_MAX_DEPTH);
	memset(text + SCAN_MAX_DEPTH, ']', SCAN_MAX_DEPTH);
	cr_assert(scan(&a, &d, text));
	cr_assert(!diags_failed(&d));
	memset(text, '[', SCAN_MAX_DEPTH + 1);
	memset(text + SCAN_MAX_DEPTH + 1, ']', SCAN_MAX_DEPTH + 1);
	cr_assert(scan(&a, &d, text));
	cr_assert_eq(d.n, 1);
	cr_assert_eq(d.v[0].code, DIAG_DEPTH);
	cr_assert_eq(d.v[0].offset, SCAN_MAX_DEPTH);
	text[2 * SCAN_MAX_DEPTH + 1] = '\0';
	cr_assert(!scan(&a, &d, text));
}

static void expect_hole(const struct scan *found, size_t i, size_t offset,
			size_t len)
{
	cr_assert_lt(i, found->n_holes);
	cr_assert_eq(found->hole[i].offset, offset, "%zu: %zu", i,
		     found->hole[i].offset);
	cr_assert_eq(found->hole[i].len, len, "%zu: %zu", i,
		     found->hole[i].len);
}

Test(scan, goes_on_behind_what_is_no_character)
{
	static const char text[] =
		"{\"a\xff\xfe\": [\"\xed\xa0\x80-\xc0\", \"\\ud83d\\ude00\", "
		"\"\\ud83dx\", \"\\ude00\"], \"\\u0000\": \"\\u0000\", "
		"\"a\": 1, \"a\": 2, \"a\": 3}";
	static const char *const pointers[] = {
		"/a\xef\xbf\xbd",
		"/a\xef\xbf\xbd/0",
		"/a\xef\xbf\xbd/0",
		"/a\xef\xbf\xbd/2",
		"/a\xef\xbf\xbd/3",
		"/a",
		"/a",
	};
	struct scan found;
	ARENA(a);
	struct diags d = {
		.arena = &a, .file = "x", .text = text, .len = strlen(text)};

	cr_assert(scan_text(&a, &d, &found));
	diags_sort(&d);
	cr_assert_eq(d.n, 7);
	for (size_t i = 0; i < d.n; i++) {
		cr_assert_eq(d.v[i].code,
			     i < 5 ? DIAG_UTF8 : DIAG_DUPLICATE_KEY);
		cr_assert_str_eq(d.v[i].pointer, pointers[i]);
	}
	cr_assert_eq(found.n_holes, 6);
	expect_hole(&found, 0, 3, 2);
	expect_hole(&found, 1, 10, 3);
	expect_hole(&found, 2, 14, 1);
	expect_hole(&found, 3, 35, 6);
	expect_hole(&found, 4, 46, 6);
	expect_hole(&found, 5, 57, 6);
}

/* What there is no room to report must cost no walk through the text. */
Test(scan, takes_time_in_proportion, .timeout = 30)
{
	static const char *const piece[] = {"\"a\":1,", "\"\xff\":1,",
					    "\"\xff\xffz\":1e999,"};

	for (size_t i = 0; i < sizeof(piece) / sizeof(*piece); i++) {
		ARENA(a);
		struct diags d;
		STR(text);

		str_putc(&text, '{');
		while (text.len < 4u << 20)
			str_puts(&text, piece[i]);
		str_puts(&text, "\"b\":1}");
		scan(&a, &d, str_text(&text));
		cr_assert_eq(d.n, DIAG_MAX_ERRORS);
		cr_assert_gt(d.count[DIAG_ERROR], DIAG_MAX_ERRORS);
	}
}

Test(scan, reports_numbers_beyond_any_type)
{
	static const char text[] = "[9223372036854775807,-9223372036854775808,"
				   "9223372036854775808,-9223372036854775809,"
				   "1e99,1e100]";
	struct scan found;
	ARENA(a);
	struct diags d = {
		.arena = &a, .file = "x", .text = text, .len = strlen(text)};

	cr_assert(scan_text(&a, &d, &found));
	cr_assert_eq(d.n, 3);
	cr_assert_eq(found.n_holes, 3);
	cr_assert_str_eq(d.v[0].pointer, "/2");
	cr_assert_str_eq(d.v[2].pointer, "/5");
	cr_assert_eq(found.hole[2].len, 5);
}

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
		{"", DIAG_SYNTAX, 0},
		{"{", DIAG_SYNTAX, 1},
		{"[1 2]", DIAG_SYNTAX, 3},
		{"[1,]", DIAG_SYNTAX, 2},
		{"{\"a\":1,}", DIAG_SYNTAX, 6},
		{"{\"a\" 1}", DIAG_SYNTAX, 5},
		{"{a:1}", DIAG_SYNTAX, 1},
		{"[01]", DIAG_SYNTAX, 1},
		{"[-]", DIAG_SYNTAX, 2},
		{"[1.]", DIAG_SYNTAX, 3},
		{"[1e]", DIAG_SYNTAX, 3},
		{"\"a", DIAG_SYNTAX, 0},
		{"\"\\x\"", DIAG_SYNTAX, 1},
		{"\"\\u12g4\"", DIAG_SYNTAX, 1},
		{"\"\\", DIAG_SYNTAX, 1},
		{"[}", DIAG_SYNTAX, 1},
		{"{]", DIAG_SYNTAX, 1},
		{"[] []", DIAG_SYNTAX, 3},
		{"nul", DIAG_SYNTAX, 0},
		{"\"\x01\"", DIAG_SYNTAX, 1},
		{"\"\xff\"", DIAG_UTF8, 1},
		{"\"\xed\xa0\x80\"", DIAG_UTF8, 1},
		{"\"\xf4\x90\x80\x80\"", DIAG_UTF8, 1},
		{"\"\xc3", DIAG_UTF8, 1},
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
	cr_assert_eq(d.count[DIAG_ERROR], 3);
	diags_sort(&d);
	cr_assert_str_eq(d.v[0].pointer, "/x/0/k");
	cr_assert_eq(d.v[0].offset, 19);
	cr_assert_str_eq(d.v[1].pointer, "/x");
	cr_assert_str_eq(d.v[2].pointer, "/x/z");
}

Test(scan, counts_depth)
{
	char text[2 * SCAN_MAX_DEPTH + 3] = {0};
	ARENA(a);
	struct diags d;

	memset(text, '[', SCAN_MAX_DEPTH);
	memset(text + SCAN_MAX_DEPTH, ']', SCAN_MAX_DEPTH);
	cr_assert(scan(&a, &d, text));
	memset(text, '[', SCAN_MAX_DEPTH + 1);
	memset(text + SCAN_MAX_DEPTH + 1, ']', SCAN_MAX_DEPTH + 1);
	cr_assert(!scan(&a, &d, text));
	cr_assert_eq(d.v[0].code, DIAG_DEPTH);
	cr_assert_eq(d.v[0].offset, SCAN_MAX_DEPTH);
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
	cr_assert_eq(found.n_big, 3);
	cr_assert_str_eq(d.v[0].pointer, "/2");
	cr_assert_str_eq(d.v[2].pointer, "/5");
	cr_assert_eq(found.big[2].len, 5);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_udiff.c - Unified diffs of small texts, and of random ones. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "udiff.h"

Test(udiff, of_the_same_is_nothing)
{
	STR(s);

	udiff(&s, "f", "a\nb\n", "a\nb\n");
	udiff(&s, "f", "", "");
	cr_expect_eq(s.len, 0);
}

Test(udiff, small_ones)
{
	static const struct {
		const char *before;
		const char *after;
		const char *diff;
	} rows[] = {
		{"", "a\n", "@@ -0,0 +1 @@\n+a\n"},
		{"a\n", "", "@@ -1 +0,0 @@\n-a\n"},
		{"a\nb\nc\n", "a\nx\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n"},
		{"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\n5\n6\n7\n8\nx\n",
		 "@@ -6,4 +6,4 @@\n 6\n 7\n 8\n-9\n+x\n"},
		{"a\n1\n2\n3\n4\n5\n6\n7\nb\n", "x\n1\n2\n3\n4\n5\n6\n7\ny\n",
		 "@@ -1,4 +1,4 @@\n-a\n+x\n 1\n 2\n 3\n"
		 "@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+y\n"},
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		STR(s);
		STR(want);

		udiff(&s, "f", rows[i].before, rows[i].after);
		str_printf(&want, "--- a/f\n+++ b/f\n%s", rows[i].diff);
		cr_expect_str_eq(str_text(&s), str_text(&want));
	}
}

/* Applies a diff whose hunks have every line of the text: context is added by
 * reading what stands between the hunks from the text before. */
static void patch(struct str *out, const char *before, const char *diff)
{
	unsigned long line = 1, from, count;
	char *end;

	while (*diff) {
		const char *eol = strchr(diff, '\n') + 1;

		if (strncmp(diff, "@@ -", 4) == 0) {
			from = strtoul(diff + 4, &end, 10);
			count = *end == ',' ? strtoul(end + 1, NULL, 10) : 1;
			for (from += !count; line < from; line++) {
				size_t n = strcspn(before, "\n") + 1;

				str_append(out, before, n);
				before += n;
			}
		} else if (strncmp(diff, "--- ", 4) != 0 &&
			   strncmp(diff, "+++ ", 4) != 0) {
			if (*diff != '+') {
				size_t n = strcspn(before, "\n") + 1;

				cr_assert_eq(n, (size_t)(eol - diff - 1));
				cr_assert(!strncmp(before, diff + 1, n));
				before += n;
				line++;
			}
			if (*diff != '-')
				str_append(out, diff + 1,
					   (size_t)(eol - diff - 1));
		}
		diff = eol;
	}
	str_puts(out, before);
}

Test(udiff, random_ones_lead_from_one_to_the_other)
{
	uint32_t seed = 1;
	unsigned int round, i;

	for (round = 0; round < 400; round++) {
		/* Every fortieth is too different for the shortest way. */
		const unsigned int n = round % 40 == 39 ? 900 : 30;
		STR(x);
		STR(y);
		STR(diff);
		STR(patched);

		for (i = 0; i < n; i++) {
			seed = seed * 1664525u + 1013904223u;
			if (seed >> 30)
				str_printf(&x, "%u\n",
					   n > 30 ? i : seed >> 8 & 7);
			if (seed >> 28 & 3)
				str_printf(&y, "%u\n",
					   n > 30 ? i + 5000 : seed >> 12 & 7);
		}
		udiff(&diff, "f", str_text(&x), str_text(&y));
		patch(&patched, str_text(&x), str_text(&diff));
		cr_assert_str_eq(str_text(&patched), str_text(&y));
	}
}

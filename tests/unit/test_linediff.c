/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_linediff.c - Differences as diff -u has them, and applied again. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "linediff.h"

static const char *diff(struct str *out, const char *a, const char *b)
{
	const struct linediff_text x = {"a", a, strlen(a)};
	const struct linediff_text y = {"b", b, strlen(b)};

	str_free(out);
	cr_expect_eq(linediff(out, &x, &y), strcmp(a, b) != 0);
	return str_text(out);
}

Test(linediff, shows_what_diff_shows)
{
	static const struct {
		const char *a;
		const char *b;
		const char *out;
	} rows[] = {
		{"", "", ""},
		{"1\n2\n", "1\n2\n", ""},
		{"", "1\n", "@@ -0,0 +1 @@\n+1\n"},
		{"1\n", "", "@@ -1 +0,0 @@\n-1\n"},
		{"1\n2\n3\n", "1\n3\n", "@@ -1,3 +1,2 @@\n 1\n-2\n 3\n"},
		{"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n6\n7\n8\n9\n",
		 "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n"},
		/* Six equal lines between two changes: one hunk. */
		{"a\n1\n2\n3\n4\n5\n6\nb\n", "1\n2\n3\n4\n5\n6\n",
		 "@@ -1,8 +1,6 @@\n-a\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n"},
		/* Seven: two. */
		{"a\n1\n2\n3\n4\n5\n6\n7\nb\n", "1\n2\n3\n4\n5\n6\n7\n",
		 "@@ -1,4 +1,3 @@\n-a\n 1\n 2\n 3\n"
		 "@@ -6,4 +5,3 @@\n 5\n 6\n 7\n-b\n"},
	};
	STR(out);
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *got = diff(&out, rows[i].a, rows[i].b);

		if (*got)
			got = strstr(got, "+++ b\n") + 6;
		cr_expect_str_eq(got, rows[i].out, "%s to %s: %s", rows[i].a,
				 rows[i].b, got);
	}
}

Test(linediff, a_text_that_is_not_there_is_null)
{
	const struct linediff_text x = {"a", NULL, 0};
	const struct linediff_text y = {"b", "1\n", 2};
	STR(out);

	cr_assert(linediff(&out, &x, &y));
	cr_expect_str_eq(str_text(&out),
			 "--- /dev/null\n+++ b\n@@ -0,0 +1 @@\n+1\n");
}

/* Whether the hunks turn @a into @b; counts the lines that they change. */
static bool applies(const char *a, const char *b, const char *hunks,
		    size_t *ret_changed)
{
	const char *p = strstr(hunks, "@@");
	unsigned long line = 1;
	STR(made);

	*ret_changed = 0;
	while (p && *p) {
		const char *nl = strchr(p, '\n');
		const size_t len = (size_t)(nl - p);

		if (*p == '@') {
			unsigned long first = strtoul(p + 4, NULL, 10);
			const char *comma = strchr(p + 4, ',');

			/* "-0,0" and "-5,0" stand behind their line. */
			if (comma && comma < strchr(p + 4, ' ') &&
			    comma[1] == '0')
				first++;
			for (; line < first; line++) {
				size_t n = strcspn(a, "\n") + 1;

				str_append(&made, a, n);
				a += n;
			}
		} else {
			if (*p != '+') {
				if (strncmp(a, p + 1, len) != 0)
					return false;
				a += len;
				line++;
			}
			if (*p != '-')
				str_append(&made, p + 1, len);
			*ret_changed += *p != ' ';
		}
		p = nl + 1;
	}
	str_puts(&made, a);
	return strcmp(str_text(&made), b) == 0;
}

Test(linediff, random_texts_are_made_of_each_other)
{
	uint32_t seed = 1;
	size_t i, j, changed;

	for (i = 0; i < 2000; i++) {
		STR(a);
		STR(b);
		STR(out);
		const char *hunks;

		for (j = 0; j < i % 60; j++) {
			const unsigned int n = (seed >> 16) % 4;

			seed = seed * 1103515245 + 12345;
			if ((seed >> 16) % 5)
				str_printf(&a, "%u\n", n);
			if ((seed >> 20) % 5)
				str_printf(&b, "%u\n", n);
		}
		hunks = diff(&out, str_text(&a), str_text(&b));
		cr_assert(applies(str_text(&a), str_text(&b), hunks, &changed),
			  "%s to %s: %s", str_text(&a), str_text(&b), hunks);
		cr_assert_leq(changed, 60u);
	}
}

/* Longer than LINEDIFF_MAX: what differs is replaced, and still right. */
Test(linediff, long_differences_are_bounded)
{
	size_t i, changed;
	STR(a);
	STR(b);
	STR(out);

	str_puts(&a, "head\n");
	str_puts(&b, "head\n");
	for (i = 0; i < 3000; i++) {
		str_printf(&a, "a%zu\n", i);
		str_printf(&b, "b%zu\n", i);
	}
	str_puts(&a, "tail\n");
	str_puts(&b, "tail\n");
	cr_assert(applies(str_text(&a), str_text(&b),
			  diff(&out, str_text(&a), str_text(&b)), &changed));
	cr_expect_eq(changed, 6000u);
}

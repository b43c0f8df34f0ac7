/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_finder.c - Which of many placeholders is found, and when. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "finder_case.h"

/* One that may be there does not hide another. */
Test(finder, allowed)
{
	static const char *const placeholders[] = {"$MSB_KEY", "$MSB_KEY2",
						   "KEY2_other"};
	static const struct {
		const char *text;
		int secret;
	} cases[] = {
		{"$MSB_KEY2", -1},	    {"$MSB_KEY", 0},
		{"$MSB_KEY2 $MSB_KEY", 0},  {"$MSB_KEY2$MSB_KEY2", -1},
		{"$MSB_KEY2_other", 2},	    {"$MSB_KEY3", 0},
		{"$MSB_KEY2KEY2_other", 2},
	};
	struct finder *f = finder_of(placeholders, 3);
	struct secret_bits but = {{0}};

	secret_bit_set(&but, 1);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct finder_state s;
		struct finder_found found = {.secret = 99};
		bool is;

		finder_begin(&s);
		is = finder_feed(f, &s, &but, (const uint8_t *)cases[i].text,
				 strlen(cases[i].text), &found) ||
		     finder_end(f, &s, &but, &found);
		cr_assert_eq(is, cases[i].secret >= 0, "%s", cases[i].text);
		if (is)
			cr_assert_eq((int)found.secret, cases[i].secret);
	}
	finder_free(f);
}

/* A match that waits for a longer one is not lost to one that overlaps it. */
Test(finder, overlapping)
{
	static const char *const placeholders[] = {"abcdef", "abcdefZZZ",
						   "efghij"};
	static const char text[] = "abcdefghij";
	struct finder *f = finder_of(placeholders, 3);

	for (size_t allowed = 0; allowed < 3; allowed++) {
		struct secret_bits but = {{0}};
		struct finder_state s;
		struct finder_found found = {.secret = 99};

		secret_bit_set(&but, allowed);
		finder_begin(&s);
		cr_assert(finder_feed(f, &s, &but, (const uint8_t *)text,
				      sizeof(text) - 1, &found) ||
			  finder_end(f, &s, &but, &found));
		cr_assert_eq(found.secret, allowed ? 0 : 2);
	}
	finder_free(f);
}

/* Many placeholders in much text, against a plain search. */
Test(finder, random)
{
	static uint8_t text[1 << 16];
	char names[100][16];
	const char *placeholders[100];
	struct finder *f;
	uint32_t seed = 7;

	for (size_t i = 0; i < 100; i++) {
		snprintf(names[i], sizeof(names[i]), "$MSB_%c%zu",
			 (char)('A' + i % 26), i);
		placeholders[i] = names[i];
	}
	f = finder_of(placeholders, 100);
	for (unsigned int round = 0; round < 300; round++) {
		static const char octets[] =
			"$MSB_ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789\n%\\u0 .";
		const size_t len = 2000;
		struct finder_found found;
		bool plain = false;

		for (size_t i = 0; i < len; i++) {
			seed = seed * 1664525 + 1013904223;
			text[i] = (uint8_t)
				octets[(seed >> 16) % (sizeof(octets) - 1)];
		}
		if (round % 2) {
			const char *p = names[round % 100];

			memcpy(text + seed % (len - 16), p, strlen(p));
		}
		for (size_t i = 0; i < 100 && !plain; i++)
			plain = memmem(text, len, names[i], strlen(names[i]));
		seed = seed * 1664525 + 1013904223;
		cr_assert_eq(finder_find_in(f, text, len, seed % len, seed % 77,
					    &found),
			     plain, "round %u", round);
	}
	finder_free(f);
}

Test(finder, too_many)
{
	static char names[SECRET_MAX][SECRET_PLACEHOLDER_MAX + 1];
	const char *placeholders[SECRET_MAX];
	uint32_t seed = 1;

	for (size_t i = 0; i < SECRET_MAX; i++) {
		for (size_t k = 0; k < SECRET_PLACEHOLDER_MAX; k++) {
			seed = seed * 1664525 + 1013904223;
			names[i][k] = (char)('A' + (seed >> 16) % 26);
		}
		placeholders[i] = names[i];
	}
	cr_assert(!finder_of(placeholders, SECRET_MAX));
}

/* What a document may have is never too much. */
Test(finder, as_many_as_may_be)
{
	static char names[SECRET_MAX][SECRET_PLACEHOLDER_MAX + 1];
	static const size_t lengths[] = {SECRET_PLACEHOLDERS_MAX / SECRET_MAX,
					 64, SECRET_PLACEHOLDER_MAX};
	const char *placeholders[SECRET_MAX];
	uint32_t seed = 7;

	for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++) {
		const size_t n = SECRET_PLACEHOLDERS_MAX / lengths[l];
		struct finder *f;

		memset(names, 0, sizeof(names));
		for (size_t i = 0; i < n; i++) {
			for (size_t k = 0; k < lengths[l]; k++) {
				char *c = &names[i][k];

				do {
					seed = seed * 1664525 + 1013904223;
					*c = (char)('!' + (seed >> 16) % 94);
				} while (*c == '%' || *c == '\\');
			}
			placeholders[i] = names[i];
		}
		f = finder_of(placeholders, n);
		cr_assert(f, "%zu of %zu", n, lengths[l]);
		finder_free(f);
	}
}

/* It is not waited for what would make no difference, and for all else it is.
 */
Test(finder, open)
{
	static const char *const placeholders[] = {"$MSB_KEY", "$MSB_KEY2",
						   "$MSB_KEY2_LONG",
						   "x$MSB_KEYx", "other_one"};
	static const struct {
		unsigned int but;
		const char *text;
		const char *more;
		int at_once;
		int then;
	} cases[] = {
		{0, "$MSB_KEY", "", 0, -1},
		{0, "$MSB_KE", "Y", -1, 0},
		{0, "$MSB_KEY2", "", 1, -1},
		{0, "%24MSB_KEY", "", 0, -1},
		{0, "\\u0024MSB_KE\\u0059", "", 0, -1},
		{0, "JE1TQl9LRVk", "", 0, -1},
		/* "u$MSB_KEY": the last digit ends both forms' beginnings. */
		{0, "dSRNU0JfS0VZ", "", 0, -1},
		{1 << 4, "$MSB_KEY", "", 0, -1},
		{1 << 1, "$MSB_KEY", "2", -1, -1},
		{1 << 1, "$MSB_KEY", "3", -1, 0},
		{1 << 2, "$MSB_KEY", "2_LONG", -1, -1},
		{1 << 2, "$MSB_KEY2", "_", -1, -1},
		{1 << 2, "$MSB_KEY2", "_LO ", -1, 1},
		{1 << 0, "$MSB_KEY", "2", -1, 1},
		{1 << 3, "$MSB_KEY", "x", -1, 0},
		{1 << 3, "x$MSB_KEY", "x", -1, -1},
		{1 << 3, "x$MSB_KEY", "y", -1, 0},
	};
	struct finder *f = finder_of(placeholders, COUNT(placeholders));

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct secret_bits but = {{cases[i].but}};
		struct finder_found found = {.secret = 99};
		struct finder_state s;
		bool is;

		finder_begin(&s);
		is = finder_feed(f, &s, &but, (const uint8_t *)cases[i].text,
				 strlen(cases[i].text), &found);
		cr_assert_eq(is ? (int)found.secret : -1, cases[i].at_once,
			     "case %zu: %d, %zu", i, is, found.secret);
		if (is)
			continue;
		is = finder_feed(f, &s, &but, (const uint8_t *)cases[i].more,
				 strlen(cases[i].more), &found);
		cr_assert_eq(is ? (int)found.secret : -1, cases[i].then,
			     "case %zu, then: %d, %zu", i, is, found.secret);
	}
	finder_free(f);
}

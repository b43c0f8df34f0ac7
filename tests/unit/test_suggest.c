/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_suggest.c - Distances between words, and what is suggested. */
#include <criterion/criterion.h>

#include "suggest.h"

Test(suggest, counts_mistakes)
{
	static const struct {
		const char *a, *b;
		size_t distance;
	} v[] = {
		{"", "", 0},
		{"abc", "", 3},
		{"abc", "abc", 0},
		{"Link_Local", "link-local", 0},
		{"abc", "abd", 1},
		{"abc", "ab", 1},
		{"abc", "acb", 1},
		{"ca", "abc", 3},
		{"kitten", "sitting", 3},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		cr_assert_eq(suggest_distance(v[i].a, v[i].b), v[i].distance,
			     "%s %s", v[i].a, v[i].b);
		cr_assert_eq(suggest_distance(v[i].b, v[i].a), v[i].distance);
	}
	cr_assert_eq(suggest_distance("0123456789012345678901234567890123456789"
				      "01234567890",
				      "a"),
		     SUGGEST_MAX);
}

Test(suggest, keeps_the_best)
{
	static const char *const words[] = {"Ports", "Port", "Protocol",
					    "Protocols"};
	static const char *const v[][2] = {
		{"port", "Port"},      {"Prots", "Ports"},
		{"proto", "Protocol"}, {"protocolls", "Protocols"},
		{"Firewall", NULL},    {"", NULL},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct suggest s = {0};

		for (size_t j = 0; j < sizeof(words) / sizeof(*words); j++)
			suggest_offer(&s, v[i][0], words[j]);
		if (v[i][1])
			cr_assert_str_eq(s.word, v[i][1], "%s", v[i][0]);
		else
			cr_assert_null(s.word, "%s", v[i][0]);
	}
}

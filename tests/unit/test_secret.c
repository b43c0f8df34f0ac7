/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_secret.c - What a secret may be, and for whom it is. */
#include <criterion/criterion.h>
#include <string.h>

#include "secret.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

Test(secret, placeholders)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{"$MSB_X", true},
		{"$MSB_", false},
		{"", false},
		{"a b c d", false},
		{"%MSB_KEY%", false},
		{"a\\bcdefg", false},
		{"{{KEY}}", true},
		{"abcde\x7f", false},
		{"abcde\xc3\xa4", false},
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		cr_assert_eq(
			!secret_placeholder_flaw((const uint8_t *)cases[i].text,
						 strlen(cases[i].text)),
			cases[i].good, "%s", cases[i].text);
}

Test(secret, values)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{"v", true},	  {"", false},	   {"a\r\nb", false},
		{"a\tb c", true}, {" a", false},   {"a\t", false},
		{"a\n", false},	  {"\x7f", false}, {"\xc3\xa4", true},
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		cr_assert_eq(!secret_value_flaw((const uint8_t *)cases[i].text,
						strlen(cases[i].text)),
			     cases[i].good, "%zu", i);
}

Test(secret, hosts)
{
	static const struct secret_host hosts[] = {
		{"api.example.com", false},
		{"example.net", true},
	};
	static const struct {
		const char *name;
		bool allowed;
	} cases[] = {
		{"api.example.com", true},
		{"API.Example.COM", true},
		{"x.api.example.com", false},
		{"example.com", false},
		{"example.net", false},
		{"a.example.net", true},
		{"b.a.Example.net", true},
		{"aexample.net", false},
		{".example.net", false},
		{"", false},
		{"api.example.com.evil.org", false},
	};
	struct secret s = {.hosts = hosts, .n_hosts = COUNT(hosts)};

	for (size_t i = 0; i < COUNT(cases); i++)
		cr_assert_eq(
			secret_allows(&s, cases[i].name, strlen(cases[i].name)),
			cases[i].allowed, "%s", cases[i].name);
}

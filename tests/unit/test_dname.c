/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_dname.c - Domain names: reading, printing, matching by labels. */
#include <criterion/criterion.h>
#include <string.h>

#include "dname.h"

static struct dname config(struct arena *a, const char *text)
{
	struct dname n = {0};
	const char *why = dname_from_config(a, text, &n);

	cr_assert_null(why, "%s %s", text, why);
	return n;
}

static struct dname wire(struct arena *a, const char *text)
{
	struct dname n = {0};
	const char *why = dname_from_presentation(a, text, &n);

	cr_assert_null(why, "%s %s", text, why);
	return n;
}

Test(dname, canonical_form)
{
	static const char *const same[][2] = {
		{"Example.COM", "example.com"},
		{"example.com.", "example.com"},
		{"_dmarc.ex-ample.com", "_dmarc.ex-ample.com"},
		{"b\303\274cher.example", "xn--bcher-kva.example"},
		{"B\303\234CHER.example", "xn--bcher-kva.example"},
		{"fa\303\237.de", "xn--fa-hia.de"},
		{"com", "com"},
	};
	char buf[DNAME_TEXT_MAX];
	ARENA(a);
	size_t i;

	for (i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		cr_expect_str_eq(dname_format(config(&a, same[i][0]), buf),
				 same[i][1]);
}

Test(dname, refuses_what_is_no_name)
{
	static const char *const bad[] = {
		"",	  ".",	  "a..b",     ".a",
		"a b",	  "a:b",  "a@b",      "a/b",
		"a\\b",	  "..",	  "a..",      "*.a",
		"a\001b", "\377", "\302\240", "a.\343\200\202",
	};
	char label[80], name[300];
	struct dname n;
	ARENA(a);
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_not_null(dname_from_config(&a, bad[i], &n), "%s",
				   bad[i]);
	memset(label, 'a', 64);
	label[64] = '\0';
	cr_expect_not_null(dname_from_config(&a, label, &n));
	cr_expect_null(dname_from_config(&a, label + 1, &n));
	/* 4 * 63 + 1 = 253 is the longest. */
	for (i = 0; i < 253; i++)
		name[i] = i % 2 ? '.' : 'a';
	name[253] = '\0';
	cr_expect_null(dname_from_config(&a, name, &n));
	cr_expect_eq(n.len, 255);
	strcpy(name + 253, ".");
	cr_expect_null(dname_from_config(&a, name, &n));
	strcpy(name + 252, "aa");
	cr_expect_not_null(dname_from_config(&a, name, &n));
	strcpy(name + 253, ".a");
	cr_expect_not_null(dname_from_config(&a, name, &n));
}

Test(dname, presentation_format_holds_any_octet)
{
	char buf[DNAME_TEXT_MAX];
	struct dname n;
	ARENA(a);

	cr_expect_eq(wire(&a, ".").len, 1);
	cr_expect_str_eq(dname_format(wire(&a, "."), buf), ".");
	cr_expect_str_eq(dname_format(wire(&a, "a\\032b.evil.com"), buf),
			 "a\\032b.evil.com");
	cr_expect_str_eq(dname_format(wire(&a, "a\\.b.COM."), buf),
			 "a\\046b.com");
	cr_expect_str_eq(dname_format(wire(&a, "\\000.x"), buf), "\\000.x");
	cr_expect_not_null(dname_from_presentation(&a, "a\\25x", &n));
	cr_expect_not_null(dname_from_presentation(&a, "a\\256", &n));
	cr_expect_not_null(dname_from_presentation(&a, "a\\", &n));
	cr_expect_not_null(dname_from_presentation(&a, "a..b", &n));
	cr_expect_not_null(dname_from_presentation(&a, ".a", &n));
	cr_expect_not_null(dname_from_presentation(&a, "", &n));
}

Test(dname, matches_whole_labels)
{
	ARENA(a);
	struct dname evil = config(&a, "evil.com");

	cr_expect(dname_equal(wire(&a, "EVIL.com"), evil));
	cr_expect_not(dname_below(evil, evil));
	cr_expect(dname_below(wire(&a, "-x.evil.com"), evil));
	cr_expect(dname_below(wire(&a, "a\\032b.evil.com"), evil));
	cr_expect(dname_below(wire(&a, "a.b.c.evil.com"), evil));
	cr_expect_not(dname_below(wire(&a, "notevil.com"), evil));
	cr_expect_not(dname_below(wire(&a, "x\\.evil.com"), evil));
	cr_expect_not(dname_below(wire(&a, "com"), evil));
	cr_expect_not(dname_below(wire(&a, "."), evil));
	/* A label whose octets spell the suffix's wire format is one label. */
	cr_expect_not(dname_below(wire(&a, "a\\004evil\\003com"), evil));
	cr_expect(dname_below(wire(&a, "com"), wire(&a, ".")));
}

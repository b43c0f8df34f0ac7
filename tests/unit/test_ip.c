/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_ip.c - Addresses, prefixes and the algebra of address sets. */
#include <criterion/criterion.h>

#include "ip.h"

static struct ip_range range(const char *lo, const char *hi)
{
	struct ip a, b;

	cr_assert(ip_parse(lo, &a) && ip_parse(hi, &b));
	return (struct ip_range){a.family, a.num, b.num};
}

static struct ip_range prefix(const char *text)
{
	struct ip_range r;

	cr_assert(ip_parse_prefix(text, &r, NULL), "%s", text);
	return r;
}

Test(ip, parses_and_formats)
{
	static const char *const good[][2] = {
		{"0.0.0.0", "0.0.0.0"},
		{"255.255.255.255", "255.255.255.255"},
		{"::", "::"},
		{"2001:DB8:0:0::1", "2001:db8::1"},
		{"::ffff:10.0.0.1", "::ffff:10.0.0.1"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	};
	static const char *const bad[] = {
		"",	    "1.2.3",	"1.2.3.4.5",  "01.2.3.4", "1.2.3.256",
		"1.2.3.4 ", " 1.2.3.4", "fe80::1%lo", ":::",	  "[::1]",
	};
	char buf[IP_TEXT_MAX];
	struct ip ip;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		cr_assert(ip_parse(good[i][0], &ip));
		cr_expect_str_eq(ip_format(ip, buf), good[i][1]);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_not(ip_parse(bad[i], &ip), "%s", bad[i]);
}

Test(ip, prefixes_know_their_host_bits)
{
	static const char *const bad[] = {
		"10.0.0.0",	"10.0.0.0/", "10.0.0.0/33",
		"10.0.0.0/08",	"::/129",    "10.0.0.0/-1",
		"10.0.0.0/8/8", "x/8",	     "10.0.0.0/0000000000000008"};
	struct ip_range r;
	bool masked;
	size_t i;

	cr_assert(ip_parse_prefix("10.1.2.3/8", &r, &masked));
	cr_expect(masked);
	cr_expect(r.lo == 0x0a000000 && r.hi == 0x0affffff);
	cr_assert(ip_parse_prefix("0.0.0.0/0", &r, &masked));
	cr_expect(!masked && r.lo == 0 && r.hi == ip_max(IP_V4));
	cr_assert(ip_parse_prefix("::/0", &r, &masked));
	cr_expect(!masked && r.lo == 0 && r.hi == ip_max(IP_V6));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_not(ip_parse_prefix(bad[i], &r, NULL), "%s", bad[i]);
}

Test(ip, ranges_print_as_nft_lists_them)
{
	char buf[IP_TEXT_MAX];

	cr_expect_str_eq(ip_range_format(range("10.0.0.1", "10.0.0.1"), buf),
			 "10.0.0.1");
	cr_expect_str_eq(ip_range_format(range("10.0.0.2", "10.0.0.3"), buf),
			 "10.0.0.2/31");
	cr_expect_str_eq(ip_range_format(range("10.0.0.1", "10.0.0.2"), buf),
			 "10.0.0.1-10.0.0.2");
	cr_expect_str_eq(ip_range_format(prefix("::/0"), buf), "::/0");
	cr_expect_eq(ip_range_prefix_len(prefix("0.0.0.0/0")), 0);
	cr_expect_eq(ip_range_prefix_len(range("10.0.0.1", "10.0.0.2")), -1);
	cr_expect_eq(ip_range_prefix_len(range("10.0.0.1", "10.0.0.4")), -1);
}

Test(ip, mapped_addresses_are_unwrapped_whole)
{
	struct ip_range r = ip_range_unmap(prefix("::ffff:10.0.0.0/104"));
	struct ip ip;

	cr_expect(r.family == IP_V4 && r.lo == 0x0a000000 &&
		  r.hi == 0x0affffff);
	r = ip_range_unmap(prefix("::ffff:0:0/95"));
	cr_expect_eq((int)r.family, (int)IP_V6);
	cr_assert(ip_parse("::ffff:1.2.3.4", &ip));
	cr_expect(ip_is_mapped(ip) && ip_unmap(ip).num == 0x01020304);
	cr_assert(ip_parse("::fffe:1.2.3.4", &ip));
	cr_expect_not(ip_is_mapped(ip));
}

Test(ip, sets_are_normal_at_the_ends_of_the_space)
{
	ARENA(a);
	const struct ip_range v[] = {
		range("255.255.255.254", "255.255.255.255"),
		range("0.0.0.0", "0.0.0.0"),
		range("255.255.255.255", "255.255.255.255"),
		range("0.0.0.1", "0.0.0.9"),
		prefix("ffff::/16"),
		prefix("::/128"),
	};
	struct ip_set s = ip_set_from(&a, v, sizeof(v) / sizeof(v[0])), rest;
	const struct ip_range all4 = prefix("0.0.0.0/0");

	cr_assert_eq(s.n, 4);
	cr_expect(s.v[0].lo == 0 && s.v[0].hi == 9);
	cr_expect(s.v[1].hi == ip_max(IP_V4));
	cr_expect(s.v[3].hi == ip_max(IP_V6));
	cr_expect_eq(ip_set_family(s, IP_V6).n, 2);
	rest = ip_set_minus(&a, ip_set_from(&a, &all4, 1), s);
	cr_assert_eq(rest.n, 1);
	cr_expect(rest.v[0].lo == 10 && rest.v[0].hi == 0xfffffffd);
	cr_expect_eq(ip_set_minus(&a, s, s).n, 0);
}

/* Every set operation against a bitmap of a small space. */
Test(ip, set_algebra_agrees_with_a_bitmap)
{
	unsigned int seed = 1, round, i, j;

	for (round = 0; round < 2000; round++) {
		ARENA(a);
		bool bit[2][32] = {{false}};
		struct ip_set s[2], both, less;

		for (j = 0; j < 2; j++) {
			struct ip_range v[4];
			unsigned int n = round % 5;

			for (i = 0; i < n; i++) {
				unsigned int lo, hi, k;

				seed = seed * 1103515245u + 12345u;
				lo = seed >> 16 & 31;
				hi = lo + (seed >> 24 & 7);
				hi = hi > 31 ? 31 : hi;
				v[i] = (struct ip_range){IP_V4, lo, hi};
				for (k = lo; k <= hi; k++)
					bit[j][k] = true;
			}
			s[j] = ip_set_from(&a, v, n);
		}
		both = ip_set_union(&a, s[0], s[1]);
		less = ip_set_minus(&a, s[0], s[1]);
		for (i = 0; i < 32; i++) {
			const struct ip ip = {IP_V4, i};

			cr_assert_eq(ip_set_has(s[0], ip), bit[0][i]);
			cr_assert_eq(ip_set_has(both, ip),
				     bit[0][i] || bit[1][i]);
			cr_assert_eq(ip_set_has(less, ip),
				     bit[0][i] && !bit[1][i]);
			cr_assert_eq(ip_set_covers(s[0], ip_single(ip)),
				     bit[0][i]);
		}
		for (i = 1; i < both.n; i++)
			cr_assert(both.v[i].lo > both.v[i - 1].hi + 1);
	}
}

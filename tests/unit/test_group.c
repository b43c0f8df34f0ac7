/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_group.c - The groups are a partition, by lookup and by set alike. */
#include <criterion/criterion.h>

#include "group.h"

static struct ip ip(const char *text)
{
	struct ip r;

	cr_assert(ip_parse(text, &r));
	return r;
}

static const struct {
	const char *address;
	enum group group;
} rows[] = {
	{"0.0.0.0", GROUP_NONE},
	{"::", GROUP_NONE},
	{"0.0.0.1", GROUP_PUBLIC},
	{"172.16.0.1", GROUP_HOST},
	{"fd42:6d73:62::1", GROUP_HOST},
	{"172.16.0.0", GROUP_PRIVATE},
	{"172.16.0.2", GROUP_PRIVATE},
	{"169.254.169.254", GROUP_METADATA},
	{"169.254.169.253", GROUP_LINK_LOCAL},
	{"127.0.0.1", GROUP_LOOPBACK},
	{"127.255.255.255", GROUP_LOOPBACK},
	{"128.0.0.0", GROUP_PUBLIC},
	{"::1", GROUP_LOOPBACK},
	{"::2", GROUP_PUBLIC},
	{"9.255.255.255", GROUP_PUBLIC},
	{"10.0.0.0", GROUP_PRIVATE},
	{"10.255.255.255", GROUP_PRIVATE},
	{"11.0.0.0", GROUP_PUBLIC},
	{"100.63.255.255", GROUP_PUBLIC},
	{"100.64.0.0", GROUP_PRIVATE},
	{"100.127.255.255", GROUP_PRIVATE},
	{"100.128.0.0", GROUP_PUBLIC},
	{"172.15.255.255", GROUP_PUBLIC},
	{"172.31.255.255", GROUP_PRIVATE},
	{"172.32.0.0", GROUP_PUBLIC},
	{"192.168.255.255", GROUP_PRIVATE},
	{"192.169.0.0", GROUP_PUBLIC},
	{"198.51.100.7", GROUP_PUBLIC},
	{"203.0.113.9", GROUP_PUBLIC},
	{"2001:db8::1", GROUP_PUBLIC},
	{"fbff::1", GROUP_PUBLIC},
	{"fc00::", GROUP_PRIVATE},
	{"fdff::1", GROUP_PRIVATE},
	{"fe80::1", GROUP_LINK_LOCAL},
	{"febf::1", GROUP_LINK_LOCAL},
	{"fec0::1", GROUP_PUBLIC},
	{"feff::1", GROUP_PUBLIC},
	{"ff00::", GROUP_MULTICAST},
	{"ff02::1", GROUP_MULTICAST},
	{"224.0.0.1", GROUP_MULTICAST},
	{"239.255.255.255", GROUP_MULTICAST},
	{"223.255.255.255", GROUP_PUBLIC},
	{"240.0.0.0", GROUP_PUBLIC},
	{"255.255.255.255", GROUP_PUBLIC},
	{"::ffff:10.0.0.1", GROUP_PRIVATE},
	{"::ffff:127.0.0.1", GROUP_LOOPBACK},
	{"::ffff:8.8.8.8", GROUP_PUBLIC},
};

Test(group, every_edge)
{
	const struct ip gw4 = ip("172.16.0.1"), gw6 = ip("fd42:6d73:62::1");
	struct ip_set sets[GROUP_COUNT];
	ARENA(a);
	enum group g;
	size_t i;

	for (g = 0; g < GROUP_COUNT; g++)
		sets[g] = group_set(&a, g, gw4, gw6);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip at = ip_unmap(ip(rows[i].address));

		cr_expect_eq(group_of(ip(rows[i].address), gw4, gw6),
			     rows[i].group, "%s", rows[i].address);
		for (g = 0; g < GROUP_COUNT; g++)
			cr_expect_eq(ip_set_has(sets[g], at),
				     g == rows[i].group, "%s in %s",
				     rows[i].address, group_name(g));
	}
}

Test(group, sets_are_disjoint_and_whole)
{
	const struct ip gw4 = ip("198.51.100.1"), gw6 = ip("2001:db8::1");
	struct ip_set all = {0};
	ip_num covered = 0;
	ARENA(a);
	enum group g;
	size_t i;

	for (g = 0; g < GROUP_COUNT; g++) {
		struct ip_set s = group_set(&a, g, gw4, gw6);

		for (i = 0; i < s.n; i++)
			if (s.v[i].family == IP_V4)
				covered += s.v[i].hi - s.v[i].lo + 1;
		all = ip_set_union(&a, all, s);
	}
	cr_expect_eq(all.n, 2);
	cr_expect(covered == (ip_num)1 << 32);
	cr_expect_eq(group_of(gw4, gw4, gw6), GROUP_HOST);
}

Test(group, names)
{
	enum group g, found;

	for (g = GROUP_HOST; g < GROUP_COUNT; g++) {
		cr_assert(group_from_name(group_name(g), &found));
		cr_expect_eq(found, g);
	}
	cr_expect_not(group_from_name("none", &found));
	cr_expect_not(group_from_name("Public", &found));
}

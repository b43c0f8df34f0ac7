/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_pool.c - Slots: the n-th /30 and /64, and the MAC of each. */
#include <criterion/criterion.h>

#include "pool.h"

static struct ip_range prefix(const char *text)
{
	struct ip_range r;

	cr_assert(ip_parse_prefix(text, &r, NULL));
	return r;
}

Test(pool, addresses_of_slots)
{
	struct slot s = pool_slot(prefix("172.16.0.0/12"),
				  prefix("fd42:6d73:62::/48"), 0x0102);
	char buf[IP_TEXT_MAX];

	cr_expect_str_eq(ip_range_format(s.net4, buf), "172.16.4.8/30");
	cr_expect_str_eq(ip_format(s.gw4, buf), "172.16.4.9");
	cr_expect_str_eq(ip_format(s.guest4, buf), "172.16.4.10");
	cr_expect_str_eq(ip_range_format(s.net6, buf), "fd42:6d73:62:102::/64");
	cr_expect_str_eq(ip_format(s.gw6, buf), "fd42:6d73:62:102::1");
	cr_expect_str_eq(ip_format(s.guest6, buf), "fd42:6d73:62:102::2");
	cr_expect_arr_eq(s.guest_mac, "\002\155\163\001\002\002", 6);
	cr_expect_arr_eq(s.gw_mac, "\002\155\163\001\002\001", 6);
}

Test(pool, size_is_that_of_the_smaller)
{
	cr_expect_eq(pool_slots(prefix("172.16.0.0/12"), prefix("fd00::/48")),
		     65536);
	cr_expect_eq(pool_slots(prefix("10.0.0.0/8"), prefix("fd00::/8")),
		     65536);
	cr_expect_eq(pool_slots(prefix("10.0.0.0/30"), prefix("fd00::/48")), 1);
	cr_expect_eq(pool_slots(prefix("10.0.0.0/24"), prefix("fd00::/62")), 4);
	cr_expect_eq(pool_slots(prefix("0.0.0.0/0"), prefix("::/0")), 65536);
}

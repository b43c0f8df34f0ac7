/* SPDX-License-Identifier: GPL-2.0-or-later */
/* group.c - The destination groups: a partition of all addresses. */
#include "group.h"

#include <string.h>

/* A prefix as numbers: groups are asked about on the paths of packets. */
#define NET4(a, b, c, d, len) \
	{ \
		IP_V4, (ip_num)(a) << 24 | (b) << 16 | (c) << 8 | (d), len \
	}
#define NET6(hi, lo, len) \
	{ \
		IP_V6, (ip_num)UINT64_C(hi) << 64 | UINT64_C(lo), len \
	}

/**
 * struct group_net - A prefix
 * @family:	family; 0 ends a list
 * @num:	address
 * @len:	length, bits
 */
struct group_net {
	enum ip_family family;
	ip_num num;
	unsigned int len;
};

/**
 * struct group_row - One group
 * @name:	the word in a document
 * @summary:	what it holds, for the manual
 * @nets:	its prefixes; what an earlier group holds is not in a later one.
 *		Host and public have none: the one depends on the slot, the
 *		other is the rest
 */
struct group_row {
	const char *name;
	const char *summary;
	struct group_net nets[6];
};

/* Sources: RFC 6890 and the IANA special-purpose address registries for
 * loopback, private and link-local, RFC 6598 for 100.64.0.0/10, RFC 4193 for
 * fc00::/7; 169.254.169.254 is where cloud providers serve credentials. */
static const struct group_row groups[GROUP_COUNT] = {
	[GROUP_NONE] = {"none",
			"the unspecified addresses 0.0.0.0 and ::",
			{NET4(0, 0, 0, 0, 32), NET6(0, 0, 128)}},
	[GROUP_HOST] = {"host", "the sandbox's own gateway addresses", {{0}}},
	[GROUP_METADATA] = {"metadata",
			    "169.254.169.254, the cloud metadata service",
			    {NET4(169, 254, 169, 254, 32)}},
	[GROUP_LOOPBACK] = {"loopback",
			    "127.0.0.0/8 and ::1",
			    {NET4(127, 0, 0, 0, 8), NET6(0, 1, 128)}},
	[GROUP_PRIVATE] = {"private",
			   "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, "
			   "100.64.0.0/10 and fc00::/7",
			   {NET4(10, 0, 0, 0, 8), NET4(172, 16, 0, 0, 12),
			    NET4(192, 168, 0, 0, 16), NET4(100, 64, 0, 0, 10),
			    NET6(0xfc00000000000000, 0, 7)}},
	[GROUP_LINK_LOCAL] = {"link-local",
			      "169.254.0.0/16 and fe80::/10",
			      {NET4(169, 254, 0, 0, 16),
			       NET6(0xfe80000000000000, 0, 10)}},
	[GROUP_MULTICAST] = {"multicast",
			     "224.0.0.0/4 and ff00::/8",
			     {NET4(224, 0, 0, 0, 4),
			      NET6(0xff00000000000000, 0, 8)}},
	[GROUP_PUBLIC] = {"public", "every other address", {{0}}},
};

const char *group_name(enum group g)
{
	return groups[g].name;
}

const char *group_summary(enum group g)
{
	return groups[g].summary;
}

bool group_from_name(const char *name, enum group *ret)
{
	enum group g;

	/* "none" is where a flow can be, not what a rule can name. */
	for (g = GROUP_HOST; g < GROUP_COUNT; g++) {
		if (strcmp(groups[g].name, name) == 0) {
			*ret = g;
			return true;
		}
	}
	return false;
}

/* The prefixes of a group, without regard to earlier groups. */
static size_t group_prefixes(enum group g, struct ip gw4, struct ip gw6,
			     struct ip_range ret[6])
{
	size_t n = 0;

	if (g == GROUP_HOST) {
		ret[n++] = ip_single(gw4);
		ret[n++] = ip_single(gw6);
	}
	for (const struct group_net *net = groups[g].nets; n < 6 && net->family;
	     net++) {
		const struct ip ip = {net->family, net->num};

		ret[n++] = ip_prefix(ip, net->len);
	}
	return n;
}

enum group group_of(struct ip ip, struct ip gw4, struct ip gw6)
{
	struct ip_range v[6];
	enum group g;
	size_t i, n;

	ip = ip_unmap(ip);
	for (g = GROUP_NONE; g < GROUP_PUBLIC; g++) {
		n = group_prefixes(g, gw4, gw6, v);
		for (i = 0; i < n; i++)
			if (ip_range_has(v[i], ip))
				return g;
	}
	return GROUP_PUBLIC;
}

struct ip_set group_set(struct arena *a, enum group g, struct ip gw4,
			struct ip gw6)
{
	const struct ip_range all[2] = {
		{IP_V4, 0, ip_max(IP_V4)},
		{IP_V6, 0, ip_max(IP_V6)},
	};
	struct ip_set earlier = {0}, set = ip_set_from(a, all, 2);
	struct ip_range v[6];
	enum group i;

	for (i = GROUP_NONE; i < g; i++) {
		size_t n = group_prefixes(i, gw4, gw6, v);

		earlier = ip_set_union(a, earlier, ip_set_from(a, v, n));
	}
	if (g != GROUP_PUBLIC)
		set = ip_set_from(a, v, group_prefixes(g, gw4, gw6, v));
	return ip_set_minus(a, set, earlier);
}

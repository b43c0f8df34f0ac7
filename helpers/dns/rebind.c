/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rebind.c - Addresses that a name of the outside must not have. */
#include "rebind.h"

#include <string.h>

/**
 * struct rebind_form - An IPv6 address with an IPv4 address inside
 * @about:	its name and source
 * @hi:		prefix, first 64 bits
 * @lo:		prefix, last 64 bits
 * @len:	length of the prefix, bits
 * @shift:	bits behind the IPv4 address
 * @invert:	every bit of it is inverted
 */
struct rebind_form {
	const char *about;
	uint64_t hi;
	uint64_t lo;
	unsigned int len;
	unsigned int shift;
	bool invert;
};

static const struct rebind_form forms[] = {
	{"IPv4-mapped, RFC 4291 2.5.5.2", 0, UINT64_C(0xffff) << 32, 96, 0,
	 false},
	{"IPv4-compatible, RFC 4291 2.5.5.1", 0, 0, 96, 0, false},
	{"NAT64, RFC 6052 2.1", UINT64_C(0x64ff9b) << 32, 0, 96, 0, false},
	{"6to4, RFC 3056 2", UINT64_C(0x2002) << 48, 0, 16, 80, false},
	{"Teredo's server, RFC 4380 4", UINT64_C(0x20010000) << 32, 0, 32, 64,
	 false},
	{"Teredo's client, RFC 4380 4", UINT64_C(0x20010000) << 32, 0, 32, 0,
	 true},
};

static bool form_holds(const struct rebind_form *f, struct ip ip,
		       struct ip *ret)
{
	const struct ip prefix = {IP_V6, (ip_num)f->hi << 64 | f->lo};
	const uint32_t inside = (uint32_t)(ip.num >> f->shift);

	if (!ip_range_has(ip_prefix(prefix, f->len), ip))
		return false;
	/* :: and ::1 are what they are. */
	if (!f->hi && !f->lo && inside <= 1)
		return false;
	*ret = (struct ip){IP_V4, f->invert ? ~inside : inside};
	return true;
}

bool rebind_denied(struct ip_set local, struct ip ip)
{
	struct ip inside;

	if (ip_set_has(local, ip))
		return true;
	if (ip.family != IP_V6)
		return false;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (form_holds(&forms[i], ip, &inside) &&
		    ip_set_has(local, inside))
			return true;
	return false;
}

/* Whether rule @r is about every service that rule @other is about. */
static bool covers_service(const struct policy_rule *r,
			   const struct policy_rule *other)
{
	const unsigned int all = CONFIG_TCP | CONFIG_UDP | CONFIG_ICMPV4 |
				 CONFIG_ICMPV6;
	const unsigned int theirs = other->protos ? other->protos : all;

	if (r->protos && (!other->protos || theirs & ~r->protos))
		return false;
	if (!r->n_ports)
		return true;
	if (!other->n_ports)
		return false;
	for (size_t i = 0; i < other->n_ports; i++) {
		bool covered = false;

		for (size_t j = 0; j < r->n_ports; j++)
			covered |= r->ports[j].lo <= other->ports[i].lo &&
				   r->ports[j].hi >= other->ports[i].hi;
		if (!covered)
			return false;
	}
	return true;
}

static struct ip_set reach(struct arena *a, const struct policy *p,
			   const struct policy_rule *r)
{
	const struct ip_range all[2] = {
		{IP_V4, 0, ip_max(IP_V4)},
		{IP_V6, 0, ip_max(IP_V6)},
	};

	switch (r->dest.kind) {
	case CONFIG_DEST_ANY:
		return ip_set_from(a, all, 2);
	case CONFIG_DEST_GROUP:
		return group_set(a, r->dest.group, p->slot.gw4, p->slot.gw6);
	case CONFIG_DEST_RANGE:
		return ip_set_from(a, &r->dest.range, 1);
	case CONFIG_DEST_NAME:
	case CONFIG_DEST_SUFFIX:
		break;
	}
	return (struct ip_set){0};
}

static bool names_address(const struct policy_rule *r)
{
	return r->dest.kind == CONFIG_DEST_RANGE ||
	       (r->dest.kind == CONFIG_DEST_GROUP &&
		r->dest.group != GROUP_PUBLIC);
}

/* Earlier rules that are looked at for each rule: past this the later rule
 * counts for nothing, which is the safe side. */
#define EARLIER_MAX 4096

struct ip_set rebind_local(struct arena *a, const struct policy *p)
{
	const struct policy_walk *w = &p->walk[POLICY_EGRESS];
	struct ip_set allowed = {0}, local;
	ARENA(s);

	for (size_t i = 0; i < w->n && i < EARLIER_MAX; i++) {
		struct ip_set set;

		if (!w->rules[i].allow || !names_address(&w->rules[i]))
			continue;
		set = reach(&s, p, &w->rules[i]);
		for (size_t j = 0; j < i && set.n; j++)
			if (covers_service(&w->rules[j], &w->rules[i]) &&
			    !(w->rules[j].allow && names_address(&w->rules[j])))
				set = ip_set_minus(&s, set,
						   reach(&s, p, &w->rules[j]));
		allowed = ip_set_union(&s, allowed, set);
	}
	local = ip_set_minus(
		&s,
		ip_set_minus(
			&s, reach(&s, p, &(struct policy_rule){0}),
			group_set(&s, GROUP_PUBLIC, p->slot.gw4, p->slot.gw6)),
		allowed);
	return ip_set_from(a, local.v, local.n);
}

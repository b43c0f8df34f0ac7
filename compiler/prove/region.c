/* SPDX-License-Identifier: GPL-2.0-or-later */
/* region.c - Sets of flows: addresses by protocols by ports. */
#include "region.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/** enum proto_class - Protocols that a document tells apart, as bits */
enum proto_class {
	CLASS_TCP = 1,
	CLASS_UDP = 2,
	CLASS_ICMP = 4,
	CLASS_OTHER = 8,
	CLASS_ALL = 15,
};

static const enum ip_family families[] = {IP_V4, IP_V6};

static struct ip_set family_all(struct arena *a, enum ip_family family)
{
	const struct ip_range r = {family, 0, ip_max(family)};

	return ip_set_from(a, &r, 1);
}

static bool has_proto(const struct region *r, unsigned int proto)
{
	return r->protos[proto / 64] >> (proto % 64) & 1;
}

void region_all(struct arena *a, struct region *ret)
{
	*ret = (struct region){
		.addrs = ip_set_union(a, family_all(a, IP_V4),
				      family_all(a, IP_V6)),
		.any_port = true,
	};
	memset(ret->protos, 0xff, sizeof(ret->protos));
}

static void narrow_address(struct arena *a, struct region *r,
			   enum ip_family family, const struct listing_elem *v,
			   size_t n, size_t part, bool negate)
{
	struct ip_range *ranges = arena_array(a, n, struct ip_range);
	struct ip_set set, mine = ip_set_family(r->addrs, family);
	size_t i;

	for (i = 0; i < n; i++)
		ranges[i] = (struct ip_range){family, v[i].part[part].lo,
					      v[i].part[part].hi};
	/* One element of a map: the common case has no set to be made. */
	if (n == 1 && !negate && mine.n == 1) {
		struct ip_range both = mine.v[0];

		if (both.lo < ranges[0].lo)
			both.lo = ranges[0].lo;
		if (both.hi > ranges[0].hi)
			both.hi = ranges[0].hi;
		ranges[0] = both;
		r->addrs = (struct ip_set){ranges, both.lo <= both.hi};
		return;
	}
	set = ip_set_from(a, ranges, n);
	if (!negate)
		set = ip_set_minus(a, family_all(a, family), set);
	r->addrs = ip_set_minus(a, mine, set);
}

static void narrow_proto(struct region *r, const struct listing_elem *v,
			 size_t n, size_t part, bool negate)
{
	uint64_t bits[4] = {0};
	unsigned int p, hi;
	size_t i;

	for (i = 0; i < n; i++) {
		hi = (unsigned int)v[i].part[part].hi;
		for (p = (unsigned int)v[i].part[part].lo; p <= hi; p++)
			bits[p / 64] |= (uint64_t)1 << (p % 64);
	}
	for (i = 0; i < 4; i++)
		r->protos[i] &= negate ? ~bits[i] : bits[i];
}

/* Ports that are in both lists. */
static void ports_both(struct arena *a, struct region *r,
		       const struct config_ports *v, size_t n)
{
	struct config_ports *both =
		arena_array(a, n + r->n_ports, struct config_ports);
	size_t i = 0, j = 0, k = 0;

	while (i < n && j < r->n_ports) {
		const struct config_ports x = v[i], y = r->ports[j];
		const uint16_t lo = x.lo > y.lo ? x.lo : y.lo;
		const uint16_t hi = x.hi < y.hi ? x.hi : y.hi;

		if (lo <= hi)
			both[k++] = (struct config_ports){lo, hi};
		if (x.hi < y.hi)
			i++;
		else
			j++;
	}
	r->ports = both;
	r->n_ports = k;
}

static int by_port(const void *x, const void *y)
{
	const struct config_ports *a = x, *b = y;

	return (int)a->lo - (int)b->lo;
}

static void narrow_port(struct arena *a, struct region *r,
			const struct listing_elem *v, size_t n, size_t part,
			bool negate)
{
	struct config_ports *in = arena_array(a, n, struct config_ports);
	struct config_ports *out = arena_array(a, n + 1, struct config_ports);
	size_t i, n_in = 0, n_out = 0;
	uint32_t from = 0;

	for (i = 0; i < n; i++)
		in[i] = (struct config_ports){
			(uint16_t)v[i].part[part].lo,
			(uint16_t)v[i].part[part].hi,
		};
	if (n)
		qsort(in, n, sizeof(*in), by_port);
	for (i = 0; i < n; i++) {
		if (n_in && in[i].lo <= (uint32_t)in[n_in - 1].hi + 1) {
			if (in[i].hi > in[n_in - 1].hi)
				in[n_in - 1].hi = in[i].hi;
		} else {
			in[n_in++] = in[i];
		}
	}
	for (i = 0; i < n_in; i++) {
		if (in[i].lo > from)
			out[n_out++] = (struct config_ports){
				(uint16_t)from, (uint16_t)(in[i].lo - 1)};
		from = (uint32_t)in[i].hi + 1;
	}
	if (from <= 65535)
		out[n_out++] = (struct config_ports){(uint16_t)from, 65535};
	if (!r->any_port) {
		ports_both(a, r, negate ? out : in, negate ? n_out : n_in);
		return;
	}
	r->any_port = false;
	r->ports = negate ? out : in;
	r->n_ports = negate ? n_out : n_in;
}

bool region_narrow(struct arena *a, struct region *r, enum policy_direction dir,
		   enum listing_key key, const struct listing_elem *v, size_t n,
		   size_t part, bool negate)
{
	const bool egress = dir == POLICY_EGRESS;
	bool good = false;

	if (key == (egress ? LISTING_KEY_CT_DADDR4 : LISTING_KEY_CT_SADDR4)) {
		narrow_address(a, r, IP_V4, v, n, part, negate);
		good = true;
	} else if (key ==
		   (egress ? LISTING_KEY_CT_DADDR6 : LISTING_KEY_CT_SADDR6)) {
		narrow_address(a, r, IP_V6, v, n, part, negate);
		good = true;
	} else if (key == LISTING_KEY_L4PROTO) {
		narrow_proto(r, v, n, part, negate);
		good = true;
	} else if (key == LISTING_KEY_CT_DPORT) {
		narrow_port(a, r, v, n, part, negate);
		good = true;
	}
	return good;
}

bool region_empty(const struct region *r)
{
	return !r->addrs.n ||
	       !(r->protos[0] | r->protos[1] | r->protos[2] | r->protos[3]) ||
	       (!r->any_port && !r->n_ports);
}

/* Classes of a region in one family; false if it has a part of one. */
static bool classes(const struct region *r, enum ip_family family,
		    unsigned int *ret)
{
	const unsigned int icmp = family == IP_V4 ? IPPROTO_ICMP
						  : IPPROTO_ICMPV6;
	unsigned int others = 0, p;

	*ret = 0;
	for (p = 0; p < 256; p++)
		if (p != IPPROTO_TCP && p != IPPROTO_UDP && p != icmp)
			others += has_proto(r, p);
	if (has_proto(r, IPPROTO_TCP))
		*ret |= CLASS_TCP;
	if (has_proto(r, IPPROTO_UDP))
		*ret |= CLASS_UDP;
	if (has_proto(r, icmp))
		*ret |= CLASS_ICMP;
	if (others)
		*ret |= CLASS_OTHER;
	return others == 0 || others == 253;
}

bool region_whole(const struct region *r)
{
	unsigned int bits;
	size_t i;

	for (i = 0; i < 2; i++) {
		if (!ip_set_family(r->addrs, families[i]).n)
			continue;
		if (!classes(r, families[i], &bits))
			return false;
		if (!r->any_port && (bits & (CLASS_ICMP | CLASS_OTHER)))
			return false;
	}
	return true;
}

/** struct lowered - A walk being written */
struct lowered {
	struct arena *a;
	struct policy_rule *v;
	size_t n;
	size_t cap;
	bool helpers;
};

static void lower_one(struct lowered *l, const struct region_rule *rule,
		      const struct config_dest *dest, unsigned int protos)
{
	l->v = arena_grow(l->a, l->v, l->n, &l->cap, sizeof(*l->v));
	l->v[l->n++] = (struct policy_rule){
		.allow = rule->helper ? l->helpers : rule->allow,
		.dest = *dest,
		.protos = protos,
		.ports = rule->region.any_port ? NULL : rule->region.ports,
		.n_ports = rule->region.any_port ? 0 : rule->region.n_ports,
		.pointer = rule->pointer,
	};
}

static unsigned int protos_of(enum ip_family family, unsigned int bits)
{
	unsigned int protos = 0;

	if (bits & CLASS_OTHER)
		return 0;
	if (bits & CLASS_TCP)
		protos |= CONFIG_TCP;
	if (bits & CLASS_UDP)
		protos |= CONFIG_UDP;
	if (bits & CLASS_ICMP)
		protos |= family == IP_V4 ? CONFIG_ICMPV4 : CONFIG_ICMPV6;
	return protos;
}

static bool is_all(struct ip_set s)
{
	return s.n == 2 && s.v[0].lo == 0 && s.v[1].lo == 0 &&
	       s.v[0].hi == ip_max(IP_V4) && s.v[1].hi == ip_max(IP_V6);
}

/* The part of a rule that is of some classes. */
static void lower_rule(struct lowered *l, const struct region_rule *rule,
		       unsigned int which)
{
	const struct config_dest any = {.kind = CONFIG_DEST_ANY};
	struct config_dest dest = {.kind = CONFIG_DEST_RANGE};
	unsigned int bits[2] = {0};
	size_t i, j;

	for (i = 0; i < 2; i++) {
		(void)classes(&rule->region, families[i], &bits[i]);
		bits[i] &= which;
	}
	if (is_all(rule->region.addrs) && bits[0] == bits[1]) {
		if (bits[0])
			lower_one(l, rule, &any,
				  protos_of(IP_V4, bits[0]) |
					  protos_of(IP_V6, bits[1]));
		return;
	}
	for (i = 0; i < 2; i++) {
		const struct ip_set s =
			ip_set_family(rule->region.addrs, families[i]);

		for (j = 0; bits[i] && j < s.n; j++) {
			dest.range = s.v[j];
			lower_one(l, rule, &dest,
				  protos_of(families[i], bits[i]));
		}
	}
}

/* Whether a rule is about the other protocols, but not about all. */
static bool others_alone(const struct region_rule *rule)
{
	unsigned int bits;
	size_t i;

	for (i = 0; i < 2; i++) {
		(void)classes(&rule->region, families[i], &bits);
		if (ip_set_family(rule->region.addrs, families[i]).n &&
		    (bits & CLASS_OTHER) && bits != CLASS_ALL)
			return true;
	}
	return false;
}

void region_rules_lower(struct arena *a, const struct region_rule *v, size_t n,
			bool helpers, struct policy_walk *ret)
{
	struct lowered l = {.a = a, .helpers = helpers};
	unsigned int class;
	bool split = false;
	size_t i;

	for (i = 0; i < n && !split; i++)
		split = others_alone(&v[i]);
	/* A rule of a document can be about other protocols only if it is about
	 * all. So where a region is not, the walk is written class by class,
	 * the others last: each flow of another class has been decided then. */
	for (class = CLASS_TCP; split && class <= CLASS_OTHER; class <<= 1)
		for (i = 0; i < n; i++)
			lower_rule(&l, &v[i], class);
	for (i = 0; !split && i < n; i++)
		lower_rule(&l, &v[i], CLASS_ALL);
	*ret = (struct policy_walk){
		.rules = l.v,
		.n = l.n,
		.default_pointer = "policy drop",
	};
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* walk_rules.c - A walk as nft rules, in the order of the document. */
#include <string.h>

#include "tables.h"

/*
 * Each rule of a walk becomes the product of its families, protocols and port
 * ranges, one nft rule each, all with the same comment. No anonymous sets: the
 * kernel names each of them by a search through all others, which is quadratic
 * in the number of rules.
 */

/** struct peer - One way to match the address of a rule: nothing, or a match */
struct peer {
	bool present;
	struct nft_match match;
	struct nft_elem elem;
};

static const uint16_t proto_numbers[] = {6, 17, 1, 58};
static const enum config_proto proto_bits[] = {CONFIG_TCP, CONFIG_UDP,
					       CONFIG_ICMPV4, CONFIG_ICMPV6};

static const char *group_set_name(struct arena *a, enum group g,
				  enum ip_family family)
{
	/* Public is what is left: the set holds what it is not. */
	char *name = arena_printf(
		a, "%s%d", g == GROUP_PUBLIC ? "nonpublic" : group_name(g),
		(int)family);
	char *dash = strchr(name, '-');

	if (dash)
		*dash = '_';
	return name;
}

static const struct ip_set *group_ranges(struct group_sets *g, enum group which)
{
	const struct ip_range all[2] = {
		{IP_V4, 0, ip_max(IP_V4)},
		{IP_V6, 0, ip_max(IP_V6)},
	};
	struct ip_set set;

	if (!g->known[which]) {
		set = group_set(g->a, which, g->gw4, g->gw6);
		if (which == GROUP_PUBLIC)
			set = ip_set_minus(g->a, ip_set_from(g->a, all, 2),
					   set);
		g->ranges[which] = set;
		g->known[which] = true;
	}
	return &g->ranges[which];
}

static const struct nft_set *group_nft_set(struct group_sets *g,
					   enum group which,
					   enum ip_family family,
					   struct ip_set ranges)
{
	const size_t column = family == IP_V6;
	struct nft_elem *v;
	struct nft_set *set;
	size_t i;

	if (g->made[which][column])
		return g->made[which][column];
	v = arena_array(g->a, ranges.n, struct nft_elem);
	for (i = 0; i < ranges.n; i++)
		v[i] = (struct nft_elem){.lo = ranges.v[i].lo,
					 .hi = ranges.v[i].hi};
	set = &g->sets[g->n++];
	*set = (struct nft_set){
		.name = group_set_name(g->a, which, family),
		.type = family == IP_V4 ? NFT_TYPE_IPV4_ADDR
					: NFT_TYPE_IPV6_ADDR,
		.interval = true,
		.v = v,
		.n = ranges.n,
	};
	g->made[which][column] = set;
	return set;
}

enum nft_key walk_peer_key(enum policy_direction dir, enum ip_family family)
{
	if (dir == POLICY_EGRESS)
		return family == IP_V4 ? NFT_CT_DADDR4 : NFT_CT_DADDR6;
	return family == IP_V4 ? NFT_CT_SADDR4 : NFT_CT_SADDR6;
}

static void peer_range(struct peer *p, enum policy_direction dir,
		       struct ip_range r)
{
	p->present = true;
	p->elem = (struct nft_elem){.lo = r.lo, .hi = r.hi};
	p->match =
		(struct nft_match){.key = walk_peer_key(dir, r.family), .n = 1};
}

/*
 * How to match a rule's addresses in one family. False: the rule has none in
 * that family.
 */
static bool peer_of(struct group_sets *g, const struct config_dest *dest,
		    enum policy_direction dir, enum ip_family family,
		    struct peer *ret)
{
	struct ip_set ranges;

	*ret = (struct peer){0};
	switch (dest->kind) {
	case CONFIG_DEST_ANY:
		return true;
	case CONFIG_DEST_RANGE:
		if (dest->range.family != family)
			return false;
		peer_range(ret, dir, dest->range);
		return true;
	case CONFIG_DEST_GROUP:
		break;
	case CONFIG_DEST_NAME:
	case CONFIG_DEST_SUFFIX:
		return false;
	}
	ranges = ip_set_family(*group_ranges(g, dest->group), family);
	if (!ranges.n)
		return false;
	if (ranges.n == 1 && dest->group != GROUP_PUBLIC) {
		peer_range(ret, dir, ranges.v[0]);
		return true;
	}
	ret->present = true;
	ret->match = (struct nft_match){
		.key = walk_peer_key(dir, family),
		.negate = dest->group == GROUP_PUBLIC,
		.set = group_nft_set(g, dest->group, family, ranges),
	};
	return true;
}

const struct walk_ends walk_plain = {.allow = TABLE_ALLOW};

struct nft_branch walk_end(const struct walk_ends *ends, bool allow,
			   const char *pointer)
{
	const char *target = allow ? ends->allow : ends->deny;

	return (struct nft_branch){
		.verb = target ? NFT_GOTO : NFT_DROP,
		.target = target,
		.comment = pointer,
	};
}

/* Append one nft rule: address, protocol (0: any), ports (NULL: any). */
static void walk_emit(struct arena *a, const struct walk_ends *ends,
		      struct nft_chain *chain, const struct policy_rule *r,
		      const struct peer *peer, uint16_t proto,
		      const struct config_ports *ports)
{
	struct nft_elem proto_elem = {.lo = proto, .hi = proto};
	struct nft_elem port_elem = {0};
	const struct nft_branch end = walk_end(ends, r->allow, r->pointer);
	struct nft_match match[3];
	struct nft_rule rule = {
		.match = match,
		.counter = true,
		.verb = end.verb,
		.target = end.target,
		.comment = end.comment,
	};

	if (peer->present) {
		match[rule.n] = peer->match;
		if (!peer->match.set)
			match[rule.n].v = &peer->elem;
		rule.n++;
	}
	if (proto)
		match[rule.n++] = (struct nft_match){
			.key = NFT_L4PROTO, .v = &proto_elem, .n = 1};
	if (ports) {
		port_elem.lo = ports->lo;
		port_elem.hi = ports->hi;
		match[rule.n++] = (struct nft_match){
			.key = NFT_CT_DPORT, .v = &port_elem, .n = 1};
	}
	nft_chain_add(a, chain, &rule);
}

/* All protocols and ports of a rule, for one way to match its address. */
static void walk_services(struct arena *a, const struct walk_ends *ends,
			  struct nft_chain *chain, const struct policy_rule *r,
			  const struct peer *peer, enum ip_family family,
			  enum policy_direction dir)
{
	size_t i, j;

	if (!r->protos) {
		walk_emit(a, ends, chain, r, peer, 0, NULL);
		return;
	}
	for (i = 0; i < sizeof(proto_bits) / sizeof(proto_bits[0]); i++) {
		const bool icmp = proto_bits[i] >= CONFIG_ICMPV4;
		const bool icmp6 = proto_bits[i] == CONFIG_ICMPV6;
		struct peer whole = *peer;

		if (!(r->protos & proto_bits[i]))
			continue;
		if (icmp) {
			if (icmp6 != (family == IP_V6))
				continue;
			/* Protocol 1 is ICMP in IPv4 alone, 58 in IPv6: the
			 * family must be matched, and every address of it is
			 * the way to say so that nft lists as it was loaded. */
			if (!whole.present)
				peer_range(&whole, dir,
					   (struct ip_range){family, 0,
							     ip_max(family)});
			walk_emit(a, ends, chain, r, &whole, proto_numbers[i],
				  NULL);
			continue;
		}
		if (!r->n_ports)
			walk_emit(a, ends, chain, r, peer, proto_numbers[i],
				  NULL);
		for (j = 0; j < r->n_ports; j++)
			walk_emit(a, ends, chain, r, peer, proto_numbers[i],
				  &r->ports[j]);
	}
}

void walk_pinned(struct arena *a, const struct walk_ends *ends,
		 const struct policy_rule *r, const struct pin_pair *pins,
		 enum policy_direction dir, struct nft_chain *chain)
{
	enum ip_family family;

	for (family = IP_V4; family <= IP_V6; family += IP_V6 - IP_V4) {
		const struct peer peer = {
			.present = true,
			.match.key = walk_peer_key(dir, family),
			.match.set = family == IP_V4 ? &pins->set4
						     : &pins->set6,
		};

		walk_services(a, ends, chain, r, &peer, family, dir);
	}
}

bool walk_rules(struct arena *a, struct group_sets *g,
		const struct walk_ends *ends, const struct policy_walk *walk,
		size_t first, size_t end, enum policy_direction dir,
		struct nft_chain *chain)
{
	const unsigned int icmp = CONFIG_ICMPV4 | CONFIG_ICMPV6;
	size_t i;

	for (i = first; i < end; i++) {
		const struct policy_rule *r = &walk->rules[i];
		struct policy_rule part = *r;
		struct peer peer4, peer6;
		bool has4 = peer_of(g, &r->dest, dir, IP_V4, &peer4);
		bool has6 = peer_of(g, &r->dest, dir, IP_V6, &peer6);

		if (has4 && has6 && !peer4.present && !peer6.present) {
			/* Any address: one rule serves both families, except
			 * for ICMP. */
			part.protos = r->protos & ~icmp;
			if (!r->protos || part.protos)
				walk_services(a, ends, chain, &part, &peer4,
					      IP_V4, dir);
			part.protos = r->protos & icmp;
			if (!part.protos)
				has4 = has6 = false;
		}
		if (has4)
			walk_services(a, ends, chain, &part, &peer4, IP_V4,
				      dir);
		if (has6)
			walk_services(a, ends, chain, &part, &peer6, IP_V6,
				      dir);
		if (chain->n > TABLES_MAX_RULES)
			return false;
	}
	return true;
}

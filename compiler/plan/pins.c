/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pins.c - The sets of addresses that msb-dnsd has seen names resolve to. */
#include "pins.h"

#include <string.h>

/*
 * An address is pinned to a name if an answer that the guest was given said so.
 * So nothing is ever pinned to a name whose queries are all denied, and a rule
 * that denies such a name needs no sets. That is so for all of DenyDomains and
 * DenyDomainSuffixes: they come first, in the walk that judges queries as well.
 *
 * Names in the CNAME chain of an answer are pinned too, and they are judged by
 * the rules about names alone, again by the first that matches. So what comes
 * before a rule that denies a name can let its name through in two ways: by
 * allowing queries, whatever their name, or by allowing a name that this rule
 * is about as well.
 */

/* Past this many rules compared the answer is "something may be pinned",
 * which costs a pair of sets at worst. */
#define PINS_WORK 10000000u

#define HASH_BASIS 0xcbf29ce484222325u
#define HASH_PRIME 0x100000001b3u

static bool same_but_name(const struct policy_rule *x,
			  const struct policy_rule *y)
{
	return x->allow == y->allow && x->protos == y->protos &&
	       x->n_ports == y->n_ports &&
	       (!x->n_ports || memcmp(x->ports, y->ports,
				      x->n_ports * sizeof(*x->ports)) == 0);
}

static bool covers(const struct config_dest *suffix, struct dname name)
{
	return suffix->kind == CONFIG_DEST_SUFFIX &&
	       (dname_equal(name, suffix->name) ||
		dname_below(name, suffix->name));
}

/* Whether some name may be one of both. */
static bool overlaps(const struct config_dest *x, const struct config_dest *y)
{
	return dname_equal(x->name, y->name) || covers(x, y->name) ||
	       covers(y, x->name);
}

static bool answers_queries(const struct policy_rule *r)
{
	return r->allow && (policy_rule_serves(r, CONFIG_UDP, 53) ||
			    policy_rule_serves(r, CONFIG_TCP, 53));
}

/* Comparing each name with each would be quadratic. Of more than a few it is
 * taken for granted that some overlap. */
static bool any_overlaps(const struct policy_walk *w, size_t first, size_t end,
			 const struct policy_rule *r)
{
	if (end - first > PINS_FEW)
		return true;
	for (; first < end; first++)
		if (overlaps(&r->dest, &w->rules[first].dest))
			return true;
	return false;
}

/* Take notice of the egress rules before @end. */
static void look(struct pins *pins, const struct policy_walk *w, size_t end)
{
	for (; pins->looked < end; pins->looked++) {
		const struct policy_rule *r = &w->rules[pins->looked];

		if (!policy_is_name(&r->dest)) {
			pins->answers |= answers_queries(r);
			continue;
		}
		if (!r->allow)
			continue;
		pins->allows = arena_grow(pins->a, pins->allows, pins->n_allows,
					  &pins->cap_allows,
					  sizeof(const struct policy_rule *));
		pins->allows[pins->n_allows++] = r;
	}
}

/* Whether the guest can be told an address of any of these names. */
static bool can_resolve(struct pins *pins, const struct policy *p,
			enum policy_direction dir, size_t first, size_t end)
{
	const struct policy_walk *w = &p->walk[dir];
	size_t i;

	if (p->dns != POLICY_DNS_HELPER)
		return false;
	/* Another walk than the one that judges queries, or a rule whose own
	 * names are allowed. */
	if (dir == POLICY_INGRESS || w->rules[first].allow)
		return true;
	look(pins, w, first);
	for (i = 0; !pins->answers && i < pins->n_allows; i++)
		if (++pins->steps > PINS_WORK ||
		    any_overlaps(w, first, end, pins->allows[i]))
			return true;
	return pins->answers;
}

size_t pins_group(struct pins *pins, const struct policy *p,
		  enum policy_direction dir, size_t first)
{
	const struct policy_walk *w = &p->walk[dir];
	size_t end = first + 1;

	while (end < w->n && policy_is_name(&w->rules[end].dest) &&
	       same_but_name(&w->rules[first], &w->rules[end]))
		end++;
	if (end - first <= PINS_FEW && can_resolve(pins, p, dir, first, end))
		return first + 1;
	return end;
}

static uint64_t hash_bytes(uint64_t h, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	while (len--)
		h = (h ^ *p++) * HASH_PRIME;
	return h;
}

static uint64_t hash_dests(const struct config_dest *v, size_t n)
{
	uint64_t h = HASH_BASIS;
	size_t i;

	for (i = 0; i < n; i++) {
		const uint8_t kind[2] = {(uint8_t)v[i].kind, v[i].apex};

		h = hash_bytes(h, kind, sizeof(kind));
		h = hash_bytes(h, v[i].name.wire, v[i].name.len);
	}
	return h;
}

static bool same_dests(const struct pin_pair *x, const struct pin_pair *y)
{
	size_t i;

	if (x->n_dests != y->n_dests)
		return false;
	for (i = 0; i < x->n_dests; i++)
		if (x->dests[i].kind != y->dests[i].kind ||
		    x->dests[i].apex != y->dests[i].apex ||
		    !dname_equal(x->dests[i].name, y->dests[i].name))
			return false;
	return true;
}

static struct nft_set pin_set(struct arena *a, uint64_t hash,
			      enum ip_family family)
{
	return (struct nft_set){
		.name = arena_printf(a, "pins%d_%016llx", (int)family,
				     (unsigned long long)hash),
		.type = family == IP_V4 ? NFT_TYPE_IPV4_ADDR
					: NFT_TYPE_IPV6_ADDR,
		.dynamic = true,
	};
}

/* The pair with these names; a new one, if it is none of those there are. */
static const struct pin_pair *pins_find(struct pins *pins,
					struct pin_pair *pair)
{
	size_t i;

	for (i = 0; i < pins->n; i++) {
		if (pins->v[i]->hash != pair->hash)
			continue;
		if (same_dests(pins->v[i], pair))
			return pins->v[i];
		/* Others with the same hash: as if there were none. */
		pair->hash++;
		i = (size_t)-1;
	}
	if (pins->n == PINS_MAX) {
		pins->full = true;
		return NULL;
	}
	pair->set4 = pin_set(pins->a, pair->hash, IP_V4);
	pair->set6 = pin_set(pins->a, pair->hash, IP_V6);
	pins->v = arena_grow(pins->a, pins->v, pins->n, &pins->cap,
			     sizeof(struct pin_pair *));
	pins->v[pins->n++] = pair;
	return pair;
}

const struct pin_pair *pins_get(struct pins *pins, const struct policy *p,
				enum policy_direction dir, size_t first,
				size_t end)
{
	const struct policy_rule *rules = p->walk[dir].rules;
	const size_t n = end - first;
	struct config_dest *dests;
	struct pin_pair *pair;
	size_t i;

	if (!can_resolve(pins, p, dir, first, end))
		return NULL;
	dests = arena_array(pins->a, n, struct config_dest);
	for (i = 0; i < n; i++)
		dests[i] = rules[first + i].dest;
	pair = arena_new(pins->a, struct pin_pair);
	*pair = (struct pin_pair){
		.dests = dests,
		.n_dests = n,
		.hash = hash_dests(dests, n),
	};
	return pins_find(pins, pair);
}

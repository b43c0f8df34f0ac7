/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cost.c - What a packet pays at most on its way through emitted objects. */
#include "cost.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tables.h"

/*
 * Measured as the cost of one expression over that of an empty chain: Linux
 * 6.18, nft 1.0.6, two cores. Other machines differ in the figures and agree in
 * the ratios, and only ratios choose.
 *
 *	a comparison with one value			 19 ns
 *	a comparison with a range or prefix		 43 ns
 *	a set of values (hash), of whatever size	155 ns
 *	a set or map of ranges (tree) of 2 elements	215 ns
 *	... and of 4096, growing with the logarithm	564 ns
 *	a concatenation with ranges (pipapo)	    530-690 ns
 *	the type of an address ("fib")			231 ns
 *	a limit						141 ns
 *	a quota						 51 ns
 *	"ct count", for each flow that is counted	 31 ns
 *	a jump or goto					 29 ns
 *	a counter					 17 ns
 *	(connection tracking itself, for comparison:	450 ns)
 *
 * So a hash pays from 9 values on, a tree from 6 ranges, a concatenation from
 * 14 boxes; and a tree with a jump to a chain of a few comparisons costs no
 * more than a concatenation, whose loading is slower and whose elements would
 * be one for each port range. Concatenations are not emitted for policies.
 */
enum {
	COST_VALUE = 19,
	COST_RANGE = 43,
	COST_HASH = 155,
	COST_TREE_2 = 215,
	COST_TREE_4096 = 564,
	COST_FIB = 231,
	COST_LIMIT = 141,
	COST_QUOTA = 51,
	COST_COUNTED = 31,
	COST_JUMP = 29,
	COST_COUNTER = 17,
};

static_assert(COST_FEW_RANGES == COST_TREE_2 / COST_RANGE,
	      "a tree pays where comparisons cost more");

/* A tree of @n elements: its depth is the logarithm, 1 at 2 and 12 at 4096. */
static struct cost cost_tree(size_t n)
{
	const unsigned int slope = (COST_TREE_4096 - COST_TREE_2) / 11;
	unsigned int depth = 0;

	while (n > (size_t)1 << depth && depth < 63)
		depth++;
	return (struct cost){COST_TREE_2 + (depth > 1 ? depth - 1 : 0) * slope,
			     1};
}

struct cost cost_add(struct cost x, struct cost y)
{
	return (struct cost){x.ns + y.ns, x.lookups + y.lookups};
}

struct cost cost_max(struct cost x, struct cost y)
{
	return x.ns >= y.ns ? x : y;
}

static bool has_ranges(const struct nft_match *m)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		if (m->v[i].lo != m->v[i].hi)
			return true;
	return false;
}

/* Keys that take longer to yield than to compare. */
static const unsigned int key_costs[NFT_KEY_COUNT] = {
	[NFT_FIB_DADDR] = COST_FIB,
	[NFT_LIMIT] = COST_LIMIT,
	[NFT_QUOTA] = COST_QUOTA,
};

/* As many flows as the kernel tracks by default, in all namespaces. */
#define FLOWS_MAX 262144u

static struct cost cost_match(const struct nft_match *m)
{
	if (key_costs[m->key])
		return (struct cost){key_costs[m->key], 0};
	/* The kernel goes through the list, which the cap keeps from growing.
	 */
	if (m->key == NFT_CT_COUNT_OVER)
		return (struct cost){COST_COUNTED *
					     (m->v[0].lo < FLOWS_MAX
						      ? (uint64_t)m->v[0].lo + 1
						      : FLOWS_MAX),
				     0};
	if (m->set)
		return m->set->interval ? cost_tree(m->set->n)
					: (struct cost){COST_HASH, 1};
	if (m->n == 1)
		return (struct cost){has_ranges(m) ? COST_RANGE : COST_VALUE,
				     0};
	return has_ranges(m) ? cost_tree(m->n) : (struct cost){COST_HASH, 1};
}

/** enum holds - Whether an expression matches, as far as is known */
enum holds {
	NEVER,
	MAYBE,
	ALWAYS,
};

static enum holds holds_number(const struct nft_match *m, ip_num value)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		if (value >= m->v[i].lo && value <= m->v[i].hi)
			return m->negate ? NEVER : ALWAYS;
	return m->negate ? ALWAYS : NEVER;
}

static enum holds holds_link(const struct nft_match *m, const char *link)
{
	size_t i;

	if (!link)
		return MAYBE;
	for (i = 0; i < m->n; i++)
		if (strcmp(m->v[i].name, link) == 0)
			return m->negate ? NEVER : ALWAYS;
	return m->negate ? ALWAYS : NEVER;
}

static enum holds match_holds(const struct cost_packet *p,
			      const struct nft_match *m)
{
	const enum nft_type foreign = p->family == IP_V4 ? NFT_TYPE_IPV6_ADDR
							 : NFT_TYPE_IPV4_ADDR;

	/* A key that a packet does not have ends the rule. */
	if (nft_key_type(m->key) == foreign)
		return NEVER;
	if (m->set)
		return MAYBE;
	if (m->key == NFT_IIFNAME)
		return holds_link(m, p->iif);
	if (m->key == NFT_OIFNAME)
		return holds_link(m, p->oif);
	if ((m->key == NFT_SADDR4 || m->key == NFT_SADDR6) && p->saddr.family)
		return holds_number(m, p->saddr.num);
	if (!p->ct_state || !m->n)
		return MAYBE;
	if (m->key == NFT_CT_STATE)
		return m->v[0].lo & p->ct_state ? ALWAYS : NEVER;
	/* What is asked about is a flow that the kernel carries. */
	if (m->key == NFT_CT_MARK)
		return p->ct_state == NFT_CT_NEW ||
				       m->v[0].lo & TABLE_OWNER_MASK
			       ? NEVER
			       : ALWAYS;
	if (m->key == NFT_CT_OWNER)
		return NEVER;
	if (m->key == NFT_CT_DIRECTION && p->ct_state == NFT_CT_NEW)
		return holds_number(m, NFT_CT_ORIGINAL);
	return MAYBE;
}

/* The bound of the expressions of a rule, and whether they match. */
static struct cost cost_matches(const struct cost_table *t,
				const struct nft_rule *r, enum holds *ret)
{
	struct cost sum = {0};
	size_t i;

	*ret = ALWAYS;
	for (i = 0; i < r->n; i++) {
		const enum holds holds = match_holds(&t->packet, &r->match[i]);

		sum = cost_add(sum, cost_match(&r->match[i]));
		if (holds < *ret)
			*ret = holds;
		if (holds == NEVER)
			break;
	}
	return sum;
}

static int by_name(const void *x, const void *y)
{
	const struct nft_chain *const *a = x, *const *b = y;

	return strcmp((*a)->name, (*b)->name);
}

struct cost_table cost_table(struct arena *a, const struct nft_table *t,
			     const struct cost_packet *packet)
{
	struct cost_table ret = {.table = t, .packet = *packet};
	size_t i;

	ret.chains = arena_array(a, t->n_chains, const struct nft_chain *);
	ret.known = arena_array(a, t->n_chains, struct cost);
	ret.done = arena_array(a, t->n_chains, bool);
	for (i = 0; i < t->n_chains; i++)
		ret.chains[i] = &t->chains[i];
	qsort(ret.chains, t->n_chains, sizeof(struct nft_chain *), by_name);
	return ret;
}

/* What follows where a verdict leads; @after is what follows a jump. */
static struct cost cost_verdict(struct cost_table *t, enum nft_verb verb,
				const char *target, struct cost after)
{
	struct cost c = {0};

	if (verb != NFT_GOTO && verb != NFT_JUMP)
		return c;
	c = cost_chain(t, target);
	c.ns += COST_JUMP;
	return verb == NFT_JUMP ? cost_add(c, after) : c;
}

static struct cost cost_vmap(struct cost_table *t, const struct nft_vmap *m,
			     struct cost after)
{
	struct cost most = after;
	size_t i;

	for (i = 0; i < m->n; i++) {
		struct cost c =
			cost_verdict(t, m->v[i].verb, m->v[i].target, after);

		c.ns += m->counter ? COST_COUNTER : 0;
		most = cost_max(most, c);
	}
	return cost_add(cost_tree(m->n), most);
}

static struct cost cost_rule(struct cost_table *t, const struct nft_rule *r,
			     struct cost after)
{
	struct cost then;

	if (r->verb == NFT_VMAP)
		then = cost_vmap(t, r->vmap, after);
	else
		then = cost_verdict(t, r->verb, r->target, after);
	then.ns += r->counter ? COST_COUNTER : 0;
	return then;
}

/* Whether @r and the rule before it look for the same key in ranges that
 * ascend: a packet matches one of them at most. */
static bool excludes(const struct nft_rule *before, const struct nft_rule *r)
{
	const struct nft_match *x = before->match, *y = r->match;

	return before->n == 1 && r->n == 1 && x->key == y->key && !x->set &&
	       !y->set && !x->negate && !y->negate && x->n == 1 && y->n == 1 &&
	       x->v[0].hi < y->v[0].lo;
}

/* From the last rule to the first: what follows a rule is known by then. */
static struct cost cost_rules(struct cost_table *t, const struct nft_chain *c)
{
	struct cost after = {0}, behind = {0}, matches_after = {0};
	size_t i = c->n;

	while (i-- > 0) {
		const struct nft_rule *r = &c->rules[i];
		const struct nft_match key = {.key = r->key};
		enum holds holds;
		const struct cost matches = cost_matches(t, r, &holds);

		/* Behind rules that exclude each other. */
		if (i + 1 == c->n || !excludes(r, r + 1))
			behind = after;
		else
			behind = cost_add(behind, matches_after);
		matches_after = matches;
		if (r->verb == NFT_VMAP && holds != NEVER &&
		    match_holds(&t->packet, &key) == NEVER) {
			after = cost_add(matches, after);
			after.ns += COST_VALUE;
			continue;
		}
		switch (holds) {
		case NEVER:
			break;
		case MAYBE:
			after = cost_max(after, cost_rule(t, r, behind));
			break;
		case ALWAYS:
			after = cost_rule(t, r, after);
			break;
		}
		after = cost_add(matches, after);
	}
	return after;
}

struct cost cost_chain(struct cost_table *t, const char *name)
{
	const struct nft_chain key = {.name = name}, *at = &key;
	const struct nft_chain **found =
		bsearch(&at, t->chains, t->table->n_chains,
			sizeof(struct nft_chain *), by_name);
	size_t i;

	/* A chain that the table does not have yet is not part of the bound. */
	if (!found)
		return (struct cost){0};
	i = (size_t)(*found - t->table->chains);
	if (!t->done[i]) {
		t->known[i] = cost_rules(t, &t->table->chains[i]);
		t->done[i] = true;
	}
	return t->known[i];
}

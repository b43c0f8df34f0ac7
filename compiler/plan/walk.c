/* SPDX-License-Identifier: GPL-2.0-or-later */
/* walk.c - A walk as nft rules: each run of its rules the cheaper way. */
#include <string.h>

#include "tables.h"

/*
 * There are two ways to print neighbouring rules about addresses: one after the
 * other, as the document has them, and as maps from addresses to what happens
 * there. The first reads like the document, and is taken where it costs little.
 * Else both are printed, their bounds are compared (cost.c), and the dearer one
 * is forgotten.
 */

/* The bound of one chain with those chains of @m that it leads to. */
static struct cost chain_cost(const struct walk_maps *m,
			      const struct nft_chain *chain, size_t first_chain)
{
	ARENA(a);
	const size_t n = m->n_chains - first_chain;
	struct nft_chain *chains = arena_array(&a, n + 1, struct nft_chain);
	const struct nft_table t = {.chains = chains, .n_chains = n + 1};
	const struct cost_packet v4 = {.family = IP_V4}, v6 = {.family = IP_V6};
	struct cost_table t4, t6;

	if (n)
		memcpy(chains, m->chains + first_chain, n * sizeof(*chains));
	chains[n] = *chain;
	t4 = cost_table(&a, &t, &v4);
	t6 = cost_table(&a, &t, &v6);
	return cost_max(cost_chain(&t4, chain->name),
			cost_chain(&t6, chain->name));
}

static void append(struct arena *a, struct nft_chain *to,
		   const struct nft_chain *from)
{
	size_t i;

	for (i = 0; i < from->n; i++) {
		to->rules = arena_grow(a, to->rules, to->n, &to->cap,
				       sizeof(*to->rules));
		to->rules[to->n++] = from->rules[i];
	}
}

bool walk_run(struct arena *a, struct walk_build *b, const struct space *s,
	      size_t run, struct plan_choice *choice, struct nft_chain *chain)
{
	const struct space_run *r = &s->runs[run];
	const struct walk_maps maps = b->maps;
	const struct group_sets groups = b->groups;
	struct nft_chain in_order = {.name = ""}, mapped = {.name = ""};
	const bool fits = walk_rules(a, &b->groups, b->ends, s->walk, r->first,
				     r->end, choice->dir, &in_order);
	const size_t had = b->maps.n_elements;
	bool made;

	choice->reason = PLAN_FEW;
	if (fits) {
		choice->in_order = chain_cost(&maps, &in_order, maps.n_chains);
		if (choice->in_order.ns <= COST_CHEAP) {
			append(a, chain, &in_order);
			return true;
		}
	}
	made = r->flat &&
	       walk_map(a, &b->maps, b->ends, s, run, choice->dir, &mapped);
	if (made)
		choice->mapped = chain_cost(&b->maps, &mapped, maps.n_chains);
	if (made && (!fits || choice->mapped.ns < choice->in_order.ns)) {
		choice->reason = PLAN_MAP;
		choice->maps = b->maps.n_vmaps - maps.n_vmaps;
		choice->chains = b->maps.n_chains - maps.n_chains;
		choice->elements = b->maps.n_elements - had;
		b->groups = groups;
		append(a, chain, &mapped);
		return true;
	}
	b->maps = maps;
	choice->reason = made	   ? PLAN_DEARER
			 : r->flat ? PLAN_TOO_MANY
				   : PLAN_NO_MAP;
	append(a, chain, &in_order);
	return fits;
}

bool walk_print(struct arena *a, struct walk_build *b, const struct policy *p,
		enum policy_direction dir, struct nft_chain *chain)
{
	ARENA(scratch);
	const struct policy_walk *walk = &p->walk[dir];
	const struct nft_rule last = {
		.counter = true,
		.verb = walk->default_allow ? NFT_GOTO : NFT_DROP,
		.target = walk->default_allow ? TABLE_ALLOW : NULL,
		.comment = walk->default_pointer,
	};
	struct name_group *groups;
	size_t n_groups, g = 0, i;
	struct space s;

	if (!walk_groups(a, b, p, dir, &groups, &n_groups))
		return false;
	space_build(&scratch, walk, &p->slot, SPACE_CUT, &s);
	for (i = 0; i < s.n_runs; i++) {
		struct plan_choice choice = {
			.dir = dir,
			.first = s.runs[i].first,
			.end = s.runs[i].end,
		};

		if (choice.first != choice.end) {
			if (!walk_run(a, b, &s, i, &choice, chain))
				return false;
			b->choices = arena_grow(a, b->choices, b->n_choices,
						&b->cap_choices,
						sizeof(choice));
			b->choices[b->n_choices++] = choice;
		}
		if (g < n_groups && choice.end == groups[g].first)
			walk_group(a, b, p, dir, &groups[g++], chain);
		if (chain->n + b->maps.n_rules > TABLES_MAX_RULES)
			return false;
	}
	nft_chain_add(a, chain, &last);
	return true;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* walk_map.c - A run of a walk as maps on the address. */
#include <string.h>

#include "tables.h"
#include "walk_recipe.h"

/*
 * Theory of operation
 *
 * A map leads from each range of addresses to what happens there: to a verdict
 * if that does not depend on the service, else to the chain of its profile.
 * There is one chain for each profile, so one for each different way in which
 * rules decide, and each rule and element has the comment of the rule that
 * decides. A flow that no rule of the run decides comes back from its chain, or
 * is led nowhere, and goes on behind the map. Ports in more than
 * COST_FEW_RANGES ranges are a map of their own.
 */

/** struct port_map - A map of ports, for chains that need the same */
struct port_map {
	const struct space_span *v;
	size_t n;
	const struct nft_vmap *map;
};

/**
 * struct mapper - A run that is being printed
 * @a:		arena
 * @m:		maps of the table
 * @ends:	where verdicts lead
 * @s:		walk
 * @run:	run
 * @dir:	which walk
 * @family:	family
 * @known:	branch of each profile in this family, by its number
 * @made:	whether it is known
 * @port_maps:	maps of ports
 * @n_port_maps: how many
 * @cap_port_maps: room for how many
 */
struct mapper {
	struct arena *a;
	struct walk_maps *m;
	const struct walk_ends *ends;
	const struct space *s;
	const struct space_run *run;
	enum policy_direction dir;
	enum ip_family family;
	struct nft_branch *known;
	bool *made;
	struct port_map *port_maps;
	size_t n_port_maps;
	size_t cap_port_maps;
};

static const uint8_t class_protos[2][SPACE_CLASSES] = {{6, 17, 1}, {6, 17, 58}};

static struct nft_branch verdict_branch(const struct mapper *m, uint32_t rule)
{
	const struct policy_rule *r = &m->s->walk->rules[rule];

	return walk_end(m->ends, r->allow, r->pointer);
}

/* The one rule that decides a class whatever the port; false if it is not one.
 */
static bool class_whole(const struct space_profile *p, enum space_class c,
			uint32_t *ret)
{
	const struct space_ports *own = p->own[c], *base = p->base[c];

	if (own->n > 1)
		return false;
	*ret = own->v[0].rule;
	if (*ret != SPACE_FALLS)
		return true;
	*ret = base->v[0].rule;
	return base->n == 1;
}

/* The one rule that decides everything; false if it is not one. */
static bool is_whole(const struct space_profile *p, uint32_t *ret)
{
	enum space_class c;
	uint32_t rule;

	if (!class_whole(p, SPACE_OTHER, ret))
		return false;
	for (c = 0; c < SPACE_OTHER; c++)
		if (!class_whole(p, c, &rule) || rule != *ret)
			return false;
	return true;
}

static void put_rule(struct mapper *m, struct nft_chain *c,
		     const struct nft_match *match, size_t n, uint32_t rule)
{
	const struct nft_branch end = verdict_branch(m, rule);
	const struct nft_rule r = {
		.match = match,
		.n = n,
		.counter = true,
		.verb = end.verb,
		.target = end.target,
		.comment = end.comment,
	};

	nft_chain_add(m->a, c, &r);
}

static void keep_map(struct mapper *m, const struct nft_vmap *map)
{
	struct walk_maps *to = m->m;

	to->vmaps = arena_grow(m->a, to->vmaps, to->n_vmaps, &to->cap_vmaps,
			       sizeof(struct nft_vmap *));
	to->vmaps[to->n_vmaps++] = map;
	to->n_elements += map->n;
}

/* A map with these ports, or NULL if there are too many maps. */
static const struct nft_vmap *port_map(struct mapper *m,
				       const struct recipe_list *l)
{
	struct space_span *spans;
	struct nft_branch *v;
	struct nft_vmap *map;
	size_t i;

	for (i = 0; i < m->n_port_maps; i++)
		if (m->port_maps[i].n == l->n &&
		    memcmp(m->port_maps[i].v, l->v, l->n * sizeof(*l->v)) == 0)
			return m->port_maps[i].map;
	if (m->m->n_vmaps + 2 >= WALK_MAX_MAPS)
		return NULL;
	v = arena_array(m->a, l->n, struct nft_branch);
	for (i = 0; i < l->n; i++) {
		v[i] = verdict_branch(m, l->v[i].rule);
		v[i].on = (struct nft_elem){.lo = l->v[i].lo, .hi = l->v[i].hi};
	}
	map = arena_new(m->a, struct nft_vmap);
	*map = (struct nft_vmap){
		.name = arena_printf(m->a, "%s_ports%zu", TABLE_WALK(m->dir),
				     m->m->n_vmaps),
		.type = NFT_TYPE_INET_SERVICE,
		.counter = true,
		.v = v,
		.n = l->n,
	};
	keep_map(m, map);
	m->port_maps = arena_grow(m->a, m->port_maps, m->n_port_maps,
				  &m->cap_port_maps, sizeof(*m->port_maps));
	spans = arena_array(m->a, l->n, struct space_span);
	memcpy(spans, l->v, l->n * sizeof(*spans));
	m->port_maps[m->n_port_maps++] = (struct port_map){spans, l->n, map};
	return map;
}

static void put_services(struct mapper *m, struct nft_chain *c,
			 enum space_class class, const struct recipe_list *l)
{
	const uint8_t proto = class_protos[m->family == IP_V6][class];
	const struct nft_elem proto_elem = {.lo = proto, .hi = proto};
	struct nft_elem port_elem;
	struct nft_match match[2] = {
		{.key = NFT_L4PROTO, .v = &proto_elem, .n = 1},
		{.key = NFT_CT_DPORT, .v = &port_elem, .n = 1},
	};
	const struct nft_vmap *map = NULL;
	size_t i;

	if (l->n > COST_FEW_RANGES)
		map = port_map(m, l);
	if (map) {
		const struct nft_rule r = {
			.match = match,
			.n = 1,
			.verb = NFT_VMAP,
			.key = NFT_CT_DPORT,
			.vmap = map,
		};

		nft_chain_add(m->a, c, &r);
	}
	for (i = 0; !map && i < l->n; i++) {
		const bool all = !l->v[i].lo && l->v[i].hi == UINT16_MAX;

		port_elem =
			(struct nft_elem){.lo = l->v[i].lo, .hi = l->v[i].hi};
		put_rule(m, c, match, all ? 1 : 2, l->v[i].rule);
	}
	if (l->rest != SPACE_FALLS)
		put_rule(m, c, match, 1, l->rest);
}

static struct nft_branch branch(struct mapper *m, const struct space_profile *p,
				const struct space_profile *base);

/* Adds what happens in the base: a verdict, a chain, or nothing. */
static void put_base(struct mapper *m, struct nft_chain *c, enum nft_verb verb,
		     const struct space_profile *base)
{
	const struct nft_branch to = branch(m, base, base);
	uint32_t rule;

	if (is_whole(base, &rule)) {
		if (rule != SPACE_FALLS)
			put_rule(m, c, NULL, 0, rule);
		return;
	}
	nft_chain_add(m->a, c,
		      &(struct nft_rule){.verb = verb, .target = to.target});
}

static const char *chain_name(struct mapper *m)
{
	return arena_printf(m->a, "%s%d_%zu", TABLE_WALK(m->dir),
			    (int)m->family, m->m->n_chains);
}

/* What an address with this profile leads to. Nothing has an empty verdict. */
static struct nft_branch branch(struct mapper *m, const struct space_profile *p,
				const struct space_profile *base)
{
	ARENA(scratch);
	struct walk_maps *to = m->m;
	struct nft_chain chain = {0};
	struct nft_branch ret;
	struct recipe r;
	enum space_class c;
	uint32_t rule;

	if (m->made[p->number])
		return m->known[p->number];
	ret = (struct nft_branch){.verb = NFT_JUMP};
	if (is_whole(p, &rule)) {
		if (rule != SPACE_FALLS)
			ret = verdict_branch(m, rule);
		goto out;
	}
	r = walk_recipe(&scratch, m->s->walk, p, base);
	if (r.way == RECIPE_BEHIND)
		put_base(m, &chain, NFT_JUMP, base);
	for (c = 0; c < SPACE_OTHER; c++)
		put_services(m, &chain, c, &r.by[c]);
	if (r.rest != SPACE_FALLS)
		put_rule(m, &chain, NULL, 0, r.rest);
	if (r.way == RECIPE_BEFORE)
		put_base(m, &chain, NFT_GOTO, base);
	chain.name = chain_name(m);
	ret.target = chain.name;
	to->chains = arena_grow(m->a, to->chains, to->n_chains, &to->cap_chains,
				sizeof(*to->chains));
	to->chains[to->n_chains++] = chain;
	to->n_rules += chain.n;
out:
	m->known[p->number] = ret;
	m->made[p->number] = true;
	return ret;
}

static bool is_nothing(const struct nft_branch *b)
{
	return b->verb == NFT_JUMP && !b->target;
}

/* Few ranges are compared with, one after the other. */
static void put_few(struct mapper *m, struct nft_chain *chain,
		    const struct nft_branch *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		const struct nft_match match = {
			.key = walk_peer_key(m->dir, m->family),
			.v = &v[i].on,
			.n = 1,
		};
		const struct nft_rule r = {
			.match = &match,
			.n = 1,
			.counter = v[i].verb != NFT_JUMP,
			.verb = v[i].verb,
			.target = v[i].target,
			.comment = v[i].comment,
		};

		nft_chain_add(m->a, chain, &r);
	}
}

static const char *map_name(const struct mapper *m, size_t run)
{
	const int family = (int)m->family;

	if (m->m->label)
		return arena_printf(m->a, "%s_%d", m->m->label, family);
	if (run)
		return arena_printf(m->a, "%s%d_run%zu", TABLE_WALK(m->dir),
				    family, run);
	return arena_printf(m->a, "%s%d", TABLE_WALK(m->dir), family);
}

static void put_map(struct mapper *m, struct nft_chain *chain,
		    const struct nft_branch *v, size_t n, size_t run)
{
	struct nft_vmap *map = arena_new(m->a, struct nft_vmap);
	const char *name = map_name(m, run);
	const struct nft_rule r = {
		.verb = NFT_VMAP,
		.key = walk_peer_key(m->dir, m->family),
		.vmap = map,
	};
	size_t i;

	*map = (struct nft_vmap){
		.name = name,
		.type = m->family == IP_V4 ? NFT_TYPE_IPV4_ADDR
					   : NFT_TYPE_IPV6_ADDR,
		.v = v,
		.n = n,
	};
	for (i = 0; i < n; i++)
		map->counter = map->counter || v[i].verb != NFT_JUMP;
	keep_map(m, map);
	nft_chain_add(m->a, chain, &r);
}

static bool map_family(struct mapper *m, size_t run, struct nft_chain *chain)
{
	const struct space_area *area = &m->run->area;
	struct nft_branch *v = arena_array(m->a, area->n, struct nft_branch);
	size_t n = 0, i;

	m->known = arena_array(m->a, m->s->n_profiles, struct nft_branch);
	m->made = arena_array(m->a, m->s->n_profiles, bool);
	for (i = 0; i < area->n; i++) {
		const struct space_cell *cell = &area->v[i];

		if (cell->addrs.family != m->family)
			continue;
		v[n] = branch(m, cell->profile, cell->base);
		if (is_nothing(&v[n]))
			continue;
		v[n++].on = (struct nft_elem){.lo = cell->addrs.lo,
					      .hi = cell->addrs.hi};
		if (m->m->n_rules > TABLES_MAX_RULES)
			return false;
	}
	if (n <= COST_FEW_RANGES)
		put_few(m, chain, v, n);
	else
		put_map(m, chain, v, n, run);
	return m->m->n_vmaps <= WALK_MAX_MAPS;
}

bool walk_map(struct arena *a, struct walk_maps *m,
	      const struct walk_ends *ends, const struct space *s, size_t run,
	      enum policy_direction dir, struct nft_chain *chain)
{
	struct mapper map = {
		.a = a,
		.m = m,
		.ends = ends,
		.s = s,
		.run = &s->runs[run],
		.dir = dir,
		.family = IP_V4,
	};

	if (!map_family(&map, run, chain))
		return false;
	map.family = IP_V6;
	return map_family(&map, run, chain);
}

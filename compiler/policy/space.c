/* SPDX-License-Identifier: GPL-2.0-or-later */
/* space.c - The normal form of a walk: disjoint boxes instead of ordered rules.
 */
#include "space.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "space_store.h"

/*
 * Theory of operation
 *
 * Rules are numbered, and the first that matches decides. So what a set of
 * rules does at one port is the lowest number among those that match there, and
 * what two sets do together is the minimum of what each does alone. Everything
 * here is that minimum, taken over lists of ports.
 *
 * Rules with the same destination are made into one set of lists first. There
 *are three kinds of destination. "Any" holds everywhere. The groups are a
 * partition, so each address has one. Both together are the base of an address,
 * and there are no more bases than groups. What is left are prefixes, and two
 * prefixes are nested or disjoint: walking through them in ascending order, the
 * shorter first, keeps those that hold the current address on a stack, each
 * with the minimum of its lists and those below. A stack has at most one level
 * for each bit of an address.
 *
 * A base can be long, as rules for hundreds of ports are often about any
 * address, and it is the same for thousands of prefixes. So the two are not
 * made into one: a profile is its base, and on top of it what prefixes decide
 * before it.
 *
 *	rule at a port = top of the stack where that comes first, else the base
 *
 * Time: each prefix costs the spans of its own lists and of those below, and
 * those of the base that lie where it decides. Where all of that exceeds
 * SPACE_WORK it is given up. Ten thousand rules about prefixes with a port
 *range each, over a base of a thousand, take some hundred thousand steps.
 */

/** struct piece - A prefix that a rule is about */
struct piece {
	struct ip_range addrs;
	uint32_t rule;
};

/** struct indices - Rules with the same destination, ascending */
struct indices {
	uint32_t *v;
	size_t n;
	size_t cap;
};

/**
 * struct build - A run that is being decomposed
 * @store:	profiles
 * @walk:	walk
 * @scratch:	arena of what is not kept
 * @parts:	the partition of the addresses by group, ascending
 * @n_parts:	number of ranges
 * @part_group:	group of each range
 * @by_group:	rules about each group; those about any address under
 *		GROUP_COUNT
 * @pieces:	prefixes, ascending, the shorter first
 * @n_pieces:	how many
 * @cap_pieces:	room for how many
 */
struct build {
	struct space_store *store;
	const struct policy_walk *walk;
	struct arena *scratch;
	const struct ip_range *parts;
	size_t n_parts;
	const enum group *part_group;
	struct indices by_group[GROUP_COUNT + 1];
	struct piece *pieces;
	size_t n_pieces;
	size_t cap_pieces;
};

/**
 * struct level - A prefix that holds the current address
 * @hi:		its last address
 * @lists:	what it and those around it do
 */
struct level {
	ip_num hi;
	struct space_lists lists;
};

/* The stack: the whole family, and one level for each bit. */
#define LEVELS 130

/**
 * struct sweep - The way through one family
 * @b:		run
 * @family:	family
 * @base:	profile of each group, with the rules about any address
 * @based:	the same, kept
 * @level:	stack
 * @depth:	levels in use
 * @at:		next address
 * @part:	range of the partition that holds it
 * @done:	whether the last address was passed
 * @area:	cells so far
 * @cap:	room in it
 */
struct sweep {
	struct build *b;
	enum ip_family family;
	struct space_lists base[GROUP_COUNT];
	const struct space_profile *based[GROUP_COUNT];
	struct level level[LEVELS];
	size_t depth;
	ip_num at;
	size_t part;
	bool done;
	struct space_area *area;
	size_t *cap;
};

static const enum config_proto class_bits[2][SPACE_CLASSES] = {
	{CONFIG_TCP, CONFIG_UDP, CONFIG_ICMPV4, 0},
	{CONFIG_TCP, CONFIG_UDP, CONFIG_ICMPV6, 0},
};

static bool has_ports(enum space_class class)
{
	return class == SPACE_TCP || class == SPACE_UDP;
}

static bool is_name(const struct policy_rule *r)
{
	return r->dest.kind == CONFIG_DEST_NAME ||
	       r->dest.kind == CONFIG_DEST_SUFFIX;
}

enum space_class space_class_of(enum ip_family family, uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return SPACE_TCP;
	case IPPROTO_UDP:
		return SPACE_UDP;
	case IPPROTO_ICMP:
		return family == IP_V4 ? SPACE_ICMP : SPACE_OTHER;
	case IPPROTO_ICMPV6:
		return family == IP_V6 ? SPACE_ICMP : SPACE_OTHER;
	default:
		return SPACE_OTHER;
	}
}

/* Whether @r is about a class at all, whatever the ports. */
static bool rule_has_class(const struct policy_rule *r, enum ip_family family,
			   enum space_class class)
{
	if (r->n_ports && !has_ports(class))
		return false;
	return !r->protos || r->protos & class_bits[family == IP_V6][class];
}

static const struct space_ports *
rule_ports(struct space_store *s, const struct policy_rule *r, uint32_t rule)
{
	size_t i;

	if (!r->n_ports)
		return space_store_whole(s, rule);
	space_store_begin(s);
	for (i = 0; i < r->n_ports; i++) {
		if (r->ports[i].lo &&
		    (!i || r->ports[i].lo > r->ports[i - 1].hi + 1))
			space_store_put(s, (uint16_t)(r->ports[i].lo - 1),
					SPACE_FALLS);
		space_store_put(s, r->ports[i].hi, rule);
	}
	if (r->ports[i - 1].hi != UINT16_MAX)
		space_store_put(s, UINT16_MAX, SPACE_FALLS);
	return space_store_end(s);
}

/* What rules with the same destination do, the halves first. */
static struct space_lists rules_lists(struct build *b, enum ip_family family,
				      const uint32_t *rules, size_t n)
{
	struct space_lists p, q;
	enum space_class c;

	for (c = 0; c < SPACE_CLASSES; c++)
		p.by[c] = b->store->falls;
	if (n > 1) {
		p = rules_lists(b, family, rules, n / 2);
		q = rules_lists(b, family, rules + n / 2, n - n / 2);
		return space_lists_min(b->store, &p, &q);
	}
	for (c = 0; n && c < SPACE_CLASSES; c++)
		if (rule_has_class(&b->walk->rules[rules[0]], family, c))
			p.by[c] = rule_ports(
				b->store, &b->walk->rules[rules[0]], rules[0]);
	return p;
}

static void indices_add(struct arena *a, struct indices *v, uint32_t rule)
{
	v->v = arena_grow(a, v->v, v->n, &v->cap, sizeof(*v->v));
	v->v[v->n++] = rule;
}

/* Cuts a range into prefixes, each the largest that starts at what is left. */
static void pieces_add(struct build *b, struct ip_range r, uint32_t rule)
{
	for (;;) {
		struct ip_range p = {r.family, r.lo, r.hi};
		ip_num size = 1;

		if (ip_range_prefix_len(r) < 0) {
			while (!(r.lo & size) && r.hi - r.lo >= size * 2 - 1)
				size *= 2;
			p.hi = r.lo + size - 1;
		}
		b->pieces = arena_grow(b->scratch, b->pieces, b->n_pieces,
				       &b->cap_pieces, sizeof(*b->pieces));
		b->pieces[b->n_pieces++] = (struct piece){p, rule};
		if (p.hi == r.hi)
			return;
		r.lo = p.hi + 1;
	}
}

static int piece_order(const void *x, const void *y)
{
	const struct piece *a = x, *b = y;

	if (a->addrs.family != b->addrs.family)
		return a->addrs.family < b->addrs.family ? -1 : 1;
	if (a->addrs.lo != b->addrs.lo)
		return a->addrs.lo < b->addrs.lo ? -1 : 1;
	if (a->addrs.hi != b->addrs.hi)
		return a->addrs.hi > b->addrs.hi ? -1 : 1;
	return (a->rule > b->rule) - (a->rule < b->rule);
}

static void build_sort_rules(struct build *b, const struct space_run *run)
{
	size_t i;

	for (i = run->first; i < run->end; i++) {
		const struct policy_rule *r = &b->walk->rules[i];
		const uint32_t rule = (uint32_t)i;

		switch (r->dest.kind) {
		case CONFIG_DEST_ANY:
			indices_add(b->scratch, &b->by_group[GROUP_COUNT],
				    rule);
			break;
		case CONFIG_DEST_GROUP:
			indices_add(b->scratch, &b->by_group[r->dest.group],
				    rule);
			break;
		case CONFIG_DEST_RANGE:
			pieces_add(b, r->dest.range, rule);
			break;
		case CONFIG_DEST_NAME:
		case CONFIG_DEST_SUFFIX:
			break;
		}
	}
	if (b->n_pieces)
		qsort(b->pieces, b->n_pieces, sizeof(*b->pieces), piece_order);
}

static const struct space_profile *profile_of(struct space_store *s,
					      const struct space_lists *own,
					      const struct space_lists *base)
{
	struct space_profile p = {.number = 0};
	enum space_class c;

	for (c = 0; c < SPACE_CLASSES; c++) {
		p.own[c] = space_store_above(s, own->by[c], base->by[c]);
		p.base[c] = p.own[c]->open ? base->by[c] : s->falls;
	}
	return space_store_profile(s, &p);
}

/* Makes the cells from the current address to @hi. */
static void sweep_to(struct sweep *s, ip_num hi)
{
	struct build *b = s->b;
	const struct level *top = &s->level[s->depth - 1];

	while (!s->done && s->at <= hi && !b->store->over) {
		const enum group g = b->part_group[s->part];
		const ip_num part_hi = b->parts[s->part].hi;
		const ip_num to = part_hi < hi ? part_hi : hi;
		const struct space_cell cell = {
			.addrs = {s->family, s->at, to},
			.profile =
				profile_of(b->store, &top->lists, &s->base[g]),
			.base = s->based[g],
		};

		space_area_add(b->store->a, s->area, s->cap, &cell);
		s->done = to == ip_max(s->family);
		s->at = to + 1;
		s->part += to == part_hi && !s->done;
	}
}

static void sweep_init(struct sweep *s)
{
	struct build *b = s->b;
	const struct indices *any = &b->by_group[GROUP_COUNT];
	const struct space_lists nothing = rules_lists(b, s->family, NULL, 0);
	const struct space_lists everywhere =
		rules_lists(b, s->family, any->v, any->n);
	enum group g;

	for (g = 0; g < GROUP_COUNT; g++) {
		const struct space_lists own = rules_lists(
			b, s->family, b->by_group[g].v, b->by_group[g].n);

		s->base[g] = space_lists_min(b->store, &everywhere, &own);
		s->based[g] = profile_of(b->store, &nothing, &s->base[g]);
	}
	s->level[0].hi = ip_max(s->family);
	s->level[0].lists = nothing;
	s->depth = 1;
	while (b->parts[s->part].family != s->family)
		s->part++;
}

static void sweep_pop(struct sweep *s)
{
	sweep_to(s, s->level[s->depth - 1].hi);
	s->depth--;
}

static void sweep_family(struct build *b, enum ip_family family,
			 struct space_area *area, size_t *cap)
{
	struct sweep s = {.b = b, .family = family, .area = area, .cap = cap};
	struct indices same = {0};
	size_t i, j;

	sweep_init(&s);
	for (i = 0; i < b->n_pieces && !b->store->over; i = j) {
		const struct ip_range r = b->pieces[i].addrs;
		struct space_lists own;

		j = i + 1;
		if (r.family != family)
			continue;
		same.n = 0;
		indices_add(b->scratch, &same, b->pieces[i].rule);
		for (; j < b->n_pieces && b->pieces[j].addrs.lo == r.lo &&
		       b->pieces[j].addrs.hi == r.hi &&
		       b->pieces[j].addrs.family == family;
		     j++)
			indices_add(b->scratch, &same, b->pieces[j].rule);
		while (s.level[s.depth - 1].hi < r.lo)
			sweep_pop(&s);
		if (r.lo)
			sweep_to(&s, r.lo - 1);
		own = rules_lists(b, family, same.v, same.n);
		s.level[s.depth].lists = space_lists_min(
			b->store, &own, &s.level[s.depth - 1].lists);
		s.level[s.depth++].hi = r.hi;
	}
	while (s.depth && !b->store->over)
		sweep_pop(&s);
}

static int part_order(const void *x, const void *y)
{
	const struct piece *a = x, *b = y;

	return piece_order(a, b);
}

/* The partition by group; the piece's "rule" is the group. */
static void build_parts(struct build *b, const struct slot *slot)
{
	struct ip_range *parts;
	enum group *groups, g;
	struct piece *v = NULL;
	size_t n = 0, cap = 0, i;

	for (g = 0; g < GROUP_COUNT; g++) {
		const struct ip_set set =
			group_set(b->scratch, g, slot->gw4, slot->gw6);

		for (i = 0; i < set.n; i++) {
			v = arena_grow(b->scratch, v, n, &cap, sizeof(*v));
			v[n++] = (struct piece){set.v[i], g};
		}
	}
	qsort(v, n, sizeof(*v), part_order);
	parts = arena_array(b->scratch, n, struct ip_range);
	groups = arena_array(b->scratch, n, enum group);
	for (i = 0; i < n; i++) {
		parts[i] = v[i].addrs;
		groups[i] = (enum group)v[i].rule;
	}
	b->parts = parts;
	b->part_group = groups;
	b->n_parts = n;
}

static void build_run(const struct build *shared, struct space_run *run)
{
	ARENA(scratch);
	struct build b = *shared;
	size_t cap = 0;

	b.scratch = &scratch;
	build_sort_rules(&b, run);
	run->area = (struct space_area){0};
	sweep_family(&b, IP_V4, &run->area, &cap);
	sweep_family(&b, IP_V6, &run->area, &cap);
	run->flat = !b.store->over;
	if (!run->flat)
		run->area = (struct space_area){0};
}

static void space_cut(struct arena *a, enum space_names names, struct space *s)
{
	const struct policy_walk *w = s->walk;
	size_t first = 0, cap = 0, i;

	for (i = 0; i <= w->n; i++) {
		if (i < w->n &&
		    (names == SPACE_NAMELESS || !is_name(&w->rules[i])))
			continue;
		s->runs = arena_grow(a, s->runs, s->n_runs, &cap,
				     sizeof(*s->runs));
		s->runs[s->n_runs++] =
			(struct space_run){.first = first, .end = i};
		first = i + 1;
	}
}

bool space_build(struct arena *a, const struct policy_walk *walk,
		 const struct slot *slot, enum space_names names,
		 struct space *ret)
{
	ARENA(scratch);
	struct space s = {
		.walk = walk,
		.gw4 = slot->gw4,
		.gw6 = slot->gw6,
		.flat = true,
	};
	struct space_store store;
	struct build shared = {
		.store = &store,
		.walk = walk,
		.scratch = &scratch,
	};
	const struct space_run *empty = NULL;
	size_t i;

	space_store_init(&store, a);
	build_parts(&shared, slot);
	space_cut(a, names, &s);
	for (i = 0; i < s.n_runs; i++) {
		struct space_run *run = &s.runs[i];

		/* Lists of denied names have nothing between them. */
		if (run->first == run->end && empty) {
			run->flat = true;
			run->area = empty->area;
			continue;
		}
		build_run(&shared, run);
		if (run->first == run->end && run->flat)
			empty = run;
		s.flat = s.flat && run->flat;
	}
	s.profiles = store.list;
	s.n_profiles = store.n_list;
	s.steps = store.steps;
	*ret = s;
	return s.flat;
}

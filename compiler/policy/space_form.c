/* SPDX-License-Identifier: GPL-2.0-or-later */
/* space_form.c - Walks compared: the same, or where they differ. */
#include <string.h>

#include "space_names.h"
#include "space_store.h"

/*
 * Theory of operation
 *
 * A walk is turned into one area whose ports have values instead of rules: what
 * holds there, a verdict or a list of names to ask about (space_names.c). It is
 * made from the end of the walk: at first everything has the default's verdict;
 * a run of rules about addresses puts its verdicts over that; domain rules are
 * put in front of the values of the services that they are about. Neighbours
 * with equal values are one cell, so without domain rules two walks mean the
 * same exactly if their areas are equal, however they were written.
 *
 * Two such areas are laid over each other in the same way, and what differs is
 * the difference. A query is judged by the name first, whatever the service of
 * the domain rule, and by the resolver's address: for walks with domain rules
 * a second area holds that.
 */

/** struct pairing - How values are combined: once for each pair of lists */
struct pairing {
	struct space_store *store;
	struct space_values *values;
	uint32_t (*fn)(struct pairing *p, uint32_t x, uint32_t y);
	const struct policy_walk *walk;
	const struct policy_rule *names;
	size_t n_names;
	struct space_table memo;
	struct space_table pairs;
	uint32_t (*pair)[2];
	size_t n_pairs;
	size_t cap_pairs;
};

/** struct combined - Two lists, and what became of them */
struct combined {
	const struct space_ports *x;
	const struct space_ports *y;
	const struct space_ports *made;
};

static bool same_lists(const void *one, const void *other)
{
	const struct combined *p = one, *q = other;

	return p->x == q->x && p->y == q->y;
}

static const struct space_ports *combine(struct pairing *p,
					 const struct space_ports *x,
					 const struct space_ports *y)
{
	struct space_store *s = p->store;
	struct combined *made, key = {.x = x, .y = y};
	const uint64_t hash = x->hash * 31 + y->hash;
	struct space_slot *place;
	size_t i = 0, j = 0;

	place = space_table_find(s, &p->memo, hash, &key, same_lists);
	if (place->item)
		return ((const struct combined *)place->item)->made;
	made = arena_new(s->a, struct combined);
	*made = key;
	*place = (struct space_slot){hash, made};
	p->memo.n++;
	space_store_begin(s);
	while (i < x->n && j < y->n) {
		const uint16_t hi = x->v[i].hi < y->v[j].hi ? x->v[i].hi
							    : y->v[j].hi;

		space_store_put(s, hi, p->fn(p, x->v[i].rule, y->v[j].rule));
		i += x->v[i].hi == hi;
		j += y->v[j].hi == hi;
	}
	space_store_count(s, x->n + y->n);
	made->made = space_store_end(s);
	return made->made;
}

/* A profile of values has no base: there is one everywhere. */
static const struct space_profile *value_profile(struct space_store *s,
						 const struct space_lists *v)
{
	struct space_profile p = {.number = 0};
	enum space_class c;

	for (c = 0; c < SPACE_CLASSES; c++) {
		p.own[c] = v->by[c];
		p.base[c] = s->falls;
	}
	return space_store_profile(s, &p);
}

/* A list of rules as one of verdicts. */
static const struct space_ports *verdicts(struct pairing *p,
					  const struct space_ports *rules)
{
	struct space_store *s = p->store;
	struct combined *made, key = {.x = rules};
	struct space_slot *place =
		space_table_find(s, &p->memo, rules->hash, &key, same_lists);
	size_t i;

	if (place->item)
		return ((const struct combined *)place->item)->made;
	made = arena_new(s->a, struct combined);
	*made = key;
	*place = (struct space_slot){rules->hash, made};
	p->memo.n++;
	space_store_begin(s);
	for (i = 0; i < rules->n; i++) {
		const uint32_t rule = rules->v[i].rule;

		space_store_put(s, rules->v[i].hi,
				rule == SPACE_FALLS	     ? SPACE_FALLS
				: p->walk->rules[rule].allow ? SPACE_ALLOW
							     : SPACE_DENY);
	}
	made->made = space_store_end(s);
	return made->made;
}

/*
 * A run with verdicts instead of rules. Thousands of lists that differ in their
 * rules become few that differ in their verdicts, before they meet the values
 * below, which can be long.
 */
static struct space_area verdict_area(struct pairing *p,
				      const struct space_area *from)
{
	struct space_area area = {0};
	size_t cap = 0, i;

	for (i = 0; i < from->n && !p->store->over; i++) {
		struct space_cell cell = from->v[i];
		struct space_profile made = {.number = 0};
		enum space_class c;

		for (c = 0; c < SPACE_CLASSES; c++) {
			made.own[c] = verdicts(p, cell.profile->own[c]);
			made.base[c] = verdicts(p, cell.profile->base[c]);
		}
		cell.profile = cell.base = space_store_profile(p->store, &made);
		space_area_add(p->store->a, &area, &cap, &cell);
	}
	return area;
}

/* A base over values, and what a prefix decides over that. */
static const struct space_ports *layers(struct pairing *p,
					const struct space_ports *own,
					const struct space_ports *base,
					const struct space_ports *values)
{
	const struct space_ports *falls = p->store->falls;

	if (base != falls)
		values = combine(p, base, values);
	return own != falls ? combine(p, own, values) : values;
}

/* Lays one area over another, whose profiles are values. */
static struct space_area overlay(struct pairing *p, const struct space_area *x,
				 const struct space_area *y)
{
	struct space_area area = {0};
	ip_num at = 0;
	size_t i = 0, j = 0, cap = 0;

	while (i < x->n && j < y->n && !p->store->over) {
		const struct space_cell *a = &x->v[i], *b = &y->v[j];
		const ip_num hi = a->addrs.hi < b->addrs.hi ? a->addrs.hi
							    : b->addrs.hi;
		struct space_cell cell = {
			.addrs = {a->addrs.family, at, hi},
		};
		struct space_lists lists;
		enum space_class c;

		for (c = 0; c < SPACE_CLASSES; c++)
			lists.by[c] = layers(p, a->profile->own[c],
					     a->profile->base[c],
					     b->profile->own[c]);
		cell.profile = cell.base = value_profile(p->store, &lists);
		space_area_add(p->store->a, &area, &cap, &cell);
		at = hi == ip_max(a->addrs.family) ? 0 : hi + 1;
		i += a->addrs.hi == hi;
		j += b->addrs.hi == hi;
	}
	return area;
}

static uint32_t value_of_verdict(struct pairing *p, uint32_t verdict,
				 uint32_t value)
{
	(void)p;
	return verdict == SPACE_FALLS ? value : verdict;
}

static uint32_t value_of_names(struct pairing *p, uint32_t about,
			       uint32_t value)
{
	if (about == SPACE_FALLS)
		return value;
	return space_values_push(p->values, p->names, p->n_names, value);
}

static bool same_pair(const void *one, const void *other)
{
	return memcmp(one, other, sizeof(uint32_t[2])) == 0;
}

/* The number of a pair of values that differ; 0 for two that do not. */
static uint32_t value_of_pair(struct pairing *p, uint32_t x, uint32_t y)
{
	struct arena *a = p->store->a;
	const uint32_t key[2] = {x, y};
	const uint64_t hash = ((uint64_t)x << 32 | y) * 0x9e3779b97f4a7c15u;
	struct space_slot *place;
	uint32_t(*made)[3];

	if (x == y)
		return 0;
	place = space_table_find(p->store, &p->pairs, hash ^ hash >> 32, key,
				 same_pair);
	if (place->item)
		return ((const uint32_t *)place->item)[2];
	p->pair = arena_grow(a, p->pair, p->n_pairs, &p->cap_pairs,
			     sizeof(*p->pair));
	p->pair[p->n_pairs][0] = x;
	p->pair[p->n_pairs++][1] = y;
	made = arena_alloc(a, 1, sizeof(*made));
	(*made)[0] = x;
	(*made)[1] = y;
	(*made)[2] = (uint32_t)p->n_pairs;
	*place = (struct space_slot){hash ^ hash >> 32, made};
	p->pairs.n++;
	return (uint32_t)p->n_pairs;
}

/* Both families, each with one list for each class. */
static struct space_area uniform(struct space_store *s,
				 const struct space_lists by_family[2])
{
	struct space_area area = {0};
	size_t cap = 0, i;

	for (i = 0; i < 2; i++) {
		const enum ip_family family = i ? IP_V6 : IP_V4;
		struct space_cell cell = {
			.addrs = {family, 0, ip_max(family)},
			.profile = value_profile(s, &by_family[i]),
		};

		cell.base = cell.profile;
		space_area_add(s->a, &area, &cap, &cell);
	}
	return area;
}

static struct space_area uniform_value(struct space_store *s, uint32_t value)
{
	const struct space_ports *all = space_store_whole(s, value);
	const struct space_lists v[2] = {{.by = {all, all, all, all}},
					 {.by = {all, all, all, all}}};

	return uniform(s, v);
}

/* 0 where a domain rule is about the service, SPACE_FALLS elsewhere. A query is
 * about the name alone. */
static struct space_area about(struct space_store *s,
			       const struct policy_rule *r, bool dns)
{
	const struct space_ports *all = space_store_whole(s, 0);
	struct space_lists v[2] = {{.by = {all, all, s->falls, s->falls}},
				   {.by = {all, all, s->falls, s->falls}}};
	struct space_service *services;
	size_t n, i, family;

	for (family = 0; family < 2 && !dns; family++) {
		enum space_class c;

		services = space_rule_services(s->a, r, family ? IP_V6 : IP_V4,
					       &n);
		for (c = 0, i = 0; c < SPACE_CLASSES; c++) {
			uint32_t from = 0;

			space_store_begin(s);
			for (; i < n && services[i].class == c; i++) {
				if (services[i].lo > from)
					space_store_put(
						s,
						(uint16_t)(services[i].lo - 1),
						SPACE_FALLS);
				space_store_put(s, services[i].hi, 0);
				from = services[i].hi + 1u;
			}
			if (from <= UINT16_MAX)
				space_store_put(s, UINT16_MAX, SPACE_FALLS);
			v[family].by[c] = space_store_end(s);
		}
	}
	return uniform(s, v);
}

/* What the run does with queries: port 53, over TCP and UDP. */
static struct space_area at_53(struct space_store *s,
			       const struct space_area *from)
{
	const struct space_ports *falls = s->falls;
	struct space_area area = {0};
	size_t cap = 0, i;

	for (i = 0; i < from->n; i++) {
		struct space_cell cell = from->v[i];
		struct space_lists v = {.by = {falls, falls, falls, falls}};
		enum space_class c;

		for (c = SPACE_TCP; c <= SPACE_UDP; c++)
			v.by[c] = space_store_whole(
				s, space_profile_at(cell.profile, c, 53));
		cell.profile = cell.base = value_profile(s, &v);
		space_area_add(s->a, &area, &cap, &cell);
	}
	return area;
}

static bool same_service(const struct policy_rule *x,
			 const struct policy_rule *y)
{
	return x->protos == y->protos && x->n_ports == y->n_ports &&
	       (!x->n_ports || memcmp(x->ports, y->ports,
				      x->n_ports * sizeof(*x->ports)) == 0);
}

/* A walk as one area of values. */
static struct space_area form(const struct space *s, struct space_store *store,
			      struct space_values *values, bool dns)
{
	const struct policy_walk *w = s->walk;
	struct space_area area = uniform_value(
		store, w->default_allow ? SPACE_ALLOW : SPACE_DENY);
	size_t run = s->n_runs;

	while (run-- > 0) {
		struct pairing p = {
			.store = store, .values = values, .walk = w};
		const struct space_run *r = &s->runs[run];
		struct space_area over = r->area;
		size_t last, first;

		if (r->first != r->end) {
			if (dns)
				over = at_53(store, &over);
			p.fn = value_of_verdict;
			over = verdict_area(&p, &over);
			area = overlay(&p, &over, &area);
		}
		if (!run)
			break;
		/* The domain rules before it, as many as are alike. */
		last = first = s->runs[run - 1].end;
		while (run > 1 &&
		       s->runs[run - 1].first == s->runs[run - 1].end &&
		       w->rules[first - 1].allow == w->rules[last].allow &&
		       (dns ||
			same_service(&w->rules[first - 1], &w->rules[last]))) {
			run--;
			first--;
		}
		p = (struct pairing){
			.store = store,
			.values = values,
			.fn = value_of_names,
			.names = &w->rules[first],
			.n_names = last - first + 1,
		};
		over = about(store, &w->rules[last], dns);
		area = overlay(&p, &over, &area);
	}
	return area;
}

/** struct compare - Two walks on one scale */
struct compare {
	const struct space *before;
	const struct space *after;
	struct space_store store;
	struct space_values values;
	struct pairing pairs;
	struct arena *a;
	size_t max;
	struct space_change *v;
	size_t n;
	size_t cap;
	bool all;
};

static void change_add(struct compare *c, struct space_change change)
{
	struct ip ip;
	uint8_t proto;
	uint16_t port;

	if (c->n == c->max) {
		c->all = false;
		return;
	}
	ip = space_witness(change.addrs, change.service, &proto, &port);
	change.before = space_lookup(c->before, ip, proto, port);
	change.after = space_lookup(c->after, ip, proto, port);
	c->v = arena_grow(c->a, c->v, c->n, &c->cap, sizeof(*c->v));
	c->v[c->n++] = change;
}

/* The parts of a difference that change the verdict, or those that do not. */
static void changes_of(struct compare *c, const struct space_area *area,
		       bool names, bool dns)
{
	enum space_class class;
	size_t i, j;

	for (i = 0; i < area->n && c->all; i++) {
		const struct space_profile *p = area->v[i].profile;

		for (class = 0; class < SPACE_CLASSES; class ++) {
			const struct space_ports *ports = p->own[class];

			for (j = 0; j < ports->n && c->all; j++) {
				const struct space_span *span = &ports->v[j];
				const uint32_t *pair;
				struct space_change change = {
					.addrs = area->v[i].addrs,
					.service = {class, span->lo, span->hi},
					.names = names,
					.dns = dns,
				};

				if (!span->rule)
					continue;
				pair = c->pairs.pair[span->rule - 1];
				change.before_allow =
					space_values_end(&c->values, pair[0]);
				change.after_allow =
					space_values_end(&c->values, pair[1]);
				/* Without a name, a query is a flow. */
				if (!dns && names == (change.before_allow !=
						      change.after_allow))
					continue;
				if (dns)
					change.service.lo = change.service.hi =
						53;
				change_add(c, change);
			}
		}
	}
}

static bool differs(const struct space_area *area)
{
	enum space_class c;
	size_t i;

	for (i = 0; i < area->n; i++) {
		for (c = 0; c < SPACE_CLASSES; c++) {
			const struct space_ports *p =
				area->v[i].profile->own[c];

			if (p->n > 1 || p->v[0].rule)
				return true;
		}
	}
	return false;
}

static struct space_area difference(struct compare *c, bool dns)
{
	const struct space_area x = form(c->before, &c->store, &c->values, dns);
	const struct space_area y = form(c->after, &c->store, &c->values, dns);

	return overlay(&c->pairs, &x, &y);
}

enum space_answer space_diff(struct arena *a, const struct space *before,
			     const struct space *after, bool dns, size_t max,
			     struct space_change **ret, size_t *ret_n,
			     bool *ret_all)
{
	ARENA(scratch);
	struct compare c = {
		.before = before,
		.after = after,
		.a = a,
		.max = max,
		.all = true,
	};
	struct space_area flows = {0}, queries = {0};
	bool differ;

	*ret = NULL;
	*ret_n = 0;
	*ret_all = true;
	if (!before->flat || !after->flat)
		return SPACE_UNKNOWN;
	space_store_init(&c.store, &scratch);
	space_values_init(&c.values, &scratch, &c.store);
	c.pairs.store = &c.store;
	c.pairs.fn = value_of_pair;
	flows = difference(&c, false);
	/* Without domain rules a query is a flow to port 53. */
	dns = dns && (before->n_runs > 1 || after->n_runs > 1);
	if (dns && !c.store.over)
		queries = difference(&c, true);
	if (c.store.over)
		return SPACE_UNKNOWN;
	differ = differs(&flows) || (dns && differs(&queries));
	if (differ && max) {
		changes_of(&c, &flows, false, false);
		changes_of(&c, &flows, true, false);
		changes_of(&c, &queries, true, true);
	}
	*ret = c.v;
	*ret_n = c.n;
	*ret_all = c.all;
	return differ ? SPACE_YES : SPACE_NO;
}

enum space_answer space_same(const struct space *x, const struct space *y,
			     bool dns)
{
	ARENA(a);
	struct space_change *v;
	size_t n;
	bool all;

	switch (space_diff(&a, x, y, dns, 0, &v, &n, &all)) {
	case SPACE_YES:
		return SPACE_NO;
	case SPACE_NO:
		return SPACE_YES;
	case SPACE_UNKNOWN:
		break;
	}
	return SPACE_UNKNOWN;
}

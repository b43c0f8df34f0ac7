/* SPDX-License-Identifier: GPL-2.0-or-later */
/* space_form.c - A walk as one area of values, however it was written. */
#include "space_form.h"

#include <string.h>

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
 * A query is judged by the name first, whatever the service of the domain rule,
 * and by the resolver's address: for walks with domain rules a second area
 * holds that.
 */

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

static const struct space_ports *combine(struct space_pairing *p,
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
static const struct space_ports *verdicts(struct space_pairing *p,
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
static struct space_area verdict_area(struct space_pairing *p,
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
static const struct space_ports *layers(struct space_pairing *p,
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
struct space_area space_overlay(struct space_pairing *p,
				const struct space_area *x,
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

static uint32_t value_of_verdict(struct space_pairing *p, uint32_t verdict,
				 uint32_t value)
{
	(void)p;
	return verdict == SPACE_FALLS ? value : verdict;
}

static uint32_t value_of_names(struct space_pairing *p, uint32_t about,
			       uint32_t value)
{
	if (about == SPACE_FALLS)
		return value;
	return space_values_push(p->values, p->names, p->n_names, value);
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
struct space_area space_form(const struct space *s, struct space_store *store,
			     struct space_values *values, bool dns)
{
	const struct policy_walk *w = s->walk;
	struct space_area area = uniform_value(
		store, w->default_allow ? SPACE_ALLOW : SPACE_DENY);
	size_t run = s->n_runs;

	while (run-- > 0) {
		struct space_pairing p = {
			.store = store, .values = values, .walk = w};
		const struct space_run *r = &s->runs[run];
		struct space_area over = r->area;
		size_t last, first;

		if (r->first != r->end) {
			if (dns)
				over = at_53(store, &over);
			p.fn = value_of_verdict;
			over = verdict_area(&p, &over);
			area = space_overlay(&p, &over, &area);
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
		p = (struct space_pairing){
			.store = store,
			.values = values,
			.fn = value_of_names,
			.names = &w->rules[first],
			.n_names = last - first + 1,
		};
		over = about(store, &w->rules[last], dns);
		area = space_overlay(&p, &over, &area);
	}
	return area;
}

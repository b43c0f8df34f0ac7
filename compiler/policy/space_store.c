/* SPDX-License-Identifier: GPL-2.0-or-later */
/* space_store.c - Port lists and profiles, each kept once, within a bound. */
#include "space_store.h"

#include <string.h>

/*
 * Ten thousand prefixes with a port each share nearly everything: what happens
 * to UDP, to ICMP, to the rest. So lists are compared by pointer, merging a
 * list with itself or with nothing costs nothing, and memory grows with what
 * differs.
 *
 * Hashes only choose a place; contents decide. Whoever writes a document that
 * makes them collide gets long searches, which are counted as steps.
 */

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

static bool same_ports(const void *x, const void *y)
{
	const struct space_ports *p = x, *q = y;

	return p->n == q->n && memcmp(p->v, q->v, p->n * sizeof(*p->v)) == 0;
}

static bool same_profile(const void *x, const void *y)
{
	const struct space_profile *p = x, *q = y;

	return memcmp(p->own, q->own, sizeof(p->own)) == 0 &&
	       memcmp(p->base, q->base, sizeof(p->base)) == 0;
}

static void table_grow(struct space_store *s, struct space_table *t)
{
	struct space_table old = *t;
	size_t i;

	if (t->n * 2 < t->cap)
		return;
	t->cap = t->cap ? t->cap * 2 : 64;
	t->v = arena_array(s->a, t->cap, struct space_slot);
	for (i = 0; i < old.cap; i++) {
		size_t at = (size_t)old.v[i].hash & (t->cap - 1);

		if (!old.v[i].item)
			continue;
		while (t->v[at].item)
			at = (at + 1) & (t->cap - 1);
		t->v[at] = old.v[i];
	}
}

void space_store_count(struct space_store *s, size_t n)
{
	s->steps += n;
	if (s->steps > s->max_steps)
		s->over = true;
}

struct space_slot *space_table_find(struct space_store *s,
				    struct space_table *t, uint64_t hash,
				    const void *item, space_same_fn *same)
{
	size_t i;

	table_grow(s, t);
	i = (size_t)hash & (t->cap - 1);
	while (t->v[i].item &&
	       (t->v[i].hash != hash || !same(t->v[i].item, item))) {
		i = (i + 1) & (t->cap - 1);
		space_store_count(s, 1);
	}
	return &t->v[i];
}

void space_store_init(struct space_store *s, struct arena *a)
{
	*s = (struct space_store){
		.a = a,
		.max_steps = SPACE_WORK,
		.max_kept = SPACE_KEEP,
	};
	s->falls = space_store_whole(s, SPACE_FALLS);
}

void space_store_begin(struct space_store *s)
{
	s->n = 0;
}

void space_store_put(struct space_store *s, uint16_t hi, uint32_t rule)
{
	struct space_span *last = s->n ? &s->buf[s->n - 1] : NULL;
	const uint16_t lo = last ? (uint16_t)(last->hi + 1) : 0;

	if (last && last->rule == rule) {
		last->hi = hi;
		return;
	}
	s->buf = arena_grow(s->a, s->buf, s->n, &s->cap, sizeof(*s->buf));
	s->buf[s->n++] = (struct space_span){lo, hi, rule};
}

const struct space_ports *space_store_end(struct space_store *s)
{
	struct space_ports key = {.v = s->buf, .n = s->n};
	struct space_ports *made;
	struct space_span *v;
	struct space_slot *place;
	size_t i;

	space_store_count(s, s->n);
	for (i = 0; i < s->n; i++) {
		key.open = key.open || s->buf[i].rule == SPACE_FALLS;
		key.hash = mix(key.hash,
			       (uint64_t)s->buf[i].rule << 16 | s->buf[i].hi);
	}
	place = space_table_find(s, &s->ports, key.hash, &key, same_ports);
	if (place->item)
		return place->item;
	if (s->kept + s->n > s->max_kept)
		s->over = true;
	if (s->over)
		return s->falls;
	s->kept += s->n;
	v = arena_array(s->a, s->n, struct space_span);
	memcpy(v, s->buf, s->n * sizeof(*v));
	made = arena_new(s->a, struct space_ports);
	*made = key;
	made->v = v;
	*place = (struct space_slot){key.hash, made};
	s->ports.n++;
	return made;
}

const struct space_ports *space_store_whole(struct space_store *s,
					    uint32_t rule)
{
	space_store_begin(s);
	space_store_put(s, UINT16_MAX, rule);
	return space_store_end(s);
}

const struct space_ports *space_store_min(struct space_store *s,
					  const struct space_ports *x,
					  const struct space_ports *y)
{
	size_t i = 0, j = 0;

	if (x == y || y == s->falls || s->over)
		return x;
	if (x == s->falls)
		return y;
	space_store_begin(s);
	while (i < x->n && j < y->n) {
		const struct space_span *p = &x->v[i], *q = &y->v[j];
		const uint16_t hi = p->hi < q->hi ? p->hi : q->hi;

		space_store_put(s, hi, p->rule < q->rule ? p->rule : q->rule);
		i += p->hi == hi;
		j += q->hi == hi;
	}
	space_store_count(s, x->n + y->n);
	return space_store_end(s);
}

struct space_lists space_lists_min(struct space_store *s,
				   const struct space_lists *x,
				   const struct space_lists *y)
{
	struct space_lists lists;
	enum space_class c;

	for (c = 0; c < SPACE_CLASSES; c++)
		lists.by[c] = space_store_min(s, x->by[c], y->by[c]);
	return lists;
}

const struct space_ports *space_store_above(struct space_store *s,
					    const struct space_ports *own,
					    const struct space_ports *base)
{
	size_t i, j;

	if (own == s->falls || base == s->falls || s->over)
		return own;
	space_store_begin(s);
	for (i = 0; i < own->n; i++) {
		const struct space_span *p = &own->v[i];

		if (p->rule == SPACE_FALLS) {
			space_store_put(s, p->hi, SPACE_FALLS);
			continue;
		}
		for (j = space_ports_find(base, p->lo);
		     j < base->n && base->v[j].lo <= p->hi; j++) {
			const struct space_span *q = &base->v[j];

			space_store_put(s, q->hi < p->hi ? q->hi : p->hi,
					p->rule < q->rule ? p->rule
							  : SPACE_FALLS);
			space_store_count(s, 1);
		}
	}
	space_store_count(s, own->n);
	return space_store_end(s);
}

const struct space_profile *space_store_profile(struct space_store *s,
						const struct space_profile *p)
{
	struct space_profile *made;
	struct space_slot *place;
	uint64_t hash = 0;
	enum space_class c;

	space_store_count(s, 1);
	for (c = 0; c < SPACE_CLASSES; c++)
		hash = mix(mix(hash, p->own[c]->hash), p->base[c]->hash);
	place = space_table_find(s, &s->profiles, hash, p, same_profile);
	if (place->item)
		return place->item;
	made = arena_new(s->a, struct space_profile);
	*made = *p;
	made->number = s->n_list;
	*place = (struct space_slot){hash, made};
	s->profiles.n++;
	s->list = arena_grow(s->a, s->list, s->n_list, &s->cap_list,
			     sizeof(struct space_profile *));
	s->list[s->n_list++] = made;
	return made;
}

void space_area_add(struct arena *a, struct space_area *area, size_t *cap,
		    const struct space_cell *cell)
{
	struct space_cell *v = (struct space_cell *)area->v;
	struct space_cell *last = area->n ? &v[area->n - 1] : NULL;

	if (last && last->profile == cell->profile &&
	    last->addrs.family == cell->addrs.family) {
		last->addrs.hi = cell->addrs.hi;
		return;
	}
	v = arena_grow(a, v, area->n, cap, sizeof(*v));
	v[area->n++] = *cell;
	area->v = v;
}

const struct space_cell *space_area_at(const struct space_area *area,
				       struct ip ip)
{
	size_t lo = 0, hi = area->n - 1;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;
		const struct ip_range *r = &area->v[mid].addrs;

		if (r->family < ip.family ||
		    (r->family == ip.family && r->hi < ip.num))
			lo = mid + 1;
		else
			hi = mid;
	}
	return &area->v[lo];
}

size_t space_ports_find(const struct space_ports *p, uint16_t port)
{
	size_t lo = 0, hi = p->n - 1;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;

		if (p->v[mid].hi < port)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

uint32_t space_ports_at(const struct space_ports *p, uint16_t port)
{
	return p->v[space_ports_find(p, port)].rule;
}

uint32_t space_profile_at(const struct space_profile *p, enum space_class class,
			  uint16_t port)
{
	const uint32_t rule = space_ports_at(p->own[class], port);

	return rule != SPACE_FALLS ? rule
				   : space_ports_at(p->base[class], port);
}

struct space_cursor space_cursor(const struct space_profile *p,
				 enum space_class class, uint16_t port)
{
	return (struct space_cursor){
		.own = p->own[class],
		.base = p->base[class],
		.i = space_ports_find(p->own[class], port),
		.j = space_ports_find(p->base[class], port),
	};
}

bool space_next(struct space_cursor *c, struct space_span *ret)
{
	const struct space_span *x, *y;

	if (c->i == c->own->n || c->j == c->base->n)
		return false;
	x = &c->own->v[c->i];
	y = &c->base->v[c->j];
	ret->lo = x->lo > y->lo ? x->lo : y->lo;
	ret->hi = x->hi < y->hi ? x->hi : y->hi;
	ret->rule = x->rule != SPACE_FALLS ? x->rule : y->rule;
	c->i += x->hi == ret->hi;
	c->j += y->hi == ret->hi;
	return true;
}

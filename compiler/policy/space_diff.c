/* SPDX-License-Identifier: GPL-2.0-or-later */
/* space_diff.c - Two walks compared: the same, or where they differ. */
#include <string.h>

#include "space_form.h"

/*
 * Both walks become areas of values in one store (space_form.c), so that equal
 * values are equal numbers. Laid over each other they become an area whose
 * values are pairs: zero where they agree, else a number for "this here, that
 * there". As neighbours with one number are one cell, the cells are the
 * difference.
 */

static bool same_pair(const void *one, const void *other)
{
	return memcmp(one, other, sizeof(uint32_t[2])) == 0;
}

/* The number of a pair of values that differ; 0 for two that do not. */
static uint32_t value_of_pair(struct space_pairing *p, uint32_t x, uint32_t y)
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

/** struct compare - Two walks on one scale */
struct compare {
	const struct space *before;
	const struct space *after;
	struct space_store store;
	struct space_values values;
	struct space_pairing pairs;
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
	const struct space_area x =
		space_form(c->before, &c->store, &c->values, dns);
	const struct space_area y =
		space_form(c->after, &c->store, &c->values, dns);

	return space_overlay(&c->pairs, &x, &y);
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

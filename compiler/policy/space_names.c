/* SPDX-License-Identifier: GPL-2.0-or-later */
/* space_names.c - What domain rules leave open, as numbers that can be
 * compared.
 */
#include "space_names.h"

#include <stdlib.h>
#include <string.h>

/*
 * What a flow meets at one address and port is a list of domain rules, up to
 * the first rule about addresses that matches there. Such a list is a value. It
 * is kept in a form in which lists that mean the same are mostly the same:
 *
 *	neighbours with one verdict	are a set: whichever matches, the
 *					verdict is the same
 *	a name that another covers	is left out of its set
 *	a last set with the verdict	changes nothing, and is left out
 *	of the end
 *
 * Two values that are the same number mean the same; that is proven by each of
 * these steps. The reverse is not proven: a name that an earlier set of the
 * other verdict covers is kept, for a flow can have a pin that one of them
 * matches and a server name that the other does.
 */

static int name_order(const void *x, const void *y)
{
	const struct space_name *a = x, *b = y;
	int order;

	if (a->name.len != b->name.len)
		return a->name.len < b->name.len ? -1 : 1;
	order = memcmp(a->name.wire, b->name.wire, a->name.len);
	if (order)
		return order;
	if (a->exact != b->exact)
		return a->exact ? 1 : -1;
	return a->below - b->below;
}

static bool has(const struct space_name *v, size_t n, struct dname name,
		bool exact)
{
	const struct space_name key = {name, exact, true};

	return bsearch(&key, v, n, sizeof(*v), name_order) != NULL;
}

/* Whether a name above @name, other than itself, covers it. */
static bool covered(const struct space_name *v, size_t n, struct dname name)
{
	while (name.len > 1) {
		const uint8_t label = (uint8_t)(name.wire[0] + 1);

		name.wire += label;
		name.len = (uint8_t)(name.len - label);
		if (has(v, n, name, false) || has(v, n, name, true))
			return true;
	}
	return false;
}

/*
 * Sorts names and leaves out what says nothing new; returns how many are left.
 * Denied, a name and what is below it are one: the server's name is enough, or
 * any pin. Allowed they are not, as one rule must match both.
 */
static size_t names_normal(struct arena *a, struct space_name *v, size_t n,
			   bool allow)
{
	bool *drop = arena_array(a, n, bool);
	size_t i, k = 0, kept = 0;

	qsort(v, n, sizeof(*v), name_order);
	for (i = 0; i < n; i++) {
		struct space_name *last = k ? &v[k - 1] : NULL;

		if (!last || !dname_equal(last->name, v[i].name) ||
		    (allow && name_order(last, &v[i]) != 0)) {
			v[k++] = v[i];
			continue;
		}
		last->exact = last->exact || v[i].exact;
		last->below = last->below || v[i].below;
	}
	for (i = 0; i < k; i++)
		drop[i] = covered(v, k, v[i].name);
	for (i = 0; i < k; i++)
		if (!drop[i])
			v[kept++] = v[i];
	return kept;
}

static uint64_t step_hash(const struct space_step *s)
{
	uint64_t h = 0xcbf29ce484222325u ^ s->next << 1 ^ s->allow;
	size_t i;
	uint8_t j;

	for (i = 0; i < s->n; i++) {
		for (j = 0; j < s->v[i].name.len; j++)
			h = (h ^ s->v[i].name.wire[j]) * 0x100000001b3u;
		h = (h ^ (s->v[i].exact ? 1u : 2u)) * 0x100000001b3u;
		h = (h ^ (s->v[i].below ? 1u : 2u)) * 0x100000001b3u;
	}
	return h ^ h >> 32;
}

static bool step_same(const void *one, const void *other)
{
	const struct space_step *x = one, *y = other;
	size_t i;

	if (x->allow != y->allow || x->next != y->next || x->n != y->n)
		return false;
	for (i = 0; i < x->n; i++)
		if (name_order(&x->v[i], &y->v[i]) != 0)
			return false;
	return true;
}

static void values_append(struct space_values *s, struct space_step *step)
{
	step->number = (uint32_t)s->n;
	s->v = arena_grow(s->a, s->v, s->n, &s->cap,
			  sizeof(struct space_step *));
	s->v[s->n++] = step;
}

void space_values_init(struct space_values *s, struct arena *a,
		       struct space_store *store)
{
	uint32_t end;

	*s = (struct space_values){.a = a, .store = store};
	for (end = SPACE_DENY; end <= SPACE_ALLOW; end++) {
		struct space_step *step = arena_new(a, struct space_step);

		step->allow = end == SPACE_ALLOW;
		values_append(s, step);
	}
}

uint32_t space_values_push(struct space_values *s,
			   const struct policy_rule *rules, size_t n,
			   uint32_t value)
{
	const struct space_step *after = s->v[value];
	struct space_step *step;
	struct space_slot *place;
	struct space_name *v;
	uint64_t hash;
	size_t i;

	if (value <= SPACE_ALLOW && after->allow == rules[0].allow)
		return value;
	v = arena_array(s->a, n + after->n, struct space_name);
	for (i = 0; i < n; i++)
		v[i] = (struct space_name){
			.name = rules[i].dest.name,
			.exact = rules[i].dest.kind == CONFIG_DEST_NAME ||
				 rules[i].dest.apex,
			.below = rules[i].dest.kind == CONFIG_DEST_SUFFIX,
		};
	step = arena_new(s->a, struct space_step);
	*step = (struct space_step){
		.allow = rules[0].allow, .v = v, .n = n, .next = value};
	if (value > SPACE_ALLOW && after->allow == step->allow) {
		memcpy(v + n, after->v, after->n * sizeof(*v));
		step->n += after->n;
		step->next = after->next;
	}
	space_store_count(s->store, step->n * 16);
	if (s->store->over)
		return value;
	step->n = names_normal(s->a, v, step->n, step->allow);
	hash = step_hash(step);
	place = space_table_find(s->store, &s->table, hash, step, step_same);
	if (place->item)
		return ((const struct space_step *)place->item)->number;
	*place = (struct space_slot){hash, step};
	s->table.n++;
	values_append(s, step);
	return step->number;
}

uint32_t space_values_end(const struct space_values *s, uint32_t value)
{
	while (value > SPACE_ALLOW)
		value = s->v[value]->next;
	return value;
}

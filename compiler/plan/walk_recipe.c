/* SPDX-License-Identifier: GPL-2.0-or-later */
/* walk_recipe.c - What the chain of a profile has to say, and in which order.
 */
#include "walk_recipe.h"

#include "space_store.h"

/*
 * Profiles differ from few bases (space.h) in few services. So a chain is
 * printed in the shortest of three ways:
 *
 *	alone		each service that is decided
 *	before its base	what its base decides otherwise, or not at all; then
 *			"goto" the base
 *	behind its base	"jump" to the base; then what that leaves open. Only if
 *			the base is right wherever it decides
 *
 * Where a rule decides all that is left of a protocol, or of everything, it
 * comes last and names no ports.
 */

static const struct space_span everything = {0, UINT16_MAX, SPACE_FALLS};

/* The list that decides nothing. */
static const struct space_ports nothing = {
	.v = &everything, .n = 1, .open = true};

static void list_put(struct recipe_list *l, uint16_t lo, uint16_t hi,
		     uint32_t rule)
{
	struct space_span *last = l->n ? &l->v[l->n - 1] : NULL;

	if (last && last->rule == rule && last->hi + 1 == lo)
		last->hi = hi;
	else
		l->v[l->n++] = (struct space_span){lo, hi, rule};
}

/*
 * The ports of a class that a chain has to say: those of @own, and those of
 * @base where @own falls. What the rule @rest decides is left to the end of the
 * chain. The last rule of the list is left to the end of the class if it has no
 * ports: then it decides whatever no other does.
 */
static void list_make(struct arena *a, const struct policy_walk *walk,
		      struct recipe_list *l, const struct space_ports *own,
		      const struct space_ports *base, uint32_t rest,
		      bool may_rest)
{
	const struct space_profile both = {.own = {own}, .base = {base}};
	struct space_cursor at = space_cursor(&both, SPACE_TCP, 0);
	struct space_span span;
	uint32_t last = 0;
	size_t i, n;

	*l = (struct recipe_list){
		.v = arena_array(a, own->n + base->n, struct space_span),
		.rest = SPACE_FALLS,
	};
	while (space_next(&at, &span)) {
		if (span.rule == SPACE_FALLS || span.rule == rest)
			continue;
		list_put(l, span.lo, span.hi, span.rule);
		last = span.rule > last ? span.rule : last;
	}
	if (!may_rest || !l->n || walk->rules[last].n_ports || last > rest)
		return;
	for (i = n = 0; i < l->n; i++)
		if (l->v[i].rule != last)
			l->v[n++] = l->v[i];
	l->n = n;
	l->rest = last;
}

/* Whether a base decides nothing where a profile on top of it decides. */
static bool is_beside(const struct space_ports *own,
		      const struct space_ports *base)
{
	size_t i, j;

	for (i = 0; i < own->n; i++) {
		const struct space_span *x = &own->v[i];

		if (x->rule == SPACE_FALLS)
			continue;
		for (j = space_ports_find(base, x->lo);
		     j < base->n && base->v[j].lo <= x->hi; j++)
			if (base->v[j].rule != SPACE_FALLS)
				return false;
	}
	return true;
}

static bool is_right(enum recipe_way way, const struct space_profile *p,
		     const struct space_profile *b)
{
	enum space_class c;

	if (way == RECIPE_ALONE)
		return true;
	if (p == b)
		return false;
	/* What decides everything else would leave nothing to the base. */
	if (way == RECIPE_BEFORE)
		return p->own[SPACE_OTHER]->v[0].rule == SPACE_FALLS;
	for (c = 0; c < SPACE_CLASSES; c++)
		if (!is_beside(p->own[c], b->base[c]))
			return false;
	return true;
}

static struct recipe recipe(struct arena *a, const struct policy_walk *walk,
			    enum recipe_way way, const struct space_profile *p)
{
	struct recipe r = {.way = way, .rest = SPACE_FALLS};
	enum space_class c;

	if (way != RECIPE_BEFORE)
		r.rest = p->own[SPACE_OTHER]->v[0].rule;
	if (way == RECIPE_ALONE && r.rest == SPACE_FALLS)
		r.rest = p->base[SPACE_OTHER]->v[0].rule;
	r.size = (way != RECIPE_ALONE) + (size_t)(r.rest != SPACE_FALLS);
	for (c = 0; c < SPACE_OTHER; c++) {
		const struct space_ports *base =
			way == RECIPE_ALONE ? p->base[c] : &nothing;

		list_make(a, walk, &r.by[c], p->own[c], base, r.rest,
			  way != RECIPE_BEFORE);
		r.size += r.by[c].n + (r.by[c].rest != SPACE_FALLS);
	}
	return r;
}

/* A base of more spans is not said again for each profile on top of it, where
 * there is another way. */
#define BASE_FEW 64

struct recipe walk_recipe(struct arena *a, const struct policy_walk *walk,
			  const struct space_profile *p,
			  const struct space_profile *b)
{
	size_t spans = b->base[SPACE_TCP]->n + b->base[SPACE_UDP]->n;
	struct recipe best = {.size = SIZE_MAX}, r;
	enum recipe_way way;

	for (way = RECIPE_ALONE + 1; way <= RECIPE_BEHIND; way++) {
		if (!is_right(way, p, b))
			continue;
		r = recipe(a, walk, way, p);
		if (r.size < best.size)
			best = r;
	}
	if (best.size != SIZE_MAX && spans > BASE_FEW)
		return best;
	r = recipe(a, walk, RECIPE_ALONE, p);
	return r.size <= best.size ? r : best;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lint_rules.c - Rules that never match, or match in vain. */
#include <string.h>

#include "eval.h"
#include "lint_parts.h"
#include "str.h"

/*
 * A rule of the document takes part in one walk or in both, and it is said to
 * never match only if it matches in none of its walks. What decides instead of
 * it is known from the normal form, which names for each flow the one rule that
 * decides: those that decide the rule's own flows are the fewest that hide it.
 *
 * A rule about a name is hidden if what decides all flows of its service stands
 * before it; or an earlier rule about names does that matches whenever it does.
 * Deny matches on the SNI alone, so allow never hides deny (eval.c). And its
 * queries, which see the name whatever the service, must be decided before it.
 */

#define HIDERS_SHOWN 4

/** struct hidden - What is known of a rule in one walk, or in both */
struct hidden {
	const struct policy_rule **by;
	size_t n;
	size_t cap;
	bool never;
};

static void spend(struct lint *l, size_t steps)
{
	l->work -= steps < l->work ? steps : l->work;
}

static void hidden_add(struct lint *l, struct hidden *h,
		       const struct policy_rule *r)
{
	size_t i;

	for (i = 0; i < h->n; i++)
		if (strcmp(h->by[i]->pointer, r->pointer) == 0)
			return;
	spend(l, 4 * h->n);
	h->by = arena_grow(l->a, h->by, h->n, &h->cap,
			   sizeof(struct policy_rule *));
	h->by[h->n++] = r;
}

static bool covers_ports(const struct policy_rule *x,
			 const struct policy_rule *y)
{
	size_t i, j;

	if (!x->n_ports)
		return true;
	for (i = 0; i < y->n_ports; i++) {
		for (j = 0; j < x->n_ports; j++)
			if (y->ports[i].lo >= x->ports[j].lo &&
			    y->ports[i].hi <= x->ports[j].hi)
				break;
		if (j == x->n_ports)
			return false;
	}
	return y->n_ports > 0;
}

static bool covers_service(const struct policy_rule *x,
			   const struct policy_rule *y)
{
	return (!x->protos || (y->protos && !(y->protos & ~x->protos))) &&
	       covers_ports(x, y);
}

/* Whether @x matches whatever @y, a rule about names too, does. */
static bool covers_name(const struct policy_rule *x,
			const struct policy_rule *y)
{
	const struct config_dest *a = &x->dest, *b = &y->dest;

	if (!lint_is_name(x) || (x->allow && !y->allow) ||
	    !covers_service(x, y))
		return false;
	if (a->kind == CONFIG_DEST_NAME)
		return b->kind == CONFIG_DEST_NAME &&
		       dname_equal(a->name, b->name);
	if (dname_below(b->name, a->name))
		return true;
	return dname_equal(a->name, b->name) &&
	       (a->apex || (b->kind == CONFIG_DEST_SUFFIX && !b->apex));
}

/* The earlier rule that answers each query that a rule is about; NULL if it
 * answers some itself. */
static const struct policy_rule *
query_hider(struct lint *l, const struct policy_walk *w, size_t rule)
{
	size_t i;

	spend(l, 8 * rule);
	for (i = 0; i < rule; i++) {
		struct policy_rule any = w->rules[i];

		/* Queries ignore the service. */
		any.protos = 0;
		any.n_ports = 0;
		any.allow = false;
		if (covers_name(&any, &w->rules[rule]))
			return &w->rules[i];
	}
	return NULL;
}

/* Whether a query to the gateway, over UDP or TCP, is decided by no rule about
 * addresses before @own. */
static bool query_reaches(const struct lint *l, size_t own)
{
	const uint8_t protos[] = {6, 17};
	size_t i;

	for (i = 0; i < 2; i++)
		if (space_lookup(&l->side[POLICY_EGRESS].own, l->p->slot.gw4,
				 protos[i], 53) >= own)
			return true;
	return false;
}

static const struct policy_rule *
name_hider(struct lint *l, const struct policy_walk *w, size_t rule)
{
	size_t i;

	spend(l, 4 * rule);
	for (i = 0; i < rule; i++)
		if (covers_name(&w->rules[i], &w->rules[rule]))
			return &w->rules[i];
	return NULL;
}

static void look_name(struct lint *l, enum policy_direction dir, size_t rule,
		      struct hidden *h)
{
	const struct space *s = &l->side[dir].own;
	const size_t own = rule - l->side[dir].first;
	const struct policy_rule *by;
	uint32_t *v;
	size_t n, i;

	n = space_deciders(l->a, s, (uint32_t)own, &v, &l->work);
	if (n && v[n - 1] >= own) {
		by = name_hider(l, s->walk, own);
		if (!by) {
			h->never = false;
			return;
		}
		hidden_add(l, h, by);
		n = 0;
	}
	if (dir == POLICY_EGRESS && query_reaches(l, own)) {
		by = query_hider(l, s->walk, own);
		if (!by) {
			h->never = false;
			return;
		}
		hidden_add(l, h, by);
	}
	for (i = 0; i < n; i++)
		hidden_add(l, h, &s->walk->rules[v[i]]);
}

static void look_address(struct lint *l, enum policy_direction dir, size_t rule,
			 struct hidden *h, struct hidden *part)
{
	const struct lint_side *s = &l->side[dir];
	const size_t own = rule - s->first;
	uint32_t *v;
	size_t n, i;

	n = space_deciders(l->a, &s->own, (uint32_t)own, &v, &l->work);
	for (i = 0; i < n && v[i] < own; i++)
		hidden_add(l, part, &s->walk.rules[s->first + v[i]]);
	if (i == n) {
		for (i = 0; i < part->n; i++)
			hidden_add(l, h, part->by[i]);
		return;
	}
	n = space_deciders(l->a, &s->space, (uint32_t)rule, &v, &l->work);
	for (i = 0; i < n; i++) {
		if (v[i] == rule)
			h->never = false;
		else
			hidden_add(l, h, &s->walk.rules[v[i]]);
	}
}

/* "/Rules/0 (deny), /Rules/1 (allow) and 3 more" */
static const char *hiders_text(struct lint *l, const struct hidden *h)
{
	STR(s);
	size_t i;

	for (i = 0; i < h->n && i < HIDERS_SHOWN; i++)
		str_printf(&s, "%s%s (%s)",
			   !i		   ? ""
			   : i + 1 == h->n ? " and "
					   : ", ",
			   h->by[i]->pointer,
			   h->by[i]->allow ? "allow" : "deny");
	if (h->n > HIDERS_SHOWN)
		str_printf(&s, " and %zu more", h->n - HIDERS_SHOWN);
	return arena_strdup(l->a, str_text(&s));
}

static void say_never(struct lint *l, const struct policy_rule *r,
		      const struct hidden *h)
{
	enum diag_code code = DIAG_LINT_REDUNDANT;
	const char *before = NULL;
	bool unpublished = h->n > 0;
	size_t i;

	for (i = 0; i < h->n; i++) {
		if (strcmp(h->by[i]->pointer, "always:unpublished") != 0)
			unpublished = false;
		if (!before && h->by[i]->pointer[0] == '/')
			before = h->by[i]->pointer;
		if (h->by[i]->allow != r->allow)
			code = DIAG_LINT_SHADOWED;
	}
	if (unpublished) {
		lint_add(l, DIAG_WARNING, DIAG_LINT_UNPUBLISHED, r->pointer,
			 "publish a port with Ports or PortBindings",
			 "the rule never matches: no binding publishes a port "
			 "that it is about");
		return;
	}
	lint_add(l, DIAG_WARNING, code, r->pointer,
		 code == DIAG_LINT_REDUNDANT || !before
			 ? "leave it out"
			 : arena_printf(l->a,
					"move it before %s, or leave it out",
					before),
		 "the rule never matches: all that it is about is decided by "
		 "%s before it",
		 hiders_text(l, h));
}

/* Whether a rule is an exception inside another: about a part of it. */
static bool is_inside(struct lint *l, const struct space *s,
		      const struct policy_rule *x, const struct policy_rule *y)
{
	ARENA(a);
	const struct ip_set in =
		space_rule_ranges(&a, s, (uint32_t)(x - s->walk->rules));
	const struct ip_set out =
		space_rule_ranges(&a, s, (uint32_t)(y - s->walk->rules));
	size_t i;

	spend(l, 100 + in.n);
	for (i = 0; i < in.n; i++)
		if (!ip_set_covers(out, in.v[i]))
			return false;
	return covers_service(y, x);
}

/* Earlier rules with the other action that cross a rule, in all its walks. */
static struct hidden crossing(struct lint *l,
			      const size_t at[POLICY_DIRECTIONS],
			      const struct hidden part[POLICY_DIRECTIONS])
{
	struct hidden by = {0};
	enum policy_direction dir;
	size_t i;

	for (dir = POLICY_EGRESS; dir < POLICY_DIRECTIONS; dir++) {
		const struct lint_side *s = &l->side[dir];
		const struct policy_rule *r =
			at[dir] == SIZE_MAX ? NULL : &s->walk.rules[at[dir]];

		for (i = 0; r && i < part[dir].n; i++)
			if (part[dir].by[i]->allow != r->allow && l->work &&
			    !is_inside(l, &s->space, part[dir].by[i], r))
				hidden_add(l, &by, part[dir].by[i]);
	}
	return by;
}

static bool changes_nothing(struct lint *l, enum policy_direction dir,
			    size_t rule)
{
	return space_changes_nothing(&l->side[dir].space, &l->p->slot,
				     (uint32_t)rule, dir == POLICY_EGRESS,
				     &l->work) == SPACE_YES;
}

/* One rule, at its places in the walks; SIZE_MAX where it has none. */
static void look(struct lint *l, const size_t at[POLICY_DIRECTIONS])
{
	struct hidden h = {.never = true}, part[POLICY_DIRECTIONS] = {{0}};
	const struct policy_rule *r = NULL;
	enum policy_direction dir;
	bool nothing = true;
	struct hidden by;

	for (dir = POLICY_EGRESS; dir < POLICY_DIRECTIONS; dir++) {
		if (at[dir] == SIZE_MAX)
			continue;
		r = &l->side[dir].walk.rules[at[dir]];
		if (lint_is_name(r))
			look_name(l, dir, at[dir], &h);
		else
			look_address(l, dir, at[dir], &h, &part[dir]);
	}
	if (!r)
		return;
	/* What was not looked at to its end is nothing to speak of. */
	if (!l->work)
		return;
	if (h.never) {
		say_never(l, r, &h);
		if (at[POLICY_EGRESS] != SIZE_MAX)
			l->never[at[POLICY_EGRESS] -
				 l->side[POLICY_EGRESS].first] = true;
		return;
	}
	if (lint_is_name(r))
		return;
	for (dir = POLICY_EGRESS; dir < POLICY_DIRECTIONS; dir++)
		if (at[dir] != SIZE_MAX)
			nothing = nothing && changes_nothing(l, dir, at[dir]);
	by = crossing(l, at, part);
	if (!l->work)
		return;
	if (nothing)
		lint_add(l, DIAG_WARNING, DIAG_LINT_NO_EFFECT, r->pointer,
			 by.n ? arena_printf(l->a,
					     "move it before %s, or leave it "
					     "out",
					     by.by[0]->pointer)
			      : "leave it out",
			 by.n ? "without the rule every flow gets the same "
				"verdict; a part of what it is about is "
				"decided by %s before it"
			      : "without the rule every flow gets the same "
				"verdict%s",
			 hiders_text(l, &by));
	else if (by.n)
		lint_add(l, DIAG_NOTE, DIAG_LINT_PARTLY_HIDDEN, r->pointer,
			 NULL,
			 "a part of what the rule is about is decided by %s "
			 "before it",
			 hiders_text(l, &by));
}

/* Take the next rule of a walk, if it is the one that @pointer names. */
static size_t take(const struct lint *l, enum policy_direction dir,
		   const char *pointer, size_t *next)
{
	const struct policy_walk *w = &l->p->walk[dir];

	if (*next == w->n || strcmp(w->rules[*next].pointer, pointer) != 0)
		return SIZE_MAX;
	return l->side[dir].first + (*next)++;
}

void lint_rules(struct lint *l)
{
	const struct config *c = l->p->config;
	const size_t names = c->deny_domains.n + c->deny_suffixes.n;
	const size_t all = names + c->n_rules;
	size_t next[POLICY_DIRECTIONS] = {0}, i;

	/* Names that are denied come first, and in the egress walk alone; of
	 * the rules each walk has some. The rules of a preset are not the
	 * document's. */
	for (i = 0; i < all; i++) {
		const char *pointer =
			i < names ? l->p->walk[POLICY_EGRESS].rules[i].pointer
				  : c->rules[i - names].pointer;
		size_t at[POLICY_DIRECTIONS];
		enum policy_direction dir;

		for (dir = POLICY_EGRESS; dir < POLICY_DIRECTIONS; dir++)
			at[dir] = take(l, dir, pointer, &next[dir]);
		look(l, at);
		if (!l->work) {
			lint_bound(l, pointer,
				   "no rule is asked about those before it");
			return;
		}
	}
}

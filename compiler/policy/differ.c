/* SPDX-License-Identifier: GPL-2.0-or-later */
/* differ.c - Which flows two policies judge differently, and what else. */
#include "differ.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "always.h"
#include "eval.h"

/** QUERY_BOXES - Parts of the flows with names of which one is shown */
#define QUERY_BOXES 16

/** QUERY_NAMES - Rules about names that queries are made of */
#define QUERY_NAMES 200

/** struct growing - The lists of a result while they grow */
struct growing {
	struct arena *a;
	const struct differ_side *side[2];
	struct differ *d;
	size_t cap_flows;
	size_t cap_names;
	size_t cap_queries;
};

void differ_side_of(struct arena *a, const struct policy *p,
		    struct differ_side *ret)
{
	enum policy_direction dir;
	size_t first;

	*ret = (struct differ_side){.policy = p, .slot = p->slot};
	for (dir = POLICY_EGRESS; dir < POLICY_DIRECTIONS; dir++)
		always_walk(a, p, dir, &first, &ret->walk[dir]);
}

/* What a side says of a flow: the policy itself, or the rule of a ruleset. */
static struct differ_decision
decide(struct arena *a, const struct differ_side *side, const struct space *s,
       uint32_t rule, enum policy_direction dir, const struct flow *f)
{
	struct verdict v;

	if (side->policy) {
		v = eval(a, side->policy, f);
		return (struct differ_decision){v.allow, v.pointer, v.words};
	}
	return (struct differ_decision){
		.allow = space_allows(s, rule),
		.pointer = space_pointer(s, rule),
		.words = rule == SPACE_FALLS
				 ? "no rule matches"
				 : policy_rule_words(a, &s->walk->rules[rule],
						     dir),
	};
}

static struct flow flow_of(const struct space_change *c,
			   enum policy_direction dir)
{
	struct flow f = {.kind = dir == POLICY_EGRESS ? FLOW_EGRESS
						      : FLOW_INGRESS};

	f.ip = space_witness(c->addrs, c->service, &f.proto, &f.port);
	f.has_port = f.proto == IPPROTO_TCP || f.proto == IPPROTO_UDP;
	return f;
}

static bool same_rule(const struct space *s, uint32_t x, uint32_t y)
{
	return space_allows(s, x) == space_allows(s, y) &&
	       strcmp(space_pointer(s, x), space_pointer(s, y)) == 0;
}

/* Whether two changes are one, but for the protocol. */
static bool joins(const struct space *s[2], const struct space_change *x,
		  const struct space_change *y)
{
	const bool ports = y->service.class == SPACE_TCP ||
			   y->service.class == SPACE_UDP;

	return !y->names && y->addrs.family == x->addrs.family &&
	       y->addrs.lo == x->addrs.lo && y->addrs.hi == x->addrs.hi &&
	       same_rule(s[0], x->before, y->before) &&
	       same_rule(s[1], x->after, y->after) &&
	       y->service.class != x->service.class &&
	       ((!ports && x->service.lo == 0 && x->service.hi == 65535) ||
		(y->service.lo == x->service.lo &&
		 y->service.hi == x->service.hi));
}

static void add_flows(struct growing *g, enum policy_direction dir,
		      const struct space *s[2], const struct space_change *v,
		      size_t n)
{
	struct differ *d = g->d;
	bool *used = arena_array(g->a, n, bool);
	size_t i, j;

	for (i = 0; i < n; i++) {
		struct differ_flows f = {
			.direction = dir,
			.addrs = v[i].addrs,
			.classes = 1u << v[i].service.class,
			.lo = v[i].service.lo,
			.hi = v[i].service.hi,
			.flow = flow_of(&v[i], dir),
		};

		if (used[i] || v[i].names)
			continue;
		for (j = i + 1; j < n; j++) {
			if (used[j] || !joins(s, &v[i], &v[j]) ||
			    f.classes & 1u << v[j].service.class)
				continue;
			used[j] = true;
			f.classes |= 1u << v[j].service.class;
		}
		f.before = decide(g->a, g->side[0], s[0], v[i].before, dir,
				  &f.flow);
		f.after = decide(g->a, g->side[1], s[1], v[i].after, dir,
				 &f.flow);
		d->flows = arena_grow(g->a, d->flows, d->n_flows, &g->cap_flows,
				      sizeof(*d->flows));
		d->flows[d->n_flows++] = f;
	}
}

static bool is_name(const struct policy_rule *r)
{
	return r->dest.kind == CONFIG_DEST_NAME ||
	       r->dest.kind == CONFIG_DEST_SUFFIX;
}

/** struct named - A rule about a name, in words */
struct named {
	const struct policy_rule *rule;
	const char *words;
	size_t place;
	bool other;
};

static int by_words(const void *x, const void *y)
{
	const struct named *a = x, *b = y;

	return strcmp(a->words, b->words);
}

static int by_place(const void *x, const void *y)
{
	const struct named *a = x, *b = y;

	return (a->place > b->place) - (a->place < b->place);
}

static struct named *named_of(struct arena *a, const struct policy_walk *w,
			      enum policy_direction dir, size_t *ret_n)
{
	struct named *v = arena_array(a, w->n, struct named);
	size_t i, n = 0;

	for (i = 0; i < w->n; i++)
		if (is_name(&w->rules[i]))
			v[n++] = (struct named){
				.rule = &w->rules[i],
				.words =
					policy_rule_words(a, &w->rules[i], dir),
				.place = i,
			};
	if (n)
		qsort(v, n, sizeof(*v), by_words);
	*ret_n = n;
	return v;
}

/* Mark what only one of the two has. */
static void match_names(struct named *x, size_t n, struct named *y, size_t m)
{
	size_t i = 0, j = 0;

	while (i < n || j < m) {
		const int order = i == n   ? 1
				  : j == m ? -1
					   : by_words(&x[i], &y[j]);

		if (order < 0)
			x[i++].other = true;
		else if (order > 0)
			y[j++].other = true;
		else
			i++, j++;
	}
}

static void add_query(struct growing *g, const struct flow *f)
{
	struct differ *d = g->d;
	struct differ_query q = {.flow = *f};
	enum policy_direction dir = f->kind == FLOW_INGRESS ? POLICY_INGRESS
							    : POLICY_EGRESS;

	q.before = decide(g->a, g->side[0], NULL, 0, dir, f);
	q.after = decide(g->a, g->side[1], NULL, 0, dir, f);
	if (q.before.allow == q.after.allow)
		return;
	d->queries = arena_grow(g->a, d->queries, d->n_queries, &g->cap_queries,
				sizeof(*d->queries));
	d->queries[d->n_queries++] = q;
}

/* A name that a rule is about: of a suffix, one below it. */
static struct dname name_of(struct arena *a, const struct policy_rule *r)
{
	static const uint8_t label[] = "\003www";
	const size_t len = sizeof(label) - 1;
	uint8_t *wire;

	if (r->dest.kind == CONFIG_DEST_NAME ||
	    r->dest.name.len + len > DNAME_WIRE_MAX)
		return r->dest.name;
	wire = arena_array(a, len + r->dest.name.len, uint8_t);
	memcpy(wire, label, len);
	memcpy(wire + len, r->dest.name.wire, r->dest.name.len);
	return (struct dname){wire, (uint8_t)(len + r->dest.name.len)};
}

/* Show what a rule about a name changes: a query, and a flow with the name. */
static void show_name(struct growing *g, enum policy_direction dir,
		      const struct policy_rule *r, const struct space_change *v,
		      size_t n)
{
	/* An address that a name may well have (RFC 5737). */
	const struct ip usual = ip4(198, 51, 100, 7);
	struct dname *name = arena_new(g->a, struct dname);
	const size_t had = g->d->n_queries;
	struct flow f = {.kind = FLOW_DNS, .proto = IPPROTO_UDP};
	size_t i, boxes = 0;

	*name = name_of(g->a, r);
	f.qname = *name;
	if (dir == POLICY_EGRESS)
		add_query(g, &f);
	if (g->d->n_queries == had && dir == POLICY_EGRESS) {
		f.proto = IPPROTO_TCP;
		add_query(g, &f);
	}
	for (i = 0; i < n && boxes < QUERY_BOXES; i++) {
		const size_t now = g->d->n_queries;

		if (!v[i].names || v[i].dns)
			continue;
		f = flow_of(&v[i], dir);
		if (ip_range_has(v[i].addrs, usual))
			f.ip = usual;
		f.pins = name;
		f.n_pins = 1;
		add_query(g, &f);
		if (g->d->n_queries > now)
			return;
		boxes++;
	}
}

static void add_names(struct growing *g, enum policy_direction dir,
		      const struct space_change *changes, size_t n_changes)
{
	struct named *v[2];
	struct differ *d = g->d;
	size_t n[2], i, side, shown = 0;
	bool order = true;

	for (side = 0; side < 2; side++)
		v[side] = named_of(g->a, &g->side[side]->walk[dir], dir,
				   &n[side]);
	match_names(v[0], n[0], v[1], n[1]);
	for (side = 0; side < 2; side++) {
		if (n[side])
			qsort(v[side], n[side], sizeof(*v[side]), by_place);
		for (i = 0; i < n[side]; i++)
			order = order && !v[side][i].other;
	}
	for (side = 0; side < 2; side++) {
		for (i = 0; i < n[side]; i++) {
			const struct policy_rule *r = v[side][i].rule;

			/* Of rules in another order all are shown. */
			if (!v[side][i].other && !order)
				continue;
			d->names = arena_grow(g->a, d->names, d->n_names,
					      &g->cap_names, sizeof(*d->names));
			d->names[d->n_names++] = (struct differ_name){
				.direction = dir,
				.after = side == 1,
				.pointer = r->pointer,
				.words = v[side][i].words,
			};
			if (shown++ < QUERY_NAMES && (side == 0 || !order))
				show_name(g, dir, r, changes, n_changes);
		}
	}
}

static bool differ_walks(struct growing *g, enum policy_direction dir)
{
	const bool both = g->side[0]->policy && g->side[1]->policy;
	const enum space_names names = both ? SPACE_CUT : SPACE_NAMELESS;
	struct space space[2];
	const struct space *s[2] = {&space[0], &space[1]};
	struct space_change *v;
	enum space_answer answer;
	size_t n, i;
	bool all;

	for (i = 0; i < 2; i++)
		if (!space_build(g->a, &g->side[i]->walk[dir],
				 &g->side[i]->slot, names, &space[i]))
			return false;
	answer = space_diff(g->a, s[0], s[1], both && dir == POLICY_EGRESS,
			    DIFFER_MAX, &v, &n, &all);
	if (answer == SPACE_UNKNOWN)
		return false;
	if (answer == SPACE_NO)
		return true;
	g->d->same = false;
	g->d->complete = g->d->complete && all;
	add_flows(g, dir, s, v, n);
	for (i = 0; i < n && !v[i].names; i++)
		;
	if (i < n)
		add_names(g, dir, v, n);
	return true;
}

static void differ_settings(struct growing *g)
{
	const struct setting *v[2];
	struct differ *d = g->d;
	size_t n, i;

	for (i = 0; i < 2; i++) {
		if (!g->side[i]->policy)
			return;
		v[i] = settings_list(g->a, g->side[i]->policy, &n);
	}
	d->settings = arena_array(g->a, n, struct differ_setting);
	for (i = 0; i < n; i++)
		if (strcmp(v[0][i].value, v[1][i].value) != 0)
			d->settings[d->n_settings++] = (struct differ_setting){
				v[0][i].pointer, v[0][i].value, v[1][i].value};
	d->same = d->same && !d->n_settings;
}

bool differ(struct arena *a, const struct differ_side *before,
	    const struct differ_side *after, struct differ *ret)
{
	struct growing g = {.a = a, .side = {before, after}, .d = ret};

	*ret = (struct differ){.complete = true, .same = true};
	if (!differ_walks(&g, POLICY_EGRESS) ||
	    !differ_walks(&g, POLICY_INGRESS))
		return false;
	differ_settings(&g);
	return true;
}

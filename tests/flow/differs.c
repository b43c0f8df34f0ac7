/* SPDX-License-Identifier: GPL-2.0-or-later */
/* differs.c - Random pairs of policies compared, flow by flow. */
#include <stdio.h>
#include <string.h>

#include "differ.h"
#include "document.h"
#include "eval.h"
#include "generate.h"

/*
 * Two policies are one random document and the same with one rule flipped, left
 * out, or put elsewhere; or two random documents. What differ() finds must be
 * all there is: a random flow without a name has another verdict exactly if it
 * is in one of the changes, each change's own flow has, and so has each query.
 */

#define PAIRS 400u
#define FLOWS 150u

/** struct tally - What was counted so far */
struct tally {
	size_t equal;
	size_t changes;
	size_t inside;
	size_t outside;
	size_t named;
	size_t failed;
};

static bool in_change(const struct differ_flows *c, const struct flow *f)
{
	const enum space_class class = space_class_of(f->ip.family, f->proto);

	return (c->direction == POLICY_EGRESS) == (f->kind == FLOW_EGRESS) &&
	       ip_range_has(c->addrs, f->ip) && c->classes & 1u << class &&
	       (!f->has_port || (f->port >= c->lo && f->port <= c->hi));
}

static void fail(struct tally *t, uint64_t seed, const char *what,
		 const struct flow *f)
{
	ARENA(a);

	printf("seed %llu: %s: %s\n", (unsigned long long)seed, what,
	       f ? flow_format(&a, f) : "");
	t->failed++;
}

static bool decided(const struct policy *p, const struct flow *f,
		    const struct differ_decision *d)
{
	ARENA(a);
	const struct verdict v = eval(&a, p, f);

	return v.allow == d->allow && strcmp(v.pointer, d->pointer) == 0;
}

static void check_flow(struct tally *t, uint64_t seed, const struct differ *d,
		       const struct policy *x, const struct policy *y,
		       const struct flow *f)
{
	ARENA(a);
	const bool differs = eval(&a, x, f).allow != eval(&a, y, f).allow;
	bool in = false;
	size_t i;

	for (i = 0; i < d->n_flows && !in; i++)
		in = in_change(&d->flows[i], f);
	if (d->complete && in != differs)
		fail(t, seed,
		     in ? "in a change, but judged alike"
			: "judged otherwise, but in no change",
		     f);
	t->inside += differs;
	t->outside += !differs;
}

static void check(struct tally *t, struct generator *g, uint64_t seed,
		  const struct policy *x, const struct policy *y)
{
	ARENA(a);
	struct differ_side before, after;
	struct differ d;
	size_t i;

	differ_side_of(&a, x, &before);
	differ_side_of(&a, y, &after);
	if (!differ(&a, &before, &after, &d)) {
		fail(t, seed, "too large", NULL);
		return;
	}
	for (i = 0; i < d.n_flows; i++) {
		const struct differ_flows *c = &d.flows[i];

		if (c->before.allow == c->after.allow ||
		    !in_change(c, &c->flow) ||
		    !decided(x, &c->flow, &c->before) ||
		    !decided(y, &c->flow, &c->after))
			fail(t, seed, "no example of its change", &c->flow);
	}
	for (i = 0; i < d.n_queries; i++)
		if (d.queries[i].before.allow == d.queries[i].after.allow ||
		    !decided(x, &d.queries[i].flow, &d.queries[i].before) ||
		    !decided(y, &d.queries[i].flow, &d.queries[i].after))
			fail(t, seed, "no example of a name",
			     &d.queries[i].flow);
	for (i = 0; i < FLOWS; i++) {
		struct flow f = generate_flow(&a, g, i % 2 ? x : y);

		/* Pins are names, and these are compared as rules. */
		f.n_pins = 0;
		check_flow(t, seed, &d, x, y, &f);
	}
	if (d.same && (d.n_flows || d.n_names || d.n_queries || d.n_settings))
		fail(t, seed, "equal, and still changed", NULL);
	t->equal += d.same;
	t->changes += d.n_flows;
	t->named += d.n_queries;
}

/* The same policy with one rule of a walk changed. */
static struct policy changed(struct arena *a, struct generator *g,
			     const struct policy *p)
{
	const enum policy_direction dir = generate_below(g, 3) ? POLICY_EGRESS
							       : POLICY_INGRESS;
	const struct policy_walk *w = &p->walk[dir];
	struct policy_rule *v, swap;
	struct policy q = *p;
	size_t i, j;

	if (!w->n) {
		q.walk[dir].default_allow = !w->default_allow;
		return q;
	}
	v = arena_array(a, w->n, struct policy_rule);
	memcpy(v, w->rules, w->n * sizeof(*v));
	i = generate_below(g, (unsigned int)w->n);
	switch (generate_below(g, 3)) {
	case 0:
		v[i].allow = !v[i].allow;
		break;
	case 1:
		memmove(&v[i], &v[i + 1], (w->n - i - 1) * sizeof(*v));
		q.walk[dir].n--;
		break;
	default:
		j = generate_below(g, (unsigned int)w->n);
		swap = v[i];
		v[i] = v[j];
		v[j] = swap;
		break;
	}
	q.walk[dir].rules = v;
	return q;
}

static bool compiled(struct arena *a, struct generator *g, uint32_t slot,
		     struct compiled *ret)
{
	const char *text = generate_document(a, g);

	return document_compile(a, "random", text, strlen(text), slot, "test",
				ret);
}

int main(void)
{
	struct tally t = {0};
	uint64_t seed;

	for (seed = 1; seed <= PAIRS; seed++) {
		ARENA(a);
		struct generator g = {.state = seed};
		const uint32_t slot = generate_below(&g, 64);
		struct compiled x, y;
		struct policy p;

		if (!compiled(&a, &g, slot, &x) ||
		    !compiled(&a, &g, slot, &y)) {
			fail(&t, seed, "not compiled", NULL);
			continue;
		}
		p = changed(&a, &g, &x.policy);
		check(&t, &g, seed, &x.policy, &p);
		check(&t, &g, seed, &x.policy, &x.policy);
		if (seed % 4 == 0)
			check(&t, &g, seed, &x.policy, &y.policy);
	}
	printf("%zu equal, %zu changes, %zu with names; flows: %zu inside, %zu "
	       "outside; %zu failed\n",
	       t.equal, t.changes, t.named, t.inside, t.outside, t.failed);
	return t.failed || t.equal < PAIRS || t.inside < 100 || !t.named ? 1
									 : 0;
}

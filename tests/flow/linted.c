/* SPDX-License-Identifier: GPL-2.0-or-later */
/* linted.c - Random documents linted, and each finding held against eval. */
#include <stdio.h>
#include <string.h>

#include "differ.h"
#include "document.h"
#include "eval.h"
#include "generate.h"
#include "lint.h"

/*
 * A rule that never matches decides no random flow, and without it the policy
 * means the same; so it does without a rule that has no effect. And a rule
 * that decides no flow of many may still match: of those nothing is known.
 */

#define DOCUMENTS 150u
#define FLOWS	  200u

/** struct tally - What was counted so far */
struct tally {
	size_t never;
	size_t vain;
	size_t failed;
};

static void fail(struct tally *t, uint64_t seed, const char *what,
		 const char *pointer)
{
	printf("seed %llu: %s: %s\n", (unsigned long long)seed, pointer, what);
	t->failed++;
}

/* The policy without the rules of a pointer. */
static struct policy without(struct arena *a, const struct policy *p,
			     const char *pointer)
{
	struct policy q = *p;
	enum policy_direction dir;
	size_t i;

	for (dir = POLICY_EGRESS; dir < POLICY_DIRECTIONS; dir++) {
		const struct policy_walk *w = &p->walk[dir];
		struct policy_rule *v =
			arena_array(a, w->n, struct policy_rule);

		q.walk[dir].rules = v;
		q.walk[dir].n = 0;
		for (i = 0; i < w->n; i++)
			if (strcmp(w->rules[i].pointer, pointer) != 0)
				v[q.walk[dir].n++] = w->rules[i];
	}
	return q;
}

/* Rules about names that are hidden are seen by differ() still, which says so
 * of documents that mean the same; but it finds no flow or query. */
static bool means_the_same(struct arena *a, const struct policy *p,
			   const struct policy *q)
{
	struct differ_side x, y;
	struct differ d;

	differ_side_of(a, p, &x);
	differ_side_of(a, q, &y);
	return differ(a, &x, &y, &d) && !d.n_flows && !d.n_queries &&
	       (d.same || d.n_names);
}

static void check(struct tally *t, struct generator *g, uint64_t seed,
		  const struct policy *p, const struct diag *d)
{
	ARENA(a);
	const bool never = d->code == DIAG_LINT_SHADOWED ||
			   d->code == DIAG_LINT_REDUNDANT ||
			   d->code == DIAG_LINT_UNPUBLISHED;
	struct policy q;
	size_t i;

	if (!never && d->code != DIAG_LINT_NO_EFFECT)
		return;
	q = without(&a, p, d->pointer);
	if (!means_the_same(&a, p, &q))
		fail(t, seed, "without it the policy means something else",
		     d->pointer);
	for (i = 0; never && i < FLOWS; i++) {
		const struct flow f = generate_flow(&a, g, p);
		const struct verdict v = eval(&a, p, &f);

		if (strcmp(v.pointer, d->pointer) == 0)
			fail(t, seed, flow_format(&a, &f), d->pointer);
	}
	t->never += never;
	t->vain += !never;
}

int main(void)
{
	struct tally t = {0};
	uint64_t seed;

	for (seed = 1; seed <= DOCUMENTS; seed++) {
		ARENA(a);
		struct generator g = {.state = seed};
		const char *text = generate_document(&a, &g);
		struct diags d = {.arena = &a, .file = "random", .text = text};
		const uint32_t slot = generate_below(&g, 64);
		struct lint_counts counts;
		struct compiled c;
		size_t i;

		d.len = strlen(text);
		if (!document_compile(&a, "random", text, d.len, slot, "test",
				      &c)) {
			fail(&t, seed, "not compiled", text);
			continue;
		}
		lint(&d, &c.policy, &counts);
		for (i = 0; i < d.n; i++)
			check(&t, &g, seed, &c.policy, &d.v[i]);
	}
	printf("%zu rules never match, %zu have no effect, %zu failed\n",
	       t.never, t.vain, t.failed);
	return t.failed || t.never < 100 || t.vain < 100 ? 1 : 0;
}

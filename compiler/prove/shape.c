/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shape.c - What every sandbox's table has around its walks, held against it.
 */
#include "shape.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "readback.h"

static bool refuse(struct lex_error *e, unsigned int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static bool refuse(struct lex_error *e, unsigned int line, const char *fmt, ...)
{
	va_list ap;

	*e = (struct lex_error){.line = line, .column = 1};
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return false;
}

bool shape_generation(const struct listing_table *t, uint32_t *ret,
		      struct lex_error *e)
{
	const struct listing_chain *c = listing_chain_named(t, "allow");
	const struct listing_rule *r = c && c->n ? &c->v[c->n - 1] : NULL;

	if (!r || r->n != 2 || r->v[0].kind != LISTING_SET_MARK ||
	    r->v[0].key[0] != LISTING_KEY_CT_MARK ||
	    r->v[1].kind != LISTING_VERDICT_IS ||
	    r->v[1].verdict.word != LISTING_ACCEPT)
		return refuse(
			e, c ? c->line : 1,
			"there is no chain \"allow\" that ends in a stamp");
	/* The low bits are for helpers, and zero is a flow that was not judged.
	 */
	if (!r->v[0].number || r->v[0].number & 0xf)
		return refuse(e, r->line, "0x%08x is no generation",
			      r->v[0].number);
	*ret = r->v[0].number;
	return true;
}

static bool same_text(const char *x, const char *y)
{
	return (!x && !y) || (x && y && strcmp(x, y) == 0);
}

static bool same_value(const struct listing_value *x,
		       const struct listing_value *y)
{
	return x->lo == y->lo && x->hi == y->hi && same_text(x->name, y->name);
}

/* Sets that are written in rules: the same elements, in whatever order. */
static bool same_set(const struct listing_set *x, const struct listing_set *y)
{
	size_t i, j, k;

	if (!x || !y)
		return x == y;
	if (x->name || y->name)
		return same_text(x->name, y->name);
	if (x->n != y->n || x->n_types != y->n_types || x->map || y->map)
		return false;
	for (i = 0; i < x->n; i++) {
		for (j = 0; j < y->n; j++) {
			for (k = 0; k < x->n_types; k++)
				if (!same_value(&x->v[i].part[k],
						&y->v[j].part[k]))
					break;
			if (k == x->n_types)
				break;
		}
		if (j == y->n)
			return false;
	}
	return true;
}

/* Flows that were open when the cap was changed are no longer counted, and it
 * is so much lower. */
static bool is_lower_cap(const struct listing_stmt *x,
			 const struct listing_stmt *y)
{
	static const char words[] = "ct count over ";
	const size_t len = sizeof(words) - 1;
	uint64_t has, most;

	return x->text && y->text && strncmp(x->text, words, len) == 0 &&
	       strncmp(y->text, words, len) == 0 &&
	       lex_text_number(x->text + len, UINT32_MAX, &has) &&
	       lex_text_number(y->text + len, UINT32_MAX, &most) && has <= most;
}

static bool same_stmt(const struct listing_stmt *x,
		      const struct listing_stmt *y)
{
	return x->kind == y->kind && x->n_keys == y->n_keys &&
	       memcmp(x->key, y->key, sizeof(x->key)) == 0 &&
	       x->negate == y->negate && same_set(x->set, y->set) &&
	       x->verdict.word == y->verdict.word &&
	       same_text(x->verdict.chain, y->verdict.chain) &&
	       x->number == y->number &&
	       (same_text(x->text, y->text) || is_lower_cap(x, y));
}

/* The next statement that does more than to count. */
static const struct listing_stmt *effect(const struct listing_rule *r,
					 size_t *i)
{
	while (*i < r->n && r->v[*i].kind == LISTING_COUNTER)
		(*i)++;
	return *i < r->n ? &r->v[(*i)++] : NULL;
}

static bool same_rule(const struct listing_rule *x,
		      const struct listing_rule *y)
{
	const struct listing_stmt *p, *q;
	size_t i = 0, j = 0;

	do {
		p = effect(x, &i);
		q = effect(y, &j);
		if (p && q && !same_stmt(p, q))
			return false;
	} while (p && q);
	return !p && !q;
}

static bool check_base(const struct listing_chain *want,
		       const struct listing_chain *c, struct lex_error *e)
{
	if (!want->base)
		return !c->base ||
		       refuse(e, c->line, "chain %s must have no hook",
			      c->name);
	if (!c->base || strcmp(c->type, want->type) != 0 ||
	    strcmp(c->hook, want->hook) != 0 ||
	    strcmp(c->priority, want->priority) != 0)
		return refuse(e, c->line,
			      "chain %s is not of type %s at %s, priority %s",
			      c->name, want->type, want->hook, want->priority);
	if (c->drop != want->drop)
		return refuse(e, c->line, "the policy of chain %s is not %s",
			      c->name, want->drop ? "drop" : "accept");
	return true;
}

/* @n: the rules of @c that count: all, but of a walk its head alone. */
static bool check_chain(const struct listing_chain *want,
			const struct listing_chain *c, size_t n,
			struct lex_error *e)
{
	size_t i;

	if (!check_base(want, c, e))
		return false;
	for (i = 0; i < n && i < want->n; i++)
		if (!same_rule(&c->v[i], &want->v[i]))
			return refuse(
				e, c->v[i].line,
				"rule %zu of chain %s is not what it must "
				"be",
				i + 1, c->name);
	if (n > want->n)
		return refuse(e, c->v[want->n].line,
			      "chain %s has a rule more than it must have",
			      c->name);
	if (n < want->n)
		return refuse(e, c->line,
			      "chain %s has %zu rules fewer than it must have",
			      c->name, want->n - n);
	return true;
}

/* Sets of ports, in whatever order. */
static bool check_set(const struct listing_set *want,
		      const struct listing_table *t, struct lex_error *e)
{
	const struct listing_set *set = listing_set_named(t, want->name);
	bool ports[65536] = {false};
	size_t i;

	if (!set)
		return !want->n ||
		       refuse(e, 1, "there is no set %s", want->name);
	if (set->n_types != 1 || set->type[0] != LISTING_SERVICE || set->map ||
	    set->dynamic || set->interval || set->n != want->n)
		return refuse(e, set->line, "set %s is not what it must be",
			      set->name);
	for (i = 0; i < want->n; i++)
		ports[want->v[i].part[0].lo & 0xffff] = true;
	for (i = 0; i < set->n; i++)
		if (!ports[set->v[i].part[0].lo & 0xffff])
			return refuse(
				e, set->v[i].line,
				"set %s has a port more than it must have",
				set->name);
	return true;
}

static bool is_walk(const struct listing_chain *c)
{
	return strcmp(c->name, "egress") == 0 ||
	       strcmp(c->name, "ingress") == 0;
}

static bool leads_to(const struct listing_verdict *v, const char *name)
{
	return (v->word == LISTING_GOTO || v->word == LISTING_JUMP) &&
	       strcmp(v->chain, name) == 0;
}

bool shape_named(const struct listing_table *t)
{
	size_t i, j, k;

	for (i = 0; i < t->n_sets; i++)
		for (j = 0; j < t->sets[i]->n && t->sets[i]->map; j++)
			if (t->sets[i]->data[0] == LISTING_VERDICT &&
			    leads_to(&t->sets[i]->v[j].verdict, READBACK_NAMED))
				return true;
	for (i = 0; i < t->n_chains; i++)
		for (j = 0; j < t->chains[i].n; j++)
			for (k = 0; k < t->chains[i].v[j].n; k++)
				if (t->chains[i].v[j].v[k].kind ==
					    LISTING_VERDICT_IS &&
				    leads_to(&t->chains[i].v[j].v[k].verdict,
					     READBACK_NAMED))
					return true;
	return false;
}

bool shape_check(struct arena *a, const struct listing_table *t,
		 const struct shape_of *of, struct lex_error *e)
{
	struct listing_table want;
	size_t i;

	if (!shape_expected(a, of, &want, e))
		return false;
	for (i = 0; i < t->n_chains; i++) {
		const struct listing_chain *c = &t->chains[i];

		if (c->base && !listing_chain_named(&want, c->name))
			return refuse(e, c->line,
				      "chain %s is none that this sandbox has",
				      c->name);
	}
	for (i = 0; i < want.n_sets; i++)
		if (!check_set(want.sets[i], t, e))
			return false;
	for (i = 0; i < want.n_chains; i++) {
		const struct listing_chain *w = &want.chains[i];
		const struct listing_chain *c = listing_chain_named(t, w->name);

		if (!c)
			return refuse(e, 1, "there is no chain %s", w->name);
		if (!check_chain(w, c, is_walk(w) ? readback_first(c) : c->n,
				 e))
			return false;
	}
	return true;
}

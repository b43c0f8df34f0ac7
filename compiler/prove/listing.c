/* SPDX-License-Identifier: GPL-2.0-or-later */
/* listing.c - Reading a table: its sets, its chains, and its preamble. */
#include "listing.h"

#include <stdlib.h>
#include <string.h>

#include "listing_parse.h"

/** struct body - What a table has so far */
struct body {
	const char *name;
	struct listing_object *objects;
	size_t n_objects;
	size_t cap_objects;
	struct listing_chain *chains;
	size_t n_chains;
	size_t cap_chains;
};

/* Words up to @mark or the end of the line, each with one blank between. */
static const char *words_until(struct parse *p, const char *mark)
{
	p->words.len = 0;
	while (p->l.token.kind == LEX_WORD && !(mark && lex_is(&p->l, mark))) {
		str_printf(&p->words, "%s%s", p->words.len ? " " : "",
			   p->l.token.text);
		lex_next(&p->l);
	}
	return arena_strdup(p->l.a, str_text(&p->words));
}

/* "type filter hook prerouting priority raw; policy drop;" */
static void parse_base(struct parse *p, struct listing_chain *c)
{
	c->base = true;
	c->type = lex_word(&p->l);
	lex_need(&p->l, "hook");
	c->hook = lex_word(&p->l);
	lex_need(&p->l, "priority");
	c->priority = words_until(p, NULL);
	lex_need(&p->l, ";");
	lex_need(&p->l, "policy");
	c->drop = lex_is(&p->l, "drop");
	if (!lex_take(&p->l, "drop"))
		lex_need(&p->l, "accept");
	(void)lex_take(&p->l, ";");
	lex_end_line(&p->l);
}

static void parse_chain(struct parse *p, struct listing_chain *c)
{
	struct listing_rule *v = NULL;
	size_t cap = 0;

	c->line = p->l.token.line;
	c->name = lex_word(&p->l);
	lex_need(&p->l, "{");
	lex_end_line(&p->l);
	if (lex_take(&p->l, "type"))
		parse_base(p, c);
	while (!lex_take(&p->l, "}")) {
		v = arena_grow(p->l.a, v, c->n, &cap, sizeof(*v));
		v[c->n++] = parse_rule(p);
	}
	c->v = v;
	lex_end_line(&p->l);
}

static void parse_object(struct parse *p, const char *kind,
			 struct listing_object *o)
{
	o->kind = kind;
	o->name = lex_word(&p->l);
	lex_need(&p->l, "{");
	lex_end_line(&p->l);
	o->text = words_until(p, NULL);
	lex_end_line(&p->l);
	lex_need(&p->l, "}");
	lex_end_line(&p->l);
}

static const char *object_kind(struct parse *p)
{
	static const char *const kinds[] = {"limit", "quota", "counter"};
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (lex_take(&p->l, kinds[i]))
			return kinds[i];
	return NULL;
}

/* What stands between the braces of a table. */
static void parse_body(struct parse *p, struct body *b)
{
	const char *kind;

	for (;;) {
		bool map;

		lex_skip_lines(&p->l);
		map = lex_is(&p->l, "map");
		if (lex_take(&p->l, "}"))
			return;
		if (map || lex_is(&p->l, "set")) {
			p->sets = arena_grow(p->l.a, p->sets, p->n_sets,
					     &p->cap_sets,
					     sizeof(struct listing_set *));
			lex_next(&p->l);
			p->sets[p->n_sets++] = parse_set(p, map);
		} else if (lex_take(&p->l, "chain")) {
			b->chains = arena_grow(p->l.a, b->chains, b->n_chains,
					       &b->cap_chains,
					       sizeof(*b->chains));
			parse_chain(p, &b->chains[b->n_chains++]);
		} else if ((kind = object_kind(p))) {
			b->objects = arena_grow(p->l.a, b->objects,
						b->n_objects, &b->cap_objects,
						sizeof(*b->objects));
			parse_object(p, kind, &b->objects[b->n_objects++]);
		} else {
			lex_fail(&p->l, "\"%s\" is nothing that a table has",
				 p->l.token.text);
		}
	}
}

static const char *parse_name(struct parse *p)
{
	lex_need(&p->l, "inet");
	return lex_word(&p->l);
}

/* Commands are run in turn: what comes before a table that is deleted or
 * flushed must be nothing. */
static void parse_text(struct parse *p, struct body *b)
{
	lex_skip_lines(&p->l);
	while (p->l.token.kind != LEX_END) {
		const bool wipes = lex_is(&p->l, "delete") ||
				   lex_is(&p->l, "flush");
		const bool empty = !b->n_chains && !p->n_sets && !b->n_objects;
		const char *name;

		if (wipes)
			lex_next(&p->l);
		lex_need(&p->l, "table");
		if (!empty)
			lex_fail(
				&p->l,
				"something follows the table: no other is ours");
		name = parse_name(p);
		if (b->name && strcmp(b->name, name) != 0)
			lex_fail(&p->l, "a second table, %s", name);
		b->name = name;
		if (!wipes) {
			lex_need(&p->l, "{");
			lex_end_line(&p->l);
			parse_body(p, b);
		}
		lex_end_line(&p->l);
		lex_skip_lines(&p->l);
	}
	if (!b->name)
		lex_fail(&p->l, "there is no table");
}

static int by_name(const void *x, const void *y)
{
	const struct listing_chain *const *a = x, *const *b = y;

	return strcmp((*a)->name, (*b)->name);
}

const struct listing_chain *listing_chain_named(const struct listing_table *t,
						const char *name)
{
	const struct listing_chain key = {.name = name}, *at = &key;
	const struct listing_chain *const *found;

	if (!t->n_chains)
		return NULL;
	found = bsearch(&at, t->by_name, t->n_chains,
			sizeof(struct listing_chain *), by_name);
	return found ? *found : NULL;
}

const struct listing_set *listing_set_named(const struct listing_table *t,
					    const char *name)
{
	size_t i;

	for (i = 0; i < t->n_sets; i++)
		if (strcmp(t->sets[i]->name, name) == 0)
			return t->sets[i];
	return NULL;
}

static void unknown_chain(struct parse *p, unsigned int line, const char *name)
{
	p->l.token.line = line;
	p->l.token.column = 1;
	lex_fail(&p->l, "there is no chain %s", name);
}

static void check_verdict(struct parse *p, const struct listing_table *t,
			  struct listing_verdict v, unsigned int line)
{
	if (v.chain && !listing_chain_named(t, v.chain))
		unknown_chain(p, line, v.chain);
}

static void check_map(struct parse *p, const struct listing_table *t,
		      const struct listing_set *set)
{
	size_t i;

	for (i = 0; set->map && i < set->n; i++)
		check_verdict(p, t, set->v[i].verdict, set->v[i].line);
}

/* Every chain that is gone to must be there, and each name be used once. */
static void check_names(struct parse *p, const struct listing_table *t)
{
	size_t i, j, k;

	for (i = 0; i + 1 < t->n_chains; i++)
		if (strcmp(t->by_name[i]->name, t->by_name[i + 1]->name) == 0)
			lex_fail(&p->l, "two chains are named %s",
				 t->by_name[i]->name);
	for (i = 0; i < t->n_sets; i++)
		for (j = 0; j < i; j++)
			if (strcmp(t->sets[i]->name, t->sets[j]->name) == 0)
				lex_fail(&p->l, "two sets are named %s",
					 t->sets[i]->name);
	for (i = 0; i < t->n_sets; i++)
		check_map(p, t, t->sets[i]);
	for (i = 0; i < t->n_chains; i++) {
		const struct listing_chain *c = &t->chains[i];

		for (j = 0; j < c->n; j++) {
			for (k = 0; k < c->v[j].n; k++) {
				const struct listing_stmt *s = &c->v[j].v[k];

				check_verdict(p, t, s->verdict, c->v[j].line);
				if (s->set && !s->set->name)
					check_map(p, t, s->set);
			}
		}
	}
}

static void parse_all(struct parse *p, struct listing_table *t)
{
	const struct listing_chain **sorted;
	struct body b = {0};
	size_t i;

	parse_text(p, &b);
	sorted = arena_array(p->l.a, b.n_chains, const struct listing_chain *);
	for (i = 0; i < b.n_chains; i++)
		sorted[i] = &b.chains[i];
	if (b.n_chains)
		qsort(sorted, b.n_chains, sizeof(struct listing_chain *),
		      by_name);
	*t = (struct listing_table){
		.name = b.name,
		.sets = p->sets,
		.n_sets = p->n_sets,
		.objects = b.objects,
		.n_objects = b.n_objects,
		.chains = b.chains,
		.n_chains = b.n_chains,
		.by_name = sorted,
	};
	check_names(p, t);
}

bool listing_read(struct arena *a, const char *text, struct listing_table *ret,
		  struct lex_error *e)
{
	struct parse *p = arena_new(a, struct parse);
	bool good = false;

	if (setjmp(p->l.fail) == 0) {
		lex_start(&p->l, a, text, e);
		parse_all(p, ret);
		good = true;
	}
	str_free(&p->words);
	return good;
}

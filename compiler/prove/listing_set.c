/* SPDX-License-Identifier: GPL-2.0-or-later */
/* listing_set.c - Reading sets, maps and their elements. */
#include <string.h>

#include "listing_parse.h"

bool parse_verdict(struct parse *p, struct listing_verdict *ret)
{
	static const char *const words[] = {
		[LISTING_ACCEPT] = "accept", [LISTING_DROP] = "drop",
		[LISTING_RETURN] = "return", [LISTING_GOTO] = "goto",
		[LISTING_JUMP] = "jump",
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!lex_take(&p->l, words[i]))
			continue;
		*ret = (struct listing_verdict){.word = (enum listing_word)i};
		if (i == LISTING_GOTO || i == LISTING_JUMP)
			ret->chain = lex_word(&p->l);
		return true;
	}
	return false;
}

/* What an element says of itself besides its value. */
static void elem_attributes(struct parse *p, struct listing_elem *e)
{
	for (;;) {
		if (lex_take(&p->l, "timeout") || lex_take(&p->l, "expires")) {
			(void)lex_word(&p->l);
			e->timed = true;
		} else if (lex_take(&p->l, "counter")) {
			/* Without its state it is the word alone. */
			if (!lex_take(&p->l, "packets"))
				continue;
			(void)lex_number(&p->l, UINT64_MAX);
			lex_need(&p->l, "bytes");
			(void)lex_number(&p->l, UINT64_MAX);
		} else if (lex_take(&p->l, "comment")) {
			e->comment = lex_string(&p->l);
		} else {
			return;
		}
	}
}

static void elem_parts(struct parse *p, const enum listing_type *type, size_t n,
		       struct listing_value *ret)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (i)
			lex_need(&p->l, ".");
		ret[i] = parse_value(p, type[i]);
	}
}

static struct listing_elem parse_element(struct parse *p,
					 const struct listing_set *set)
{
	struct listing_elem e = {.line = p->l.token.line};

	elem_parts(p, set->type, set->n_types, e.part);
	elem_attributes(p, &e);
	if (!set->map)
		return e;
	lex_need(&p->l, ":");
	if (set->data[0] != LISTING_VERDICT)
		elem_parts(p, set->data, set->n_data, e.data);
	else if (!parse_verdict(p, &e.verdict))
		lex_fail(&p->l, "expected a verdict, found %s",
			 p->l.token.text);
	return e;
}

void parse_elements(struct parse *p, struct listing_set *set)
{
	struct listing_elem *v = NULL;
	size_t n = 0, cap = 0;

	lex_need(&p->l, "{");
	lex_skip_lines(&p->l);
	do {
		lex_skip_lines(&p->l);
		v = arena_grow(p->l.a, v, n, &cap, sizeof(*v));
		v[n++] = parse_element(p, set);
		lex_skip_lines(&p->l);
	} while (lex_take(&p->l, ","));
	lex_need(&p->l, "}");
	set->v = v;
	set->n = n;
}

static size_t parse_types(struct parse *p, enum listing_type ret[LISTING_PARTS])
{
	size_t n = 0;

	do {
		if (n == LISTING_PARTS)
			lex_fail(&p->l, "more than %d parts", LISTING_PARTS);
		ret[n++] = parse_type(p);
	} while (lex_take(&p->l, "."));
	return n;
}

static void parse_flags(struct parse *p, struct listing_set *set)
{
	do {
		if (lex_take(&p->l, "interval"))
			set->interval = true;
		else if (lex_take(&p->l, "timeout") ||
			 lex_take(&p->l, "dynamic"))
			set->dynamic = true;
		else
			lex_fail(&p->l,
				 "\"%s\" is no flag of a set that is "
				 "known",
				 p->l.token.text);
	} while (lex_take(&p->l, ","));
}

const struct listing_set *parse_set(struct parse *p, bool map)
{
	struct listing_set *set = arena_new(p->l.a, struct listing_set);

	set->map = map;
	set->line = p->l.token.line;
	set->name = lex_word(&p->l);
	lex_need(&p->l, "{");
	lex_end_line(&p->l);
	lex_need(&p->l, "type");
	set->n_types = parse_types(p, set->type);
	if (map) {
		lex_need(&p->l, ":");
		set->n_data = parse_types(p, set->data);
	}
	lex_end_line(&p->l);
	while (!lex_take(&p->l, "}")) {
		if (lex_take(&p->l, "flags")) {
			parse_flags(p, set);
		} else if (lex_take(&p->l, "size")) {
			set->size = lex_number(&p->l, UINT32_MAX);
		} else if (lex_take(&p->l, "timeout")) {
			(void)lex_word(&p->l);
			set->dynamic = true;
		} else if (lex_take(&p->l, "comment")) {
			(void)lex_string(&p->l);
		} else if (lex_take(&p->l, "counter")) {
			/* Each element counts. */
		} else {
			lex_need(&p->l, "elements");
			lex_need(&p->l, "=");
			parse_elements(p, set);
		}
		lex_end_line(&p->l);
	}
	lex_end_line(&p->l);
	return set;
}

const struct listing_set *parse_set_ref(struct parse *p)
{
	const char *name = p->l.token.text;
	size_t i;

	for (i = 0; name[0] == '@' && i < p->n_sets; i++) {
		if (strcmp(p->sets[i]->name, name + 1) == 0) {
			lex_next(&p->l);
			return p->sets[i];
		}
	}
	lex_fail(&p->l, "\"%s\" names no set that was declared", name);
}

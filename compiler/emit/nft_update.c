/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nft_update.c - The transaction that makes one table of another. */
#include "nft_update.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "nft_text.h"

/*
 * Both tables are text, one as nft lists it, and the other as we print it,
 * which is the same. A text falls into blocks: one for each object, set, map
 * and chain. A block that is there already and needs no change survives; so
 * does a chain whose rules change, which is flushed. Everything else is deleted
 * and made anew, in one transaction.
 *
 * nft lists the blocks of a kind in the order in which they were made. So that
 * the listing is the text again, a block survives only if all of its kind
 * before it do, in the same order. What may not be made anew survives in any
 * case: a chain that drops by default, because the new one would be in its hook
 * while it is still empty; and what keeps state that is still wanted.
 */

/** enum kind - Kinds of blocks, in the order in which nft lists them */
enum kind {
	KIND_QUOTA,
	KIND_LIMIT,
	KIND_SET,
	KIND_MAP,
	KIND_CHAIN,
	KIND_COUNT,
};

static const char *const kind_words[KIND_COUNT] = {
	[KIND_QUOTA] = "quota", [KIND_LIMIT] = "limit", [KIND_SET] = "set",
	[KIND_MAP] = "map",	[KIND_CHAIN] = "chain",
};

/**
 * struct block - A part of a table's text
 * @kind:	kind
 * @name:	its name
 * @name_len:	bytes of @name
 * @text:	its lines, from "\tchain NAME {" to "\t}"
 * @len:	bytes of @text
 * @survives:	of the old table: it is not deleted. Of the new: its old one is
 *		not
 * @same:	of the new table: it survives and is not flushed
 */
struct block {
	enum kind kind;
	const char *name;
	size_t name_len;
	const char *text;
	size_t len;
	bool survives;
	bool same;
};

/**
 * struct blocks - All parts of a table's text
 * @v:		in the order of the text
 * @n:		how many
 * @by_name:	the same, ascending by kind and name
 */
struct blocks {
	struct block *v;
	size_t n;
	struct block **by_name;
};

/** struct marked - The chains of a table that are more than their text */
struct marked {
	const struct nft_chain **v;
	size_t n;
};

static const char *line_end(const char *p)
{
	const char *end = strchr(p, '\n');

	return end ? end + 1 : p + strlen(p);
}

/* Whether a line begins a block: a tab, words, and a brace at the end. */
static bool block_begins(const char *p, const char *end, struct block *b)
{
	enum kind kind;

	if (p[0] != '\t' || end - p < 4 || strncmp(end - 3, " {\n", 3) != 0)
		return false;
	for (kind = 0; kind < KIND_COUNT; kind++) {
		const size_t len = strlen(kind_words[kind]);

		if (strncmp(p + 1, kind_words[kind], len) == 0 &&
		    p[1 + len] == ' ') {
			*b = (struct block){
				.kind = kind,
				.name = p + len + 2,
				.name_len = (size_t)(end - 3 - (p + len + 2)),
				.text = p,
			};
			return true;
		}
	}
	return false;
}

static int compare_names(const struct block *x, const struct block *y)
{
	const size_t len = x->name_len < y->name_len ? x->name_len
						     : y->name_len;
	const int order = memcmp(x->name, y->name, len);

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (order)
		return order;
	return (x->name_len > y->name_len) - (x->name_len < y->name_len);
}

/* Of one name, which no listing has twice, the first comes first. */
static int by_name(const void *a, const void *b)
{
	const struct block *x = *(struct block *const *)a;
	const struct block *y = *(struct block *const *)b;
	const int order = compare_names(x, y);

	return order ? order : (x > y) - (x < y);
}

static struct blocks blocks_of(struct arena *a, const char *text)
{
	struct blocks b = {0};
	struct block *open = NULL, new;
	const char *p, *end;
	size_t cap = 0, i;

	for (p = text; *p; p = end) {
		end = line_end(p);
		if (!open && block_begins(p, end, &new)) {
			b.v = arena_grow(a, b.v, b.n, &cap, sizeof(*b.v));
			open = &b.v[b.n++];
			*open = new;
		} else if (open && strncmp(p, "\t}\n", 3) == 0) {
			open->len = (size_t)(end - open->text);
			open = NULL;
		}
	}
	b.by_name = arena_array(a, b.n, struct block *);
	for (i = 0; i < b.n; i++)
		b.by_name[i] = &b.v[i];
	if (b.n)
		qsort(b.by_name, b.n, sizeof(struct block *), by_name);
	return b;
}

static struct block *block_find(const struct blocks *b,
				const struct block *like)
{
	size_t lo = 0, hi = b->n;

	while (lo < hi) {
		const size_t at = lo + (hi - lo) / 2;

		if (compare_names(b->by_name[at], like) < 0)
			lo = at + 1;
		else
			hi = at;
	}
	if (lo == b->n || compare_names(b->by_name[lo], like) != 0)
		return NULL;
	return b->by_name[lo];
}

static bool same_text(const struct block *x, const struct block *y)
{
	return x->len == y->len && memcmp(x->text, y->text, x->len) == 0;
}

/* The line of a base chain that says where it is hooked; "" if it is none. */
static const char *hook_line(const struct block *b, size_t *ret_len)
{
	const char *line = line_end(b->text);

	*ret_len = 0;
	if (strncmp(line, "\t\ttype ", 7) != 0)
		return "";
	*ret_len = (size_t)(line_end(line) - line);
	return line;
}

static bool same_hook(const struct block *x, const struct block *y)
{
	size_t m, n;
	const char *p = hook_line(x, &m), *q = hook_line(y, &n);

	return m == n && memcmp(p, q, m) == 0;
}

/* A base chain whose new one would drop while it is still empty. */
static bool drops(const struct block *b)
{
	static const char words[] = " policy drop;\n";
	const size_t n = sizeof(words) - 1;
	size_t len;
	const char *line = hook_line(b, &len);

	return len > n && memcmp(line + len - n, words, n) == 0;
}

/* Most chains are those of a map, and not marked. */
static struct marked marked_of(struct arena *a, const struct nft_table *t)
{
	struct marked m = {0};
	size_t cap = 0, i;

	for (i = 0; i < t->n_chains; i++) {
		if (!t->chains[i].keep && !t->chains[i].judged)
			continue;
		m.v = arena_grow(a, m.v, m.n, &cap, sizeof(struct nft_chain *));
		m.v[m.n++] = &t->chains[i];
	}
	return m;
}

static const struct nft_chain *marked_find(const struct marked *m,
					   const struct block *b)
{
	size_t i;

	for (i = 0; b->kind == KIND_CHAIN && i < m->n; i++)
		if (strncmp(m->v[i]->name, b->name, b->name_len) == 0 &&
		    !m->v[i]->name[b->name_len])
			return m->v[i];
	return NULL;
}

static bool keeps(const struct marked *m, const struct block *b)
{
	const struct nft_chain *c = marked_find(m, b);

	return c && c->keep;
}

/* What a set is, without what is in it. */
static size_t head_len(const struct block *b)
{
	static const char words[] = "\n\t\telements = ";
	const char *at = memmem(b->text, b->len, words, sizeof(words) - 1);
	const size_t end = sizeof("\t}\n") - 1;

	return at ? (size_t)(at + 1 - b->text) : b->len - end;
}

/* Sets that a helper fills: the elements that are there are its own. */
static bool same_timed(const struct block *x, const struct block *y)
{
	static const char flags[] = "\n\t\tflags timeout\n";
	const size_t len = head_len(x);

	return len == head_len(y) && memcmp(x->text, y->text, len) == 0 &&
	       memmem(x->text, len, flags, sizeof(flags) - 1);
}

/* Whether the block may only survive, wherever it is listed. */
static bool must_survive(const struct marked *m, const struct block *new,
			 const struct block *old)
{
	switch (new->kind) {
	case KIND_QUOTA:
	case KIND_LIMIT:
		return same_text(new, old);
	case KIND_CHAIN:
		return (drops(new) && same_hook(new, old)) ||
		       (keeps(m, new) && same_text(new, old));
	case KIND_SET:
		return same_timed(new, old);
	case KIND_MAP:
	case KIND_COUNT:
		break;
	}
	return false;
}

/* A map is always made anew: its elements lead to chains that may have to go.
 */
static bool can_survive(const struct block *new, const struct block *old)
{
	return new->kind == KIND_CHAIN ? same_hook(new, old)
	       : new->kind == KIND_MAP ? false
				       : same_text(new, old);
}

static void decide(const struct marked *m, struct blocks *new,
		   struct blocks *old)
{
	const struct block *last[KIND_COUNT] = {NULL};
	bool broken[KIND_COUNT] = {false};
	size_t i;

	for (i = 0; i < new->n; i++) {
		struct block *b = &new->v[i], *was = block_find(old, b);
		const enum kind kind = b->kind;
		const bool in_order = !broken[kind] && was &&
				      (!last[kind] || was > last[kind]);

		if (was && (must_survive(m, b, was) ||
			    (in_order && can_survive(b, was)))) {
			b->survives = was->survives = true;
			b->same = kind != KIND_CHAIN ||
				  (keeps(m, b) && same_text(b, was));
		}
		if (b->survives && in_order)
			last[kind] = was;
		else
			broken[kind] = true;
	}
}

static void put_command(struct str *s, const char *verb,
			const struct nft_table *t, const struct block *b)
{
	str_printf(s, "%s %s inet %s %.*s\n", verb, kind_words[b->kind],
		   t->name, (int)b->name_len, b->name);
}

/* What leads to another goes before it. */
static const enum kind delete_order[KIND_COUNT] = {
	KIND_MAP, KIND_CHAIN, KIND_SET, KIND_LIMIT, KIND_QUOTA,
};

void nft_update(struct str *s, const struct nft_table *t, const char *wanted,
		const char *listing)
{
	struct blocks old, new;
	const char *between = "";
	struct marked marked;
	size_t i, j;
	ARENA(a);
	STR(text);

	if (!wanted)
		nft_text_table(&text, t);
	old = blocks_of(&a, listing);
	new = blocks_of(&a, wanted ? wanted : str_text(&text));
	marked = marked_of(&a, t);
	decide(&marked, &new, &old);
	/* Rules first: chains, sets and objects can go once no rule names
	 * them. */
	for (i = 0; i < old.n; i++) {
		const struct block *b = block_find(&new, &old.v[i]);

		if (old.v[i].kind == KIND_CHAIN && !(b && b->same))
			put_command(s, "flush", t, &old.v[i]);
	}
	for (j = 0; j < KIND_COUNT; j++)
		for (i = 0; i < old.n; i++)
			if (old.v[i].kind == delete_order[j] &&
			    !old.v[i].survives)
				put_command(s, "delete", t, &old.v[i]);
	str_printf(s, "table inet %s {\n", t->name);
	for (i = 0; i < new.n; i++) {
		if (new.v[i].same)
			continue;
		str_puts(s, between);
		str_append(s, new.v[i].text, new.v[i].len);
		between = "\n";
	}
	str_puts(s, "}\n");
}

bool nft_update_keeps(const struct nft_table *t, const char *listing)
{
	struct blocks old, new;
	struct marked marked;
	bool all = true;
	size_t i;
	ARENA(a);
	STR(text);

	nft_text_table(&text, t);
	old = blocks_of(&a, listing);
	new = blocks_of(&a, str_text(&text));
	marked = marked_of(&a, t);
	for (i = 0; i < new.n; i++) {
		const struct block *was = block_find(&old, &new.v[i]);

		if (keeps(&marked, &new.v[i]))
			all = all && was && same_text(&new.v[i], was);
	}
	return all;
}

static bool has_line(const struct block *b, const char *line, size_t len)
{
	const char *p = b->text, *end;

	for (; p < b->text + b->len; p = end) {
		end = line_end(p);
		if ((size_t)(end - p) == len && memcmp(p, line, len) == 0)
			return true;
	}
	return false;
}

/* Whether a rule goes to a chain that there is not. */
static bool leads_nowhere(const struct blocks *b, const char *line,
			  const char *end)
{
	static const char word[] = " goto ";
	const size_t len = sizeof(word) - 1;
	const char *at = memmem(line, (size_t)(end - line), word, len);
	struct block chain = {.kind = KIND_CHAIN};

	if (!at)
		return false;
	chain.name = at + len;
	chain.name_len = strcspn(chain.name, " \n");
	return !block_find(b, &chain);
}

/* Appends the rules of @old that ask for a stamp that @new does not know. */
static bool put_old_stamps(struct str *s, const struct blocks *all,
			   const struct block *new, const struct block *old)
{
	const char *p = old->text, *end, *stamp;
	bool any = false;

	for (; p < old->text + old->len; p = end) {
		end = line_end(p);
		stamp = strstr(p, "ct mark 0x");
		if (!stamp || stamp >= end || leads_nowhere(all, p, end) ||
		    has_line(new, p, (size_t)(end - p)))
			continue;
		str_append(s, p, (size_t)(end - p));
		any = true;
	}
	return any;
}

void nft_update_bridge(struct str *between, struct str *then,
		       const struct nft_table *t, const char *listing)
{
	static const char last[] = "\t}\n";
	const size_t tail = sizeof(last) - 1;
	struct blocks old, new;
	struct marked marked;
	size_t i;
	ARENA(a);
	STR(text);

	nft_text_table(&text, t);
	old = blocks_of(&a, listing);
	new = blocks_of(&a, str_text(&text));
	marked = marked_of(&a, t);
	str_printf(between, "table inet %s {\n", t->name);
	for (i = 0; i < new.n; i++) {
		const struct block *b = &new.v[i], *was = block_find(&old, b);
		const struct nft_chain *c = marked_find(&marked, b);

		if (i)
			str_putc(between, '\n');
		str_append(between, b->text, b->len - tail);
		if (c && c->judged && was &&
		    put_old_stamps(between, &new, b, was)) {
			put_command(then, "flush", t, b);
			str_printf(then, "table inet %s {\n", t->name);
			str_append(then, b->text, b->len);
			str_puts(then, "}\n");
		}
		str_puts(between, last);
	}
	str_puts(between, "}\n");
}

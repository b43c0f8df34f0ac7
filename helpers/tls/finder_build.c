/* SPDX-License-Identifier: GPL-2.0-or-later */
/* finder_build.c - The automaton that finds placeholders, made. */
#include <stdlib.h>
#include <string.h>

#include "finder_table.h"

#define NODES_MAX  65535u
#define BASE64_MAX (SECRET_PLACEHOLDER_MAX * 4 / 3 + 4)

/*
 * NODES() - Rows for n placeholders of so many octets in all, at most
 *
 * One for each octet of a placeholder, and one for the root. In base64 its
 * three places together have four digits for each octet, less two, of which
 * one place has 4 possible last ones and another 16: that is 4 for each octet
 * and 18, in either alphabet.
 */
#define NODES(octets, n) (1 + 9 * (octets) + 36 * (n))

_Static_assert(NODES(SECRET_PLACEHOLDERS_MAX, SECRET_MAX) <= NODES_MAX,
	       "what a document may have can be looked for");

/* Digits of base64, RFC 4648 sections 4 and 5. */
static const char alphabets[2][65] = {
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

/**
 * struct base64 - What a placeholder makes of base64 digits at one place
 * @digits:	those that it determines alone
 * @n:		how many
 * @low:	lowest value of the digit behind them, which it determines in
 *		part
 * @n_last:	values that this digit can have; 0: there is none
 */
struct base64 {
	uint8_t digits[BASE64_MAX];
	size_t n;
	unsigned int low;
	unsigned int n_last;
};

static struct base64 base64_of(const struct secret *s, size_t before)
{
	struct base64 b = {.n = 0};
	const size_t bits = 8 * (before + s->placeholder_len);
	size_t at = (8 * before + 5) / 6 * 6;
	unsigned int known = 0;

	for (; at + 6 <= bits; at += 6) {
		unsigned int digit = 0;

		for (size_t i = at; i < at + 6; i++)
			digit = digit << 1 |
				(s->placeholder[i / 8 - before] >> (7 - i % 8) &
				 1u);
		b.digits[b.n++] = (uint8_t)digit;
	}
	if (at == bits)
		return b;
	for (size_t i = at; i < bits; i++)
		known = known << 1 |
			(s->placeholder[i / 8 - before] >> (7 - i % 8) & 1u);
	b.n_last = 1u << (6 - (bits - at));
	b.low = known * b.n_last;
	return b;
}

static void add_classes(struct finder *f, const uint8_t *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!f->class[text[i]])
			f->class[text[i]] = (uint8_t)f->n_classes++;
}

/* An octet that no pattern has is in class 0. */
static void make_classes(struct finder *f, const struct secrets *s)
{
	f->class['\r'] = f->class['\n'] = FINDER_NEWLINE;
	f->n_classes = FINDER_NEWLINE + 1;
	for (size_t i = 0; i < s->n; i++)
		add_classes(f, s->all[i].placeholder,
			    s->all[i].placeholder_len);
	for (size_t i = 0; i < 2; i++)
		add_classes(f, (const uint8_t *)alphabets[i], 64);
}

static bool grow(struct finder *f, size_t *room)
{
	const size_t n = *room ? *room * 2 : 256;
	uint16_t *next = realloc(f->next, n * f->n_classes * sizeof(*next));
	struct finder_node *nodes;

	if (!next)
		return false;
	f->next = next;
	nodes = realloc(f->nodes, n * sizeof(*nodes));
	if (!nodes)
		return false;
	f->nodes = nodes;
	memset(f->next + *room * f->n_classes, 0,
	       (n - *room) * f->n_classes * sizeof(*next));
	memset(f->nodes + *room, 0, (n - *room) * sizeof(*nodes));
	*room = n;
	return true;
}

/* The node behind @node for @c, which is made if need be; 0: there is none. */
static uint16_t child(struct finder *f, size_t *room, uint16_t node, uint8_t c)
{
	size_t at = node * f->n_classes + f->class[c];

	if (f->next[at])
		return f->next[at];
	if (f->n_nodes == NODES_MAX || (f->n_nodes == *room && !grow(f, room)))
		return 0;
	f->next[at] = (uint16_t)f->n_nodes;
	f->nodes[node].inner = true;
	f->nodes[f->n_nodes] = (struct finder_node){
		.depth = (uint16_t)(f->nodes[node].depth + 1),
		.pattern = -1,
	};
	return (uint16_t)f->n_nodes++;
}

/* Adds @text to the patterns' tree, up to its last octet. */
static uint16_t add_text(struct finder *f, size_t *room, const uint8_t *text,
			 size_t len, bool base64)
{
	uint16_t node = 0;

	for (size_t i = 0; i < len; i++) {
		node = child(f, room, node, text[i]);
		if (!node)
			return 0;
		f->nodes[node].base64 |= base64;
	}
	finder_scan_add(&f->scan, text);
	return node;
}

/* What ends at a node: where two secrets share a form, the first counts. */
static void end_at(struct finder *f, uint16_t node, size_t secret, bool base64)
{
	struct finder_node *n = &f->nodes[node];

	if (n->pattern < 0) {
		n->pattern = (int16_t)(2 * secret + base64);
		n->len = n->depth;
	}
}

static bool add_base64(struct finder *f, size_t *room, size_t secret,
		       const struct base64 *b, const char *alphabet)
{
	uint8_t text[BASE64_MAX];
	uint16_t node;

	for (size_t i = 0; i < b->n; i++)
		text[i] = (uint8_t)alphabet[b->digits[i]];
	node = add_text(f, room, text, b->n, true);
	if (!node)
		return false;
	if (!b->n_last)
		end_at(f, node, secret, true);
	for (unsigned int i = 0; i < b->n_last; i++) {
		const uint16_t last =
			child(f, room, node, (uint8_t)alphabet[b->low + i]);

		if (!last)
			return false;
		f->nodes[last].base64 = true;
		end_at(f, last, secret, true);
	}
	return true;
}

static bool add_secret(struct finder *f, size_t *room, const struct secret *s,
		       size_t i)
{
	const uint16_t node =
		add_text(f, room, s->placeholder, s->placeholder_len, false);

	if (!node)
		return false;
	end_at(f, node, i, false);
	for (size_t before = 0; before < 3; before++) {
		const struct base64 b = base64_of(s, before);

		for (size_t a = 0; a < 2; a++)
			if (!add_base64(f, room, i, &b, alphabets[a]))
				return false;
	}
	return true;
}

/*
 * Fills what is empty in the row of @node with what follows the longest suffix
 * of it that is a prefix as well, @fail.
 */
static void fill_row(struct finder *f, uint16_t node, uint16_t fail,
		     uint16_t *fails, uint16_t *queue, size_t *n_queued)
{
	uint16_t *row = f->next + node * f->n_classes;
	const uint16_t *other = f->next + fail * f->n_classes;

	for (size_t c = 0; c < f->n_classes; c++) {
		if (row[c]) {
			fails[row[c]] = node ? other[c] : 0;
			queue[(*n_queued)++] = row[c];
		} else if (node) {
			row[c] = other[c];
		}
	}
	if (f->nodes[node].base64)
		row[FINDER_NEWLINE] = node;
	if (f->nodes[node].pattern < 0 && node) {
		f->nodes[node].pattern = f->nodes[fail].pattern;
		f->nodes[node].len = f->nodes[fail].len;
	}
}

/* Breadth first: a node's suffixes are shorter, so they are complete. */
static bool fill(struct finder *f)
{
	uint16_t *fails = calloc(f->n_nodes, sizeof(*fails));
	uint16_t *queue = calloc(f->n_nodes, sizeof(*queue));
	size_t n_queued = 0;

	if (fails && queue) {
		fill_row(f, 0, 0, fails, queue, &n_queued);
		for (size_t i = 0; i < n_queued; i++)
			fill_row(f, queue[i], fails[queue[i]], fails, queue,
				 &n_queued);
	}
	free(queue);
	free(fails);
	return n_queued == f->n_nodes - 1;
}

static void add_bits(struct secret_bits *to, const struct secret_bits *b)
{
	for (size_t i = 0; i < sizeof(b->words) / sizeof(*b->words); i++)
		to->words[i] |= b->words[i];
}

/* Whose patterns end below each node, while rows have nothing but children,
 * which come behind their parents. */
static struct secret_bits *list_below(const struct finder *f)
{
	struct secret_bits *below = calloc(f->n_nodes, sizeof(*below));

	for (size_t node = f->n_nodes; below && node-- > 0;)
		for (size_t c = 0; c < f->n_classes; c++) {
			const uint16_t to = f->next[node * f->n_classes + c];
			const int16_t pattern = f->nodes[to].pattern;

			if (!to)
				continue;
			add_bits(&below[node], &below[to]);
			if (pattern >= 0)
				secret_bit_set(&below[node],
					       (size_t)pattern / 2);
		}
	return below;
}

static void fill_longer(struct finder *f, const struct secret_bits *below)
{
	for (size_t i = 0; i < f->n_nodes; i++)
		if (f->nodes[i].pattern >= 0)
			add_bits(&f->longer[f->nodes[i].pattern / 2],
				 &below[i]);
}

static bool build(struct finder *f, const struct secrets *s)
{
	struct secret_bits *below;
	size_t room = 0;
	bool filled;

	make_classes(f, s);
	finder_scan_begin(&f->scan);
	f->n_secrets = s->n;
	f->longer = calloc(s->n ? s->n : 1, sizeof(*f->longer));
	if (!f->longer || !grow(f, &room))
		return false;
	f->n_nodes = 1;
	f->nodes[0].pattern = -1;
	for (size_t i = 0; i < s->n; i++)
		if (!add_secret(f, &room, &s->all[i], i))
			return false;
	below = list_below(f);
	filled = below && fill(f);
	if (filled)
		fill_longer(f, below);
	free(below);
	return filled;
}

struct finder *finder_new(const struct secrets *s)
{
	struct finder *f = calloc(1, sizeof(*f));

	if (f && s->n <= SECRET_MAX && build(f, s))
		return f;
	finder_free(f);
	return NULL;
}

void finder_free(struct finder *f)
{
	if (!f)
		return;
	free(f->next);
	free(f->nodes);
	free(f->longer);
	free(f);
}

size_t finder_size(const struct finder *f)
{
	return sizeof(*f) +
	       f->n_nodes *
		       (f->n_classes * sizeof(*f->next) + sizeof(*f->nodes)) +
	       f->n_secrets * sizeof(*f->longer);
}

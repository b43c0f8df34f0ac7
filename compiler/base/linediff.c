/* SPDX-License-Identifier: GPL-2.0-or-later */
/* linediff.c - Two texts, line by line, as diff -u shows them. */
#include "linediff.h"

#include <stdint.h>
#include <string.h>

#include "arena.h"

/*
 * The greedy algorithm of Myers (An O(ND) Difference Algorithm and Its
 * Variations, 1986), on what is left once equal lines at both ends are gone.
 * For each number d of lines deleted or added, the furthest point is kept that
 * is reached on each diagonal; going back through these gives the edit script.
 */

/** struct line - One line, its newline not included */
struct line {
	const char *text;
	size_t len;
	uint64_t hash;
};

/** struct lines - A text cut into lines */
struct lines {
	struct line *v;
	size_t n;
};

/** enum edit - What becomes of a line */
enum edit {
	EDIT_KEEP,
	EDIT_DELETE,
	EDIT_ADD,
};

/** struct script - Edits in order */
struct script {
	enum edit *v;
	size_t n;
};

static struct lines cut(struct arena *a, const struct linediff_text *t)
{
	const char *p = t->text, *end = p ? p + t->len : p;
	struct lines l = {0};
	size_t cap = 0;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		struct line *line;
		size_t i;

		l.v = arena_grow(a, l.v, l.n, &cap, sizeof(*l.v));
		line = &l.v[l.n++];
		line->text = p;
		line->len = (size_t)((nl ? nl : end) - p);
		line->hash = 0xcbf29ce484222325u;
		for (i = 0; i < line->len; i++)
			line->hash = (line->hash ^ (unsigned char)p[i]) *
				     0x100000001b3u;
		p += line->len + 1;
	}
	if (!l.v)
		l.v = arena_new(a, struct line);
	return l;
}

static bool same(const struct line *x, const struct line *y)
{
	return x->hash == y->hash && x->len == y->len &&
	       memcmp(x->text, y->text, x->len) == 0;
}

static void put(struct script *s, enum edit edit, size_t n)
{
	while (n--)
		s->v[s->n++] = edit;
}

/**
 * struct search - The furthest points so far
 * @row:	by number of edits d: the furthest x on each diagonal k = x - y,
 *		at place k + d; only every other one has a value
 * @x:		lines before, @n of them
 * @y:		lines after, @m of them
 */
struct search {
	ptrdiff_t *row[LINEDIFF_MAX + 1];
	const struct line *x;
	ptrdiff_t n;
	const struct line *y;
	ptrdiff_t m;
};

/* Whether the furthest way to diagonal @k with @d edits ends in a line added.
 */
static bool comes_down(const struct search *s, ptrdiff_t d, ptrdiff_t k)
{
	const ptrdiff_t *before = s->row[d - 1] + (d - 1);

	return k == -d || (k != d && before[k - 1] < before[k + 1]);
}

/* Where that way is behind its last edit. */
static ptrdiff_t edited(const struct search *s, ptrdiff_t d, ptrdiff_t k)
{
	const ptrdiff_t *before;

	if (!d)
		return 0;
	before = s->row[d - 1] + (d - 1);
	return comes_down(s, d, k) ? before[k + 1] : before[k - 1] + 1;
}

/* Find the fewest edits; -1 if they are more than LINEDIFF_MAX. */
static ptrdiff_t search(struct arena *a, struct search *s)
{
	ptrdiff_t d, k;

	for (d = 0; d <= (ptrdiff_t)LINEDIFF_MAX; d++) {
		s->row[d] = arena_array(a, (size_t)(2 * d + 1), ptrdiff_t);
		for (k = -d; k <= d; k += 2) {
			ptrdiff_t x = edited(s, d, k), y = x - k;

			while (x < s->n && y < s->m && same(&s->x[x], &s->y[y]))
				x++, y++;
			s->row[d][k + d] = x;
			if (x >= s->n && y >= s->m)
				return d;
		}
	}
	return -1;
}

/* The edits of what search() found, appended to @ret. */
static void trace_back(const struct search *s, ptrdiff_t d, struct script *ret)
{
	ptrdiff_t x = s->n, y = s->m;
	size_t i, first = ret->n;

	for (; d >= 0; d--) {
		const ptrdiff_t k = x - y, from = edited(s, d, k);

		while (x > from) {
			put(ret, EDIT_KEEP, 1);
			x--;
			y--;
		}
		if (!d)
			break;
		if (comes_down(s, d, k)) {
			put(ret, EDIT_ADD, 1);
			y--;
		} else {
			put(ret, EDIT_DELETE, 1);
			x--;
		}
	}
	for (i = 0; i < (ret->n - first) / 2; i++) {
		const enum edit swap = ret->v[first + i];

		ret->v[first + i] = ret->v[ret->n - 1 - i];
		ret->v[ret->n - 1 - i] = swap;
	}
}

static struct script compare(struct arena *a, const struct lines *x,
			     const struct lines *y)
{
	struct search *s = arena_new(a, struct search);
	const size_t least = x->n < y->n ? x->n : y->n;
	struct script script = {0};
	size_t head = 0, tail = 0;
	ptrdiff_t d;

	script.v = arena_array(a, x->n + y->n, enum edit);
	while (head < least && same(&x->v[head], &y->v[head]))
		head++;
	while (tail < least - head &&
	       same(&x->v[x->n - 1 - tail], &y->v[y->n - 1 - tail]))
		tail++;
	s->x = x->v + head;
	s->y = y->v + head;
	s->n = (ptrdiff_t)(x->n - head - tail);
	s->m = (ptrdiff_t)(y->n - head - tail);
	put(&script, EDIT_KEEP, head);
	d = search(a, s);
	if (d < 0) {
		put(&script, EDIT_DELETE, (size_t)s->n);
		put(&script, EDIT_ADD, (size_t)s->m);
	} else {
		trace_back(s, d, &script);
	}
	put(&script, EDIT_KEEP, tail);
	return script;
}

/** struct hunk - Edits from @first to before @end, and their first lines */
struct hunk {
	size_t first;
	size_t end;
	size_t x;
	size_t y;
};

static void range(struct str *out, char sign, size_t first, size_t n)
{
	/* An empty range is named by the line before it. */
	str_printf(out, " %c%zu", sign, n ? first + 1 : first);
	if (n != 1)
		str_printf(out, ",%zu", n);
}

static void print_hunk(struct str *out, const struct script *s,
		       const struct hunk *h, const struct lines *x,
		       const struct lines *y)
{
	static const char signs[] = {
		[EDIT_KEEP] = ' ', [EDIT_DELETE] = '-', [EDIT_ADD] = '+'};
	size_t n = 0, m = 0, i = h->x, j = h->y, k;

	for (k = h->first; k < h->end; k++) {
		n += s->v[k] != EDIT_ADD;
		m += s->v[k] != EDIT_DELETE;
	}
	str_puts(out, "@@");
	range(out, '-', h->x, n);
	range(out, '+', h->y, m);
	str_puts(out, " @@\n");
	for (k = h->first; k < h->end; k++) {
		const struct line *l = s->v[k] == EDIT_ADD ? &y->v[j]
							   : &x->v[i];

		str_putc(out, signs[s->v[k]]);
		str_append(out, l->text, l->len);
		str_putc(out, '\n');
		i += s->v[k] != EDIT_ADD;
		j += s->v[k] != EDIT_DELETE;
	}
}

/* Edits with their context, those that touch as one. */
static void print_hunks(struct str *out, const struct script *s,
			const struct lines *x, const struct lines *y)
{
	size_t i = 0, at_x = 0, at_y = 0;

	while (i < s->n) {
		struct hunk h = {i, i, at_x, at_y};
		size_t kept = 0, k;

		while (i < s->n && s->v[i] == EDIT_KEEP)
			i++, kept++;
		if (i == s->n)
			return;
		k = kept > LINEDIFF_CONTEXT ? kept - LINEDIFF_CONTEXT : 0;
		h.first += k;
		h.x += k;
		h.y += k;
		for (kept = 0; i < s->n && kept <= (size_t)2 * LINEDIFF_CONTEXT;
		     i++)
			kept = s->v[i] == EDIT_KEEP ? kept + 1 : 0;
		if (kept > LINEDIFF_CONTEXT)
			i -= kept - LINEDIFF_CONTEXT;
		h.end = i;
		print_hunk(out, s, &h, x, y);
		at_x = h.x;
		at_y = h.y;
		for (k = h.first; k < h.end; k++) {
			at_x += s->v[k] != EDIT_ADD;
			at_y += s->v[k] != EDIT_DELETE;
		}
	}
}

bool linediff(struct str *out, const struct linediff_text *a,
	      const struct linediff_text *b)
{
	ARENA(scratch);
	struct lines x, y;
	struct script s;

	if (a->text && b->text && a->len == b->len &&
	    memcmp(a->text, b->text, a->len) == 0)
		return false;
	x = cut(&scratch, a);
	y = cut(&scratch, b);
	s = compare(&scratch, &x, &y);
	str_printf(out, "--- %s\n+++ %s\n", a->text ? a->name : "/dev/null",
		   b->text ? b->name : "/dev/null");
	print_hunks(out, &s, &x, &y);
	return true;
}

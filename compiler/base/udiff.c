/* SPDX-License-Identifier: GPL-2.0-or-later */
/* udiff.c - Two texts, as a unified diff. */
#include "udiff.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "arena.h"

/*
 * The greedy algorithm of Myers, "An O(ND) Difference Algorithm and Its
 * Variations" (1986): for each number of changes D the furthest place that D
 * changes lead to is found on each diagonal k = x - y, and all these places are
 * kept, so that the way back can be read from them.
 */

#define CONTEXT	    ((size_t)3)
#define CHANGES_MAX 1000

/** struct line - A line of a text, its line feed included */
struct line {
	const char *text;
	size_t len;
	uint32_t hash;
};

/** struct lines - Lines of a text */
struct lines {
	struct line *v;
	size_t n;
};

/** struct edit - A line of the diff: ' ', '-' or '+' */
struct edit {
	char sign;
	const struct line *line;
};

/** struct edits - The whole way from one text to the other */
struct edits {
	struct edit *v;
	size_t n;
	size_t cap;
};

static struct lines lines_of(struct arena *a, const char *text)
{
	struct lines l = {0};
	size_t cap = 0, i;

	while (*text) {
		struct line new = {text, strcspn(text, "\n"), 0x811c9dc5u};

		new.len += text[new.len] == '\n';
		for (i = 0; i < new.len; i++)
			new.hash = (new.hash ^ (uint8_t)text[i]) * 0x01000193u;
		l.v = arena_grow(a, l.v, l.n, &cap, sizeof(*l.v));
		l.v[l.n++] = new;
		text += new.len;
	}
	return l;
}

static bool same(const struct line *x, const struct line *y)
{
	return x->hash == y->hash && x->len == y->len &&
	       memcmp(x->text, y->text, x->len) == 0;
}

static void add(struct arena *a, struct edits *e, char sign,
		const struct line *line)
{
	e->v = arena_grow(a, e->v, e->n, &e->cap, sizeof(*e->v));
	e->v[e->n++] = (struct edit){sign, line};
}

/* Reads the way back from what each number of changes reached. */
static void walk_back(struct arena *a, struct edits *e, const struct lines *x,
		      const struct lines *y, const int *const *reached,
		      int changes)
{
	int i = (int)x->n, j = (int)y->n, d;
	struct edits back = {0};
	size_t n;

	for (d = changes; d > 0; d--) {
		const int *v = reached[d - 1] + d;
		const int k = i - j;
		const bool down = k == -d || (k != d && v[k - 1] < v[k + 1]);
		const int from_k = down ? k + 1 : k - 1;
		const int begin = down ? v[from_k] : v[from_k] + 1;

		for (; i > begin; j--)
			add(a, &back, ' ', &x->v[--i]);
		if (down)
			add(a, &back, '+', &y->v[--j]);
		else
			add(a, &back, '-', &x->v[--i]);
	}
	while (i > 0) {
		add(a, &back, ' ', &x->v[--i]);
		j--;
	}
	for (n = back.n; n--;)
		add(a, e, back.v[n].sign, back.v[n].line);
}

/* The shortest way; false if it has too many changes. */
static bool shortest(struct arena *a, struct edits *e, const struct lines *x,
		     const struct lines *y)
{
	const int n = (int)x->n, m = (int)y->n;
	const int **reached = arena_array(a, CHANGES_MAX + 1, const int *);
	int *v = arena_array(a, 2 * CHANGES_MAX + 3, int) + CHANGES_MAX + 1;
	int d, k;

	for (d = 0; d <= CHANGES_MAX; d++) {
		int *kept;

		for (k = -d; k <= d; k += 2) {
			const bool down = k == -d ||
					  (k != d && v[k - 1] < v[k + 1]);
			int i = d == 0 ? 0 : down ? v[k + 1] : v[k - 1] + 1;
			int j = i - k;

			while (i < n && j >= 0 && j < m &&
			       same(&x->v[i], &y->v[j])) {
				i++;
				j++;
			}
			v[k] = i;
			if (i >= n && j >= m) {
				walk_back(a, e, x, y, reached, d);
				return true;
			}
		}
		kept = arena_array(a, 2 * (size_t)d + 3, int);
		memcpy(kept, v - d - 1, (2 * (size_t)d + 3) * sizeof(*kept));
		reached[d] = kept;
	}
	return false;
}

static void replace_all(struct arena *a, struct edits *e, const struct lines *x,
			const struct lines *y)
{
	size_t i;

	for (i = 0; i < x->n; i++)
		add(a, e, '-', &x->v[i]);
	for (i = 0; i < y->n; i++)
		add(a, e, '+', &y->v[i]);
}

/* Finds the end of a hunk that begins at @from: changes that are no further
 * apart than their contexts belong together. */
static size_t hunk_end(const struct edits *e, size_t from)
{
	size_t i, last = from;

	for (i = from; i < e->n && i - last <= 2 * CONTEXT; i++)
		if (e->v[i].sign != ' ')
			last = i;
	last += CONTEXT + 1;
	return last < e->n ? last : e->n;
}

static void put_range(struct str *s, char sign, size_t line, size_t n)
{
	/* An empty range is said to be behind the line before it. */
	str_printf(s, "%c%zu", sign, n ? line + 1 : line);
	if (n != 1)
		str_printf(s, ",%zu", n);
}

static void put_hunk(struct str *s, const struct edits *e, size_t from,
		     size_t to, size_t x, size_t y)
{
	size_t i, n_x = 0, n_y = 0;

	for (i = from; i < to; i++) {
		n_x += e->v[i].sign != '+';
		n_y += e->v[i].sign != '-';
	}
	str_puts(s, "@@ ");
	put_range(s, '-', x, n_x);
	str_putc(s, ' ');
	put_range(s, '+', y, n_y);
	str_puts(s, " @@\n");
	for (i = from; i < to; i++) {
		str_putc(s, e->v[i].sign);
		str_append(s, e->v[i].line->text, e->v[i].line->len);
	}
}

void udiff(struct str *s, const char *name, const char *before,
	   const char *after)
{
	struct lines x, y, mid_x, mid_y;
	size_t head = 0, tail = 0, i, line_x = 0, line_y = 0;
	struct edits e = {0};
	ARENA(a);

	if (strcmp(before, after) == 0)
		return;
	x = lines_of(&a, before);
	y = lines_of(&a, after);
	while (head < x.n && head < y.n && same(&x.v[head], &y.v[head]))
		head++;
	while (tail < x.n - head && tail < y.n - head &&
	       same(&x.v[x.n - 1 - tail], &y.v[y.n - 1 - tail]))
		tail++;
	mid_x = (struct lines){head ? x.v + head : x.v, x.n - head - tail};
	mid_y = (struct lines){head ? y.v + head : y.v, y.n - head - tail};
	for (i = 0; i < head; i++)
		add(&a, &e, ' ', &x.v[i]);
	if (!shortest(&a, &e, &mid_x, &mid_y))
		replace_all(&a, &e, &mid_x, &mid_y);
	for (i = x.n - tail; i < x.n; i++)
		add(&a, &e, ' ', &x.v[i]);
	str_printf(s, "--- a/%s\n+++ b/%s\n", name, name);
	for (i = 0; i < e.n;) {
		size_t from = i, to;

		while (from < e.n && e.v[from].sign == ' ')
			from++;
		if (from == e.n)
			break;
		to = hunk_end(&e, from);
		from = from - i > CONTEXT ? from - CONTEXT : i;
		for (; i < from; i++) {
			line_x++;
			line_y++;
		}
		put_hunk(s, &e, from, to, line_x, line_y);
		for (; i < to; i++) {
			line_x += e.v[i].sign != '+';
			line_y += e.v[i].sign != '-';
		}
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* serials.c - Serial numbers of a revocation list, to be looked up.
 *
 * Numbers lie one after the other, each behind its length, and a table that is
 * sorted says where. The C library's qsort() would ask for the machine's memory
 * by a system call that a confined process may not make.
 */
#include "serials.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/**
 * struct serials - Serial numbers
 * @n:		how many
 * @octets:	lengths and numbers
 * @at:		where each begins, in order
 */
struct serials {
	size_t n;
	uint8_t *octets;
	uint32_t at[];
};

static int compare(const struct serials *s, uint32_t at, struct der_view v)
{
	const uint8_t *const p = s->octets + at;

	if (*p != v.len)
		return *p < v.len ? -1 : 1;
	return memcmp(p + 1, v.p, v.len);
}

static bool is_after(const struct serials *s, uint32_t a, uint32_t b)
{
	const uint8_t *const p = s->octets + b;

	return compare(s, a, (struct der_view){p + 1, *p}) > 0;
}

/* Two runs that are sorted, @from to @middle to @end, become one. */
static void merge(const struct serials *s, uint32_t *to, size_t from,
		  size_t middle, size_t end)
{
	size_t a = from, b = middle;

	for (size_t k = from; k < end; k++) {
		const bool second =
			a == middle ||
			(b < end && is_after(s, s->at[a], s->at[b]));

		to[k] = s->at[second ? b++ : a++];
	}
}

static bool sort(struct serials *s)
{
	uint32_t *const room = malloc(s->n * sizeof(*room) + 1);

	if (!room)
		return false;
	for (size_t run = 1; run < s->n; run *= 2) {
		for (size_t from = 0; from < s->n; from += 2 * run) {
			const size_t left = s->n - from;

			merge(s, room, from, from + (run < left ? run : left),
			      from + (2 * run < left ? 2 * run : left));
		}
		memcpy(s->at, room, s->n * sizeof(*room));
	}
	free(room);
	return true;
}

struct serials *serials_new(const struct crl *c)
{
	const size_t table = sizeof(struct serials) + c->n * sizeof(uint32_t);
	struct serials *const s = malloc(table + c->n + c->octets);
	struct der_view left = c->entries, v;
	size_t used = 0;

	if (!s)
		return NULL;
	s->n = 0;
	s->octets = (uint8_t *)s + table;
	while (crl_next(&left, &v)) {
		s->at[s->n++] = (uint32_t)used;
		s->octets[used++] = (uint8_t)v.len;
		memcpy(s->octets + used, v.p, v.len);
		used += v.len;
	}
	if (sort(s))
		return s;
	free(s);
	return NULL;
}

bool serials_has(const struct serials *s, struct der_view serial)
{
	const struct der_view v = crl_serial(serial);
	size_t low = 0, high = s->n;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const int order = compare(s, s->at[middle], v);

		if (!order)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

void serials_free(struct serials *s)
{
	free(s);
}

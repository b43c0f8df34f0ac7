/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_outbox.c - Octets that wait until somebody takes them. */
#include "outbox.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The octet that comes at a place of an endless text. */
static uint8_t octet_at(size_t at)
{
	return (uint8_t)(1 + at * 31 % 255);
}

static void put(struct outbox *o, size_t at, size_t len)
{
	uint8_t *const text = malloc(len + 1);

	for (size_t i = 0; i < len; i++)
		text[i] = octet_at(at + i);
	cr_assert(outbox_put(o, text, len));
	free(text);
}

static void check(const struct outbox *o, size_t at, size_t len)
{
	cr_assert_eq(outbox_len(o), len, "%zu, not %zu", outbox_len(o), len);
	for (size_t i = 0; i < len; i++)
		cr_assert_eq(outbox_next(o)[i], octet_at(at + i), "at %zu",
			     at + i);
}

/* Memory that does not wait has been wiped. */
static void check_rest(const struct outbox *o)
{
	for (size_t i = 0; i < o->from; i++)
		cr_assert_eq(o->octets[i], 0, "at %zu", i);
}

Test(outbox, has_nothing_at_first)
{
	struct outbox o = {0};

	cr_assert_eq(outbox_len(&o), 0);
	cr_assert(outbox_put(&o, NULL, 0));
	cr_assert_null(o.octets);
	outbox_take(&o, 0);
	outbox_drop(&o);
	cr_assert_null(o.octets);
}

Test(outbox, gives_in_order_what_was_put_in)
{
	struct outbox o = {0};
	size_t in = 0, out = 0;

	srand(1);
	for (int round = 0; round < 4000; round++) {
		const size_t len = (size_t)rand() % 900;
		size_t take;

		put(&o, in, len);
		in += len;
		check(&o, out, in - out);
		check_rest(&o);
		take = (size_t)rand() % (in - out + 1);
		if (take > 1000)
			take = 1000;
		outbox_take(&o, take);
		out += take;
		check(&o, out, in - out);
	}
	outbox_drop(&o);
}

Test(outbox, has_no_memory_when_it_is_empty)
{
	struct outbox o = {0};

	put(&o, 0, 5000);
	outbox_take(&o, 4999);
	cr_assert_not_null(o.octets);
	outbox_take(&o, 1);
	cr_assert_null(o.octets);
	cr_assert_eq(o.room, 0);
	put(&o, 7, 3);
	check(&o, 7, 3);
	outbox_drop(&o);
	cr_assert_null(o.octets);
}

Test(outbox, wipes_what_was_taken)
{
	struct outbox o = {0};

	put(&o, 0, 1000);
	outbox_take(&o, 600);
	check_rest(&o);
	/* What waits is moved to the beginning, and what was behind it wiped.
	 */
	put(&o, 1000, 200);
	check(&o, 600, 600);
	cr_assert_eq(o.from, 0);
	for (size_t i = o.to; i < 1000; i++)
		cr_assert_eq(o.octets[i], 0, "at %zu", i);
	outbox_drop(&o);
}

Test(outbox, keeps_to_its_bound)
{
	struct outbox o = {0};
	uint8_t *const text = calloc(1, OUTBOX_MAX + 1);

	cr_assert_not(outbox_put(&o, text, OUTBOX_MAX + 1));
	cr_assert_null(o.octets);
	put(&o, 0, 1);
	cr_assert_not(outbox_put(&o, text, OUTBOX_MAX));
	check(&o, 0, 1);
	cr_assert(outbox_put(&o, text, OUTBOX_MAX - 1));
	cr_assert_eq(outbox_len(&o), OUTBOX_MAX);
	cr_assert_not(outbox_put(&o, text, 1));
	cr_assert(outbox_put(&o, text, 0));
	outbox_take(&o, 2);
	cr_assert(outbox_put(&o, text, 2));
	cr_assert_not(outbox_put(&o, text, 1));
	cr_assert_leq(o.room, OUTBOX_MAX);
	outbox_drop(&o);
	free(text);
}

/* How often something is in all memory from @from on that malloc() has, whether
 * it was freed or not. */
static size_t count(const uint8_t *from, const uint8_t *what, size_t n)
{
	const size_t len = (size_t)((const uint8_t *)sbrk(0) - from);
	size_t found = 0;

	for (size_t i = 0; i + n <= len; i++)
		found += from[i] == what[0] && !memcmp(from + i, what, n);
	return found;
}

Test(outbox, leaves_nothing_behind_where_it_grew)
{
	uint8_t value[24];
	uint8_t *const heap = calloc(1, 16);
	struct outbox o = {0};

	if ((uint8_t *)sbrk(0) < heap)
		cr_skip_test("malloc() is not the C library's");
	for (size_t i = 0; i < sizeof(value); i++)
		value[i] = (uint8_t)(0xc0 + i);
	/* Below what malloc() maps by itself. */
	while (outbox_len(&o) < 60000)
		cr_assert(outbox_put(&o, value, sizeof(value)));
	cr_assert_eq(count(heap, value, sizeof(value)), 2500);
	outbox_take(&o, outbox_len(&o) - 10 * sizeof(value));
	cr_assert_eq(count(heap, value, sizeof(value)), 10);
	outbox_drop(&o);
	cr_assert_eq(count(heap, value, sizeof(value)), 0);
	free(heap);
}

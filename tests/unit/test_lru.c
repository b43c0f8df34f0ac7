/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_lru.c - The bounded cache. */
#include "lru.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static void put(struct lru *l, unsigned int n, uint64_t until)
{
	char key[16];

	snprintf(key, sizeof(key), "key %u", n);
	lru_put(l, key, strlen(key), &n, sizeof(n), until);
}

static bool has(struct lru *l, unsigned int n, uint64_t now)
{
	unsigned int value;
	char key[16];
	size_t len = 0;
	const void *p;

	snprintf(key, sizeof(key), "key %u", n);
	p = lru_get(l, key, strlen(key), now, &len);
	if (!p)
		return false;
	cr_assert_eq(len, sizeof(value));
	memcpy(&value, p, len);
	cr_assert_eq(value, n);
	return true;
}

Test(lru, keeps_no_more_than_it_may)
{
	struct lru *const l = lru_new(100);

	for (unsigned int k = 0; k < 1000; k++)
		put(l, k, 10);
	cr_assert_eq(lru_count(l), 100);
	for (unsigned int k = 0; k < 1000; k++)
		cr_assert_eq(has(l, k, 0), k >= 900, "%u", k);
	lru_free(l);
}

Test(lru, drops_what_was_not_used_for_longest)
{
	struct lru *const l = lru_new(3);

	put(l, 1, 10);
	put(l, 2, 10);
	put(l, 3, 10);
	cr_assert(has(l, 1, 0));
	put(l, 4, 10);
	cr_assert(has(l, 1, 0));
	cr_assert_not(has(l, 2, 0));
	cr_assert(has(l, 3, 0));
	cr_assert(has(l, 4, 0));
	lru_free(l);
}

Test(lru, forgets_in_time)
{
	struct lru *const l = lru_new(3);

	put(l, 1, 10);
	cr_assert(has(l, 1, 9));
	cr_assert_not(has(l, 1, 10));
	cr_assert_eq(lru_count(l), 0);
	put(l, 1, 10);
	put(l, 1, 20);
	cr_assert_eq(lru_count(l), 1);
	cr_assert(has(l, 1, 15));
	lru_drop(l, "key 1", 5);
	lru_drop(l, "key 1", 5);
	cr_assert_not(has(l, 1, 15));
	lru_free(l);
}

Test(lru, of_one)
{
	struct lru *const l = lru_new(1);

	put(l, 1, 10);
	put(l, 2, 10);
	cr_assert_not(has(l, 1, 0));
	cr_assert(has(l, 2, 0));
	lru_free(l);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lru.h - A bounded cache: octets by octets, the least recently used go first.
 */
#ifndef MSB_LRU_H
#define MSB_LRU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lru;

/**
 * lru_new() - Make a cache
 * @max:	most entries, at least 1
 *
 * Return: NULL if there is no memory for it
 */
struct lru *lru_new(size_t max) __attribute__((warn_unused_result));

/** lru_free() - Release; what was kept is wiped */
void lru_free(struct lru *l);

/**
 * lru_get() - Look something up
 * @l:		cache
 * @key:	key
 * @key_len:	octets
 * @now:	time, in the unit of lru_put()'s @until
 * @ret_len:	octets of what is returned
 *
 * Return: the value, until the next call for this cache; NULL if there is none,
 * or it is none any more
 */
const void *lru_get(struct lru *l, const void *key, size_t key_len,
		    uint64_t now, size_t *ret_len);

/**
 * lru_put() - Keep something, instead of what had the same key
 * @l:		cache
 * @key:	key
 * @key_len:	octets
 * @value:	value
 * @len:	octets
 * @until:	when it is to be forgotten
 *
 * Without memory it is not kept: a cache owes nothing.
 */
void lru_put(struct lru *l, const void *key, size_t key_len, const void *value,
	     size_t len, uint64_t until);

/** lru_drop() - Forget what has this key */
void lru_drop(struct lru *l, const void *key, size_t key_len);

/** lru_count() - How many entries there are */
size_t lru_count(const struct lru *l);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lru.c - A bounded cache: octets by octets, the least recently used go first.
 *
 * A table of chains, and one list of all entries by last use. Keys are what
 * guests choose, so the hash is keyed with random octets of the process's own.
 */
#include "lru.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/** struct entry - One of them */
struct entry {
	struct entry *chain;
	struct entry *newer;
	struct entry *older;
	uint64_t until;
	size_t key_len;
	size_t len;
	uint8_t octets[]; /* key, then value */
};

struct lru {
	size_t max;
	size_t n;
	size_t buckets; /* a power of two */
	uint64_t seed[2];
	struct entry *newest;
	struct entry *oldest;
	struct entry *table[];
};

struct lru *lru_new(size_t max)
{
	size_t buckets = 16;
	struct lru *l;

	while (buckets < max)
		buckets *= 2;
	l = calloc(1, sizeof(*l) + buckets * sizeof(struct entry *));
	if (!l)
		return NULL;
	l->max = max;
	l->buckets = buckets;
	if (getrandom(l->seed, sizeof(l->seed), 0) != sizeof(l->seed)) {
		free(l);
		return NULL;
	}
	return l;
}

static struct entry **bucket(struct lru *l, const uint8_t *key, size_t len)
{
	uint64_t h = l->seed[0];

	/* Multiply and fold, per octet: keys are some tens of octets, and a
	 * look-up is one in a handshake. */
	for (size_t k = 0; k < len; k++) {
		const unsigned __int128 wide =
			(unsigned __int128)(h ^ key[k]) * (l->seed[1] | 1);

		h = (uint64_t)wide ^ (uint64_t)(wide >> 64);
	}
	return &l->table[h & (l->buckets - 1)];
}

static struct entry **find(struct lru *l, const uint8_t *key, size_t len)
{
	struct entry **at = bucket(l, key, len);

	while (*at &&
	       ((*at)->key_len != len || memcmp((*at)->octets, key, len) != 0))
		at = &(*at)->chain;
	return at;
}

static void unlist(struct lru *l, struct entry *e)
{
	*(e->newer ? &e->newer->older : &l->newest) = e->older;
	*(e->older ? &e->older->newer : &l->oldest) = e->newer;
}

static void list_newest(struct lru *l, struct entry *e)
{
	e->newer = NULL;
	e->older = l->newest;
	*(l->newest ? &l->newest->newer : &l->oldest) = e;
	l->newest = e;
}

static void remove_at(struct lru *l, struct entry **at)
{
	struct entry *const e = *at;

	if (!e)
		return;
	*at = e->chain;
	unlist(l, e);
	l->n--;
	explicit_bzero(e->octets, e->key_len + e->len);
	free(e);
}

void lru_free(struct lru *l)
{
	if (!l)
		return;
	while (l->oldest)
		remove_at(l, find(l, l->oldest->octets, l->oldest->key_len));
	free(l);
}

const void *lru_get(struct lru *l, const void *key, size_t key_len,
		    uint64_t now, size_t *ret_len)
{
	struct entry **const at = find(l, key, key_len);
	struct entry *const e = *at;

	if (!e)
		return NULL;
	if (now >= e->until) {
		remove_at(l, at);
		return NULL;
	}
	unlist(l, e);
	list_newest(l, e);
	*ret_len = e->len;
	return e->octets + key_len;
}

void lru_put(struct lru *l, const void *key, size_t key_len, const void *value,
	     size_t len, uint64_t until)
{
	struct entry **at;
	struct entry *e;

	lru_drop(l, key, key_len);
	e = malloc(sizeof(*e) + key_len + len);
	if (!e)
		return;
	if (l->n >= l->max)
		remove_at(l, find(l, l->oldest->octets, l->oldest->key_len));
	e->until = until;
	e->key_len = key_len;
	e->len = len;
	memcpy(e->octets, key, key_len);
	memcpy(e->octets + key_len, value, len);
	at = bucket(l, key, key_len);
	e->chain = *at;
	*at = e;
	list_newest(l, e);
	l->n++;
}

void lru_drop(struct lru *l, const void *key, size_t key_len)
{
	struct entry **const at = find(l, key, key_len);

	if (*at)
		remove_at(l, at);
}

size_t lru_count(const struct lru *l)
{
	return l->n;
}

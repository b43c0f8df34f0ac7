/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cache.c - Answers that are kept for as long as they may be. */
#include "cache.h"

#include <string.h>
#include <sys/mman.h>

#define ENTRIES	    ((size_t)CACHE_GROUPS * CACHE_WAYS)
#define SLOT_BYTES  (ENTRIES * sizeof(struct cache_slot))
#define CACHE_BYTES (SLOT_BYTES + ENTRIES * sizeof(struct cache_entry))

_Static_assert(SLOT_BYTES % _Alignof(struct cache_entry) == 0,
	       "entries follow the slots");

bool cache_open(struct cache *c, const struct keyed_hash *hash)
{
	void *v = mmap(NULL, CACHE_BYTES, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (v == MAP_FAILED)
		return false;
	*c = (struct cache){.hash = *hash,
			    .slots = v,
			    .v = (void *)((char *)v + SLOT_BYTES)};
	return true;
}

void cache_close(struct cache *c)
{
	if (c->slots)
		munmap(c->slots, CACHE_BYTES);
	c->slots = NULL;
	c->v = NULL;
}

void cache_clear(struct cache *c)
{
	/* Zero again, and no memory used. */
	if (madvise(c->slots, CACHE_BYTES, MADV_DONTNEED) < 0)
		memset(c->slots, 0, CACHE_BYTES);
}

void cache_key(const struct cache *c, const struct packet_question *q,
	       struct ip resolver, struct cache_key *ret)
{
	uint64_t hash;

	ret->name = q->name;
	ret->type = q->type;
	ret->class = q->class;
	ret->flags = (uint8_t)((q->flags & PACKET_RD ? CACHE_RD : 0) |
			       (q->flags & PACKET_CD ? CACHE_CD : 0) |
			       (q->flags & PACKET_AD ? CACHE_AD : 0) |
			       (q->edns ? CACHE_EDNS : 0) |
			       (q->dnssec_ok ? CACHE_DO : 0));
	ret->resolver = resolver;
	hash = (uint64_t)ret->flags << 32 | (uint32_t)ret->class << 16 |
	       ret->type;
	if (resolver.family)
		hash = keyed_hash(&c->hash, hash, &ret->resolver.num,
				  sizeof(ret->resolver.num));
	ret->hash = keyed_hash(&c->hash, hash, ret->name.wire, ret->name.len);
}

bool cache_key_equal(const struct cache_key *a, const struct cache_key *b)
{
	return a->hash == b->hash && a->type == b->type &&
	       a->class == b->class && a->flags == b->flags &&
	       ip_equal(a->resolver, b->resolver) &&
	       dname_equal(packet_dname(&a->name), packet_dname(&b->name));
}

/* The first entry of a key's group. */
static size_t group(const struct cache_key *key)
{
	return CACHE_WAYS * (size_t)(key->hash % CACHE_GROUPS);
}

/* Whether an entry is the answer to a question. */
static bool answers(const struct cache *c, size_t at,
		    const struct cache_key *key, uint64_t now)
{
	const struct cache_slot *s = &c->slots[at];

	return s->hash == key->hash && s->until > now &&
	       cache_key_equal(&c->v[at].key, key);
}

struct cache_entry *cache_find(struct cache *c, const struct cache_key *key,
			       uint64_t now)
{
	const size_t first = group(key);

	for (size_t at = first; at < first + CACHE_WAYS; at++) {
		if (!answers(c, at, key, now))
			continue;
		c->slots[at].used = now;
		return &c->v[at];
	}
	return NULL;
}

/* When an entry was asked for last; one that has expired is older than any. */
static uint64_t age_of(const struct cache_slot *s, uint64_t now)
{
	return s->until > now ? s->used : 0;
}

struct cache_entry *cache_put(struct cache *c, const struct cache_key *key,
			      const uint8_t *data, size_t len, uint64_t now,
			      uint32_t ttl)
{
	const size_t first = group(key);
	size_t best = first;
	struct cache_entry *e;

	if (!ttl || len > CACHE_ANSWER_MAX)
		return NULL;
	for (size_t at = first; at < first + CACHE_WAYS; at++) {
		if (answers(c, at, key, now)) {
			best = at;
			break;
		}
		if (age_of(&c->slots[at], now) < age_of(&c->slots[best], now))
			best = at;
	}
	c->slots[best] = (struct cache_slot){
		.hash = key->hash,
		.until = now + (uint64_t)ttl * 1000,
		.used = now,
	};
	e = &c->v[best];
	e->key = *key;
	e->since = now;
	e->pinned = 0;
	e->epoch = 0;
	e->len = (uint16_t)len;
	memcpy(e->data, data, len);
	return e;
}

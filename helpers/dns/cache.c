/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cache.c - Answers that are kept for as long as they may be. */
#include "cache.h"

#include <string.h>
#include <sys/mman.h>

#define CACHE_BYTES \
	((size_t)CACHE_GROUPS * CACHE_WAYS * sizeof(struct cache_entry))

bool cache_open(struct cache *c, uint64_t seed)
{
	void *v = mmap(NULL, CACHE_BYTES, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (v == MAP_FAILED)
		return false;
	*c = (struct cache){.seed = seed, .v = v};
	return true;
}

void cache_close(struct cache *c)
{
	if (c->v)
		munmap(c->v, CACHE_BYTES);
	c->v = NULL;
}

void cache_clear(struct cache *c)
{
	/* Zero again, and no memory used. */
	if (madvise(c->v, CACHE_BYTES, MADV_DONTNEED) < 0)
		memset(c->v, 0, CACHE_BYTES);
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	while (n--)
		hash = (hash ^ *p++) * UINT64_C(0x100000001b3);
	return hash;
}

void cache_key(const struct cache *c, const struct packet_question *q,
	       struct ip resolver, struct cache_key *ret)
{
	uint64_t hash = c->seed;

	ret->name = q->name;
	ret->type = q->type;
	ret->class = q->class;
	ret->flags = (uint8_t)((q->flags & PACKET_RD ? CACHE_RD : 0) |
			       (q->flags & PACKET_CD ? CACHE_CD : 0) |
			       (q->flags & PACKET_AD ? CACHE_AD : 0) |
			       (q->edns ? CACHE_EDNS : 0) |
			       (q->dnssec_ok ? CACHE_DO : 0));
	ret->resolver = resolver;
	hash = mix(hash, ret->name.wire, ret->name.len);
	hash = mix(hash, &ret->type, sizeof(ret->type));
	hash = mix(hash, &ret->class, sizeof(ret->class));
	hash = mix(hash, &ret->flags, sizeof(ret->flags));
	if (resolver.family)
		hash = mix(hash, &ret->resolver.num, sizeof(ip_num));
	ret->hash = hash ^ hash >> 29;
}

bool cache_key_equal(const struct cache_key *a, const struct cache_key *b)
{
	return a->hash == b->hash && a->type == b->type &&
	       a->class == b->class && a->flags == b->flags &&
	       ip_equal(a->resolver, b->resolver) &&
	       dname_equal(packet_dname(&a->name), packet_dname(&b->name));
}

static struct cache_entry *group(const struct cache *c,
				 const struct cache_key *key)
{
	return c->v + CACHE_WAYS * (key->hash % CACHE_GROUPS);
}

struct cache_entry *cache_find(struct cache *c, const struct cache_key *key,
			       uint64_t now)
{
	struct cache_entry *e = group(c, key);

	for (size_t i = 0; i < CACHE_WAYS; i++, e++) {
		if (e->until <= now || !cache_key_equal(&e->key, key))
			continue;
		e->used = now;
		return e;
	}
	return NULL;
}

struct cache_entry *cache_put(struct cache *c, const struct cache_key *key,
			      const uint8_t *data, size_t len, uint64_t now,
			      uint32_t ttl)
{
	struct cache_entry *e = group(c, key), *best = e;

	if (!ttl || len > CACHE_ANSWER_MAX)
		return NULL;
	for (size_t i = 0; i < CACHE_WAYS; i++, e++) {
		if (e->until > now && cache_key_equal(&e->key, key)) {
			best = e;
			break;
		}
		/* One that has expired is older than any other. */
		if ((e->until > now ? e->used : 0) <
		    (best->until > now ? best->used : 0))
			best = e;
	}
	best->key = *key;
	best->since = now;
	best->until = now + (uint64_t)ttl * 1000;
	best->used = now;
	best->pinned = 0;
	best->epoch = 0;
	best->len = (uint16_t)len;
	memcpy(best->data, data, len);
	return best;
}

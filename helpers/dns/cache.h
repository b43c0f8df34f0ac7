/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cache.h - Answers that are kept for as long as they may be.
 *
 * A table of fixed size, in groups of four: an answer that is put into a full
 * group takes the place of one that has expired, or of the one that was not
 * asked for the longest. Only memory that was ever used is there.
 */
#ifndef MSB_CACHE_H
#define MSB_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "keyed_hash.h"
#include "packet.h"

/** CACHE_GROUPS - Groups of answers, a power of two */
#define CACHE_GROUPS 256

/** CACHE_WAYS - Answers in a group */
#define CACHE_WAYS 4

/** CACHE_ANSWER_MAX - Octets of the longest answer that is kept */
#define CACHE_ANSWER_MAX 1024

/** enum cache_flag - What else makes two queries different */
enum cache_flag {
	CACHE_RD = 1,
	CACHE_CD = 2,
	CACHE_AD = 4,
	CACHE_EDNS = 8,
	CACHE_DO = 16,
};

/**
 * struct cache_key - What was asked, of whom
 * @hash:	of all that follows
 * @name:	name
 * @type:	type
 * @class:	class
 * @flags:	set of enum cache_flag
 * @resolver:	the resolver that the guest chose; family 0: the gateway
 */
struct cache_key {
	uint64_t hash;
	struct packet_name name;
	uint16_t type;
	uint16_t class;
	uint8_t flags;
	struct ip resolver;
};

/**
 * struct cache_slot - What is looked at to find an entry
 * @hash:	its key's
 * @until:	when it expires, ms; 0: the entry is free
 * @used:	when it was asked for last, ms
 *
 * They are apart from the entries: most questions that are not in the table are
 * known not to be without a look at any.
 */
struct cache_slot {
	uint64_t hash;
	uint64_t until;
	uint64_t used;
};

/**
 * struct cache_entry - An answer
 * @key:	what it answers
 * @since:	when it came, ms
 * @pinned:	until when its addresses are known to be pinned, ms
 * @epoch:	of the pins, when that became known
 * @len:	octets
 * @data:	the answer
 */
struct cache_entry {
	struct cache_key key;
	uint64_t since;
	uint64_t pinned;
	uint64_t epoch;
	uint16_t len;
	uint8_t data[CACHE_ANSWER_MAX];
};

/**
 * struct cache - The table
 * @hash:	how keys are hashed
 * @slots:	slots, one for each entry
 * @v:		entries
 */
struct cache {
	struct keyed_hash hash;
	struct cache_slot *slots;
	struct cache_entry *v;
};

/** cache_open() - Make an empty table; false if there is no memory */
bool cache_open(struct cache *c, const struct keyed_hash *hash)
	__attribute__((warn_unused_result));

/** cache_close() - Release it */
void cache_close(struct cache *c);

/** cache_clear() - Forget everything */
void cache_clear(struct cache *c);

/**
 * cache_key() - Make a key
 * @c:		cache
 * @q:		question
 * @resolver:	resolver; family 0: the gateway
 * @ret:	key
 */
void cache_key(const struct cache *c, const struct packet_question *q,
	       struct ip resolver, struct cache_key *ret);

/** cache_key_equal() - Whether two keys ask the same */
bool cache_key_equal(const struct cache_key *a, const struct cache_key *b);

/** cache_find() - The answer to a question; NULL if none is kept */
struct cache_entry *cache_find(struct cache *c, const struct cache_key *key,
			       uint64_t now);

/**
 * cache_put() - Keep an answer
 * @c:		cache
 * @key:	what it answers
 * @data:	the answer
 * @len:	octets; longer ones than CACHE_ANSWER_MAX are not kept
 * @now:	ms
 * @ttl:	how long, s; 0: not at all
 *
 * Return: where it is; NULL if it is not kept
 */
struct cache_entry *cache_put(struct cache *c, const struct cache_key *key,
			      const uint8_t *data, size_t len, uint64_t now,
			      uint32_t ttl);

#endif

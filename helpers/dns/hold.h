/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hold.h - Answers that wait for their pins.
 *
 * An answer with addresses of a pinned name is held until the kernel has the
 * pins. While the pins of one batch are on their way, the next batch is filled:
 * so all answers that come within the time of one commit share the next one.
 */
#ifndef MSB_HOLD_H
#define MSB_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "answer.h"
#include "cache.h"
#include "pin.h"

/** HOLD_ANSWERS - Answers that one batch may have */
#define HOLD_ANSWERS 1024

/** HOLD_BYTES - Octets of them */
#define HOLD_BYTES (512u << 10)

/**
 * struct client - Who asked
 * @connection:	TCP: number of the connection, and its generation; UDP: 0
 * @from:	the guest's address and port
 * @to:		the resolver that it asked
 */
struct client {
	uint64_t connection;
	struct address from;
	struct ip to;
};

/**
 * struct held - An answer that is held
 * @client:	who gets it
 * @at:		offset of it
 * @len:	octets
 * @entry:	cached answer that is pinned then; NULL: none
 * @key_hash:	its key's hash, and
 * @since:	when it came: it may be another answer by then
 * @until:	until when
 */
struct held {
	struct client client;
	size_t at;
	size_t len;
	struct cache_entry *entry;
	uint64_t key_hash;
	uint64_t since;
	uint64_t until;
};

/**
 * struct hold_batch - A batch
 * @n:		answers
 * @v:		answers
 * @used:	octets at @data
 * @data:	octets
 * @pins:	pins
 */
struct hold_batch {
	size_t n;
	struct held v[HOLD_ANSWERS];
	size_t used;
	uint8_t data[HOLD_BYTES];
	struct pin_batch pins;
};

/**
 * struct hold - Both batches
 * @v:		the batches
 * @filling:	which one is filled
 * @committing:	the other is on its way
 */
struct hold {
	struct hold_batch *v[2];
	unsigned int filling;
	bool committing;
};

/** hold_open() - Make both batches; false if there is no memory */
bool hold_open(struct hold *h) __attribute__((warn_unused_result));

/** hold_close() - Release them */
void hold_close(struct hold *h);

/**
 * hold_fits() - Whether the batch that is filled takes one more answer
 * @h:		hold
 * @len:	octets
 * @addresses:	addresses to pin
 */
bool hold_fits(const struct hold *h, size_t len, size_t addresses);

/**
 * hold_add() - Hold an answer
 * @h:		hold, in which it fits
 * @client:	who gets it
 * @data:	the answer
 * @len:	octets
 * @name:	name that was asked
 * @a:		addresses and time to live
 *
 * Return: the entry, for those who know of a cached answer
 */
struct held *hold_add(struct hold *h, const struct client *client,
		      const uint8_t *data, size_t len, struct dname name,
		      const struct answer *a);

/**
 * hold_next() - Take what was filled, and begin with the other batch
 *
 * Return: the batch, whose pins are to be committed; NULL if it is empty, or
 * if one is on its way still
 */
struct hold_batch *hold_next(struct hold *h);

/**
 * hold_done() - The batch that was on its way
 *
 * Return: the batch, to be dealt with before anything else is held; it counts
 * as empty from the next hold_next() on
 */
struct hold_batch *hold_done(struct hold *h);

#endif

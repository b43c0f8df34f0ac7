/* SPDX-License-Identifier: GPL-2.0-or-later */
/* outbox.h - Octets that wait until somebody takes them.
 *
 * What goes on from a gate may be more than was given to it, and may come when
 * the socket that it is for takes nothing. It may have secrets' values in it:
 * so no octet stays in memory once it was taken, or thrown away, and none is
 * left behind where an outbox has grown. One that is empty has no memory.
 */
#ifndef MSB_OUTBOX_H
#define MSB_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * OUTBOX_MAX - Octets that may wait
 *
 * Nobody is read from while what he said before waits, so it is what may come
 * of one piece: of 16 KB, or of a head of 64 KB, with values put in.
 */
#define OUTBOX_MAX ((size_t)4 << 20)

/**
 * struct outbox - Octets that wait; all zero: none do
 * @octets:	memory, or NULL
 * @from:	next to be taken
 * @to:		behind the last
 * @room:	octets of memory
 */
struct outbox {
	uint8_t *octets;
	size_t from;
	size_t to;
	size_t room;
};

/** outbox_len() - How many wait */
static inline size_t outbox_len(const struct outbox *o)
{
	return o->to - o->from;
}

/** outbox_next() - The first of them, if there are any; until the next call */
static inline const uint8_t *outbox_next(const struct outbox *o)
{
	return o->octets + o->from;
}

/**
 * outbox_put() - Let octets wait behind those that do
 * @o:		outbox
 * @data:	octets
 * @len:	how many
 *
 * Return: false, and nothing changed, if there is no memory for them, or there
 * would be more than OUTBOX_MAX
 */
bool outbox_put(struct outbox *o, const void *data, size_t len)
	__attribute__((warn_unused_result));

/** outbox_take() - The first @len of them are gone */
void outbox_take(struct outbox *o, size_t len);

/** outbox_drop() - All are */
void outbox_drop(struct outbox *o);

#endif

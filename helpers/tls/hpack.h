/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hpack.h - Header blocks of requests, decoded, judged and coded anew. */
#ifndef MSB_HPACK_H
#define MSB_HPACK_H

#include "watch.h"

/** HPACK_TABLE - Octets of a coder's table, which everybody begins with */
#define HPACK_TABLE 4096

struct hpack;

/** hpack_new() - Get two tables; NULL if there is no memory */
struct hpack *hpack_new(void) __attribute__((warn_unused_result));

/** hpack_free() - Release */
void hpack_free(struct hpack *p);

/** hpack_resize() - The server's table has @size octets, or HPACK_TABLE */
bool hpack_resize(struct hpack *p, uint32_t size);

/**
 * hpack_recode() - Decode a header block, judge it, and code it for the server
 * @p:		tables
 * @w:		flow
 * @block:	the block
 * @len:	octets of it
 * @trailers:	it is of trailers: nothing is put into them
 * @ret:	receives the block for the server: to be wiped and freed
 * @ret_len:	octets of it
 */
enum gate_state hpack_recode(struct hpack *p, struct watch *w,
			     const uint8_t *block, size_t len, bool trailers,
			     uint8_t **ret, size_t *ret_len);

#endif

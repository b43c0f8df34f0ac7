/* SPDX-License-Identifier: GPL-2.0-or-later */
/* answer2.h - What a server says in HTTP/2, masked and passed on. */
#ifndef MSB_ANSWER2_H
#define MSB_ANSWER2_H

#include "bodies2.h"
#include "frame2.h"
#include "hpack.h"
#include "settings2.h"
#include "streams2.h"
#include "watch.h"

/**
 * struct answer2 - What it says
 * @hpack:	tables, which its settings resize
 * @streams:	requests, which it may end
 * @frame:	its frame
 * @padding:	octets of padding at its end
 * @pad_read:	how many these are was read
 * @bodies:	what is kept of its DATA
 * @settings:	its settings
 */
struct answer2 {
	struct hpack *hpack;
	struct streams2 *streams;
	struct frame2 frame;
	size_t padding;
	bool pad_read;
	struct bodies2 bodies;
	struct settings2 settings;
};

/**
 * answer2_feed() - It says something
 * @a:		what it said before; all zero but for the pointers: nothing
 * @w:		who watches
 * @data:	octets
 * @len:	how many
 */
enum gate_state answer2_feed(struct answer2 *a, struct watch *w,
			     const uint8_t *data, size_t len);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* frame2.h - Frames of HTTP/2 (RFC 9113 section 4.1). */
#ifndef MSB_FRAME2_H
#define MSB_FRAME2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** FRAME2_HEADER - Octets of a frame's header */
#define FRAME2_HEADER 9

/** FRAME2_SIZE - Octets of a frame that everybody takes */
#define FRAME2_SIZE 16384

/** enum frame2_type - Types that are looked at */
enum frame2_type {
	FRAME2_DATA = 0,
	FRAME2_HEADERS = 1,
	FRAME2_RST_STREAM = 3,
	FRAME2_SETTINGS = 4,
	FRAME2_PUSH_PROMISE = 5,
	FRAME2_CONTINUATION = 9,
};

/** enum frame2_flag - Flags of them */
enum frame2_flag {
	FRAME2_ACK = 0x1,
	FRAME2_END_STREAM = 0x1,
	FRAME2_END_HEADERS = 0x4,
	FRAME2_PADDED = 0x8,
	FRAME2_PRIORITY = 0x20,
};

/**
 * struct frame2 - A frame on its way
 * @header:	its header
 * @n:		octets of that which are there; FRAME2_HEADER: it is complete
 * @type:	its type
 * @flags:	its flags
 * @stream:	its stream
 * @left:	octets of it that are still to come
 */
struct frame2 {
	uint8_t header[FRAME2_HEADER];
	size_t n;
	uint8_t type;
	uint8_t flags;
	uint32_t stream;
	size_t left;
};

/** frame2_read() - Read a header; returns octets that belong to it */
size_t frame2_read(struct frame2 *f, const uint8_t *data, size_t len);

/** frame2_is_open() - Whether its header is complete */
static inline bool frame2_is_open(const struct frame2 *f)
{
	return f->n == FRAME2_HEADER;
}

/** frame2_write() - Write a header */
void frame2_write(uint8_t to[static FRAME2_HEADER], size_t len, uint8_t type,
		  uint8_t flags, uint32_t stream);

#endif

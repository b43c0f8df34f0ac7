/* SPDX-License-Identifier: GPL-2.0-or-later */
/* frame2.c - Headers of HTTP/2's frames, read and written. */
#include "frame2.h"

#include <string.h>

size_t frame2_read(struct frame2 *f, const uint8_t *data, size_t len)
{
	const size_t n = len < FRAME2_HEADER - f->n ? len
						    : FRAME2_HEADER - f->n;
	const uint8_t *h = f->header;

	memcpy(f->header + f->n, data, n);
	f->n += n;
	if (!frame2_is_open(f))
		return n;
	f->left = (size_t)h[0] << 16 | (size_t)h[1] << 8 | h[2];
	f->type = h[3];
	f->flags = h[4];
	f->stream = ((uint32_t)h[5] << 24 | (uint32_t)h[6] << 16 |
		     (uint32_t)h[7] << 8 | h[8]) &
		    0x7fffffff;
	return n;
}

void frame2_write(uint8_t to[static FRAME2_HEADER], size_t len, uint8_t type,
		  uint8_t flags, uint32_t stream)
{
	to[0] = (uint8_t)(len >> 16);
	to[1] = (uint8_t)(len >> 8);
	to[2] = (uint8_t)len;
	to[3] = type;
	to[4] = flags;
	to[5] = (uint8_t)(stream >> 24);
	to[6] = (uint8_t)(stream >> 16);
	to[7] = (uint8_t)(stream >> 8);
	to[8] = (uint8_t)stream;
}

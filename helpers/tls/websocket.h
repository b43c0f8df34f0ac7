/* SPDX-License-Identifier: GPL-2.0-or-later */
/* websocket.h - What a client says in WebSocket frames, unmasked. */
#ifndef MSB_WEBSOCKET_H
#define MSB_WEBSOCKET_H

#include <stddef.h>
#include <stdint.h>

/** WEBSOCKET_HEADER - Octets of a frame's header at most */
#define WEBSOCKET_HEADER 14

/**
 * struct websocket - A client's frames (RFC 6455 section 5.2), all zero at
 * first
 * @header:	the header of one
 * @n:		octets of that which were read
 * @left:	octets of the frame that are still to come
 * @at:		octets of it that were
 */
struct websocket {
	uint8_t header[WEBSOCKET_HEADER];
	size_t n;
	uint64_t left;
	uint64_t at;
};

/**
 * websocket_read() - Read on
 * @ws:		frames
 * @data:	what a client says
 * @len:	octets of it
 * @to:		receives what it means, without headers and masks: room for
 *		@len octets
 * @ret:	octets of that
 *
 * Messages and control frames are one behind the other there; what is
 *compressed stays so.
 *
 * Return: octets of @data that were read: up to a frame's end
 */
size_t websocket_read(struct websocket *ws, const uint8_t *data, size_t len,
		      uint8_t *to, size_t *ret);

#endif

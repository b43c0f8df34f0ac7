/* SPDX-License-Identifier: GPL-2.0-or-later */
/* head.h - The head of a request of HTTP/1.1, read as strictly as it is meant.
 *
 * Theory of Operation
 *
 * What two readers could read differently is refused, whatever RFC 9112 lets a
 * lenient reader make of it: an end of line that is not CR LF, a blank before a
 * colon, a folded line, NUL and other control characters, a length twice or
 * beside a transfer coding, a transfer coding other than "chunked", or one in
 * HTTP/1.0, more than one Host.
 */
#ifndef MSB_HEAD_H
#define MSB_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "watch.h"

/** enum head_body - How a body is framed */
enum head_body {
	HEAD_NO_BODY,
	HEAD_LENGTH,
	HEAD_CHUNKED,
};

/**
 * struct head_line - A line of a head, without its end
 * @at:		where it begins in the head
 * @len:	octets of it
 */
struct head_line {
	size_t at;
	size_t len;
};

/**
 * struct head - The head of a request
 * @text:	its octets
 * @len:	how many, the empty line included
 * @at:		where the next line begins
 * @target:	the request's target
 * @target_len:	octets
 * @connect:	its method is CONNECT
 * @minor:	its version is HTTP/1.@minor
 * @hosts:	Host fields
 * @host:	the last of them
 * @body:	how its body is framed
 * @length:	HEAD_LENGTH: octets of it
 * @lengths:	Content-Length fields
 * @upgrade:	it has an Upgrade field, other than one for HTTP/2 alone
 * @websocket:	that field is for WebSocket
 * @type:	its Content-Type
 * @coded:	it has a Content-Encoding
 */
struct head {
	const uint8_t *text;
	size_t len;
	size_t at;
	const uint8_t *target;
	size_t target_len;
	bool connect;
	unsigned int minor;
	unsigned int hosts;
	struct watch_field host;
	enum head_body body;
	uint64_t length;
	unsigned int lengths;
	bool upgrade;
	bool websocket;
	struct watch_field type;
	bool coded;
};

/** head_is_request() - Whether a line is like the first one of a request */
bool head_is_request(const uint8_t *text, size_t len);

/** head_can_begin() - Whether an octet can be one of a method's */
bool head_can_begin(uint8_t c);

/**
 * head_read() - Read one
 * @h:		receives it
 * @text:	it, up to the empty line
 * @len:	octets of it
 *
 * Return: what is wrong with it, or NULL
 */
const char *head_read(struct head *h, const uint8_t *text, size_t len);

/**
 * head_next_field() - Read the next line of a head or of trailers
 * @h:		where: @at is moved behind it
 * @ret:	receives it
 *
 * Return: what is wrong with it, or NULL; @ret->name is NULL at the empty line
 */
const char *head_next_field(struct head *h, struct watch_field *ret);

/** head_is_dropped() - Whether a field does not go on: HTTP/2 may not be begun
 * inside of HTTP/1.1 (RFC 7540 section 3.2), where nobody would read it
 */
bool head_is_dropped(const struct watch_field *f);

#endif

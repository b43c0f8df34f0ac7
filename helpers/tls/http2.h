/* SPDX-License-Identifier: GPL-2.0-or-later */
/* http2.h - What a guest says in HTTP/2, with secrets put in or kept in.
 *
 * Theory of Operation
 *
 * Frames pass as they come. Only the heads of requests are taken apart
 * (HEADERS, CONTINUATION): their header block is kept back until it is
 * complete, decoded, judged, and coded anew, because HPACK's tables at both
 * ends are shared by all requests of a connection (RFC 7541 section 2.2). A
 * field with a value in it is coded so that nobody ever puts it into a table
 * (section 6.2.3).
 *
 * So there are two tables: the guest's, which is told to be 4096 octets
 * whatever the server says, and the server's, which is of 4096 octets or of
 * less if it says so. The number of streams that a server lets be open is held
 * to STREAMS2_MAX. These are two numbers in the server's settings (RFC 9113
 * section 6.5.2).
 *
 * DATA frames keep their lengths, and so no window is changed (section 5.2).
 * What a server says in them is masked (mask.h), each stream by itself; no
 * octet of one waits for another frame. Its header blocks go on unread.
 */
#ifndef MSB_HTTP2_H
#define MSB_HTTP2_H

#include "watch.h"

/** HTTP2_FIELDS - Fields of a head */
#define HTTP2_FIELDS 256

/** HTTP2_CONTINUATIONS - Frames of a head */
#define HTTP2_CONTINUATIONS 64

/** HTTP2_PREFACE - What a client begins with (RFC 9113 section 3.4) */
#define HTTP2_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

/** HTTP2_PREFACE_LEN - Octets of it */
#define HTTP2_PREFACE_LEN (sizeof(HTTP2_PREFACE) - 1)

struct http2;

/** http2_begin() - Begin; NULL if there is no memory */
struct http2 *http2_begin(void) __attribute__((warn_unused_result));

/** http2_guest() - The guest says something */
enum gate_state http2_guest(struct http2 *h, struct watch *w,
			    const uint8_t *data, size_t len);

/** http2_server() - The server says something */
enum gate_state http2_server(struct http2 *h, struct watch *w,
			     const uint8_t *data, size_t len);

/** http2_finish() - The guest will say no more */
enum gate_state http2_finish(struct http2 *h, struct watch *w);

/** http2_end() - Release */
void http2_end(struct http2 *h);

#endif

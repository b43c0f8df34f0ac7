/* SPDX-License-Identifier: GPL-2.0-or-later */
/* http1.h - What a guest says in HTTP/1.1, with secrets put in or kept in.
 *
 * Theory of Operation
 *
 * Heads, lines of chunks and trailers are kept back until they are complete,
 * and bodies flow. A body that values may be put into changes its length: it
 * goes on in chunks, whatever it was framed by. That a server of HTTP/1.1
 * understands (RFC 9112 section 7.1); one that is spoken to in HTTP/1.0 gets
 * its body as it is.
 *
 * Where nobody may have a secret, what cannot be read is looked through as a
 * stream from there on, and so is what is no HTTP. Behind CONNECT and Upgrade
 * it is as well, once the server has agreed. Until it has answered what the
 * guest says waits. Whether an answer is the one to that request is known only
 * if the one before was answered when it was made; if it was not, there is a
 * stream behind it in any case, into which nothing is put.
 */
#ifndef MSB_HTTP1_H
#define MSB_HTTP1_H

#include "watch.h"

struct http1;

/** http1_begin() - Begin; NULL if there is no memory */
struct http1 *http1_begin(void) __attribute__((warn_unused_result));

/** http1_guest() - The guest says something */
enum gate_state http1_guest(struct http1 *h, struct watch *w,
			    const uint8_t *data, size_t len);

/** http1_server() - The server says something */
enum gate_state http1_server(struct http1 *h, struct watch *w,
			     const uint8_t *data, size_t len);

/** http1_finish() - The guest will say no more */
enum gate_state http1_finish(struct http1 *h, struct watch *w);

/** http1_end() - Release */
void http1_end(struct http1 *h);

#endif

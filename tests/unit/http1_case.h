/* SPDX-License-Identifier: GPL-2.0-or-later */
/* http1_case.h - What a guest says in HTTP/1.1, in any pieces, and what comes
 * of it. */
#ifndef MSB_HTTP1_CASE_H
#define MSB_HTTP1_CASE_H

#include "gate_case.h"

/* Servers: those of the secrets of gate_case.h, and one of none. */
#define API   "api.example.com"
#define OTHER "other.example.net"
#define Q     "x.q.example.com"
#define BODY  "body.example.com"
#define NONE  "unknown.example.org"

#define HEAD(HOST, REST) "GET / HTTP/1.1\r\nHost: " HOST "\r\n" REST "\r\n"

/* How requests to API begin; the body of CHUNKED is to follow. */
#define POST	"POST / HTTP/1.1\r\nHost: " API "\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

/** http1_env - What the gates of a test have in common */
extern struct gate_env *http1_env;

/** http1_out - What came out of the gate of the last conversation */
extern struct case_out http1_out;

/**
 * http1_run() - Have a guest say something, and end
 * @sni:	server that it is for, or NULL
 * @text:	what it says
 * @len:	octets of it
 * @first:	octets of the first piece
 * @step:	octets of each other
 * @v:		set to the violation, if there is one
 *
 * What comes out is in http1_out.
 *
 * Return: what the gate comes to
 */
enum gate_state http1_run(const char *sni, const void *text, size_t len,
			  size_t first, size_t step, struct gate_violation *v);

/**
 * http1_everywhere() - The same at every place in two, in octets, and in one
 * piece, which has to come to the same
 */
enum gate_state http1_everywhere(const char *sni, const char *text, size_t len,
				 struct gate_violation *v);

/** http1_becomes() - What is said is passed on as something else */
void http1_becomes(const char *sni, const char *in, const char *expected);

/** http1_passes() - What is said is passed on as it is */
void http1_passes(const char *sni, const char *in);

/** http1_violates() - A placeholder is found where it may not be */
void http1_violates(const char *sni, const char *in, enum gate_where where,
		    enum case_secret secret, enum finder_form form);

/** http1_refused() - What is said is refused whatever is in it */
void http1_refused(const char *sni, const char *in, size_t len,
		   enum gate_where where);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* gate.h - What a guest says on one flow, with secrets put in or kept in.
 *
 * Theory of Operation
 *
 * A gate stands in a flow whose octets can be read: between the two halves of
 * an intercepted one, or in a plain one. It is given what either side says as
 * it comes, and gives on what the other side is to hear. On a flow to a host
 * that may have a secret its placeholder becomes the value; the placeholder of
 * any other secret is a violation, whatever the protocol is, and ends the flow.
 *
 * HTTP/1.1 and HTTP/2 are read, the first octets say which, or that it is
 * neither. The head of a request waits until it is complete, because what is in
 * it decides who it is for; nothing else waits. What the server says is
 * changed in two limits of HTTP/2's settings, and where it repeats values that
 * it was told on this flow: that goes on as "*" (mask.h), and what may be the
 * beginning of one waits for what follows.
 *
 * Where a value may be put in, what is read has to be what the server reads. So
 * there each request must be framed in one way only, and its authority must be
 * the server's name; else it is a violation. Elsewhere what cannot be read as
 * HTTP is looked through as it is.
 */
#ifndef MSB_GATE_H
#define MSB_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "finder.h"
#include "secret.h"

struct gate;
struct gate_env;

/** enum gate_side - Who said it */
enum gate_side {
	GATE_GUEST,
	GATE_SERVER,
};

/** enum gate_state - What came of it */
enum gate_state {
	GATE_OK,
	GATE_VIOLATION,
	GATE_BROKEN, /* no memory, or a limit was met; the flow ends */
};

/** enum gate_where - Where a violation was */
enum gate_where {
	GATE_REQUEST_LINE,
	GATE_HEADER,
	GATE_BODY,
	GATE_TRAILER,
	GATE_STREAM,	/* what is no HTTP */
	GATE_AUTHORITY, /* the authority is not the server's name */
	GATE_FRAMING,	/* a request that can be read in two ways */
};

/**
 * struct gate_violation - A violation
 * @where:	where it was
 * @found:	not for GATE_AUTHORITY and GATE_FRAMING: which placeholder
 * @action:	what it comes to: that secret's, else the strictest of those
 *		that the server may have
 * @why:	for GATE_AUTHORITY, GATE_FRAMING, GATE_BROKEN: what is wrong
 */
struct gate_violation {
	enum gate_where where;
	struct finder_found found;
	enum secret_action action;
	const char *why;
};

/** gate_where_name() - "request-line", "header", ... */
const char *gate_where_name(enum gate_where where);

/**
 * gate_sink - What takes octets that go on
 * @arg:	the caller's
 * @from:	who said them
 * @data:	octets, which are the caller's only for this call
 * @len:	how many
 *
 * Return: false if it cannot take them: the flow ends as GATE_BROKEN
 */
typedef bool gate_sink(void *arg, enum gate_side from, const uint8_t *data,
		       size_t len);

/**
 * gate_env_new() - Get ready for a configuration
 * @s:		its secrets, without flaws; they stay where they are as long as
 *		the environment is there
 *
 * Return: NULL if there is no memory, or their placeholders are too long in all
 */
struct gate_env *gate_env_new(const struct secrets *s)
	__attribute__((warn_unused_result));

/** gate_env_free() - Release; no gate may be left */
void gate_env_free(struct gate_env *env);

/**
 * gate_may_h2() - Whether HTTP/2 may be offered on a flow
 * @env:	environment
 * @sni:	the server's name, or NULL
 *
 * Not where a value may be put into a body: what is told the guest of the room
 * that the server has (RFC 9113 section 5.2) would not be true any more.
 */
bool gate_may_h2(const struct gate_env *env, const char *sni);

/**
 * gate_begin() - Begin a flow
 * @env:	environment
 * @sni:	the name that the server has proved to have, without trailing
 *		dot; NULL: it has none, or the flow is not encrypted, and nobody
 *		may have a secret
 * @h2:		HTTP/2 was agreed upon (ALPN). Else it is known by what the
 *		guest begins with
 *
 * Return: NULL if there is no memory
 */
struct gate *gate_begin(const struct gate_env *env, const char *sni, bool h2)
	__attribute__((warn_unused_result));

/**
 * gate_feed() - Somebody said something
 * @g:		gate
 * @from:	who
 * @data:	what
 * @len:	octets of it
 * @sink:	receives what goes on, also what waited of the other side
 * @arg:	for @sink
 * @ret:	what is wrong; set unless it is GATE_OK
 *
 * After anything but GATE_OK the flow ends: what the sink has not passed on yet
 * must not go on, and nothing is fed any more.
 */
enum gate_state gate_feed(struct gate *g, enum gate_side from,
			  const uint8_t *data, size_t len, gate_sink *sink,
			  void *arg, struct gate_violation *ret)
	__attribute__((warn_unused_result));

/**
 * gate_finish() - A side will say no more: what waited of it is incomplete
 *
 * Like gate_feed().
 */
enum gate_state gate_finish(struct gate *g, enum gate_side from,
			    gate_sink *sink, void *arg,
			    struct gate_violation *ret)
	__attribute__((warn_unused_result));

/** gate_end() - Release */
void gate_end(struct gate *g);

#endif

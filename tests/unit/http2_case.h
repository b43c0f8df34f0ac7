/* SPDX-License-Identifier: GPL-2.0-or-later */
/* http2_case.h - nghttp2's client and server, which speak through the gate. */
#ifndef MSB_HTTP2_CASE_H
#define MSB_HTTP2_CASE_H

#include <nghttp2/nghttp2.h>

#include "gate_case.h"

/* Servers of secrets of gate_case.h. */
#define API "api.example.com"
#define Q   "x.q.example.com"

/* So many streams may be opened, and so much is remembered of each. */
#define STREAMS	 260
#define TEXT_MAX 8192

/**
 * struct heard - What the server heard of a stream
 * @head:	"name: value\n" of each field, trailers too
 * @never:	"name\n" of each that is never put into a table
 * @body:	octets of its body
 * @n_body:	how many
 * @ended:	it is complete
 */
struct heard {
	char head[TEXT_MAX];
	char never[TEXT_MAX];
	size_t n_body;
	char body[256];
	bool ended;
};

/**
 * struct body - What the client says
 * @text:	octets, or NULL: @left octets of "x"
 * @left:	how many are left
 */
struct body {
	const char *text;
	size_t left;
};

/**
 * struct h2_case - Who speaks, and what was said
 * @env:	what the gates have in common
 * @gate:	gate of the flow
 * @client:	the guest
 * @server:	the server
 * @step:	most octets that the gate is given at a time
 * @state:	what the gate came to
 * @violation:	the violation, if there is one
 * @heard:	what the server heard, by stream
 * @n_answers:	heads of answers that the client heard
 */
struct h2_case {
	struct gate_env *env;
	struct gate *gate;
	nghttp2_session *client;
	nghttp2_session *server;
	size_t step;
	enum gate_state state;
	struct gate_violation violation;
	struct heard heard[2 * STREAMS];
	size_t n_answers;
};

/** h2 - Those of the test that runs */
extern struct h2_case h2;

/** h2_begin() - Forget what was, and begin with nobody connected */
void h2_begin(void);

/** h2_end() - Release all that there is */
void h2_end(void);

/** h2_begin_flow() - Connect the two by way of a gate for @sni */
void h2_begin_flow(const char *sni);

/** h2_talk() - Have both speak until nobody has anything to say */
void h2_talk(void);

/**
 * h2_ask() - Make a request, which h2_talk() sends
 * @authority:	server that it names
 * @path:	path, maybe with a query
 * @name:	field that it has more than others, or NULL
 * @value:	value of that, or NULL
 * @body:	body, which makes it a POST, or NULL; lives until it is sent
 *
 * Return: number of the stream
 */
int32_t h2_ask(const char *authority, const char *path, const char *name,
	       const char *value, struct body *body);

/** h2_is_heard() - Whether the server heard a "name: value\n" */
bool h2_is_heard(int32_t id, const char *line);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* http1.c - What a guest says in HTTP/1.1, read and passed on. */
#include "http1.h"

#include <stdlib.h>
#include <string.h>

#include "answer1.h"
#include "chunk1.h"
#include "head.h"
#include "request1.h"
#include "websocket.h"

#define LINE_MAX_OCTETS 4096
#define METHOD_MAX	64
#define UNMASKED	512

/** enum part - What the guest's next octets are */
enum part {
	PART_HEAD,	 /* kept back up to an empty line */
	PART_LENGTH,	 /* body of a known length */
	PART_CHUNK_LINE, /* kept back up to the line's end */
	PART_CHUNK,	 /* a chunk's octets */
	PART_CHUNK_END,	 /* kept back: CR LF */
	PART_TRAILERS,	 /* kept back up to an empty line */
	PART_WAIT,	 /* kept back until the server has answered */
	PART_STREAM,	 /* no HTTP */
};

/**
 * struct http1 - A flow
 * @part:	what comes next
 * @held:	octets that are kept back
 * @n_held:	how many
 * @room:	for so many
 * @left:	octets left of a body or chunk
 * @body:	state of the search through a body, or a stream
 * @stream:	values are put into the body; NULL: they are not
 * @chunked:	the guest sends that body in chunks
 * @begun:	a request was read
 * @asked:	one was passed on, and nothing was heard since
 * @piped:	a request came while that was so
 * @answer:	what the server says to CONNECT or Upgrade
 * @answered:	what that came to
 * @wants_websocket: what was asked for is WebSocket
 * @is_websocket: and it was agreed upon
 * @websocket:	its frames
 */
struct http1 {
	enum part part;
	uint8_t *held;
	size_t n_held;
	size_t room;
	uint64_t left;
	struct finder_state body;
	struct inject_stream *stream;
	bool chunked;
	bool begun;
	bool asked;
	bool piped;
	struct answer1 answer;
	enum answer1_is answered;
	bool wants_websocket;
	bool is_websocket;
	struct websocket websocket;
};

struct http1 *http1_begin(void)
{
	return calloc(1, sizeof(struct http1));
}

static void forget(struct http1 *h)
{
	free(h->held);
	h->held = NULL;
	h->n_held = 0;
	h->room = 0;
}

void http1_end(struct http1 *h)
{
	if (!h)
		return;
	forget(h);
	free(h->stream);
	free(h);
}

static bool hold(struct http1 *h, const uint8_t *data, size_t len)
{
	if (h->n_held + len > h->room) {
		size_t room = h->room ? h->room : 1024;
		uint8_t *held;

		while (room < h->n_held + len)
			room *= 2;
		held = realloc(h->held, room);
		if (!held)
			return false;
		h->held = held;
		h->room = room;
	}
	if (len)
		memcpy(h->held + h->n_held, data, len);
	h->n_held += len;
	return true;
}

/* Frames of WebSocket are looked through without their masks. */
static enum gate_state scan_stream(struct http1 *h, const struct watch *w,
				   const uint8_t *data, size_t len)
{
	enum gate_state state = GATE_OK;

	if (!h->is_websocket)
		return watch_scan(w, &h->body, GATE_STREAM, data, len);
	while (len && state == GATE_OK) {
		uint8_t text[UNMASKED];
		size_t n;
		const size_t used = websocket_read(
			&h->websocket, data, len < UNMASKED ? len : UNMASKED,
			text, &n);

		state = watch_scan(w, &h->body, GATE_STREAM, text, n);
		data += used;
		len -= used;
	}
	return state;
}

/* From here on it is no HTTP. */
static enum gate_state begin_stream(struct http1 *h, struct watch *w)
{
	enum gate_state state;

	finder_begin(&h->body);
	h->part = PART_STREAM;
	state = scan_stream(h, w, h->held, h->n_held);
	if (state == GATE_OK)
		state = watch_put(w, h->held, h->n_held);
	forget(h);
	return state;
}

/* It cannot be read. */
static enum gate_state unread(struct http1 *h, struct watch *w, const char *why)
{
	if (w->any)
		return watch_refuse(w, GATE_FRAMING, why);
	return begin_stream(h, w);
}

static bool begin_body(struct http1 *h, const struct watch *w,
		       const struct head *head, bool changed)
{
	finder_begin(&h->body);
	h->chunked = head->body == HEAD_CHUNKED;
	h->left = head->length;
	h->part = head->body == HEAD_CHUNKED		 ? PART_CHUNK_LINE
		  : head->body == HEAD_LENGTH && h->left ? PART_LENGTH
							 : PART_HEAD;
	if (!changed)
		return true;
	h->stream = malloc(sizeof(*h->stream));
	if (!h->stream)
		return false;
	h->stream->in = watch_inject(w, SECRET_IN_BODY, request1_form(head));
	h->stream->n = 0;
	return true;
}

/* The request is complete. What waits of it, and behind it, is another. */
static enum gate_state end_request(struct http1 *h, struct watch *w)
{
	const bool asked = h->answer.asked;

	h->part = PART_HEAD;
	if (!asked)
		return GATE_OK;
	h->is_websocket = h->wants_websocket && !h->piped &&
			  h->answered == ANSWER1_AGREED;
	if (h->piped || h->answered == ANSWER1_AGREED)
		return begin_stream(h, w);
	if (h->answered == ANSWER1_OPEN)
		h->part = PART_WAIT;
	else
		h->answer.asked = false;
	return GATE_OK;
}

static enum gate_state take_head(struct http1 *h, struct watch *w)
{
	enum gate_state state;
	struct head head;
	const char *why;
	bool changed;

	why = head_read(&head, h->held, h->n_held);
	if (why)
		return unread(h, w, why);
	state = request1_judge(w, &head);
	if (state != GATE_OK)
		return state;
	changed = request1_is_changed(w, &head);
	if (!begin_body(h, w, &head, changed))
		return watch_broken(w, "there is no memory");
	h->begun = true;
	h->piped |= h->asked;
	h->asked = true;
	h->answered = ANSWER1_OPEN;
	h->wants_websocket = head.websocket && !head.connect;
	if (head.connect || head.upgrade)
		answer1_begin(&h->answer, head.connect);
	if (!request1_put(w, &head, changed))
		return watch_broken(w, "it could not be passed on");
	forget(h);
	return h->part == PART_HEAD ? end_request(h, w) : GATE_OK;
}

static enum gate_state take_body(struct http1 *h, struct watch *w,
				 const uint8_t *data, size_t len)
{
	enum gate_state state = watch_scan(w, &h->body, GATE_BODY, data, len);

	h->left -= len;
	if (state != GATE_OK)
		return state;
	if (!h->stream)
		return watch_put(w, data, len);
	return inject_feed(h->stream, data, len, chunk1_put, w)
		       ? GATE_OK
		       : watch_broken(w, "it could not be passed on");
}

/* The last octet of a body was there. */
static enum gate_state end_body(struct http1 *h, struct watch *w)
{
	const enum gate_state state = watch_scan_end(w, &h->body, GATE_BODY);
	bool ok = true;

	if (state != GATE_OK || !h->stream)
		return state;
	ok = inject_end(h->stream, chunk1_put, w) &&
	     watch_put_ok(w, (const uint8_t *)"0\r\n", 3) &&
	     (h->chunked || watch_put_ok(w, (const uint8_t *)"\r\n", 2));
	free(h->stream);
	h->stream = NULL;
	return ok ? GATE_OK : watch_broken(w, "it could not be passed on");
}

static enum gate_state take_chunk_line(struct http1 *h, struct watch *w)
{
	const char *why = chunk1_read(h->held, h->n_held, &h->left);
	enum gate_state state;

	if (why)
		return unread(h, w, why);
	state = watch_scan_all(w, GATE_BODY, h->held, h->n_held);
	if (state == GATE_OK && !h->left) {
		const bool ours = h->stream;

		state = end_body(h, w);
		h->part = PART_TRAILERS;
		if (ours)
			h->n_held = 0;
	} else if (state == GATE_OK) {
		h->part = PART_CHUNK;
		if (h->stream)
			h->n_held = 0;
	}
	if (state == GATE_OK)
		state = watch_put(w, h->held, h->n_held);
	forget(h);
	return state;
}

static enum gate_state take_chunk_end(struct http1 *h, struct watch *w)
{
	enum gate_state state = GATE_OK;

	if (h->held[0] != '\r' || h->held[1] != '\n')
		return unread(h, w, "a chunk is not as long as it says");
	if (!h->stream)
		state = watch_put(w, h->held, h->n_held);
	forget(h);
	h->part = PART_CHUNK_LINE;
	return state;
}

static enum gate_state take_trailers(struct http1 *h, struct watch *w)
{
	struct head t = {.text = h->held, .len = h->n_held};
	struct watch_field f;
	enum gate_state state;
	const char *why;

	do {
		why = head_next_field(&t, &f);
		if (!why && f.name &&
		    (watch_is_named(&f, "content-length") ||
		     watch_is_named(&f, "host") ||
		     watch_is_named(&f, "transfer-encoding")))
			why = "a trailer says how a request is framed";
	} while (!why && f.name);
	if (why)
		return unread(h, w, why);
	state = watch_scan_all(w, GATE_TRAILER, h->held, h->n_held);
	if (state == GATE_OK)
		state = watch_put(w, h->held, h->n_held);
	forget(h);
	return state == GATE_OK ? end_request(h, w) : state;
}

/* What is kept back ends with an empty line. */
static bool is_ended(const struct http1 *h)
{
	const uint8_t *end = h->held + h->n_held;

	if (h->n_held < 2 || end[-1] != '\n')
		return false;
	if (end[-2] == '\n')
		return true;
	if (end[-2] != '\r')
		return false;
	return h->n_held == 2 || end[-3] == '\n';
}

/*
 * Keeps back as much of @data as belongs to the line, or to the lines up to an
 * empty one. Sets *@ret_used to it, and *@ret_whole if that is complete.
 */
static enum gate_state take_lines(struct http1 *h, struct watch *w,
				  const uint8_t *data, size_t len,
				  size_t *ret_used, bool *ret_whole)
{
	const bool one = h->part == PART_CHUNK_LINE;
	size_t at = 0;

	*ret_whole = false;
	while (at < len && !*ret_whole) {
		const uint8_t *end = memchr(data + at, '\n', len - at);
		const size_t n = end ? (size_t)(end - data) + 1 - at : len - at;

		if (h->n_held + n > (one ? LINE_MAX_OCTETS : WATCH_HEAD_MAX)) {
			*ret_used = at;
			return w->any ? watch_broken(w, "a head is too long")
				      : begin_stream(h, w);
		}
		if (!hold(h, data + at, n))
			return watch_broken(w, "there is no memory");
		at += n;
		*ret_whole = end && (one || is_ended(h));
	}
	*ret_used = at;
	return GATE_OK;
}

/* A request cannot begin like this, or its first line is complete and is none:
 * nothing waits for an empty line that will not come. */
static bool is_no_request(const struct http1 *h)
{
	const uint8_t *end;
	size_t method = 0;

	if (h->part != PART_HEAD || h->begun || !h->n_held)
		return false;
	while (method < h->n_held && head_can_begin(h->held[method]))
		if (++method > METHOD_MAX)
			return true;
	if (method < h->n_held && (!method || h->held[method] != ' '))
		return true;
	end = memchr(h->held, '\n', h->n_held);
	return end && !head_is_request(h->held, (size_t)(end - h->held) + 1);
}

static enum gate_state take_held(struct http1 *h, struct watch *w,
				 const uint8_t *data, size_t len,
				 size_t *ret_used)
{
	enum gate_state state;
	bool whole;

	state = take_lines(h, w, data, len, ret_used, &whole);
	if (state != GATE_OK || h->part == PART_STREAM)
		return state;
	if (is_no_request(h))
		return begin_stream(h, w);
	if (!whole)
		return GATE_OK;
	if (h->part == PART_CHUNK_LINE)
		return take_chunk_line(h, w);
	/* Empty lines before a request (RFC 9112 section 2.2). */
	if (h->part == PART_HEAD && h->n_held == 2) {
		forget(h);
		return GATE_OK;
	}
	return h->part == PART_TRAILERS ? take_trailers(h, w) : take_head(h, w);
}

static enum gate_state take_counted(struct http1 *h, struct watch *w,
				    const uint8_t *data, size_t len,
				    size_t *ret_used)
{
	enum gate_state state;

	*ret_used = h->left < len ? (size_t)h->left : len;
	state = take_body(h, w, data, *ret_used);
	if (state != GATE_OK || h->left)
		return state;
	if (h->part == PART_CHUNK) {
		h->part = PART_CHUNK_END;
		return GATE_OK;
	}
	state = end_body(h, w);
	return state == GATE_OK ? end_request(h, w) : state;
}

static enum gate_state take_end(struct http1 *h, struct watch *w,
				const uint8_t *data, size_t len,
				size_t *ret_used)
{
	*ret_used = len < 2 - h->n_held ? len : 2 - h->n_held;
	if (!hold(h, data, *ret_used))
		return watch_broken(w, "there is no memory");
	return h->n_held == 2 ? take_chunk_end(h, w) : GATE_OK;
}

static enum gate_state take_stream(struct http1 *h, struct watch *w,
				   const uint8_t *data, size_t len)
{
	const enum gate_state state = scan_stream(h, w, data, len);

	return state == GATE_OK ? watch_put(w, data, len) : state;
}

static enum gate_state take_wait(struct http1 *h, struct watch *w,
				 const uint8_t *data, size_t len)
{
	if (h->n_held + len > WATCH_HEAD_MAX && w->any)
		return watch_broken(w, "the server has not answered yet");
	if (h->n_held + len > WATCH_HEAD_MAX) {
		const enum gate_state state = begin_stream(h, w);

		return state == GATE_OK ? take_stream(h, w, data, len) : state;
	}
	return hold(h, data, len) ? GATE_OK
				  : watch_broken(w, "there is no memory");
}

static enum gate_state take(struct http1 *h, struct watch *w,
			    const uint8_t *data, size_t len, size_t *ret_used)
{
	*ret_used = len;
	switch (h->part) {
	case PART_HEAD:
	case PART_CHUNK_LINE:
	case PART_TRAILERS:
		return take_held(h, w, data, len, ret_used);
	case PART_LENGTH:
	case PART_CHUNK:
		return take_counted(h, w, data, len, ret_used);
	case PART_CHUNK_END:
		return take_end(h, w, data, len, ret_used);
	case PART_WAIT:
		return take_wait(h, w, data, len);
	case PART_STREAM:
		return take_stream(h, w, data, len);
	}
	return GATE_OK;
}

enum gate_state http1_guest(struct http1 *h, struct watch *w,
			    const uint8_t *data, size_t len)
{
	while (len) {
		size_t used;
		const enum gate_state state = take(h, w, data, len, &used);

		if (state != GATE_OK)
			return state;
		data += used;
		len -= used;
	}
	return GATE_OK;
}

/* The server has answered: what waited is a stream, or requests. */
static enum gate_state go_on(struct http1 *h, struct watch *w, bool agreed)
{
	uint8_t *held = h->held;
	const size_t n = h->n_held;
	enum gate_state state;

	h->answer.asked = false;
	h->held = NULL;
	h->n_held = 0;
	h->room = 0;
	h->part = agreed ? PART_STREAM : PART_HEAD;
	h->is_websocket = h->wants_websocket && agreed;
	finder_begin(&h->body);
	state = http1_guest(h, w, held, n);
	free(held);
	return state;
}

enum gate_state http1_server(struct http1 *h, struct watch *w,
			     const uint8_t *data, size_t len)
{
	const enum gate_state state = watch_mask(w, data, len);

	if (state != GATE_OK)
		return state;
	if (len)
		h->asked = false;
	if (!h->answer.asked || h->answered != ANSWER1_OPEN)
		return GATE_OK;
	h->answered = answer1_feed(&h->answer, data, len);
	if (h->part != PART_WAIT || h->answered == ANSWER1_OPEN)
		return GATE_OK;
	return go_on(h, w, h->answered == ANSWER1_AGREED);
}

enum gate_state http1_finish(struct http1 *h, struct watch *w)
{
	const enum gate_where where =
		h->part == PART_LENGTH || h->part == PART_CHUNK ? GATE_BODY
								: GATE_STREAM;
	enum gate_state state = GATE_OK;

	/* An incomplete head that nothing may be put into is passed on, and so
	 * is what would be a stream or a request: it stays incomplete. */
	if (h->n_held && (!w->any || h->part == PART_WAIT))
		state = begin_stream(h, w);
	if (state != GATE_OK || h->part == PART_HEAD)
		return state;
	return watch_scan_end(w, &h->body, where);
}

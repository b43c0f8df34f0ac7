/* SPDX-License-Identifier: GPL-2.0-or-later */
/* http2.c - What a guest says in HTTP/2, read and passed on. */
#include "http2.h"

#include <stdlib.h>
#include <string.h>

#include "answer2.h"
#include "frame2.h"
#include "hpack.h"
#include "streams2.h"

#define PRIORITY_LEN 5

/**
 * struct http2 - A flow
 * @hpack:	tables
 * @preface:	octets of the preface that were read
 * @guest:	the guest's frame
 * @padding:	octets of padding at its end
 * @pad_read:	how many these are was read
 * @loose:	state of the search through a frame of no request's
 * @pad:	state of the search through padding
 * @answer:	what the server says
 * @head:	stream whose head is being read, or 0
 * @head_flags:	flags of its first frame
 * @frames:	frames of it
 * @block:	its header block; before that of the frame that is being read
 *		what else is in it
 * @n_block:	octets of it, the frames before
 * @n_held:	octets of it in all
 * @room:	for so many
 * @priority:	what its first frame says about its priority
 * @last:	the last stream that was opened
 * @streams:	requests
 */
struct http2 {
	struct hpack *hpack;
	size_t preface;
	struct frame2 guest;
	size_t padding;
	bool pad_read;
	struct finder_state loose;
	struct finder_state pad;
	struct answer2 answer;
	uint32_t head;
	uint8_t head_flags;
	unsigned int frames;
	uint8_t *block;
	size_t n_block;
	size_t n_held;
	size_t room;
	uint8_t priority[PRIORITY_LEN];
	uint32_t last;
	struct streams2 streams;
};

struct http2 *http2_begin(void)
{
	struct http2 *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->hpack = hpack_new();
	if (!h->hpack) {
		free(h);
		return NULL;
	}
	h->answer.hpack = h->hpack;
	h->answer.streams = &h->streams;
	return h;
}

void http2_end(struct http2 *h)
{
	if (!h)
		return;
	hpack_free(h->hpack);
	bodies2_end(&h->answer.bodies);
	free(h->block);
	streams2_end(&h->streams);
	free(h);
}

/* The guest has said all of a request. */
static enum gate_state end_stream(struct http2 *h, struct watch *w, uint32_t id)
{
	struct stream2 *s = streams2_get(&h->streams, id);
	enum gate_state state;

	if (!s)
		return GATE_OK;
	state = watch_scan_end(w, &s->body, GATE_BODY);
	streams2_forget(&h->streams, id);
	return state;
}

static bool hold(struct http2 *h, const uint8_t *data, size_t len)
{
	if (!h->block || h->n_held + len > h->room) {
		size_t room = h->room ? h->room : 1024;
		uint8_t *block;

		while (room < h->n_held + len)
			room *= 2;
		block = realloc(h->block, room);
		if (!block)
			return false;
		h->block = block;
		h->room = room;
	}
	memcpy(h->block + h->n_held, data, len);
	h->n_held += len;
	return true;
}

/* The frames of a head for the server. */
static enum gate_state put_head(const struct http2 *h, struct watch *w,
				const uint8_t *block, size_t len)
{
	const uint8_t keep = FRAME2_END_STREAM | FRAME2_PRIORITY;
	uint8_t flags = h->head_flags & keep;
	uint8_t type = FRAME2_HEADERS;
	size_t before = flags & FRAME2_PRIORITY ? PRIORITY_LEN : 0;
	enum gate_state state;

	do {
		uint8_t header[FRAME2_HEADER];
		const size_t n =
			len < FRAME2_SIZE - before ? len : FRAME2_SIZE - before;

		if (n == len)
			flags |= FRAME2_END_HEADERS;
		frame2_write(header, before + n, type, flags, h->head);
		state = watch_put(w, header, sizeof(header));
		if (state == GATE_OK)
			state = watch_put(w, h->priority, before);
		if (state == GATE_OK)
			state = watch_put(w, block, n);
		block += n;
		len -= n;
		before = 0;
		type = FRAME2_CONTINUATION;
		flags = 0;
	} while (len && state == GATE_OK);
	return state;
}

/* The stream of a head that is complete, opened or closed. */
static enum gate_state note_stream(struct http2 *h, struct watch *w,
				   bool trailers)
{
	const bool end = h->head_flags & FRAME2_END_STREAM;
	const char *why;

	if (!trailers)
		h->last = h->head;
	if (end)
		return end_stream(h, w, h->head);
	if (trailers)
		return GATE_OK;
	why = streams2_open(&h->streams, h->head);
	return why ? watch_broken(w, why) : GATE_OK;
}

static enum gate_state end_head(struct http2 *h, struct watch *w)
{
	/* Of a stream that is closed by now it is trailers, too. */
	const bool trailers = h->head <= h->last;
	uint8_t *block;
	size_t len;
	enum gate_state state = hpack_recode(h->hpack, w, h->block, h->n_block,
					     trailers, &block, &len);

	if (state != GATE_OK)
		return state;
	state = note_stream(h, w, trailers);
	if (state == GATE_OK)
		state = put_head(h, w, block, len);
	explicit_bzero(block, len);
	free(block);
	free(h->block);
	h->block = NULL;
	h->n_block = h->n_held = h->room = 0;
	h->head = 0;
	return state;
}

/* A frame of a head is complete: what is in it is the last of the block. */
static enum gate_state end_head_frame(struct http2 *h, struct watch *w)
{
	const struct frame2 *f = &h->guest;
	const bool first = f->type == FRAME2_HEADERS;
	uint8_t *frame = h->block + h->n_block;
	size_t before = 0, behind = 0;
	size_t len = h->n_held - h->n_block;

	if (first && f->flags & FRAME2_PADDED) {
		if (!len)
			return watch_broken(w, "a frame is too short");
		before = 1;
		behind = frame[0];
	}
	if (first && f->flags & FRAME2_PRIORITY) {
		if (len < before + PRIORITY_LEN)
			return watch_broken(w, "a frame is too short");
		memcpy(h->priority, frame + before, PRIORITY_LEN);
		before += PRIORITY_LEN;
	}
	if (len < before + behind)
		return watch_broken(w, "a frame is too short");
	len -= before + behind;
	if (len && before)
		memmove(frame, frame + before, len);
	h->n_block += len;
	h->n_held = h->n_block;
	return f->flags & FRAME2_END_HEADERS ? end_head(h, w) : GATE_OK;
}

static enum gate_state open_head(struct http2 *h, struct watch *w)
{
	const struct frame2 *f = &h->guest;

	if (f->type == FRAME2_CONTINUATION) {
		if (!h->head || ++h->frames > HTTP2_CONTINUATIONS)
			return watch_broken(w, "a head has too many frames");
	} else {
		if (!(f->stream & 1))
			return watch_broken(w, "a request has no stream");
		h->head = f->stream;
		h->head_flags = f->flags;
		h->frames = 1;
	}
	if (h->n_held + f->left > WATCH_HEAD_MAX)
		return watch_broken(w, "a head is too long");
	/* Room, even if there is nothing in it. */
	return hold(h, f->header, 0) ? GATE_OK
				     : watch_broken(w, "there is no memory");
}

/* A frame's header is there. */
static enum gate_state open_frame(struct http2 *h, struct watch *w)
{
	const struct frame2 *f = &h->guest;

	finder_begin(&h->loose);
	finder_begin(&h->pad);
	h->padding = 0;
	h->pad_read = f->type != FRAME2_DATA || !(f->flags & FRAME2_PADDED);
	if (h->head && (f->type != FRAME2_CONTINUATION || f->stream != h->head))
		return watch_broken(w, "another frame is within a head");
	switch (f->type) {
	case FRAME2_HEADERS:
	case FRAME2_CONTINUATION:
		return open_head(h, w);
	case FRAME2_PUSH_PROMISE:
		return watch_broken(w, "a client promises");
	case FRAME2_RST_STREAM:
		streams2_forget(&h->streams, f->stream);
		bodies2_forget(&h->answer.bodies, f->stream);
		break;
	default:
		break;
	}
	return watch_put(w, f->header, sizeof(f->header));
}

/* What was looked through as it is, or as padding, ends with its frame. */
static enum gate_state end_loose(struct http2 *h, struct watch *w,
				 enum gate_where where)
{
	const enum gate_state state = watch_scan_end(w, &h->loose, where);

	return state == GATE_OK ? watch_scan_end(w, &h->pad, where) : state;
}

static enum gate_state close_frame(struct http2 *h, struct watch *w)
{
	const struct frame2 f = h->guest;
	enum gate_state state;

	h->guest.n = 0;
	if (f.type == FRAME2_HEADERS || f.type == FRAME2_CONTINUATION)
		return end_head_frame(h, w);
	if (f.type != FRAME2_DATA)
		return end_loose(h, w, GATE_STREAM);
	if (!h->pad_read)
		return watch_broken(w, "a frame is too short");
	state = end_loose(h, w, GATE_BODY);
	if (state == GATE_OK && f.flags & FRAME2_END_STREAM)
		state = end_stream(h, w, f.stream);
	return state;
}

/* Octets of a body; of one that is closed they are looked through alone. */
static enum gate_state scan_data(struct http2 *h, struct watch *w,
				 const uint8_t *data, size_t len)
{
	struct stream2 *s = streams2_get(&h->streams, h->guest.stream);

	return watch_scan(w, s ? &s->body : &h->loose, GATE_BODY, data, len);
}

static enum gate_state take_data(struct http2 *h, struct watch *w,
				 const uint8_t *data, size_t len)
{
	struct frame2 *f = &h->guest;
	size_t from = 0, to;
	enum gate_state state;

	if (!h->pad_read) {
		h->pad_read = true;
		h->padding = data[0];
		if (h->padding > f->left - 1)
			return watch_broken(w, "a frame is too short");
		from = 1;
	}
	/* What is in front of the padding. */
	to = f->left - len < h->padding ? h->padding - (f->left - len) : 0;
	to = to < len - from ? len - to : from;
	state = scan_data(h, w, data + from, to - from);
	if (state == GATE_OK)
		state = watch_scan(w, &h->pad, GATE_BODY, data + to, len - to);
	return state;
}

static enum gate_state take_payload(struct http2 *h, struct watch *w,
				    const uint8_t *data, size_t len)
{
	struct frame2 *f = &h->guest;
	enum gate_state state;

	switch (f->type) {
	case FRAME2_HEADERS:
	case FRAME2_CONTINUATION:
		return hold(h, data, len)
			       ? GATE_OK
			       : watch_broken(w, "there is no memory");
	case FRAME2_DATA:
		state = take_data(h, w, data, len);
		break;
	default:
		state = watch_scan(w, &h->loose, GATE_STREAM, data, len);
		break;
	}
	return state == GATE_OK ? watch_put(w, data, len) : state;
}

static enum gate_state take_preface(struct http2 *h, struct watch *w,
				    const uint8_t *data, size_t len)
{
	if (memcmp(data, &HTTP2_PREFACE[h->preface], len) != 0)
		return watch_broken(w, "it does not begin like HTTP/2");
	h->preface += len;
	return watch_put(w, data, len);
}

/* Reads on; returns in *@ret_used how much of it belongs together. */
static enum gate_state take(struct http2 *h, struct watch *w,
			    const uint8_t *data, size_t len, size_t *ret_used)
{
	struct frame2 *f = &h->guest;
	enum gate_state state;

	if (h->preface < HTTP2_PREFACE_LEN) {
		const size_t left = HTTP2_PREFACE_LEN - h->preface;

		*ret_used = len < left ? len : left;
		return take_preface(h, w, data, *ret_used);
	}
	if (!frame2_is_open(f)) {
		*ret_used = frame2_read(f, data, len);
		if (!frame2_is_open(f))
			return GATE_OK;
		state = open_frame(h, w);
	} else {
		*ret_used = len < f->left ? len : f->left;
		state = take_payload(h, w, data, *ret_used);
		f->left -= *ret_used;
	}
	if (state == GATE_OK && !f->left)
		state = close_frame(h, w);
	return state;
}

enum gate_state http2_guest(struct http2 *h, struct watch *w,
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

enum gate_state http2_server(struct http2 *h, struct watch *w,
			     const uint8_t *data, size_t len)
{
	return answer2_feed(&h->answer, w, data, len);
}

enum gate_state http2_finish(struct http2 *h, struct watch *w)
{
	enum gate_state state = GATE_OK;

	if (frame2_is_open(&h->guest))
		state = end_loose(h, w, GATE_STREAM);
	for (size_t i = 0; i < h->streams.n && state == GATE_OK; i++)
		state = watch_scan_end(w, &h->streams.all[i].body, GATE_BODY);
	return state;
}

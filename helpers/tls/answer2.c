/* SPDX-License-Identifier: GPL-2.0-or-later */
/* answer2.c - What a server says in HTTP/2, masked and passed on. */
#include "answer2.h"

/* The server's settings are complete. */
static enum gate_state end_settings(struct answer2 *a, struct watch *w)
{
	struct settings2 *s = &a->settings;
	uint8_t header[FRAME2_HEADER];
	enum gate_state state;

	if (!settings2_limit(s, STREAMS2_MAX, HPACK_TABLE))
		return watch_broken(w, "settings are cut short");
	if (s->has_table && !hpack_resize(a->hpack, s->table))
		return watch_broken(w, "there is no memory");
	frame2_write(header, s->n, FRAME2_SETTINGS, 0, 0);
	state = watch_answer(w, header, sizeof(header));
	return state == GATE_OK ? watch_answer(w, s->text, s->n) : state;
}

/* A body goes on where another one did. */
static void open_body(struct answer2 *a, struct watch *w)
{
	const struct frame2 *f = &a->frame;

	a->padding = 0;
	a->pad_read = !(f->flags & FRAME2_PADDED);
	bodies2_resume(&a->bodies, f->stream, &w->mask->kept);
}

/* A DATA frame is complete: nothing of it waits any more. */
static enum gate_state close_body(struct answer2 *a, struct watch *w)
{
	const struct frame2 *f = &a->frame;

	if (f->flags & FRAME2_END_STREAM)
		mask_forget(&w->mask->kept);
	else if (!bodies2_leave(&a->bodies, f->stream, &w->mask->kept))
		return watch_broken(w, "there are too many streams");
	return GATE_OK;
}

static enum gate_state open_frame(struct answer2 *a, struct watch *w)
{
	const struct frame2 *f = &a->frame;

	if (f->type == FRAME2_SETTINGS && !(f->flags & FRAME2_ACK)) {
		a->settings.n = 0;
		return f->left <= SETTINGS2_MAX
			       ? GATE_OK
			       : watch_broken(w, "there are too many settings");
	}
	if (f->type == FRAME2_RST_STREAM)
		streams2_forget(a->streams, f->stream);
	if (f->type == FRAME2_RST_STREAM ||
	    (f->type == FRAME2_HEADERS && f->flags & FRAME2_END_STREAM))
		bodies2_forget(&a->bodies, f->stream);
	if (f->type == FRAME2_DATA)
		open_body(a, w);
	return watch_answer(w, f->header, sizeof(f->header));
}

/* Octets of a body, with padding around it. */
static enum gate_state mask_body(struct answer2 *a, struct watch *w,
				 const uint8_t *data, size_t len)
{
	const size_t left = a->frame.left;
	enum gate_state state = GATE_OK;
	size_t padding;

	if (!a->pad_read) {
		a->pad_read = true;
		a->padding = data[0];
		state = watch_answer(w, data++, 1);
		len--;
	}
	padding = left < a->padding ? a->padding - left : 0;
	padding = padding < len ? padding : len;
	if (state == GATE_OK && len > padding)
		state = watch_mask(w, data, len - padding);
	if (state == GATE_OK && left <= a->padding)
		state = watch_mask_end(w);
	return state == GATE_OK
		       ? watch_answer(w, data + (len - padding), padding)
		       : state;
}

static enum gate_state take_payload(struct answer2 *a, struct watch *w,
				    const uint8_t *data, size_t len)
{
	const struct frame2 *f = &a->frame;

	if (f->type == FRAME2_DATA)
		return mask_body(a, w, data, len);
	if (f->type != FRAME2_SETTINGS || f->flags & FRAME2_ACK)
		return watch_answer(w, data, len);
	settings2_add(&a->settings, data, len);
	return GATE_OK;
}

static enum gate_state take(struct answer2 *a, struct watch *w,
			    const uint8_t *data, size_t len, size_t *ret_used)
{
	struct frame2 *f = &a->frame;
	enum gate_state state = GATE_OK;
	bool ours;

	if (!frame2_is_open(f)) {
		*ret_used = frame2_read(f, data, len);
		if (!frame2_is_open(f))
			return GATE_OK;
		state = open_frame(a, w);
		if (state != GATE_OK)
			return state;
		len = 0;
	}
	if (len) {
		*ret_used = len = len < f->left ? len : f->left;
		f->left -= len;
		state = take_payload(a, w, data, len);
	}
	if (state != GATE_OK || f->left)
		return state;
	f->n = 0;
	if (f->type == FRAME2_DATA)
		return close_body(a, w);
	ours = f->type == FRAME2_SETTINGS && !(f->flags & FRAME2_ACK);
	return ours ? end_settings(a, w) : GATE_OK;
}

enum gate_state answer2_feed(struct answer2 *a, struct watch *w,
			     const uint8_t *data, size_t len)
{
	while (len) {
		size_t used;
		const enum gate_state state = take(a, w, data, len, &used);

		if (state != GATE_OK)
			return state;
		data += used;
		len -= used;
	}
	return GATE_OK;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* opening.c - What a guest says first, kept until its flow is decided. */
#include <stdlib.h>
#include <string.h>

#include "worker.h"

/* Room to begin with: a hello with the usual shares fits. */
#define ROOM_MIN 2048

/* Types of records (RFC 8446 section 5.1). */
#define RECORD_CHANGE_CIPHER 20
#define RECORD_DATA	     23

/* Let @p have room for @need octets; false: the bound, or no memory. */
static bool grow(struct worker *w, uint8_t **p, size_t *room, size_t need)
{
	size_t to = *room ? *room : ROOM_MIN;
	uint8_t *at;

	if (need <= *room)
		return true;
	while (to < need)
		to *= 2;
	if (w->opening_bytes + (to - *room) > w->now.conf->limits.hello_bytes)
		return false;
	at = realloc(*p, to);
	if (!at)
		return false;
	w->opening_bytes += to - *room;
	*p = at;
	*room = to;
	return true;
}

static bool begin(struct worker *w, struct tls_flow *f)
{
	if (w->opening_bytes + sizeof(*f->opening) >
	    w->now.conf->limits.hello_bytes)
		return false;
	f->opening = calloc(1, sizeof(*f->opening));
	if (!f->opening)
		return false;
	w->opening_bytes += sizeof(*f->opening);
	hello_begin(&f->opening->hello);
	return true;
}

/* Step over the records that may come before a second ClientHello, and are
 * thrown away: how many octets of @data were of them. */
static size_t step_over(struct opening *o, const uint8_t *data, size_t len)
{
	size_t at = 0;

	while (at < len && !o->begun) {
		if (o->skip) {
			const size_t n = o->skip < len - at ? o->skip
							    : len - at;

			o->skip -= n;
			at += n;
		} else if (!o->head_len && data[at] != RECORD_CHANGE_CIPHER &&
			   data[at] != RECORD_DATA) {
			o->begun = true;
		} else {
			o->head[o->head_len++] = data[at++];
			if (o->head_len == sizeof(o->head)) {
				o->skip = (size_t)o->head[3] << 8 | o->head[4];
				o->head_len = 0;
			}
		}
	}
	return at;
}

bool opening_take(struct worker *w, struct tls_flow *f, const uint8_t *data,
		  size_t len)
{
	struct opening *o;
	size_t message;
	size_t at = 0;

	if (!f->opening && !begin(w, f))
		return false;
	o = f->opening;
	message = o->hello.message_len + len;
	if (message > HELLO_MAX)
		message = HELLO_MAX;
	if (!grow(w, &o->raw, &o->raw_room, o->raw_len + len) ||
	    !grow(w, &o->message, &o->message_room, message))
		return false;
	memcpy(o->raw + o->raw_len, data, len);
	o->raw_len += len;
	if (f->state == FLOW_RETRIED)
		at = step_over(o, data, len);
	o->used += at + hello_feed(&o->hello, o->message, data + at, len - at);
	return true;
}

void opening_drop(struct worker *w, struct tls_flow *f)
{
	struct opening *o = f->opening;

	if (!o)
		return;
	w->opening_bytes -= sizeof(*o) + o->raw_room + o->message_room;
	free(o->raw);
	free(o->message);
	free(o);
	f->opening = NULL;
}

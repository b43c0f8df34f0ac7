/* SPDX-License-Identifier: GPL-2.0-or-later */
/* opening.c - What a guest says first, kept until its flow is decided. */
#include <stdlib.h>
#include <string.h>

#include "worker.h"

/* Room to begin with: a hello with the usual shares fits. */
#define ROOM_MIN 2048

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

bool opening_take(struct worker *w, struct tls_flow *f, const uint8_t *data,
		  size_t len)
{
	struct opening *o;
	size_t message;

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
	o->used += hello_feed(&o->hello, o->message, data, len);
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* outbox.c - Octets that wait until somebody takes them. */
#include "outbox.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_MIN 1024

/* Not realloc(): what it leaves behind is not wiped. */
static bool grow(struct outbox *o, size_t len)
{
	const size_t used = outbox_len(o);
	size_t room = ROOM_MIN;
	uint8_t *octets;

	while (room < used + len)
		room *= 2;
	octets = malloc(room);
	if (!octets)
		return false;
	if (used)
		memcpy(octets, outbox_next(o), used);
	outbox_drop(o);
	*o = (struct outbox){octets, 0, used, room};
	return true;
}

/* Those that wait are moved to the beginning. */
static void compact(struct outbox *o)
{
	const size_t used = outbox_len(o);

	memmove(o->octets, o->octets + o->from, used);
	explicit_bzero(o->octets + used, o->to - used);
	o->from = 0;
	o->to = used;
}

bool outbox_put(struct outbox *o, const void *data, size_t len)
{
	const size_t used = outbox_len(o);

	if (!len)
		return true;
	if (len > OUTBOX_MAX - used)
		return false;
	if (used + len > o->room) {
		if (!grow(o, len))
			return false;
	} else if (o->to + len > o->room) {
		compact(o);
	}
	memcpy(o->octets + o->to, data, len);
	o->to += len;
	return true;
}

void outbox_take(struct outbox *o, size_t len)
{
	if (len >= outbox_len(o)) {
		outbox_drop(o);
		return;
	}
	explicit_bzero(o->octets + o->from, len);
	o->from += len;
}

void outbox_drop(struct outbox *o)
{
	if (o->octets)
		explicit_bzero(o->octets + o->from, outbox_len(o));
	free(o->octets);
	*o = (struct outbox){0};
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* gated.c - The gate in an intercepted connection, between its two ways.
 *
 * Most of what is said goes on as it came. That is not copied: it is said to
 * the other side from where it was read. What was changed, or kept back, goes
 * through an outbox, and so does all that comes behind it. Nothing is said
 * before the gate has seen all of what was read: so of a piece with a violation
 * in it nothing goes on, and neither does what waits in an outbox still.
 */
#include "engine.h"

#include <string.h>

/**
 * struct feed - What was read
 * @i:		connection
 * @from:	who said it
 * @data:	octets
 * @end:	behind them
 * @at:		those that go on as they are
 * @n:		how many
 */
struct feed {
	struct intercept *i;
	unsigned int from;
	const uint8_t *data;
	const uint8_t *end;
	const uint8_t *at;
	size_t n;
};

/* The server's name, if it has proved to have it. */
static const char *name_of(const struct intercept *i, char text[DNAME_TEXT_MAX])
{
	if (!i->sni || !i->env->conf.verify)
		return NULL;
	return dname_format(i->name, text);
}

bool gated_may_h2(const struct intercept *i)
{
	char text[DNAME_TEXT_MAX];

	return !i->secrets || gate_may_h2(i->secrets, name_of(i, text));
}

bool gated_begin(struct intercept *i, bool h2)
{
	char text[DNAME_TEXT_MAX];

	if (!i->secrets)
		return true;
	i->gate = gate_begin(i->secrets, name_of(i, text), h2);
	return i->gate;
}

/* Whether these octets are what was read, in front of which nothing is that
 * does not go on. A reader may have a copy of its own of what it kept until the
 * end of a line, say: that is as good. */
static bool is_next(struct feed *f, const uint8_t *data, size_t len)
{
	const uintptr_t at = (uintptr_t)data;

	if (!f->n && at >= (uintptr_t)f->data && at < (uintptr_t)f->end)
		f->at = data;
	if (len > (size_t)(f->end - f->at) - f->n)
		return false;
	return data == f->at + f->n || !memcmp(data, f->at + f->n, len);
}

/* What was to go on as it is waits, because something else comes behind it. */
static bool keep(struct feed *f)
{
	const size_t n = f->n;

	f->n = 0;
	return outbox_put(&f->i->way[f->from].out, f->at, n);
}

static bool take(void *arg, enum gate_side from, const uint8_t *data,
		 size_t len)
{
	struct feed *const f = arg;
	const unsigned int side = from == GATE_GUEST ? GUEST : SERVER;
	struct way *const w = &f->i->way[side];

	/* Whom it is for takes nothing any more. */
	if (w->shut || !len)
		return true;
	if (side == f->from) {
		if (!outbox_len(&w->out) && is_next(f, data, len)) {
			f->n += len;
			return true;
		}
		if (!keep(f))
			return false;
	}
	return outbox_put(&w->out, data, len);
}

/* It is over: nothing of what waits goes on. */
static bool end(struct intercept *i, enum gate_state state)
{
	i->cause = state == GATE_VIOLATION ? CAUSE_VIOLATION : CAUSE_GATE;
	outbox_drop(&i->way[GUEST].out);
	outbox_drop(&i->way[SERVER].out);
	return false;
}

bool gated_feed(struct intercept *i, unsigned int from, const uint8_t **text,
		size_t *len)
{
	struct feed f = {
		.i = i,
		.from = from,
		.data = *text,
		.end = *text + *len,
		.at = *text,
	};
	const enum gate_state state =
		gate_feed(i->gate, from == GUEST ? GATE_GUEST : GATE_SERVER,
			  *text, *len, take, &f, &i->violation);

	if (state != GATE_OK)
		return end(i, state);
	*text = f.at;
	*len = f.n;
	return true;
}

bool gated_finish(struct intercept *i, unsigned int from)
{
	static const uint8_t nothing;
	struct feed f = {
		.i = i,
		.from = from,
		.data = &nothing,
		.end = &nothing,
		.at = &nothing,
	};
	const enum gate_state state =
		gate_finish(i->gate, from == GUEST ? GATE_GUEST : GATE_SERVER,
			    take, &f, &i->violation);

	return state == GATE_OK || end(i, state);
}

void gated_end(struct intercept *i)
{
	gate_end(i->gate);
	i->gate = NULL;
	outbox_drop(&i->way[GUEST].out);
	outbox_drop(&i->way[SERVER].out);
}

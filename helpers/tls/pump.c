/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pump.c - What is said in one TLS connection, said in the other; both ways.
 *
 * Theory of Operation
 *
 * What there is of one side is read, up to a batch, and said to the other; then
 * the next. What the other's socket does not take waits there, sealed, and
 * nothing is read for it until it is gone. So a connection holds one batch each
 * way at most, the sender finds TCP's window closed, and between two calls
 * nobody's text is in the common room. A batch begins as one record, doubles
 * with each that was taken as it is, and is one record again when one was not:
 * whoever reads slowly has little waiting.
 *
 * Where there is a gate, what was read goes through it first (gated.c). What
 * comes out may be more, or for the other way: that is in an outbox until it is
 * said, and nothing more is read for a way whose outbox is not empty.
 */
#include "engine.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* Octets that one side may get before others have their turn. */
#define ROUND ((size_t)16 * RECORD_TEXT)

/* The least that is read at once: a record, mostly. */
#define BATCH_MIN ((size_t)RECORD_MAX)

enum alert_cause pump_open(struct intercept *i)
{
	struct stream *const st = &i->env->process->stream;

	st->aead = &i->env->process->crypto.aead;
	if (!stream_ready(st))
		return CAUSE_MEMORY;
	for (unsigned int k = GUEST; k <= SERVER; k++) {
		if (!stream_begin(&i->side[k]))
			return CAUSE_TAKEOVER;
		i->way[k].batch = BATCH_MIN;
	}
	return CAUSE_NONE;
}

/* ---- Carrying -------------------------------------------------------- */

/** enum outcome - What one step came to */
enum outcome {
	MOVED,
	BLOCKED,
	FAILED,
	VIOLATED, /* the gate ends it */
};

/* Whether something can be said still: nothing comes behind the end. */
static bool is_heard(const struct intercept *i, unsigned int to)
{
	return !i->way[!to].shut && !i->way[!to].told;
}

static void tell(struct intercept *i, unsigned int to, uint8_t code)
{
	if (is_heard(i, to))
		stream_alert(&i->env->process->stream, &i->side[to], code);
}

/* What a side sent is wrong, or a fatal alert: it is over for both. */
static enum outcome fail(struct intercept *i, unsigned int from)
{
	struct side *const s = &i->side[from];
	uint8_t code = ALERT_INTERNAL_ERROR;

	if (i->cause != CAUSE_NONE)
		return FAILED;
	i->cause = CAUSE_BROKEN;
	if (alert_received(s, &code))
		i->cause = from == GUEST ? CAUSE_GUEST_ALERT : CAUSE_ALERT;
	else
		tell(i, from, s->stream.fault);
	tell(i, !from, code);
	return FAILED;
}

/* There is no memory for what one side is told. */
static enum outcome starve(struct intercept *i)
{
	if (i->cause == CAUSE_NONE)
		i->cause = CAUSE_MEMORY;
	return FAILED;
}

/* Whom this way leads to takes nothing any more. The other way goes on until
 * its end: an answer may be waiting there. */
static enum outcome lose(struct way *w)
{
	w->ended = true;
	w->shut = true;
	outbox_drop(&w->out);
	return MOVED;
}

/* Send what was said, or what waits. */
static enum outcome push(struct intercept *i, unsigned int from)
{
	struct way *const w = &i->way[from];
	struct side *const to = &i->side[!from];

	if (to->stream.wait && !to->writable)
		return BLOCKED;
	if (!stream_flush(&i->env->process->stream, to))
		return starve(i);
	if (to->dead)
		return lose(w);
	return to->stream.wait ? BLOCKED : MOVED;
}

/* What a gate has let through is said. */
static enum outcome unbox(struct intercept *i, unsigned int from)
{
	struct outbox *const o = &i->way[from].out;
	const size_t len = outbox_len(o);

	if (!len)
		return MOVED;
	if (!stream_say(&i->env->process->stream, &i->side[!from],
			outbox_next(o), len))
		return starve(i);
	outbox_drop(o);
	return MOVED;
}

/* One side has said this: the other is told. */
static enum outcome give(struct intercept *i, unsigned int from,
			 const uint8_t *text, size_t len)
{
	if (i->gate && !gated_feed(i, from, &text, &len))
		return VIOLATED;
	if (!stream_say(&i->env->process->stream, &i->side[!from], text, len))
		return starve(i);
	return unbox(i, from);
}

/* Nothing more comes from this side. */
static enum outcome end_of(struct intercept *i, unsigned int from)
{
	const struct side *const s = &i->side[from];
	struct way *const w = &i->way[from];

	if (s->stream.broken)
		return fail(i, from);
	w->ended = true;
	w->notified = s->stream.notified;
	w->reset = !w->notified && s->reset;
	return MOVED;
}

/* A server's tickets come before what it says, if at all. */
static void keep_session(struct intercept *i)
{
	struct side *const s = &i->side[SERVER];

	if (!s->ssl)
		return;
	upstream_keep(i);
	if (i->saved || s->stream.strayed)
		side_close_tls(s);
}

/* TLS's own answers to what came from here. */
static enum outcome answer(struct intercept *i, unsigned int from)
{
	struct stream *const st = &i->env->process->stream;
	struct side *const s = &i->side[from];

	if (!s->stream.due || s->stream.wait || !is_heard(i, from))
		return MOVED;
	return stream_answer(st, s) && stream_flush(st, s) ? MOVED : starve(i);
}

/* Read a batch, and pass it on. */
static enum outcome carry(struct intercept *i, unsigned int from, size_t *moved)
{
	struct stream *const st = &i->env->process->stream;
	struct side *const s = &i->side[from];
	struct way *const w = &i->way[from];
	struct stream_read r;
	enum outcome o;

	if (stream_is_over(s))
		return end_of(i, from);
	if (!s->readable)
		return BLOCKED;
	r = stream_read(st, s, w->batch);
	*moved += r.raw;
	if (st->text_len < r.text)
		st->text_len = r.text;
	if (from == SERVER)
		keep_session(i);
	if (answer(i, from) == FAILED)
		return FAILED;
	if (!r.text)
		return MOVED;
	o = give(i, from, st->text, r.text);
	if (o == MOVED)
		o = push(i, from);
	if (o == BLOCKED)
		w->batch = BATCH_MIN;
	else if (r.raw >= w->batch)
		w->batch = w->batch < STREAM_READ / 2 ? 2 * w->batch
						      : STREAM_READ;
	return o;
}

/* Tell the other side how this one ended. */
static enum outcome close_way(struct intercept *i, unsigned int from)
{
	struct stream *const st = &i->env->process->stream;
	struct way *const w = &i->way[from];
	struct side *const to = &i->side[!from];

	if (w->notified && !w->told) {
		w->told = true;
		return stream_close(st, to) ? push(i, from) : starve(i);
	}
	w->shut = true;
	if (w->reset)
		return MOVED;
	/* Nothing may follow close_notify (RFC 8446 section 6.1). A socket that
	 * is gone says so itself, in an event. */
	shutdown(to->fd, SHUT_WR);
	return MOVED;
}

/* What the gate has kept back is told as incomplete, before the end is. */
static enum outcome finish(struct intercept *i, unsigned int from)
{
	struct way *const w = &i->way[from];

	if (!i->gate || w->finished)
		return close_way(i, from);
	w->finished = true;
	return gated_finish(i, from) ? MOVED : VIOLATED;
}

/* Say what a gate has let through on account of the other side. */
static enum outcome release(struct intercept *i, unsigned int from)
{
	const enum outcome o = unbox(i, from);

	return o == MOVED ? push(i, from) : o;
}

static enum outcome run_way(struct intercept *i, unsigned int from,
			    bool *ret_more)
{
	struct way *const w = &i->way[from];
	size_t moved = 0;

	if (answer(i, from) == FAILED)
		return FAILED;
	while (!w->shut) {
		enum outcome o;

		if (i->side[!from].stream.wait)
			o = push(i, from);
		else if (outbox_len(&w->out))
			o = release(i, from);
		else if (w->ended)
			o = finish(i, from);
		else if (moved >= ROUND) {
			*ret_more = true;
			return MOVED;
		} else {
			o = carry(i, from, &moved);
		}
		if (o != MOVED)
			return o;
	}
	return MOVED;
}

/* A reset throws away what the other side has not acknowledged: then it only
 * gets an end without close_notify. */
static bool has_unsent(const struct side *s)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	return getsockopt(s->fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
	       (info.tcpi_unacked || info.tcpi_notsent_bytes);
}

static enum intercept_state end_by_reset(struct intercept *i, unsigned int from)
{
	i->cause = CAUSE_RESET;
	i->stage = STAGE_OVER;
	return has_unsent(&i->side[!from]) ? INTERCEPT_DONE : INTERCEPT_FAILED;
}

static enum intercept_state run(struct intercept *i)
{
	bool more = false;

	/* The server first: what it says may release what the guest said. */
	for (unsigned int n = 0; n < 2; n++) {
		switch (run_way(i, n ? GUEST : SERVER, &more)) {
		case MOVED:
		case BLOCKED:
			continue;
		case FAILED:
			/* An alert that is on its way is not to be overtaken.
			 */
			i->stage = STAGE_OVER;
			return INTERCEPT_DONE;
		case VIOLATED:
			i->stage = STAGE_OVER;
			return INTERCEPT_FAILED;
		}
	}
	for (unsigned int from = GUEST; from <= SERVER; from++) {
		const struct way *const w = &i->way[from];

		/* What came before was delivered, if it could be. */
		if (w->shut && (w->reset || i->side[from].failed))
			return end_by_reset(i, from);
	}
	if (i->way[GUEST].shut && i->way[SERVER].shut) {
		upstream_keep(i);
		i->stage = STAGE_OVER;
		return INTERCEPT_DONE;
	}
	return more ? INTERCEPT_MORE : INTERCEPT_WAIT;
}

/* Servers repeat what they were told: with a gate, also secrets' values. What a
 * connection that ends for want of memory has not sent is nobody else's. */
static void leave_room(const struct intercept *i)
{
	struct stream *const st = &i->env->process->stream;

	if (i->gate)
		explicit_bzero(st->text, st->text_len);
	st->text_len = 0;
	stream_forget(st);
}

enum intercept_state pump_run(struct intercept *i)
{
	const enum intercept_state state = run(i);

	leave_room(i);
	return state;
}

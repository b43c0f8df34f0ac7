/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stream.c - What is said on an open TLS connection, out of its records and
 * into them.
 */
#include "stream.h"

#include <stdlib.h>
#include <string.h>

#include "alert.h"
#include "takeover.h"

/* Levels of alerts (RFC 8446 section 6). */
#define LEVEL_WARNING 1
#define LEVEL_FATAL   2

/* Types of handshake messages (RFC 8446 appendix B.3, RFC 5246 section 7.4). */
#define HELLO_REQUEST	   0
#define CLIENT_HELLO	   1
#define NEW_SESSION_TICKET 4
#define KEY_UPDATE	   24

/* Messages of TLS itself that may come without data between them. */
#define IDLE_MAX 32

/* Room for what is sealed that is kept from one time to the next. */
#define OUT_KEPT (2 * STREAM_READ)

bool stream_ready(struct stream *st)
{
	if (!st->in)
		st->in = malloc(STREAM_READ);
	if (!st->text)
		st->text = malloc(STREAM_READ);
	return st->in && st->text;
}

bool stream_begin(struct side *s)
{
	if (!takeover_finish(s) ||
	    (s->ahead && s->ahead_len - s->ahead_at > STREAM_READ))
		return false;
	memset(s->alert, 0, sizeof(s->alert));
	s->stream.fresh = s->ahead;
	s->server = wolfSSL_is_server(s->ssl);
	s->sealed = true;
	s->readable = true;
	/* A server of TLS 1.3 may send tickets still. */
	if (s->server || !s->records.tls13)
		side_close_tls(s);
	return true;
}

/* ---- What is received ------------------------------------------------ */

static uint8_t take_alert(struct side *s, const uint8_t *text, size_t len)
{
	if (len != sizeof(s->alert))
		return ALERT_DECODE_ERROR;
	if (text[1] == ALERT_CLOSE_NOTIFY) {
		s->stream.notified = true;
		return 0;
	}
	/* TLS 1.3 knows no other warning, whatever the level says. */
	if (s->records.tls13 ? text[1] == ALERT_USER_CANCELED
			     : text[0] == LEVEL_WARNING)
		return 0;
	s->alert[0] = LEVEL_FATAL;
	s->alert[1] = text[1];
	s->stream.broken = true;
	return 0;
}

/* The keys of what is received change; and those of what is sent, if that is
 * asked for. Nothing of the record is behind it. */
static uint8_t take_update(struct side *s, const uint8_t *body, size_t len)
{
	s->stream.message_left = 0;
	s->stream.strayed = true;
	if (len != 1)
		return ALERT_UNEXPECTED_MESSAGE;
	if (*body > 1)
		return ALERT_ILLEGAL_PARAMETER;
	if (*body)
		s->stream.due |= STREAM_DUE_UPDATE;
	return record_update(&s->records, &s->records.in)
		       ? 0
		       : ALERT_INTERNAL_ERROR;
}

/* A message's header is complete: may it be? */
static uint8_t begin_message(struct side *s)
{
	struct stream_end *const e = &s->stream;
	const uint8_t type = e->message[0];
	bool ok;

	e->message_len = 0;
	e->message_left = (uint32_t)e->message[1] << 16 |
			  (uint32_t)e->message[2] << 8 | e->message[3];
	if (s->records.tls13) {
		ok = (type == KEY_UPDATE && e->message_left == 1) ||
		     (type == NEW_SESSION_TICKET && !s->server);
	} else {
		ok = type == (s->server ? CLIENT_HELLO : HELLO_REQUEST);
		e->due |= ok ? STREAM_DUE_NO_RENEGOTIATION : 0;
	}
	return ok ? 0 : ALERT_UNEXPECTED_MESSAGE;
}

/* Messages may begin and end anywhere in records. */
static uint8_t take_messages(struct side *s, const uint8_t *text, size_t len)
{
	struct stream_end *const e = &s->stream;
	uint8_t alert = len ? 0 : ALERT_UNEXPECTED_MESSAGE;

	while (len && !alert) {
		size_t n;

		if (e->message_left && s->records.tls13 &&
		    e->message[0] == KEY_UPDATE)
			return take_update(s, text, len);
		if (e->message_left) {
			n = len < e->message_left ? len : e->message_left;
			e->message_left -= (uint32_t)n;
		} else {
			n = sizeof(e->message) - e->message_len;
			n = len < n ? len : n;
			memcpy(e->message + e->message_len, text, n);
			e->message_len = (uint8_t)(e->message_len + n);
			if (e->message_len == sizeof(e->message))
				alert = begin_message(s);
		}
		text += n;
		len -= n;
	}
	return alert;
}

/* wolfSSL keeps the ticket: its records are numbered as they were sent. */
static void show(struct side *s, const uint8_t *record, size_t len)
{
	char room;

	s->feed = record;
	s->feed_len = len;
	(void)wolfSSL_read(s->ssl, &room, sizeof(room));
	if (s->feed_len)
		s->stream.strayed = true;
	s->feed = NULL;
	s->feed_len = 0;
}

/* What was in a record that is not data: an alert that its sender is told, or
 * 0. */
static uint8_t take_other(struct side *s, const struct record_opened *o,
			  const uint8_t *text)
{
	/* Nothing comes between the parts of a message (RFC 8446 section 5.1).
	 */
	if (o->type != RECORD_HANDSHAKE &&
	    (s->stream.message_len || s->stream.message_left))
		return ALERT_UNEXPECTED_MESSAGE;
	if (s->stream.idle++ >= IDLE_MAX)
		return ALERT_UNEXPECTED_MESSAGE;
	if (o->type == RECORD_ALERT)
		return take_alert(s, text, o->len);
	return o->type == RECORD_HANDSHAKE ? take_messages(s, text, o->len)
					   : ALERT_UNEXPECTED_MESSAGE;
}

static void fail(struct side *s, uint8_t alert)
{
	s->stream.fault = alert;
	s->stream.broken = true;
}

/* One record; octets of data in it. */
static size_t take_record(struct stream *st, struct side *s,
			  const uint8_t *record, size_t len, uint8_t *to)
{
	struct stream_end *const e = &s->stream;
	struct record_opened o;
	uint8_t alert = record_open(&s->records, st->aead, record, len, to, &o);

	if (!alert && o.type == RECORD_DATA && !e->message_len &&
	    !e->message_left) {
		e->idle = o.len ? 0 : e->idle;
		e->strayed = true;
		return o.len;
	}
	if (!alert)
		alert = take_other(s, &o, to);
	if (alert) {
		fail(s, alert);
		return 0;
	}
	if (o.type == RECORD_HANDSHAKE && s->ssl && !e->strayed)
		show(s, record, len);
	else
		e->strayed = true;
	return 0;
}

bool stream_is_over(const struct side *s)
{
	return s->stream.notified || s->stream.broken || side_is_over(s);
}

/* What is left of a record that is incomplete waits for the rest. */
static void keep(struct side *s, const uint8_t *octets, size_t len)
{
	if (!len || s->stream.notified || s->stream.broken)
		return;
	s->ahead = malloc(len);
	if (!s->ahead) {
		fail(s, ALERT_INTERNAL_ERROR);
		return;
	}
	memcpy(s->ahead, octets, len);
	s->ahead_at = 0;
	s->ahead_len = len;
}

/* What waited, and what is there now, up to @max; 0: nothing new. */
static size_t fill(struct stream *st, struct side *s, size_t max)
{
	const size_t had = s->ahead ? s->ahead_len - s->ahead_at : 0;
	const size_t got = max > had ? side_receive(s, st->in + had, max - had)
				     : 0;

	/* What waited is part of a record, but for what was read of a guest
	 * before its handshake. */
	if (!got && !s->stream.fresh)
		return 0;
	s->stream.fresh = false;
	if (had)
		side_ahead(s, st->in, had);
	return had + got;
}

struct stream_read stream_read(struct stream *st, struct side *s, size_t max)
{
	struct stream_read r = {.raw = fill(st, s, max)};
	size_t at = 0;

	while (r.raw - at >= RECORD_HEAD && !s->stream.notified &&
	       !s->stream.broken) {
		uint8_t alert;
		const size_t len = record_len(&s->records, st->in + at, &alert);

		if (!len)
			fail(s, alert);
		if (!len || len > r.raw - at)
			break;
		r.text +=
			take_record(st, s, st->in + at, len, st->text + r.text);
		at += len;
	}
	if (r.raw)
		keep(s, st->in + at, r.raw - at);
	return r;
}

/* ---- What is sent ---------------------------------------------------- */

static void drop_out(struct stream *st)
{
	free(st->out);
	st->out = NULL;
	st->out_len = 0;
	st->out_room = 0;
}

static bool make_room(struct stream *st, size_t more)
{
	const size_t need = st->out_len + more;
	uint8_t *out;

	if (need <= st->out_room)
		return true;
	out = realloc(st->out, need + need / 2);
	if (!out)
		return false;
	st->out = out;
	st->out_room = need + need / 2;
	return true;
}

static bool seal(struct stream *st, struct side *s, enum record_type type,
		 const void *text, size_t len)
{
	size_t n;

	if (st->out_len && st->to != s && !stream_flush(st, st->to))
		return false;
	st->to = s;
	if (!make_room(st, len + RECORD_MORE))
		return false;
	n = record_seal(&s->records, st->aead, type, text, len,
			st->out + st->out_len);
	st->out_len += n;
	return n;
}

bool stream_answer(struct stream *st, struct side *s)
{
	static const uint8_t update[] = {KEY_UPDATE, 0, 0, 1, 0};
	static const uint8_t refusal[] = {LEVEL_WARNING,
					  ALERT_NO_RENEGOTIATION};
	const uint8_t due = s->stream.due;

	s->stream.due = 0;
	if (due & STREAM_DUE_NO_RENEGOTIATION &&
	    !seal(st, s, RECORD_ALERT, refusal, sizeof(refusal)))
		return false;
	return !(due & STREAM_DUE_UPDATE) ||
	       (seal(st, s, RECORD_HANDSHAKE, update, sizeof(update)) &&
		record_update(&s->records, &s->records.out));
}

bool stream_say(struct stream *st, struct side *s, const void *text, size_t len)
{
	const uint8_t *at = text;

	while (len) {
		const size_t n =
			len < s->records.text_max ? len : s->records.text_max;

		if (record_is_spent(&s->records))
			s->stream.due |= STREAM_DUE_UPDATE;
		if (s->stream.due && !stream_answer(st, s))
			return false;
		if (!seal(st, s, RECORD_DATA, at, n))
			return false;
		at += n;
		len -= n;
	}
	return true;
}

bool stream_close(struct stream *st, struct side *s)
{
	static const uint8_t alert[] = {LEVEL_WARNING, ALERT_CLOSE_NOTIFY};

	return seal(st, s, RECORD_ALERT, alert, sizeof(alert));
}

static void flush_waiting(struct side *s)
{
	struct stream_end *const e = &s->stream;

	if (!e->wait)
		return;
	e->wait_at += side_transmit(s, e->wait + e->wait_at,
				    e->wait_len - e->wait_at);
	if (e->wait_at < e->wait_len && !s->dead)
		return;
	free(e->wait);
	e->wait = NULL;
}

/* Octets wait, behind those that do. */
static bool wait_for(struct side *s, const uint8_t *octets, size_t len)
{
	struct stream_end *const e = &s->stream;
	const size_t had = e->wait ? e->wait_len - e->wait_at : 0;
	uint8_t *const all = malloc(had + len);

	if (!all)
		return false;
	if (had)
		memcpy(all, e->wait + e->wait_at, had);
	memcpy(all + had, octets, len);
	free(e->wait);
	e->wait = all;
	e->wait_at = 0;
	e->wait_len = had + len;
	return true;
}

bool stream_flush(struct stream *st, struct side *s)
{
	const size_t len = st->to == s ? st->out_len : 0;
	size_t sent = 0;
	bool ok = true;

	flush_waiting(s);
	if (!len)
		return true;
	if (!s->stream.wait && !s->dead)
		sent = side_transmit(s, st->out, len);
	if (sent < len && !s->dead)
		ok = wait_for(s, st->out + sent, len - sent);
	st->out_len = 0;
	if (st->out_room > OUT_KEPT)
		drop_out(st);
	return ok;
}

void stream_alert(struct stream *st, struct side *s, uint8_t code)
{
	const uint8_t alert[] = {LEVEL_FATAL, code};

	/* What was sealed before it is numbered before it. */
	if (st->out_len && !stream_flush(st, st->to))
		return;
	if (s->stream.wait || s->dead)
		return;
	if (seal(st, s, RECORD_ALERT, alert, sizeof(alert)))
		(void)side_send(s, st->out, st->out_len);
	st->out_len = 0;
}

void stream_forget(struct stream *st)
{
	st->out_len = 0;
	st->to = NULL;
}

void stream_release(struct stream *st)
{
	drop_out(st);
	free(st->in);
	free(st->text);
	st->in = NULL;
	st->text = NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pump.c - What is said in one TLS connection, said in the other; both ways.
 *
 * Theory of Operation
 *
 * One record is read, and written; then the next. What was read goes to wolfSSL
 * at once, which encrypts it into its own buffer: if the socket takes only part
 * of it, the rest waits there, and the next record is read when it is gone. So
 * a connection holds one record each way at most, the sender finds TCP's window
 * closed, and between two calls nobody's text is in the common buffer.
 *
 * Where there is a gate, what was read goes through it first (gated.c). What
 * comes out may be more, or later, or for the other way: that waits in an
 * outbox, which is emptied before anything more is read for it.
 */
#include "engine.h"

#include <errno.h>
#include <linux/tcp.h>
#include <malloc.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* Octets that one side may get before others have their turn. */
#define ROUND ((size_t)16 * ENGINE_RECORD)

/* ---- Memory ---------------------------------------------------------- */

static bool is_zero(const uint8_t *page, size_t len)
{
	return !page[0] && memcmp(page, page + 1, len - 1) == 0;
}

/* Give whole pages that are zero back: they read as zero afterwards, too. */
static void shed(void *block)
{
	const size_t size = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *const end = (uint8_t *)block + malloc_usable_size(block);
	uint8_t *from =
		(uint8_t *)(((uintptr_t)block + size - 1) & ~(size - 1));

	while (from + size <= end) {
		uint8_t *to = from;

		while (to + size <= end && is_zero(to, size))
			to += size;
		if (to > from)
			(void)madvise(from, (size_t)(to - from), MADV_DONTNEED);
		from = to + size;
	}
}

/* wolfSSL's session is 37 KB, room for the certificates of nine servers twice
 * over; of which a guest's has none, and a server's three or four. */
static void shed_session(WOLFSSL *ssl)
{
	WOLFSSL_SESSION *const session = wolfSSL_get1_session(ssl);

	if (!session)
		return;
	shed(session);
	wolfSSL_SESSION_free(session);
}

void pump_open(struct intercept *i)
{
	for (int k = GUEST; k <= SERVER; k++) {
		shed_session(i->side[k].ssl);
		i->side[k].sealed = true;
	}
}

/* ---- Carrying -------------------------------------------------------- */

/** enum outcome - What one step came to */
enum outcome {
	MOVED,
	BLOCKED,
	FAILED,
	VIOLATED, /* the gate ends it */
};

/* What a side sent is wrong, or a fatal alert: it is over for both. */
static enum outcome fail(struct intercept *i, unsigned int from)
{
	struct side *const other = &i->side[!from];
	uint8_t code = ALERT_INTERNAL_ERROR;

	if (i->cause != CAUSE_NONE)
		return FAILED;
	i->cause = CAUSE_BROKEN;
	if (alert_received(&i->side[from], &code))
		i->cause = from == GUEST ? CAUSE_GUEST_ALERT : CAUSE_ALERT;
	/* Not into the middle of a record. */
	if (!i->way[from].pending && !i->way[from].shut)
		alert_sealed(other, code);
	return FAILED;
}

/* wolfSSL wants something first. */
static enum outcome wait_for(struct intercept *i, unsigned int from, int error)
{
	if (error == WOLFSSL_ERROR_WANT_READ ||
	    error == WOLFSSL_ERROR_WANT_WRITE)
		return BLOCKED;
	return fail(i, from);
}

/* Whom this way leads to takes nothing any more. The other way goes on until
 * its end: an answer may be waiting there. */
static enum outcome lose(struct way *w)
{
	w->pending = 0;
	w->ended = true;
	w->shut = true;
	outbox_drop(&w->out);
	return MOVED;
}

/* Octets of content that go into one record to a side. */
static int record_room(const struct side *to)
{
	const int room = wolfSSL_GetMaxOutputSize(to->ssl);

	return room > 0 && room < ENGINE_RECORD ? room : ENGINE_RECORD;
}

/* What waits is next. */
static void unbox(struct intercept *i, unsigned int from)
{
	struct way *const w = &i->way[from];
	const size_t room = (size_t)record_room(&i->side[!from]);
	const size_t len = outbox_len(&w->out);

	w->pending = (uint32_t)(len < room ? len : room);
	w->boxed = true;
}

static enum outcome push(struct intercept *i, unsigned int from)
{
	struct way *const w = &i->way[from];
	struct side *const to = &i->side[!from];
	const struct intercept_process *const p = i->env->process;
	int n;

	if (!to->writable)
		return BLOCKED;
	/* Called again, it looks at the length alone: the record is its own. */
	n = wolfSSL_write(to->ssl,
			  w->boxed ? outbox_next(&w->out)
				   : p->record + p->record_at,
			  (int)w->pending);
	if (n == (int)w->pending) {
		if (w->boxed)
			outbox_take(&w->out, w->pending);
		w->boxed = false;
		w->pending = 0;
		return MOVED;
	}
	return to->dead ? lose(w)
			: wait_for(i, !from, wolfSSL_get_error(to->ssl, n));
}

static enum outcome end_of(struct intercept *i, unsigned int from, int error)
{
	struct side *const s = &i->side[from];
	struct way *const w = &i->way[from];

	if (error == WOLFSSL_ERROR_ZERO_RETURN) {
		w->ended = true;
		w->notified = true;
		return MOVED;
	}
	if (s->broken)
		return fail(i, from);
	if ((side_is_over(s) && error == WOLFSSL_ERROR_WANT_READ) ||
	    (s->dead && error == WOLFSSL_ERROR_WANT_WRITE)) {
		w->ended = true;
		w->reset = s->reset || s->dead;
		return MOVED;
	}
	return wait_for(i, from, error);
}

static enum outcome pull(struct intercept *i, unsigned int from, size_t *moved)
{
	struct side *const s = &i->side[from];
	struct intercept_process *const p = i->env->process;
	int n;

	/* What is read has to be taken at once. */
	if (!i->side[!from].writable)
		return BLOCKED;
	if (!s->readable && !wolfSSL_pending(s->ssl))
		return BLOCKED;
	n = wolfSSL_read(s->ssl, p->record, record_room(&i->side[!from]));
	if (n <= 0)
		return end_of(i, from, wolfSSL_get_error(s->ssl, n));
	if (from == SERVER)
		upstream_keep(i);
	*moved += (size_t)n;
	if (p->record_len < (size_t)n)
		p->record_len = (size_t)n;
	if (i->gate)
		return gated_feed(i, from, (size_t)n) ? MOVED : VIOLATED;
	p->record_at = 0;
	i->way[from].pending = (uint32_t)n;
	return MOVED;
}

/* Tell the other side how this one ended. */
static enum outcome close_way(struct intercept *i, unsigned int from)
{
	struct way *const w = &i->way[from];
	struct side *const to = &i->side[!from];

	if (w->notified) {
		int n;

		if (!to->writable)
			return BLOCKED;
		n = wolfSSL_shutdown(to->ssl);
		if (n < 0 && to->dead)
			return lose(w);
		if (n < 0)
			return wait_for(i, !from,
					wolfSSL_get_error(to->ssl, n));
	}
	w->shut = true;
	if (w->reset)
		return MOVED;
	/* Nothing may follow close_notify (RFC 8446 section 6.1). A socket that
	 * is gone says so itself, in an event. */
	shutdown(to->fd, SHUT_WR);
	return MOVED;
}

/* All that was read has gone on, but for what the gate keeps. */
static enum outcome finish(struct intercept *i, unsigned int from)
{
	struct way *const w = &i->way[from];

	if (from == SERVER || !i->gate || w->finished)
		return close_way(i, from);
	w->finished = true;
	return gated_finish(i) ? MOVED : VIOLATED;
}

static enum outcome run_way(struct intercept *i, unsigned int from,
			    bool *ret_more)
{
	struct way *const w = &i->way[from];
	size_t moved = 0;

	while (!w->shut) {
		enum outcome o;

		if (!w->pending && outbox_len(&w->out))
			unbox(i, from);
		if (w->pending)
			o = push(i, from);
		else if (w->ended)
			o = finish(i, from);
		else if (moved >= ROUND) {
			*ret_more = true;
			return MOVED;
		} else {
			o = pull(i, from, &moved);
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

static enum intercept_state carry(struct intercept *i)
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

/* Servers repeat what they were told: with a gate, also secrets' values. */
static void wipe(struct intercept *i)
{
	struct intercept_process *const p = i->env->process;

	if (i->gate)
		explicit_bzero(p->record, p->record_len);
	p->record_len = 0;
}

enum intercept_state pump_run(struct intercept *i)
{
	const enum intercept_state state = carry(i);

	wipe(i);
	return state;
}

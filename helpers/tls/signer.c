/* SPDX-License-Identifier: GPL-2.0-or-later */
/* signer.c - The process that holds the CA's key. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "channel.h"
#include "conf.h"
#include "loop.h"
#include "pages.h"
#include "sign.h"
#include "tlsd_parts.h"

/* After so long without a request it gives memory back. */
#define REST_MS 10000

/**
 * struct signer - The signer
 * @log:	event log
 * @l:		loop
 * @channel:	from the monitor
 * @worker:	requests of the worker
 * @queue:	for @rest
 * @rest:	when nothing was asked for a while
 * @s:		what is signed
 * @failed:	it ends because something went wrong
 */
struct signer {
	struct log *log;
	struct loop l;
	struct loop_watch channel;
	struct loop_watch worker;
	struct loop_queue queue;
	struct loop_timer rest;
	struct sign s;
	bool failed;
};

static void fail(struct signer *g, const char *what)
{
	log_failure(g->log, what);
	g->failed = true;
	g->l.stop = true;
}

static void answer(struct signer *g, enum channel_type type, const char *text)
{
	if (channel_send_text(g->channel.fd, type, "%s", text) < 0)
		fail(g, "answer the monitor");
}

static void prepare(struct signer *g, const struct channel_msg *m,
		    const int fds[CHANNEL_MAX])
{
	struct sign_side *next = &g->s.next;
	char reason[CONF_REASON_MAX];

	sign_abort(&g->s);
	if (m->count != 1) {
		given_refuse(&next->given, "one file is wanted");
		return;
	}
	next->conf = tls_conf_read(&next->given.arena, fds[0], reason);
	if (!next->conf)
		given_refuse(&next->given, reason);
}

static void ready(struct signer *g)
{
	const bool ok = sign_ready(&g->s, time(NULL));

	answer(g, ok ? CHANNEL_OK : CHANNEL_FAILED,
	       ok ? "" : g->s.next.given.refused);
	if (!ok)
		sign_abort(&g->s);
}

static void commit(struct signer *g)
{
	if (!g->s.prepared) {
		answer(g, CHANNEL_FAILED, "nothing was prepared");
		return;
	}
	sign_commit(&g->s);
	answer(g, CHANNEL_OK, "");
}

static void status(struct signer *g)
{
	char text[CHANNEL_TEXT_MAX];

	snprintf(text, sizeof(text), "signed %" PRIu64 " refused %" PRIu64,
		 g->s.signed_, g->s.refused);
	answer(g, CHANNEL_STATUS, text);
}

static void handle(struct signer *g, struct channel_msg *m,
		   int fds[CHANNEL_MAX])
{
	switch ((enum channel_type)m->type) {
	case CHANNEL_PREPARE:
		prepare(g, m, fds);
		break;
	case CHANNEL_SOCKETS:
		given_put(&g->s.next.given, m, fds);
		return;
	case CHANNEL_READY:
		ready(g);
		break;
	case CHANNEL_COMMIT:
		commit(g);
		break;
	case CHANNEL_ABORT:
		sign_abort(&g->s);
		answer(g, CHANNEL_OK, "");
		break;
	case CHANNEL_STATUS:
		status(g);
		break;
	case CHANNEL_STOP:
		g->l.stop = true;
		break;
	case CHANNEL_NONE:
	case CHANNEL_OK:
	case CHANNEL_FAILED:
	case CHANNEL_HOLD:
	case CHANNEL_RELEASE:
	case CHANNEL_TERMINATE:
	case CHANNEL_WATCH:
	case CHANNEL_CONNECT:
	case CHANNEL_CONNECTED:
	case CHANNEL_REFUSED:
	case CHANNEL_TYPE_COUNT:
		answer(g, CHANNEL_FAILED, "no such request");
		break;
	}
	channel_close_fds(m, fds);
	/* A key was tried, or is gone. */
	key_rest();
	pages_forget();
}

static void rest(struct loop *l, struct loop_timer *t)
{
	(void)l;
	(void)t;
	key_rest();
	pages_forget();
}

static void channel_ready(struct loop *l, struct loop_watch *w, uint32_t events)
{
	struct signer *g = l->context;
	struct channel_msg m;
	int fds[CHANNEL_MAX];

	(void)events;
	if (channel_receive(w->fd, &m, fds) == 1)
		handle(g, &m, fds);
	else
		l->stop = true;
}

static void worker_ready(struct loop *l, struct loop_watch *w, uint32_t events)
{
	struct signer *g = l->context;
	struct tlsd_signed signed_;
	struct tlsd_sign ask;
	/* What does not fit is cut, and then its size is not told: MSG_TRUNC
	 * says how long the message was. */
	const ssize_t n =
		recv(w->fd, &ask, sizeof(ask), MSG_DONTWAIT | MSG_TRUNC);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == 0) {
		l->stop = true;
		return;
	}
	if (n != sizeof(ask)) {
		if (n > 0)
			errno = EPROTO;
		fail(g, "hear of leaves");
		return;
	}
	sign_answer(&g->s, &ask, time(NULL), loop_clock(), &signed_);
	loop_set(l, &g->queue, &g->rest, REST_MS);
	/* Who does not take answers has asked for too many. */
	if (send(w->fd, &signed_, sizeof(signed_),
		 MSG_DONTWAIT | MSG_NOSIGNAL) != sizeof(signed_))
		fail(g, "answer the worker");
}

static bool set_up(struct signer *g, const struct tlsd_ends *ends)
{
	g->channel = (struct loop_watch){ends->channel, channel_ready};
	g->worker = (struct loop_watch){ends->signer, worker_ready};
	g->rest.fire = rest;
	conf_warm_up();
	if (!key_library() || !sign_init(&g->s) || loop_open(&g->l, g) < 0)
		return false;
	loop_add_queue(&g->l, &g->queue);
	return loop_add(&g->l, &g->channel, EPOLLIN) == 0 &&
	       loop_add(&g->l, &g->worker, EPOLLIN) == 0;
}

int tlsd_signer(struct log *log, const struct tlsd_ends *ends,
		const char *(*confine)(void))
{
	struct signer g = {.log = log};
	const char *failed;

	if (!set_up(&g, ends)) {
		log_failure(log, "set up the signer");
		return 3;
	}
	failed = confine();
	if (failed)
		fail(&g, failed);
	if (!g.failed && loop_run(&g.l) < 0)
		fail(&g, "wait for events");
	sign_free(&g.s);
	loop_close(&g.l);
	return g.failed ? 3 : 0;
}

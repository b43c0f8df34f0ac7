/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tlsd_worker.c - The process that carries flows, and has no power. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"
#include "pages.h"
#include "worker.h"

/* What a new configuration must come with, or an old one have. */
#define NEEDED (1u << TLS_TCP4 | 1u << TLS_TCP6)

void worker_fail(struct worker *w, const char *what)
{
	log_failure(w->log, what);
	w->l.stop = true;
}

static void answer(struct worker *w, enum channel_type type, const char *text)
{
	if (channel_send_text(w->channel.fd, type, "%s", text) < 0)
		worker_fail(w, "answer the monitor");
}

static void drop_next(struct worker *w)
{
	const bool was_prepared = w->prepared;

	trust_drop_next(w);
	vault_drop_next(w);
	tls_state_drop(&w->next, &w->now);
	w->prepared = false;
	if (was_prepared && w->now.conf) {
		guest_pause(w, w->terminated);
		rejudge_thaw(w);
	}
}

static void take_sockets(struct worker *w, const struct channel_msg *m,
			 int fds[CHANNEL_MAX])
{
	/* The gateway's sockets are watched from the first one on. */
	for (uint32_t i = 0; w->now.conf && i < m->count; i++)
		if (m->index[i] == TLS_TCP4 || m->index[i] == TLS_TCP6)
			snprintf(w->next.given.refused,
				 sizeof(w->next.given.refused),
				 "the gateway's sockets cannot be replaced");
	given_put(&w->next.given, m, fds);
}

static bool is_ready(struct worker *w)
{
	const char *reason;

	if (!tls_state_ready(&w->next, &w->now, NEEDED) || !vault_prepare(w))
		return false;
	reason = trust_prepare(w);
	if (reason)
		snprintf(w->next.given.refused, sizeof(w->next.given.refused),
			 "%s", reason);
	return !reason;
}

static void ready(struct worker *w)
{
	w->prepared = is_ready(w);
	if (w->prepared && w->now.conf) {
		guest_pause(w, true);
		rejudge_freeze(w);
	}
	answer(w, w->prepared ? CHANNEL_OK : CHANNEL_FAILED,
	       w->next.given.refused);
	if (!w->prepared)
		drop_next(w);
}

static void commit(struct worker *w)
{
	struct tls_state old = w->now;

	if (!w->prepared) {
		answer(w, CHANNEL_FAILED, "nothing was prepared");
		return;
	}
	rejudge_reset(w);
	trust_commit(w);
	vault_commit(w);
	w->now = w->next;
	w->prepared = false;
	tls_state_init(&w->next);
	if (!old.conf && !guest_listen(w)) {
		worker_fail(w, "watch the gateway's sockets");
		return;
	}
	if (old.conf) {
		guest_pause(w, w->terminated);
		rejudge_thaw(w);
	}
	tls_state_drop(&old, &w->now);
	/* To read roots and a CA takes much that flows do without. */
	pages_forget();
	answer(w, CHANNEL_OK, "");
}

static void status(struct worker *w)
{
	const uint64_t *n = w->count;
	char text[CHANNEL_TEXT_MAX];

	snprintf(text, sizeof(text),
		 "connections %zu intercepting %zu accepted %" PRIu64
		 " spliced %" PRIu64 " intercepted %" PRIu64 " denied %" PRIu64
		 " failed %" PRIu64 " timed-out %" PRIu64 " limited %" PRIu64
		 " secrets %zu read %" PRIu64 " violations %" PRIu64
		 " crypto %s",
		 w->open, w->intercepting, n[TLS_COUNT_ACCEPTED],
		 n[TLS_COUNT_SPLICED], n[TLS_COUNT_INTERCEPTED],
		 n[TLS_COUNT_DENIED], n[TLS_COUNT_FAILED],
		 n[TLS_COUNT_TIMED_OUT], n[TLS_COUNT_LIMITED],
		 vault_secrets(w->vault).n, n[TLS_COUNT_READ],
		 n[TLS_COUNT_VIOLATIONS],
		 w->trust ? intercept_env_crypto(trust_of(w->trust)) : "none");
	answer(w, CHANNEL_STATUS, text);
}

static void handle(struct worker *w, const struct channel_msg *m,
		   int fds[CHANNEL_MAX])
{
	switch ((enum channel_type)m->type) {
	case CHANNEL_PREPARE:
		drop_next(w);
		if (m->count == 1)
			tls_state_prepare(&w->next, fds[0]);
		break;
	case CHANNEL_SOCKETS:
		take_sockets(w, m, fds);
		return;
	case CHANNEL_READY:
		ready(w);
		break;
	case CHANNEL_COMMIT:
		commit(w);
		break;
	case CHANNEL_ABORT:
		drop_next(w);
		answer(w, CHANNEL_OK, "");
		break;
	case CHANNEL_STATUS:
		status(w);
		break;
	case CHANNEL_STOP:
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
		worker_fail(w, "understand the monitor");
		break;
	}
	channel_close_fds(m, fds);
}

static void channel_ready(struct loop *l, struct loop_watch *watch,
			  uint32_t events)
{
	struct worker *w = l->context;
	struct channel_msg m;
	int fds[CHANNEL_MAX];

	(void)events;
	if (channel_receive(watch->fd, &m, fds) == 1)
		handle(w, &m, fds);
	else
		l->stop = true;
}

/* Nothing was to be done for a while: no pipe is kept. */
static void rest(struct loop *l, struct loop_timer *t)
{
	struct worker *w = l->context;

	(void)t;
	splice_pool_close(&w->pool);
}

static bool set_up(struct worker *w, const struct tlsd_ends *ends)
{
	struct loop_queue *const queues[] = {
		&w->pool_queue, &w->early, &w->hello,
		&w->connect,	&w->shake, &w->refused,
	};

	const char *reason;

	tls_state_init(&w->now);
	tls_state_init(&w->next);
	w->channel = (struct loop_watch){ends->channel, channel_ready};
	w->judge = ends->judge;
	w->spare[0] = -1;
	w->spare[1] = -1;
	w->ready_last = &w->ready;
	w->pool_timer.fire = rest;
	if (loop_open(&w->l, w) < 0)
		return false;
	w->l.idle = table_run;
	for (size_t i = 0; i < sizeof(queues) / sizeof(queues[0]); i++)
		loop_add_queue(&w->l, queues[i]);
	/* Memory that costs nothing until it is used. */
	w->room = TLS_CONNECTIONS_MAX;
	w->flow = calloc(w->room, sizeof(*w->flow));
	/* It opens a file, once. */
	w->process = intercept_process_new(ends->signer, &reason);
	return w->process && w->flow &&
	       channel_set_timeout(w->judge, TLSD_JUDGE_MS) == 0 &&
	       loop_add(&w->l, &w->channel, EPOLLIN) == 0;
}

static void take_down(struct worker *w)
{
	for (size_t i = 0; i < w->top; i++)
		if (w->flow[i].state != FLOW_FREE)
			carry_end(w, &w->flow[i], true);
	splice_pool_close(&w->pool);
	trust_drop_next(w);
	trust_commit(w);
	vault_drop_next(w);
	vault_commit(w);
	if (w->process)
		intercept_process_free(w->process);
	tls_state_drop(&w->next, &w->now);
	tls_state_drop(&w->now, NULL);
	loop_close(&w->l);
	free(w->flow);
}

int tlsd_worker(struct log *log, const struct tlsd_ends *ends,
		const char *(*confine)(void))
{
	static struct worker w;
	const char *failed = "set up the worker";
	int rc = 3;

	w.log = log;
	w.violations = *log;
	/* Whatever comes with a configuration can be closed, and none of it can
	 * be told an address (calls.h). */
	if (set_up(&w, ends) && calls_fill() == 0)
		failed = confine();
	if (failed)
		log_failure(log, failed);
	else if (loop_run(&w.l) < 0)
		log_failure(log, "wait for events");
	else
		rc = 0;
	take_down(&w);
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* carry.c - Flows: their bytes carried, and their end. */
#include <errno.h>
#include <sys/socket.h>

#include "worker.h"

/* What TLS says, before there are keys (RFC 8446 section 5.1 and 6). */
#define RECORD_ALERT 21
#define ALERT_FATAL  2

/* Whatever carried it is given up. */
static void drop_carrier(struct worker *w, struct tls_flow *f)
{
	splice_release(&w->pool, &f->pump);
	if (f->intercept) {
		intercept_end(f->intercept);
		f->intercept = NULL;
		w->intercepting--;
	}
	if (f->plain) {
		plain_end(f->plain);
		f->plain = NULL;
		w->reading--;
	}
	opening_drop(w, f);
}

void carry_end(struct worker *w, struct tls_flow *f, bool reset)
{
	flow_time(w, f, NULL, 0);
	drop_carrier(w, f);
	sockets_drop(w, f, FLOW_GUEST, reset);
	sockets_drop(w, f, FLOW_SERVER, reset);
	table_give(w, f);
}

void carry_limit(struct worker *w, struct tls_flow *f, const char *limit)
{
	event_limited(w, limit);
	carry_end(w, f, true);
}

void carry_deny(struct worker *w, struct tls_flow *f,
		const struct tlsd_answer *answer)
{
	w->count[TLS_COUNT_DENIED]++;
	event_flow(w, "denied", f, "rule", answer->pointer);
	carry_end(w, f, true);
}

/* The guest has been told; what it still says is read, and thrown away. */
static void linger(struct worker *w, struct tls_flow *f)
{
	const int fd = f->watch[FLOW_GUEST].fd;

	while (f->pump.readable[FLOW_GUEST]) {
		const ssize_t n = recv(fd, w->in, sizeof(w->in), MSG_DONTWAIT);

		if (n > 0 && f->linger < WORKER_LINGER_MAX) {
			f->linger += (uint32_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			f->pump.readable[FLOW_GUEST] = false;
		} else if (n >= 0 || errno != EINTR) {
			carry_end(w, f, n != 0);
			return;
		}
	}
}

void carry_refuse(struct worker *w, struct tls_flow *f, uint8_t alert)
{
	const int fd = f->watch[FLOW_GUEST].fd;
	/* The version is that of every first record (RFC 8446 section 5.1). */
	const uint8_t record[] = {RECORD_ALERT, 3, 1, 0, 2, ALERT_FATAL, alert};

	drop_carrier(w, f);
	sockets_drop(w, f, FLOW_SERVER, true);
	/* Nothing was sent there before: it fits, or nobody is there. */
	if ((alert && send(fd, record, sizeof(record),
			   MSG_DONTWAIT | MSG_NOSIGNAL) != sizeof(record)) ||
	    shutdown(fd, SHUT_WR) < 0) {
		carry_end(w, f, true);
		return;
	}
	f->state = FLOW_REFUSED;
	f->pump.readable[FLOW_GUEST] = true;
	flow_time(w, f, &w->refused, WORKER_LINGER_MS);
	linger(w, f);
}

/* What a turn of whatever carries it came to. */
static void conclude(struct worker *w, struct tls_flow *f,
		     enum intercept_state state)
{
	switch (state) {
	case INTERCEPT_WAIT:
		return;
	case INTERCEPT_MORE:
		table_queue(w, f);
		return;
	case INTERCEPT_DONE:
	case INTERCEPT_FAILED:
		carry_end(w, f, state == INTERCEPT_FAILED);
		return;
	case INTERCEPT_REDIAL:
		sockets_drop(w, f, FLOW_SERVER, false);
		flow_time(w, f, NULL, 0);
		f->pump.failed = false;
		f->state = FLOW_DIALLING;
		sockets_redial(w, f);
		return;
	}
}

/* Why it failed, if it did. */
static void note_failure(struct worker *w, const struct tls_flow *f,
			 const char *event, const char *why)
{
	if (!why)
		return;
	w->count[TLS_COUNT_FAILED]++;
	event_flow(w, event, f, "reason", why);
}

bool carry_pump(struct worker *w, struct tls_flow *f)
{
	static const enum intercept_state states[] = {
		[SPLICE_WAIT] = INTERCEPT_WAIT,
		[SPLICE_MORE] = INTERCEPT_MORE,
		[SPLICE_DONE] = INTERCEPT_DONE,
		[SPLICE_FAILED] = INTERCEPT_FAILED,
	};
	const enum splice_state state = splice_run(&w->pool, &f->pump);

	if (!f->pump.writable[FLOW_GUEST] && state < SPLICE_DONE &&
	    !sockets_await_guest(w, f))
		return false;
	conclude(w, f, states[state]);
	return state < SPLICE_DONE;
}

static void run_splice(struct worker *w, struct tls_flow *f)
{
	if (carry_pump(w, f) && !f->pump.head_len)
		opening_drop(w, f);
}

static void run_intercept(struct worker *w, struct tls_flow *f)
{
	const enum intercept_state state = intercept_run(f->intercept);
	const struct gate_violation *v = intercept_violation(f->intercept);
	const char *why = intercept_why(f->intercept);
	const bool open = intercept_is_open(f->intercept);
	/* A flow that was carried, and lost, is nobody's failure. */
	const bool shut = state == INTERCEPT_FAILED && !open;

	if (v) {
		violation_end(w, f, v);
		return;
	}
	if (f->queue && open)
		flow_time(w, f, NULL, 0);
	if (shut && !why)
		why = "the connection was lost";
	if (state >= INTERCEPT_DONE)
		note_failure(w, f, "intercept-failed", why);
	if (shut)
		carry_refuse(w, f, 0);
	else
		conclude(w, f, state);
}

static void run_read(struct worker *w, struct tls_flow *f)
{
	const enum intercept_state state =
		plain_run(f->plain, w->in, sizeof(w->in));
	const struct gate_violation *v = plain_violation(f->plain);

	if (v) {
		violation_end(w, f, v);
		return;
	}
	note_failure(w, f, "read-failed", plain_why(f->plain));
	conclude(w, f, state);
}

static void begin_splice(struct worker *w, struct tls_flow *f)
{
	const struct opening *o = f->opening;

	flow_time(w, f, NULL, 0);
	w->count[TLS_COUNT_SPLICED]++;
	if (o && o->hello.state == HELLO_DONE && o->hello.tls13) {
		second_begin(w, f);
		return;
	}
	if (o)
		splice_head(&f->pump, o->raw, (uint32_t)o->raw_len);
	f->state = FLOW_SPLICED;
	run_splice(w, f);
}

/* What is read, encrypted or not, takes memory; false: the flow was ended. */
static bool may_read(struct worker *w, struct tls_flow *f)
{
	if (w->intercepting + w->reading < w->now.conf->limits.intercepted)
		return sockets_await_guest(w, f);
	carry_limit(w, f, "Intercepted");
	return false;
}

static void run_shaking(struct worker *w, struct tls_flow *f)
{
	f->state = FLOW_INTERCEPTED;
	flow_time(w, f, &w->shake, w->now.conf->limits.handshake_ms);
	/* What came up before it began. */
	intercept_events(f->intercept, FLOW_GUEST, EPOLLIN | EPOLLOUT);
	intercept_events(f->intercept, FLOW_SERVER, EPOLLIN | EPOLLOUT);
	run_intercept(w, f);
}

static void begin_intercept(struct worker *w, struct tls_flow *f)
{
	const struct opening *o = f->opening;
	const struct intercept_flow i = {
		.guest = f->watch[FLOW_GUEST].fd,
		.server = f->watch[FLOW_SERVER].fd,
		.to = f->asked,
		.hello = &o->hello,
		.message = o->message,
		.rest = o->raw + o->used,
		.rest_len = o->raw_len - o->used,
		.leaf = {o->leaf, o->leaf_len},
		.secrets = vault_env(w->vault),
	};

	if (!may_read(w, f))
		return;
	if (w->trust)
		f->intercept = intercept_begin(trust_of(w->trust), &i);
	if (!f->intercept) {
		carry_limit(w, f, "memory");
		return;
	}
	opening_drop(w, f);
	w->intercepting++;
	w->count[TLS_COUNT_INTERCEPTED]++;
	run_shaking(w, f);
}

static void begin_read(struct worker *w, struct tls_flow *f)
{
	const struct opening *o = f->opening;

	if (!may_read(w, f))
		return;
	if (w->vault)
		f->plain = plain_begin(vault_env(w->vault),
				       f->watch[FLOW_GUEST].fd,
				       f->watch[FLOW_SERVER].fd,
				       o ? o->raw : NULL, o ? o->raw_len : 0);
	if (!f->plain) {
		carry_limit(w, f, "memory");
		return;
	}
	opening_drop(w, f);
	flow_time(w, f, NULL, 0);
	w->reading++;
	w->count[TLS_COUNT_READ]++;
	f->state = FLOW_READ;
	run_read(w, f);
}

static void begin_carrying(struct worker *w, struct tls_flow *f)
{
	switch ((enum tlsd_verdict)f->verdict) {
	case TLSD_DENY:
	case TLSD_WAIT:
		carry_end(w, f, true);
		return;
	case TLSD_SPLICE:
		begin_splice(w, f);
		return;
	case TLSD_INTERCEPT:
		begin_intercept(w, f);
		return;
	case TLSD_READ:
		begin_read(w, f);
		return;
	}
}

/* It is decided; what is missing is the server, or a new socket to it. */
static void run_dialling(struct worker *w, struct tls_flow *f)
{
	if (f->pump.failed) {
		carry_end(w, f, true);
	} else if (f->connected && f->intercept) {
		intercept_redial(f->intercept, f->watch[FLOW_SERVER].fd);
		run_shaking(w, f);
	} else if (f->connected) {
		begin_carrying(w, f);
	} else if (f->queue != &w->connect) {
		flow_time(w, f, &w->connect, w->now.conf->limits.connect_ms);
	}
}

void carry_run(struct worker *w, struct tls_flow *f)
{
	if (f->frozen)
		return;
	switch ((enum tls_flow_state)f->state) {
	case FLOW_FREE:
		return;
	case FLOW_READING:
		guest_read(w, f);
		return;
	case FLOW_DIALLING:
		run_dialling(w, f);
		return;
	case FLOW_GREETED:
		second_answer(w, f);
		return;
	case FLOW_RETRIED:
		second_read(w, f);
		return;
	case FLOW_SPLICED:
		run_splice(w, f);
		return;
	case FLOW_INTERCEPTED:
		run_intercept(w, f);
		return;
	case FLOW_READ:
		run_read(w, f);
		return;
	case FLOW_REFUSED:
		linger(w, f);
		return;
	}
}

static void timed_out(struct loop *l, struct loop_timer *t)
{
	struct tls_flow *f = loop_owner(t, struct tls_flow, timer);
	struct worker *w = l->context;
	const bool early = f->queue == &w->early;

	f->queue = NULL;
	if (early) {
		carry_run(w, f);
		return;
	}
	if (f->state != FLOW_REFUSED)
		w->count[TLS_COUNT_TIMED_OUT]++;
	carry_end(w, f, true);
}

bool carry_begin(struct worker *w, struct tls_flow *f, int fd)
{
	f->timer.fire = timed_out;
	splice_init(&f->pump);
	return sockets_begin(w, f, fd);
}

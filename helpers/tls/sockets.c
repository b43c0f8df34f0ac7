/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sockets.c - A flow's two sockets: watched, dialled and closed. */
#include <sys/socket.h>
#include <unistd.h>

#include "worker.h"

/* A guest takes what is sent to it, mostly: when it does not, it is asked when
 * it will. */
#define GUEST_EVENTS (SPLICE_EVENTS & ~(uint32_t)EPOLLOUT)

void sockets_drop(struct worker *w, struct tls_flow *f, enum tls_side side,
		  bool reset)
{
	struct loop_watch *watch = &f->watch[side];

	if (watch->fd < 0)
		return;
	/* The monitor may hold the socket to the server a moment longer. */
	if (side == FLOW_SERVER)
		loop_remove(&w->l, watch);
	else
		loop_forget(&w->l, watch);
	if (reset)
		splice_reset(watch->fd);
	else
		close(watch->fd);
	watch->fd = -1;
}

bool sockets_await_guest(struct worker *w, struct tls_flow *f)
{
	if (f->awaited)
		return true;
	f->awaited = loop_change(&w->l, &f->watch[FLOW_GUEST], SPLICE_EVENTS) ==
		     0;
	if (f->awaited)
		return true;
	carry_limit(w, f, "memory");
	return false;
}

static bool watch_side(struct worker *w, struct tls_flow *f, enum tls_side side,
		       int fd, uint32_t events)
{
	f->watch[side].fd = fd;
	splice_side(&f->pump, side, fd, side == FLOW_GUEST);
	if (loop_add(&w->l, &f->watch[side], events) == 0)
		return true;
	carry_limit(w, f, "memory");
	return false;
}

void sockets_redial(struct worker *w, struct tls_flow *f)
{
	struct tlsd_answer answer = {0};
	const int fd = f->condemned ? -1
				    : ask_monitor(w, f, false, true, &answer);

	if (fd >= 0 && answer.verdict == f->verdict) {
		sockets_dial(w, f, fd, &answer);
		return;
	}
	if (fd >= 0)
		close(fd);
	w->count[TLS_COUNT_FAILED]++;
	carry_end(w, f, true);
}

/* Nobody answers, or answers no: the host's other loopback address may; else
 * the guest gets the answer. */
static void try_other(struct worker *w, struct tls_flow *f)
{
	sockets_drop(w, f, FLOW_SERVER, false);
	if (f->again && !f->attempt) {
		f->attempt = 1;
		sockets_redial(w, f);
		return;
	}
	w->count[TLS_COUNT_FAILED]++;
	carry_end(w, f, true);
}

static void take_events(struct tls_flow *f, enum tls_side side, uint32_t events)
{
	splice_events(&f->pump, side, events);
	if (f->intercept)
		intercept_events(f->intercept, side, events);
	if (f->plain)
		plain_events(f->plain, side, events);
}

static void guest_ready(struct loop *l, struct loop_watch *watch,
			uint32_t events)
{
	struct tls_flow *f =
		loop_owner(watch, struct tls_flow, watch[FLOW_GUEST]);

	take_events(f, FLOW_GUEST, events);
	carry_run(l->context, f);
}

/* The server accepts, or does not. */
static void connected(struct worker *w, struct tls_flow *f, uint32_t events)
{
	int code = 0;
	socklen_t len = sizeof(code);

	/* Whoever was refused is told of an error. */
	if (events & (EPOLLERR | EPOLLHUP) &&
	    (getsockopt(f->watch[FLOW_SERVER].fd, SOL_SOCKET, SO_ERROR, &code,
			&len) < 0 ||
	     code)) {
		try_other(w, f);
		return;
	}
	f->connected = true;
	take_events(f, FLOW_SERVER, events);
	if (f->queue == &w->connect)
		flow_time(w, f, NULL, 0);
	carry_run(w, f);
}

static void server_ready(struct loop *l, struct loop_watch *watch,
			 uint32_t events)
{
	struct tls_flow *f =
		loop_owner(watch, struct tls_flow, watch[FLOW_SERVER]);

	if (f->connected) {
		take_events(f, FLOW_SERVER, events);
		carry_run(l->context, f);
	} else if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) {
		connected(l->context, f, events);
	}
}

bool sockets_begin(struct worker *w, struct tls_flow *f, int fd)
{
	f->watch[FLOW_GUEST].ready = guest_ready;
	f->watch[FLOW_SERVER].ready = server_ready;
	return watch_side(w, f, FLOW_GUEST, fd, GUEST_EVENTS);
}

bool sockets_dial(struct worker *w, struct tls_flow *f, int fd,
		  const struct tlsd_answer *answer)
{
	f->again = answer->again;
	f->connected = false;
	if (fd < 0) {
		try_other(w, f);
		return false;
	}
	splice_options(fd, false);
	if (!f->queue)
		flow_time(w, f, &w->connect, w->now.conf->limits.connect_ms);
	return watch_side(w, f, FLOW_SERVER, fd, SPLICE_EVENTS);
}

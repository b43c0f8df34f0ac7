/* SPDX-License-Identifier: GPL-2.0-or-later */
/* guest.c - Flows of the guest: accepted, and read until they can be judged. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker.h"

/* The flow that has been read for the longest gives its memory to another. */
static bool evict(struct worker *w, const struct tls_flow *but)
{
	for (struct loop_timer *t = w->hello.first; t; t = t->next) {
		struct tls_flow *f = loop_owner(t, struct tls_flow, timer);

		if (f == but || !f->opening)
			continue;
		carry_limit(w, f, "HelloBytes");
		return true;
	}
	return false;
}

/*
 * Whether what a guest sends is acknowledged at once. A ClientHello has an
 * answer soon, and the acknowledgement goes with it: listening sockets are told
 * so, and those that they accept have it from them. Who sends a part, and waits
 * for its acknowledgement before the next (Nagle), is not to wait.
 */
static void hurry(int fd, bool now)
{
	const int value = now;

	setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &value, sizeof(value));
}

bool guest_keep(struct worker *w, struct tls_flow *f, size_t len)
{
	const bool begins = !f->opening;

	while (!opening_take(w, f, w->in, len)) {
		if (evict(w, f))
			continue;
		carry_limit(w, f, "HelloBytes");
		return false;
	}
	if (begins && f->opening->hello.state != HELLO_DONE)
		hurry(f->watch[FLOW_GUEST].fd, true);
	/* Whoever has been waited for since it was accepted has no more time
	 * for having said something. */
	if (begins && f->queue != &w->hello)
		flow_time(w, f, &w->hello, w->now.conf->limits.hello_ms);
	return true;
}

bool guest_read_on(struct worker *w, struct tls_flow *f)
{
	const int fd = f->watch[FLOW_GUEST].fd;

	while (f->pump.readable[FLOW_GUEST] && !f->guest_ended &&
	       (!f->opening || f->opening->hello.state == HELLO_MORE)) {
		const ssize_t n = recv(fd, w->in, sizeof(w->in), MSG_DONTWAIT);

		if (n > 0) {
			splice_was_read(&f->pump, FLOW_GUEST,
					(size_t)n < sizeof(w->in));
			if (!guest_keep(w, f, (size_t)n))
				return false;
		} else if (n == 0) {
			f->guest_ended = true;
		} else if (errno == EAGAIN) {
			f->pump.readable[FLOW_GUEST] = false;
		} else if (errno != EINTR) {
			carry_end(w, f, true);
			return false;
		}
	}
	return true;
}

/* Whether the server speaks before the guest, or ends. */
static bool server_spoke(struct tls_flow *f)
{
	const int fd = f->watch[FLOW_SERVER].fd;
	uint8_t octet;

	if (!f->connected || f->opening || !f->pump.readable[FLOW_SERVER])
		return false;
	if (recv(fd, &octet, 1, MSG_DONTWAIT | MSG_PEEK) < 0 &&
	    (errno == EAGAIN || errno == EINTR)) {
		f->pump.readable[FLOW_SERVER] = errno == EINTR;
		return false;
	}
	return true;
}

static bool take_name(struct tls_flow *f, struct dname sni)
{
	if (!sni.len)
		return true;
	f->name = malloc(sni.len);
	if (!f->name)
		return false;
	memcpy(f->name, sni.wire, sni.len);
	f->name_len = sni.len;
	return true;
}

/* Enough is known: the monitor decides. */
static void decide(struct worker *w, struct tls_flow *f, enum tlsd_stage stage)
{
	const bool dialled = f->watch[FLOW_SERVER].fd >= 0;
	struct tlsd_answer answer;
	int fd;

	f->stage = (uint8_t)stage;
	if (stage == TLSD_HELLO && !take_name(f, f->opening->hello.sni)) {
		carry_limit(w, f, "memory");
		return;
	}
	fd = ask_monitor(w, f, false, !dialled, &answer);
	if (answer.verdict == TLSD_DENY) {
		carry_deny(w, f, &answer);
		return;
	}
	f->verdict = (uint8_t)answer.verdict;
	f->state = FLOW_DIALLING;
	if (answer.verdict == TLSD_INTERCEPT && f->opening) {
		f->opening->leaf_len = answer.leaf_len;
		memcpy(f->opening->leaf, answer.leaf, answer.leaf_len);
	} else if (answer.bypass) {
		event_flow(w, "bypass", f, "rule", answer.pointer);
	}
	if (dialled || sockets_dial(w, f, fd, &answer))
		carry_run(w, f);
}

/* Nothing is known of it. Where it may go on without a name, its server is
 * dialled, and heard; false: the flow was ended. */
static bool tell(struct worker *w, struct tls_flow *f)
{
	struct tlsd_answer answer;
	const int fd = ask_monitor(w, f, false, true, &answer);

	f->told = true;
	switch ((enum tlsd_verdict)answer.verdict) {
	case TLSD_DENY:
	case TLSD_INTERCEPT:
	case TLSD_READ:
		break;
	case TLSD_WAIT:
		flow_time(w, f, &w->hello, w->now.conf->limits.hello_ms);
		return true;
	case TLSD_SPLICE:
		f->verdict = TLSD_SPLICE;
		return sockets_dial(w, f, fd, &answer);
	}
	carry_deny(w, f, &answer);
	return false;
}

/* What was read, if anything, is not enough. */
static void read_more(struct worker *w, struct tls_flow *f)
{
	const bool silent = !f->opening;

	/* The guest has had its time, or will not say anything. */
	if (silent && !f->told && (!f->queue || f->guest_ended) && !tell(w, f))
		return;
	/* Somebody who only looked whether there is a way. */
	if (silent && f->guest_ended && f->watch[FLOW_SERVER].fd < 0)
		carry_end(w, f, false);
	/* What ends now is TLS no more than what never began. */
	else if (f->guest_ended || server_spoke(f))
		decide(w, f, TLSD_PLAIN);
}

void guest_read(struct worker *w, struct tls_flow *f)
{
	const struct hello *h;

	if (f->pump.failed) {
		carry_end(w, f, true);
		return;
	}
	if (!guest_read_on(w, f))
		return;
	h = f->opening ? &f->opening->hello : NULL;
	switch (h ? h->state : HELLO_MORE) {
	case HELLO_MORE:
		read_more(w, f);
		return;
	case HELLO_DONE:
		decide(w, f, TLSD_HELLO);
		return;
	case HELLO_PLAIN:
		decide(w, f, TLSD_PLAIN);
		return;
	case HELLO_BAD:
		w->count[TLS_COUNT_FAILED]++;
		event_flow(w, "hello-refused", f, "reason", h->why);
		carry_refuse(w, f, h->alert);
		return;
	}
}

static void begin(struct worker *w, int guest)
{
	struct tls_flow *f = table_take(w);

	if (!f) {
		event_limited(w, "Connections");
		splice_reset(guest);
		return;
	}
	w->count[TLS_COUNT_ACCEPTED]++;
	f->state = FLOW_READING;
	f->stage = TLSD_EARLY;
	f->asked = address_local(guest);
	if (carry_begin(w, f, guest))
		flow_time(w, f, &w->early, WORKER_EARLY_MS);
}

static bool take_spare(struct worker *w)
{
	if (pipe2(w->spare, O_CLOEXEC) == 0)
		return true;
	w->spare[0] = -1;
	w->spare[1] = -1;
	return false;
}

/*
 * No descriptor is left, and the connection that waits would wake us up for
 * ever: it gets the spare ones, and a reset.
 */
static void turn_away(struct worker *w, int fd)
{
	int new;

	for (int i = 0; i < 2; i++)
		if (w->spare[i] >= 0)
			close(w->spare[i]);
	new = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	if (new >= 0)
		splice_reset(new);
	take_spare(w);
	event_limited(w, "descriptors");
}

/* Events come several at a time: a guest may be behind what paused it, and
 * would be judged by what is not in force for long any more. */
static bool is_paused(const struct worker *w)
{
	return w->prepared || w->terminated;
}

static void accept_ready(struct loop *l, struct loop_watch *watch,
			 uint32_t events)
{
	struct worker *w = l->context;

	(void)events;
	for (int i = 0; i < WORKER_BATCH && !l->stop && !is_paused(w); i++) {
		const int fd = accept4(watch->fd, NULL, NULL,
				       SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && (errno == EMFILE || errno == ENFILE))
			turn_away(w, watch->fd);
		if (fd < 0)
			return;
		begin(w, fd);
		/* Where nobody else has something to do, it costs less to be
		 * told of another than to look for one. */
		if (l->n == 1)
			return;
	}
}

bool guest_listen(struct worker *w)
{
	if (!take_spare(w))
		return false;
	for (unsigned int i = 0; i < 2; i++) {
		struct loop_watch *l = &w->listener[i];

		*l = (struct loop_watch){w->now.given.fd[TLS_TCP4 + i],
					 accept_ready};
		splice_options(l->fd, true);
		hurry(l->fd, false);
		if (loop_add(&w->l, l, EPOLLIN) < 0)
			return false;
	}
	return true;
}

void guest_pause(struct worker *w, bool pause)
{
	for (unsigned int i = 0; i < 2; i++)
		loop_change(&w->l, &w->listener[i], pause ? 0 : EPOLLIN);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tcp.c - Connections: accepted, judged, connected on, pumped. */
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include "relay.h"

static void client_ready(struct loop *l, struct loop_watch *w, uint32_t events);
static void server_ready(struct loop *l, struct loop_watch *w, uint32_t events);
static void timed_out(struct loop *l, struct loop_timer *t);

static struct relay_tcp *take_place(struct relay *r)
{
	struct relay_tcp *t = r->tcp_free;

	if (r->tcp_count >= r->now.conf->connections)
		return NULL;
	if (t)
		r->tcp_free = t->next;
	else
		t = &r->tcp[r->tcp_top++];
	r->tcp_count++;
	*t = (struct relay_tcp){
		.used = true,
		.watch = {{-1, client_ready}, {-1, server_ready}},
		.timer.fire = timed_out,
	};
	return t;
}

static void enqueue(struct relay *r, struct relay_tcp *t)
{
	if (t->queued)
		return;
	t->queued = true;
	t->next = NULL;
	*r->ready_last = t;
	r->ready_last = &t->next;
}

static void dequeue(struct relay *r, struct relay_tcp *t)
{
	struct relay_tcp **at = &r->ready;

	if (!t->queued)
		return;
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	if (r->ready_last == &t->next)
		r->ready_last = at;
	t->queued = false;
}

static void drop_side(struct relay *r, struct relay_tcp *t,
		      enum relay_side side, bool reset)
{
	struct loop_watch *w = &t->watch[side];

	if (w->fd < 0)
		return;
	/* The supervisor may hold the socket to the host a moment longer. */
	if (side == RELAY_SERVER && t->flow.listener == RELAY_HOST)
		loop_remove(&r->loop, w);
	else
		loop_forget(&r->loop, w);
	if (reset)
		splice_reset(w->fd);
	else
		close(w->fd);
	w->fd = -1;
}

static void end(struct relay *r, struct relay_tcp *t, bool reset)
{
	if (reset)
		r->counts[RELAY_COUNT_RESET]++;
	loop_unset(&r->connecting, &t->timer);
	if (t->open)
		splice_release(&r->pool, &t->pump);
	drop_side(r, t, RELAY_CLIENT, reset);
	drop_side(r, t, RELAY_SERVER, reset);
	dequeue(r, t);
	t->used = false;
	t->next = r->tcp_free;
	r->tcp_free = t;
	r->tcp_count--;
}

static void run(struct relay *r, struct relay_tcp *t)
{
	if (t->flow.frozen)
		return;
	switch (splice_run(&r->pool, &t->pump)) {
	case SPLICE_WAIT:
		return;
	case SPLICE_MORE:
		enqueue(r, t);
		return;
	case SPLICE_DONE:
		end(r, t, false);
		return;
	case SPLICE_FAILED:
		end(r, t, true);
		return;
	}
}

static void opened(struct relay *r, struct relay_tcp *t, uint32_t events)
{
	loop_unset(&r->connecting, &t->timer);
	splice_init(&t->pump);
	splice_side(&t->pump, RELAY_CLIENT, t->watch[RELAY_CLIENT].fd, true);
	splice_side(&t->pump, RELAY_SERVER, t->watch[RELAY_SERVER].fd, true);
	splice_events(&t->pump, RELAY_SERVER, events);
	t->open = true;
	if (loop_add(&r->loop, &t->watch[RELAY_CLIENT], SPLICE_EVENTS) < 0)
		end(r, t, true);
	else
		run(r, t);
}

/* Connect towards the guest; -1 and errno. */
static int dial_guest(const struct relay *r, const struct relay_tcp *t)
{
	const struct relay_conf *c = r->now.conf;
	const bool v4 = t->flow.client.ip.family == IP_V4;
	const int family = v4 ? AF_INET : AF_INET6;
	const struct address guest = {v4 ? c->guest4 : c->guest6, t->flow.port};
	union address_room to;
	const socklen_t len = address_to(&guest, family, &to);
	const int fd =
		socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	splice_options(fd, true);
	if (connect(fd, &to.any, len) == 0 || errno == EINPROGRESS)
		return fd;
	close(fd);
	return -1;
}

/* Begin to connect the server's side. False: that failed at once. */
static bool dial(struct relay *r, struct relay_tcp *t)
{
	struct loop_watch *w = &t->watch[RELAY_SERVER];

	w->fd = t->flow.listener == RELAY_HOST
			? relay_ask_host(r, IPPROTO_TCP,
					 t->flow.asked.ip.family, t->family,
					 t->flow.port)
			: dial_guest(r, t);
	if (w->fd < 0)
		return false;
	if (loop_add(&r->loop, w, SPLICE_EVENTS) == 0)
		return true;
	close(w->fd);
	w->fd = -1;
	return false;
}

/* Nobody answers, or answers no: the other loopback address of the host may;
 * else the client gets the answer. */
static void refused(struct relay *r, struct relay_tcp *t)
{
	drop_side(r, t, RELAY_SERVER, false);
	while (t->flow.listener == RELAY_HOST && t->family == IP_V4) {
		t->family = IP_V6;
		if (dial(r, t))
			return;
	}
	r->counts[RELAY_COUNT_REFUSED]++;
	end(r, t, true);
}

static void timed_out(struct loop *l, struct loop_timer *timer)
{
	struct relay_tcp *t = loop_owner(timer, struct relay_tcp, timer);
	struct relay *r = l->context;

	r->counts[RELAY_COUNT_REFUSED]++;
	end(r, t, true);
}

static void client_ready(struct loop *l, struct loop_watch *w, uint32_t events)
{
	struct relay_tcp *t =
		loop_owner(w, struct relay_tcp, watch[RELAY_CLIENT]);

	splice_events(&t->pump, RELAY_CLIENT, events);
	run(l->context, t);
}

static void server_ready(struct loop *l, struct loop_watch *w, uint32_t events)
{
	struct relay_tcp *t =
		loop_owner(w, struct relay_tcp, watch[RELAY_SERVER]);
	struct relay *r = l->context;
	int code = 0;
	socklen_t len = sizeof(code);

	if (t->open) {
		splice_events(&t->pump, RELAY_SERVER, events);
		run(r, t);
		return;
	}
	if (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
		return;
	if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &code, &len) < 0 || code)
		refused(r, t);
	else
		opened(r, t, events);
}

/* What the flow is, from the socket that was accepted. False: it is none that
 * should have come here. */
static bool identify(const struct relay *r, int fd, uint32_t listener,
		     struct relay_flow *f)
{
	const struct relay_conf *c = r->now.conf;

	f->listener = listener;
	if (listener != RELAY_HOST) {
		const struct config_binding *b =
			&c->listeners[listener].binding;

		f->port = b->guest_port;
		f->asked = (struct address){b->bind, b->host_port};
		/* Bound to any address: then the socket knows which. */
		if (!b->bind.num)
			f->asked = address_local(fd);
		return address_is_loopback(f->asked.ip);
	}
	f->asked = address_local(fd);
	f->port = f->asked.port;
	return ip_equal(f->asked.ip, c->gw4) || ip_equal(f->asked.ip, c->gw6);
}

static void begin(struct relay *r, int fd, struct relay_flow *f)
{
	struct relay_tcp *t;

	if (!relay_judge(r->now.conf, r->now.conf, f, IPPROTO_TCP)) {
		relay_count_denied(r, f, IPPROTO_TCP);
		splice_reset(fd);
		return;
	}
	t = take_place(r);
	if (!t) {
		relay_count_limited(r, "Connections");
		splice_reset(fd);
		return;
	}
	r->counts[RELAY_COUNT_ACCEPTED]++;
	t->flow = *f;
	t->family = IP_V4;
	t->watch[RELAY_CLIENT].fd = fd;
	loop_set(&r->loop, &r->connecting, &t->timer, r->now.conf->connect_ms);
	if (!dial(r, t))
		refused(r, t);
}

/*
 * No descriptor is left, and the connection that waits would wake us up for
 * ever: it gets the spare one, and a reset.
 */
static void turn_away(struct relay *r, int fd)
{
	int new;

	close(r->spare);
	new = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	if (new >= 0)
		splice_reset(new);
	r->spare = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	relay_count_limited(r, "descriptors");
}

void relay_tcp_accept(struct relay *r, int fd, uint32_t listener)
{
	for (int i = 0; i < RELAY_BATCH; i++) {
		union address_room from = {0};
		struct relay_flow f = {0};
		socklen_t len = sizeof(from);
		const int new = accept4(fd, &from.any, &len,
					SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (new < 0 && (errno == EMFILE || errno == ENFILE))
			turn_away(r, fd);
		if (new < 0)
			return;
		f.client = address_from(&from);
		if (identify(r, new, listener, &f))
			begin(r, new, &f);
		else
			splice_reset(new);
	}
}

bool relay_tcp_run(struct loop *l)
{
	struct relay *r = l->context;
	struct relay_tcp *t = r->ready;

	/* Whoever has more to do again waits for the next time. */
	r->ready = NULL;
	r->ready_last = &r->ready;
	while (t) {
		struct relay_tcp *next = t->next;

		t->queued = false;
		run(r, t);
		t = next;
	}
	if (r->pool.n)
		loop_set(l, &r->pool_queue, &r->pool_timer, RELAY_POOL_MS);
	return r->ready != NULL;
}

void relay_tcp_rest(struct loop *l, struct loop_timer *t)
{
	struct relay *r = l->context;

	(void)t;
	splice_pool_close(&r->pool);
}

void relay_tcp_freeze(struct relay *r)
{
	for (size_t i = 0; i < r->tcp_top; i++) {
		struct relay_tcp *t = &r->tcp[i];

		if (t->used)
			t->flow.frozen = !relay_judge(r->next.conf, r->now.conf,
						      &t->flow, IPPROTO_TCP);
	}
}

void relay_tcp_thaw(struct relay *r)
{
	for (size_t i = 0; i < r->tcp_top; i++) {
		struct relay_tcp *t = &r->tcp[i];

		if (!t->used || !t->flow.frozen)
			continue;
		t->flow.frozen = false;
		if (t->open)
			run(r, t);
	}
}

void relay_tcp_commit(struct relay *r, const struct relay_conf *to)
{
	for (size_t i = 0; i < r->tcp_top; i++) {
		struct relay_tcp *t = &r->tcp[i];

		if (!t->used)
			continue;
		if (t->flow.frozen)
			end(r, t, true);
		else
			relay_relocate(r->now.conf, to, &t->flow);
	}
}

void relay_tcp_close_all(struct relay *r)
{
	for (size_t i = 0; i < r->tcp_top; i++)
		if (r->tcp[i].used)
			end(r, &r->tcp[i], true);
}

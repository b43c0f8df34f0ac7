/* SPDX-License-Identifier: GPL-2.0-or-later */
/* guest_tcp.c - Connections of the guest: many queries, answers in any order.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "worker.h"

/* What the kernel keeps for a guest that does not read: more, and the
 * connection is closed. The longest answer fits. */
#define SEND_BUFFER (128 << 10)

/* The number of a connection, as the resolver has it: never 0. */
#define NUMBER(generation, place) ((generation)*GUEST_CONNECTIONS + (place))

static void close_connection(struct worker *w, struct guest_tcp *c)
{
	if (!c->open)
		return;
	loop_unset(&w->idle, &c->idle);
	loop_remove(&w->l, &c->watch);
	close(c->watch.fd);
	c->open = false;
	w->n_tcp--;
}

static void fire_idle(struct loop *l, struct loop_timer *t)
{
	close_connection(l->context, loop_owner(t, struct guest_tcp, idle));
}

static void set_paused(struct worker *w, struct guest_tcp *c, bool paused)
{
	if (c->paused == paused)
		return;
	c->paused = paused;
	loop_change(&w->l, &c->watch, paused ? 0 : EPOLLIN);
}

/* Ask what is there. Return: false if the connection is to be closed. */
static bool take_messages(struct worker *w, struct guest_tcp *c)
{
	const struct client client = {
		.connection = NUMBER(c->generation, (uint64_t)(c - w->tcp)),
		.from = c->from,
		.to = c->to,
	};
	size_t at = 0;
	bool good = true;

	while (good && c->have - at >= 2 && c->pending < GUEST_PENDING) {
		const size_t len = packet_get16(c->data + at);

		if (len < PACKET_HEADER || len > GUEST_QUERY_MAX) {
			good = false;
			break;
		}
		if (c->have - at - 2 < len)
			break;
		c->pending++;
		loop_set(&w->l, &w->idle, &c->idle, GUEST_IDLE_MS);
		good = resolver_query(&w->r, &client, c->data + at + 2, len);
		/* Its answer may have closed it. */
		if (!c->open)
			return true;
		at += 2 + len;
	}
	memmove(c->data, c->data + at, c->have - at);
	c->have -= at;
	set_paused(w, c, c->pending >= GUEST_PENDING || c->ended);
	return good && (!c->ended || c->pending);
}

static void ready(struct loop *l, struct loop_watch *watch, uint32_t events)
{
	struct guest_tcp *c = loop_owner(watch, struct guest_tcp, watch);
	struct worker *w = l->context;
	ssize_t n;

	if (events & (EPOLLERR | EPOLLHUP)) {
		close_connection(w, c);
		return;
	}
	n = recv(watch->fd, c->data + c->have, sizeof(c->data) - c->have,
		 MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		c->have += (size_t)n;
	else if (n == 0)
		c->ended = true;
	if (n < 0 || !take_messages(w, c))
		close_connection(w, c);
}

static struct guest_tcp *free_place(struct worker *w)
{
	/* The queue is in the order of what was said last. */
	if (w->n_tcp == GUEST_CONNECTIONS && w->idle.first)
		close_connection(
			w, loop_owner(w->idle.first, struct guest_tcp, idle));
	for (size_t i = 0; i < GUEST_CONNECTIONS; i++)
		if (!w->tcp[i].open)
			return &w->tcp[i];
	return NULL;
}

static void accept_one(struct worker *w, int fd, const union address_room *from)
{
	struct guest_tcp *c = free_place(w);
	const int room = SEND_BUFFER;

	if (!c) {
		close(fd);
		return;
	}
	c->generation++;
	c->open = true;
	c->from = address_from(from);
	c->to = address_local(fd).ip;
	c->pending = 0;
	c->ended = false;
	c->paused = false;
	c->more = false;
	c->have = 0;
	c->watch = (struct loop_watch){fd, ready};
	c->idle.fire = fire_idle;
	w->n_tcp++;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	loop_set(&w->l, &w->idle, &c->idle, GUEST_IDLE_MS);
	if (!c->to.family || loop_add(&w->l, &c->watch, EPOLLIN) < 0)
		close_connection(w, c);
}

static void accept_ready(struct loop *l, struct loop_watch *watch,
			 uint32_t events)
{
	(void)events;
	for (int i = 0; i < GUEST_BATCH; i++) {
		union address_room from = {0};
		socklen_t len = sizeof(from);
		const int fd = accept4(watch->fd, &from.any, &len,
				       SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		accept_one(l->context, fd, &from);
	}
}

bool guest_tcp_open(struct worker *w, unsigned int which, int fd)
{
	w->listener[which] = (struct loop_watch){fd, accept_ready};
	return loop_add(&w->l, &w->listener[which], EPOLLIN) == 0;
}

void guest_tcp_answer(struct worker *w, const struct client *client,
		      const uint8_t *data, size_t len)
{
	struct guest_tcp *c = &w->tcp[client->connection % GUEST_CONNECTIONS];
	uint8_t length[2];
	struct iovec iov[] = {{length, 2}, {(void *)(uintptr_t)data, len}};

	if (!c->open || c->generation != client->connection / GUEST_CONNECTIONS)
		return;
	packet_set16(length, (unsigned int)len);
	c->pending--;
	if (writev(c->watch.fd, iov, 2) != (ssize_t)(2 + len)) {
		close_connection(w, c);
		return;
	}
	/* What was read already may be asked: not now, for the resolver is on
	 * its way through those who wait for the same. */
	c->more = true;
	w->more_tcp = true;
}

void guest_tcp_run(struct worker *w)
{
	if (!w->more_tcp)
		return;
	w->more_tcp = false;
	for (size_t i = 0; i < GUEST_CONNECTIONS; i++) {
		struct guest_tcp *c = &w->tcp[i];

		if (!c->open || !c->more)
			continue;
		c->more = false;
		if (!take_messages(w, c))
			close_connection(w, c);
	}
}

void guest_tcp_close_all(struct worker *w)
{
	for (size_t i = 0; i < GUEST_CONNECTIONS; i++)
		close_connection(w, &w->tcp[i]);
}

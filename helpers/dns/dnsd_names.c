/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dnsd_names.c - The monitor's sockets for name servers that have names. */
#include "dnsd_names.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dnsd.h"

/* Datagrams that are read before others have their turn. */
#define BATCH 4

int dnsd_connect(const struct address *to, bool stream)
{
	const int family = to->ip.family == IP_V4 ? AF_INET : AF_INET6;
	union address_room room;
	const socklen_t len = address_to(to, family, &room);
	const int fd = socket(family,
			      (stream ? SOCK_STREAM : SOCK_DGRAM) |
				      SOCK_NONBLOCK | SOCK_CLOEXEC,
			      0);

	if (fd < 0)
		return -1;
	if (connect(fd, &room.any, len) == 0 || errno == EINPROGRESS)
		return fd;
	close(fd);
	return -1;
}

static void close_watch(struct loop *l, struct loop_watch *w)
{
	if (w->fd < 0)
		return;
	loop_forget(l, w);
	close(w->fd);
	w->fd = -1;
}

static struct loop_watch *watch_of(struct lookups *all, const struct lookup *l)
{
	struct dnsd_names *n = all->context;

	return &n->socket[lookups_number(all, l)].watch;
}

static bool io_ask(struct lookups *all, const struct lookup *l,
		   const struct address *to)
{
	struct loop_watch *w = watch_of(all, l);

	w->fd = dnsd_connect(to, false);
	if (w->fd < 0)
		return false;
	if (send(w->fd, l->query, l->len, MSG_DONTWAIT | MSG_NOSIGNAL) ==
		    (ssize_t)l->len &&
	    loop_add(all->loop, w, EPOLLIN) == 0)
		return true;
	close_watch(all->loop, w);
	return false;
}

static void io_drop(struct lookups *all, const struct lookup *l)
{
	close_watch(all->loop, watch_of(all, l));
}

static uint16_t io_random(struct lookups *all)
{
	uint16_t id;

	(void)all;
	/* Without chance there is no defence against forged answers. */
	if (getrandom(&id, sizeof(id), 0) != sizeof(id))
		abort();
	return id;
}

/* The worker is told, and what it asks for is held against the same. */
static void io_changed(struct lookups *all)
{
	struct channel_msg m = {.type = CHANNEL_SOCKETS};
	const struct dnsd_names *n = all->context;
	struct dns_servers *now = &n->now->servers, next;
	bool same;

	lookups_servers(all, &next);
	same = next.n == now->n;
	for (size_t i = 0; same && i < next.n; i++)
		same = address_equal(&next.v[i], &now->v[i]);
	if (same)
		return;
	*now = next;
	m.index[DNSD_SERVERS_COUNT] = (uint32_t)next.n;
	for (size_t i = 0; i < next.n; i++)
		dnsd_address_to(
			&next.v[i],
			&m.index[DNSD_SERVERS_FIRST + i * DNSD_ADDRESS]);
	/* One that is gone is noticed by its own event. */
	(void)!channel_send(n->worker, &m, NULL);
}

static const struct lookup_io io = {
	.ask = io_ask,
	.drop = io_drop,
	.random = io_random,
	.changed = io_changed,
};

static void ready(struct loop *l, struct loop_watch *w, uint32_t events)
{
	const struct names_socket *s =
		loop_owner(w, struct names_socket, watch);
	struct dnsd_names *n = s->names;
	const size_t which = (size_t)(s - n->socket);
	uint8_t buf[LOOKUP_REPLY_MAX];
	ssize_t len;

	(void)l;
	(void)events;
	/* What is read may have the socket closed, and another one made. */
	for (int i = 0, fd = w->fd; i < BATCH && w->fd == fd; i++) {
		len = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (len < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (len < 0)
			lookups_failed(&n->all, which);
		else
			lookups_answered(&n->all, which, buf, (size_t)len);
	}
}

void dnsd_names_open(struct dnsd_names *n, struct loop *l,
		     struct dns_state *now, int worker)
{
	lookups_open(&n->all, &io, l, n);
	n->now = now;
	n->worker = worker;
	for (size_t i = 0; i < LOOKUPS; i++)
		n->socket[i] = (struct names_socket){{-1, ready}, n};
}

void dnsd_names_configure(struct dnsd_names *n)
{
	char text[DNS_RESOLV_MAX + 1];

	dns_state_text(n->now, text);
	lookups_configure(&n->all, n->now->conf, text);
	io_changed(&n->all);
}

void dnsd_names_close(struct dnsd_names *n)
{
	/* It was never opened. */
	if (!n->now)
		return;
	for (size_t i = 0; i < LOOKUPS; i++)
		close_watch(n->all.loop, &n->socket[i].watch);
}

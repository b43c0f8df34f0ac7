/* SPDX-License-Identifier: GPL-2.0-or-later */
/* broker.c - Sockets of the host's namespace, for a worker that has none.
 *
 * A worker says protocol and port, never an address: it gets a socket that is
 * connected to the host's loopback, to a port that the policy lets the guest
 * reach, or none. Even a worker that is taken over reaches nothing else.
 */
#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#include "address.h"
#include "supervisor.h"

static bool is_sane(const struct channel_msg *m)
{
	const uint32_t *n = m->index;

	return (n[CHANNEL_PROTO] == IPPROTO_TCP ||
		n[CHANNEL_PROTO] == IPPROTO_UDP) &&
	       (n[CHANNEL_GUEST_FAMILY] == IP_V4 ||
		n[CHANNEL_GUEST_FAMILY] == IP_V6) &&
	       (n[CHANNEL_HOST_FAMILY] == IP_V4 ||
		n[CHANNEL_HOST_FAMILY] == IP_V6) &&
	       n[CHANNEL_PORT] > 0 && n[CHANNEL_PORT] <= UINT16_MAX;
}

/* Whether the policy in force allows it; and the one being prepared, if the
 * worker was told to let stand still what that forbids. */
static bool is_allowed(const struct supervisor *s, const struct channel_msg *m)
{
	const int proto = (int)m->index[CHANNEL_PROTO];
	const enum ip_family family =
		m->index[CHANNEL_GUEST_FAMILY] == IP_V4 ? IP_V4 : IP_V6;
	const uint16_t port = (uint16_t)m->index[CHANNEL_PORT];

	return s->now.sockets.conf &&
	       relay_conf_host(s->now.sockets.conf, proto, family, port) &&
	       (!s->ready || !s->next.sockets.conf ||
		relay_conf_host(s->next.sockets.conf, proto, family, port));
}

/* A socket that is connected, or about to be; -1 and errno. */
static int dial(const struct channel_msg *m)
{
	const bool v4 = m->index[CHANNEL_HOST_FAMILY] == IP_V4;
	const int family = v4 ? AF_INET : AF_INET6;
	const int type = m->index[CHANNEL_PROTO] == IPPROTO_TCP ? SOCK_STREAM
								: SOCK_DGRAM;
	const struct address to = {
		v4 ? ip4(127, 0, 0, 1) : (struct ip){IP_V6, 1},
		(uint16_t)m->index[CHANNEL_PORT],
	};
	union address_room room;
	const socklen_t len = address_to(&to, family, &room);
	const int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int code;

	if (fd < 0)
		return -1;
	if (connect(fd, &room.any, len) == 0 || errno == EINPROGRESS)
		return fd;
	code = errno;
	close(fd);
	errno = code;
	return -1;
}

/* False: the worker does not take its answer. */
static bool serve(struct supervisor *s, const struct channel_msg *m)
{
	struct channel_msg answer = {.type = CHANNEL_REFUSED};
	int fd = -1;
	bool ok;

	if (!is_allowed(s, m)) {
		s->forbidden++;
		answer.index[0] = EACCES;
	} else {
		fd = dial(m);
		if (fd >= 0) {
			s->connected++;
			answer.type = CHANNEL_CONNECTED;
			answer.count = 1;
		} else {
			answer.index[0] = (uint32_t)errno;
		}
	}
	ok = channel_send(s->broker.fd, &answer, &fd) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

void broker_ready(struct loop *l, struct loop_watch *w, uint32_t events)
{
	struct supervisor *s = l->context;
	struct channel_msg m;
	int fds[CHANNEL_MAX];
	const int rc = channel_receive(w->fd, &m, fds);

	(void)events;
	if (rc < 0 && errno == EAGAIN)
		return;
	if (rc == 1 && m.type == CHANNEL_CONNECT && !m.count && is_sane(&m) &&
	    serve(s, &m))
		return;
	if (rc == 1)
		channel_close_fds(&m, fds);
	/* It is dead, or not what we started. */
	loop_remove(l, w);
	monitor_kill(&s->worker);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* broker.c - Sockets of the host's namespace, for a worker that has none.
 *
 * A worker says protocol and port, never an address: it gets a socket that is
 * connected to the host's loopback, to a port that the policy lets the guest
 * reach, or none. A worker that is taken over has no connection to anything
 * else.
 *
 * A port that a sandbox publishes there is not meant: what such a socket sends
 * is marked by its time to live before it is connected, and the sockets of
 * published ports do not take what has that mark.
 */
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <unistd.h>

#include "address.h"
#include "splice.h"
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

	return s->helper->may_connect(&s->now, proto, family, port) &&
	       (!s->ready ||
		s->helper->may_connect(&s->next, proto, family, port));
}

/*
 * Once the worker has it, a socket can be connected anew, to anything. So it is
 * bound to the loopback's device, and has a filter, which is locked, that takes
 * packets from the one port to a loopback address alone: no connection to
 * another comes about, and no answer from there is heard. What cannot be helped
 * is a datagram that is sent elsewhere, for a socket of UDP loses its device
 * when it is connected anew.
 */
static bool keep_to_port(int fd, uint16_t port)
{
	static const char device[] = "lo";
	struct sock_filter v[] = {
		/* The source port, of TCP as of UDP. */
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 0, 13),
		/* The destination: 127.0.0.0/8 or ::1. */
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)SKF_NET_OFF + 0),
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 4, 0, 2),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)SKF_NET_OFF + 16),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 127, 9, 8),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_NET_OFF + 24),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 6),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_NET_OFF + 28),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_NET_OFF + 32),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_NET_OFF + 36),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	const struct sock_fprog filter = {sizeof(v) / sizeof(v[0]), v};
	const int on = 1;

	return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device,
			  sizeof(device)) == 0 &&
	       setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter,
			  sizeof(filter)) == 0 &&
	       setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on)) == 0;
}

static bool mark(int fd, int family)
{
	const int hops = CHANNEL_HOPS;

	if (family == AF_INET)
		return setsockopt(fd, IPPROTO_IP, IP_TTL, &hops,
				  sizeof(hops)) == 0;
	return setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops,
			  sizeof(hops)) == 0;
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
	if (type == SOCK_STREAM)
		splice_options(fd, true);
	if (keep_to_port(fd, to.port) && mark(fd, family) &&
	    (connect(fd, &room.any, len) == 0 || errno == EINPROGRESS))
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

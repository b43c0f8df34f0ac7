/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tlsd_flows.c - What the worker asks of flows, judged and dialled for. */
#include "tlsd_monitor.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dial.h"
#include "host_socket.h"
#include "judge.h"
#include "tls_pins.h"
#include "tlsd.h"
#include "tlsd_parts.h"

static int dial_host(struct monitor_ctx *m, const struct tlsd_ask *ask,
		     struct tlsd_answer *reply)
{
	bool broken = false;
	int fd;

	reply->again = !ask->attempt;
	fd = host_socket(m->broker, IPPROTO_TCP,
			 ask->family == IP_V4 ? IP_V4 : IP_V6,
			 ask->attempt ? IP_V6 : IP_V4, ask->port, &broken);
	if (broken)
		tlsd_monitor_fail(m, "hear of the supervisor");
	return fd;
}

static int dial_for(struct monitor_ctx *m, const struct tlsd_ask *ask,
		    struct tlsd_answer *reply)
{
	const struct tls_conf *c = m->now.conf;
	const struct address to = {judge_address(ask), ask->port};
	int fd = -1;

	if (walk_conf_is_gateway(&c->walk, to.ip))
		fd = dial_host(m, ask, reply);
	else if (ask->attempt)
		errno = ECONNREFUSED;
	else
		fd = dial(c, &to, ask->stage == TLSD_HELLO);
	if (fd < 0)
		reply->error = errno ? errno : EIO;
	m->dialled += fd >= 0;
	m->undialled += fd < 0;
	return fd;
}

static void judge_by(struct monitor_ctx *m, const struct tls_conf *c,
		     const struct tlsd_ask *ask, struct tlsd_answer *ret)
{
	struct tls_pins pins = {
		.fd = m->now.given.fd[TLS_NETLINK],
		.loaded = m->now.conf,
	};
	const struct judge j = {c, tls_pins_get, &pins};

	judge_flow(&j, ask, ret);
}

/* False: that is nothing that our worker would ask. */
static bool judge_one(struct monitor_ctx *m, const struct tlsd_ask *ask,
		      struct tlsd_answer *ret)
{
	struct tlsd_answer other;

	if (!judge_is_sane(ask) || !m->now.conf || (ask->next && !m->ready))
		return false;
	judge_by(m, ask->next ? m->next.conf : m->now.conf, ask, ret);
	/* A flow that begins now has to be one of the next policy's as well:
	 * nobody looks at it again. */
	if (!ask->next && m->ready) {
		judge_by(m, m->next.conf, ask, &other);
		judge_stricter(ret, &other);
	}
	return true;
}

static bool send_answer(int to, const struct tlsd_answer *a, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {(void *)(uintptr_t)a, sizeof(*a)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd >= 0) {
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
		m.msg_control = control.room;
		m.msg_controllen = CMSG_SPACE(sizeof(fd));
	}
	return sendmsg(to, &m, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(*a);
}

/* The worker waits for its answer before it asks another. */
void tlsd_monitor_judge_ready(struct loop *l, struct loop_watch *w,
			      uint32_t events)
{
	struct monitor_ctx *m = l->context;
	struct tlsd_answer reply;
	struct tlsd_ask ask;
	const ssize_t n =
		recv(w->fd, &ask, sizeof(ask), MSG_DONTWAIT | MSG_TRUNC);
	int fd = -1;
	bool ok;

	(void)events;
	if (n < 0 && errno == EAGAIN)
		return;
	if (!n) {
		tlsd_monitor_child_ended(m);
		return;
	}
	errno = EPROTO;
	if (n != sizeof(ask) || !judge_one(m, &ask, &reply)) {
		tlsd_monitor_fail(m, "understand the worker");
		return;
	}
	if (ask.dial && reply.verdict >= TLSD_SPLICE)
		fd = dial_for(m, &ask, &reply);
	ok = send_answer(w->fd, &reply, fd);
	if (fd >= 0)
		close(fd);
	if (!ok)
		tlsd_monitor_fail(m, "answer the worker");
	/* It is at work. */
	if (m->done)
		loop_set(&m->l, &m->patience, &m->timer, TLSD_CHILD_MS);
}

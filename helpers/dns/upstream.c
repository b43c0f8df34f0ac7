/* SPDX-License-Identifier: GPL-2.0-or-later */
/* upstream.c - The worker's sockets to name servers. */
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker.h"

static bool is_stream(unsigned int port)
{
	return port >= PORT_STREAM;
}

static uint8_t *stream_in(struct worker *w, unsigned int port)
{
	return w->stream_in + (size_t)(port - PORT_STREAM) * STREAM_BYTES;
}

void upstream_open(struct resolver *r, unsigned int port)
{
	struct worker *w = r->context;
	struct channel_msg m = {.type = CHANNEL_CONNECT};
	const struct address *to;
	int index;

	to = resolver_port_server(r, port, &index);
	m.index[DNSD_OPEN_PORT] = port;
	m.index[DNSD_OPEN_STREAM] = is_stream(port);
	dnsd_address_to(to, &m.index[DNSD_OPEN_TO]);
	if (channel_send(w->broker.fd, &m, NULL) < 0)
		worker_fail(w, "ask for a socket");
	else
		w->upstream[port].asked++;
}

/* Nobody waits for what would come to a socket. */
static void unqueue(struct upstream_queue *q, unsigned int port)
{
	for (unsigned int i = 0; i < q->n; i++)
		if (q->port[i] == port)
			q->port[i] = PORT_COUNT;
}

void upstream_close(struct resolver *r, unsigned int port)
{
	struct worker *w = r->context;
	struct upstream *u = &w->upstream[port];

	unqueue(&w->queue, port);
	if (u->watch.fd >= 0) {
		loop_remove(&w->l, &u->watch);
		close(u->watch.fd);
		u->watch.fd = -1;
	} else {
		u->drop = u->asked;
	}
}

bool upstream_send(struct resolver *r, unsigned int port, const uint8_t *data,
		   size_t len)
{
	struct worker *w = r->context;
	struct upstream_queue *q = &w->queue;
	struct stream *s;

	if (!is_stream(port)) {
		memcpy(q->data[q->n], data, len);
		q->len[q->n] = len;
		q->port[q->n++] = port;
		if (q->n == UPSTREAM_QUEUE)
			upstream_flush(w);
		return true;
	}
	s = &w->stream[port - PORT_STREAM];
	packet_set16(s->out, (unsigned int)len);
	memcpy(s->out + 2, data, len);
	s->out_len = 2 + len;
	s->out_at = 0;
	s->in_len = 0;
	/* It is written where it became writable. */
	return true;
}

/* Send what is in the queue, and empty it. One call a datagram: calls that send
 * several can tell each where to go, which these sockets must not (calls.h).
 * One behind the other they find their receiver awake. Return: how many sockets
 * failed; these are in @ret_failed. */
static unsigned int send_queue(struct worker *w,
			       unsigned int ret_failed[UPSTREAM_QUEUE])
{
	struct upstream_queue *q = &w->queue;
	unsigned int n = 0;

	for (unsigned int i = 0; i < q->n; i++) {
		const unsigned int port = q->port[i];

		if (port == PORT_COUNT ||
		    send(w->upstream[port].watch.fd, q->data[i], q->len[i],
			 MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			continue;
		/* What the kernel has no room for is lost, as datagrams are. */
		if (errno == EAGAIN || errno == ENOBUFS)
			continue;
		unqueue(q, port);
		ret_failed[n++] = port;
	}
	q->n = 0;
	return n;
}

void upstream_flush(struct worker *w)
{
	unsigned int failed[UPSTREAM_QUEUE];

	/* Whoever waits at a socket that has failed asks another server: that
	 * is in the queue then. */
	while (w->queue.n) {
		const unsigned int n = send_queue(w, failed);

		for (unsigned int i = 0; i < n; i++)
			resolver_failed(&w->r, failed[i]);
	}
}

static void datagrams_ready(struct worker *w, unsigned int port)
{
	const int fd = w->upstream[port].watch.fd;
	struct mmsghdr m[UPSTREAM_BATCH] = {0};
	struct iovec iov[UPSTREAM_BATCH];
	int n;

	for (unsigned int i = 0; i < UPSTREAM_BATCH; i++) {
		iov[i] = (struct iovec){w->datagram[i], QUERY_ANSWER_UDP};
		m[i].msg_hdr.msg_iov = &iov[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	n = recvmmsg(fd, m, UPSTREAM_BATCH, MSG_DONTWAIT, NULL);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		resolver_failed(&w->r, port);
	/* A socket that is closed on the way has nobody who waits at it. */
	for (int i = 0; i < n; i++)
		if (!(m[i].msg_hdr.msg_flags & MSG_TRUNC))
			resolver_answered(&w->r, port, w->datagram[i],
					  m[i].msg_len, QUERY_ANSWER_UDP);
}

/* Send what is left of the query. Return: false if the stream has failed. */
static bool stream_write(struct worker *w, unsigned int port)
{
	struct upstream *u = &w->upstream[port];
	struct stream *s = &w->stream[port - PORT_STREAM];
	ssize_t n __attribute__((unused));

	if (s->out_at == s->out_len)
		return true;
	n = send(u->watch.fd, s->out + s->out_at, s->out_len - s->out_at,
		 MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	s->out_at += (size_t)n;
	if (s->out_at == s->out_len)
		return loop_change(&w->l, &u->watch, EPOLLIN) == 0;
	return true;
}

/* Read what there is of the answer, and deliver it when it is whole. */
static bool stream_read(struct worker *w, unsigned int port)
{
	struct upstream *u = &w->upstream[port];
	struct stream *s = &w->stream[port - PORT_STREAM];
	uint8_t *in = stream_in(w, port);
	const ssize_t n = recv(u->watch.fd, in + s->in_len,
			       STREAM_BYTES - s->in_len, MSG_DONTWAIT);
	size_t len;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	s->in_len += (size_t)n;
	if (s->in_len < 2)
		return true;
	len = packet_get16(in);
	if (s->in_len - 2 < len)
		return true;
	s->in_len = 0;
	resolver_answered(&w->r, port, in + 2, len, len);
	return true;
}

static void stream_ready(struct worker *w, unsigned int port, uint32_t events)
{
	struct upstream *u = &w->upstream[port];
	int error = 0;
	socklen_t len = sizeof(error);
	bool good = true;

	if (!u->connected) {
		if (getsockopt(u->watch.fd, SOL_SOCKET, SO_ERROR, &error,
			       &len) < 0 ||
		    error) {
			resolver_failed(&w->r, port);
			return;
		}
		u->connected = true;
		resolver_opened(&w->r, port);
	}
	if (u->watch.fd >= 0 && events & EPOLLOUT)
		good = stream_write(w, port);
	if (good && u->watch.fd >= 0 && events & EPOLLIN)
		good = stream_read(w, port);
	if (!good || (events & (EPOLLERR | EPOLLHUP) && !(events & EPOLLIN) &&
		      u->watch.fd >= 0))
		resolver_failed(&w->r, port);
}

static void ready(struct loop *l, struct loop_watch *watch, uint32_t events)
{
	struct worker *w = l->context;
	const struct upstream *u = loop_owner(watch, struct upstream, watch);
	const unsigned int port = (unsigned int)(u - w->upstream);

	if (is_stream(port))
		stream_ready(w, port, events);
	else
		datagrams_ready(w, port);
}

void upstream_brokered(struct loop *l, struct loop_watch *watch,
		       uint32_t events)
{
	struct worker *w = l->context;
	int fds[CHANNEL_MAX], fd;
	struct channel_msg m;
	struct upstream *u;
	unsigned int port;

	(void)events;
	/* The monitor is gone. */
	if (channel_receive(watch->fd, &m, fds) != 1) {
		l->stop = true;
		return;
	}
	port = m.index[DNSD_OPEN_PORT];
	fd = m.count ? fds[0] : -1;
	u = port < PORT_COUNT ? &w->upstream[port] : NULL;
	if (!u || !u->asked || m.count > 1) {
		channel_close_fds(&m, fds);
		worker_fail(w, "understand the monitor");
		return;
	}
	u->asked--;
	if (u->drop) {
		u->drop--;
		if (fd >= 0)
			close(fd);
		return;
	}
	if (fd < 0) {
		resolver_failed(&w->r, port);
		return;
	}
	u->watch = (struct loop_watch){fd, ready};
	u->connected = false;
	if (loop_add(&w->l, &u->watch,
		     is_stream(port) ? EPOLLIN | EPOLLOUT : EPOLLIN) < 0) {
		close(fd);
		u->watch.fd = -1;
		resolver_failed(&w->r, port);
	} else if (!is_stream(port)) {
		resolver_opened(&w->r, port);
	}
}

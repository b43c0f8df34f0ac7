/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dnsd_worker.c - The process that parses, and has no power. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "calls.h"
#include "worker.h"

/* What a new configuration must come with, or an old one have. */
#define NEEDED \
	(1u << DNS_UDP4 | 1u << DNS_UDP6 | 1u << DNS_TCP4 | 1u << DNS_TCP6)

/* Random numbers that are fetched at once. */
#define RANDOM_BATCH 256

void worker_fail(struct worker *w, const char *what)
{
	log_failure(w->log, what);
	w->l.stop = true;
}

static void io_answer(struct resolver *r, const struct client *client,
		      const uint8_t *data, size_t len)
{
	if (client->connection)
		guest_tcp_answer(r->context, client, data, len);
	else
		guest_udp_answer(r->context, client, data, len);
}

static void io_commit(struct resolver *r, const struct pin_batch *b)
{
	struct worker *w = r->context;
	struct iovec iov[] = {
		{(void *)(uintptr_t)&b->head, sizeof(b->head)},
		{(void *)(uintptr_t)b->name,
		 b->head.names * sizeof(b->name[0])},
		{(void *)(uintptr_t)b->address,
		 b->head.addresses * sizeof(b->address[0])},
	};

	if (writev(w->pins.fd, iov, 3) < 0)
		worker_fail(w, "ask for pins");
}

static uint32_t io_random(struct resolver *r)
{
	static uint32_t pool[RANDOM_BATCH];
	static size_t left;

	(void)r;
	if (!left) {
		/* Without chance there is no defence against forged answers. */
		if (getrandom(pool, sizeof(pool), 0) != sizeof(pool))
			abort();
		left = RANDOM_BATCH;
	}
	return pool[--left];
}

static void io_denied(struct resolver *r, struct dname name,
		      const struct dns_verdict *why, const char *how)
{
	const struct worker *w = r->context;
	char text[DNAME_TEXT_MAX], pointer[256];
	const struct log_field fields[] = {{"name", text, 0},
					   {"rule", pointer, 0},
					   {"stage", how, 0},
					   {0}};

	dname_format(name, text);
	if (why->has_index)
		snprintf(pointer, sizeof(pointer), "%s/%u", why->pointer,
			 why->index);
	else
		snprintf(pointer, sizeof(pointer), "%s", why->pointer);
	log_event(w->log, "dns-denied", fields);
}

static const struct resolver_io io = {
	.open = upstream_open,
	.close = upstream_close,
	.send = upstream_send,
	.answer = io_answer,
	.commit = io_commit,
	.random = io_random,
	.denied = io_denied,
};

static void pins_ready(struct loop *l, struct loop_watch *watch,
		       uint32_t events)
{
	struct worker *w = l->context;
	struct pin_reply reply;
	const ssize_t n = recv(watch->fd, &reply, sizeof(reply), MSG_DONTWAIT);

	(void)events;
	if (n < 0 && errno == EAGAIN)
		return;
	if (n == sizeof(reply))
		resolver_committed(&w->r, &reply);
	else if (n)
		worker_fail(w, "hear of pins");
	else
		l->stop = true;
}

/* After each batch of events: what they led to leaves. The pins are last: the
 * monitor, which is woken by them, as a rule takes the processor for as long as
 * it writes, and others had to wait for what could have left. */
static bool settle(struct loop *l)
{
	struct worker *w = l->context;

	guest_tcp_run(w);
	upstream_flush(w);
	guest_udp_flush(w);
	resolver_flush(&w->r);
	return w->more_tcp;
}

static void answer(struct worker *w, enum channel_type type, const char *text)
{
	if (channel_send_text(w->channel.fd, type, "%s", text) < 0)
		worker_fail(w, "answer the monitor");
}

static void drop_next(struct worker *w)
{
	dns_state_drop(&w->next, &w->now);
	w->prepared = false;
}

static void take_servers(struct worker *w, const struct channel_msg *m)
{
	const uint32_t *v = &m->index[DNSD_SERVERS_FIRST];
	struct dns_servers *s = &w->now.servers;

	s->n = 0;
	for (uint32_t i = 0; i < m->index[DNSD_SERVERS_COUNT]; i++) {
		const struct address a = dnsd_address_from(v);

		dns_servers_add(s, a.ip, a.port);
		v += DNSD_ADDRESS;
	}
	resolver_servers(&w->r, s);
}

static void take_sockets(struct worker *w, const struct channel_msg *m,
			 int fds[CHANNEL_MAX])
{
	if (!m->count && w->now.conf) {
		take_servers(w, m);
		return;
	}
	/* The gateway's sockets are where nothing else can be put. */
	for (uint32_t i = 0; w->now.conf && i < m->count; i++)
		if (m->index[i] <= DNS_TCP6)
			snprintf(w->next.given.refused,
				 sizeof(w->next.given.refused),
				 "the gateway's sockets cannot be replaced");
	given_put(&w->next.given, m, fds);
}

static void ready(struct worker *w)
{
	w->prepared = dns_state_ready(&w->next, &w->now, NEEDED);
	answer(w, w->prepared ? CHANNEL_OK : CHANNEL_FAILED,
	       w->next.given.refused);
	if (!w->prepared)
		drop_next(w);
}

/* The gateway's sockets, the first time; they stay. */
static bool begin(struct worker *w)
{
	return calls_fill() == 0 &&
	       guest_udp_open(w, 0, w->now.given.fd[DNS_UDP4]) &&
	       guest_udp_open(w, 1, w->now.given.fd[DNS_UDP6]) &&
	       guest_tcp_open(w, 0, w->now.given.fd[DNS_TCP4]) &&
	       guest_tcp_open(w, 1, w->now.given.fd[DNS_TCP6]);
}

static void commit(struct worker *w)
{
	struct dns_state old = w->now;

	if (!w->prepared) {
		answer(w, CHANNEL_FAILED, "nothing was prepared");
		return;
	}
	w->now = w->next;
	w->prepared = false;
	dns_state_init(&w->next);
	if (!old.conf && !begin(w)) {
		worker_fail(w, "watch the gateway's sockets");
		return;
	}
	resolver_configure(&w->r, w->now.conf, &w->now.servers);
	dns_state_drop(&old, &w->now);
	answer(w, CHANNEL_OK, "");
}

static void status(struct worker *w)
{
	const struct resolver_count *n = &w->r.count;
	char text[CHANNEL_TEXT_MAX];

	snprintf(text, sizeof(text),
		 "queries %" PRIu64 " denied %" PRIu64 " cached %" PRIu64
		 " failed %" PRIu64 " full %" PRIu64
		 " in-flight %zu connections %zu",
		 n->queries, n->denied, n->cached, n->failed, n->full,
		 w->r.in_flight, w->n_tcp);
	answer(w, CHANNEL_STATUS, text);
}

static void handle(struct worker *w, const struct channel_msg *m,
		   int fds[CHANNEL_MAX])
{
	switch ((enum channel_type)m->type) {
	case CHANNEL_PREPARE:
		drop_next(w);
		if (m->count == 1)
			dns_state_prepare(&w->next, fds[0]);
		break;
	case CHANNEL_SOCKETS:
		take_sockets(w, m, fds);
		return;
	case CHANNEL_READY:
		ready(w);
		break;
	case CHANNEL_COMMIT:
		commit(w);
		break;
	case CHANNEL_ABORT:
		drop_next(w);
		answer(w, CHANNEL_OK, "");
		break;
	case CHANNEL_STATUS:
		status(w);
		break;
	case CHANNEL_HOLD:
	case CHANNEL_RELEASE:
	case CHANNEL_STOP:
	case CHANNEL_NONE:
	case CHANNEL_OK:
	case CHANNEL_FAILED:
	case CHANNEL_CONNECT:
	case CHANNEL_CONNECTED:
	case CHANNEL_REFUSED:
	case CHANNEL_TERMINATE:
	case CHANNEL_WATCH:
	case CHANNEL_TYPE_COUNT:
		worker_fail(w, "understand the monitor");
		break;
	}
	channel_close_fds(m, fds);
}

static void channel_ready(struct loop *l, struct loop_watch *watch,
			  uint32_t events)
{
	struct worker *w = l->context;
	struct channel_msg m;
	int fds[CHANNEL_MAX];

	(void)events;
	if (channel_receive(watch->fd, &m, fds) == 1)
		handle(w, &m, fds);
	else
		l->stop = true;
}

/* Memory that costs nothing until it is used. */
static bool make_tables(struct worker *w)
{
	w->udp[0] = calloc(2, sizeof(*w->udp[0]));
	w->tcp = calloc(GUEST_CONNECTIONS, sizeof(*w->tcp));
	w->stream_in = malloc((size_t)SERVER_STREAMS * STREAM_BYTES);
	if (!w->udp[0] || !w->tcp || !w->stream_in)
		return false;
	w->udp[1] = w->udp[0] + 1;
	for (size_t i = 0; i < PORT_COUNT; i++)
		w->upstream[i].watch.fd = -1;
	return true;
}

static bool set_up(struct worker *w, const struct dnsd_ends *ends)
{
	const int room = 2 * (int)sizeof(struct pin_batch);

	dns_state_init(&w->now);
	dns_state_init(&w->next);
	w->channel = (struct loop_watch){ends->channel, channel_ready};
	w->broker = (struct loop_watch){ends->broker, upstream_brokered};
	w->pins = (struct loop_watch){ends->pins, pins_ready};
	if (loop_open(&w->l, w) < 0)
		return false;
	w->l.idle = settle;
	loop_add_queue(&w->l, &w->idle);
	return make_tables(w) && resolver_open(&w->r, &io, &w->l, w) &&
	       setsockopt(ends->pins, SOL_SOCKET, SO_SNDBUF, &room,
			  sizeof(room)) == 0 &&
	       loop_add(&w->l, &w->channel, EPOLLIN) == 0 &&
	       loop_add(&w->l, &w->broker, EPOLLIN) == 0 &&
	       loop_add(&w->l, &w->pins, EPOLLIN) == 0;
}

int dnsd_worker(struct log *log, const struct dnsd_ends *ends,
		const char *(*confine)(void))
{
	static struct worker w;
	const char *failed = "set up the worker";
	int rc = 3;

	w.log = log;
	if (set_up(&w, ends))
		failed = confine();
	if (failed)
		log_failure(log, failed);
	else if (loop_run(&w.l) < 0)
		log_failure(log, "wait for events");
	else
		rc = 0;
	if (!failed)
		guest_tcp_close_all(&w);
	resolver_close(&w.r);
	dns_state_drop(&w.next, &w.now);
	dns_state_drop(&w.now, NULL);
	loop_close(&w.l);
	free(w.udp[0]);
	free(w.tcp);
	free(w.stream_in);
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dnsd_monitor.c - The process that keeps one power, and parses nothing. */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dnsd.h"
#include "dnsd_names.h"
#include "dnsd_pins.h"
#include "pass.h"

/* What a new configuration must come with, or an old one have. */
#define NEEDED \
	(1u << DNS_UDP4 | 1u << DNS_UDP6 | 1u << DNS_TCP4 | 1u << DNS_TCP6 | \
	 1u << DNS_NETLINK)

/**
 * struct monitor_ctx - The monitor
 * @log:	event log
 * @l:		loop
 * @supervisor:	channel to the supervisor
 * @broker:	the worker asks for sockets
 * @asked:	the worker asks for pins
 * @worker:	channel to the worker
 * @now:	configuration in force
 * @next:	configuration that is prepared
 * @names:	name servers that have names
 * @pins:	pins
 * @holds:	for @held
 * @held:	pins are held until then
 * @batch:	a message of the worker
 * @opened:	sockets made
 * @forbidden:	sockets refused
 * @failed:	it ends because something went wrong
 */
struct monitor_ctx {
	struct log *log;
	struct loop l;
	struct loop_watch supervisor;
	struct loop_watch broker;
	struct loop_watch asked;
	int worker;
	struct dns_state now;
	struct dns_state next;
	struct dnsd_names names;
	struct dnsd_pins pins;
	struct loop_queue holds;
	struct loop_timer held;
	struct pin_batch batch;
	uint64_t opened;
	uint64_t forbidden;
	bool failed;
};

static void fail(struct monitor_ctx *m, const char *what)
{
	log_failure(m->log, what);
	m->failed = true;
	m->l.stop = true;
}

static void answer(struct monitor_ctx *m, enum channel_type type,
		   const char *text)
{
	if (channel_send_text(m->supervisor.fd, type, "%s", text) < 0)
		fail(m, "answer the supervisor");
}

static void worker_ended(struct monitor_ctx *m)
{
	if (!m->l.stop)
		log_event(m->log, "worker-ended", NULL);
	m->failed = true;
	m->l.stop = true;
}

/* Ask the worker, and wait for what it says. */
static bool ask_worker(struct monitor_ctx *m, enum channel_type type,
		       struct channel_msg *ret)
{
	int fds[CHANNEL_MAX];

	if (channel_send_text(m->worker, type, "%s", "") < 0 ||
	    channel_receive(m->worker, ret, fds) != 1) {
		fail(m, "ask the worker");
		return false;
	}
	channel_close_fds(ret, fds);
	return true;
}

/* Pass a message on, but for what the worker must not have. */
static void tell_worker(struct monitor_ctx *m, const struct channel_msg *msg,
			const int fds[CHANNEL_MAX])
{
	if (pass_on(m->worker, msg, fds, ~(UINT64_C(1) << DNS_NETLINK)) < 0)
		fail(m, "pass a message on to the worker");
}

static void ready(struct monitor_ctx *m)
{
	struct channel_msg said;

	if (!dns_state_ready(&m->next, &m->now, NEEDED)) {
		if (!ask_worker(m, CHANNEL_ABORT, &said))
			return;
		answer(m, CHANNEL_FAILED, m->next.given.refused);
		dns_state_drop(&m->next, &m->now);
		return;
	}
	if (!ask_worker(m, CHANNEL_READY, &said))
		return;
	answer(m, said.type == CHANNEL_OK ? CHANNEL_OK : CHANNEL_FAILED,
	       said.text);
	if (said.type != CHANNEL_OK)
		dns_state_drop(&m->next, &m->now);
}

static void commit(struct monitor_ctx *m)
{
	struct dns_state old = m->now;
	struct channel_msg said;

	if (!m->next.conf || *m->next.given.refused) {
		answer(m, CHANNEL_FAILED, "nothing was prepared");
		return;
	}
	/* Sets that cannot be read are sets whose pins fail: then the guest is
	 * told SERVFAIL, and nothing is let through. */
	if (!dnsd_pins_configure(&m->pins, m->next.conf,
				 m->next.given.fd[DNS_NETLINK],
				 loop_clock() / 1000))
		log_event(m->log, "pin-sets-unreadable", NULL);
	m->now = m->next;
	dns_state_init(&m->next);
	if (!ask_worker(m, CHANNEL_COMMIT, &said))
		return;
	dnsd_names_configure(&m->names);
	dns_state_drop(&old, &m->now);
	answer(m, (enum channel_type)said.type, said.text);
}

static void status(struct monitor_ctx *m, const struct channel_msg *asked,
		   const int fds[CHANNEL_MAX])
{
	struct channel_msg said;
	char text[2 * CHANNEL_TEXT_MAX];

	if (asked->count == 1)
		dnsd_pins_write(&m->pins, fds[0], loop_clock() / 1000);
	if (!ask_worker(m, CHANNEL_STATUS, &said))
		return;
	snprintf(text, sizeof(text),
		 "%s pins %zu commits %" PRIu64 " unpinned %" PRIu64
		 " sockets %" PRIu64,
		 said.text, pin_table_count(m->pins.table), m->pins.commits,
		 m->pins.failed, m->opened);
	answer(m, CHANNEL_STATUS, text);
}

/* Leave what the worker asks for where it is, for a while: whoever lists a
 * ruleset has to begin anew when it changes meanwhile, and a guest that
 * resolves names all the time would have no listing come to its end. */
static void hold(struct monitor_ctx *m, bool held)
{
	if (loop_change(&m->l, &m->asked, held ? 0 : EPOLLIN) < 0)
		fail(m, "hold pins");
	else if (held)
		loop_set(&m->l, &m->holds, &m->held, CHANNEL_HOLD_MS);
	else
		loop_unset(&m->holds, &m->held);
}

static void hold_ends(struct loop *l, struct loop_timer *t)
{
	hold(loop_owner(t, struct monitor_ctx, held), false);
	(void)l;
}

/* The worker is told what the name servers are then, and no more. */
static void take_resolv(struct monitor_ctx *m, int fds[CHANNEL_MAX])
{
	dns_state_resolv(&m->now, fds[0]);
	fds[0] = -1;
	if (m->now.conf)
		dnsd_names_configure(&m->names);
}

static void handle(struct monitor_ctx *m, struct channel_msg *msg,
		   int fds[CHANNEL_MAX])
{
	struct channel_msg said;

	switch ((enum channel_type)msg->type) {
	case CHANNEL_PREPARE:
		dns_state_drop(&m->next, &m->now);
		if (msg->count == 1)
			dns_state_prepare(&m->next, fds[0]);
		tell_worker(m, msg, fds);
		break;
	case CHANNEL_SOCKETS:
		if (!m->next.conf && !*m->next.given.refused &&
		    msg->count == 1 && msg->index[0] == DNS_RESOLV) {
			take_resolv(m, fds);
			break;
		}
		tell_worker(m, msg, fds);
		given_put(&m->next.given, msg, fds);
		return;
	case CHANNEL_READY:
		ready(m);
		break;
	case CHANNEL_COMMIT:
		commit(m);
		break;
	case CHANNEL_ABORT:
		dns_state_drop(&m->next, &m->now);
		if (ask_worker(m, CHANNEL_ABORT, &said))
			answer(m, CHANNEL_OK, "");
		break;
	case CHANNEL_STATUS:
		status(m, msg, fds);
		break;
	case CHANNEL_HOLD:
		hold(m, true);
		answer(m, CHANNEL_OK, "");
		break;
	case CHANNEL_RELEASE:
		hold(m, false);
		answer(m, CHANNEL_OK, "");
		break;
	case CHANNEL_STOP:
		m->l.stop = true;
		break;
	case CHANNEL_NONE:
	case CHANNEL_OK:
	case CHANNEL_FAILED:
	case CHANNEL_CONNECT:
	case CHANNEL_CONNECTED:
	case CHANNEL_REFUSED:
	case CHANNEL_TERMINATE:
	case CHANNEL_WATCH:
	case CHANNEL_TYPE_COUNT:
		answer(m, CHANNEL_FAILED, "no such request");
		break;
	}
	channel_close_fds(msg, fds);
}

static void supervisor_ready(struct loop *l, struct loop_watch *w,
			     uint32_t events)
{
	struct monitor_ctx *m = l->context;
	struct channel_msg msg;
	int fds[CHANNEL_MAX];

	(void)events;
	if (channel_receive(w->fd, &msg, fds) == 1)
		handle(m, &msg, fds);
	else
		l->stop = true;
}

/* Whether an address can be a resolver of the guest's choice. What is local to
 * a machine or a link is another thing here than where the guest is, whatever
 * the rules say: on the host it would be the host's own. */
static bool can_be_chosen(const struct dns_conf *c, struct ip ip)
{
	switch (group_of(ip, c->walk.gw4, c->walk.gw6)) {
	case GROUP_METADATA:
	case GROUP_PRIVATE:
	case GROUP_PUBLIC:
		return true;
	case GROUP_NONE:
	case GROUP_HOST:
	case GROUP_LOOPBACK:
	case GROUP_LINK_LOCAL:
	case GROUP_MULTICAST:
	case GROUP_COUNT:
		break;
	}
	return false;
}

/* Whether the worker may have a socket to a server. */
static bool may_ask(const struct monitor_ctx *m, const struct address *to,
		    bool stream)
{
	const struct flow f = {
		.kind = FLOW_EGRESS,
		.proto = stream ? IPPROTO_TCP : IPPROTO_UDP,
		.ip = to->ip,
		.has_port = true,
		.port = 53,
	};
	/* A truncated answer is asked for over TCP, whichever way the guest
	 * may ask. */
	struct flow other = f;

	other.proto = stream ? IPPROTO_UDP : IPPROTO_TCP;
	if (!m->now.conf)
		return false;
	for (size_t i = 0; i < m->now.servers.n; i++)
		if (address_equal(&m->now.servers.v[i], to))
			return true;
	return to->port == 53 && can_be_chosen(m->now.conf, to->ip) &&
	       (eval_decide(&m->now.conf->walk.policy, &f).allow ||
		eval_decide(&m->now.conf->walk.policy, &other).allow);
}

static void broker_ready(struct loop *l, struct loop_watch *w, uint32_t events)
{
	struct monitor_ctx *m = l->context;
	struct channel_msg msg, reply = {.type = CHANNEL_REFUSED};
	struct address to;
	int fds[CHANNEL_MAX], fd = -1, rc;
	bool stream;

	(void)events;
	rc = channel_receive(w->fd, &msg, fds);
	if (!rc) {
		worker_ended(m);
		return;
	}
	if (rc < 0 || msg.type != CHANNEL_CONNECT || msg.count) {
		fail(m, "understand the worker");
		return;
	}
	to = dnsd_address_from(&msg.index[DNSD_OPEN_TO]);
	stream = msg.index[DNSD_OPEN_STREAM];
	if (may_ask(m, &to, stream))
		fd = dnsd_connect(&to, stream);
	else
		m->forbidden++;
	reply.index[DNSD_OPEN_PORT] = msg.index[DNSD_OPEN_PORT];
	if (fd >= 0) {
		m->opened++;
		reply.type = CHANNEL_CONNECTED;
		reply.count = 1;
	}
	if (channel_send(w->fd, &reply, &fd) < 0)
		fail(m, "answer the worker");
	if (fd >= 0)
		close(fd);
}

static void pins_ready(struct loop *l, struct loop_watch *w, uint32_t events)
{
	struct monitor_ctx *m = l->context;
	struct pin_reply reply = {0};
	ssize_t n;

	(void)events;
	n = recv(w->fd, &m->batch, sizeof(m->batch), MSG_DONTWAIT | MSG_TRUNC);
	if (n < 0 && errno == EAGAIN)
		return;
	if (!n) {
		worker_ended(m);
		return;
	}
	if (n < 0 || (size_t)n > sizeof(m->batch) || !m->now.conf ||
	    !dnsd_pins_check(&m->batch, (size_t)n)) {
		fail(m, "understand the worker");
		return;
	}
	reply = dnsd_pins_commit(&m->pins, &m->batch, loop_clock() / 1000);
	if (send(w->fd, &reply, sizeof(reply), MSG_NOSIGNAL) != sizeof(reply))
		fail(m, "answer the worker");
}

static bool set_up(struct monitor_ctx *m, int supervisor,
		   const struct dnsd_ends *ends)
{
	m->worker = ends->channel;
	m->supervisor = (struct loop_watch){supervisor, supervisor_ready};
	m->broker = (struct loop_watch){ends->broker, broker_ready};
	m->asked = (struct loop_watch){ends->pins, pins_ready};
	m->held.fire = hold_ends;
	dns_state_init(&m->now);
	dns_state_init(&m->next);
	if (loop_open(&m->l, m) < 0)
		return false;
	dnsd_names_open(&m->names, &m->l, &m->now, m->worker);
	loop_add_queue(&m->l, &m->holds);
	return dnsd_pins_open(&m->pins) &&
	       channel_set_timeout(m->worker, DNSD_WORKER_MS) == 0 &&
	       channel_set_timeout(ends->broker, DNSD_WORKER_MS) == 0 &&
	       channel_set_timeout(ends->pins, DNSD_WORKER_MS) == 0 &&
	       loop_add(&m->l, &m->supervisor, EPOLLIN) == 0 &&
	       loop_add(&m->l, &m->broker, EPOLLIN) == 0 &&
	       loop_add(&m->l, &m->asked, EPOLLIN) == 0;
}

int dnsd_monitor(struct log *log, int supervisor, const struct dnsd_ends *ends,
		 const char *(*confine)(void))
{
	static struct monitor_ctx m;
	const char *failed = "set up the monitor";

	m.log = log;
	if (set_up(&m, supervisor, ends))
		failed = confine();
	if (failed)
		fail(&m, failed);
	else if (loop_run(&m.l) < 0)
		fail(&m, "wait for events");
	dnsd_names_close(&m.names);
	dns_state_drop(&m.next, &m.now);
	dns_state_drop(&m.now, NULL);
	dnsd_pins_close(&m.pins);
	loop_close(&m.l);
	return m.failed ? 3 : 0;
}

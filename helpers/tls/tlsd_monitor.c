/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tlsd_monitor.c - The process that judges, and reads nothing of anybody.
 *
 * While worker or signer have something to answer, the supervisor has to wait,
 * and the worker's questions are answered as always: to be ready for another
 * configuration it asks about every flow that it has.
 */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dial.h"
#include "host_socket.h"
#include "judge.h"
#include "loop.h"
#include "pages.h"
#include "pass.h"
#include "tls_pins.h"
#include "tls_state.h"
#include "tlsd.h"
#include "tlsd_parts.h"

#define BIT(number) (1u << (number))

/* What a configuration must come with, or an old one have. */
#define NEEDED BIT(TLS_NETLINK)

/** enum child - The processes that are told what the supervisor says */
enum child {
	CHILD_WORKER,
	CHILD_SIGNER,
	CHILDREN,
};

#define CHILDREN_ALL (BIT(CHILD_WORKER) | BIT(CHILD_SIGNER))

/* Which descriptors each gets. */
static const uint64_t passed[CHILDREN] = {
	[CHILD_WORKER] = BIT(TLS_TCP4) | BIT(TLS_TCP6) | BIT(TLS_ROOTS) |
			 BIT(TLS_CA_CERT) | BIT(TLS_SECRETS),
	[CHILD_SIGNER] = BIT(TLS_NAMES) | BIT(TLS_CA_CERT) | BIT(TLS_CA_KEY),
};

/* Which are of no use here. */
#define NOT_KEPT \
	(BIT(TLS_TCP4) | BIT(TLS_TCP6) | BIT(TLS_ROOTS) | BIT(TLS_CA_CERT) | \
	 BIT(TLS_CA_KEY) | BIT(TLS_SECRETS))

/**
 * struct child_watch - A child
 * @watch:	channel to it
 * @asked:	it has to answer
 * @said:	what it has answered
 */
struct child_watch {
	struct loop_watch watch;
	bool asked;
	struct channel_msg said;
};

/**
 * struct monitor_ctx - The monitor
 * @log:	event log
 * @l:		loop
 * @supervisor:	channel to the supervisor
 * @child:	worker and signer
 * @judge:	the worker asks about flows
 * @broker:	channel to the supervisor for sockets
 * @now:	configuration in force
 * @next:	configuration that is prepared
 * @ready:	@next is complete: flows are judged by it as well
 * @refused:	why @next was refused, while it is being dropped
 * @done:	called when all children have answered; NULL: nobody has to
 * @patience:	for @timer
 * @timer:	they took too long
 * @files:	descriptors that the worker may have
 * @dialled:	sockets made
 * @undialled:	sockets that could not be made
 * @terminated:	the supervisor was told to end the sandbox
 * @failed:	it ends because something went wrong
 */
struct monitor_ctx {
	struct log *log;
	struct loop l;
	struct loop_watch supervisor;
	struct child_watch child[CHILDREN];
	struct loop_watch judge;
	int broker;
	struct tls_state now;
	struct tls_state next;
	bool ready;
	char refused[CHANNEL_TEXT_MAX];
	void (*done)(struct monitor_ctx *m);
	struct loop_queue patience;
	struct loop_timer timer;
	rlim_t files;
	uint64_t dialled;
	uint64_t undialled;
	bool terminated;
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

static void child_ended(struct monitor_ctx *m)
{
	if (!m->l.stop)
		log_event(m->log, "worker-ended", NULL);
	m->failed = true;
	m->l.stop = true;
}

/* --- asking the children --- */

static void too_late(struct loop *l, struct loop_timer *t)
{
	struct monitor_ctx *m = l->context;

	(void)t;
	errno = ETIMEDOUT;
	fail(m, "hear of worker and signer");
}

/* Have them answer, one message each; @done is called then, and until then the
 * supervisor is not heard. */
static void ask(struct monitor_ctx *m, enum channel_type type,
		unsigned int which, void (*done)(struct monitor_ctx *m))
{
	for (unsigned int i = 0; i < CHILDREN; i++) {
		if (!(which & BIT(i)))
			continue;
		if (channel_send_text(m->child[i].watch.fd, type, "%s", "") <
		    0) {
			fail(m, "ask worker or signer");
			return;
		}
		m->child[i].asked = true;
	}
	m->done = done;
	loop_change(&m->l, &m->supervisor, 0);
	loop_set(&m->l, &m->patience, &m->timer, TLSD_CHILD_MS);
}

static bool is_answer(const struct channel_msg *msg)
{
	return !msg->count &&
	       (msg->type == CHANNEL_OK || msg->type == CHANNEL_FAILED ||
		msg->type == CHANNEL_STATUS);
}

/* The worker has the sandbox ended, and need not have been asked. Its words are
 * for people: no terminal is to take a part of them for its own. */
static void terminate(struct monitor_ctx *m, struct channel_msg *said)
{
	if (m->terminated)
		return;
	m->terminated = true;
	for (char *c = said->text; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	if (channel_send_text(m->supervisor.fd, CHANNEL_TERMINATE, "%s",
			      said->text) < 0)
		fail(m, "have the sandbox ended");
}

static void child_ready(struct loop *l, struct loop_watch *w, uint32_t events)
{
	struct child_watch *c = loop_owner(w, struct child_watch, watch);
	struct monitor_ctx *m = l->context;
	void (*const done)(struct monitor_ctx *) = m->done;
	struct channel_msg msg;
	int fds[CHANNEL_MAX];
	int rc;

	(void)events;
	rc = channel_receive(w->fd, &msg, fds);
	if (!rc) {
		child_ended(m);
		return;
	}
	if (rc == 1)
		channel_close_fds(&msg, fds);
	if (rc == 1 && msg.type == CHANNEL_TERMINATE && !msg.count &&
	    c == &m->child[CHILD_WORKER]) {
		terminate(m, &msg);
		return;
	}
	if (rc < 0 || !c->asked || !is_answer(&msg)) {
		fail(m, "understand worker or signer");
		return;
	}
	c->said = msg;
	c->asked = false;
	for (unsigned int i = 0; i < CHILDREN; i++)
		if (m->child[i].asked)
			return;
	m->done = NULL;
	loop_unset(&m->patience, &m->timer);
	loop_change(&m->l, &m->supervisor, EPOLLIN);
	done(m);
}

static const char *refusal(const struct monitor_ctx *m)
{
	for (unsigned int i = 0; i < CHILDREN; i++)
		if (m->child[i].said.type != CHANNEL_OK)
			return m->child[i].said.text;
	return NULL;
}

/* --- the supervisor's requests --- */

static void drop_next(struct monitor_ctx *m)
{
	tls_state_drop(&m->next, &m->now);
	m->ready = false;
}

static void aborted(struct monitor_ctx *m)
{
	answer(m, CHANNEL_OK, "");
}

static void dropped(struct monitor_ctx *m)
{
	answer(m, CHANNEL_FAILED, m->refused);
}

static void refuse_next(struct monitor_ctx *m, const char *why)
{
	snprintf(m->refused, sizeof(m->refused), "%s", why);
	drop_next(m);
	ask(m, CHANNEL_ABORT, CHILDREN_ALL, dropped);
}

static void worker_is_ready(struct monitor_ctx *m)
{
	const char *why = refusal(m);

	if (why)
		refuse_next(m, why);
	else
		answer(m, CHANNEL_OK, "");
}

/* The worker may ask for leaves by the next configuration as soon as that is
 * its own. */
static void signer_is_ready(struct monitor_ctx *m)
{
	const struct channel_msg *said = &m->child[CHILD_SIGNER].said;

	if (said->type != CHANNEL_OK)
		refuse_next(m, said->text);
	else
		ask(m, CHANNEL_READY, BIT(CHILD_WORKER), worker_is_ready);
}

static void ready(struct monitor_ctx *m)
{
	struct tls_state *s = &m->next;

	m->ready = tls_state_ready(s, &m->now, NEEDED);
	if (m->ready && s->conf->walk.names_file)
		given_map_names(&s->given, TLS_NAMES, &s->conf->walk.names);
	m->ready = !*s->given.refused;
	if (m->ready)
		ask(m, CHANNEL_READY, BIT(CHILD_SIGNER), signer_is_ready);
	else
		refuse_next(m, s->given.refused);
}

static void committed(struct monitor_ctx *m)
{
	const char *why = refusal(m);

	/* To read a configuration takes code that flows do without. */
	pages_forget();
	answer(m, why ? CHANNEL_FAILED : CHANNEL_OK, why ? why : "");
}

static void worker_committed(struct monitor_ctx *m)
{
	ask(m, CHANNEL_COMMIT, BIT(CHILD_SIGNER), committed);
}

static void commit(struct monitor_ctx *m)
{
	struct tls_state old = m->now;

	if (!m->ready) {
		answer(m, CHANNEL_FAILED, "nothing was prepared");
		return;
	}
	m->now = m->next;
	m->ready = false;
	tls_state_init(&m->next);
	tls_state_drop(&old, &m->now);
	/* The signer serves both until it hears of it. */
	ask(m, CHANNEL_COMMIT, BIT(CHILD_WORKER), worker_committed);
}

/* Flows that there can be: each takes two descriptors of the worker. */
static uint32_t flow_limit(const struct monitor_ctx *m)
{
	const uint32_t wanted = m->now.conf ? m->now.conf->limits.connections
					    : 0;

	return wanted < m->files / 2 ? wanted : (uint32_t)(m->files / 2);
}

static void told_status(struct monitor_ctx *m)
{
	char text[3 * CHANNEL_TEXT_MAX];

	snprintf(text, sizeof(text),
		 "%s dialled %" PRIu64 " undialled %" PRIu64 " %s limit %u",
		 m->child[CHILD_WORKER].said.text, m->dialled, m->undialled,
		 m->child[CHILD_SIGNER].said.text, flow_limit(m));
	answer(m, CHANNEL_STATUS, text);
}

static void take_sockets(struct monitor_ctx *m, const struct channel_msg *msg,
			 int fds[CHANNEL_MAX])
{
	for (unsigned int i = 0; i < CHILDREN; i++)
		if (pass_on(m->child[i].watch.fd, msg, fds, passed[i]) < 0)
			fail(m, "pass descriptors on");
	given_put(&m->next.given, msg, fds);
	for (unsigned int i = 0; i < TLS_FD_COUNT; i++) {
		if (!(NOT_KEPT & BIT(i)) || m->next.given.fd[i] < 0)
			continue;
		close(m->next.given.fd[i]);
		m->next.given.fd[i] = -1;
	}
}

static void prepare(struct monitor_ctx *m, const struct channel_msg *msg,
		    const int fds[CHANNEL_MAX])
{
	drop_next(m);
	if (msg->count == 1)
		tls_state_prepare(&m->next, fds[0]);
	for (unsigned int i = 0; i < CHILDREN; i++)
		if (pass_on(m->child[i].watch.fd, msg, fds, 0) < 0)
			fail(m, "pass a configuration on");
}

static void handle(struct monitor_ctx *m, struct channel_msg *msg,
		   int fds[CHANNEL_MAX])
{
	switch ((enum channel_type)msg->type) {
	case CHANNEL_PREPARE:
		prepare(m, msg, fds);
		break;
	case CHANNEL_SOCKETS:
		take_sockets(m, msg, fds);
		return;
	case CHANNEL_READY:
		ready(m);
		break;
	case CHANNEL_COMMIT:
		commit(m);
		break;
	case CHANNEL_ABORT:
		drop_next(m);
		ask(m, CHANNEL_ABORT, CHILDREN_ALL, aborted);
		break;
	case CHANNEL_STATUS:
		ask(m, CHANNEL_STATUS, CHILDREN_ALL, told_status);
		break;
	case CHANNEL_STOP:
		m->l.stop = true;
		break;
	case CHANNEL_NONE:
	case CHANNEL_OK:
	case CHANNEL_FAILED:
	case CHANNEL_HOLD:
	case CHANNEL_RELEASE:
	case CHANNEL_TERMINATE:
	case CHANNEL_WATCH:
	case CHANNEL_CONNECT:
	case CHANNEL_CONNECTED:
	case CHANNEL_REFUSED:
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
	/* While it has to wait there is only one thing that wakes us up: it is
	 * gone. */
	if (!m->done && channel_receive(w->fd, &msg, fds) == 1)
		handle(m, &msg, fds);
	else
		l->stop = true;
}

/* --- flows --- */

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
		fail(m, "hear of the supervisor");
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

/* One question: the worker waits for its answer before it asks another. */
static void judge_ready(struct loop *l, struct loop_watch *w, uint32_t events)
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
		child_ended(m);
		return;
	}
	errno = EPROTO;
	if (n != sizeof(ask) || !judge_one(m, &ask, &reply)) {
		fail(m, "understand the worker");
		return;
	}
	if (ask.dial && reply.verdict >= TLSD_SPLICE)
		fd = dial_for(m, &ask, &reply);
	ok = send_answer(w->fd, &reply, fd);
	if (fd >= 0)
		close(fd);
	if (!ok)
		fail(m, "answer the worker");
	/* It is at work. */
	if (m->done)
		loop_set(&m->l, &m->patience, &m->timer, TLSD_CHILD_MS);
}

static bool set_up(struct monitor_ctx *m, int supervisor,
		   const struct tlsd_children *ends)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return false;
	m->files = files.rlim_max;
	m->supervisor = (struct loop_watch){supervisor, supervisor_ready};
	m->child[CHILD_WORKER].watch =
		(struct loop_watch){ends->worker, child_ready};
	m->child[CHILD_SIGNER].watch =
		(struct loop_watch){ends->signer, child_ready};
	m->judge = (struct loop_watch){ends->judge, judge_ready};
	m->broker = ends->broker;
	m->timer.fire = too_late;
	tls_state_init(&m->now);
	tls_state_init(&m->next);
	if (loop_open(&m->l, m) < 0)
		return false;
	loop_add_queue(&m->l, &m->patience);
	return channel_set_timeout(ends->worker, TLSD_CHILD_MS) == 0 &&
	       channel_set_timeout(ends->signer, TLSD_CHILD_MS) == 0 &&
	       channel_set_timeout(ends->broker, HOST_SOCKET_MS) == 0 &&
	       loop_add(&m->l, &m->supervisor, EPOLLIN) == 0 &&
	       loop_add(&m->l, &m->child[CHILD_WORKER].watch, EPOLLIN) == 0 &&
	       loop_add(&m->l, &m->child[CHILD_SIGNER].watch, EPOLLIN) == 0 &&
	       loop_add(&m->l, &m->judge, EPOLLIN) == 0;
}

int tlsd_monitor(struct log *log, int supervisor,
		 const struct tlsd_children *ends, const char *(*confine)(void))
{
	struct monitor_ctx m = {.log = log};
	const char *failed = "set up the monitor";

	if (set_up(&m, supervisor, ends))
		failed = confine();
	if (failed)
		fail(&m, failed);
	else if (loop_run(&m.l) < 0)
		fail(&m, "wait for events");
	tls_state_drop(&m.next, &m.now);
	tls_state_drop(&m.now, NULL);
	loop_close(&m.l);
	return m.failed ? 3 : 0;
}

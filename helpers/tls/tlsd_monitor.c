/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tlsd_monitor.c - The process that judges, and reads nothing of anybody.
 *
 * While worker or signer have something to answer, the supervisor has to wait,
 * and the worker's questions are answered as always: to be ready for another
 * configuration it asks about every flow that it has.
 */
#include "tlsd_monitor.h"

#include <errno.h>

#include "host_socket.h"
#include "tlsd_parts.h"

void tlsd_monitor_fail(struct monitor_ctx *m, const char *what)
{
	log_failure(m->log, what);
	m->failed = true;
	m->l.stop = true;
}

void tlsd_monitor_child_ended(struct monitor_ctx *m)
{
	if (!m->l.stop)
		log_event(m->log, "worker-ended", NULL);
	m->failed = true;
	m->l.stop = true;
}

static void too_late(struct loop *l, struct loop_timer *t)
{
	struct monitor_ctx *m = l->context;

	(void)t;
	errno = ETIMEDOUT;
	tlsd_monitor_fail(m, "hear of worker and signer");
}

void tlsd_monitor_ask(struct monitor_ctx *m, enum channel_type type,
		      unsigned int which, void (*done)(struct monitor_ctx *m))
{
	for (unsigned int i = 0; i < CHILDREN; i++) {
		if (!(which & BIT(i)))
			continue;
		if (channel_send_text(m->child[i].watch.fd, type, "%s", "") <
		    0) {
			tlsd_monitor_fail(m, "ask worker or signer");
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
		tlsd_monitor_fail(m, "have the sandbox ended");
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
		tlsd_monitor_child_ended(m);
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
		tlsd_monitor_fail(m, "understand worker or signer");
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

const char *tlsd_monitor_refusal(const struct monitor_ctx *m)
{
	for (unsigned int i = 0; i < CHILDREN; i++)
		if (m->child[i].said.type != CHANNEL_OK)
			return m->child[i].said.text;
	return NULL;
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
		tlsd_monitor_handle(m, &msg, fds);
	else
		l->stop = true;
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
	m->judge = (struct loop_watch){ends->judge, tlsd_monitor_judge_ready};
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
		tlsd_monitor_fail(&m, failed);
	else if (loop_run(&m.l) < 0)
		tlsd_monitor_fail(&m, "wait for events");
	tls_state_drop(&m.next, &m.now);
	tls_state_drop(&m.now, NULL);
	loop_close(&m.l);
	return m.failed ? 3 : 0;
}

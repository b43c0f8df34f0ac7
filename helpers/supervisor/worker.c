/* SPDX-License-Identifier: GPL-2.0-or-later */
/* worker.c - The worker's life: started, asked, started again. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor.h"

bool worker_is_there(const struct supervisor *s)
{
	return s->channel.fd >= 0;
}

static void close_watch(struct supervisor *s, struct loop_watch *w)
{
	if (w->fd < 0)
		return;
	loop_remove(&s->loop, w);
	close(w->fd);
	w->fd = -1;
}

static void close_child_fds(struct supervisor *s)
{
	for (int i = 0; i < 2; i++) {
		if (s->child_fds[i] >= 0)
			close(s->child_fds[i]);
		s->child_fds[i] = -1;
	}
}

void worker_close(struct supervisor *s)
{
	close_watch(s, &s->channel);
	close_watch(s, &s->broker);
	close_child_fds(s);
}

bool worker_is_stuck(const struct supervisor *s)
{
	return worker_is_there(s) && s->n_expected == SUPERVISOR_EXPECTED;
}

static bool expect(struct supervisor *s, enum expect what,
		   struct client *client)
{
	if (s->n_expected == SUPERVISOR_EXPECTED)
		return false;
	s->expected[s->n_expected++] = (struct expected){what, client};
	return true;
}

static struct expected take_expected(struct supervisor *s)
{
	const struct expected first = s->expected[0];

	s->n_expected--;
	memmove(s->expected, s->expected + 1,
		s->n_expected * sizeof(s->expected[0]));
	return first;
}

void worker_forget(struct supervisor *s, const struct client *client)
{
	for (size_t i = 0; i < s->n_expected; i++)
		if (s->expected[i].client == client)
			s->expected[i].client = NULL;
}

static bool ask(struct supervisor *s, const struct channel_msg *m,
		const int *fds, enum expect what, struct client *client)
{
	if (!worker_is_there(s) || s->n_expected == SUPERVISOR_EXPECTED)
		return false;
	if (channel_send(s->channel.fd, m, fds) == 0)
		return expect(s, what, client);
	monitor_kill(&s->worker);
	return false;
}

bool worker_ask(struct supervisor *s, enum channel_type type, enum expect what,
		struct client *client)
{
	const struct channel_msg m = {.type = type};

	return ask(s, &m, NULL, what, client);
}

bool worker_tell(struct supervisor *s, enum channel_type type, enum expect what,
		 struct client *client)
{
	if (worker_ask(s, type, what, client))
		return true;
	monitor_kill(&s->worker);
	return false;
}

bool worker_ask_status(struct supervisor *s, struct client *client, int list)
{
	const struct channel_msg m = {
		.type = CHANNEL_STATUS,
		.count = list >= 0,
	};

	return ask(s, &m, &list, EXPECT_STATUS, client);
}

bool worker_prepare(struct supervisor *s, enum expect what,
		    struct client *client)
{
	const struct supervised *held = s->now.there ? &s->now : NULL;

	if (!worker_is_there(s) || s->n_expected == SUPERVISOR_EXPECTED)
		return false;
	if (s->helper->send(s->helper, s->channel.fd, &s->next, held) == 0)
		return expect(s, what, client);
	monitor_kill(&s->worker);
	return false;
}

/* What the worker said, with our own figures before it. */
static void reply_status(const struct supervisor *s, struct client *c,
			 const char *said)
{
	char text[2 * CHANNEL_TEXT_MAX], broker[64] = "";

	if (s->helper->may_connect)
		snprintf(broker, sizeof(broker), "connected %ju forbidden %ju ",
			 (uintmax_t)s->connected, (uintmax_t)s->forbidden);
	snprintf(text, sizeof(text), "pid %d restarts %ju %s%s",
		 (int)s->worker.pid, (uintmax_t)s->worker.restarts, broker,
		 said);
	supervisor_reply(c, CHANNEL_STATUS, text);
}

static void answered(struct supervisor *s, const struct channel_msg *m)
{
	const struct expected e = take_expected(s);
	const bool ok = m->type == CHANNEL_OK;

	switch (e.what) {
	case EXPECT_START:
		if (!ok) {
			const struct log_field fields[] = {
				{"reason", m->text, 0}, {0}};

			log_event(&s->log, "not-started", fields);
			monitor_kill(&s->worker);
		}
		return;
	case EXPECT_READY:
		/* If nobody waits, what is being prepared now is not what is
		 * refused. */
		if (!ok && e.client)
			supervisor_drop_next(s);
		supervisor_reply(e.client, ok ? CHANNEL_OK : CHANNEL_FAILED,
				 ok ? "" : m->text);
		return;
	case EXPECT_COMMIT:
		/* It is in force here: a worker that cannot follow is of no
		 * use, and the next one begins with it. */
		if (!ok)
			monitor_kill(&s->worker);
		supervisor_reply(e.client, CHANNEL_OK, "");
		return;
	case EXPECT_ABORT:
		return;
	case EXPECT_HOLD:
		supervisor_reply(e.client, CHANNEL_OK, "");
		return;
	case EXPECT_STATUS:
		reply_status(s, e.client, m->text);
		return;
	case EXPECT_ROTATE:
		if (e.client)
			rotate_answered(s, ok ? NULL : m->text);
		return;
	}
}

/* What a worker says, which may have been taken over, is read on terminals. */
static void make_plain(char text[CHANNEL_TEXT_MAX])
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

static void channel_ready(struct loop *l, struct loop_watch *w, uint32_t events)
{
	struct supervisor *s = l->context;
	struct channel_msg m;
	int fds[CHANNEL_MAX];
	const int rc = channel_receive(w->fd, &m, fds);

	(void)events;
	if (rc < 0 && errno == EAGAIN)
		return;
	if (rc == 1) {
		channel_close_fds(&m, fds);
		make_plain(m.text);
	}
	if (rc == 1 && s->n_expected && !m.count &&
	    (m.type == CHANNEL_OK || m.type == CHANNEL_FAILED ||
	     m.type == CHANNEL_STATUS)) {
		answered(s, &m);
		rotate_settle(s);
		return;
	}
	if (rc == 1 && !m.count && m.type == CHANNEL_TERMINATE &&
	    s->helper->terminates) {
		terminate(s, m.text);
		return;
	}
	/* It is dead, or not what we started. */
	loop_remove(l, w);
	monitor_kill(&s->worker);
}

/* One channel, seen from either side. */
static bool make_channel(struct supervisor *s, struct loop_watch *mine,
			 int *theirs)
{
	int ends[2];

	if (channel_pair(ends) < 0)
		return false;
	mine->fd = ends[0];
	*theirs = ends[1];
	/* A worker that reads nothing must not make us wait. */
	return fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 &&
	       loop_add(&s->loop, mine, EPOLLIN) == 0;
}

static bool make_channels(struct supervisor *s)
{
	return make_channel(s, &s->channel, &s->child_fds[0]) &&
	       (!s->helper->may_connect ||
		make_channel(s, &s->broker, &s->child_fds[1]));
}

static const char *become_worker(const struct supervisor *s)
{
	sigset_t none;

	sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		return "unblock signals";
	for (int i = 0; i < (s->helper->may_connect ? 2 : 1); i++)
		if (fcntl(s->child_fds[i], F_SETFD, 0) < 0)
			return "pass the channels on";
	return s->helper->become(s);
}

static void run_worker(struct monitor *m)
{
	struct supervisor *s = loop_owner(m, struct supervisor, worker);
	char channel[16], broker[16];
	char *argv[] = {
		(char *)(uintptr_t)s->helper->name,
		(char[]){"--channel-fd"},
		channel,
		(char[]){"--name"},
		(char *)(uintptr_t)s->name,
		(char[]){"--broker-fd"},
		broker,
		NULL,
	};
	char *const envp[] = {NULL};
	const char *failed = become_worker(s);

	/* The last option is for those that have a broker. */
	if (!s->helper->may_connect)
		argv[5] = NULL;
	snprintf(channel, sizeof(channel), "%d", s->child_fds[0]);
	snprintf(broker, sizeof(broker), "%d", s->child_fds[1]);
	/* By its descriptor: the path may lead through directories that the
	 * worker's user may not enter. */
	if (!failed) {
		syscall(SYS_execveat, s->program, "", argv, envp,
			AT_EMPTY_PATH);
		failed = "execute the helper";
	}
	log_failure(&s->log, failed);
}

/* A new worker begins with the policy in force, then gets to know the one that
 * is being prepared. */
static bool send_start(struct supervisor *s)
{
	if (s->now.there &&
	    (s->helper->send(s->helper, s->channel.fd, &s->now, NULL) < 0 ||
	     channel_send_text(s->channel.fd, CHANNEL_COMMIT, "%s", "") < 0 ||
	     !expect(s, EXPECT_START, NULL) || !expect(s, EXPECT_START, NULL)))
		return false;
	return !s->ready || !s->now.there ||
	       worker_prepare(s, EXPECT_START, NULL);
}

static void started(struct monitor *m)
{
	struct supervisor *s = loop_owner(m, struct supervisor, worker);
	const struct log_field fields[] = {
		{"pid", NULL, (uint64_t)m->pid},
		{"restarts", NULL, m->restarts},
		{0},
	};

	close_child_fds(s);
	log_event(&s->log, m->restarts ? "restarted" : "started", fields);
	if (!send_start(s))
		monitor_kill(m);
}

/* Whoever waits for an answer of the worker that died gets one. */
static void answer_all(struct supervisor *s)
{
	while (s->n_expected) {
		const struct expected e = take_expected(s);

		switch (e.what) {
		case EXPECT_READY:
			if (e.client)
				supervisor_drop_next(s);
			supervisor_reply(e.client, CHANNEL_FAILED,
					 "the helper has ended; the event log "
					 "says why");
			break;
		case EXPECT_COMMIT:
		case EXPECT_HOLD:
			supervisor_reply(e.client, CHANNEL_OK, "");
			break;
		case EXPECT_STATUS:
			reply_status(s, e.client, "");
			break;
		case EXPECT_ROTATE:
			if (e.client)
				rotate_answered(s, "the helper has ended");
			break;
		case EXPECT_START:
		case EXPECT_ABORT:
			break;
		}
	}
}

static void ended(struct monitor *m, int status)
{
	struct supervisor *s = loop_owner(m, struct supervisor, worker);
	const bool killed = WIFSIGNALED(status);
	const struct log_field fields[] = {
		{killed ? "signal" : "status", NULL,
		 (uint64_t)(killed ? WTERMSIG(status) : WEXITSTATUS(status))},
		{0},
	};

	worker_close(s);
	if (!s->stopping)
		log_event(&s->log, "died", fields);
	answer_all(s);
	rotate_settle(s);
	/* Nothing is in force yet, so there is nothing to start it for. */
	if (!s->now.there)
		loop_unset(&m->queue, &m->timer);
	if (s->stopping)
		s->loop.stop = true;
}

/* Before each start: the channels. A worker without them ends by itself, at
 * once, and is tried again later. */
static void prepare_child(struct monitor *m)
{
	struct supervisor *s = loop_owner(m, struct supervisor, worker);

	if (!make_channels(s))
		worker_close(s);
}

void worker_init(struct supervisor *s)
{
	s->channel = (struct loop_watch){-1, channel_ready};
	s->broker = (struct loop_watch){-1, broker_ready};
	s->child_fds[0] = -1;
	s->child_fds[1] = -1;
	s->worker.prepare = prepare_child;
	s->worker.child = run_worker;
	s->worker.started = started;
	s->worker.ended = ended;
	monitor_init(&s->worker, &s->loop);
}

bool worker_start(struct supervisor *s)
{
	return monitor_start(&s->worker) == 0;
}

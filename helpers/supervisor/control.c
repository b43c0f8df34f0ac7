/* SPDX-License-Identifier: GPL-2.0-or-later */
/* control.c - Requests of msb-netc: another configuration, the state, the end.
 *
 * One client at a time prepares a configuration; it is dropped when the client
 * goes away before it has said COMMIT.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "supervisor.h"

static void client_ready(struct loop *l, struct loop_watch *w, uint32_t events);

void supervisor_clients_init(struct supervisor *s)
{
	for (size_t i = 0; i < SUPERVISOR_CLIENTS; i++)
		s->clients[i].watch = (struct loop_watch){-1, client_ready};
}

static bool has_room(const struct supervisor *s)
{
	for (size_t i = 0; i < SUPERVISOR_CLIENTS; i++)
		if (s->clients[i].watch.fd < 0)
			return true;
	return false;
}

/* Whoever comes while there is no room waits at the socket. */
static void watch_listener(struct supervisor *s)
{
	if (s->listener.fd >= 0)
		loop_change(&s->loop, &s->listener, has_room(s) ? EPOLLIN : 0);
}

bool supervisor_client_add(struct supervisor *s, int fd)
{
	for (size_t i = 0; i < SUPERVISOR_CLIENTS; i++) {
		struct loop_watch *w = &s->clients[i].watch;

		if (w->fd >= 0)
			continue;
		w->fd = fd;
		s->clients[i].holds = false;
		s->clients[i].watches = false;
		if (fcntl(fd, F_SETFL, O_NONBLOCK) == 0 &&
		    loop_add(&s->loop, w, EPOLLIN) == 0)
			return true;
		w->fd = -1;
		break;
	}
	close(fd);
	return false;
}

void supervisor_accept(struct loop *l, struct loop_watch *w, uint32_t events)
{
	const int fd = channel_accept(w->fd);

	(void)events;
	if (fd >= 0)
		supervisor_client_add(l->context, fd);
	watch_listener(l->context);
}

void supervisor_reply(struct client *c, enum channel_type type,
		      const char *text)
{
	/* A client that went away is noticed by its own event. */
	if (c && c->watch.fd >= 0)
		(void)!channel_send_text(c->watch.fd, type, "%s", text);
}

void supervisor_drop_next(struct supervisor *s)
{
	s->helper->close(s->helper, &s->next, &s->now);
	if (s->next.file >= 0)
		close(s->next.file);
	arena_free(&s->next.arena);
	s->next = SUPERVISED_NONE;
	s->owner = NULL;
	s->ready = false;
}

/* Whether a client may go on with what is being prepared. */
static bool owns_next(const struct supervisor *s, const struct client *c)
{
	return s->owner == c;
}

/* Forget @next, here and in the worker, if it was told of it. */
static void abort_next(struct supervisor *s)
{
	const bool told = s->ready;

	supervisor_drop_next(s);
	if (told)
		(void)worker_tell(s, CHANNEL_ABORT, EXPECT_ABORT, NULL);
}

static void refuse_next(struct supervisor *s, const char *reason)
{
	const struct client *owner = s->owner;

	abort_next(s);
	/* Told when READY comes, which is when an answer is expected. */
	s->owner = owner;
	snprintf(s->told, sizeof(s->told), "%s", reason);
}

/* Whoever prepares something comes before values that are read again. */
static void suspend_rotation(struct supervisor *s)
{
	if (s->owner != &s->rotation.owner)
		return;
	worker_forget(s, &s->rotation.owner);
	abort_next(s);
	s->rotation.wanted = true;
}

static void prepare(struct supervisor *s, struct client *c,
		    const struct channel_msg *m, int fds[CHANNEL_MAX])
{
	char reason[CONF_REASON_MAX] = "prepare came without its file";

	suspend_rotation(s);
	if (s->owner && !owns_next(s, c))
		return;
	abort_next(s);
	s->owner = c;
	s->told[0] = 0;
	if (*s->termination.reason) {
		refuse_next(s, "the sandbox was terminated");
		return;
	}
	if (m->count != 1 ||
	    !s->helper->read(s->helper, &s->next, fds[0], &s->now, reason)) {
		refuse_next(s, reason);
		return;
	}
	s->next.there = true;
	s->next.file = fds[0];
	fds[0] = -1;
}

/* The file description is the worker's, too. */
static bool make_nonblocking(const struct channel_msg *m, const int *fds)
{
	for (uint32_t i = 0; i < m->count; i++) {
		const int flags = fcntl(fds[i], F_GETFL);

		if (flags < 0 || fcntl(fds[i], F_SETFL, flags | O_NONBLOCK) < 0)
			return false;
	}
	return true;
}

static void take_sockets(struct supervisor *s, const struct client *c,
			 const struct channel_msg *m, int fds[CHANNEL_MAX])
{
	const char *refused = "what came is no socket";

	if (!owns_next(s, c) || s->ready)
		return;
	if (!s->next.there)
		refused = "sockets came before a configuration";
	else if (make_nonblocking(m, fds))
		refused = s->helper->put(s->helper, &s->next, m, fds);
	if (refused && !*s->told)
		refuse_next(s, refused);
}

/* Of a worker that was asked too much already nothing can be expected. */
static void reply_stuck(const struct supervisor *s, struct client *c)
{
	char text[CONF_REASON_MAX];

	snprintf(text, sizeof(text), "%s does not answer", s->helper->name);
	supervisor_reply(c, CHANNEL_FAILED, text);
}

static void ready(struct supervisor *s, struct client *c)
{
	char reason[CONF_REASON_MAX] = "nothing was prepared";

	if (s->owner && !owns_next(s, c)) {
		supervisor_reply(c, CHANNEL_FAILED,
				 "another change is being prepared");
		return;
	}
	if (!s->owner || *s->told || s->ready || !s->next.there ||
	    !s->helper->check(s->helper, &s->next, reason)) {
		/* Whoever is answered finds its sockets closed. */
		abort_next(s);
		supervisor_reply(c, CHANNEL_FAILED,
				 *s->told ? s->told : reason);
		s->told[0] = 0;
		return;
	}
	if (s->helper->resolv)
		resolv_prepare(&s->next);
	s->ready = true;
	/* The first configuration makes the worker: if it cannot start, this
	 * is the time to know. */
	if (!s->now.there && !worker_is_there(s) && !worker_start(s)) {
		snprintf(reason, sizeof(reason), "%s could not be started",
			 s->helper->name);
		supervisor_reply(c, CHANNEL_FAILED, reason);
		supervisor_drop_next(s);
		return;
	}
	if (worker_prepare(s, EXPECT_READY, c))
		return;
	/* There is no worker now; the next one is told when it starts. */
	if (s->now.there && !worker_is_stuck(s)) {
		supervisor_reply(c, CHANNEL_OK, "");
		return;
	}
	reply_stuck(s, c);
	supervisor_drop_next(s);
}

void supervisor_adopt(struct supervisor *s)
{
	struct supervised old = s->now;

	s->now = s->next;
	s->next = SUPERVISED_NONE;
	s->owner = NULL;
	s->ready = false;
	s->helper->close(s->helper, &old, &s->now);
	if (old.file >= 0)
		close(old.file);
	arena_free(&old.arena);
}

static void commit(struct supervisor *s, struct client *c)
{
	if (!s->ready || !owns_next(s, c)) {
		supervisor_reply(c, CHANNEL_FAILED, "nothing was prepared");
		return;
	}
	supervisor_adopt(s);
	if (!worker_tell(s, CHANNEL_COMMIT, EXPECT_COMMIT, c))
		supervisor_reply(c, CHANNEL_OK, "");
}

static void status(struct supervisor *s, struct client *c,
		   const struct channel_msg *m, const int fds[CHANNEL_MAX])
{
	const bool lists = s->helper->lists && m->count == 1;
	char text[CHANNEL_TEXT_MAX];

	if (worker_ask_status(s, c, lists ? fds[0] : -1))
		return;
	if (worker_is_stuck(s)) {
		reply_stuck(s, c);
		return;
	}
	snprintf(text, sizeof(text), "pid %d restarts %ju", (int)s->worker.pid,
		 (uintmax_t)s->worker.restarts);
	supervisor_reply(c, CHANNEL_STATUS, text);
}

/* A worker that is not there changes nothing. */
static void hold(struct supervisor *s, struct client *c)
{
	c->holds = worker_ask(s, CHANNEL_HOLD, EXPECT_HOLD, c);
	if (c->holds)
		return;
	c->holds = !worker_is_stuck(s);
	if (c->holds)
		supervisor_reply(c, CHANNEL_OK, "");
	else
		reply_stuck(s, c);
}

/* The last one that held is gone. */
static void release(struct supervisor *s, struct client *c)
{
	bool held = false;

	c->holds = false;
	for (size_t i = 0; i < SUPERVISOR_CLIENTS; i++)
		held |= s->clients[i].watch.fd >= 0 && s->clients[i].holds;
	/* If it cannot be asked, it goes on by itself. */
	if (!held)
		(void)worker_ask(s, CHANNEL_RELEASE, EXPECT_ABORT, NULL);
}

/* What is put in force now would be gone with us. */
static bool refuse_at_end(struct supervisor *s, struct client *c,
			  enum channel_type type)
{
	if (!s->stopping || type == CHANNEL_STOP)
		return false;
	/* These two have no answer. */
	if (type != CHANNEL_PREPARE && type != CHANNEL_SOCKETS)
		supervisor_reply(c, CHANNEL_FAILED, "it is ending");
	return true;
}

static void handle(struct supervisor *s, struct client *c,
		   const struct channel_msg *m, int fds[CHANNEL_MAX])
{
	if (refuse_at_end(s, c, (enum channel_type)m->type))
		return;
	switch ((enum channel_type)m->type) {
	case CHANNEL_PREPARE:
		prepare(s, c, m, fds);
		return;
	case CHANNEL_SOCKETS:
		take_sockets(s, c, m, fds);
		return;
	case CHANNEL_READY:
		ready(s, c);
		return;
	case CHANNEL_COMMIT:
		commit(s, c);
		return;
	case CHANNEL_ABORT:
		if (owns_next(s, c))
			abort_next(s);
		supervisor_reply(c, CHANNEL_OK, "");
		return;
	case CHANNEL_STATUS:
		status(s, c, m, fds);
		return;
	case CHANNEL_HOLD:
		hold(s, c);
		return;
	case CHANNEL_WATCH:
		terminate_watch(s, c);
		return;
	case CHANNEL_STOP:
		supervisor_stop(s, c);
		return;
	case CHANNEL_NONE:
	case CHANNEL_OK:
	case CHANNEL_FAILED:
	case CHANNEL_CONNECT:
	case CHANNEL_CONNECTED:
	case CHANNEL_REFUSED:
	case CHANNEL_RELEASE:
	case CHANNEL_TERMINATE:
	case CHANNEL_TYPE_COUNT:
		supervisor_reply(c, CHANNEL_FAILED, "no such request");
		return;
	}
}

static bool has_clients(const struct supervisor *s)
{
	for (size_t i = 0; i < SUPERVISOR_CLIENTS; i++)
		if (s->clients[i].watch.fd >= 0)
			return true;
	return false;
}

static void drop_client(struct supervisor *s, struct client *c)
{
	worker_forget(s, c);
	if (c->holds)
		release(s, c);
	if (owns_next(s, c))
		abort_next(s);
	if (s->stopper == c)
		s->stopper = NULL;
	loop_remove(&s->loop, &c->watch);
	close(c->watch.fd);
	c->watch.fd = -1;
	watch_listener(s);
	/* Whoever started us went away before anything was in force. */
	if (!s->now.there && !has_clients(s))
		supervisor_stop(s, NULL);
}

static void client_ready(struct loop *l, struct loop_watch *w, uint32_t events)
{
	struct supervisor *s = l->context;
	struct client *c = loop_owner(w, struct client, watch);
	struct channel_msg m;
	int fds[CHANNEL_MAX];
	const int rc = channel_receive(w->fd, &m, fds);

	(void)events;
	if (rc < 0 && errno == EAGAIN)
		return;
	if (rc != 1) {
		drop_client(s, c);
	} else {
		handle(s, c, &m, fds);
		channel_close_fds(&m, fds);
	}
	resolv_settle(s);
	rotate_settle(s);
}

static void stop_now(struct loop *l, struct loop_timer *t)
{
	struct supervisor *s = loop_owner(t, struct supervisor, stop_timer);

	(void)l;
	monitor_kill(&s->worker);
}

void supervisor_stop(struct supervisor *s, struct client *stopper)
{
	if (!s->stopper)
		s->stopper = stopper;
	if (s->stopping)
		return;
	s->stopping = true;
	monitor_stop(&s->worker);
	if (!s->worker.pid) {
		s->loop.stop = true;
		return;
	}
	/* It ends when its channel does, and resets its flows; if not, it is
	 * killed. */
	worker_close(s);
	s->stop_timer.fire = stop_now;
	loop_set(&s->loop, &s->stop_queue, &s->stop_timer, SUPERVISOR_STOP_MS);
}

void supervisor_clients_close(struct supervisor *s)
{
	for (size_t i = 0; i < SUPERVISOR_CLIENTS; i++)
		if (s->clients[i].watch.fd >= 0)
			drop_client(s, &s->clients[i]);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* control.c - What the supervisor asks for: another policy, or the state. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "relay.h"

static void answer(struct relay *r, enum channel_type type, const char *text)
{
	/* Nobody there to be answered: then nobody is there to relay for. */
	if (channel_send_text(r->channel.fd, type, "%s", text) < 0)
		r->loop.stop = true;
}

/* Forget what was being prepared. */
static void drop_next(struct relay *r)
{
	if (r->prepared) {
		r->prepared = false;
		relay_ports_pause(r, false);
		relay_tcp_thaw(r);
		relay_udp_thaw(r);
	}
	if (r->next.conf)
		relay_sockets_close(&r->next.sockets, &r->now.sockets);
	arena_free(&r->next.arena);
	r->next = (struct relay_state){0};
}

/*
 * An error before READY is told when READY comes, which is when an answer is
 * expected: the text stays behind in place of a configuration.
 */
static void refuse_next(struct relay *r, const char *reason)
{
	drop_next(r);
	if (!*r->told)
		snprintf(r->told, sizeof(r->told), "%s", reason);
}

static void prepare(struct relay *r, int fd)
{
	char reason[CONF_REASON_MAX] = "";
	const struct relay_conf *conf;

	drop_next(r);
	r->told[0] = 0;
	conf = relay_conf_read(&r->next.arena, fd, reason);
	if (!conf) {
		refuse_next(r, reason);
		return;
	}
	r->next.conf = conf;
	r->next.sockets = relay_sockets_begin(&r->next.arena, conf,
					      &r->now.sockets, false);
}

static void ready(struct relay *r)
{
	char reason[CONF_REASON_MAX] = "nothing was prepared";

	if (*r->told || !r->next.conf ||
	    !relay_sockets_check(&r->next.sockets, false, reason)) {
		refuse_next(r, reason);
		answer(r, CHANNEL_FAILED, r->told);
		return;
	}
	r->prepared = true;
	if (r->now.conf) {
		relay_ports_pause(r, true);
		relay_tcp_freeze(r);
		relay_udp_freeze(r);
	}
	answer(r, CHANNEL_OK, "");
}

static void commit(struct relay *r)
{
	struct relay_state old = r->now;

	if (!r->prepared) {
		answer(r, CHANNEL_FAILED, "nothing was prepared");
		return;
	}
	relay_ports_unwatch(r, &old);
	if (old.conf) {
		relay_tcp_commit(r, r->next.conf);
		relay_udp_commit(r, r->next.conf);
		relay_sockets_close(&old.sockets, &r->next.sockets);
	}
	r->now = r->next;
	r->next = (struct relay_state){0};
	r->prepared = false;
	arena_free(&old.arena);
	/* It is decided: a worker that cannot follow ends, and another one
	 * begins with the new configuration. */
	if (!relay_ports_watch(r, &r->now)) {
		r->loop.stop = true;
		return;
	}
	answer(r, CHANNEL_OK, "");
}

static void status(struct relay *r)
{
	const uint64_t *n = r->counts;

	if (channel_send_text(
		    r->channel.fd, CHANNEL_STATUS,
		    "tcp %zu udp %zu accepted %" PRIu64 " denied %" PRIu64
		    " limited %" PRIu64 " refused %" PRIu64 " reset %" PRIu64,
		    r->tcp_count, r->udp_count, n[RELAY_COUNT_ACCEPTED],
		    n[RELAY_COUNT_DENIED], n[RELAY_COUNT_LIMITED],
		    n[RELAY_COUNT_REFUSED], n[RELAY_COUNT_RESET]) < 0)
		r->loop.stop = true;
}

static void take_sockets(struct relay *r, const struct channel_msg *m,
			 int fds[CHANNEL_MAX])
{
	const char *refused = relay_sockets_put(&r->next.sockets, m, fds);

	if (refused)
		refuse_next(r, refused);
}

static void handle(struct relay *r, const struct channel_msg *m,
		   int fds[CHANNEL_MAX])
{
	switch ((enum channel_type)m->type) {
	case CHANNEL_PREPARE:
		if (m->count == 1)
			prepare(r, fds[0]);
		else
			refuse_next(r, "prepare came without its file");
		break;
	case CHANNEL_SOCKETS:
		take_sockets(r, m, fds);
		return;
	case CHANNEL_READY:
		ready(r);
		break;
	case CHANNEL_COMMIT:
		commit(r);
		break;
	case CHANNEL_ABORT:
		drop_next(r);
		answer(r, CHANNEL_OK, "");
		break;
	case CHANNEL_STATUS:
		status(r);
		break;
	case CHANNEL_STOP:
		r->loop.stop = true;
		break;
	case CHANNEL_HOLD:
	case CHANNEL_RELEASE:
		/* It has no part in it. */
		answer(r, CHANNEL_OK, "");
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
		answer(r, CHANNEL_FAILED, "no such request");
		break;
	}
	channel_close_fds(m, fds);
}

void relay_control(struct loop *l, struct loop_watch *w, uint32_t events)
{
	struct relay *r = l->context;
	struct channel_msg m;
	int fds[CHANNEL_MAX];

	(void)events;
	if (channel_receive(w->fd, &m, fds) == 1)
		handle(r, &m, fds);
	else
		l->stop = true;
}

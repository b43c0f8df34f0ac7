/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tlsd_requests.c - What the supervisor wants of the monitor. */
#include "tlsd_monitor.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "pages.h"
#include "pass.h"

/* What a configuration must come with, or an old one have. */
#define NEEDED BIT(TLS_NETLINK)

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

static void answer(struct monitor_ctx *m, enum channel_type type,
		   const char *text)
{
	if (channel_send_text(m->supervisor.fd, type, "%s", text) < 0)
		tlsd_monitor_fail(m, "answer the supervisor");
}

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
	tlsd_monitor_ask(m, CHANNEL_ABORT, CHILDREN_ALL, dropped);
}

static void worker_is_ready(struct monitor_ctx *m)
{
	const char *why = tlsd_monitor_refusal(m);

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
		tlsd_monitor_ask(m, CHANNEL_READY, BIT(CHILD_WORKER),
				 worker_is_ready);
}

static void ready(struct monitor_ctx *m)
{
	struct tls_state *s = &m->next;

	m->ready = tls_state_ready(s, &m->now, NEEDED);
	if (m->ready && s->conf->walk.names_file)
		given_map_names(&s->given, TLS_NAMES, &s->conf->walk.names);
	m->ready = !*s->given.refused;
	if (m->ready)
		tlsd_monitor_ask(m, CHANNEL_READY, BIT(CHILD_SIGNER),
				 signer_is_ready);
	else
		refuse_next(m, s->given.refused);
}

static void committed(struct monitor_ctx *m)
{
	const char *why = tlsd_monitor_refusal(m);

	/* To read a configuration takes code that flows do without. */
	pages_forget();
	answer(m, why ? CHANNEL_FAILED : CHANNEL_OK, why ? why : "");
}

static void worker_committed(struct monitor_ctx *m)
{
	tlsd_monitor_ask(m, CHANNEL_COMMIT, BIT(CHILD_SIGNER), committed);
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
	tlsd_monitor_ask(m, CHANNEL_COMMIT, BIT(CHILD_WORKER),
			 worker_committed);
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
			tlsd_monitor_fail(m, "pass descriptors on");
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
			tlsd_monitor_fail(m, "pass a configuration on");
}

void tlsd_monitor_handle(struct monitor_ctx *m, struct channel_msg *msg,
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
		tlsd_monitor_ask(m, CHANNEL_ABORT, CHILDREN_ALL, aborted);
		break;
	case CHANNEL_STATUS:
		tlsd_monitor_ask(m, CHANNEL_STATUS, CHILDREN_ALL, told_status);
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

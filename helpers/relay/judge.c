/* SPDX-License-Identifier: GPL-2.0-or-later */
/* judge.c - Who may begin a flow, and which flows may go on. */
#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#include "relay.h"

/* The index, in @conf, of the listener that a flow came through. */
static size_t find_listener(const struct relay_conf *conf,
			    const struct relay_conf *now,
			    const struct relay_flow *f)
{
	if (conf == now)
		return f->listener;
	return relay_conf_find(conf, &now->listeners[f->listener]);
}

bool relay_judge(const struct relay_conf *conf, const struct relay_conf *now,
		 const struct relay_flow *f, int proto)
{
	size_t i;

	if (f->listener == RELAY_HOST)
		return relay_conf_host(conf, proto, f->asked.ip.family,
				       f->port);
	i = find_listener(conf, now, f);
	/* A listener that leads elsewhere, or nowhere, ends its flows. */
	return i < conf->n_listeners &&
	       conf->listeners[i].binding.guest_port == f->port &&
	       relay_conf_ingress(conf, proto, f->client.ip, f->port);
}

void relay_relocate(const struct relay_conf *from, const struct relay_conf *to,
		    struct relay_flow *f)
{
	if (f->listener != RELAY_HOST)
		f->listener = (uint32_t)find_listener(to, from, f);
}

void relay_count_denied(struct relay *r, const struct relay_flow *f, int proto)
{
	char client[IP_TEXT_MAX];
	const bool host = f->listener == RELAY_HOST;
	const char *pointer =
		host ? NULL
		     : r->now.conf->listeners[f->listener].binding.pointer;
	const struct log_field fields[] = {
		{"direction", host ? "egress" : "ingress", 0},
		{"protocol", proto == IPPROTO_TCP ? "tcp" : "udp", 0},
		{"client", ip_format(f->client.ip, client), 0},
		{"port", NULL, f->port},
		{pointer ? "binding" : NULL, pointer, 0},
		{0},
	};

	r->counts[RELAY_COUNT_DENIED]++;
	log_event(&r->log, "denied", fields);
}

void relay_count_limited(struct relay *r, const char *limit)
{
	const struct log_field fields[] = {{"limit", limit, 0}, {0}};

	r->counts[RELAY_COUNT_LIMITED]++;
	log_event(&r->log, "limited", fields);
}

int relay_ask_host(struct relay *r, int proto, enum ip_family guest,
		   enum ip_family host, uint16_t port)
{
	struct channel_msg m = {
		.type = CHANNEL_CONNECT,
		.index = {[CHANNEL_PROTO] = (uint32_t)proto,
			  [CHANNEL_GUEST_FAMILY] = guest,
			  [CHANNEL_HOST_FAMILY] = host,
			  [CHANNEL_PORT] = port},
	};
	int fds[CHANNEL_MAX];
	int rc;

	if (channel_send(r->broker, &m, NULL) < 0)
		return -1;
	rc = channel_receive(r->broker, &m, fds);
	if (rc == 1 && m.type == CHANNEL_CONNECTED && m.count == 1)
		return fds[0];
	if (rc == 1) {
		channel_close_fds(&m, fds);
		errno = m.type == CHANNEL_REFUSED && m.index[0]
				? (int)m.index[0]
				: EPROTO;
		return -1;
	}
	/* An answer that comes too late would be taken for the next one's: a
	 * worker whose supervisor does not answer is of no use. */
	r->loop.stop = true;
	errno = EPIPE;
	return -1;
}

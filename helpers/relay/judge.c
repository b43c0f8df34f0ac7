/* SPDX-License-Identifier: GPL-2.0-or-later */
/* judge.c - Who may begin a flow, and which flows may go on. */
#include <netinet/in.h>

#include "host_socket.h"
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
	bool broken = false;
	const int fd =
		host_socket(r->broker, proto, guest, host, port, &broken);

	/* A worker whose supervisor does not answer is of no use. */
	if (broken)
		r->loop.stop = true;
	return fd;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ports.c - The sockets that flows begin at: listening and steering ones. */
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

#include "datagram.h"
#include "relay.h"

/** enum port_kind - What is done when a socket has something */
enum port_kind {
	PORT_NONE,
	PORT_TCP,
	PORT_UDP,
};

static const enum port_kind gateway_kinds[RELAY_GATEWAY_COUNT] = {
	[RELAY_STEER_TCP4] = PORT_TCP, [RELAY_STEER_TCP6] = PORT_TCP,
	[RELAY_STEER_UDP4] = PORT_UDP, [RELAY_STEER_UDP6] = PORT_UDP,
	[RELAY_ICMP4] = PORT_NONE,     [RELAY_ICMP6] = PORT_NONE,
};

static enum port_kind kind_of(const struct relay_conf *c, size_t number)
{
	if (number >= c->n_listeners)
		return c->has_host ? gateway_kinds[number - c->n_listeners]
				   : PORT_NONE;
	if (c->listeners[number].serve != RELAY_SERVE)
		return PORT_NONE;
	return c->listeners[number].binding.proto == CONFIG_TCP ? PORT_TCP
								: PORT_UDP;
}

static void port_ready(struct loop *l, struct loop_watch *w, uint32_t events)
{
	const struct relay_port *p = loop_owner(w, struct relay_port, watch);
	struct relay *r = l->context;
	const struct relay_conf *c = r->now.conf;
	const uint32_t listener = p->number < c->n_listeners ? p->number
							     : RELAY_HOST;

	(void)events;
	if (kind_of(c, p->number) == PORT_TCP)
		relay_tcp_accept(r, w->fd, listener);
	else
		relay_udp_receive(r, w->fd, listener);
}

/* They are for sending: what they would receive has a receiver already. */
static void deafen(const struct relay_sockets *s)
{
	const int *fd = s->fd + s->conf->n_listeners;
	const struct icmp_filter none4 = {.data = UINT32_MAX};
	struct icmp6_filter none6;

	ICMP6_FILTER_SETBLOCKALL(&none6);
	setsockopt(fd[RELAY_ICMP4], SOL_RAW, ICMP_FILTER, &none4,
		   sizeof(none4));
	setsockopt(fd[RELAY_ICMP6], IPPROTO_ICMPV6, ICMP6_FILTER, &none6,
		   sizeof(none6));
}

bool relay_ports_watch(struct relay *r, struct relay_state *s)
{
	const struct relay_conf *c = s->conf;

	s->ports = arena_array(&s->arena, s->sockets.n, struct relay_port);
	for (size_t i = 0; i < s->sockets.n; i++) {
		const enum port_kind kind = kind_of(c, i);
		struct relay_port *p = &s->ports[s->n_ports];

		if (kind == PORT_NONE)
			continue;
		if (kind == PORT_UDP &&
		    datagram_watch_asked(s->sockets.fd[i],
					 i >= c->n_listeners) < 0)
			return false;
		if (kind == PORT_TCP)
			splice_options(s->sockets.fd[i], true);
		*p = (struct relay_port){
			.watch = {s->sockets.fd[i], port_ready},
			.number = (uint32_t)i,
		};
		if (loop_add(&r->loop, &p->watch, EPOLLIN) < 0)
			return false;
		s->n_ports++;
	}
	if (c->has_host)
		deafen(&s->sockets);
	return true;
}

void relay_ports_unwatch(struct relay *r, struct relay_state *s)
{
	for (size_t i = 0; i < s->n_ports; i++)
		loop_remove(&r->loop, &s->ports[i].watch);
	s->n_ports = 0;
}

void relay_ports_pause(struct relay *r, bool pause)
{
	const struct relay_state *s = &r->now;

	for (size_t i = 0; i < s->n_ports; i++)
		if (kind_of(s->conf, s->ports[i].number) == PORT_TCP)
			loop_change(&r->loop, &s->ports[i].watch,
				    pause ? 0 : EPOLLIN);
}

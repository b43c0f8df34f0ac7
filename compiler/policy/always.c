/* SPDX-License-Identifier: GPL-2.0-or-later */
/* always.c - A walk with what holds always in front of it. */
#include "always.h"

#include <string.h>

#include "eval.h"

#define PORTS 65536u

/** struct prefixed - A walk being written */
struct prefixed {
	struct arena *a;
	struct policy_rule *v;
	size_t n;
	size_t cap;
};

static void put(struct prefixed *s, const struct policy_rule *r)
{
	s->v = arena_grow(s->a, s->v, s->n, &s->cap, sizeof(*s->v));
	s->v[s->n++] = *r;
}

/* Deny the ports that are marked, or those that are not. */
static void deny_ports(struct prefixed *s, enum config_proto proto,
		       const bool marked[PORTS], bool which,
		       const char *pointer)
{
	struct policy_rule r = {.protos = proto, .pointer = pointer};
	const int wanted = which ? 1 : 0, other = which ? 0 : 1;
	const bool *const end = marked + PORTS;
	const bool *lo = marked, *next;
	struct config_ports *v = NULL;
	size_t cap = 0;

	while (lo < end && (lo = memchr(lo, wanted, (size_t)(end - lo)))) {
		next = memchr(lo, other, (size_t)(end - lo));
		next = next ? next : end;
		v = arena_grow(s->a, v, r.n_ports, &cap, sizeof(*v));
		v[r.n_ports++] = (struct config_ports){
			(uint16_t)(lo - marked), (uint16_t)(next - 1 - marked)};
		lo = next;
	}
	r.ports = v;
	if (r.n_ports)
		put(s, &r);
}

static void egress_always(struct prefixed *s, const struct policy *p)
{
	const struct policy_rule uplink = {
		.dest = {.kind = CONFIG_DEST_RANGE, .range = eval_uplink_net()},
		.pointer = "always:uplink",
	};
	const bool helper = p->dns == POLICY_DNS_HELPER;
	const struct config_tls *tls = &p->config->tls;
	bool *marked;
	size_t i;

	put(s, &uplink);
	marked = arena_array(s->a, PORTS, bool);
	for (i = 0; helper && i < EVAL_DNS_TRANSPORTS; i++)
		marked[eval_dns_transports[i]] = true;
	deny_ports(s, CONFIG_UDP, marked, true, "always:dns-transport");
	marked = arena_array(s->a, PORTS, bool);
	marked[eval_dns_transports[0]] = helper;
	deny_ports(s, CONFIG_TCP, marked, true, "always:dns-transport");
	marked = arena_array(s->a, PORTS, bool);
	marked[443] = eval_blocks_quic(p, 443);
	for (i = 0; i < tls->n_ports; i++)
		marked[tls->ports[i]] = eval_blocks_quic(p, tls->ports[i]);
	deny_ports(s, CONFIG_UDP, marked, true, "always:quic");
}

static void ingress_always(struct prefixed *s, const struct policy *p)
{
	const struct config *c = p->config;
	bool *tcp = arena_array(s->a, PORTS, bool);
	bool *udp = arena_array(s->a, PORTS, bool);
	size_t i;

	for (i = 0; i < c->n_bindings; i++) {
		if (c->bindings[i].proto == CONFIG_TCP)
			tcp[c->bindings[i].guest_port] = true;
		else
			udp[c->bindings[i].guest_port] = true;
	}
	deny_ports(s, CONFIG_TCP, tcp, false, "always:unpublished");
	deny_ports(s, CONFIG_UDP, udp, false, "always:unpublished");
}

void always_walk(struct arena *a, const struct policy *p,
		 enum policy_direction dir, size_t *ret_first,
		 struct policy_walk *ret)
{
	const struct policy_walk *w = &p->walk[dir];
	const unsigned int published = CONFIG_TCP | CONFIG_UDP;
	struct prefixed s = {.a = a};
	size_t i;

	if (dir == POLICY_EGRESS)
		egress_always(&s, p);
	else
		ingress_always(&s, p);
	*ret_first = s.n;
	for (i = 0; i < w->n; i++) {
		struct policy_rule r = w->rules[i];

		/* What is not TCP or UDP has no port that is published: the
		 * rules, none of which is about ICMP alone, say nothing about
		 * it, and the default is to deny. */
		if (dir == POLICY_INGRESS)
			r.protos = r.protos ? r.protos & published : published;
		put(&s, &r);
	}
	if (dir == POLICY_INGRESS)
		put(&s, &(struct policy_rule){
				.allow = w->default_allow,
				.protos = published,
				.pointer = w->default_pointer,
			});
	*ret = (struct policy_walk){
		.rules = s.v,
		.n = s.n,
		.default_allow = dir == POLICY_EGRESS && w->default_allow,
		.default_pointer = dir == POLICY_EGRESS ? w->default_pointer
							: "always:unpublished",
	};
}

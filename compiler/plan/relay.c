/* SPDX-License-Identifier: GPL-2.0-or-later */
/* relay.c - Whether a sandbox needs msb-relayd, and for what. */
#include "relay.h"

#include <string.h>

#include "eval.h"

#define PORT_BITS 65536u
#define WORD_BITS 64u

/** struct ports - A set of ports, one bit each; port 0 is always in it */
struct ports {
	uint64_t bits[PORT_BITS / WORD_BITS];
	uint32_t n;
};

/* Whether adding the range added any port. */
static bool ports_add_range(struct ports *s, struct config_ports r)
{
	const uint64_t all = UINT64_MAX;
	bool added = false;
	uint32_t i;

	for (i = r.lo / WORD_BITS; i <= r.hi / WORD_BITS; i++) {
		const uint32_t first = i * WORD_BITS;
		const uint32_t last = first + WORD_BITS - 1;
		uint64_t more = ~s->bits[i];

		if (r.lo > first)
			more &= all << (r.lo - first);
		if (r.hi < last)
			more &= all >> (last - r.hi);
		s->bits[i] |= more;
		s->n += (uint32_t)__builtin_popcountll(more);
		added |= more != 0;
	}
	return added;
}

static void ports_add(struct ports *s, uint16_t port)
{
	ports_add_range(s, (struct config_ports){port, port});
}

/* Whether the ports of a rule that are undecided yet are any. */
static bool ports_decide(struct ports *s, const struct policy_rule *r)
{
	const struct config_ports all = {1, 65535};
	bool added = false;
	size_t i;

	if (!r->n_ports)
		return ports_add_range(s, all);
	for (i = 0; i < r->n_ports; i++)
		added |= ports_add_range(s, r->ports[i]);
	return added;
}

/* What is decided before the walk is asked, or is not the relay's. */
static void ports_always(struct ports *s, const struct policy *p,
			 enum config_proto proto)
{
	const struct config_tls *tls = &p->config->tls;
	size_t i;

	ports_add(s, 0);
	ports_add(s, 53);
	if (p->dns == POLICY_DNS_HELPER)
		for (i = 0; i < EVAL_DNS_TRANSPORTS; i++)
			if (proto == CONFIG_UDP || !i)
				ports_add(s, eval_dns_transports[i]);
	/* What is intercepted is msb-tlsd's, also on its way to the host; so
	 * is what is read. */
	if (proto == CONFIG_TCP && eval_reads(p, EVAL_HTTP))
		ports_add(s, EVAL_HTTP);
	if (!tls->present ||
	    (proto == CONFIG_UDP && tls->block_quic == CONFIG_FALSE))
		return;
	if (!tls->has_ports)
		ports_add(s, 443);
	for (i = 0; i < tls->n_ports; i++)
		ports_add(s, tls->ports[i]);
}

static bool dest_has(const struct config_dest *dest, struct ip gateway)
{
	switch (dest->kind) {
	case CONFIG_DEST_ANY:
		return true;
	case CONFIG_DEST_GROUP:
		return dest->group == GROUP_HOST;
	case CONFIG_DEST_RANGE:
		return ip_range_has(dest->range, gateway);
	case CONFIG_DEST_NAME:
	case CONFIG_DEST_SUFFIX:
		break;
	}
	return false;
}

static const char *egress_to(const struct policy *p, struct ip gateway,
			     enum config_proto proto)
{
	const struct policy_walk *w = &p->walk[POLICY_EGRESS];
	struct ports decided = {.n = 0};
	size_t i;

	ports_always(&decided, p, proto);
	for (i = 0; i < w->n && decided.n < PORT_BITS; i++) {
		const struct policy_rule *r = &w->rules[i];

		if ((r->protos && !(r->protos & proto)) ||
		    !(dest_has(&r->dest, gateway) ||
		      (proto == CONFIG_UDP && eval_gateway_by_name(r))))
			continue;
		if (ports_decide(&decided, r) && r->allow)
			return r->pointer;
	}
	return w->default_allow && decided.n < PORT_BITS ? w->default_pointer
							 : NULL;
}

const char *relay_host_egress(const struct policy *p)
{
	const struct ip gateways[2] = {p->slot.gw4, p->slot.gw6};
	const enum config_proto protos[2] = {CONFIG_TCP, CONFIG_UDP};
	const char *pointer = NULL;
	size_t i;

	for (i = 0; i < 4 && !pointer; i++)
		pointer = egress_to(p, gateways[i / 2], protos[i % 2]);
	return pointer;
}

const char *relay_reason(struct arena *a, const struct policy *p)
{
	const char *ports = "published ports need sockets on the host";
	const char *pointer = relay_host_egress(p);

	if (!pointer)
		return p->config->n_bindings ? ports : NULL;
	return arena_printf(
		a,
		"%s%s%s allows flows to the gateway, which go on to the host",
		p->config->n_bindings ? ports : "",
		p->config->n_bindings ? "; " : "", pointer);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agree_sides.c - The packets that a flow can have. */
#include <netinet/in.h>
#include <string.h>

#include "agree_parts.h"

#define ICMP_ECHO   8
#define ICMPV6_ECHO 128

/* Where the gateway namespace's routes lead an address (plan.json). */
static void route(const struct policy *p, struct interpret_packet *packet)
{
	const struct ip to = packet->daddr;
	const struct slot *s = &p->slot;

	packet->oif = "uplink0";
	if (ip_equal(to, s->guest4) || ip_equal(to, s->guest6)) {
		/* What the guest sends to itself is not sent back to it. */
		packet->route = strcmp(packet->iif, "guest0") == 0
					? INTERPRET_NOWHERE
					: INTERPRET_FORWARD;
		packet->oif = "guest0";
		return;
	}
	switch (group_of(to, s->gw4, s->gw6)) {
	case GROUP_HOST:
		packet->route = INTERPRET_INPUT;
		break;
	case GROUP_NONE:
	case GROUP_LOOPBACK:
	case GROUP_LINK_LOCAL:
	case GROUP_MULTICAST:
		packet->route = INTERPRET_NOWHERE;
		break;
	case GROUP_METADATA:
	case GROUP_PRIVATE:
	case GROUP_PUBLIC:
	case GROUP_COUNT:
		packet->route = INTERPRET_FORWARD;
		break;
	}
}

static bool selects(const struct config_dest *dest, struct dname name)
{
	if (dest->kind == CONFIG_DEST_NAME)
		return dname_equal(name, dest->name);
	return dname_below(name, dest->name) ||
	       (dest->apex && dname_equal(name, dest->name));
}

/* The sets that msb-dnsd has put the peer into. */
static void pin(const struct compiled *c, const struct flow *f,
		struct sides *ret)
{
	size_t n = 0, i, j, k;

	for (i = 0; i < c->plan.n_pins; i++) {
		const struct pin_pair *pair = c->plan.pins[i];
		bool in = false;

		for (j = 0; j < f->n_pins; j++)
			for (k = 0; k < pair->n_dests; k++)
				in |= selects(&pair->dests[k], f->pins[j]);
		if (in)
			ret->sets[n++] = f->ip.family == IP_V4
						 ? pair->set4.name
						 : pair->set6.name;
	}
	ret->opener.pinned = ret->other.pinned = f->ip;
	ret->opener.sets = ret->other.sets = ret->sets;
	ret->opener.n_sets = ret->other.n_sets = n;
}

void agree_sides(const struct compiled *c, const struct flow *f,
		 struct sides *ret)
{
	const struct policy *p = &c->policy;
	const bool egress = f->kind == FLOW_EGRESS;
	const struct ip guest = f->ip.family == IP_V4 ? p->slot.guest4
						      : p->slot.guest6;
	struct interpret_packet *o = &ret->opener, *r = &ret->other;

	*o = (struct interpret_packet){
		.iif = egress ? "guest0" : "uplink0",
		.family = f->ip.family,
		.saddr = egress ? guest : f->ip,
		.daddr = egress ? f->ip : guest,
		.proto = f->proto,
		.has_ports = f->has_port,
		.dport = f->port,
		.hoplimit = 64,
		.ct_state = NFT_CT_NEW,
		.ct_direction = NFT_CT_ORIGINAL,
		.ct_dport = f->port,
		.ct_count = 1,
	};
	/* The kernel keeps an ICMP query's type where ports would be. */
	if (f->proto == IPPROTO_ICMP)
		o->icmp_type = ICMP_ECHO;
	if (f->proto == IPPROTO_ICMPV6)
		o->icmp_type = ICMPV6_ECHO;
	if (o->icmp_type)
		o->ct_dport = (uint16_t)(o->icmp_type << 8);
	o->ct_saddr = o->saddr;
	o->ct_daddr = o->daddr;
	route(p, o);

	*r = *o;
	r->iif = egress ? "uplink0" : "guest0";
	r->saddr = o->daddr;
	r->daddr = o->saddr;
	r->dport = 40000;
	r->ct_state = NFT_CT_ESTABLISHED;
	r->ct_direction = NFT_CT_REPLY;
	route(p, r);
	pin(c, f, ret);
}

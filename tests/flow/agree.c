/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agree.c - One flow judged by eval and by the emitted ruleset. */
#include "agree.h"

#include <netinet/in.h>
#include <string.h>

#include "interpret.h"

#define ICMP_ECHO   8
#define ICMPV6_ECHO 128

/** struct sides - The packets that a flow can have */
struct sides {
	struct interpret_packet opener;
	struct interpret_packet other;
};

bool agree_expressible(const struct flow *f)
{
	return f->kind != FLOW_DNS && !f->n_pins && !f->sni_kind;
}

bool agree_needs_dnsd(const struct policy *p, const struct flow *f)
{
	return f->kind == FLOW_EGRESS && p->dns == POLICY_DNS_HELPER &&
	       f->has_port && f->port == 53 &&
	       !ip_range_has(eval_uplink_net(), f->ip);
}

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

static void sides(const struct policy *p, const struct flow *f,
		  struct sides *ret)
{
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
}

static const char *said(struct arena *a, const char *what,
			const struct interpret_result *r)
{
	return arena_printf(a, "%s: the ruleset says %s (%s, chain %s%s)", what,
			    interpret_fate_name(r->fate),
			    r->comment ? r->comment : "no comment", r->chain,
			    r->stamped ? ", stamped" : "");
}

/* One packet whose flow has no stamp that counts. */
static const char *judged(struct arena *a, const struct compiled *c,
			  const char *what, const struct verdict *v,
			  const struct interpret_packet *packet)
{
	const struct interpret_result r = interpret(&c->plan.sandbox, packet);
	const bool accepted = r.fate == INTERPRET_ACCEPTED;

	if (accepted != v->allow || r.stamped != v->allow)
		return said(a, what, &r);
	if (v->allow && r.mark != c->plan.generation)
		return said(a, "stamped with another generation", &r);
	if (!r.comment || strcmp(r.comment, v->pointer) != 0)
		return said(a, "another pointer", &r);
	return NULL;
}

/* One packet that must pass, or must not, without being judged again. */
static const char *passes(struct arena *a, const struct compiled *c,
			  const char *what, bool want,
			  const struct interpret_packet *packet)
{
	const struct interpret_result r = interpret(&c->plan.sandbox, packet);

	if ((r.fate == INTERPRET_ACCEPTED) != want || r.stamped)
		return said(a, what, &r);
	return NULL;
}

const char *agree_check(struct arena *a, const struct compiled *c,
			const struct flow *f, const struct verdict *v)
{
	const bool opens = f->kind == FLOW_EGRESS;
	const uint32_t stale = c->plan.generation ^ 0x10;
	struct interpret_packet p;
	struct verdict want = *v;
	const char *why;
	struct sides s;

	sides(&c->policy, f, &s);
	if (agree_needs_dnsd(&c->policy, f)) {
		want.allow = false;
		want.pointer = "needs msb-dnsd";
	}
	why = judged(a, c, "first packet", &want, &s.opener);
	if (why)
		return why;

	/* A policy was replaced: the next packet is judged in the direction in
	 * which the flow was opened, whoever sends it. */
	p = s.opener;
	p.ct_state = NFT_CT_ESTABLISHED;
	p.ct_mark = stale;
	why = judged(a, c, "stale, from the opener", &want, &p);
	if (why)
		return why;
	p = s.other;
	p.ct_mark = stale;
	/* What answers from the gateway itself never comes in by the uplink. */
	if (!(opens && s.opener.route != INTERPRET_FORWARD)) {
		why = judged(a, c, "stale, from the other side", &want, &p);
		if (why)
			return why;
	}
	p.ct_state = NFT_CT_RELATED;
	why = passes(a, c, "stale ICMP error", false, &p);
	if (why)
		return why;
	p.ct_state = NFT_CT_INVALID;
	why = passes(a, c, "invalid", false, &p);
	if (why)
		return why;
	p.ct_state = NFT_CT_UNTRACKED;
	why = passes(a, c, "untracked", false, &p);
	if (why)
		return why;

	p = s.opener;
	p.ct_state = NFT_CT_ESTABLISHED;
	p.ct_mark = c->plan.generation;
	why = passes(a, c, "stamped, from the opener", true, &p);
	if (why)
		return why;
	p = s.other;
	p.ct_mark = c->plan.generation;
	why = passes(a, c, "stamped, from the other side", true, &p);
	if (why)
		return why;
	p.ct_state = NFT_CT_RELATED;
	return passes(a, c, "ICMP error about a stamped flow", true, &p);
}

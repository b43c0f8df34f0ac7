/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agree.c - One flow judged by eval and by the emitted ruleset. */
#include "agree.h"

#include <netinet/in.h>
#include <string.h>

#include "binding.h"
#include "interpret.h"
#include "tables.h"

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
}

/* --- what a flow is to the rest of the plan --- */

static bool to_gateway(const struct compiled *c, const struct flow *f)
{
	const struct slot *s = &c->policy.slot;

	return f->kind == FLOW_EGRESS && f->has_port &&
	       (ip_equal(f->ip, s->gw4) || ip_equal(f->ip, s->gw6));
}

/* Whether msb-relayd carries it, if it is allowed. */
static bool steered(const struct compiled *c, const struct flow *f)
{
	return to_gateway(c, f) && f->port != 53;
}

/* Whether it counts against MaxConnections. */
static bool counted(const struct compiled *c, const struct flow *f)
{
	return c->config.has_max_connections && f->kind == FLOW_EGRESS &&
	       f->has_port && !(to_gateway(c, f) && f->port == 53) &&
	       !ip_equal(f->ip, c->policy.slot.guest4) &&
	       !ip_equal(f->ip, c->policy.slot.guest6);
}

/* Whether the relay opens flows to this port of the guest. */
static bool relayed(const struct compiled *c, const struct flow *f)
{
	size_t i;

	for (i = 0; i < c->config.n_bindings; i++) {
		const struct config_binding *b = &c->config.bindings[i];

		if (f->has_port && b->guest_port == f->port &&
		    (b->proto == CONFIG_UDP) == (f->proto == IPPROTO_UDP) &&
		    (binding_is_loopback(b) || binding_is_wildcard(b)))
			return true;
	}
	return false;
}

static uint32_t stamp_of(const struct compiled *c, const struct flow *f)
{
	return c->plan.generation | (steered(c, f) ? TABLE_OWNER_RELAY : 0);
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
			  const struct flow *f, const char *what,
			  const struct verdict *v,
			  const struct interpret_packet *packet)
{
	const struct interpret_result r = interpret(&c->plan.sandbox, packet);
	const bool accepted = r.fate == INTERPRET_ACCEPTED;

	if (accepted != v->allow || r.stamped != v->allow)
		return said(a, what, &r);
	if (v->allow && r.mark != stamp_of(c, f))
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

/* One packet that must be refused or dropped, with that comment. */
static const char *ends(struct arena *a, const struct compiled *c,
			const char *what, enum interpret_fate fate,
			const char *comment,
			const struct interpret_packet *packet)
{
	const struct interpret_result r = interpret(&c->plan.sandbox, packet);

	if (r.fate != fate || !r.comment ||
	    strncmp(r.comment, comment, strlen(comment)) != 0)
		return said(a, what, &r);
	return NULL;
}

/* A flow that counts, at the cap and over it. */
static const char *capped(struct arena *a, const struct compiled *c,
			  const struct flow *f, const struct verdict *v,
			  const struct sides *s)
{
	const enum interpret_fate fate =
		f->proto == IPPROTO_TCP ? INTERPRET_RESET : INTERPRET_DROPPED;
	struct interpret_packet p = s->opener;
	const char *why;

	p.ct_count = (uint64_t)c->config.max_connections + 1;
	why = ends(a, c, "over the cap", fate, "/MaxConnections", &p);
	if (why)
		return why;
	p.ct_state = NFT_CT_ESTABLISHED;
	why = judged(a, c, f, "over the cap, established", v, &p);
	if (why)
		return why;
	p.ct_state = NFT_CT_NEW;
	p.ct_mark = c->plan.generation ^ 0x10;
	why = judged(a, c, f, "over the cap, entered before", v, &p);
	if (why || !c->config.max_connections)
		return why;
	p = s->opener;
	p.ct_count = c->config.max_connections;
	return judged(a, c, f, "at the cap", v, &p);
}

/* What msb-relayd gets, and sends back. */
static const char *carried(struct arena *a, const struct compiled *c,
			   const struct flow *f, const struct verdict *v,
			   const struct sides *s)
{
	struct interpret_packet p = s->opener;
	struct interpret_result r;
	const char *why;

	p.ct_mark = stamp_of(c, f);
	p.listening = true;
	r = interpret(&c->plan.sandbox, &p);
	if (v->allow && (!c->plan.host_egress || !r.steered ||
			 r.fate != INTERPRET_ACCEPTED))
		return said(a, "not steered", &r);
	p.ct_mark = 0;
	r = interpret(&c->plan.sandbox, &p);
	if (r.steered != v->allow)
		return said(a, "steered or not, first packet", &r);

	/* If nothing else is steered, the relay sends nothing. */
	if (!c->plan.host_egress)
		return NULL;
	p = s->other;
	p.iif = "";
	p.oif = "guest0";
	p.route = INTERPRET_OUTPUT;
	p.ct_mark = c->plan.generation ^ 0x10;
	why = judged(a, c, f, "stale, from the relay", v, &p);
	if (why)
		return why;
	p.tcp_rst = true;
	if (f->proto == IPPROTO_TCP)
		why = passes(a, c, "stale, reset by the relay", true, &p);
	if (why)
		return why;
	p.tcp_rst = false;
	p.ct_mark = stamp_of(c, f);
	return passes(a, c, "stamped, from the relay", true, &p);
}

/* A flow to the port of an ingress flow, for a client on the host's loopback.
 * The relay judges it. */
static const char *opened_by_relay(struct arena *a, const struct compiled *c,
				   const struct flow *f, const struct sides *s)
{
	const struct slot *slot = &c->policy.slot;
	const bool want = relayed(c, f);
	struct interpret_packet p = s->opener;
	struct interpret_result r;
	int i;

	p.iif = "";
	p.oif = "guest0";
	p.route = INTERPRET_OUTPUT;
	p.saddr = p.ct_saddr = f->ip.family == IP_V4 ? slot->gw4 : slot->gw6;
	for (i = 0; i < 2; i++) {
		r = interpret(&c->plan.sandbox, &p);
		if ((r.fate == INTERPRET_ACCEPTED) != want ||
		    (want &&
		     r.mark != (c->plan.generation | TABLE_OWNER_RELAY)))
			return said(a, "opened by the relay", &r);
		if (!want)
			return NULL;
		p = s->other;
		p.iif = "guest0";
		p.daddr = p.ct_saddr = f->ip.family == IP_V4 ? slot->gw4
							     : slot->gw6;
		p.route = INTERPRET_INPUT;
		p.ct_mark = c->plan.generation ^ 0x10;
	}
	return NULL;
}

/* Nothing passes once its bucket is empty, stamped or not. */
static const char *limited(struct arena *a, const struct compiled *c,
			   const struct flow *f, const struct sides *s)
{
	const bool out = f->kind == FLOW_EGRESS;
	const struct config_rate *rate = out ? &c->config.rate_egress
					     : &c->config.rate_ingress;
	struct interpret_packet p = s->opener;

	if ((!rate->bandwidth.present && !rate->ops.present) ||
	    (!out && p.route != INTERPRET_FORWARD))
		return NULL;
	p.ct_mark = c->plan.generation;
	p.exhausted = true;
	return ends(a, c, "over its rate", INTERPRET_DROPPED,
		    out ? "/RateLimiter/Egress" : "/RateLimiter/Ingress", &p);
}

/* --- the host's table --- */

static const char *published_at(struct arena *a, const struct compiled *c,
				const struct config_binding *b, struct ip at,
				bool own)
{
	const bool v4 = at.family == IP_V4;
	const struct slot *slot = &c->policy.slot;
	const struct ip guest = v4 ? slot->guest4 : slot->guest6;
	struct interpret_packet p = {
		.iif = own ? "" : "world0",
		.family = at.family,
		.saddr = v4 ? ip4(192, 0, 2, 77) : (struct ip){IP_V6, 0x77},
		.daddr = at,
		.proto = b->proto == CONFIG_UDP ? IPPROTO_UDP : IPPROTO_TCP,
		.has_ports = true,
		.dport = b->host_port,
		.ct_state = NFT_CT_NEW,
		.route = own ? INTERPRET_OUTPUT : INTERPRET_INPUT,
		.oif = c->plan.uplink,
		.to_local = true,
		.ct_status = NFT_STATUS_DNAT,
	};
	struct interpret_result r = interpret(&c->plan.host, &p);

	if (r.fate != INTERPRET_ACCEPTED || !r.translated ||
	    !ip_equal(r.to, guest) || r.to_port != b->guest_port)
		return said(a, b->pointer, &r);
	if (own)
		return NULL;
	/* From a sandbox to a sandbox: not even to its own port. */
	p.iif = c->plan.uplink;
	p.saddr = guest;
	r = interpret(&c->plan.host, &p);
	if (r.fate != INTERPRET_DROPPED || !r.comment ||
	    strcmp(r.comment, "always:isolation") != 0)
		return said(a, "published to a sandbox", &r);
	/* Straight to the guest's address, which nothing translates. */
	p.iif = "world0";
	p.saddr = v4 ? ip4(192, 0, 2, 77) : (struct ip){IP_V6, 0x77};
	p.daddr = guest;
	p.dport = b->guest_port;
	p.to_local = false;
	p.ct_status = 0;
	p.route = INTERPRET_FORWARD;
	r = interpret(&c->plan.host, &p);
	if (r.fate != INTERPRET_DROPPED || !r.comment ||
	    strcmp(r.comment, "always:unpublished") != 0)
		return said(a, "straight to the guest", &r);
	return NULL;
}

/* From the host itself, to an address of its own that the binding has not. */
static const char *not_published(struct arena *a, const struct compiled *c,
				 const struct config_binding *b, struct ip at)
{
	const struct interpret_packet p = {
		.iif = "",
		.family = at.family,
		.saddr = at,
		.daddr = at,
		.proto = b->proto == CONFIG_UDP ? IPPROTO_UDP : IPPROTO_TCP,
		.has_ports = true,
		.dport = b->host_port,
		.ct_state = NFT_CT_NEW,
		.route = INTERPRET_OUTPUT,
		.oif = "lo",
		.to_local = true,
	};
	const struct interpret_result r = interpret(&c->plan.host, &p);

	return r.translated ? said(a, "translated, and should not be", &r)
			    : NULL;
}

/* Whether another binding has the port on that address. */
static bool elsewhere(const struct compiled *c, const struct config_binding *b,
		      struct ip at)
{
	size_t i;

	for (i = 0; i < c->config.n_bindings; i++) {
		const struct config_binding *o = &c->config.bindings[i];

		if (o != b && o->proto == b->proto &&
		    o->host_port == b->host_port &&
		    (ip_equal(o->bind, at) || binding_is_wildcard(o)))
			return true;
	}
	return false;
}

const char *agree_bindings(struct arena *a, const struct compiled *c)
{
	const struct ip some[2] = {ip4(203, 0, 113, 250),
				   {IP_V6, (ip_num)0x20010db8 << 96 | 0x99}};
	const struct ip loopback[2] = {ip4(127, 0, 0, 1), {IP_V6, 1}};
	const char *why = NULL;
	size_t i, j;

	for (i = 0; i < c->config.n_bindings && !why; i++) {
		const struct config_binding *b = &c->config.bindings[i];
		const bool wildcard = binding_is_wildcard(b);

		for (j = 0; j < 2 && !why; j++)
			why = not_published(a, c, b, loopback[j]);
		for (j = 0; j < 2 && !why; j++) {
			const bool has = wildcard &&
					 some[j].family <= b->bind.family;

			if (!has && !elsewhere(c, b, some[j]))
				why = not_published(a, c, b, some[j]);
			if (has && !why)
				why = published_at(a, c, b, some[j], false);
			if (has && !why)
				why = published_at(a, c, b, some[j], true);
		}
		if (why || wildcard || binding_is_loopback(b))
			continue;
		why = published_at(a, c, b, b->bind, false);
		if (!why)
			why = published_at(a, c, b, b->bind, true);
	}
	return why;
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
	if (want.allow && counted(c, f)) {
		why = capped(a, c, f, &want, &s);
		if (why)
			return why;
		/* With no connection allowed, none is new. */
		if (!c->config.max_connections)
			return NULL;
	}
	if (want.allow && steered(c, f) && !c->plan.host_egress)
		return "the plan steers nothing to the relay";
	why = judged(a, c, f, "first packet", &want, &s.opener);
	if (why)
		return why;
	why = limited(a, c, f, &s);
	if (why)
		return why;
	p = s.opener;
	p.listening = true;
	if (interpret(&c->plan.sandbox, &p).steered &&
	    !(want.allow && steered(c, f)))
		return "steered to the relay, which it is not for";
	if (steered(c, f)) {
		why = carried(a, c, f, &want, &s);
		if (why)
			return why;
	}
	if (!opens) {
		why = opened_by_relay(a, c, f, &s);
		if (why)
			return why;
	}

	/* A policy was replaced: the next packet is judged in the direction in
	 * which the flow was opened, whoever sends it. */
	p = s.opener;
	p.ct_state = NFT_CT_ESTABLISHED;
	p.ct_mark = stale;
	why = judged(a, c, f, "stale, from the opener", &want, &p);
	if (why)
		return why;
	p = s.other;
	p.ct_mark = stale;
	/* What answers from the gateway itself never comes in by the uplink,
	 * and who answers the gateway itself answers the relay. */
	if (!(opens && s.opener.route != INTERPRET_FORWARD) &&
	    !(!opens && s.other.route == INTERPRET_INPUT)) {
		why = judged(a, c, f, "stale, from the other side", &want, &p);
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
	p.ct_mark = stamp_of(c, f);
	/* A stamp of the relay's counts where there is one. */
	if (steered(c, f) && !c->plan.host_egress)
		p.ct_mark = c->plan.generation;
	why = passes(a, c, "stamped, and not answered yet", true, &p);
	if (why)
		return why;
	p.ct_state = NFT_CT_ESTABLISHED;
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

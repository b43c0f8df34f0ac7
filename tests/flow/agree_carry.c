/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agree_carry.c - What helpers get of a flow, and what caps and limits leave.
 */
#include <netinet/in.h>
#include <string.h>

#include "agree_parts.h"
#include "binding.h"

bool agree_steered(const struct compiled *c, const struct flow *f)
{
	return agree_to_gateway(&c->policy, f) && f->has_port && f->port != 53;
}

bool agree_counted(const struct compiled *c, const struct flow *f)
{
	return c->config.has_max_connections && f->kind == FLOW_EGRESS &&
	       f->has_port &&
	       !(agree_to_gateway(&c->policy, f) && f->port == 53) &&
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

uint32_t agree_stamp(const struct compiled *c, const struct flow *f,
		     const struct agree_want *want)
{
	if (want->fate == AGREE_HANDED)
		return c->plan.generation | TABLE_OWNER_TLS;
	return c->plan.generation |
	       (agree_steered(c, f) ? TABLE_OWNER_RELAY : 0);
}

const char *agree_judged(struct arena *a, const struct compiled *c,
			 const struct flow *f, const char *what,
			 const struct agree_want *want,
			 const struct interpret_packet *packet)
{
	const struct interpret_result r = interpret(&c->plan.sandbox, packet);
	const bool passes = want->fate != AGREE_DENIED;

	if ((r.fate == INTERPRET_ACCEPTED) != passes || r.stamped != passes)
		return interpret_said(a, what, &r);
	if (passes && r.mark != agree_stamp(c, f, want))
		return interpret_said(a, "stamped with another generation", &r);
	if (!r.comment || strcmp(r.comment, want->pointer) != 0)
		return interpret_said(a, "another pointer", &r);
	if (want->fate == AGREE_HANDED && packet->route != INTERPRET_OUTPUT &&
	    r.steered != TABLE_TLS_PORT)
		return interpret_said(a, "not handed over", &r);
	return NULL;
}

const char *agree_passes(struct arena *a, const struct compiled *c,
			 const char *what, bool want,
			 const struct interpret_packet *packet)
{
	const struct interpret_result r = interpret(&c->plan.sandbox, packet);

	if ((r.fate == INTERPRET_ACCEPTED) != want || r.stamped)
		return interpret_said(a, what, &r);
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
		return interpret_said(a, what, &r);
	return NULL;
}

const char *agree_capped(struct arena *a, const struct compiled *c,
			 const struct flow *f, const struct agree_want *want,
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
	why = agree_judged(a, c, f, "over the cap, established", want, &p);
	if (why)
		return why;
	p.ct_state = NFT_CT_NEW;
	p.ct_mark = c->plan.generation ^ 0x10;
	why = agree_judged(a, c, f, "over the cap, entered before", want, &p);
	if (why || !c->config.max_connections)
		return why;
	p = s->opener;
	p.ct_count = c->config.max_connections;
	return agree_judged(a, c, f, "at the cap", want, &p);
}

const char *agree_carried(struct arena *a, const struct compiled *c,
			  const struct flow *f, const struct agree_want *want,
			  const struct sides *s)
{
	const bool allowed = want->fate == AGREE_ALLOWED;
	struct interpret_packet p = s->opener;
	struct interpret_result r;
	const char *why;

	p.ct_mark = agree_stamp(c, f, want);
	p.listening = true;
	r = interpret(&c->plan.sandbox, &p);
	if (allowed && (!c->plan.host_egress || r.steered != TABLE_STEER_PORT ||
			r.fate != INTERPRET_ACCEPTED))
		return interpret_said(a, "not steered", &r);
	p.ct_mark = 0;
	r = interpret(&c->plan.sandbox, &p);
	if ((r.steered == TABLE_STEER_PORT) != allowed)
		return interpret_said(a, "steered or not, first packet", &r);

	/* If nothing else is steered, the relay sends nothing. */
	if (!c->plan.host_egress)
		return NULL;
	p = s->other;
	p.iif = "";
	p.oif = "guest0";
	p.route = INTERPRET_OUTPUT;
	p.ct_mark = c->plan.generation ^ 0x10;
	why = agree_judged(a, c, f, "stale, from the relay", want, &p);
	if (why)
		return why;
	p.tcp_rst = true;
	if (f->proto == IPPROTO_TCP)
		why = agree_passes(a, c, "stale, reset by the relay", true, &p);
	if (why)
		return why;
	p.tcp_rst = false;
	p.ct_mark = agree_stamp(c, f, want);
	return agree_passes(a, c, "stamped, from the relay", true, &p);
}

const char *agree_resolved(struct arena *a, const struct compiled *c,
			   const struct flow *f, const struct sides *s)
{
	const uint32_t stamp = c->plan.generation | TABLE_OWNER_DNS;
	const uint32_t stale = c->plan.generation ^ 0x10;
	const bool cap = agree_counted(c, f);
	struct interpret_packet p = s->opener;
	struct interpret_result r;
	const char *why;

	if (cap) {
		p.ct_count = (uint64_t)c->config.max_connections + 1;
		why = ends(a, c, "a query over the cap",
			   f->proto == IPPROTO_TCP ? INTERPRET_RESET
						   : INTERPRET_DROPPED,
			   "/MaxConnections", &p);
		if (why || !c->config.max_connections)
			return why;
		p.ct_count = c->config.max_connections;
	}
	why = ends(a, c, "a query, and nobody listens", INTERPRET_DROPPED,
		   AGREE_NEEDS_DNSD, &p);
	if (why)
		return why;
	p.listening = true;
	r = interpret(&c->plan.sandbox, &p);
	if (r.fate != INTERPRET_ACCEPTED || r.steered != TABLE_DNS_PORT ||
	    r.mark != stamp)
		return interpret_said(a, "a query", &r);
	p.ct_mark = stale;
	p.ct_state = NFT_CT_ESTABLISHED;
	r = interpret(&c->plan.sandbox, &p);
	if (r.fate != INTERPRET_ACCEPTED || r.steered != TABLE_DNS_PORT ||
	    r.mark != stamp)
		return interpret_said(a, "a query of an old flow", &r);
	p.ct_mark = stamp;
	r = interpret(&c->plan.sandbox, &p);
	if (r.fate != INTERPRET_ACCEPTED || r.steered != TABLE_DNS_PORT ||
	    r.stamped)
		return interpret_said(a, "the next query", &r);
	/* What comes from the far side is no answer. */
	p = s->other;
	p.ct_mark = stamp;
	r = interpret(&c->plan.sandbox, &p);
	if (p.route != INTERPRET_NOWHERE &&
	    s->opener.route == INTERPRET_FORWARD &&
	    r.fate == INTERPRET_ACCEPTED)
		return interpret_said(a, "an answer that is not msb-dnsd's",
				      &r);
	p.iif = "";
	p.oif = "guest0";
	p.route = INTERPRET_OUTPUT;
	why = agree_passes(a, c, "an answer", true, &p);
	if (why)
		return why;
	p.ct_mark = stale;
	r = interpret(&c->plan.sandbox, &p);
	if (r.fate != INTERPRET_ACCEPTED || r.mark != stamp)
		return interpret_said(a, "an answer of an old flow", &r);
	return NULL;
}

const char *agree_opened_by_relay(struct arena *a, const struct compiled *c,
				  const struct flow *f, const struct sides *s)
{
	const struct slot *slot = &c->policy.slot;
	const bool serves = relayed(c, f);
	struct interpret_packet p = s->opener;
	struct interpret_result r;
	int i;

	p.iif = "";
	p.oif = "guest0";
	p.route = INTERPRET_OUTPUT;
	p.saddr = p.ct_saddr = f->ip.family == IP_V4 ? slot->gw4 : slot->gw6;
	for (i = 0; i < 2; i++) {
		r = interpret(&c->plan.sandbox, &p);
		if ((r.fate == INTERPRET_ACCEPTED) != serves ||
		    (serves &&
		     r.mark != (c->plan.generation | TABLE_OWNER_RELAY)))
			return interpret_said(a, "opened by the relay", &r);
		if (!serves)
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

const char *agree_limited(struct arena *a, const struct compiled *c,
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

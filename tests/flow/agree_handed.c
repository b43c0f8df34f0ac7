/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agree_handed.c - What msb-tlsd gets of a flow, and what it may send. */
#include <netinet/in.h>
#include <string.h>

#include "agree_parts.h"

/* Nothing of it goes past msb-tlsd, in either direction. */
static const char *not_forwarded(struct arena *a, const struct compiled *c,
				 const char *what,
				 const struct interpret_packet *packet)
{
	const struct interpret_result r = interpret(&c->plan.sandbox, packet);

	if (packet->route == INTERPRET_FORWARD &&
	    r.fate == INTERPRET_ACCEPTED && r.steered != TABLE_TLS_PORT)
		return interpret_said(a, what, &r);
	return NULL;
}

/* A packet of the guest that is reset. @stamp: and what its flow is stamped
 * with, or 0 */
static const char *reset(struct arena *a, const struct compiled *c,
			 const char *what, uint32_t stamp,
			 const struct interpret_packet *packet)
{
	const struct interpret_result r = interpret(&c->plan.sandbox, packet);

	if (r.fate != INTERPRET_RESET || !r.comment ||
	    strcmp(r.comment, AGREE_NEEDS_TLSD) != 0 ||
	    r.mark != (stamp ? stamp : packet->ct_mark))
		return interpret_said(a, what, &r);
	return NULL;
}

const char *agree_handed(struct arena *a, const struct compiled *c,
			 const struct flow *f, const struct agree_want *want,
			 const struct sides *s)
{
	const uint32_t stamp = agree_stamp(c, f, want);
	const uint32_t stale = c->plan.generation ^ 0x10;
	struct interpret_packet p = s->opener;
	const char *why;

	p.listening = false;
	why = reset(a, c, "nobody listens", stamp, &p);
	if (why)
		return why;
	p.ct_mark = stamp;
	p.ct_state = NFT_CT_ESTABLISHED;
	why = reset(a, c, "nobody listens", stamp, &p);
	if (why)
		return why;
	p.listening = true;
	why = agree_passes(a, c, "stamped, to msb-tlsd", true, &p);
	if (why)
		return why;
	/* Another carried it until now: the kernel, or the relay. */
	p.ct_mark = stale;
	why = agree_judged(a, c, f, "stale, from the opener", want, &p);
	if (why)
		return why;
	p.ct_mark = stale | TABLE_OWNER_RELAY;
	if (want->by_name && c->plan.host_egress)
		why = reset(a, c, "the relay's, whose name nobody knows", 0,
			    &p);
	else
		why = agree_judged(a, c, f, "stale, the relay's", want, &p);
	if (why)
		return why;
	/* The server's side of a flow that the kernel carried. */
	p = s->other;
	p.ct_mark = stale;
	why = not_forwarded(a, c, "stale, from the other side", &p);
	if (why)
		return why;
	p.ct_mark = stamp;
	why = not_forwarded(a, c, "stamped, from the other side", &p);
	if (why)
		return why;
	p.iif = "";
	p.oif = "guest0";
	p.route = INTERPRET_OUTPUT;
	return agree_passes(a, c, "stamped, from msb-tlsd", true, &p);
}

const char *agree_kept(struct arena *a, const struct compiled *c,
		       const struct flow *f, const struct agree_want *want,
		       const struct sides *s)
{
	const uint32_t stale = (c->plan.generation ^ 0x10) | TABLE_OWNER_TLS;
	struct agree_want kept = *want;
	struct interpret_packet p = s->opener;
	const char *why;

	if (f->kind != FLOW_EGRESS || f->proto != IPPROTO_TCP ||
	    !plan_needs(&c->plan, PLAN_TLSD) ||
	    /* What is refused at once was never carried. */
	    strncmp(want->pointer, "always:", 7) == 0 ||
	    ip_equal(f->ip, c->policy.slot.guest4) ||
	    ip_equal(f->ip, c->policy.slot.guest6))
		return NULL;
	/* The gateway's name server is nobody's but NAT's. */
	if (agree_to_gateway(&c->policy, f) && f->port == 53)
		return NULL;
	if (kept.fate == AGREE_ALLOWED)
		kept.fate = AGREE_HANDED;
	p.ct_mark = stale;
	p.ct_state = NFT_CT_ESTABLISHED;
	p.listening = true;
	why = agree_judged(a, c, f, "msb-tlsd's before, from the guest", &kept,
			   &p);
	if (why)
		return why;
	p = s->other;
	p.iif = "";
	p.oif = "guest0";
	p.route = INTERPRET_OUTPUT;
	p.ct_mark = stale;
	why = agree_judged(a, c, f, "msb-tlsd's before, from msb-tlsd", &kept,
			   &p);
	if (why)
		return why;
	p.tcp_rst = true;
	return agree_passes(a, c, "msb-tlsd's before, and it resets it", true,
			    &p);
}

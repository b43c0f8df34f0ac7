/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agree.c - One flow judged by eval and by the emitted ruleset. */
#include "agree.h"

#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "binding.h"
#include "interpret.h"
#include "tables.h"

#define ICMP_ECHO   8
#define ICMPV6_ECHO 128

/** struct sides - The packets that a flow can have, and the dynamic sets that
 * its peer is in
 */
struct sides {
	struct interpret_packet opener;
	struct interpret_packet other;
	const char *sets[PINS_MAX];
};

/* Whether the one rule that a policy is about decides a flow. The policy's
 * walk is the rule alone. */
static bool decides(struct policy *one, const struct flow *f)
{
	ARENA(a);
	struct policy_walk *w = &one->walk[POLICY_EGRESS];
	struct verdict v;

	w->n = 1;
	w->default_allow = !w->rules[0].allow;
	v = eval(&a, one, f);
	return v.allow == w->rules[0].allow &&
	       strcmp(v.pointer, w->rules[0].pointer) == 0;
}

/* Whether an answer can ever tie an address to a name: some query is let
 * through before a rule denies the name, or another rule speaks first. */
static bool pin_exists(const struct policy *p, struct dname name)
{
	const struct policy_walk *w = &p->walk[POLICY_EGRESS];
	const struct flow query = {
		.kind = FLOW_DNS,
		.proto = IPPROTO_UDP,
		.ip = p->slot.gw4,
		.qname = name,
	};
	size_t i;

	for (i = 0; i < w->n; i++) {
		struct policy one = *p;

		if (w->rules[i].allow && !policy_is_name(&w->rules[i].dest) &&
		    (policy_rule_serves(&w->rules[i], CONFIG_UDP, 53) ||
		     policy_rule_serves(&w->rules[i], CONFIG_TCP, 53)))
			return true;
		one.walk[POLICY_EGRESS].rules = &w->rules[i];
		if (policy_is_name(&w->rules[i].dest) && decides(&one, &query))
			return w->rules[i].allow;
	}
	return true;
}

static bool to_gateway(const struct policy *p, const struct flow *f)
{
	return f->kind == FLOW_EGRESS &&
	       (ip_equal(f->ip, p->slot.gw4) || ip_equal(f->ip, p->slot.gw6));
}

bool agree_expressible(const struct policy *p, const struct flow *f)
{
	size_t i;

	/* What a name leads to at the gateway, msb-relayd does not carry. */
	if (f->kind == FLOW_DNS ||
	    (f->n_pins && (p->dns != POLICY_DNS_HELPER || to_gateway(p, f))))
		return false;
	for (i = 0; i < f->n_pins; i++)
		if (!pin_exists(p, f->pins[i]))
			return false;
	return true;
}

bool agree_is_dns(const struct policy *p, const struct flow *f)
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

static void sides(const struct compiled *c, const struct flow *f,
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

/* --- what a TCP flow of which the SNI is not known is to get --- */

/** enum outcome - What is known before there is an SNI */
enum outcome {
	OUTCOME_ALLOW,
	OUTCOME_DENY,
	OUTCOME_DEPENDS,
};

/* A name that a rule is about. */
static struct dname name_of(struct arena *a, const struct config_dest *dest)
{
	uint8_t *wire;

	if (dest->kind == CONFIG_DEST_NAME || dest->name.len > 250)
		return dest->name;
	wire = arena_array(a, dest->name.len + 2u, uint8_t);
	wire[0] = 1;
	wire[1] = 'q';
	memcpy(wire + 2, dest->name.wire, dest->name.len);
	return (struct dname){wire, (uint8_t)(dest->name.len + 2)};
}

/* The table of walk_names.c, for one flow, one rule after the other. */
static enum outcome outcome(struct arena *a, const struct policy *p,
			    const struct flow *f)
{
	const struct policy_walk *w = &p->walk[POLICY_EGRESS];
	bool allow = w->default_allow, may_allow = false, may_deny = false;
	size_t i;

	for (i = 0; i < w->n; i++) {
		const struct policy_rule *r = &w->rules[i];
		struct policy one = *p;
		struct flow as = *f, its = *f;
		struct dname name;

		one.walk[POLICY_EGRESS].rules = r;
		as.sni_kind = FLOW_SNI_NONE;
		if (!policy_is_name(&r->dest)) {
			if (!decides(&one, &as))
				continue;
			allow = r->allow;
			break;
		}
		/* Is it about the service at all? */
		name = name_of(a, &r->dest);
		its.sni_kind = FLOW_SNI_NAME;
		its.sni = name;
		its.pins = &name;
		its.n_pins = 1;
		if (!decides(&one, &its))
			continue;
		if (!r->allow)
			may_deny = true;
		else if (decides(&one, &as))
			may_allow = true;
		if (may_allow && may_deny)
			return OUTCOME_DEPENDS;
	}
	if (allow ? may_deny : may_allow)
		return OUTCOME_DEPENDS;
	return allow ? OUTCOME_ALLOW : OUTCOME_DENY;
}

/** struct said - What eval says of a flow with one SNI after the other */
struct said {
	const char **pointers;
	size_t n;
	bool allows;
	bool denies;
};

static void ask(struct arena *a, const struct policy *p, const struct flow *f,
		struct said *s)
{
	const struct verdict v = eval(a, p, f);

	s->pointers[s->n++] = v.pointer;
	s->allows |= v.allow;
	s->denies |= !v.allow;
}

static struct said ask_all(struct arena *a, const struct policy *p,
			   const struct flow *f)
{
	static const uint8_t foreign[] = "\7foreign\4test";
	const struct policy_walk *w = &p->walk[POLICY_EGRESS];
	struct said s = {.pointers = arena_array(a, 2 * w->n + f->n_pins + 2,
						 const char *)};
	struct flow as = *f;
	size_t i;

	as.sni_kind = FLOW_SNI_NONE;
	ask(a, p, &as, &s);
	as.sni_kind = FLOW_SNI_NAME;
	as.sni = (struct dname){foreign, sizeof(foreign)};
	ask(a, p, &as, &s);
	for (i = 0; i < f->n_pins; i++) {
		as.sni = f->pins[i];
		ask(a, p, &as, &s);
	}
	for (i = 0; i < w->n; i++) {
		if (!policy_is_name(&w->rules[i].dest))
			continue;
		as.sni = w->rules[i].dest.name;
		ask(a, p, &as, &s);
		as.sni = name_of(a, &w->rules[i].dest);
		ask(a, p, &as, &s);
	}
	return s;
}

static unsigned long index_of(const char *pointer)
{
	return strncmp(pointer, "/Rules/", 7) == 0
		       ? strtoul(pointer + 7, NULL, 10)
		       : ULONG_MAX;
}

/* Whether a comment names a pointer, or a range of rules that it is in. */
static bool is_named(const char *comment, const char *pointer)
{
	const char *to = comment ? strstr(comment, " to ") : NULL;

	if (!to)
		return comment && strcmp(comment, pointer) == 0;
	return index_of(pointer) >= index_of(comment) &&
	       index_of(pointer) <= index_of(to + 4);
}

static bool any_names(const struct policy_walk *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (policy_is_name(&w->rules[i].dest))
			return true;
	return false;
}

const char *agree_want(struct arena *a, const struct compiled *c,
		       const struct flow *f, const struct verdict *v,
		       struct verdict *ret)
{
	struct interpret_result r;
	struct sides sides_of;
	struct said s;
	size_t i;

	*ret = *v;
	if (agree_is_dns(&c->policy, f)) {
		ret->allow = false;
		ret->pointer = AGREE_NEEDS_DNSD;
		return NULL;
	}
	sides(c, f, &sides_of);
	sides_of.opener.ct_count = 0;
	r = interpret(&c->plan.sandbox, &sides_of.opener);
	if (f->kind != FLOW_EGRESS || f->proto != IPPROTO_TCP ||
	    !any_names(&c->policy.walk[POLICY_EGRESS]) ||
	    strncmp(v->pointer, "always:", 7) == 0) {
		if (is_named(r.comment, v->pointer))
			ret->pointer = r.comment;
		return NULL;
	}
	s = ask_all(a, &c->policy, f);
	switch (outcome(a, &c->policy, f)) {
	case OUTCOME_DEPENDS:
		ret->allow = false;
		ret->pointer = AGREE_NEEDS_TLSD;
		return NULL;
	case OUTCOME_ALLOW:
		if (s.denies)
			return "some SNI is denied";
		break;
	case OUTCOME_DENY:
		if (s.allows)
			return "some SNI is allowed";
		break;
	}
	ret->allow = !s.denies;
	for (i = 0; i < s.n; i++)
		if (is_named(r.comment, s.pointers[i]))
			ret->pointer = r.comment;
	return NULL;
}

/* --- what a flow is to the rest of the plan --- */

/* Whether msb-relayd carries it, if it is allowed. */
static bool steered(const struct compiled *c, const struct flow *f)
{
	return to_gateway(&c->policy, f) && f->has_port && f->port != 53;
}

/* Whether it counts against MaxConnections. */
static bool counted(const struct compiled *c, const struct flow *f)
{
	return c->config.has_max_connections && f->kind == FLOW_EGRESS &&
	       f->has_port && !(to_gateway(&c->policy, f) && f->port == 53) &&
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

/* One packet whose flow has no stamp that counts. */
static const char *judged(struct arena *a, const struct compiled *c,
			  const struct flow *f, const char *what,
			  const struct verdict *v,
			  const struct interpret_packet *packet)
{
	const struct interpret_result r = interpret(&c->plan.sandbox, packet);
	const bool accepted = r.fate == INTERPRET_ACCEPTED;

	if (accepted != v->allow || r.stamped != v->allow)
		return interpret_said(a, what, &r);
	if (v->allow && r.mark != stamp_of(c, f))
		return interpret_said(a, "stamped with another generation", &r);
	if (!r.comment || strcmp(r.comment, v->pointer) != 0)
		return interpret_said(a, "another pointer", &r);
	return NULL;
}

/* One packet that must pass, or must not, without being judged again. */
static const char *passes(struct arena *a, const struct compiled *c,
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
	if (v->allow &&
	    (!c->plan.host_egress || r.steered != TABLE_STEER_PORT ||
	     r.fate != INTERPRET_ACCEPTED))
		return interpret_said(a, "not steered", &r);
	p.ct_mark = 0;
	r = interpret(&c->plan.sandbox, &p);
	if ((r.steered == TABLE_STEER_PORT) != v->allow)
		return interpret_said(a, "steered or not, first packet", &r);

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

/* DNS, from and to msb-dnsd, whatever the walk says of its packets. */
static const char *resolved(struct arena *a, const struct compiled *c,
			    const struct flow *f, const struct sides *s)
{
	const uint32_t stamp = c->plan.generation | TABLE_OWNER_DNS;
	const uint32_t stale = c->plan.generation ^ 0x10;
	const bool cap = counted(c, f);
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
	why = passes(a, c, "an answer", true, &p);
	if (why)
		return why;
	p.ct_mark = stale;
	r = interpret(&c->plan.sandbox, &p);
	if (r.fate != INTERPRET_ACCEPTED || r.mark != stamp)
		return interpret_said(a, "an answer of an old flow", &r);
	return NULL;
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
			return interpret_said(a, "opened by the relay", &r);
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

const char *agree_check(struct arena *a, const struct compiled *c,
			const struct flow *f, const struct verdict *v)
{
	const bool opens = f->kind == FLOW_EGRESS;
	const uint32_t stale = c->plan.generation ^ 0x10;
	struct interpret_packet p;
	struct verdict want;
	const char *why;
	struct sides s;

	sides(c, f, &s);
	why = agree_want(a, c, f, v, &want);
	if (why)
		return why;
	if (agree_is_dns(&c->policy, f))
		return resolved(a, c, f, &s);
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

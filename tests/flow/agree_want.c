/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agree_want.c - What the ruleset is to do with a flow, as eval has it. */
#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "agree_parts.h"

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

const char *agree_fate_name(enum agree_fate fate)
{
	switch (fate) {
	case AGREE_DENIED:
		return "deny";
	case AGREE_ALLOWED:
		return "allow";
	case AGREE_HANDED:
		return "hand";
	}
	return "?";
}

bool agree_to_gateway(const struct policy *p, const struct flow *f)
{
	return f->kind == FLOW_EGRESS &&
	       (ip_equal(f->ip, p->slot.gw4) || ip_equal(f->ip, p->slot.gw6));
}

bool agree_expressible(const struct policy *p, const struct flow *f)
{
	size_t i;

	if (f->kind == FLOW_DNS || (f->n_pins && p->dns != POLICY_DNS_HELPER))
		return false;
	for (i = 0; i < f->n_pins; i++) {
		/* What another name than its own leads to at the gateway,
		 * msb-relayd does not carry; and what msb-tlsd does is the
		 * same at any address. */
		if (!pin_exists(p, f->pins[i]) ||
		    (agree_to_gateway(p, f) &&
		     !dname_equal(f->pins[i], eval_gateway_name())))
			return false;
	}
	return true;
}

bool agree_is_dns(const struct policy *p, const struct flow *f)
{
	return f->kind == FLOW_EGRESS && p->dns == POLICY_DNS_HELPER &&
	       f->has_port && f->port == 53 &&
	       !ip_range_has(eval_uplink_net(), f->ip);
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

/* Pointers in the order of the walk; what is none of a rule is behind all. */
static unsigned long index_of(const char *pointer)
{
	static const char *const lists[] = {"/DenyDomains/",
					    "/DenyDomainSuffixes/", "/Rules/"};
	size_t i;

	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (strncmp(pointer, lists[i], strlen(lists[i])) == 0)
			return (i << 32) +
			       strtoul(pointer + strlen(lists[i]), NULL, 10);
	return ULONG_MAX;
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

/* Whether msb-tlsd intercepts it, or reads it, if it is allowed. */
static bool intercepted(const struct compiled *c, const struct flow *f)
{
	return f->kind == FLOW_EGRESS && f->proto == IPPROTO_TCP &&
	       plan_needs(&c->plan, PLAN_TLSD) &&
	       eval_takes(&c->policy, f->port) &&
	       !(agree_to_gateway(&c->policy, f) && f->port == 53) &&
	       !ip_equal(f->ip, c->policy.slot.guest4) &&
	       !ip_equal(f->ip, c->policy.slot.guest6);
}

/* Whether some name is one that both rules are about. */
static bool overlap(const struct config_dest *x, const struct config_dest *y)
{
	if (x->kind == CONFIG_DEST_NAME && y->kind == CONFIG_DEST_NAME)
		return dname_equal(x->name, y->name);
	return dname_equal(x->name, y->name) || dname_below(x->name, y->name) ||
	       dname_below(y->name, x->name);
}

/* The one reason to hand a flow over in vain, or by a rule that never matches:
 * there are rules about the same names, which the ruleset does not compare. */
static bool any_overlap(const struct policy_walk *w)
{
	size_t i, j;

	for (i = 0; i < w->n; i++)
		for (j = 0; j < i && policy_is_name(&w->rules[i].dest); j++)
			if (policy_is_name(&w->rules[j].dest) &&
			    overlap(&w->rules[i].dest, &w->rules[j].dest))
				return true;
	return false;
}

/* What the walk makes of a TCP flow, held against eval with each SNI. */
static const char *want_tcp(struct arena *a, const struct compiled *c,
			    const struct flow *f, const char *comment,
			    struct agree_want *ret)
{
	const struct said s = ask_all(a, &c->policy, f);
	size_t i;

	for (i = 0; i < s.n; i++)
		if (is_named(comment, s.pointers[i]))
			ret->pointer = comment;
	switch (outcome(a, &c->policy, f)) {
	case OUTCOME_DEPENDS:
		ret->fate = AGREE_HANDED;
		ret->by_name = true;
		ret->in_vain = !s.allows || !s.denies;
		if (!any_overlap(&c->policy.walk[POLICY_EGRESS]))
			return ret->in_vain ? "handed over in vain" : NULL;
		/* One of those rules is named that never match. */
		if (comment)
			ret->pointer = comment;
		return NULL;
	case OUTCOME_ALLOW:
		ret->fate = AGREE_ALLOWED;
		return s.denies ? "some SNI is denied" : NULL;
	case OUTCOME_DENY:
		ret->fate = AGREE_DENIED;
		return s.allows ? "some SNI is allowed" : NULL;
	}
	return NULL;
}

const char *agree_want(struct arena *a, const struct compiled *c,
		       const struct flow *f, const struct verdict *v,
		       struct agree_want *ret)
{
	const char *why = NULL;
	struct interpret_result r;
	struct sides sides;

	*ret = (struct agree_want){
		.fate = v->allow ? AGREE_ALLOWED : AGREE_DENIED,
		.pointer = v->pointer,
	};
	if (agree_is_dns(&c->policy, f)) {
		ret->fate = AGREE_DENIED;
		ret->pointer = AGREE_NEEDS_DNSD;
		return NULL;
	}
	agree_sides(c, f, &sides);
	sides.opener.ct_count = 0;
	sides.opener.listening = true;
	r = interpret(&c->plan.sandbox, &sides.opener);
	if (f->kind != FLOW_EGRESS || f->proto != IPPROTO_TCP ||
	    !any_names(&c->policy.walk[POLICY_EGRESS]) ||
	    strncmp(v->pointer, "always:", 7) == 0) {
		if (is_named(r.comment, v->pointer))
			ret->pointer = r.comment;
	} else {
		why = want_tcp(a, c, f, r.comment, ret);
	}
	if (ret->fate == AGREE_ALLOWED && intercepted(c, f))
		ret->fate = AGREE_HANDED;
	return why;
}

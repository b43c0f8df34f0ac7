/* SPDX-License-Identifier: GPL-2.0-or-later */
/* prove.c - A ruleset's text against the policy that it is to enforce. */
#include "prove.h"

#include <netinet/in.h>
#include <string.h>

#include "always.h"
#include "eval.h"
#include "listing.h"
#include "readback.h"
#include "shape.h"
#include "space.h"

static void witness(const struct space_change *c, enum policy_direction dir,
		    const struct space *text, const struct space *source,
		    struct prove_result *ret)
{
	struct flow *f = &ret->flow;

	*f = (struct flow){
		.kind = dir == POLICY_EGRESS ? FLOW_EGRESS : FLOW_INGRESS,
	};
	f->ip = space_witness(c->addrs, c->service, &f->proto, &f->port);
	f->has_port = f->proto == IPPROTO_TCP || f->proto == IPPROTO_UDP;
	ret->outcome = PROVE_DIFFERS;
	ret->allow = c->before_allow;
	ret->pointer = space_pointer(source, c->before);
	ret->comment = space_pointer(text, c->after);
}

/** PROVE_MAX_CHANGES - Changes of verdict that are looked through */
#define PROVE_MAX_CHANGES 1000000u

/** struct proving - What is held against each other */
struct proving {
	struct arena *a;
	const struct policy *p;
	struct listing_table t;
	struct policy_walk meant[POLICY_DIRECTIONS];
	struct space source[POLICY_DIRECTIONS];
};

/* What the relay never carries: queries, which go to a name server, and what
 * msb-tlsd takes. */
static void others(const struct policy *p, enum space_class class,
		   bool ret[65536])
{
	const struct config_tls *tls = &p->config->tls;
	size_t i;

	memset(ret, 0, 65536 * sizeof(*ret));
	ret[0] = ret[53] = true;
	if (class != SPACE_TCP)
		return;
	ret[80] = p->config->n_secrets;
	if (!tls->present)
		return;
	ret[443] = !tls->has_ports;
	for (i = 0; i < tls->n_ports; i++)
		ret[tls->ports[i]] = true;
}

/* Whether a port of a class that would be the relay's is allowed. The verdict
 * may change where one of @spans begins; so the first port of a span that
 * counts is as good as any. */
static bool allows_port(const struct policy *p, const struct space *s,
			const struct space_profile *at, enum space_class class,
			const struct space_ports *spans)
{
	bool skip[65536];
	size_t i;

	others(p, class, skip);
	for (i = 0; i < spans->n; i++) {
		uint32_t port = spans->v[i].lo;

		while (port <= spans->v[i].hi && skip[port])
			port++;
		if (port <= spans->v[i].hi &&
		    space_allows(s,
				 space_profile_at(at, class, (uint16_t)port)))
			return true;
	}
	return false;
}

/* Whether a flow to the gateway is allowed that goes on to the host. */
static bool goes_to_host(const struct policy *p, const struct space *s)
{
	static const enum space_class classes[2] = {SPACE_TCP, SPACE_UDP};
	const struct ip gateways[2] = {p->slot.gw4, p->slot.gw6};
	size_t i, n;

	for (i = 0; i < 4; i++) {
		const struct space_profile *at =
			space_cells_of(&s->runs[0], ip_single(gateways[i / 2]),
				       &n)
				->profile;
		const enum space_class class = classes[i % 2];

		if (allows_port(p, s, at, class, at->own[class]) ||
		    (at->own[class]->open &&
		     allows_port(p, s, at, class, at->base[class])))
			return true;
	}
	return false;
}

/* The same, if the guest knows the gateway by its name. */
static bool goes_by_name(const struct proving *v)
{
	struct policy_walk w = v->meant[POLICY_EGRESS];
	struct policy_rule *rules = arena_array(v->a, w.n, struct policy_rule);
	struct space named;
	bool any = false;
	size_t i;

	for (i = 0; i < w.n; i++) {
		rules[i] = w.rules[i];
		if (!eval_gateway_by_name(&rules[i]))
			continue;
		any = true;
		rules[i].protos = CONFIG_UDP;
		rules[i].dest = (struct config_dest){
			.kind = CONFIG_DEST_GROUP,
			.group = GROUP_HOST,
		};
	}
	w.rules = rules;
	return any &&
	       space_build(v->a, &w, &v->p->slot, SPACE_NAMELESS, &named) &&
	       goes_to_host(v->p, &named);
}

/*
 * A change of verdict between policy and text; with @only, one of these flows
 * that the text allows and the policy denies, or with @allow false the other
 * way round.
 */
static enum space_answer find(struct proving *v, enum policy_direction dir,
			      const struct policy_walk *said, bool only,
			      bool allow, struct prove_result *ret)
{
	struct space_change *change;
	struct space text;
	size_t n, i;
	bool all;

	if (!space_build(v->a, said, &v->p->slot, SPACE_NAMELESS, &text))
		return SPACE_UNKNOWN;
	if (space_diff(v->a, &v->source[dir], &text, false,
		       only ? PROVE_MAX_CHANGES : 1, &change, &n,
		       &all) == SPACE_UNKNOWN)
		return SPACE_UNKNOWN;
	for (i = 0; i < n; i++) {
		if (only && change[i].after_allow != allow)
			continue;
		witness(&change[i], dir, &text, &v->source[dir], ret);
		return SPACE_YES;
	}
	return only && !all ? SPACE_UNKNOWN : SPACE_NO;
}

/*
 * What a helper decides is held from both sides: if all of it is denied, the
 * text allows nothing that the policy denies; if all of it is allowed, the text
 * denies nothing that the policy allows.
 */
static bool prove_walk(struct proving *v, enum policy_direction dir,
		       struct prove_result *ret)
{
	enum space_answer differs;
	struct readback said;

	if (!readback_walk(v->a, &v->t, dir, &said, &ret->error)) {
		ret->outcome = PROVE_UNKNOWN;
		return false;
	}
	ret->cells[dir] = v->source[dir].runs[0].area.n;
	ret->paths[dir] = said.denied.n;
	ret->helpers[dir] = said.helpers;
	differs = find(v, dir, &said.denied, said.helpers, true, ret);
	if (said.helpers && differs == SPACE_NO)
		differs = find(v, dir, &said.allowed, true, false, ret);
	if (differs == SPACE_UNKNOWN)
		ret->outcome = PROVE_BOUND;
	return differs == SPACE_NO;
}

bool prove_said(struct arena *a, const char *text,
		struct policy_walk ret[POLICY_DIRECTIONS], struct lex_error *e)
{
	struct readback said[POLICY_DIRECTIONS];
	struct listing_table t;
	enum policy_direction dir;

	if (!listing_read(a, text, &t, e))
		return false;
	for (dir = POLICY_EGRESS; dir < POLICY_DIRECTIONS; dir++)
		if (!readback_walk(a, &t, dir, &said[dir], e))
			return false;
	for (dir = POLICY_EGRESS; dir < POLICY_DIRECTIONS; dir++)
		ret[dir] = said[dir].denied;
	return true;
}

void prove(struct arena *a, const struct policy *p, const char *text,
	   struct prove_result *ret)
{
	struct proving v = {.a = a, .p = p};
	struct shape_of of = {.p = p};
	enum policy_direction dir;
	size_t first;

	*ret = (struct prove_result){.outcome = PROVE_BOUND};
	for (dir = POLICY_EGRESS; dir < POLICY_DIRECTIONS; dir++) {
		always_walk(a, p, dir, &first, &v.meant[dir]);
		if (!space_build(a, &v.meant[dir], &p->slot, SPACE_NAMELESS,
				 &v.source[dir]))
			return;
	}
	ret->outcome = PROVE_UNKNOWN;
	of.host = goes_to_host(p, &v.source[POLICY_EGRESS]) || goes_by_name(&v);
	/* The walks first: a flow says more than a rule that is missing. */
	if (!listing_read(a, text, &v.t, &ret->error) ||
	    !prove_walk(&v, POLICY_EGRESS, ret) ||
	    !prove_walk(&v, POLICY_INGRESS, ret))
		return;
	of.named = shape_named(&v.t);
	ret->outcome = shape_generation(&v.t, &of.generation, &ret->error) &&
				       shape_check(a, &v.t, &of, &ret->error)
			       ? PROVE_SAME
			       : PROVE_UNKNOWN;
}

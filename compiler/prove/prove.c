/* SPDX-License-Identifier: GPL-2.0-or-later */
/* prove.c - A ruleset's text against the policy that it is to enforce. */
#include "prove.h"

#include <netinet/in.h>
#include <string.h>

#include "always.h"
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

/* What the policy says of packets, and what this version does to plain DNS. */
void prove_meant(struct arena *a, const struct policy *p,
		 enum policy_direction dir, struct policy_walk *ret)
{
	static const struct config_ports port = {53, 53};
	const struct policy_rule drop = {
		.protos = CONFIG_TCP | CONFIG_UDP,
		.ports = &port,
		.n_ports = 1,
		.pointer = "needs msb-dnsd",
	};
	struct policy_rule *v;
	size_t first;

	always_walk(a, p, dir, &first, ret);
	if (dir != POLICY_EGRESS || p->dns != POLICY_DNS_HELPER)
		return;
	v = arena_array(a, ret->n + 1, struct policy_rule);
	v[0] = drop;
	memcpy(v + 1, ret->rules, ret->n * sizeof(*v));
	ret->rules = v;
	ret->n++;
}

/** struct proving - What is held against each other */
struct proving {
	struct arena *a;
	const struct policy *p;
	struct listing_table t;
	struct policy_walk meant[POLICY_DIRECTIONS];
	struct space source[POLICY_DIRECTIONS];
};

/* Whether a port of a class other than 53, where queries go to a name server,
 * is allowed. Where one of @spans begins or ends the verdict may change; so one
 * of these ports, or the second of a span, is as good as any. */
static bool allows_port(const struct space *s, const struct space_profile *at,
			enum space_class class, const struct space_ports *spans)
{
	size_t i, j;

	for (i = 0; i < spans->n; i++) {
		const uint32_t ports[3] = {spans->v[i].lo, spans->v[i].lo + 1u,
					   spans->v[i].hi};

		for (j = 0; j < 3; j++)
			if (ports[j] && ports[j] != 53 &&
			    ports[j] <= spans->v[i].hi &&
			    space_allows(s,
					 space_profile_at(at, class,
							  (uint16_t)ports[j])))
				return true;
	}
	return false;
}

/* Whether a flow to the gateway is allowed that goes on to the host. */
static bool goes_to_host(const struct proving *v)
{
	static const enum space_class classes[2] = {SPACE_TCP, SPACE_UDP};
	const struct ip gateways[2] = {v->p->slot.gw4, v->p->slot.gw6};
	const struct space *s = &v->source[POLICY_EGRESS];
	size_t i, n;

	for (i = 0; i < 4; i++) {
		const struct space_profile *at =
			space_cells_of(&s->runs[0], ip_single(gateways[i / 2]),
				       &n)
				->profile;
		const enum space_class class = classes[i % 2];

		if (allows_port(s, at, class, at->own[class]) ||
		    (at->own[class]->open &&
		     allows_port(s, at, class, at->base[class])))
			return true;
	}
	return false;
}

static bool prove_walk(struct proving *v, enum policy_direction dir,
		       struct prove_result *ret)
{
	struct policy_walk said;
	struct space text;
	struct space_change *change;
	size_t n;
	bool all;

	if (!readback_walk(v->a, &v->t, dir, &said, &ret->error)) {
		ret->outcome = PROVE_UNKNOWN;
		return false;
	}
	ret->outcome = PROVE_BOUND;
	if (!space_build(v->a, &said, &v->p->slot, SPACE_NAMELESS, &text))
		return false;
	ret->cells[dir] = v->source[dir].runs[0].area.n;
	ret->paths[dir] = said.n;
	switch (space_diff(v->a, &v->source[dir], &text, false, 1, &change, &n,
			   &all)) {
	case SPACE_NO:
		return true;
	case SPACE_UNKNOWN:
		return false;
	case SPACE_YES:
		break;
	}
	witness(change, dir, &text, &v->source[dir], ret);
	return false;
}

bool prove_said(struct arena *a, const char *text,
		struct policy_walk ret[POLICY_DIRECTIONS], struct lex_error *e)
{
	struct policy_walk said[POLICY_DIRECTIONS];
	struct listing_table t;
	enum policy_direction dir;

	if (!listing_read(a, text, &t, e))
		return false;
	for (dir = POLICY_EGRESS; dir < POLICY_DIRECTIONS; dir++)
		if (!readback_walk(a, &t, dir, &said[dir], e))
			return false;
	memcpy(ret, said, sizeof(said));
	return true;
}

void prove(struct arena *a, const struct policy *p, const char *text,
	   struct prove_result *ret)
{
	struct proving v = {.a = a, .p = p};
	struct shape_of of = {.p = p};
	enum policy_direction dir;

	*ret = (struct prove_result){.outcome = PROVE_BOUND};
	for (dir = POLICY_EGRESS; dir < POLICY_DIRECTIONS; dir++) {
		prove_meant(a, p, dir, &v.meant[dir]);
		if (!space_build(a, &v.meant[dir], &p->slot, SPACE_NAMELESS,
				 &v.source[dir]))
			return;
	}
	ret->outcome = PROVE_UNKNOWN;
	of.host = goes_to_host(&v);
	/* The walks first: a flow says more than a rule that is missing. */
	if (listing_read(a, text, &v.t, &ret->error) &&
	    prove_walk(&v, POLICY_EGRESS, ret) &&
	    prove_walk(&v, POLICY_INGRESS, ret))
		ret->outcome =
			shape_generation(&v.t, &of.generation, &ret->error) &&
					shape_check(a, &v.t, &of, &ret->error)
				? PROVE_SAME
				: PROVE_UNKNOWN;
}

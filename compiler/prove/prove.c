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

static bool prove_walk(struct arena *a, const struct policy *p,
		       const struct listing_table *t, enum policy_direction dir,
		       uint32_t generation, struct prove_result *ret)
{
	struct policy_walk said, meant;
	struct space text, source;
	struct space_change *v;
	size_t n;
	bool all;

	if (!readback_walk(a, t, dir, generation, &said, &ret->error)) {
		ret->outcome = PROVE_UNKNOWN;
		return false;
	}
	prove_meant(a, p, dir, &meant);
	if (!space_build(a, &said, &p->slot, SPACE_NAMELESS, &text) ||
	    !space_build(a, &meant, &p->slot, SPACE_NAMELESS, &source)) {
		ret->outcome = PROVE_BOUND;
		return false;
	}
	ret->cells[dir] = source.runs[0].area.n;
	ret->paths[dir] = said.n;
	switch (space_diff(a, &source, &text, false, 1, &v, &n, &all)) {
	case SPACE_NO:
		return true;
	case SPACE_UNKNOWN:
		ret->outcome = PROVE_BOUND;
		return false;
	case SPACE_YES:
		break;
	}
	witness(&v[0], dir, &text, &source, ret);
	return false;
}

bool prove_said(struct arena *a, const char *text,
		struct policy_walk ret[POLICY_DIRECTIONS], struct lex_error *e)
{
	struct policy_walk said[POLICY_DIRECTIONS];
	struct listing_table t;
	uint32_t generation;
	enum policy_direction dir;

	if (!listing_read(a, text, &t, e) ||
	    !shape_generation(&t, &generation, e))
		return false;
	for (dir = POLICY_EGRESS; dir < POLICY_DIRECTIONS; dir++)
		if (!readback_walk(a, &t, dir, generation, &said[dir], e))
			return false;
	memcpy(ret, said, sizeof(said));
	return true;
}

void prove(struct arena *a, const struct policy *p, const char *text,
	   struct prove_result *ret)
{
	struct listing_table t;
	uint32_t generation;

	*ret = (struct prove_result){.outcome = PROVE_UNKNOWN};
	if (!listing_read(a, text, &t, &ret->error) ||
	    !shape_generation(&t, &generation, &ret->error) ||
	    !shape_check(a, &t, p, generation, &ret->error))
		return;
	if (prove_walk(a, p, &t, POLICY_EGRESS, generation, ret) &&
	    prove_walk(a, p, &t, POLICY_INGRESS, generation, ret))
		ret->outcome = PROVE_SAME;
}

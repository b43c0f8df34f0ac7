/* SPDX-License-Identifier: GPL-2.0-or-later */
/* prove.c - A ruleset's text against the policy that it is to enforce. */
#include "prove.h"

#include <netinet/in.h>

#include "listing.h"
#include "readback.h"
#include "shape.h"
#include "source.h"
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
	source_walk(a, p, dir, &meant);
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

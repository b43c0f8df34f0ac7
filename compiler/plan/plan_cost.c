/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plan_cost.c - What a packet pays at most for its policy. */
#include <string.h>

#include "plan.h"
#include "tables.h"

/* A packet that is forwarded passes the filter chains at these hooks. */
static bool is_passed(const struct nft_chain *c)
{
	return c->base && strcmp(c->base->type, "filter") == 0 &&
	       (strcmp(c->base->hook, "prerouting") == 0 ||
		strcmp(c->base->hook, "forward") == 0);
}

static struct cost way_cost(const struct plan *p,
			    const struct cost_packet *packet)
{
	ARENA(a);
	struct cost_table t = cost_table(&a, &p->sandbox, packet);
	struct cost sum = {0};
	size_t i;

	for (i = 0; i < p->sandbox.n_chains; i++)
		if (is_passed(&p->sandbox.chains[i]))
			sum = cost_add(
				sum, cost_chain(&t, p->sandbox.chains[i].name));
	return sum;
}

/* The packets with which flows are opened, in one family. */
static struct cost_packet
opener(const struct plan *p, enum policy_direction dir, enum ip_family family)
{
	const struct slot *s = &p->policy->slot;
	struct cost_packet packet = {
		.family = family,
		.iif = TABLE_UPLINK_LINK,
		.oif = TABLE_GUEST_LINK,
	};

	if (dir == POLICY_EGRESS) {
		packet.iif = TABLE_GUEST_LINK;
		packet.oif = TABLE_UPLINK_LINK;
		packet.saddr = family == IP_V4 ? s->guest4 : s->guest6;
	}
	return packet;
}

struct plan_cost plan_cost(const struct plan *p, enum policy_direction dir)
{
	struct cost_packet v4 = opener(p, dir, IP_V4);
	struct cost_packet v6 = opener(p, dir, IP_V6);
	struct plan_cost ret;

	v4.ct_state = v6.ct_state = NFT_CT_NEW;
	ret.fresh = cost_max(way_cost(p, &v4), way_cost(p, &v6));
	v4.ct_state = v6.ct_state = NFT_CT_ESTABLISHED;
	ret.established = cost_max(way_cost(p, &v4), way_cost(p, &v6));
	return ret;
}

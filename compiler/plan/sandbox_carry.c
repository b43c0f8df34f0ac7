/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sandbox_carry.c - Who carries a flow that is allowed, and how many. */
#include "sandbox_carry.h"

#include "rule_builder.h"
#include "tables.h"

void sandbox_relayed(struct arena *a, const struct policy *p,
		     const struct sandbox_needs *needs, enum nft_key link,
		     enum nft_ct_direction direction, struct nft_chain *c)
{
	const struct ip gateways[2] = {p->slot.gw4, p->slot.gw6};
	size_t i, j;

	for (i = 0; i < 2; i++) {
		for (j = 0; j < 2; j++) {
			const struct nft_set *set = j ? needs->udp : needs->tcp;
			struct builder b;

			if (!set->n)
				continue;
			build_link(build_rule(a, c, &b), link,
				   TABLE_GUEST_LINK);
			build_value(&b, NFT_CT_DIRECTION, direction);
			build_ip(&b, NFT_CT_SADDR4, NFT_CT_SADDR6, gateways[i]);
			build_value(&b, NFT_L4PROTO, j ? 17 : 6);
			build_set(&b, NFT_CT_DPORT, set);
			build_end_stamp(&b, TABLE_OWNER_RELAY);
		}
	}
}

bool sandbox_has_opened(const struct sandbox_needs *needs)
{
	return needs->cap || needs->steer || needs->tls;
}

/* Who carries a flow, and whether there is room for it. What the guest opens
 * goes anywhere but to the guest; what is opened to the guest only there. */
void sandbox_allow(struct arena *a, const struct policy *p,
		   const struct sandbox_needs *needs, struct nft_chain *c)
{
	const struct ip guests[2] = {p->slot.guest4, p->slot.guest6};
	struct builder b;
	size_t i;

	for (i = 0; i < 2 && sandbox_has_opened(needs); i++) {
		build_tcp_udp(build_rule(a, c, &b));
		build_ip(&b, NFT_CT_DADDR4, NFT_CT_DADDR6, guests[i]);
		b.match[b.n - 1].negate = true;
		build_end_goto(&b, SANDBOX_OPENED);
	}
	build_end_stamp(build_rule(a, c, &b), 0);
}

void sandbox_opened(struct arena *a, const struct policy *p,
		    const struct sandbox_needs *needs, struct nft_chain *c)
{
	const struct ip gateways[2] = {p->slot.gw4, p->slot.gw6};
	struct builder b;
	size_t i;

	for (i = 0; i < 4 && !needs->dns; i++) {
		build_ip(build_rule(a, c, &b), NFT_CT_DADDR4, NFT_CT_DADDR6,
			 gateways[i / 2]);
		/* nft lists a port as one only behind one protocol. */
		build_value(&b, NFT_L4PROTO, i % 2 ? 17 : 6);
		build_value(&b, NFT_CT_DPORT, 53);
		build_end_stamp(&b, 0);
	}
	if (needs->cap) {
		build_value(build_rule(a, c, &b), NFT_CT_MARK_IS, 0);
		build_end_chain(&b, NFT_JUMP, SANDBOX_CAP);
	}
	/* The kernel cannot take over what msb-tlsd has spliced. */
	if (needs->tls) {
		build_value(build_rule(a, c, &b), NFT_CT_OWNER,
			    TABLE_OWNER_TLS);
		build_end_stamp(&b, TABLE_OWNER_TLS);
	}
	if (needs->intercepted->n) {
		build_value(build_rule(a, c, &b), NFT_L4PROTO, 6);
		build_set(&b, NFT_CT_DPORT, needs->intercepted);
		build_end_stamp(&b, TABLE_OWNER_TLS);
	}
	for (i = 0; i < 2 && needs->steer; i++) {
		build_ip(build_rule(a, c, &b), NFT_CT_DADDR4, NFT_CT_DADDR6,
			 gateways[i]);
		build_end_stamp(&b, TABLE_OWNER_RELAY);
	}
	build_end_stamp(build_rule(a, c, &b), 0);
}

void sandbox_named(struct arena *a, const struct sandbox_needs *needs,
		   struct nft_chain *c)
{
	struct builder b;

	if (needs->cap) {
		build_value(build_rule(a, c, &b), NFT_CT_MARK_IS, 0);
		build_end_chain(&b, NFT_JUMP, SANDBOX_CAP);
	}
	/* What the relay has begun it would go on to carry, unread: its socket
	 * is found before any that listens. */
	if (needs->steer) {
		build_value(build_rule(a, c, &b), NFT_CT_OWNER,
			    TABLE_OWNER_RELAY);
		build_value(&b, NFT_L4PROTO, 6);
		build_end(&b, NFT_RESET, true, TABLE_NEEDS_TLSD);
	}
	build_end_stamp(build_rule(a, c, &b), TABLE_OWNER_TLS);
}

void sandbox_tls_late(struct arena *a, struct nft_chain *c)
{
	struct builder b;

	build_link(build_rule(a, c, &b), NFT_OIFNAME, TABLE_GUEST_LINK);
	build_value(&b, NFT_CT_DIRECTION, NFT_CT_REPLY);
	build_value(&b, NFT_CT_OWNER, TABLE_OWNER_TLS);
	build_value(&b, NFT_TCP_RST, NFT_FLAG_RST);
	build_end(&b, NFT_ACCEPT, false, NULL);
	build_link(build_rule(a, c, &b), NFT_OIFNAME, TABLE_GUEST_LINK);
	build_value(&b, NFT_CT_DIRECTION, NFT_CT_REPLY);
	build_value(&b, NFT_CT_STATE, NFT_CT_ESTABLISHED);
	build_value(&b, NFT_CT_OWNER, TABLE_OWNER_TLS);
	build_end_goto(&b, TABLE_WALK(POLICY_EGRESS));
}

void sandbox_tls_dial(struct arena *a, struct nft_chain *c)
{
	struct builder b;

	build_link(build_rule(a, c, &b), NFT_OIFNAME, TABLE_UPLINK_LINK);
	build_value(&b, NFT_L4PROTO, 6);
	build_value(&b, NFT_META_MARK, TABLE_DIAL_MARK);
	build_end_stamp(&b, TABLE_OWNER_DIAL);
}

void sandbox_tls_dialled(struct arena *a, enum nft_key link,
			 struct nft_chain *c)
{
	struct builder b;

	build_link(build_rule(a, c, &b), link, TABLE_UPLINK_LINK);
	build_value(&b, NFT_CT_OWNER, TABLE_OWNER_DIAL);
	build_end(&b, NFT_ACCEPT, false, NULL);
}

/* The order matters: a flow is entered whatever its state. */
void sandbox_cap(struct arena *a, uint32_t max, struct nft_chain *c)
{
	struct builder b;

	build_rule(a, c, &b);
	if (max)
		build_value(&b, NFT_CT_COUNT_OVER, max);
	build_value(&b, NFT_CT_STATE, NFT_CT_NEW);
	build_end_goto(&b, SANDBOX_FULL);
	c->keep = true;
}

void sandbox_full(struct arena *a, struct nft_chain *c)
{
	struct builder b;

	build_value(build_rule(a, c, &b), NFT_L4PROTO, 6);
	build_end(&b, NFT_RESET, true, "/MaxConnections");
	build_end(build_rule(a, c, &b), NFT_DROP, true, "/MaxConnections");
}

static void steer_to(struct builder *b, uint16_t port)
{
	const struct nft_rule r = {
		.match = b->match,
		.n = b->n,
		.verb = NFT_TPROXY_ACCEPT,
		.mark = TABLE_STEER_MARK,
		.to_port = port,
	};

	nft_chain_add(b->a, b->chain, &r);
}

void sandbox_steer(struct arena *a, const struct sandbox_needs *needs,
		   struct nft_chain *c)
{
	struct builder b;

	if (needs->steer) {
		build_link(build_rule(a, c, &b), NFT_IIFNAME, TABLE_GUEST_LINK);
		build_value(&b, NFT_CT_DIRECTION, NFT_CT_ORIGINAL);
		build_stamp_is(&b, TABLE_OWNER_RELAY);
		build_tcp_udp(&b);
		steer_to(&b, TABLE_STEER_PORT);
	}
	/* Without msb-relayd this is for a port of the gateway, where nothing
	 * is to listen: msb-tlsd does, and not for this. */
	if (needs->steer && needs->tls) {
		build_link(build_rule(a, c, &b), NFT_IIFNAME, TABLE_GUEST_LINK);
		build_value(&b, NFT_CT_DIRECTION, NFT_CT_ORIGINAL);
		build_stamp_is(&b, TABLE_OWNER_RELAY);
		build_value(&b, NFT_L4PROTO, 6);
		build_value(&b, NFT_CT_DPORT, TABLE_TLS_PORT);
		build_end(&b, NFT_RESET, true, TABLE_NEEDS_RELAYD);
	}
	/* Every packet comes here: one comparison is what most pay. */
	if (needs->dns) {
		build_stamp_is(build_rule(a, c, &b), TABLE_OWNER_DNS);
		build_end_goto(&b, SANDBOX_QUERY);
	}
	if (needs->tls) {
		build_stamp_is(build_rule(a, c, &b), TABLE_OWNER_TLS);
		build_end_goto(&b, SANDBOX_HELLO);
	}
}

void sandbox_hello(struct arena *a, struct nft_chain *c)
{
	struct builder b;
	int i;

	for (i = 0; i < 2; i++) {
		build_link(build_rule(a, c, &b), NFT_IIFNAME, TABLE_GUEST_LINK);
		build_value(&b, NFT_CT_DIRECTION, NFT_CT_ORIGINAL);
		build_value(&b, NFT_L4PROTO, 6);
		if (!i)
			steer_to(&b, TABLE_TLS_PORT);
		else
			build_end(&b, NFT_RESET, true, TABLE_NEEDS_TLSD);
	}
}

void sandbox_query(struct arena *a, struct nft_chain *c)
{
	struct builder b;
	int i;

	for (i = 0; i < 2; i++) {
		build_link(build_rule(a, c, &b), NFT_IIFNAME, TABLE_GUEST_LINK);
		build_value(&b, NFT_CT_DIRECTION, NFT_CT_ORIGINAL);
		build_tcp_udp(&b);
		if (!i)
			steer_to(&b, TABLE_DNS_PORT);
		else
			build_end(&b, NFT_DROP, true, TABLE_NEEDS_DNSD);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sandbox_pass.c - Which packets pass a gateway: those of stamped flows. */
#include "sandbox_pass.h"

#include <stdlib.h>

#include "rule_builder.h"
#include "tables.h"

#define GUEST_LINK  TABLE_GUEST_LINK
#define UPLINK_LINK TABLE_UPLINK_LINK

/* A host probes a neighbour once a second (RFC 4861 section 10). */
#define NEIGHBOURS_A_SECOND 2u

/* The addresses that neighbour discovery is sent to, @gw6 if it has a value. */
static size_t neighbour_targets(struct ip gw6, struct nft_elem v[4])
{
	const char *const prefixes[] = {"fe80::/10", "ff02::1/128",
					"ff02::1:ff00:0/104"};
	size_t n = 0, i;

	if (gw6.family)
		v[n++] = (struct nft_elem){.lo = gw6.num, .hi = gw6.num};
	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		struct ip_range r;

		if (!ip_parse_prefix(prefixes[i], &r, NULL))
			abort();
		v[n++] = (struct nft_elem){.lo = r.lo, .hi = r.hi};
	}
	/* An anonymous set is listed in ascending order; pools may lie
	 * anywhere. */
	for (i = 0; i + 1 < n && v[i].lo > v[i + 1].lo; i++) {
		struct nft_elem swap = v[i];

		v[i] = v[i + 1];
		v[i + 1] = swap;
	}
	return n;
}

void sandbox_antispoof(struct arena *a, const struct policy *p,
		       struct nft_chain *c)
{
	const struct ip mapped = {IP_V6, (ip_num)0xffff << 32};
	const struct nft_elem unbound[2] = {
		{.lo = 0, .hi = 0},
		{.lo = (ip_num)0xfe80 << 112,
		 .hi = ((ip_num)0xfec0 << 112) - 1},
	};
	struct builder b;

	build_range(build_rule(a, c, &b), NFT_SADDR6, ip_prefix(mapped, 96));
	build_end(&b, NFT_DROP, true, "always:mapped");
	build_range(build_rule(a, c, &b), NFT_DADDR6, ip_prefix(mapped, 96));
	build_end(&b, NFT_DROP, true, "always:mapped");
	build_link(build_rule(a, c, &b), NFT_IIFNAME, UPLINK_LINK);
	build_end(&b, NFT_ACCEPT, false, NULL);
	build_link(build_rule(a, c, &b), NFT_IIFNAME, GUEST_LINK);
	build_value(&b, NFT_SADDR4, p->slot.guest4.num);
	build_end(&b, NFT_ACCEPT, false, NULL);
	build_link(build_rule(a, c, &b), NFT_IIFNAME, GUEST_LINK);
	build_value(&b, NFT_SADDR6, p->slot.guest6.num);
	build_end(&b, NFT_ACCEPT, false, NULL);
	/* Before it has its address, and on the link, the guest is
	 * unspecified or link-local; as such it may find its neighbour. The
	 * gateway remembers each address that asks, in a table that the kernel
	 * has once for all namespaces: hence not at any rate. */
	build_link(build_rule(a, c, &b), NFT_IIFNAME, GUEST_LINK);
	build_match(&b, NFT_SADDR6, unbound, 2);
	build_neighbour(&b);
	build_end_limited(&b, NEIGHBOURS_A_SECOND);
	build_end(build_rule(a, c, &b), NFT_DROP, true, "always:source");
}

void sandbox_judge(struct arena *a, const struct policy *p,
		   const struct sandbox_needs *needs, struct nft_chain *c)
{
	static const struct {
		const char *link;
		enum nft_ct_direction direction;
		const char *walk;
	} walks[] = {
		{GUEST_LINK, NFT_CT_ORIGINAL, "egress"},
		{UPLINK_LINK, NFT_CT_REPLY, "egress"},
		{UPLINK_LINK, NFT_CT_ORIGINAL, "ingress"},
		{GUEST_LINK, NFT_CT_REPLY, "ingress"},
	};
	struct nft_elem targets[4];
	struct builder b;
	size_t i, n;

	build_stamp_is(build_rule(a, c, &b), 0);
	build_end(&b, NFT_ACCEPT, false, NULL);
	if (needs->steer || needs->relayed) {
		build_stamp_is(build_rule(a, c, &b), TABLE_OWNER_RELAY);
		build_end(&b, NFT_ACCEPT, false, NULL);
	}
	if (needs->dns) {
		build_stamp_is(build_rule(a, c, &b), TABLE_OWNER_DNS);
		build_end(&b, NFT_ACCEPT, false, NULL);
	}
	if (needs->tls) {
		build_stamp_is(build_rule(a, c, &b), TABLE_OWNER_TLS);
		build_end(&b, NFT_ACCEPT, false, NULL);
		sandbox_tls_dialled(a, NFT_IIFNAME, c);
	}
	build_value(build_rule(a, c, &b), NFT_CT_STATE, NFT_CT_INVALID);
	build_end(&b, NFT_DROP, true, "always:invalid");
	n = neighbour_targets(p->slot.gw6, targets);
	build_link(build_rule(a, c, &b), NFT_IIFNAME, GUEST_LINK);
	build_match(&b, NFT_DADDR6, targets, n);
	build_neighbour(&b);
	build_end(&b, NFT_ACCEPT, false, NULL);
	n = neighbour_targets((struct ip){0}, targets);
	build_link(build_rule(a, c, &b), NFT_IIFNAME, UPLINK_LINK);
	build_match(&b, NFT_DADDR6, targets, n);
	build_neighbour(&b);
	build_end(&b, NFT_ACCEPT, false, NULL);
	build_value(build_rule(a, c, &b), NFT_CT_STATE, NFT_CT_UNTRACKED);
	build_end(&b, NFT_DROP, true, "always:untracked");
	build_value(build_rule(a, c, &b), NFT_CT_STATE, NFT_CT_RELATED);
	build_end(&b, NFT_DROP, true, "always:related");
	for (i = 0; i < sizeof(walks) / sizeof(walks[0]); i++) {
		build_link(build_rule(a, c, &b), NFT_IIFNAME, walks[i].link);
		build_value(&b, NFT_CT_DIRECTION, walks[i].direction);
		build_end_goto(&b, walks[i].walk);
	}
}

void sandbox_input(struct arena *a, const struct sandbox_needs *needs,
		   struct nft_chain *c)
{
	struct builder b;

	build_neighbour(build_rule(a, c, &b));
	build_end(&b, NFT_ACCEPT, false, NULL);
	/* What is carried has the most packets, and so it is first. */
	if (needs->tls) {
		build_link(build_rule(a, c, &b), NFT_IIFNAME, GUEST_LINK);
		build_stamp_is(&b, TABLE_OWNER_TLS);
		build_end(&b, NFT_ACCEPT, false, NULL);
		sandbox_tls_dialled(a, NFT_IIFNAME, c);
	}
	build_link(build_rule(a, c, &b), NFT_IIFNAME, GUEST_LINK);
	build_stamp_is(&b, 0);
	build_end(&b, NFT_ACCEPT, false, NULL);
	if (needs->steer || needs->relayed) {
		build_link(build_rule(a, c, &b), NFT_IIFNAME, GUEST_LINK);
		build_stamp_is(&b, TABLE_OWNER_RELAY);
		build_end(&b, NFT_ACCEPT, false, NULL);
	}
	if (needs->dns) {
		build_link(build_rule(a, c, &b), NFT_IIFNAME, GUEST_LINK);
		build_stamp_is(&b, TABLE_OWNER_DNS);
		build_end(&b, NFT_ACCEPT, false, NULL);
	}
}

void sandbox_forward(struct arena *a, struct nft_chain *c)
{
	struct builder b;

	build_link(build_rule(a, c, &b), NFT_IIFNAME, GUEST_LINK);
	build_link(&b, NFT_OIFNAME, UPLINK_LINK);
	build_stamp_is(&b, 0);
	build_end(&b, NFT_ACCEPT, false, NULL);
	build_link(build_rule(a, c, &b), NFT_IIFNAME, UPLINK_LINK);
	build_link(&b, NFT_OIFNAME, GUEST_LINK);
	build_stamp_is(&b, 0);
	build_end(&b, NFT_ACCEPT, false, NULL);
}

void sandbox_output(struct arena *a, const struct policy *p,
		    const struct sandbox_needs *needs, struct nft_chain *c)
{
	const unsigned int answers = NFT_CT_ESTABLISHED | NFT_CT_RELATED;
	const bool relay = needs->steer || needs->relayed;
	const struct ip gateways[2] = {p->slot.gw4, p->slot.gw6};
	struct builder b;
	size_t i;

	build_neighbour(build_rule(a, c, &b));
	build_end(&b, NFT_ACCEPT, false, NULL);
	/* What is carried has the most packets, and so it is first. */
	if (needs->tls) {
		sandbox_tls_dialled(a, NFT_OIFNAME, c);
		sandbox_tls_dial(a, c);
		build_link(build_rule(a, c, &b), NFT_OIFNAME, GUEST_LINK);
		build_stamp_is(&b, TABLE_OWNER_TLS);
		build_end(&b, NFT_ACCEPT, false, NULL);
	}
	if (relay) {
		build_link(build_rule(a, c, &b), NFT_OIFNAME, GUEST_LINK);
		build_stamp_is(&b, TABLE_OWNER_RELAY);
		build_end(&b, NFT_ACCEPT, false, NULL);
		sandbox_relayed(a, p, needs, NFT_OIFNAME, NFT_CT_ORIGINAL, c);
	}
	if (needs->dns) {
		build_link(build_rule(a, c, &b), NFT_OIFNAME, GUEST_LINK);
		build_stamp_is(&b, TABLE_OWNER_DNS);
		build_end(&b, NFT_ACCEPT, false, NULL);
	}
	/* Answers to queries from before a change: no query is judged here. */
	for (i = 0; i < 2 && needs->dns; i++) {
		build_link(build_rule(a, c, &b), NFT_OIFNAME, GUEST_LINK);
		build_value(&b, NFT_CT_DIRECTION, NFT_CT_REPLY);
		build_value(&b, NFT_L4PROTO, i % 2 ? 17 : 6);
		build_value(&b, NFT_CT_DPORT, 53);
		build_end_goto(&b, TABLE_WALK(POLICY_EGRESS));
	}
	if (needs->tls)
		sandbox_tls_late(a, c);
	/* What the relay sends on a flow that it carries waits for the policy
	 * in force, but for the reset that ends it. */
	for (i = 0; i < 2 && needs->steer; i++) {
		build_link(build_rule(a, c, &b), NFT_OIFNAME, GUEST_LINK);
		build_value(&b, NFT_CT_DIRECTION, NFT_CT_REPLY);
		build_ip(&b, NFT_CT_DADDR4, NFT_CT_DADDR6, gateways[i]);
		build_value(&b, NFT_TCP_RST, NFT_FLAG_RST);
		build_end(&b, NFT_ACCEPT, false, NULL);
		build_link(build_rule(a, c, &b), NFT_OIFNAME, GUEST_LINK);
		build_value(&b, NFT_CT_DIRECTION, NFT_CT_REPLY);
		build_value(&b, NFT_CT_STATE, NFT_CT_ESTABLISHED);
		build_ip(&b, NFT_CT_DADDR4, NFT_CT_DADDR6, gateways[i]);
		build_tcp_udp(&b);
		build_end_goto(&b, TABLE_WALK(POLICY_EGRESS));
	}
	/* Towards the guest also what refuses a flow, which has no stamp. */
	build_link(build_rule(a, c, &b), NFT_OIFNAME, GUEST_LINK);
	build_value(&b, NFT_CT_STATE, answers);
	build_end(&b, NFT_ACCEPT, false, NULL);
	build_link(build_rule(a, c, &b), NFT_OIFNAME, UPLINK_LINK);
	build_stamp_is(&b, 0);
	build_value(&b, NFT_CT_STATE, answers);
	build_end(&b, NFT_ACCEPT, false, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sandbox_dns.c - Where plain DNS of the guest goes: to msb-dnsd, or by NAT. */
#include "sandbox_dns.h"

#include "rule_builder.h"
#include "tables.h"

void sandbox_dns(struct arena *a, const struct policy *p,
		 const struct sandbox_needs *needs, struct nft_chain *c)
{
	const struct ip gateways[2] = {p->slot.gw4, p->slot.gw6};
	struct builder b;
	size_t i;

	for (i = 0; i < 4 && needs->cap; i++) {
		build_ip(build_rule(a, c, &b), NFT_CT_DADDR4, NFT_CT_DADDR6,
			 gateways[i / 2]);
		build_value(&b, NFT_L4PROTO, i % 2 ? 17 : 6);
		build_value(&b, NFT_CT_DPORT, 53);
		build_end_stamp(&b, TABLE_OWNER_DNS);
	}
	for (i = 0; i < 2; i++) {
		build_value(build_rule(a, c, &b), NFT_L4PROTO, i % 2 ? 17 : 6);
		build_value(&b, NFT_CT_DPORT, 53);
		if (needs->cap)
			build_end_goto(&b, SANDBOX_RESOLVER);
		else
			build_end_stamp(&b, TABLE_OWNER_DNS);
	}
}

void sandbox_resolver(struct arena *a, struct nft_chain *c)
{
	struct builder b;

	build_value(build_rule(a, c, &b), NFT_CT_MARK_IS, 0);
	build_end_chain(&b, NFT_JUMP, SANDBOX_CAP);
	build_end_stamp(build_rule(a, c, &b), TABLE_OWNER_DNS);
}

void sandbox_dns_nat(struct arena *a, const struct policy *p,
		     struct nft_chain *c)
{
	const struct nft_elem both[2] = {{.lo = 6, .hi = 6},
					 {.lo = 17, .hi = 17}};
	const struct config_nameserver *ns;
	enum ip_family family;

	for (family = IP_V4; family <= IP_V6; family += IP_V6 - IP_V4) {
		const bool v4 = family == IP_V4;
		struct nft_rule r = {
			.verb = v4 ? NFT_DNAT4 : NFT_DNAT6,
			.counter = true,
			.comment = "/DNS/Nameservers",
		};
		struct builder b;

		ns = policy_nameserver(p, family);
		if (!ns)
			continue;
		build_link(build_rule(a, c, &b), NFT_IIFNAME, TABLE_GUEST_LINK);
		build_value(&b, v4 ? NFT_DADDR4 : NFT_DADDR6,
			    v4 ? p->slot.gw4.num : p->slot.gw6.num);
		build_match(&b, NFT_L4PROTO, both, 2);
		build_value(&b, NFT_DPORT, 53);
		r.match = b.match;
		r.n = b.n;
		r.to = ns->ip;
		r.to_port = ns->port;
		nft_chain_add(a, c, &r);
	}
}

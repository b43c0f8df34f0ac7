/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sandbox_dns.h - Where plain DNS of the guest goes: to msb-dnsd, or by NAT. */
#ifndef MSB_SANDBOX_DNS_H
#define MSB_SANDBOX_DNS_H

#include "sandbox_carry.h"

/** SANDBOX_RESOLVER - Chain for DNS to other resolvers than the gateway */
#define SANDBOX_RESOLVER "resolver"

/**
 * sandbox_dns() - Stamp queries as msb-dnsd's, ahead of the walk of egress
 *
 * What goes to other resolvers than the gateway counts against the cap.
 */
void sandbox_dns(struct arena *a, const struct policy *p,
		 const struct sandbox_needs *needs, struct nft_chain *c);

/** sandbox_resolver() - Those of them that count, if there is room */
void sandbox_resolver(struct arena *a, struct nft_chain *c);

/** sandbox_dns_nat() - Send queries to the gateway on to the nameservers */
void sandbox_dns_nat(struct arena *a, const struct policy *p,
		     struct nft_chain *c);

#endif

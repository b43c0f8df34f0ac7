/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sandbox_always.h - What holds ahead of a walk, whatever the document says. */
#ifndef MSB_SANDBOX_ALWAYS_H
#define MSB_SANDBOX_ALWAYS_H

#include "sandbox_carry.h"

/** sandbox_egress() - What the guest may never open, and its DNS */
void sandbox_egress(struct arena *a, const struct policy *p,
		    const struct sandbox_needs *needs, struct nft_chain *c);

/**
 * sandbox_ports() - The guest's ports of bindings
 * @a:		arena
 * @p:		policy
 * @proto:	protocol
 * @relayed:	only those that msb-relayd serves too
 * @set:	set to a set of them
 *
 * Return: @set
 */
const struct nft_set *sandbox_ports(struct arena *a, const struct policy *p,
				    enum config_proto proto, bool relayed,
				    struct nft_set *set);

/** sandbox_ingress() - What nobody may open to the guest: other ports */
void sandbox_ingress(struct arena *a, const struct nft_set *tcp,
		     const struct nft_set *udp, struct nft_chain *c);

#endif

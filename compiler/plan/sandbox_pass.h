/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sandbox_pass.h - Which packets pass a gateway: those of stamped flows. */
#ifndef MSB_SANDBOX_PASS_H
#define MSB_SANDBOX_PASS_H

#include "sandbox_carry.h"

/** sandbox_antispoof() - Who may send at all */
void sandbox_antispoof(struct arena *a, const struct policy *p,
		       struct nft_chain *c);

/** sandbox_judge() - What is stamped passes, what is not goes to a walk */
void sandbox_judge(struct arena *a, const struct policy *p,
		   const struct sandbox_needs *needs, struct nft_chain *c);

/** sandbox_input() - What comes in to the gateway and its sockets */
void sandbox_input(struct arena *a, const struct sandbox_needs *needs,
		   struct nft_chain *c);

/** sandbox_forward() - What goes through, from link to link */
void sandbox_forward(struct arena *a, struct nft_chain *c);

/** sandbox_output() - What the gateway and its sockets send */
void sandbox_output(struct arena *a, const struct policy *p,
		    const struct sandbox_needs *needs, struct nft_chain *c);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls.h - Whether a sandbox needs msb-tlsd, and for what. */
#ifndef MSB_PLAN_TLS_H
#define MSB_PLAN_TLS_H

#include <stdbool.h>

#include "nft.h"
#include "policy.h"

/**
 * tls_ports() - Ports whose TCP flows are msb-tlsd's where they are allowed:
 * those that are intercepted, and the one that is read where there are secrets
 * @a:		arena
 * @p:		policy
 * @ret:	set of them; none if no such flow can be allowed
 *
 * They are kept together: a port that is denied to all costs nothing, as no
 * flow to it is looked up.
 */
void tls_ports(struct arena *a, const struct policy *p, struct nft_set *ret);

/**
 * tls_reason() - Why the sandbox needs msb-tlsd
 * @a:		arena for the text
 * @p:		policy
 * @named:	first rule about names that can leave a TCP flow in doubt, or
 *		NULL
 *
 * Return: a clause, or NULL if it needs none
 */
const char *tls_reason(struct arena *a, const struct policy *p,
		       const struct policy_rule *named);

#endif

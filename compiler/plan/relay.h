/* SPDX-License-Identifier: GPL-2.0-or-later */
/* relay.h - Whether a sandbox needs msb-relayd, and for what. */
#ifndef MSB_RELAY_H
#define MSB_RELAY_H

#include <stdbool.h>

#include "arena.h"
#include "policy.h"

/**
 * relay_host_egress() - Whether some TCP or UDP flow to the gateway is allowed
 * @p:	policy
 *
 * Of ports other than 53, not refused whatever the rules say, and not
 * intercepted: what is, msb-tlsd takes to the host. Exact, if what
 * eval_gateway_by_name() says counts as pinned.
 *
 * Return: the pointer of the rule or default that allows one; NULL for none
 */
const char *relay_host_egress(const struct policy *p);

/**
 * relay_reason() - Why the sandbox needs msb-relayd
 * @a:		arena for the text
 * @p:		policy
 *
 * Return: a clause ("published ports need sockets on the host"), or NULL if it
 * needs none
 */
const char *relay_reason(struct arena *a, const struct policy *p);

#endif

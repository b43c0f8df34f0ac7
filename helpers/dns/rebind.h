/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rebind.h - Addresses that a name of the outside must not have.
 *
 * A page in a browser, or a script that resolves names, can be made to connect
 * to an address of its own network by a name that answers with it (DNS
 * rebinding). So an answer with an address that is not public is no answer,
 * unless a rule about addresses lets the guest reach that address anyway.
 *
 * An IPv6 address may have an IPv4 address inside, which some translator or
 * tunnel on the way takes out: then both are looked at.
 */
#ifndef MSB_REBIND_H
#define MSB_REBIND_H

#include <stdbool.h>

#include "arena.h"
#include "ip.h"
#include "policy.h"

/**
 * rebind_local() - The addresses that an answer must not have
 * @a:	arena for the set
 * @p:	policy
 *
 * What is in no group but public is allowed. So is what an egress rule whose
 * destination is an address, a prefix or another group allows at some port. A
 * rule before it takes away what it denies, or what it ("*", public) decides
 * otherwise, if it is about every service that the later rule is about.
 *
 * Return: set, not empty: nothing lets the unspecified addresses through but a
 * rule that names them
 */
struct ip_set rebind_local(struct arena *a, const struct policy *p);

/**
 * rebind_denied() - Whether an answer must not have an address
 * @local:	what rebind_local() says
 * @ip:		address
 */
bool rebind_denied(struct ip_set local, struct ip ip);

#endif

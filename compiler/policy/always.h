/* SPDX-License-Identifier: GPL-2.0-or-later */
/* always.h - A walk with what holds always in front of it. */
#ifndef MSB_ALWAYS_H
#define MSB_ALWAYS_H

#include "policy.h"

/**
 * always_walk() - What a document says of packets, as one walk
 * @a:		arena for the walk
 * @p:		policy
 * @dir:	direction
 * @ret_first:	index of the first rule that is one of the policy's walk; the
 *		others follow it, each in its place
 * @ret:	walk: its first match is what eval() says of a flow
 */
void always_walk(struct arena *a, const struct policy *p,
		 enum policy_direction dir, size_t *ret_first,
		 struct policy_walk *ret);

#endif

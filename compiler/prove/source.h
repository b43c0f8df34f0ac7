/* SPDX-License-Identifier: GPL-2.0-or-later */
/* source.h - What a document says of packets, as one walk a direction. */
#ifndef MSB_SOURCE_H
#define MSB_SOURCE_H

#include "policy.h"

/**
 * source_walk() - A walk with what holds always in front of it
 * @a:		arena for the walk
 * @p:		policy
 * @dir:	direction
 * @ret:	walk: its first match is what eval() says of a flow
 */
void source_walk(struct arena *a, const struct policy *p,
		 enum policy_direction dir, struct policy_walk *ret);

#endif

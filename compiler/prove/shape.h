/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shape.h - What every sandbox's table has around its walks. */
#ifndef MSB_SHAPE_H
#define MSB_SHAPE_H

#include "listing.h"
#include "policy.h"

/**
 * shape_generation() - The stamp of flows that a table allows
 * @t:		table
 * @ret:	generation; set on success
 * @e:		error
 *
 * Return: false if the table has no stamp that is one
 */
bool shape_generation(const struct listing_table *t, uint32_t *ret,
		      struct lex_error *e) __attribute__((warn_unused_result));

/**
 * struct shape_of - What the chains around the walks depend on
 * @p:		policy
 * @generation:	stamp
 * @host:	whether a flow to the gateway is allowed that goes on to the
 *		host: TCP or UDP, and not to port 53
 */
struct shape_of {
	const struct policy *p;
	uint32_t generation;
	bool host;
};

/**
 * shape_check() - Hold the chains of a table that no rule of a document makes
 * against what they must be
 * @a:		arena for scratch
 * @t:		table
 * @of:		what they depend on
 * @e:		error
 *
 * Every base chain must be one that is known, each of its rules in its place.
 * Comments and counters do not count, nor do the numbers of rate limits.
 *
 * Return: true if they are
 */
bool shape_check(struct arena *a, const struct listing_table *t,
		 const struct shape_of *of, struct lex_error *e)
	__attribute__((warn_unused_result));

#endif

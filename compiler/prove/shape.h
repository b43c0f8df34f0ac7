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
 *		host by msb-relayd: UDP, or TCP that is not msb-tlsd's, and not
 *		to port 53
 * @named:	whether a walk leaves flows to msb-tlsd, by shape_named()
 * @intercepts:	whether ports are intercepted or read; shape_expected() finds
 *		out
 */
struct shape_of {
	const struct policy *p;
	uint32_t generation;
	bool host;
	bool named;
	bool intercepts;
};

/** shape_named() - Whether a rule, or an element of a map, leads to chain named
 */
bool shape_named(const struct listing_table *t);

/**
 * shape_expected() - The chains that a table must have, with all their rules
 * @a:		arena
 * @of:		what they depend on
 * @ret:	a table of them, and of the sets of ports that they name; of the
 *		walks, what stands before them; set on success
 * @e:		error
 *
 * Return: false if they cannot be written, which is an error of ours
 */
bool shape_expected(struct arena *a, const struct shape_of *of,
		    struct listing_table *ret, struct lex_error *e)
	__attribute__((warn_unused_result));

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

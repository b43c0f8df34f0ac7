/* SPDX-License-Identifier: GPL-2.0-or-later */
/* readback.h - The walks of a listing as rules of a policy. */
#ifndef MSB_READBACK_H
#define MSB_READBACK_H

#include "listing.h"
#include "policy.h"

/** READBACK_MAX - Rules of the longest walk that is read back */
#define READBACK_MAX 2000000u

/** READBACK_ALLOW - Chain that a flow is gone to where a walk allows it; what
 * it does is no part of a walk, and held against shape.c
 */
#define READBACK_ALLOW "allow"

/** READBACK_RESOLVER - Chain that a query is gone to which counts as one of the
 * guest's flows; what is in it is not read back
 */
#define READBACK_RESOLVER "resolver"

/** READBACK_NAMED - Chain that a flow is gone to which msb-tlsd decides;
 * likewise
 */
#define READBACK_NAMED "named"

/** READBACK_HELPERS - Low bits of a stamp: they say which helper a flow is of
 */
#define READBACK_HELPERS 0xfu

/**
 * readback_first() - Where the walk of a chain begins
 * @c:	chain of a walk
 *
 * Return: number of rules at its head that look at the interface: they are
 * about helpers, and held against shape.c
 */
size_t readback_first(const struct listing_chain *c);

/**
 * struct readback - A walk that was read back
 * @denied:	the walk, if what helpers decide is denied; its rules have the
 *		comments for pointers, and its default decides nothing that
 *		they leave
 * @allowed:	the walk, if what helpers decide is allowed
 * @helpers:	whether there is any of that: else the two are the same
 *
 * A helper decides what is stamped as its own, and what goes to a chain that
 * does so.
 */
struct readback {
	struct policy_walk denied;
	struct policy_walk allowed;
	bool helpers;
};

/**
 * readback_walk() - Read a walk back
 * @a:		arena for the result
 * @t:		table
 * @dir:	which walk: its chain is "egress" or "ingress"
 * @ret:	walk; set on success
 * @e:		error: what in the table is no part of a walk
 *
 * Every path through the chain and those it goes to becomes rules, in order.
 * The walk is that of flows without names: their addresses are in no set whose
 * elements have a timeout, which is where names are known from.
 *
 * Return: true if all of it was understood
 */
bool readback_walk(struct arena *a, const struct listing_table *t,
		   enum policy_direction dir, struct readback *ret,
		   struct lex_error *e) __attribute__((warn_unused_result));

#endif

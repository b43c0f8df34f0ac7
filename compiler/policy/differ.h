/* SPDX-License-Identifier: GPL-2.0-or-later */
/* differ.h - Which flows two policies judge differently, and what else. */
#ifndef MSB_DIFFER_H
#define MSB_DIFFER_H

#include "flow.h"
#include "policy.h"
#include "settings.h"
#include "space.h"

/** DIFFER_MAX - Changes of one direction that are told apart */
#define DIFFER_MAX 1000u

/**
 * struct differ_side - One of the two that are compared
 * @policy:	policy; NULL if it is known from a ruleset alone
 * @walk:	by direction, what holds always included
 * @slot:	sandbox's addresses
 */
struct differ_side {
	const struct policy *policy;
	struct policy_walk walk[POLICY_DIRECTIONS];
	struct slot slot;
};

/**
 * struct differ_decision - What one side says of a flow
 * @allow:	verdict
 * @pointer:	what decides
 * @words:	that in words
 */
struct differ_decision {
	bool allow;
	const char *pointer;
	const char *words;
};

/**
 * struct differ_flows - Flows whose verdict changes
 * @direction:	direction
 * @addrs:	addresses
 * @classes:	set of bits, 1 << enum space_class
 * @lo:		first port, of TCP and UDP
 * @hi:		last port
 * @flow:	one of them
 * @before:	what becomes of that one before
 * @after:	and after
 */
struct differ_flows {
	enum policy_direction direction;
	struct ip_range addrs;
	unsigned int classes;
	uint16_t lo;
	uint16_t hi;
	struct flow flow;
	struct differ_decision before;
	struct differ_decision after;
};

/**
 * struct differ_name - A rule about a name that only one side has, or has in
 * another place
 * @direction:	direction
 * @after:	whether it is of the side after; else of the one before
 * @pointer:	where
 * @words:	the rule in words
 */
struct differ_name {
	enum policy_direction direction;
	bool after;
	const char *pointer;
	const char *words;
};

/**
 * struct differ_query - A query, or a flow with a name, whose verdict changes
 * @flow:	flow
 * @before:	what becomes of it before
 * @after:	and after
 */
struct differ_query {
	struct flow flow;
	struct differ_decision before;
	struct differ_decision after;
};

/**
 * struct differ_setting - A setting that is another
 * @pointer:	where it is set
 * @before:	value before
 * @after:	value after
 */
struct differ_setting {
	const char *pointer;
	const char *before;
	const char *after;
};

/**
 * struct differ - All differences
 * @flows:	flows without names
 * @n_flows:	how many
 * @complete:	whether @flows are all; else there are more than DIFFER_MAX
 * @names:	rules about names, in the order of the walks
 * @n_names:	how many
 * @queries:	for each name at most one query and one flow
 * @n_queries:	how many
 * @settings:	settings
 * @n_settings:	how many
 * @same:	whether both mean the same
 */
struct differ {
	struct differ_flows *flows;
	size_t n_flows;
	bool complete;
	struct differ_name *names;
	size_t n_names;
	struct differ_query *queries;
	size_t n_queries;
	struct differ_setting *settings;
	size_t n_settings;
	bool same;
};

/** differ_side_of() - A policy as a side */
void differ_side_of(struct arena *a, const struct policy *p,
		    struct differ_side *ret);

/**
 * differ() - Compare two sides
 * @a:		arena for the result
 * @before:	one
 * @after:	the other
 * @ret:	result
 *
 * Names and settings are compared where both sides are policies.
 *
 * Return: false if they are too large to be compared
 */
bool differ(struct arena *a, const struct differ_side *before,
	    const struct differ_side *after, struct differ *ret)
	__attribute__((warn_unused_result));

#endif

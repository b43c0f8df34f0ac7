/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tables.h - How the two tables of a sandbox are built. */
#ifndef MSB_TABLES_H
#define MSB_TABLES_H

#include "nft.h"
#include "policy.h"

/** TABLES_MAX_RULES - Rules of the largest sandbox table that is made */
#define TABLES_MAX_RULES 500000u

/**
 * struct group_sets - The named sets that hold the groups of a table
 * @a:		arena
 * @gw4:	IPv4 gateway: group host
 * @gw6:	IPv6 gateway: group host
 * @sets:	sets made so far; each stays where it is
 * @n:		how many
 * @made:	set of each group and family, NULL until a rule needs it
 * @ranges:	addresses of each group, valid once @known is set
 * @known:	whether @ranges was computed
 *
 * A group is made into a set the first time that a rule names it, one set a
 * family, so a table has the sets that it uses and no others.
 */
struct group_sets {
	struct arena *a;
	struct ip gw4;
	struct ip gw6;
	struct nft_set *sets;
	size_t n;
	const struct nft_set *made[GROUP_COUNT][2];
	struct ip_set ranges[GROUP_COUNT];
	bool known[GROUP_COUNT];
};

/** GROUP_SETS_MAX - Room for the sets of all groups in both families */
#define GROUP_SETS_MAX (2 * GROUP_COUNT)

/**
 * walk_rules() - Print a walk into a chain, rule by rule
 * @a:		arena
 * @g:		group sets of the table
 * @walk:	rules and default
 * @dir:	which walk it is: the peer is the destination of an egress flow
 *		and the source of an ingress flow
 * @chain:	chain to append to
 *
 * Rules about names are left out: they match what only helpers know.
 *
 * Return: false if the chain would be too large
 */
bool walk_rules(struct arena *a, struct group_sets *g,
		const struct policy_walk *walk, enum policy_direction dir,
		struct nft_chain *chain) __attribute__((warn_unused_result));

/** TABLE_ALLOW - Chain that stamps a flow with the generation and accepts it */
#define TABLE_ALLOW "allow"

/**
 * sandbox_table() - Table of the gateway namespace, its generation still zero
 * @a:		arena
 * @p:		policy
 * @ret:	table
 *
 * Return: false if it would be too large
 */
bool sandbox_table(struct arena *a, const struct policy *p,
		   struct nft_table *ret) __attribute__((warn_unused_result));

/**
 * host_table() - Table of the host's namespace
 * @a:		arena
 * @slot:	the sandbox's addresses
 * @uplink:	name of the host's end of its uplink
 * @ret:	table: fixed rules, one element a sandbox
 */
void host_table(struct arena *a, const struct slot *slot, const char *uplink,
		struct nft_table *ret);

/**
 * table_generation() - Number that stands for the contents of a table
 * @t:	table with generation zero
 *
 * Return: a hash of everything in it; the low four bits are zero, the whole is
 * not
 */
uint32_t table_generation(const struct nft_table *t);

/** table_stamp() - Put the generation wherever a table has one */
void table_stamp(struct nft_table *t, uint32_t generation);

#endif

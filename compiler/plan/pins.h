/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pins.h - The sets of addresses that msb-dnsd has seen names resolve to. */
#ifndef MSB_PINS_H
#define MSB_PINS_H

#include "nft.h"
#include "policy.h"

/** PINS_MAX - Pairs of sets of one table: msb-dnsd refuses more */
#define PINS_MAX 1024u

/** PINS_FEW - Neighbouring rules that are the same but for the name have a pair
 * of sets each, and count their packets apart, up to this many of them; more
 * share one
 */
#define PINS_FEW 8u

/**
 * struct pin_pair - The addresses that some names have
 * @set4:	set of IPv4 addresses
 * @set6:	set of IPv6 addresses
 * @dests:	the names and suffixes
 * @n_dests:	how many
 * @hash:	private
 */
struct pin_pair {
	struct nft_set set4;
	struct nft_set set6;
	const struct config_dest *dests;
	size_t n_dests;
	uint64_t hash;
};

/**
 * struct pins - The pairs of a table
 * @a:		arena
 * @v:		pairs; each stays where it is
 * @n:		how many
 * @cap:	room for how many
 * @full:	a rule needed one more than PINS_MAX
 * @looked:	egress rules that were looked at: all before the one that is
 *		asked about
 * @answers:	one of them allows queries, whatever their name
 * @allows:	those of them that allow names
 * @n_allows:	how many
 * @cap_allows:	room for how many
 * @steps:	how many names were compared
 *
 * A pair belongs to its names and not to its rules: rules about the same names
 * share it, in both walks, and it keeps its name, and so its elements, for as
 * long as any rule is about those names.
 */
struct pins {
	struct arena *a;
	struct pin_pair **v;
	size_t n;
	size_t cap;
	bool full;
	size_t looked;
	bool answers;
	const struct policy_rule **allows;
	size_t n_allows;
	size_t cap_allows;
	size_t steps;
};

/**
 * pins_group() - Where a group of rules about names ends
 * @pins:	pairs
 * @p:		policy
 * @dir:	walk
 * @first:	index of its first rule, which is about names
 *
 * Return: the index behind its last rule. All of them have the same action,
 * protocols and ports
 */
size_t pins_group(struct pins *pins, const struct policy *p,
		  enum policy_direction dir, size_t first);

/**
 * pins_get() - The pair for a group of rules
 * @pins:	pairs
 * @p:		policy
 * @dir:	walk
 * @first:	index of its first rule
 * @end:	index behind its last rule
 *
 * Return: NULL if no address can be pinned to these names: nothing resolves
 * them. Also where there are too many pairs
 */
const struct pin_pair *pins_get(struct pins *pins, const struct policy *p,
				enum policy_direction dir, size_t first,
				size_t end);

#endif

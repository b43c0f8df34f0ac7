/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cost.h - What a packet pays at most on its way through emitted objects. */
#ifndef MSB_COST_H
#define MSB_COST_H

#include "nft.h"

/**
 * struct cost - A bound
 * @ns:		nanoseconds on top of what a packet costs without rules
 * @lookups:	lookups in sets and maps, on the way that costs @ns
 */
struct cost {
	uint64_t ns;
	unsigned int lookups;
};

/** COST_FEW_RANGES - Ranges up to which comparing costs no more than a lookup
 * among as many; cost.c derives it
 */
#define COST_FEW_RANGES 5u

/** COST_CHEAP - Nanoseconds up to which nothing cheaper is looked for: a fifth
 * of what the first packet of a flow costs without rules
 */
#define COST_CHEAP 1500u

/**
 * struct cost_packet - What is known of the packets that are asked about
 * @family:	family
 * @iif:	interface they come in by, or NULL
 * @oif:	interface they go out by, or NULL
 * @saddr:	their source address; family 0 if it may be any
 * @ct_state:	NFT_CT_NEW or NFT_CT_ESTABLISHED; 0 if it may be any
 *
 * An established flow has the stamp of the table; a new one has none, and its
 * packets go in the original direction.
 */
struct cost_packet {
	enum ip_family family;
	const char *iif;
	const char *oif;
	struct ip saddr;
	unsigned int ct_state;
};

/**
 * struct cost_table - A table whose chains can be found
 * @table:	table
 * @packet:	packets
 * @chains:	its chains, ascending by name
 * @known:	bounds of those chains, in the order of @table
 * @done:	whether they are known
 */
struct cost_table {
	const struct nft_table *table;
	struct cost_packet packet;
	const struct nft_chain **chains;
	struct cost *known;
	bool *done;
};

/** cost_table() - Prepare a table for the questions below */
struct cost_table cost_table(struct arena *a, const struct nft_table *t,
			     const struct cost_packet *packet);

/** cost_chain() - The bound of a chain, with those that it leads to */
struct cost cost_chain(struct cost_table *t, const char *name);

/** cost_add() - One after the other */
struct cost cost_add(struct cost x, struct cost y);

/** cost_max() - The greater one */
struct cost cost_max(struct cost x, struct cost y);

#endif

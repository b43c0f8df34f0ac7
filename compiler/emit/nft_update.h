/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nft_update.h - The transaction that makes one table of another. */
#ifndef MSB_NFT_UPDATE_H
#define MSB_NFT_UPDATE_H

#include "nft.h"
#include "str.h"

/**
 * nft_update() - Make the table that the kernel has into another
 * @s:		receives the transaction
 * @t:		table wanted; of its chains only which are marked "keep" counts
 *		if @wanted is given
 * @wanted:	table wanted, as nft lists it; NULL: nft_text_table(@t)
 * @listing:	what "nft -s list table" prints of the table that is there; ""
 *if there is none
 *
 * Chains that drop by default never leave their hooks, so nothing gets through
 * and nothing is lost in between. Chains marked "keep" and named objects that
 * are the same keep their state. What is listed afterwards is @wanted.
 */
void nft_update(struct str *s, const struct nft_table *t, const char *wanted,
		const char *listing);

/**
 * nft_update_bridge() - What must be in force between two tables
 * @between:	receives the table to go to first, as nft_update() wants it
 * @then:	receives the transaction that leads from there to the new table;
 *		nothing if @between is the new table already
 * @t:		table wanted
 * @listing:	as for nft_update()
 *
 * A transaction is one instant for each chain, but not for a packet on its way:
 * it may be judged and stamped by the old table, and come to the chain that
 *asks for the stamp when the new one is there. So these chains, which are
 *marked "judged", know the old stamps for a moment more. Nothing gets through
 *by that: whatever comes to them was let through by the chain that judges.
 */
void nft_update_bridge(struct str *between, struct str *then,
		       const struct nft_table *t, const char *listing);

/**
 * nft_update_keeps() - Whether everything marked "keep" stays in place
 * @t:		table wanted
 * @listing:	as for nft_update()
 *
 * Return: false if a chain of @t is not there yet, or is another one
 */
bool nft_update_keeps(const struct nft_table *t, const char *listing);

#endif

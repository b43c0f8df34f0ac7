/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nft_text.h - Tables as nft reads and lists them. */
#ifndef MSB_NFT_TEXT_H
#define MSB_NFT_TEXT_H

#include "nft.h"
#include "str.h"

/**
 * nft_text_table() - A table, exactly as "nft -s list table" lists it
 * @s:	receives the text
 * @t:	table
 */
void nft_text_table(struct str *s, const struct nft_table *t);

/**
 * nft_text_replace() - A transaction that replaces a table as a whole
 * @s:	receives the text
 * @t:	table; what the kernel has under its name is gone afterwards
 */
void nft_text_replace(struct str *s, const struct nft_table *t);

/**
 * nft_text_refresh() - A transaction that renews the rules of a table and adds
 * to its sets
 * @s:	receives the text
 * @t:	table; elements that the kernel has already stay
 */
void nft_text_refresh(struct str *s, const struct nft_table *t);

/**
 * nft_text_withdraw() - A transaction that deletes the elements of all sets
 * @s:	receives the text
 * @t:	table; its rules stay
 */
void nft_text_withdraw(struct str *s, const struct nft_table *t);

#endif

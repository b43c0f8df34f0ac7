/* SPDX-License-Identifier: GPL-2.0-or-later */
/* finder_table.h - The automaton that finds placeholders, as a table. */
#ifndef MSB_FINDER_TABLE_H
#define MSB_FINDER_TABLE_H

#include "finder.h"
#include "finder_scan.h"

_Static_assert(FINDER_HEAD <= SECRET_PLACEHOLDER_MIN / 2,
	       "each base64 form has as many octets of its own");

/** FINDER_NEWLINE - Class of a line's ends */
#define FINDER_NEWLINE 1

/**
 * struct finder_node - A prefix of patterns
 * @depth:	octets of it
 * @pattern:	what ends here: twice the secret's index, and 1 for a base64
 *		form; -1: nothing does
 * @len:	octets of that
 * @inner:	a pattern goes on from here
 * @base64:	it is a prefix of a base64 form
 */
struct finder_node {
	uint16_t depth;
	int16_t pattern;
	uint16_t len;
	bool inner;
	bool base64;
};

/**
 * struct finder - An automaton
 * @next:	for each node, and each class of octets, the node that follows
 * @nodes:	the nodes; the first is the root
 * @n_nodes:	how many
 * @n_classes:	classes of octets
 * @class:	the class of each octet
 * @scan:	where the automaton has to begin
 * @longer:	for each secret, those that one of it that is open can turn out
 *		to be instead, when more is read
 * @n_secrets:	how many
 */
struct finder {
	uint16_t *next;
	struct finder_node *nodes;
	size_t n_nodes;
	size_t n_classes;
	uint8_t class[256];
	struct finder_scan scan;
	struct secret_bits *longer;
	size_t n_secrets;
};

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* finder_table.h - The automaton that finds placeholders, as a table. */
#ifndef MSB_FINDER_TABLE_H
#define MSB_FINDER_TABLE_H

#include "finder.h"

/** FINDER_GRAM - Octets of the groups that are sampled */
#define FINDER_GRAM 3

/** FINDER_STEP_MAX - Distance of two samples at most */
#define FINDER_STEP_MAX 8

_Static_assert(FINDER_GRAM < SECRET_PLACEHOLDER_MIN,
	       "a placeholder has no two samples to choose from");

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
 * @step:	distance of two samples
 * @head:	octets of a pattern's beginning, which has one sample in it
 * @grams:	bit for each hash of a group that is in a pattern's beginning
 * @heads:	octets that are in a pattern's beginning
 * @pairs:	bit for each two that follow one another there
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
	size_t step;
	size_t head;
	uint64_t grams[1024];
	bool heads[256];
	uint64_t pairs[128 * 128 / 64];
	struct secret_bits *longer;
	size_t n_secrets;
};

/** finder_gram() - Hash of a group, the first octet the lowest: 16 bits */
static inline uint32_t finder_gram(uint32_t group)
{
	return (group * UINT32_C(0x9e3779b1)) >> 16;
}

/** finder_pair() - Number of two octets, both ASCII */
static inline uint32_t finder_pair(uint8_t first, uint8_t second)
{
	return (uint32_t)first << 7 | second;
}

#endif

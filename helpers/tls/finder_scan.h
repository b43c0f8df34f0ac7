/* SPDX-License-Identifier: GPL-2.0-or-later */
/* finder_scan.h - Where a placeholder may begin, in octets where most do not.
 *
 * Theory of Operation
 *
 * What a pattern begins with tells: its first three octets. Any of them may be
 * written as an escape, and between those of base64 a line may end. So three
 * octets in a row can be the beginning of one
 *
 *	if they are its first three: HEADS, several groups of patterns;
 *	if they are its first, or its first two, and the first octet of an
 *	escape, or a line's end: SPLIT, LATE;
 *	if they are an escape that stands for its first: ESCAPE.
 *
 * Each of these is a set of octets for the first, the second and the third
 * place, and a bit in a table for each place: where the three have a bit in
 * common, the automaton begins. Sets of octets are looked up 32 at a time, by
 * their halves of four bits (the shuffles of AVX2): that may say yes to some
 * that are in none, never no to one that is in one.
 */
#ifndef MSB_FINDER_SCAN_H
#define MSB_FINDER_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** FINDER_HEAD - Octets that are looked at */
#define FINDER_HEAD 3

/** FINDER_BLOCK - Octets that are looked up at a time */
#define FINDER_BLOCK 32

/**
 * struct finder_scan - What patterns begin with
 * @may:	for each place, sets that an octet is in
 * @low:	for each place, sets that have one with these low four bits,
 *		twice
 * @high:	with these high ones, likewise
 * @groups:	groups of patterns that have a set
 * @triples:	bit for each hash of a pattern's first three octets
 */
struct finder_scan {
	uint8_t may[FINDER_HEAD][256];
	uint8_t low[FINDER_HEAD][FINDER_BLOCK];
	uint8_t high[FINDER_HEAD][FINDER_BLOCK];
	unsigned int groups;
	uint64_t triples[1024];
};

/** finder_scan_begin() - Begin to fill one that is all zero */
void finder_scan_begin(struct finder_scan *s);

/** finder_scan_add() - Add a pattern: its first three octets */
void finder_scan_add(struct finder_scan *s, const uint8_t text[FINDER_HEAD]);

/**
 * finder_scan() - Look for the first place where a pattern may begin
 * @s:		what they begin with
 * @data:	octets, of which none is within a pattern or an escape
 * @at:		where to begin
 * @len:	how many octets there are
 *
 * Return: that place, or @len if there is none; or that of an escape that may
 * go on up to there
 */
size_t finder_scan(const struct finder_scan *s, const uint8_t *data, size_t at,
		   size_t len);

#endif

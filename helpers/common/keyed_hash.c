/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keyed_hash.c - A hash whose collisions nobody can look for who has no key. */
#include "keyed_hash.h"

#include <string.h>

__extension__ typedef unsigned __int128 product;

/* Multiply by what nobody knows, and fold: each bit of the result depends on
 * what came before it and on what came behind. */
static uint64_t step(uint64_t hash, uint64_t word, uint64_t factor)
{
	const product wide = (product)(hash ^ word) * factor;

	return (uint64_t)wide ^ (uint64_t)(wide >> 64);
}

uint64_t keyed_hash(const struct keyed_hash *k, uint64_t n, const void *octets,
		    size_t len)
{
	const uint64_t factor = k->factor | 1;
	const char *p = octets;
	uint64_t hash, word = 0;

	/* The length is in it: so zeros that fill a word up are no octets. */
	hash = step(k->start, n, factor) ^ len;
	for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		hash = step(hash, word, factor);
	}
	if (!len)
		return hash;
	word = 0;
	memcpy(&word, p, len);
	return step(hash, word, factor);
}

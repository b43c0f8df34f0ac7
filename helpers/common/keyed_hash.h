/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keyed_hash.h - A hash whose collisions nobody can look for who has no key.
 *
 * Tables here are filled with names and addresses of strangers' choice. Whoever
 * knew which of them share a bucket could make each look-up as long as the
 * table is full.
 */
#ifndef MSB_KEYED_HASH_H
#define MSB_KEYED_HASH_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct keyed_hash - Its key
 * @start:	random
 * @factor:	random
 */
struct keyed_hash {
	uint64_t start;
	uint64_t factor;
};

/**
 * keyed_hash() - Hash a number and some octets
 * @k:		key
 * @n:		number
 * @octets:	octets
 * @len:	how many
 *
 * Return: hash, whose lowest bits are as good as any
 */
uint64_t keyed_hash(const struct keyed_hash *k, uint64_t n, const void *octets,
		    size_t len);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_keyed_hash.c - What makes a hash another, and how evenly it falls. */
#include <criterion/criterion.h>
#include <string.h>

#include "keyed_hash.h"

#define BUCKETS 65536

static const struct keyed_hash keys[] = {
	{0x243f6a8885a308d3, 0x13198a2e03707344},
	{0xa4093822299f31d0, 0x082efa98ec4e6c89},
	{0x452821e638d01377, 0xbe5466cf34e90c6c},
};

Test(keyed_hash, everything_counts)
{
	const char octets[32] = {0};
	uint64_t seen[3 * 2 * 33];
	size_t n = 0;

	/* Octets of 0 are octets, whether they fill a word or not. */
	for (size_t k = 0; k < 3; k++)
		for (uint64_t number = 0; number < 2; number++)
			for (size_t len = 0; len <= sizeof(octets); len++)
				seen[n++] = keyed_hash(&keys[k], number, octets,
						       len);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			cr_expect_neq(seen[i], seen[j], "%zu %zu", i, j);
	cr_expect_eq(keyed_hash(&keys[0], 1, octets, 9),
		     keyed_hash(&keys[0], 1, octets, 9));
}

Test(keyed_hash, every_bit_counts)
{
	char octets[20] = {0};
	uint64_t none, all = 0, same = UINT64_MAX;

	none = keyed_hash(&keys[1], 0, octets, sizeof(octets));
	for (size_t bit = 0; bit < 8 * sizeof(octets); bit++) {
		uint64_t hash;

		octets[bit / 8] ^= (char)(1 << bit % 8);
		hash = keyed_hash(&keys[1], 0, octets, sizeof(octets));
		octets[bit / 8] ^= (char)(1 << bit % 8);
		cr_expect_neq(hash % BUCKETS, none % BUCKETS, "%zu", bit);
		all |= hash ^ none;
		same &= ~(hash ^ none);
	}
	cr_expect_eq(all, UINT64_MAX);
	cr_expect_eq(same, 0);
}

/* The highest bits of two words that follow each other, which other hashes that
 * multiply let cancel each other, whatever the key. */
Test(keyed_hash, no_pair_of_bits_cancels)
{
	const size_t n = 64;

	for (size_t k = 0; k < 3; k++)
		for (size_t i = 0; i < n; i++)
			for (size_t j = 0; j < n; j++) {
				const uint64_t a[2] = {0x0123456789abcdef,
						       0xfedcba9876543210};
				const uint64_t b[2] = {a[0] ^ 1ull << i,
						       a[1] ^ 1ull << j};

				cr_expect_neq(keyed_hash(&keys[k], 0, a, 16),
					      keyed_hash(&keys[k], 0, b, 16));
			}
}

Test(keyed_hash, neighbours_are_spread)
{
	static unsigned char bucket[BUCKETS];

	for (size_t k = 0; k < 3; k++) {
		unsigned int most = 0;

		memset(bucket, 0, sizeof(bucket));
		for (uint32_t i = 0; i < BUCKETS; i++) {
			/* An address, as pins have it: most of it is 0. */
			const uint64_t words[2] = {0xc6336400 + i, 0};
			const uint64_t hash =
				keyed_hash(&keys[k], 3, words, sizeof(words));
			unsigned char *b = &bucket[hash % BUCKETS];

			if (++*b > most)
				most = *b;
		}
		/* By chance it would be 8 or 9. */
		cr_expect_leq(most, 12, "%zu: %u", k, most);
	}
}

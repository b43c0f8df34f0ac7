/* SPDX-License-Identifier: GPL-2.0-or-later */
/* names.h - A table of denied names that many processes share.
 *
 * DenyDomains and DenyDomainSuffixes may hold 100,000 names, and a thousand
 * sandboxes the same ones. So they are compiled into a file, once, and whoever
 * needs them maps it: a hash table with open addressing, whose slots hold
 * offsets and no addresses.
 *
 *	offset	octets
 *	0	8		magic, "MSBNAME1"
 *	8	4		slots, a power of two
 *	12	4		names
 *	16	4		octets of the pool
 *	20	4		0
 *	24	4 * slots	slot: offset of an entry in the pool, plus 1; 0
 *if it is empty
 *	...	pool		entries, one behind the other
 *
 * An entry is the name's index in DenyDomains plus 1 (4 octets), its index in
 * DenyDomainSuffixes plus 1 (4 octets), 0 each for "is not in it", the length
 * of the name (1 octet) and the name as in struct dname. Numbers are in the
 * machine's byte order: the file never leaves it.
 *
 * A name's hash is FNV-1a, 32 bits, over its octets from the last to the first.
 * So one pass from the end of a name meets the hash of every name above it.
 */
#ifndef MSB_NAMES_H
#define MSB_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "config.h"
#include "dname.h"

/** NAMES_MAX - Names that one table may hold */
#define NAMES_MAX (UINT32_C(1) << 24)

/**
 * struct names - A table
 * @slots:	slots; NULL for a table without names
 * @mask:	their number, less one
 * @n:		names
 * @pool:	entries
 * @pool_len:	octets at @pool
 */
struct names {
	const uint32_t *slots;
	uint32_t mask;
	uint32_t n;
	const uint8_t *pool;
	uint32_t pool_len;
};

/**
 * struct names_match - Which rule denies a name
 * @suffix:	it is one of DenyDomainSuffixes
 * @index:	its index
 */
struct names_match {
	bool suffix;
	uint32_t index;
};

/**
 * names_build() - Compile a table
 * @a:		arena for the result
 * @exact:	DenyDomains
 * @suffixes:	DenyDomainSuffixes
 * @ret_len:	octets
 *
 * Where a name stands twice, the first index counts. The same lists give the
 * same octets.
 *
 * Return: the file's content, aligned for any object
 */
const void *names_build(struct arena *a, const struct config_names *exact,
			const struct config_names *suffixes, size_t *ret_len);

/**
 * names_open() - Check a table and get ready to ask it
 * @data:	content, aligned to 4 octets; must stay there
 * @len:	octets
 * @ret:	table; set on success
 *
 * Every slot and every name is checked: whatever the octets are, what passes
 * can be asked. One slot in two is empty at least, so that a search ends soon.
 *
 * Return: NULL, or what is wrong with it
 */
const char *names_open(const void *data, size_t len, struct names *ret)
	__attribute__((warn_unused_result));

/**
 * names_find() - Whether a name is denied
 * @t:		table
 * @name:	name
 * @ret:	what denies it; set if one does. An exact name goes before the
 *		suffixes, of these the first
 */
bool names_find(const struct names *t, struct dname name,
		struct names_match *ret);

#endif

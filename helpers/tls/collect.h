/* SPDX-License-Identifier: GPL-2.0-or-later */
/* collect.h - The CAs among certificates, each of them once. */
#ifndef MSB_COLLECT_H
#define MSB_COLLECT_H

#include <stdbool.h>

#include "arena.h"
#include "name_hash.h"
#include "str.h"

/** COLLECT_MAX - So many CAs are taken; what a system trusts is 150 */
#define COLLECT_MAX 4096

/** COLLECT_HASHES - Of so many CAs, the first ones, hashes are told */
#define COLLECT_HASHES 16

/**
 * struct collected - What was found
 * @cas:	CAs, each counted once
 * @others:	certificates that may not sign certificates
 * @unreadable:	what should be a certificate and cannot be read
 * @hashes:	of their subjects, in their order; "-": it is not known
 * @truncated:	there are more than COLLECT_MAX
 */
struct collected {
	unsigned int cas;
	unsigned int others;
	unsigned int unreadable;
	char hashes[COLLECT_HASHES][NAME_HASH_TEXT];
	bool truncated;
};

/**
 * collect() - Take the CAs out of a text
 * @a:		arena
 * @text:	PEM of any kind, with anything in between
 * @len:	octets of it
 * @to:		receives their certificates as PEM, in the order in which they
 *		come
 * @ret:	what was found
 *
 * A CA is who says so, or a certificate that was made before they could: signed
 * by its own name, without basicConstraints. Two are the same if their DER is.
 * Of a text nothing else gets through, no key and no comment.
 */
void collect(struct arena *a, const char *text, size_t len, struct str *to,
	     struct collected *ret);

#endif

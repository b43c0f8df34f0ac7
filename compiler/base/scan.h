/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scan.h - What is wrong with a text as JSON, in words and places. */
#ifndef MSB_SCAN_H
#define MSB_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "diag.h"

/** SCAN_MAX_DEPTH - Containers that may be open at the same time */
#define SCAN_MAX_DEPTH 32

/** SCAN_MAX_BYTES - Size of the largest document that is read */
#define SCAN_MAX_BYTES (64u << 20)

/**
 * struct scan_number - A number that no C type holds
 * @offset:	byte offset of its first character
 * @len:	characters
 */
struct scan_number {
	size_t offset;
	size_t len;
};

/**
 * struct scan - What a scan found, beyond its diagnostics
 * @start:	byte offset behind the byte-order mark, if there is one
 * @big:	numbers that are out of any range; each has its diagnostic
 * @n_big:	how many
 */
struct scan {
	size_t start;
	struct scan_number *big;
	size_t n_big;
};

/**
 * scan_text() - Check that a document is JSON
 * @a:		arena for @ret
 * @d:		diagnostics; its @text and @len are the document
 * @ret:	findings; always set
 *
 * Reports size, encoding, syntax, depth, keys that occur twice and numbers out
 * of any range. One pass; memory is one small record per key of the objects
 * that are open.
 *
 * Return: true if a parser can read the text, which may hold though there were
 * errors
 */
bool scan_text(struct arena *a, struct diags *d, struct scan *ret)
	__attribute__((warn_unused_result));

/**
 * scan_utf8() - Length of the UTF-8 sequence at @s
 * @s:		bytes
 * @n:		bytes there are, at least 1
 *
 * Return: 1 to 4; 0 if the bytes are not UTF-8 (RFC 3629: no overlong forms, no
 * surrogates, nothing above U+10FFFF)
 */
size_t scan_utf8(const char *s, size_t n);

#endif

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

/** SCAN_MAX_HOLES - Holes in a document that is parsed at all */
#define SCAN_MAX_HOLES 4096

/**
 * struct scan_hole - A piece of the text that no parser takes
 * @offset:	byte offset of its first byte
 * @len:	bytes
 * @instead:	what to show the parser in its place
 */
struct scan_hole {
	size_t offset;
	size_t len;
	const char *instead;
};

/**
 * struct scan - What a scan found, beyond its diagnostics
 * @start:	byte offset behind the byte-order mark, if there is one
 * @hole:	bytes that are not UTF-8, halves of surrogate pairs, NUL in
 *		keys, numbers out of any range and values that are too deep, in
 *		the order of the text; all but NUL have their diagnostics
 * @n_holes:	how many
 */
struct scan {
	size_t start;
	struct scan_hole *hole;
	size_t n_holes;
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
 * Return: true if a parser can read the text once the holes are filled, which
 * may hold though there were errors
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* linediff.h - Two texts, line by line, as diff -u shows them. */
#ifndef MSB_LINEDIFF_H
#define MSB_LINEDIFF_H

#include <stdbool.h>
#include <stddef.h>

#include "str.h"

/** LINEDIFF_MAX - Lines deleted and added in the longest difference that is
 * made as short as possible; in a longer one everything between the first and
 * the last of them is replaced
 */
#define LINEDIFF_MAX 2000u

/** LINEDIFF_CONTEXT - Equal lines that are shown around each change */
#define LINEDIFF_CONTEXT 3u

/**
 * struct linediff_text - One of the texts
 * @name:	what to call it
 * @text:	contents; NULL if there is none
 * @len:	bytes
 */
struct linediff_text {
	const char *name;
	const char *text;
	size_t len;
};

/**
 * linediff() - Append the unified difference of two texts
 * @out:	receives "--- NAME", "+++ NAME" and the hunks; nothing if the
 *		texts are equal
 * @a:		text before
 * @b:		text after
 *
 * Time and memory are bounded by the lines times LINEDIFF_MAX.
 *
 * Return: whether they differ
 */
bool linediff(struct str *out, const struct linediff_text *a,
	      const struct linediff_text *b);

#endif

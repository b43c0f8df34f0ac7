/* SPDX-License-Identifier: GPL-2.0-or-later */
/* udiff.h - Two texts, as a unified diff. */
#ifndef MSB_UDIFF_H
#define MSB_UDIFF_H

#include "str.h"

/**
 * udiff() - Append what makes one text of another
 * @s:		receives the diff; nothing if the texts are the same
 * @name:	name of both, for the two lines at the head
 * @before:	text of whole lines
 * @after:	text of whole lines
 *
 * The diff is one that patch(1) takes, with three lines around each change. It
 * is the shortest unless the texts differ in more than about a thousand lines:
 * then what they do not share at their ends is replaced as a whole.
 */
void udiff(struct str *s, const char *name, const char *before,
	   const char *after);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* finder_case.h - A finder of placeholders, and texts that are cut for it. */
#ifndef MSB_FINDER_CASE_H
#define MSB_FINDER_CASE_H

#include "finder.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/** finder_of() - A finder of these placeholders, or NULL */
struct finder *finder_of(const char *const *placeholders, size_t n);

/**
 * finder_find_in() - Look through a text in three pieces
 * @f:		finder, of which no placeholder may be there
 * @text:	text
 * @len:	octets of it
 * @cut:	where the first piece ends
 * @more:	octets of the second
 * @ret:	set to what is found, if anything is
 */
bool finder_find_in(const struct finder *f, const uint8_t *text, size_t len,
		    size_t cut, size_t more, struct finder_found *ret);

/**
 * finder_finds() - Look through a text cut at every place
 *
 * Whether something is found must be the same each time.
 */
bool finder_finds(const struct finder *f, const char *text,
		  struct finder_found *ret);

#endif

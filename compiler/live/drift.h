/* SPDX-License-Identifier: GPL-2.0-or-later */
/* drift.h - What is in the kernel, beside what should be. */
#ifndef MSB_DRIFT_H
#define MSB_DRIFT_H

#include "compile.h"
#include "live_error.h"
#include "state.h"

/**
 * struct drift_table - One table, as the same nft lists it twice
 * @running:	what the kernel has
 * @expected:	what it has in a namespace made for the purpose, where the
 *		table of the plan was loaded and nothing else
 */
struct drift_table {
	const char *running;
	const char *expected;
};

/**
 * struct drift - The tables of a sandbox
 * @gateway:	table of its gateway namespace
 * @host:	table of the host's namespace
 */
struct drift {
	struct drift_table gateway;
	struct drift_table host;
};

/**
 * drift_read() - List the tables of a running sandbox
 * @a:		arena for the texts
 * @s:		state
 * @r:		sandbox
 * @c:		what it should be made of
 * @ret:	listings; set on success
 * @e:		error
 *
 * Return: 0, -1 on failure
 */
int drift_read(struct arena *a, const struct state *s,
	       const struct state_record *r, const struct compiled *c,
	       struct drift *ret, struct live_error *e);

/**
 * drift_lines() - A listing with one element of a set a line, in order
 * @a:		arena for the text
 * @text:	listing
 * @only:	words: an element is kept only if it has one of them, or is in
 *		@beside; NULL keeps all
 * @beside:	listing of the same table
 *
 * What a set gets at run time is left out: elements of sets that have a
 * timeout.
 */
const char *drift_lines(struct arena *a, const char *text,
			const char *const *only, const char *beside);

#endif

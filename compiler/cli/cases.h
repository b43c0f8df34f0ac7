/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cases.h - Files of flows with the verdicts that they are to get. */
#ifndef MSB_CASES_H
#define MSB_CASES_H

#include <stddef.h>

#include "arena.h"
#include "flow.h"

/** CASES_MAX_DEPTH - Files that may be open at once, each included by the one
 * before
 */
#define CASES_MAX_DEPTH 8

/** CASES_MAX_FILES - Files that are read in all, each time it is included */
#define CASES_MAX_FILES 1000

/**
 * struct cases_case - One line that is a case
 * @file:	name of its file, as it was given or included
 * @line:	line, from 1
 * @c:		flow and what is expected of it
 * @why:	what is wrong with the line, or NULL; then @c does not count
 */
struct cases_case {
	const char *file;
	unsigned long line;
	struct flow_case c;
	const char *why;
};

/**
 * struct cases - The cases of all files, in their order
 * @v:	cases
 * @n:	number of cases
 * @cap:	private
 * @files:	files read
 */
struct cases {
	struct cases_case *v;
	size_t n;
	size_t cap;
	size_t files;
};

/**
 * cases_read() - Read one file of cases
 * @a:		arena for the cases
 * @path:	path, "-" for standard input
 * @c:		receives the cases
 *
 * A line is a case, "include FILE", or nothing but a comment from "#" on. FILE
 * is taken from the directory of the file that includes it.
 *
 * Return: CLI_YES, or CLI_USAGE after saying why a file cannot be read
 */
int cases_read(struct arena *a, const char *path, struct cases *c);

#endif

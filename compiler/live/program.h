/* SPDX-License-Identifier: GPL-2.0-or-later */
/* program.h - The programs that do for msb-netc what it cannot do itself. */
#ifndef MSB_PROGRAM_H
#define MSB_PROGRAM_H

#include <stddef.h>

#include "arena.h"
#include "live_error.h"
#include "str.h"

/**
 * program_find() - Where a helper's program is
 * @a:		arena for the path
 * @helpers:	directory of the helpers, NULL for the one they are installed in
 * @name:	program: "msb-supervised"
 * @e:		error
 *
 * Return: path; NULL if there is none
 */
const char *program_find(struct arena *a, const char *helpers, const char *name,
			 struct live_error *e);

/** PROGRAM_SECONDS - A program that runs for so long is ended */
#define PROGRAM_SECONDS 30

/** PROGRAM_WORDS_MAX - Of what it says on standard error so much is kept */
#define PROGRAM_WORDS_MAX 1024

/**
 * struct program - A program to run to its end
 * @path:	path
 * @argv:	its arguments, NULL-terminated
 * @fds:	descriptors that it has under the same numbers as here, all of
 *		them above 2
 * @n_fds:	how many
 * @out:	its standard output; -1: nowhere
 */
struct program {
	const char *path;
	const char *const *argv;
	const int *fds;
	size_t n_fds;
	int out;
};

/**
 * program_run() - Run it, and wait for its end
 * @p:		program
 * @words:	receives what it says on standard error, without the last
 *		newline
 * @e:		error
 *
 * It has nothing of this process but what @p says: no environment, no signals
 * held back, no other descriptor.
 *
 * Return: its exit status; -1 if it did not run, or did not exit
 */
int program_run(const struct program *p, struct str *words,
		struct live_error *e);

#endif

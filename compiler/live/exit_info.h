/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exit_info.h - Whether a sandbox was terminated, when, and why.
 *
 * The file STATE_EXIT of a sandbox is made empty, and handed to msb-tlsd's
 * supervisor, which writes one line into it when it ends the sandbox's traffic.
 * That stays so until the sandbox is taken down.
 */
#ifndef MSB_EXIT_INFO_H
#define MSB_EXIT_INFO_H

#include "state.h"

/**
 * exit_open() - Open the file, for a supervisor to append to
 * @s:		state, locked
 * @name:	sandbox
 *
 * It is made if there is none, with room for the line, so that a disk that is
 * full by then does not matter.
 *
 * Return: a descriptor; -1 and errno
 */
int exit_open(const struct state *s, const char *name);

/**
 * struct exit_info - Why a sandbox was terminated
 * @time:	seconds since the epoch; 0: not known
 * @reason:	a line for humans, of printable ASCII
 */
struct exit_info {
	double time;
	const char *reason;
};

/**
 * exit_read() - Look whether a sandbox was terminated
 * @s:		state
 * @a:		arena for @ret
 * @name:	sandbox
 * @ret:	why; set if it was
 *
 * Its supervisor is asked as well, if the file says nothing.
 */
bool exit_read(const struct state *s, struct arena *a, const char *name,
	       struct exit_info *ret);

/** EXIT_TIME_MAX - Room for a time as text, with NUL */
#define EXIT_TIME_MAX 32

/** exit_time() - "2026-11-25 20:15:00 UTC"; "" if it is not known */
const char *exit_time(const struct exit_info *info, char room[EXIT_TIME_MAX]);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* run_watch.h - Whether the sandbox of "run" is terminated while it runs. */
#ifndef MSB_RUN_WATCH_H
#define MSB_RUN_WATCH_H

#include "supervisor.h"

/**
 * struct run_watch - A sandbox that is watched
 * @state:	state directory
 * @name:	sandbox
 * @channel:	to its supervisor, for poll(2); -1: there is none now
 * @reason:	why it was terminated; "": it was not
 */
struct run_watch {
	const struct state *state;
	const char *name;
	int channel;
	char reason[CHANNEL_TEXT_MAX];
};

/** run_watch_begin() - Begin, once it is there */
void run_watch_begin(struct run_watch *w, const struct state *state,
		     const char *name);

/**
 * run_watch_ms() - How long to wait at most before it is looked at again
 *
 * A supervisor tells it at once. One that comes later, with another document,
 * must be found.
 */
int run_watch_ms(const struct run_watch *w);

/** run_watch_look() - Why it was terminated, or NULL */
const char *run_watch_look(struct run_watch *w);

/** run_watch_end() - Release */
void run_watch_end(struct run_watch *w);

#endif

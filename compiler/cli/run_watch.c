/* SPDX-License-Identifier: GPL-2.0-or-later */
/* run_watch.c - Whether the sandbox of "run" is terminated while it runs. */
#include "run_watch.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "exit_info.h"

/* While there is no supervisor that tells. */
#define LOOK_MS 2000

/* Connects, if there is somebody to connect to. What has happened before is in
 * the answer; or in the file, if it was another supervisor. */
static void find(struct run_watch *w)
{
	struct exit_info info;
	ARENA(a);

	w->channel = supervisor_watch(w->state, w->name, w->reason);
	if (w->channel >= 0) {
		fcntl(w->channel, F_SETFL, O_NONBLOCK);
		return;
	}
	if (exit_read(w->state, &a, w->name, &info))
		snprintf(w->reason, sizeof(w->reason), "%s", info.reason);
}

void run_watch_begin(struct run_watch *w, const struct state *state,
		     const char *name)
{
	*w = (struct run_watch){.state = state, .name = name, .channel = -1};
	find(w);
}

int run_watch_ms(const struct run_watch *w)
{
	if (*w->reason)
		return 0;
	return w->channel < 0 ? LOOK_MS : -1;
}

const char *run_watch_look(struct run_watch *w)
{
	if (!*w->reason && w->channel >= 0 &&
	    supervisor_watched(w->channel, w->reason) < 0)
		run_watch_end(w);
	if (!*w->reason && w->channel < 0)
		find(w);
	return *w->reason ? w->reason : NULL;
}

void run_watch_end(struct run_watch *w)
{
	if (w->channel >= 0)
		close(w->channel);
	w->channel = -1;
}

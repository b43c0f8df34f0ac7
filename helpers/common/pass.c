/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pass.c - Passing a supervisor's messages on to one's own child. */
#include "pass.h"

int pass_on(int channel, const struct channel_msg *msg,
	    const int fds[CHANNEL_MAX], uint64_t which)
{
	const bool sockets = msg->type == CHANNEL_SOCKETS;
	struct channel_msg to = *msg;
	int keep[CHANNEL_MAX];

	to.count = 0;
	for (uint32_t i = 0; i < msg->count; i++) {
		if (sockets && (msg->index[i] >= 64 ||
				!(which & UINT64_C(1) << msg->index[i])))
			continue;
		to.index[to.count] = msg->index[i];
		keep[to.count++] = fds[i];
	}
	if (sockets && !to.count)
		return 0;
	return channel_send(channel, &to, keep);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pass.h - Passing a supervisor's messages on to one's own child. */
#ifndef MSB_PASS_H
#define MSB_PASS_H

#include "channel.h"

/**
 * pass_on() - Send a message on, but for what the child must not have
 * @channel:	to the child
 * @msg:	message
 * @fds:	its descriptors, which stay open here
 * @which:	SOCKETS: bits, the numbers of those that the child may have
 *
 * A message of which nothing is left is not sent.
 *
 * Return: 0; -1 and errno
 */
int pass_on(int channel, const struct channel_msg *msg,
	    const int fds[CHANNEL_MAX], uint64_t which)
	__attribute__((warn_unused_result));

#endif

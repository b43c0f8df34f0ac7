/* SPDX-License-Identifier: GPL-2.0-or-later */
/* args.h - The command line that a supervisor starts a helper with. */
#ifndef MSB_ARGS_H
#define MSB_ARGS_H

#include <stdbool.h>

/**
 * struct args - The command line
 * @channel:	--channel-fd: messages of channel.h from the supervisor
 * @broker:	--broker-fd: sockets of the host's namespace; -1: there is none
 * @name:	--name: the sandbox's name
 */
struct args {
	int channel;
	int broker;
	const char *name;
};

/**
 * args_read() - Read it; --version and what cannot be read are answered here
 * @argc:	of main()
 * @argv:	of main()
 * @program:	the helper's name
 * @broker:	whether it has a broker
 * @ret:	what was read
 *
 * Return: -1 to go on; else the exit status
 */
int args_read(int argc, char **argv, const char *program, bool broker,
	      struct args *ret);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netns.h - Network namespaces: named ones, and being inside of one. */
#ifndef MSB_NETNS_H
#define MSB_NETNS_H

#include <stdbool.h>

#include "live_error.h"

/** NETNS_DIR - Where named namespaces are, as iproute2 has them */
#define NETNS_DIR "/run/netns"

/**
 * netns_open() - Open a network namespace
 * @which:	absolute path; or digits, a process; or a name below NETNS_DIR
 * @e:		error
 *
 * Return: descriptor, -1 if there is no such network namespace
 */
int netns_open(const char *which, struct live_error *e);

/** netns_open_self() - Open the network namespace that this process is in */
int netns_open_self(struct live_error *e);

/** netns_enter() - Move this process (of one thread) to a namespace */
int netns_enter(int fd, struct live_error *e)
	__attribute__((warn_unused_result));

/**
 * netns_return() - Go back to a namespace that this process came from
 *
 * To go on in the wrong namespace would change the wrong machine, so a process
 * that cannot go back ends with exit status 3.
 */
void netns_return(int fd);

/**
 * netns_create() - Make a namespace
 * @name:	name below NETNS_DIR; NULL: it has none, and lives as long as
 *the descriptor
 * @e:		error
 *
 * This process is where it was afterwards. Tools of iproute2 see the name.
 *
 * Return: descriptor, -1 on failure
 */
int netns_create(const char *name, struct live_error *e);

/**
 * netns_delete() - Take the name away from a namespace
 * @name:	name below NETNS_DIR
 * @e:		error
 *
 * Return: 0, also if there is no such name; -1 on failure
 */
int netns_delete(const char *name, struct live_error *e);

/** netns_exists() - Whether there is such a name below NETNS_DIR */
bool netns_exists(const char *name);

/** netns_same() - Whether two descriptors are of one namespace */
bool netns_same(int a, int b);

#endif

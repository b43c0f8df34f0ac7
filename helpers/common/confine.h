/* SPDX-License-Identifier: GPL-2.0-or-later */
/* confine.h - What a helper gives up before it meets anybody's bytes.
 *
 * A worker has its sockets and its memory, and nothing else. Two steps lead
 * there: confine_child(), by its supervisor, between fork and exec, while there
 * is still the power to give power up; confine_worker(), by itself, once it has
 * started.
 *
 * A worker afterwards
 *	Should:
 *	 - use the descriptors that it holds, and receive more
 *	 - make sockets of the Internet families in its network namespace
 *	 - take and release memory, read clocks, wait
 *	Mustn't:
 *	 - have a capability, or ever get one: bounding set empty,
 *	   no_new_privs, no user namespace, no exec
 *	 - open, create or look at any file: Landlock, and no such system call
 *	 - make the event log larger than it may be
 *	 - map memory that can be executed
 *	 - see, trace or signal another process, or be traced; leave a core
 *	 - make raw or packet sockets, netlink sockets, UNIX sockets
 *	 - outlive its supervisor
 */
#ifndef MSB_CONFINE_H
#define MSB_CONFINE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * confine_child() - Become another user without any capability
 * @uid:	user, and group of the same number
 *
 * For the child of a supervisor, before exec: bounding set emptied, groups,
 * gid, uid; no_new_privs; SIGKILL when the parent ends. Needs CAP_SETPCAP,
 * CAP_SETGID and CAP_SETUID.
 *
 * Return: NULL; else what could not be done, and errno
 */
const char *confine_child(uid_t uid) __attribute__((warn_unused_result));

/** confine_held() - The capabilities that this process has: bit n is capability
 * n
 */
uint64_t confine_held(void);

/**
 * confine_keep() - Give up all capabilities but some
 * @keep:	set of them: bit n is capability n
 *
 * For a supervisor: effective and permitted become @keep, inheritable and
 * ambient empty; no_new_privs; no core; not dumpable. A core that root makes
 * of it by force, or of a child, has none of its memory.
 *
 * Return: NULL; else what could not be done, and errno
 */
const char *confine_keep(uint64_t keep) __attribute__((warn_unused_result));

/**
 * confine_worker() - Confine this process for good
 * @files:	descriptors that it may have open
 *
 * Landlock is left out where the kernel does not have it (before Linux 5.13,
 * commit 17ae69aba89d, or not enabled at boot): what it forbids has no system
 * call in the filter either.
 *
 * Return: NULL; else what could not be done, and errno
 */
const char *confine_worker(unsigned int files)
	__attribute__((warn_unused_result));

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* syscalls.h - The system calls that a worker may make. */
#ifndef MSB_SYSCALLS_H
#define MSB_SYSCALLS_H

/**
 * syscalls_restrict() - Allow this process the listed system calls alone
 *
 * Any other ends it (SECCOMP_RET_KILL_PROCESS). Needs no_new_privs.
 *
 * Return: NULL; else what could not be done, and errno
 */
const char *syscalls_restrict(void) __attribute__((warn_unused_result));

/**
 * syscalls_allow_proc() - Let a sanitizer look at this process
 * @ruleset:	Landlock ruleset
 *
 * Does nothing, except in a build with sanitizers, which read /proc.
 *
 * Return: 0; -1 and errno
 */
int syscalls_allow_proc(int ruleset) __attribute__((warn_unused_result));

#endif

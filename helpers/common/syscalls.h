/* SPDX-License-Identifier: GPL-2.0-or-later */
/* syscalls.h - The system calls that a worker may make. */
#ifndef MSB_SYSCALLS_H
#define MSB_SYSCALLS_H

/* SYSCALLS_SANITIZED - Whether a sanitizer runs in this process, whose calls
 * are its own to choose
 */
#if defined(__SANITIZE_ADDRESS__)
#define SYSCALLS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SYSCALLS_SANITIZED 1
#endif
#endif
#ifndef SYSCALLS_SANITIZED
#define SYSCALLS_SANITIZED 0
#endif

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

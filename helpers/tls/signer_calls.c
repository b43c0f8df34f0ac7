/* SPDX-License-Identifier: GPL-2.0-or-later */
/* signer_calls.c - The system calls that the signer may make. */
#include "signer_calls.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "confine.h"
#include "syscalls.h"

/* Descriptors that it may have open: what comes with two configurations, and a
 * few of its own. */
#define FILES 64

#define COUNT(v) (sizeof(v) / sizeof((v)[0]))

/* A call is made if this filter allows it and that of syscalls.h does, which
 * also looks at the architecture and at arguments. */
static const uint16_t allowed[] = {
	SYS_epoll_pwait,
#ifdef SYS_epoll_wait
	SYS_epoll_wait,
#endif
	SYS_epoll_ctl,
	SYS_recvmsg,
	SYS_sendmsg,
	SYS_recvfrom,
	SYS_sendto,
	/* files that come with messages; the event log */
	SYS_pread64,
	SYS_lseek,
	SYS_write,
	SYS_close,
	/* memory, time, chance, the end */
	SYS_brk,
	SYS_mmap,
	SYS_munmap,
	SYS_mremap,
	SYS_mprotect,
	SYS_madvise,
	SYS_clock_gettime,
	SYS_gettimeofday,
	SYS_getrandom,
	SYS_getpid,
	SYS_rt_sigreturn,
	SYS_restart_syscall,
	SYS_exit,
	SYS_exit_group,
	/* on the way there, and not in the other filter */
	SYS_prctl,
	SYS_prlimit64,
	SYS_capset,
	SYS_landlock_create_ruleset,
	SYS_landlock_restrict_self,
};

static const char *restrict_calls(void)
{
	struct sock_filter program[2 * COUNT(allowed) + 2];
	struct sock_fprog fprog = {.filter = program};
	size_t n = 0;

	program[n++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < COUNT(allowed); i++) {
		program[n++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, allowed[i], 0, 1);
		program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
							    SECCOMP_RET_ALLOW);
	}
	program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
						    SECCOMP_RET_KILL_PROCESS);
	fprog.len = (unsigned short)n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return "set no_new_privs";
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &fprog) < 0)
		return "filter system calls (seccomp)";
	return NULL;
}

const char *signer_confine(void)
{
	const char *failed = SYSCALLS_SANITIZED ? NULL : restrict_calls();

	return failed ? failed : confine_worker(FILES);
}

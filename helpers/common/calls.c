/* SPDX-License-Identifier: GPL-2.0-or-later */
/* calls.c - What a worker may not do with the descriptors it holds. */
#include "calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offset))
#define EQUAL(value, yes, no) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), yes, no)
#define BELOW(value, yes, no) \
	BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)(value), no, yes)
#define ANSWER(answer) BPF_STMT(BPF_RET | BPF_K, (uint32_t)(answer))
#define FIELD(member)  offsetof(struct seccomp_data, member)

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LOW(n)	FIELD(args[n])
#define HIGH(n) (FIELD(args[n]) + 4)
#else
#define LOW(n)	(FIELD(args[n]) + 4)
#define HIGH(n) FIELD(args[n])
#endif

/* syscalls.h refuses what is of another architecture. The kernel takes a
 * descriptor as a 32-bit number. */
static const struct sock_filter filter[] = {
	LOAD(FIELD(nr)),
	EQUAL(SYS_socket, 17, 0),
	EQUAL(SYS_connect, 16, 0),
	EQUAL(SYS_bind, 15, 0),
	EQUAL(SYS_close, 0, 2),
	LOAD(LOW(0)),
	BELOW(CALLS_LOW, 12, 11),
	EQUAL(SYS_sendmsg, 2, 0),
	EQUAL(SYS_sendmmsg, 1, 0),
	EQUAL(SYS_sendto, 2, 8),
	LOAD(LOW(0)),
	BELOW(CALLS_LOW, 6, 7),
	LOAD(LOW(0)),
	BELOW(CALLS_LOW, 4, 0),
	LOAD(LOW(4)),
	EQUAL(0, 0, 3),
	LOAD(HIGH(4)),
	EQUAL(0, 0, 1),
	ANSWER(SECCOMP_RET_ALLOW),
	ANSWER(SECCOMP_RET_ERRNO | EPERM),
};

const char *calls_restrict(void)
{
	const struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(filter[0]),
		.filter = (struct sock_filter *)(uintptr_t)filter,
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return "set no_new_privs";
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return "filter system calls (seccomp)";
	return NULL;
}

int calls_fill(void)
{
	int fds[2];

	do {
		if (pipe2(fds, O_CLOEXEC) < 0)
			return -1;
	} while (fds[0] < CALLS_LOW && fds[1] < CALLS_LOW);
	/* What is below cannot be closed; one of the two may be. */
	for (int i = 0; i < 2; i++)
		if (fds[i] >= CALLS_LOW)
			close(fds[i]);
	return 0;
}

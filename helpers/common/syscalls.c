/* SPDX-License-Identifier: GPL-2.0-or-later */
/* syscalls.c - The system calls that a worker may make.
 *
 * The filter is a list of comparisons, written here and not by a library: it
 * is all that would be left of the library in each of a thousand processes. The
 * kernel remembers which calls are allowed whatever their arguments (commit
 * 8e01b51a31a1), so that the length of the list costs the hot calls nothing.
 */
#include "syscalls.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARCH AUDIT_ARCH_PPC64LE
#elif defined(__loongarch64)
#define ARCH AUDIT_ARCH_LOONGARCH64
#else
#error "the system call filter is not written for this architecture"
#endif

/* Allowed whatever the arguments. */
static const uint16_t allowed[] = {
	/* waiting, and moving bytes */
	SYS_epoll_pwait,
#ifdef SYS_epoll_wait
	SYS_epoll_wait,
#endif
	SYS_splice,
	SYS_recvmsg,
	SYS_recvmmsg,
	SYS_sendmsg,
	SYS_sendmmsg,
	SYS_getrandom,
	SYS_recvfrom,
	SYS_sendto,
	SYS_read,
	SYS_pread64,
	SYS_write,
	SYS_writev,
	SYS_lseek,
	/* sockets */
	SYS_accept4,
	SYS_connect,
	SYS_bind,
	SYS_getsockopt,
	SYS_setsockopt,
	SYS_getsockname,
	SYS_getpeername,
	SYS_shutdown,
	SYS_close,
	SYS_epoll_ctl,
	SYS_pipe2,
	/* memory */
	SYS_brk,
	SYS_munmap,
	SYS_mremap,
	SYS_madvise,
	/* as much as RLIMIT_MEMLOCK says, for the values of secrets */
	SYS_mlock,
	/* clocks, where the vDSO has none, and the end */
	SYS_clock_gettime,
	SYS_gettimeofday,
	SYS_getpid,
	SYS_rt_sigreturn,
	SYS_restart_syscall,
	SYS_exit,
	SYS_exit_group,
};

/* What AddressSanitizer and LeakSanitizer do at exit (look at all memory, from
 * a process that traces this one) is theirs to choose: in a build with them,
 * which is for tests, whatever is not listed is allowed. The arguments below
 * are looked at all the same. */
#if SYSCALLS_SANITIZED
#define UNLISTED SECCOMP_RET_ALLOW
#else
#define UNLISTED SECCOMP_RET_KILL_PROCESS
#endif

#define COUNT(v) (sizeof(v) / sizeof((v)[0]))
/* Two for each that is allowed, and what follows at the end of the filter. */
#define PROGRAM_MAX (2 * COUNT(allowed) + 32)

#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offset))
#define EQUAL(value, yes, no) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), yes, no)
#define ANY_BIT(bits, yes, no) \
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (uint32_t)(bits), yes, no)
#define MASK(bits)     BPF_STMT(BPF_ALU | BPF_AND | BPF_K, (uint32_t)(bits))
#define ANSWER(answer) BPF_STMT(BPF_RET | BPF_K, (uint32_t)(answer))
#define FIELD(member)  offsetof(struct seccomp_data, member)

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LOW(n) FIELD(args[n])
#else
#define LOW(n) (FIELD(args[n]) + 4)
#endif

/* The types of socket(2) without SOCK_NONBLOCK and SOCK_CLOEXEC. */
#define TYPE_BITS 0xf

static const struct sock_filter head[] = {
	LOAD(FIELD(arch)),
	EQUAL(ARCH, 1, 0),
	ANSWER(SECCOMP_RET_KILL_PROCESS),
	LOAD(FIELD(nr)),
};

/* The number is loaded still. The kernel takes domain, type and protection as
 * 32-bit numbers, or refuses what has higher bits. */
static const struct sock_filter tail[] = {
	EQUAL(SYS_mmap, 1, 0),
	EQUAL(SYS_mprotect, 0, 3),
	LOAD(LOW(2)),
	ANY_BIT(PROT_EXEC, 10, 0),
	ANSWER(SECCOMP_RET_ALLOW),
	EQUAL(SYS_socket, 1, 0),
	ANSWER(UNLISTED),
	LOAD(LOW(0)),
	EQUAL(AF_INET, 1, 0),
	EQUAL(AF_INET6, 0, 4),
	LOAD(LOW(1)),
	MASK(TYPE_BITS),
	EQUAL(SOCK_STREAM, 2, 0),
	EQUAL(SOCK_DGRAM, 1, 0),
	ANSWER(SECCOMP_RET_KILL_PROCESS),
	ANSWER(SECCOMP_RET_ALLOW),
};

/* A raw socket is of a type of its own, and so is no exception above; ICMP
 * datagram sockets ("ping") are datagram sockets of protocol ICMP, which the
 * group range of the namespace decides. */

static void append(struct sock_filter *program, size_t *n,
		   const struct sock_filter *from, size_t count)
{
	for (size_t i = 0; i < count; i++)
		program[(*n)++] = from[i];
}

const char *syscalls_restrict(void)
{
	struct sock_filter program[PROGRAM_MAX];
	struct sock_fprog fprog = {.filter = program};
	size_t n = 0;

	append(program, &n, head, COUNT(head));
	for (size_t i = 0; i < COUNT(allowed); i++) {
		const struct sock_filter entry[] = {
			EQUAL(allowed[i], 0, 1),
			ANSWER(SECCOMP_RET_ALLOW),
		};

		append(program, &n, entry, COUNT(entry));
	}
	append(program, &n, tail, COUNT(tail));
	fprog.len = (unsigned short)n;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &fprog) < 0)
		return "filter system calls (seccomp)";
	return NULL;
}

int syscalls_allow_proc(int ruleset)
{
	struct landlock_path_beneath_attr proc = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE |
				  LANDLOCK_ACCESS_FS_READ_DIR,
	};
	int rc;

	if (!SYSCALLS_SANITIZED)
		return 0;
	proc.parent_fd = open("/proc", O_PATH | O_CLOEXEC);
	if (proc.parent_fd < 0)
		return -1;
	rc = (int)syscall(SYS_landlock_add_rule, ruleset,
			  LANDLOCK_RULE_PATH_BENEATH, &proc, 0);
	close(proc.parent_fd);
	return rc;
}

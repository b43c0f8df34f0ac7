/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_confine.c - What a worker can still do, and what ends it. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf.h"
#include "confine.h"
#include "values.h"

#define FILES 64

/* Runs @what in a confined process; its status. */
static int confined(void (*what)(void))
{
	const pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		if (confine_worker(FILES))
			_exit(99);
		what();
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return status;
}

/* By number: what the C library makes of a name differs. */
static void make_socket(long family, long type)
{
	if (syscall(SYS_socket, family, type, 0) < 0)
		_exit(1);
}

static void use_what_is_allowed(void)
{
	int pipe[2];

	make_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC);
	make_socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC);
	if (pipe2(pipe, O_CLOEXEC) < 0 || write(pipe[1], "x", 1) != 1)
		_exit(2);
	for (size_t size = 1; size < 1 << 24; size *= 4) {
		volatile char *room = malloc(size);

		if (!room)
			_exit(3);
		room[size - 1] = 1;
		free((void *)(uintptr_t)room);
	}
}

static int values;

static void read_values(void)
{
	struct values v;

	if (values_read(values, 1, &v))
		_exit(1);
	values_drop(&v);
}

static void unix_socket(void)
{
	make_socket(AF_UNIX, SOCK_STREAM);
}

static void netlink_socket(void)
{
	make_socket(AF_NETLINK, SOCK_RAW);
}

static void raw_socket(void)
{
	make_socket(AF_INET, SOCK_RAW);
}

static void packet_socket(void)
{
	make_socket(AF_PACKET, SOCK_DGRAM);
}

static void map_code(void)
{
	syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void make_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

Test(confine, what_is_needed_works)
{
	const int status = confined(use_what_is_allowed);

	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x",
		  (unsigned int)status);
}

Test(confine, values_can_be_read)
{
	const struct value value = {(const uint8_t *)"value", 5};
	int status;

	values = values_write(&value, 1);
	cr_assert_geq(values, 0);
	status = confined(read_values);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x",
		  (unsigned int)status);
	close(values);
}

static int compare(const void *x, const void *y)
{
	return (*(const int *)x > *(const int *)y) -
	       (*(const int *)x < *(const int *)y);
}

static void sort_many(void)
{
	enum { MANY = 1 << 14 };
	int *v = malloc(MANY * sizeof(*v));

	for (int i = 0; i < MANY; i++)
		v[i] = MANY - i;
	qsort(v, MANY, sizeof(*v), compare);
	if (v[0] != 1)
		_exit(1);
	free(v);
}

Test(confine, much_can_be_sorted)
{
	int status;

	conf_warm_up();
	status = confined(sort_many);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x",
		  (unsigned int)status);
}

Test(confine, what_is_not_needed_ends_it)
{
	static void (*const what[])(void) = {
		unix_socket,   netlink_socket, raw_socket,
		packet_socket, map_code,       make_code,
	};

	for (size_t i = 0; i < sizeof(what) / sizeof(what[0]); i++) {
		const int status = confined(what[i]);

		cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS,
			  "case %zu: status %x", i, (unsigned int)status);
	}
}

static void open_file(void)
{
	if (open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0)
		_exit(1);
}

static void make_file(void)
{
	if (open("/tmp/msb-confine", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0)
		_exit(1);
}

Test(confine, no_file_is_opened)
{
	static void (*const what[])(void) = {open_file, make_file};

	/* Builds with sanitizers allow the call, and Landlock says no. */
	for (size_t i = 0; i < sizeof(what) / sizeof(what[0]); i++) {
		const int status = confined(what[i]);

		cr_expect(
			(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) ||
				(WIFEXITED(status) && WEXITSTATUS(status) == 1),
			"case %zu: status %x", i, (unsigned int)status);
	}
}

static void check_limits(void)
{
	struct rlimit limit;
	int status;

	if (fork() == 0)
		_exit(0);
	wait(&status);
	if (getrlimit(RLIMIT_CORE, &limit) < 0 || limit.rlim_max)
		_exit(1);
}

Test(confine, a_supervisor_keeps_what_it_names)
{
	const pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		if (confine_keep(0))
			_exit(99);
		check_limits();
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x",
		  (unsigned int)status);
}

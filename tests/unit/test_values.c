/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_values.c - Values go through their file and nowhere else. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "value_file.h"

#define VALUE(text) \
	{ \
		(const uint8_t *)(text), sizeof(text) - 1 \
	}

/* AddressSanitizer makes nothing of mlock(2). */
#if defined(__SANITIZE_ADDRESS__)
#define LOCKS false
#elif defined(__has_feature)
#define LOCKS (!__has_feature(address_sanitizer))
#else
#define LOCKS true
#endif

static const struct value some[] = {
	VALUE("first value"),
	VALUE(""),
	VALUE("the third\tvalue"),
};

#define N_SOME (sizeof(some) / sizeof(some[0]))

static int file_of(const void *text, size_t len)
{
	const int fd = memfd_create("values", MFD_CLOEXEC);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, len), (ssize_t)len);
	return fd;
}

/* Whether the mapping that @at is in has a flag, by smaps (proc(5)). */
static bool has_flag(const void *at, const char *flag)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	bool inside = false, has = false;
	char line[512];

	cr_assert_not_null(f);
	while (fgets(line, sizeof(line), f)) {
		char *end;
		const unsigned long from = strtoul(line, &end, 16);

		/* Other lines begin with a word. */
		if (end > line && *end == '-')
			inside = from <= (unsigned long)at &&
				 (unsigned long)at < strtoul(end + 1, NULL, 16);
		if (inside && strncmp(line, "VmFlags:", 8) == 0)
			has = strstr(line, flag);
	}
	fclose(f);
	return has;
}

Test(values, come_back_as_they_were)
{
	struct values v;
	int fd = values_write(some, N_SOME);

	cr_assert_geq(fd, 0);
	cr_expect_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	/* Twice: a worker that is started again reads it again. */
	for (int round = 0; round < 2; round++) {
		const char *why = values_read(fd, N_SOME, &v);

		cr_assert_null(why, "%s", why);
		cr_expect_eq(v.n, N_SOME);
		for (size_t i = 0; i < N_SOME; i++) {
			cr_expect_eq(v.v[i].len, some[i].len);
			cr_expect_eq(
				memcmp(v.v[i].text, some[i].text, some[i].len),
				0);
		}
		values_drop(&v);
		cr_expect_null(v.room);
		cr_expect_eq(v.n, 0);
	}
	close(fd);
}

Test(values, as_many_and_as_long_as_may_be)
{
	static struct value all[VALUES_MAX + 1];
	uint8_t *text = malloc(VALUE_MAX + 1);
	static struct values v;
	struct rlimit limit;
	int fd;

	cr_assert_not_null(text);
	memset(text, 'x', VALUE_MAX + 1);
	for (size_t i = 0; i <= VALUES_MAX; i++)
		all[i] = (struct value){text, VALUE_MAX};
	cr_assert_eq(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	cr_assert_eq(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	if (limit.rlim_max < 2 * VALUES_LOCK_MAX && geteuid())
		cr_skip_test("so much memory may not be locked here");
	fd = values_write(all, VALUES_MAX);
	cr_assert_geq(fd, 0, "%s", strerror(errno));
	cr_assert_null(values_read(fd, VALUES_MAX, &v));
	cr_expect_eq(v.v[VALUES_MAX - 1].len, VALUE_MAX);
	cr_expect_eq(v.v[VALUES_MAX - 1].text[VALUE_MAX - 1], 'x');
	values_drop(&v);
	close(fd);

	errno = 0;
	cr_expect_eq(values_write(all, VALUES_MAX + 1), -1);
	cr_expect_eq(errno, EINVAL);
	all[0].len++;
	errno = 0;
	cr_expect_eq(values_write(all, 1), -1);
	cr_expect_eq(errno, EINVAL);
	free(text);
}

Test(values, no_other_count_is_taken)
{
	const int fd = values_write(some, N_SOME);
	struct values v = {.n = 77};

	cr_assert_geq(fd, 0);
	for (size_t n = 0; n < VALUES_MAX + 2; n++)
		cr_expect_eq(values_read(fd, n, &v) == NULL, n == N_SOME, "%zu",
			     n);
	values_drop(&v);
	close(fd);
}

/* Whatever was cut, or put in a length's place, is refused, and nothing beyond
 * the file is read. */
Test(values, no_other_file_is_taken)
{
	static const uint32_t lengths[] = {12,	       16384,	   16385,
					   0x7fffffff, 0xfffffff0, 0xffffffff};
	uint8_t text[4096];
	struct values v = {.n = 77};
	int fd = values_write(some, N_SOME);
	const ssize_t len = pread(fd, text, sizeof(text), 0);

	cr_assert_gt(len, 0);
	close(fd);
	for (size_t n = 0; n < (size_t)len + 2; n++) {
		if (n == (size_t)len)
			continue;
		fd = file_of(text, n);
		cr_expect_not_null(values_read(fd, N_SOME, &v), "%zu", n);
		close(fd);
	}
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		for (size_t at = 0; at <= N_SOME; at++) {
			uint8_t bad[sizeof(text)];

			memcpy(bad, text, (size_t)len);
			memcpy(bad + 4 * at, &lengths[i], 4);
			fd = file_of(bad, (size_t)len);
			cr_expect_not_null(values_read(fd, N_SOME, &v),
					   "%x at %zu", lengths[i], at);
			close(fd);
		}
	cr_expect_not_null(values_read(-1, N_SOME, &v));
	cr_expect_eq(v.n, 77, "set on success alone");
}

Test(values, a_files_size_cannot_be_changed)
{
	const int fd = values_write(some, N_SOME);

	cr_assert_geq(fd, 0);
	cr_expect_eq(ftruncate(fd, 1), -1);
	cr_expect_eq(errno, EPERM);
	cr_expect_eq(ftruncate(fd, 100000), -1);
	cr_expect_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1,
		     "it can always be wiped");
	close(fd);
}

Test(values, wiping_leaves_nothing)
{
	char text[4096];
	int fd = values_write(some, N_SOME);
	ssize_t len;

	cr_assert_geq(fd, 0);
	values_wipe(fd);
	len = pread(fd, text, sizeof(text), 0);
	cr_assert_gt(len, 0);
	for (ssize_t i = 0; i < len; i++)
		cr_expect_eq(text[i], 0, "octet %zd", i);
	close(fd);
	values_wipe(-1);
}

Test(values, memory_is_locked_and_in_no_core)
{
	const int fd = values_write(some, N_SOME);
	struct values_pin pin;
	struct values v;

	cr_assert_geq(fd, 0);
	cr_assert_null(values_read(fd, N_SOME, &v));
	cr_assert_eq(values_pin(fd, &pin), 0);
	if (LOCKS) {
		cr_expect(has_flag(v.room, " lo"));
		cr_expect(has_flag(pin.pages, " lo"));
	}
	cr_expect(has_flag(v.room, " dd"));
	cr_expect(has_flag(pin.pages, " dd"));
	cr_expect(has_flag(v.room, " dc"), "no child has it");
	values_unpin(&pin);
	cr_expect_null(pin.pages);
	values_drop(&v);
	close(fd);
}

/* A child of its own, for it gives up what it may lock. */
Test(values, too_little_memory_is_said)
{
	const int fd = values_write(some, N_SOME);
	const pid_t pid = fork();
	int status;

	cr_assert_geq(fd, 0);
	if (pid == 0) {
		const struct rlimit none = {0, 0};
		struct values_pin pin;
		struct values v;

		/* Who may lock memory without limit would have it anyway. */
		if (setrlimit(RLIMIT_MEMLOCK, &none) < 0 ||
		    (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0))
			_exit(2);
		_exit(values_read(fd, N_SOME, &v) != NULL &&
				      values_pin(fd, &pin) < 0 &&
				      values_write(some, 1) < 0
			      ? 0
			      : 1);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	if (LOCKS)
		cr_expect_eq(status, 0, "status %x", (unsigned int)status);
	close(fd);
}

static bool is_fine(const char *text)
{
	return !value_flaw((const uint8_t *)text, strlen(text));
}

Test(values, flaws)
{
	static uint8_t long_one[VALUE_MAX + 1];

	cr_expect(is_fine("a"));
	cr_expect(is_fine("with blanks\tand a tab"));
	cr_expect(is_fine("\xc3\xbc"));
	cr_expect_not(is_fine(""));
	cr_expect_not(is_fine(" a"));
	cr_expect_not(is_fine("a\t"));
	cr_expect_not(is_fine("two\nlines"));
	cr_expect_not(is_fine("\x7f"));
	cr_expect_not_null(value_flaw((const uint8_t *)"a\0b", 3));
	memset(long_one, 'x', sizeof(long_one));
	cr_expect_null(value_flaw(long_one, VALUE_MAX));
	cr_expect_not_null(value_flaw(long_one, VALUE_MAX + 1));
}

/* What is read of a file with that in it; its length, or SIZE_MAX. */
static size_t read_file(const char *text, size_t len, uint8_t *room)
{
	char path[] = "/tmp/msb-value-XXXXXX";
	size_t got = SIZE_MAX;
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, len), (ssize_t)len);
	close(fd);
	if (value_file_read(path, room, &got))
		cr_expect_eq(got, SIZE_MAX, "set on success alone");
	unlink(path);
	return got;
}

#define READ(text) read_file(text, sizeof(text) - 1, room)

Test(values, one_newline_is_no_part_of_a_files)
{
	static char longest[VALUE_FILE_ROOM + 1];
	uint8_t *room = values_room(VALUE_FILE_ROOM);

	cr_assert_not_null(room);
	cr_expect_eq(READ("value"), 5);
	cr_expect_eq(READ("value\n"), 5);
	cr_expect_eq(memcmp(room, "value", 5), 0);
	cr_expect_eq(READ("value\n\n"), SIZE_MAX);
	cr_expect_eq(READ("value\r\n"), SIZE_MAX);
	cr_expect_eq(READ("two\nlines"), SIZE_MAX);
	cr_expect_eq(READ("a\0b"), SIZE_MAX);
	cr_expect_eq(READ(""), SIZE_MAX);
	cr_expect_eq(READ("\n"), SIZE_MAX);
	memset(longest, 'x', sizeof(longest));
	cr_expect_eq(read_file(longest, VALUE_MAX, room), VALUE_MAX);
	for (size_t n = VALUE_MAX + 1; n <= sizeof(longest); n++)
		cr_expect_eq(read_file(longest, n, room), SIZE_MAX, "%zu", n);
	longest[VALUE_MAX] = '\n';
	cr_expect_eq(read_file(longest, VALUE_MAX + 1, room), VALUE_MAX);
	cr_expect_eq(read_file(longest, VALUE_MAX + 2, room), SIZE_MAX);
	longest[VALUE_MAX + 1] = '\n';
	cr_expect_eq(read_file(longest, VALUE_MAX + 2, room), SIZE_MAX);
	values_room_free(room, VALUE_FILE_ROOM);
}

Test(values, what_is_no_file_does_not_keep_anybody_waiting)
{
	uint8_t *room = values_room(VALUE_FILE_ROOM);
	char path[] = "/tmp/msb-value-XXXXXX";
	size_t len = 77;

	cr_assert_not_null(room);
	cr_assert_not_null(mkdtemp(path));
	cr_expect_not_null(value_file_read(path, room, &len));
	cr_expect_eq(rmdir(path), 0);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_expect_not_null(value_file_read(path, room, &len));
	cr_expect_eq(unlink(path), 0);
	cr_expect_str_eq(value_file_read(path, room, &len), strerror(ENOENT));
	cr_expect_not_null(value_file_read("/dev/zero", room, &len));
	cr_expect_eq(len, 77);
	values_room_free(room, VALUE_FILE_ROOM);
}

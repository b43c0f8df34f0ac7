/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_log.c - The event log: its lines, and what bounds them. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log.h"

static char text[1 << 16];

/* All that was written, as a string. */
static const char *read_back(int fd)
{
	const ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	cr_assert_geq(n, 0);
	text[n] = 0;
	return text;
}

Test(log, one_object_a_line)
{
	const struct log_field fields[] = {
		{"client", "a\"b\n", 0}, {"port", NULL, 80}, {0}};
	const int fd = memfd_create("log", MFD_CLOEXEC);
	const char *line;
	struct log log;

	log_open(&log, fd, "msb-test", "web");
	log_event(&log, "denied", fields);
	line = read_back(fd);
	cr_expect_eq(strncmp(line, "{\"time\":", 8), 0);
	cr_expect(strstr(line, ",\"program\":\"msb-test\",\"sandbox\":\"web\","
			       "\"event\":\"denied\",\"client\":\"a\\\"b\\n\","
			       "\"port\":80}\n"),
		  "%s", line);
	errno = ENOENT;
	log_failure(&log, "open it");
	cr_expect(strstr(read_back(fd), "\"what\":\"open it\",\"error\":\"No "
					"such file or directory\"}\n"));
	close(fd);
}

static size_t count_lines(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += *s == '\n';
	return n;
}

Test(log, a_burst_is_cut_and_counted)
{
	const int fd = memfd_create("log", MFD_CLOEXEC);
	struct log log;

	log_open(&log, fd, "msb-test", "web");
	for (int i = 0; i < LOG_BURST + 30; i++)
		log_event(&log, "denied", NULL);
	cr_expect_eq(count_lines(read_back(fd)), LOG_BURST);
	cr_expect_eq(log.dropped, 30);
	/* A second later there is one more, which says so. */
	log.refilled -= LOG_REFILL_MS;
	log_event(&log, "denied", NULL);
	log_event(&log, "denied", NULL);
	cr_expect_eq(count_lines(read_back(fd)), LOG_BURST + 1);
	cr_expect(strstr(text, ",\"dropped\":30}\n"));
	cr_expect_eq(log.dropped, 1);
	close(fd);
}

Test(log, the_file_is_bounded)
{
	const int fd = memfd_create("log", MFD_CLOEXEC);
	struct log log;

	cr_assert_eq(ftruncate(fd, LOG_FILE_MAX - 10), 0);
	log_open(&log, fd, "msb-test", "web");
	log_event(&log, "denied", NULL);
	cr_expect_eq(lseek(fd, 0, SEEK_END), LOG_FILE_MAX - 10);
	cr_expect_eq(log.dropped, 1);
	close(fd);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* value_file.c - A secret's value, read from the file that the host keeps it
 * in.
 */
#include "value_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Octets, or -1 and errno. */
static ssize_t read_some(int fd, uint8_t *to)
{
	size_t len = 0;

	while (len < VALUE_FILE_ROOM) {
		const ssize_t n = read(fd, to + len, VALUE_FILE_ROOM - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static const char *read_fd(int fd, uint8_t *room, size_t *ret_len)
{
	const char *flaw;
	struct stat st;
	ssize_t len;

	if (fstat(fd, &st) < 0)
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "it is no regular file";
	len = read_some(fd, room);
	if (len < 0)
		return strerror(errno);
	/* What is longer than a value may be is not to be made shorter here. */
	if (len > 0 && len < VALUE_FILE_ROOM && room[len - 1] == '\n')
		len--;
	flaw = value_flaw(room, (size_t)len);
	if (!flaw)
		*ret_len = (size_t)len;
	return flaw;
}

const char *value_file_read(const char *path, uint8_t *room, size_t *ret_len)
{
	/* What is no file must not make us wait. */
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	const char *why;

	if (fd < 0)
		return strerror(errno);
	why = read_fd(fd, room, ret_len);
	close(fd);
	return why;
}

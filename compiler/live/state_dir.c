/* SPDX-License-Identifier: GPL-2.0-or-later */
/* state_dir.c - Directories, and files that are whole or not there. */
#include "state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "str.h"

int state_dir_open(int at, const char *path, bool create, mode_t mode)
{
	if (create && mkdirat(at, path, mode) < 0 && errno != EEXIST)
		return -1;
	return openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void state_dir_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

DIR *state_dir_list(int fd)
{
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = own < 0 ? NULL : fdopendir(own);

	if (!dir && own >= 0)
		close(own);
	return dir;
}

int state_dir_remove(int at, const char *name, unsigned int depth)
{
	struct dirent *entry;
	DIR *dir;
	int fd;

	if (unlinkat(at, name, 0) == 0 || errno == ENOENT)
		return 0;
	if ((errno != EISDIR && errno != EPERM) || !depth)
		return -1;
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			state_dir_remove(fd, entry->d_name, depth - 1);
	closedir(dir);
	return unlinkat(at, name, AT_REMOVEDIR);
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		text += n;
		len -= (size_t)n;
	}
	return fsync(fd);
}

int state_dir_write(int dir, const char *path, const char *text, size_t len)
{
	char aside[128];
	int fd, ret, code;

	snprintf(aside, sizeof(aside), "%s.new", path);
	fd = openat(dir, aside,
		    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		    0644);
	if (fd < 0)
		return -1;
	/* The directory keeps others out. What is read below a sandbox's
	 * guest/, anybody in the guest may read, whatever our umask. */
	ret = fchmod(fd, 0644) < 0 ? -1 : write_all(fd, text, len);
	code = errno;
	close(fd);
	if (ret == 0)
		return renameat(dir, aside, dir, path);
	unlinkat(dir, aside, 0);
	errno = code;
	return -1;
}

const char *state_dir_read(int at, struct arena *a, const char *name,
			   const char *path, size_t *ret_len)
{
	int dir = openat(at, name,
			 O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	const char *text = NULL;
	char buf[16384];
	ssize_t n = -1;
	int fd = -1, code;
	STR(all);

	if (dir >= 0)
		fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0) {
		while ((n = read(fd, buf, sizeof(buf))) > 0)
			str_append(&all, buf, (size_t)n);
	}
	code = errno;
	if (n == 0) {
		text = arena_strndup(a, str_text(&all), all.len);
		*ret_len = all.len;
	}
	state_dir_close(&fd);
	state_dir_close(&dir);
	errno = code;
	return text;
}

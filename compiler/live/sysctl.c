/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sysctl.c - Kernel settings of the namespace that the process is in. */
#include "sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Below /proc/sys/net every access is to the settings of the reader's own
 * network namespace, whatever namespace the mount was made in. */

static int sysctl_open(const char *key, int flags, struct live_error *e)
{
	char path[256];
	int fd, n = snprintf(path, sizeof(path), "/proc/sys/%s", key);

	if (n < 0 || (size_t)n >= sizeof(path))
		return live_system(e, "setting %s: name too long", key);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		return live_errno(e, errno, "setting %s", path);
	return fd;
}

int sysctl_read(const char *key, char ret[SYSCTL_MAX], struct live_error *e)
{
	int fd = sysctl_open(key, O_RDONLY, e);
	char buf[SYSCTL_MAX];
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, buf, sizeof(buf) - 1);
	if (n < 0)
		live_errno(e, errno, "read setting %s", key);
	close(fd);
	if (n < 0)
		return -1;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	memcpy(ret, buf, sizeof(buf));
	return 0;
}

int sysctl_write(const char *key, const char *value, struct live_error *e)
{
	int fd = sysctl_open(key, O_WRONLY, e);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, value, strlen(value));
	if (n < 0)
		live_errno(e, errno, "set %s to %s", key, value);
	close(fd);
	return n < 0 ? -1 : 0;
}

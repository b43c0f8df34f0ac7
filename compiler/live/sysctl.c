/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sysctl.c - Kernel settings of the namespace that the process is in. */
#include "sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

/*
 * Below /proc/sys/net every access is to the settings of the reader's own
 * network namespace, whatever namespace the mount was made in.
 *
 * The kernel keeps the names that were looked up in one table, and tells the
 * same name of different network namespaces apart only by looking at all of
 * them: with a thousand sandboxes that is a thousand for each setting, and half
 * of all the time that "up" takes. So /proc is mounted once more, for us alone
 * and attached nowhere: since Linux 5.8 (fa10fed30f25) each mount has names of
 * its own.
 */

static int own_proc(void)
{
	int fs = fsopen("proc", FSOPEN_CLOEXEC), mnt = -1, dir = -1;

	if (fs >= 0 && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		mnt = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (mnt >= 0)
		dir = openat(mnt, "sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (mnt >= 0)
		close(mnt);
	if (fs >= 0)
		close(fs);
	return dir;
}

int sysctl_open(void)
{
	int dir = own_proc();

	/* Where it may not be mounted, the one that is there does as well. */
	return dir >= 0 ? dir
			: open("/proc/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int sysctl_read(int dir, const char *key, char ret[SYSCTL_MAX],
		struct live_error *e)
{
	int fd = openat(dir, key, O_RDONLY | O_CLOEXEC);
	char buf[SYSCTL_MAX];
	ssize_t n;

	if (fd < 0)
		return live_errno(e, errno, "setting %s", key);
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

int sysctl_write(int dir, const char *key, const char *value,
		 struct live_error *e)
{
	int fd = openat(dir, key, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return live_errno(e, errno, "setting %s", key);
	n = write(fd, value, strlen(value));
	if (n < 0)
		live_errno(e, errno, "set %s to %s", key, value);
	close(fd);
	return n < 0 ? -1 : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netns.c - Network namespaces: named ones, and being inside of one. */
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A name is a file below /run/netns with the namespace bind-mounted over it.
 * The directory is a shared mount, so that the name is seen, and its deletion
 * too, by processes in other mount namespaces; otherwise a mount namespace made
 * in between would keep the network namespace alive.
 */

#define SELF "/proc/thread-self/ns/net"

static bool netns_path(const char *name, char *buf, size_t size)
{
	int n = snprintf(buf, size, NETNS_DIR "/%s", name);

	return n > 0 && (size_t)n < size;
}

int netns_open(const char *which, struct live_error *e)
{
	const bool pid = *which && !which[strspn(which, "0123456789")];
	char path[4096];
	int n, fd, type;

	if (*which == '/')
		n = snprintf(path, sizeof(path), "%s", which);
	else if (pid)
		n = snprintf(path, sizeof(path), "/proc/%s/ns/net", which);
	else if (!*which || strchr(which, '/') || *which == '.')
		return live_refuse(
			e,
			"\"%s\" is no network namespace: a name, an "
			"absolute path or a process number is wanted",
			which);
	else
		n = snprintf(path, sizeof(path), NETNS_DIR "/%s", which);
	if (n < 0 || (size_t)n >= sizeof(path))
		return live_refuse(e, "the network namespace's path is too "
				      "long");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		if (pid)
			return live_refuse(e, "there is no process %s", which);
		if (*which == '/')
			return live_refuse(
				e, "there is no network namespace %s", path);
		return live_refuse(e, "there is no network namespace %s (%s)",
				   which, path);
	}
	if (fd < 0)
		return live_errno(e, errno, "open network namespace %s", path);
	type = ioctl(fd, NS_GET_NSTYPE);
	if (type != CLONE_NEWNET) {
		close(fd);
		return live_refuse(e, "%s is no network namespace", path);
	}
	return fd;
}

int netns_open_self(struct live_error *e)
{
	int fd = open(SELF, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return live_errno(e, errno, "open " SELF);
	return fd;
}

int netns_enter(int fd, struct live_error *e)
{
	if (setns(fd, CLONE_NEWNET) < 0)
		return live_errno(e, errno, "enter network namespace");
	return 0;
}

void netns_return(int fd)
{
	if (setns(fd, CLONE_NEWNET) == 0)
		return;
	fprintf(stderr, "msb-netc: return to own network namespace: %s\n",
		strerror(errno));
	_exit(3);
}

/* As iproute2 does it: the directory becomes a mount point of itself the first
 * time, because only mount points can be shared. */
static int netns_share_dir(struct live_error *e)
{
	if (mkdir(NETNS_DIR, 0755) < 0 && errno != EEXIST)
		return live_errno(e, errno, "make directory " NETNS_DIR);
	if (mount("", NETNS_DIR, "none", MS_SHARED | MS_REC, NULL) == 0)
		return 0;
	if (errno != EINVAL)
		return live_errno(e, errno, "share mounts of " NETNS_DIR);
	if (mount(NETNS_DIR, NETNS_DIR, "none", MS_BIND | MS_REC, NULL) < 0)
		return live_errno(e, errno, "bind " NETNS_DIR);
	if (mount("", NETNS_DIR, "none", MS_SHARED | MS_REC, NULL) < 0)
		return live_errno(e, errno, "share mounts of " NETNS_DIR);
	return 0;
}

static int netns_bind(const char *name, struct live_error *e)
{
	char path[256];
	int fd;

	if (!netns_path(name, path, sizeof(path)))
		return live_refuse(e, "the namespace's name is too long");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_CREAT | O_EXCL, 0);
	if (fd < 0 && errno == EEXIST)
		return live_refuse(e, "network namespace %s exists", name);
	if (fd < 0)
		return live_errno(e, errno, "create %s", path);
	close(fd);
	if (mount(SELF, path, "none", MS_BIND, NULL) < 0) {
		live_errno(e, errno, "bind network namespace to %s", path);
		unlink(path);
		return -1;
	}
	return 0;
}

int netns_create(const char *name, struct live_error *e)
{
	int back, fd = -1;

	if (name && netns_share_dir(e) < 0)
		return -1;
	back = netns_open_self(e);
	if (back < 0)
		return -1;
	if (unshare(CLONE_NEWNET) < 0) {
		live_errno(e, errno, "create network namespace");
		goto out;
	}
	if (!name || netns_bind(name, e) == 0)
		fd = netns_open_self(e);
	netns_return(back);
	if (fd < 0 && name && e->kind == LIVE_SYSTEM && e->code != EEXIST) {
		struct live_error ignored;

		netns_delete(name, &ignored);
	}
out:
	close(back);
	return fd;
}

int netns_delete(const char *name, struct live_error *e)
{
	char path[256];

	if (!netns_path(name, path, sizeof(path)))
		return live_refuse(e, "the namespace's name is too long");
	/* EINVAL: a plain file, which an interrupted creation leaves. */
	if (umount2(path, MNT_DETACH) < 0 && errno != EINVAL && errno != ENOENT)
		return live_errno(e, errno, "unmount %s", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return live_errno(e, errno, "remove %s", path);
	return 0;
}

bool netns_exists(const char *name)
{
	struct stat st;
	char path[256];

	return netns_path(name, path, sizeof(path)) && lstat(path, &st) == 0;
}

bool netns_same(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* run_end.c - The end of what runs in a namespace. */
#include "run_end.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* How often it is looked, and how long is waited between. */
#define ROUNDS	 200
#define PAUSE_NS 5000000

/* A process that waits to be looked at by its parent has no namespace. */
static bool is_inside(int proc, const char *pid, const struct stat *netns)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "%.20s/ns/net", pid);
	return fstatat(proc, path, &st, 0) == 0 && st.st_dev == netns->st_dev &&
	       st.st_ino == netns->st_ino;
}

/* The descriptor first: whose number it is by the time that it is looked at,
 * that one is killed, or nobody. */
static bool end_one(int proc, const char *pid, const struct stat *netns)
{
	const long number = strtol(pid, NULL, 10);
	int fd;

	if (number <= 1 || number == getpid() || !is_inside(proc, pid, netns))
		return false;
	fd = (int)syscall(SYS_pidfd_open, (pid_t)number, 0);
	if (fd < 0)
		return false;
	if (is_inside(proc, pid, netns))
		syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
	close(fd);
	return true;
}

/* Whether there was any. */
static bool end_round(const struct stat *netns)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	bool any = false;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			any |= end_one(dirfd(dir), entry->d_name, netns);
	if (dir)
		closedir(dir);
	return any;
}

void run_end_all(int netns)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	struct stat st;

	if (fstat(netns, &st) < 0)
		return;
	for (int i = 0; i < ROUNDS && end_round(&st); i++)
		nanosleep(&pause, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* port_owner.c - Which process has a port. */
#include "port_owner.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arena.h"

/*
 * /proc/net/tcp and its like have a line for each socket:
 *
 *	sl  local_address rem_address st tx_queue:rx_queue tr:tm->when ...
 *	 0: 0100007F:1F90 00000000:0000 0A ...	uid timeout inode
 *
 * A TCP socket that is bound and does not listen has none. The process is the
 * first that has a descriptor of that inode.
 */

#define TCP_LISTEN_STATE 0x0a

/* The inode of a socket on a line, if it is bound to the port; else 0. */
static unsigned long line_inode(const char *line,
				const struct config_binding *b)
{
	const char *p = strchr(line, ':');
	unsigned int field;
	char *end;
	unsigned long port, state;

	/* The local address is behind the line's number, its port behind the
	 * colon in it. */
	p = p ? strchr(p + 1, ':') : NULL;
	if (!p)
		return 0;
	port = strtoul(p + 1, &end, 16);
	p = strchr(end + 1, ' ');
	if (port != b->host_port || !p)
		return 0;
	state = strtoul(p, &end, 16);
	if (b->proto == CONFIG_TCP && state != TCP_LISTEN_STATE)
		return 0;
	/* Queues, timer, retransmissions, uid and timeout stand before. */
	for (field = 0; field < 5; field++) {
		end += strspn(end, " ");
		end += strcspn(end, " ");
	}
	return strtoul(end, NULL, 10);
}

static unsigned long port_inode(const struct config_binding *b)
{
	static const char *const files[2][2] = {
		{"/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"},
		{"/proc/thread-self/net/udp", "/proc/thread-self/net/udp6"},
	};
	unsigned long inode = 0;
	char line[512];
	size_t i;

	for (i = 0; i < 2 && !inode; i++) {
		FILE *f = fopen(files[b->proto == CONFIG_UDP][i], "re");

		while (f && !inode && fgets(line, sizeof(line), f))
			inode = line_inode(line, b);
		if (f)
			fclose(f);
	}
	return inode;
}

static bool has_socket(const char *pid, const char *socket)
{
	char path[64], link[64];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, link,
				       sizeof(link) - 1);

		if (n > 0) {
			link[n] = '\0';
			found = strcmp(link, socket) == 0;
		}
	}
	if (dir)
		closedir(dir);
	return found;
}

/* Reads a file of a process; a command line's NULs become blanks. */
static void proc_read(const char *pid, const char *file, char *ret, size_t size)
{
	char path[64];
	ssize_t n = -1, i;
	int fd;

	snprintf(path, sizeof(path), "/proc/%.20s/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, ret, size - 1);
		close(fd);
	}
	ret[n < 0 ? 0 : n] = '\0';
	for (i = 0; i + 1 < n; i++)
		if (!ret[i])
			ret[i] = ' ';
	ret[strcspn(ret, "\n")] = '\0';
}

static void owner_words(const char *pid, char *ret, size_t size)
{
	char comm[64], line[512];
	const char *name;

	proc_read(pid, "comm", comm, sizeof(comm));
	proc_read(pid, "cmdline", line, sizeof(line));
	name = strstr(line, "--name ");
	if (strcmp(comm, "msb-supervised") == 0 && name) {
		name += strlen("--name ");
		snprintf(ret, size,
			 "sandbox %.*s of another state (process %s)",
			 (int)strcspn(name, " "), name, pid);
	} else {
		snprintf(ret, size, "%s (process %s)", comm, pid);
	}
}

void port_owner(const struct config_binding *b, char *ret, size_t size)
{
	unsigned long inode = port_inode(b);
	struct dirent *entry;
	bool found = false;
	char socket[64];
	DIR *dir;

	snprintf(ret, size, "a process that cannot be seen from here");
	snprintf(socket, sizeof(socket), "socket:[%lu]", inode);
	dir = inode ? opendir("/proc") : NULL;
	while (dir && !found && (entry = readdir(dir))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		found = has_socket(entry->d_name, socket);
		if (found)
			owner_words(entry->d_name, ret, size);
	}
	if (dir)
		closedir(dir);
}

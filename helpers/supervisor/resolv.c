/* SPDX-License-Identifier: GPL-2.0-or-later */
/* resolv.c - The host's resolv.conf, which may change at any time.
 *
 * It is a file that is written, one that is renamed into place, or a link to
 * one that is: what it leads to is looked at every RESOLV_MS. The kernel could
 * tell (inotify), but has 128 instances for all processes of a user, unless it
 * is told otherwise: no more sandboxes than that could be, and root's other
 * programs would have none left.
 *
 * It is passed on as a copy, with lines of ours behind it (dns_fd.h): the names
 * of name servers that the document names, and what msb-netc has found for
 * them, or hosts(5) has, which is looked at with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dns_fd.h"
#include "ip.h"
#include "supervisor.h"

#define LINK  "/etc/resolv.conf"
#define HOSTS "/etc/hosts"

/* What is read of hosts(5): lines, octets of each, and addresses of a name. */
#define HOSTS_LINES 1000000
#define HOSTS_LINE  1024
#define HOSTS_FOUND 16

/* Whether both are the files that they were, and nobody has written to them:
 * all 0 if they are not there. */
static bool look(struct stat seen[2])
{
	static const char *const paths[2] = {LINK, HOSTS};
	bool same = true;

	for (size_t i = 0; i < 2; i++) {
		const struct stat was = seen[i];

		if (stat(paths[i], &seen[i]) < 0)
			seen[i] = (struct stat){0};
		same &= seen[i].st_dev == was.st_dev &&
			seen[i].st_ino == was.st_ino &&
			seen[i].st_size == was.st_size &&
			seen[i].st_ctim.tv_sec == was.st_ctim.tv_sec &&
			seen[i].st_ctim.tv_nsec == was.st_ctim.tv_nsec;
	}
	return same;
}

/* The next word of a line, which is cut up; NULL at its end. */
static char *next_word(char **line)
{
	char *start = *line + strspn(*line, " \t\r\n");
	char *end = start + strcspn(start, " \t\r\n");

	if (start == end)
		return NULL;
	*line = *end ? end + 1 : end;
	*end = '\0';
	return start;
}

static bool is_named(char *names, const char *name)
{
	const char *one;

	while ((one = next_word(&names)))
		if (strcasecmp(one, name) == 0)
			return true;
	return false;
}

/* Write what hosts(5) has for a name. Return: whether it has anything. */
static bool put_hosts(FILE *to, const char *place, const char *name)
{
	char line[HOSTS_LINE];
	FILE *from = fopen(HOSTS, "re");
	int found = 0;

	for (long i = 0; from && i < HOSTS_LINES && found < HOSTS_FOUND &&
			 fgets(line, sizeof(line), from);
	     i++) {
		char *rest = line, *address;
		struct ip ip;

		line[strcspn(line, "#")] = '\0';
		address = next_word(&rest);
		if (!address || !is_named(rest, name) ||
		    !ip_parse(address, &ip))
			continue;
		if (!found++)
			fprintf(to, DNS_RESOLV_FIXED "%s\n", place);
		fprintf(to, DNS_RESOLV_HOST "%s %s\n", place, address);
	}
	if (from)
		fclose(from);
	return found;
}

/* Write again what was found for a name. */
static void put_found(FILE *to, const char *place, const char *before)
{
	const size_t head = strlen(DNS_RESOLV_HOST), len = strlen(place);

	for (const char *p = before; *p; p += *p == '\n') {
		const size_t n = strcspn(p, "\n");

		if (strncmp(p, DNS_RESOLV_HOST, head) == 0 &&
		    strncmp(p + head, place, len) == 0 && p[head + len] == ' ')
			fprintf(to, "%.*s\n", (int)n, p);
		p += n;
	}
}

static void put_names(FILE *to, const char *before)
{
	const size_t head = strlen(DNS_RESOLV_NAME);

	for (const char *p = before; *p; p += *p == '\n') {
		const size_t n = strcspn(p, "\n");
		char line[HOSTS_LINE], *rest = line + head, *place, *name;

		if (strncmp(p, DNS_RESOLV_NAME, head) == 0 &&
		    n < sizeof(line)) {
			fprintf(to, "%.*s\n", (int)n, p);
			snprintf(line, sizeof(line), "%.*s", (int)n, p);
			place = next_word(&rest);
			name = place ? next_word(&rest) : NULL;
			if (name && !put_hosts(to, place, name))
				put_found(to, place, before);
		}
		p += n;
	}
}

/* A copy of the file as it is now; without one there are no name servers. */
static int make_copy(int last)
{
	char text[DNS_RESOLV_MAX / 2], before[DNS_RESOLV_MAX + 1];
	const ssize_t had = pread(last, before, DNS_RESOLV_MAX, 0);
	const int from = open(LINK, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const int fd = memfd_create("resolv.conf", MFD_CLOEXEC);
	const int again = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	FILE *to = again < 0 ? NULL : fdopen(again, "w");
	ssize_t n = 0;

	before[had > 0 ? had : 0] = '\0';
	if (from >= 0) {
		n = read(from, text, sizeof(text));
		close(from);
	}
	if (to) {
		fprintf(to, "%.*s\n", (int)(n > 0 ? n : 0), text);
		put_names(to, before);
		if (fclose(to) == 0)
			return fd;
	} else if (again >= 0) {
		close(again);
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

void resolv_prepare(struct supervised *next)
{
	const int fd = make_copy(next->fd[DNS_RESOLV]);

	/* Without a copy there is that which came. */
	if (fd < 0)
		return;
	close(next->fd[DNS_RESOLV]);
	next->fd[DNS_RESOLV] = fd;
}

void resolv_settle(struct supervisor *s)
{
	struct channel_msg m = {.type = CHANNEL_SOCKETS, .count = 1};
	int fd;

	/* While a configuration is being prepared, it would be taken for a part
	 * of that one. */
	if (!s->stale || s->owner || !s->now.there)
		return;
	fd = make_copy(s->now.fd[DNS_RESOLV]);
	if (fd < 0)
		return;
	s->stale = false;
	close(s->now.fd[DNS_RESOLV]);
	s->now.fd[DNS_RESOLV] = fd;
	m.index[0] = DNS_RESOLV;
	/* One that is not there yet is told when it starts. */
	if (worker_is_there(s) && channel_send(s->channel.fd, &m, &fd) < 0)
		monitor_kill(&s->worker);
}

static void look_again(struct loop *l, struct loop_timer *t)
{
	struct supervisor *s = loop_owner(t, struct supervisor, resolv_timer);

	if (!look(s->resolv))
		s->stale = true;
	resolv_settle(s);
	loop_set(l, &s->resolv_queue, t, RESOLV_MS);
}

void resolv_watch(struct supervisor *s)
{
	if (!s->helper->resolv)
		return;
	(void)look(s->resolv);
	s->resolv_timer.fire = look_again;
	loop_add_queue(&s->loop, &s->resolv_queue);
	loop_set(&s->loop, &s->resolv_queue, &s->resolv_timer, RESOLV_MS);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* resolv.c - The host's resolv.conf, which may change at any time.
 *
 * It is a file that is written, one that is renamed into place, or a link to
 * one that is: so the file, its directory, and that of the link are watched.
 * It is passed on as a copy, with the addresses that msb-netc has found for
 * name servers that are named in the document.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dns_fd.h"
#include "supervisor.h"

#define LINK	  "/etc/resolv.conf"
#define DIRECTORY "/etc"

#define CHANGES \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_MOVED_FROM)

/* What is watched already is watched once. What cannot be watched is not there,
 * and comes with an event of its directory. */
static void add_watches(int fd)
{
	char path[PATH_MAX];
	char *slash;

	(void)!inotify_add_watch(fd, DIRECTORY, CHANGES);
	(void)!inotify_add_watch(fd, LINK, IN_CLOSE_WRITE);
	if (!realpath(LINK, path))
		return;
	slash = strrchr(path, '/');
	if (slash == path)
		return;
	*slash = '\0';
	(void)!inotify_add_watch(fd, path, CHANGES);
}

/* Appends a line of what was passed on before. */
static bool copy_line(int to, const char *line, size_t len)
{
	const size_t head = strlen(DNS_RESOLV_HOST);

	if (len < head || memcmp(line, DNS_RESOLV_HOST, head) != 0)
		return true;
	return write(to, "\n", 1) == 1 && write(to, line, len) == (ssize_t)len;
}

static bool copy_hosts(int to, int before)
{
	char text[DNS_RESOLV_MAX];
	const ssize_t n = pread(before, text, sizeof(text), 0);
	const char *line = text, *end = text + (n > 0 ? n : 0);

	while (line < end) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));

		if (!stop)
			stop = end;
		if (!copy_line(to, line, (size_t)(stop - line)))
			return false;
		line = stop + 1;
	}
	return true;
}

/* A copy of the file as it is now; without one there are no name servers. */
static int make_copy(int before)
{
	char text[DNS_RESOLV_MAX / 2];
	const int from = open(LINK, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const int to = memfd_create("resolv.conf", MFD_CLOEXEC);
	ssize_t n = 0;
	bool ok;

	if (from >= 0) {
		n = read(from, text, sizeof(text));
		close(from);
	}
	ok = to >= 0 && (n <= 0 || write(to, text, (size_t)n) == n) &&
	     copy_hosts(to, before);
	if (ok)
		return to;
	if (to >= 0)
		close(to);
	return -1;
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

static void changed(struct loop *l, struct loop_watch *w, uint32_t events)
{
	char buf[4096]
		__attribute__((aligned(__alignof__(struct inotify_event))));
	struct supervisor *s = l->context;
	const struct inotify_event *e;
	ssize_t n, at;

	(void)events;
	while ((n = read(w->fd, buf, sizeof(buf))) > 0) {
		for (at = 0; at < n; at += (ssize_t)(sizeof(*e) + e->len)) {
			e = (const struct inotify_event *)(buf + at);
			/* Of a directory much changes that is not it. */
			if (!e->len || strstr(e->name, "resolv"))
				s->stale = true;
		}
	}
	if (!s->stale)
		return;
	add_watches(w->fd);
	resolv_settle(s);
}

const char *resolv_watch(struct supervisor *s)
{
	if (!s->helper->resolv)
		return NULL;
	s->resolv = (struct loop_watch){inotify_init1(IN_CLOEXEC | IN_NONBLOCK),
					changed};
	if (s->resolv.fd < 0 || loop_add(&s->loop, &s->resolv, EPOLLIN) < 0)
		return "watch " LINK;
	add_watches(s->resolv.fd);
	return NULL;
}

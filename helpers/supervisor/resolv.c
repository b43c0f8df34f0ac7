/* SPDX-License-Identifier: GPL-2.0-or-later */
/* resolv.c - The host's resolv.conf, which may change at any time.
 *
 * It is a file that is written, one that is renamed into place, or a link to
 * one that is: what it leads to is looked at every RESOLV_MS. The kernel could
 * tell (inotify), but has 128 instances for all processes of a user, unless it
 * is told otherwise: no more sandboxes than that could be, and root's other
 * programs would have none left.
 *
 * It is passed on as a copy, with the addresses that msb-netc has found for
 * name servers that are named in the document.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "supervisor.h"

#define LINK "/etc/resolv.conf"

/* Whether it is the file that it was, and nobody has written to it: all 0 if it
 * is not there. */
static bool look(struct stat *seen)
{
	const struct stat was = *seen;

	if (stat(LINK, seen) < 0)
		*seen = (struct stat){0};
	return seen->st_dev == was.st_dev && seen->st_ino == was.st_ino &&
	       seen->st_size == was.st_size &&
	       seen->st_ctim.tv_sec == was.st_ctim.tv_sec &&
	       seen->st_ctim.tv_nsec == was.st_ctim.tv_nsec;
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
	fd = make_copy(s->now.dns[DNS_RESOLV]);
	if (fd < 0)
		return;
	s->stale = false;
	close(s->now.dns[DNS_RESOLV]);
	s->now.dns[DNS_RESOLV] = fd;
	m.index[0] = DNS_RESOLV;
	/* One that is not there yet is told when it starts. */
	if (worker_is_there(s) && channel_send(s->channel.fd, &m, &fd) < 0)
		monitor_kill(&s->worker);
}

static void look_again(struct loop *l, struct loop_timer *t)
{
	struct supervisor *s = loop_owner(t, struct supervisor, resolv_timer);

	if (!look(&s->resolv))
		s->stale = true;
	resolv_settle(s);
	loop_set(l, &s->resolv_queue, t, RESOLV_MS);
}

void resolv_watch(struct supervisor *s)
{
	if (!s->helper->resolv)
		return;
	(void)look(&s->resolv);
	s->resolv_timer.fire = look_again;
	loop_add_queue(&s->loop, &s->resolv_queue);
	loop_set(&s->loop, &s->resolv_queue, &s->resolv_timer, RESOLV_MS);
}

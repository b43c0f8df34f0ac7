/* SPDX-License-Identifier: GPL-2.0-or-later */
/* terminate.c - The end of a sandbox's traffic, because of what its guest did.
 *
 * A worker asks for it. Both of the gateway's links are set down, so that
 * nothing passes whatever else is running: not what the kernel forwards, not
 * what another helper relays, and not what a worker that is started again would
 * take. Nobody sets them up again; a sandbox that was terminated can only be
 * taken down. Why is written to a file of the sandbox, which outlives this
 * process, and told to whoever waits for it.
 *
 * What is needed for that is made at the start: an interface's flags belong to
 * the network namespace of the socket that they are set by.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway_links.h"
#include "supervisor.h"

/* How often what did not work is tried again. */
#define AGAIN_MS 1000

static void try_again(struct loop *l, struct loop_timer *t);

/* A socket of the gateway's namespace; this process is back in its own then. */
static int make_socket(int netns)
{
	const int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int fd = -1, code;

	if (home < 0)
		return -1;
	if (setns(netns, CLONE_NEWNET) == 0) {
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		code = errno;
		if (setns(home, CLONE_NEWNET) < 0) {
			code = errno;
			if (fd >= 0)
				close(fd);
			fd = -1;
		}
		errno = code;
	}
	code = errno;
	close(home);
	errno = code;
	return fd;
}

const char *terminate_init(struct supervisor *s)
{
	struct termination *t = &s->termination;

	t->links = -1;
	t->timer.fire = try_again;
	loop_add_queue(&s->loop, &t->queue);
	if (!s->helper->terminates)
		return NULL;
	t->links = make_socket(s->netns);
	return t->links < 0 ? "reach the gateway's links" : NULL;
}

/* --- links --- */

/* One that is gone carries nothing. */
static bool set_down(int sock, const char *name)
{
	struct ifreq r = {0};

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	if (ioctl(sock, SIOCGIFFLAGS, &r) < 0)
		return errno == ENODEV;
	r.ifr_flags = (short)(r.ifr_flags & ~IFF_UP);
	return ioctl(sock, SIOCSIFFLAGS, &r) == 0 || errno == ENODEV;
}

static bool set_links_down(struct termination *t)
{
	static const char *const links[] = {GATEWAY_GUEST_LINK,
					    GATEWAY_UPLINK_LINK};
	bool done = true;
	int code = 0;

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (!set_down(t->links, links[i])) {
			done = false;
			code = errno;
		}
	errno = code;
	return done;
}

/* --- the file --- */

/* It is on the disk when this is true. */
static bool write_file(const struct supervisor *s)
{
	const struct log_field fields[] = {{"reason", s->termination.reason, 0},
					   {0}};
	struct log to;

	if (s->exit_fd < 0)
		return true;
	/* The one line that there ever is in it; there was one, then, that
	 * could not be written as a whole. */
	if (ftruncate(s->exit_fd, 0) < 0)
		return false;
	log_open(&to, s->exit_fd, s->log.program, s->name);
	log_event(&to, "terminated", fields);
	return !to.dropped && fsync(s->exit_fd) == 0;
}

/* --- whoever waits --- */

static void tell(struct supervisor *s, struct client *c)
{
	c->watches = false;
	supervisor_reply(c, CHANNEL_TERMINATE, s->termination.reason);
}

void terminate_watch(struct supervisor *s, struct client *c)
{
	supervisor_reply(c, CHANNEL_OK, s->termination.reason);
	c->watches = true;
	if (*s->termination.reason)
		tell(s, c);
}

/* --- all of it --- */

/* False: there is something left to be tried again. */
static bool carry_out(struct supervisor *s)
{
	struct termination *t = &s->termination;
	const bool first = !t->tried;

	t->tried = true;
	if (!t->down) {
		t->down = set_links_down(t);
		if (!t->down && first)
			log_failure(&s->log, "set the gateway's links down");
	}
	if (!t->written) {
		t->written = write_file(s);
		if (!t->written && first)
			log_failure(&s->log, "write why it was terminated");
	}
	return t->down && t->written;
}

static void try_again(struct loop *l, struct loop_timer *t)
{
	struct supervisor *s =
		loop_owner(t, struct supervisor, termination.timer);

	if (!carry_out(s))
		loop_set(l, &s->termination.queue, t, AGAIN_MS);
}

void terminate(struct supervisor *s, const char *text)
{
	const struct log_field fields[] = {{"reason", s->termination.reason, 0},
					   {0}};
	struct termination *t = &s->termination;

	if (*t->reason)
		return;
	snprintf(t->reason, sizeof(t->reason), "%s",
		 *text ? text : "no reason was given");
	if (!carry_out(s))
		loop_set(&s->loop, &t->queue, &t->timer, AGAIN_MS);
	log_event(&s->log, "terminated", fields);
	for (size_t i = 0; i < SUPERVISOR_CLIENTS; i++)
		if (s->clients[i].watch.fd >= 0 && s->clients[i].watches)
			tell(s, &s->clients[i]);
}

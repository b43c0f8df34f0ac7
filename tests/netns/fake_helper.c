/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fake_helper.c - A helper that carries nothing, and says what it was given.
 *
 * It stands where msb-tlsd, or another, does, so that what its supervisor and
 * msb-netc do with the values of secrets, and with a sandbox that is to be
 * terminated, is seen without a flow. Its STATUS is
 *
 *	plain ESC[2J commits N fds MASK values A,B
 *
 * with the values in force. A configuration with a value "refuse" is refused.
 * On SIGUSR1 it has the sandbox terminated.
 */
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "channel.h"
#include "tls_fd.h"
#include "values.h"

#define REASON "secret KEY\t\033[2J / header, 198.51.100.7:443"

/** struct side - A configuration */
struct side {
	bool there;
	uint32_t mask;
	int secrets;
	struct values values;
};

static struct side now, next;
static unsigned int commits;

static void drop(struct side *s)
{
	if (s->secrets > 0)
		close(s->secrets);
	values_drop(&s->values);
	*s = (struct side){0};
}

static void take(const struct channel_msg *m, int fds[CHANNEL_MAX])
{
	for (uint32_t i = 0; i < m->count; i++) {
		next.mask |= m->index[i] < 32 ? 1u << m->index[i] : 0;
		if (m->index[i] == TLS_SECRETS && !next.secrets) {
			next.secrets = fds[i];
			fds[i] = -1;
		}
	}
}

/* How many there must be, it takes from the file itself. */
static const char *read_values(void)
{
	uint32_t n = 0;
	const char *why;

	if (!next.secrets)
		return NULL;
	if (pread(next.secrets, &n, sizeof(n), 0) != sizeof(n) || !n)
		return "no values";
	why = values_read(next.secrets, n, &next.values);
	for (size_t i = 0; !why && i < next.values.n; i++)
		if (next.values.v[i].len == 6 &&
		    memcmp(next.values.v[i].text, "refuse", 6) == 0)
			why = "a value says so";
	return why;
}

static void answer(int channel, const char *refused)
{
	if (channel_send_text(channel, refused ? CHANNEL_FAILED : CHANNEL_OK,
			      "%s", refused ? refused : "") < 0)
		exit(1);
}

static void status(int channel)
{
	char text[CHANNEL_TEXT_MAX] = "";
	size_t at = 0;

	for (size_t i = 0; i < now.values.n && at < 200; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%.*s",
				       i ? "," : "", (int)now.values.v[i].len,
				       (const char *)now.values.v[i].text);
	if (channel_send_text(channel, CHANNEL_STATUS,
			      "plain \033[2J commits %u fds %x values %s",
			      commits, now.mask, text) < 0)
		exit(1);
}

static void handle(int channel, const struct channel_msg *m,
		   int fds[CHANNEL_MAX])
{
	const char *why;

	switch (m->type) {
	case CHANNEL_PREPARE:
		drop(&next);
		next.there = true;
		break;
	case CHANNEL_SOCKETS:
		take(m, fds);
		break;
	case CHANNEL_READY:
		why = read_values();
		if (why)
			drop(&next);
		answer(channel, why);
		break;
	case CHANNEL_COMMIT:
		drop(&now);
		now = next;
		next = (struct side){0};
		commits++;
		answer(channel, NULL);
		break;
	case CHANNEL_STATUS:
		status(channel);
		break;
	case CHANNEL_ABORT:
		drop(&next);
		answer(channel, NULL);
		break;
	default:
		answer(channel, NULL);
		break;
	}
	channel_close_fds(m, fds);
}

static int watch_signal(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

int main(int argc, char **argv)
{
	struct pollfd p[2] = {{-1, POLLIN, 0}, {watch_signal(), POLLIN, 0}};
	struct signalfd_siginfo info;
	struct channel_msg m;
	int fds[CHANNEL_MAX];

	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], "--channel-fd") == 0)
			p[0].fd = (int)strtol(argv[i + 1], NULL, 10);
	while (poll(p, 2, -1) > 0) {
		if (p[1].revents &&
		    (read(p[1].fd, &info, sizeof(info)) != sizeof(info) ||
		     channel_send_text(p[0].fd, CHANNEL_TERMINATE, REASON) < 0))
			return 1;
		if (!p[0].revents)
			continue;
		if (channel_receive(p[0].fd, &m, fds) != 1)
			return 0;
		handle(p[0].fd, &m, fds);
	}
	return 1;
}

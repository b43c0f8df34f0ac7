/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_dnsd_monitor.c - msb-dnsd's monitor, beside a worker that was taken
 * over.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "dnsd.h"

/** struct world - The monitor, and the ends of those around it */
struct world {
	pid_t pid;
	int supervisor;
	struct dnsd_ends worker;
};

static const char *confine_nothing(void)
{
	return NULL;
}

static void pair(int *mine, int *theirs)
{
	int ends[2];

	cr_assert_eq(channel_pair(ends), 0);
	*mine = ends[0];
	*theirs = ends[1];
}

static void begin(struct world *w)
{
	struct dnsd_ends ends;
	struct log log;
	int supervisor;

	pair(&w->supervisor, &supervisor);
	pair(&w->worker.channel, &ends.channel);
	pair(&w->worker.broker, &ends.broker);
	pair(&w->worker.pins, &ends.pins);
	w->pid = fork();
	cr_assert_geq(w->pid, 0);
	if (!w->pid) {
		close(w->supervisor);
		close(w->worker.channel);
		close(w->worker.broker);
		close(w->worker.pins);
		log_open(&log, -1, "msb-dnsd", "web");
		_exit(dnsd_monitor(&log, supervisor, &ends, confine_nothing));
	}
	close(supervisor);
	close(ends.channel);
	close(ends.broker);
	close(ends.pins);
}

/* It asks for sockets, and takes none of the answers: neither may the monitor
 * wait for it for ever, who has a supervisor to hear. */
Test(dnsd_monitor, takes_no_answers, .timeout = 20)
{
	const struct channel_msg m = {.type = CHANNEL_CONNECT};
	struct world w;
	int status = -1;

	signal(SIGPIPE, SIG_IGN);
	begin(&w);
	cr_assert_eq(fcntl(w.worker.broker, F_SETFL, O_NONBLOCK), 0);
	for (;;) {
		struct pollfd p = {w.worker.broker, POLLOUT, 0};

		if (channel_send(w.worker.broker, &m, NULL) < 0 &&
		    errno != EAGAIN)
			break;
		cr_assert_geq(poll(&p, 1, 3 * DNSD_WORKER_MS), 1);
	}
	cr_assert_eq(waitpid(w.pid, &status, 0), w.pid);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 3);
}

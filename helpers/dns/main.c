/* SPDX-License-Identifier: GPL-2.0-or-later */
/* main.c - msb-dnsd: answers a sandbox's DNS queries, and pins the answers.
 *
 * It is started by msb-supervised, in the host's network namespace, as root,
 * with a channel to its supervisor; everything else comes through that. It
 * becomes two processes before it has read anything: see dnsd.h.
 */
#include <linux/capability.h>
#include <signal.h>
#include <unistd.h>

#include "args.h"
#include "calls.h"
#include "confine.h"
#include "dnsd.h"
#include "syscalls.h"
#include "user.h"
#include "worker.h"

#define PROGRAM "msb-dnsd"

/* Descriptors of the worker: sockets to servers, connections of the guest, and
 * a few of its own. */
#define FILES (CALLS_LOW + PORT_COUNT + GUEST_CONNECTIONS + 64)

static bool make_ends(struct dnsd_ends ret[2])
{
	int channel[2], broker[2], pins[2];

	if (channel_pair(channel) < 0 || channel_pair(broker) < 0 ||
	    channel_pair(pins) < 0)
		return false;
	for (int i = 0; i < 2; i++)
		ret[i] = (struct dnsd_ends){channel[i], broker[i], pins[i]};
	return true;
}

static void close_ends(const struct dnsd_ends *ends)
{
	close(ends->channel);
	close(ends->broker);
	close(ends->pins);
}

static const char *confine_the_worker(void)
{
	const char *failed = calls_restrict();

	return failed ? failed : confine_worker(FILES);
}

static const char *confine_the_monitor(void)
{
	const char *failed = confine_keep(UINT64_C(1) << CAP_NET_ADMIN);

	return failed ? failed : syscalls_restrict();
}

static int run_worker(struct log *log, const struct dnsd_ends *ends, uid_t uid,
		      pid_t parent)
{
	const char *failed = confine_child(uid);

	if (failed) {
		log_failure(log, failed);
		return 3;
	}
	/* Its end before this one asked to be told of it would go unseen. */
	if (getppid() != parent)
		return 3;
	return dnsd_worker(log, ends, confine_the_worker);
}

int main(int argc, char **argv)
{
	const pid_t self = getpid();
	struct dnsd_ends ends[2];
	struct args args;
	struct log log;
	uid_t uid;
	pid_t pid;
	int rc;

	rc = args_read(argc, argv, PROGRAM, false, &args);
	if (rc >= 0)
		return rc;
	log_open(&log, STDERR_FILENO, PROGRAM, args.name);
	/* A socket whose peer is gone, and a log that is full, say so in errno.
	 */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	uid = user_of(PROGRAM, MSB_DNSD_UID);
	conf_warm_up();
	if (!make_ends(ends)) {
		log_failure(&log, "make channels");
		return 3;
	}
	pid = fork();
	if (pid < 0) {
		log_failure(&log, "make a process");
		return 3;
	}
	close_ends(&ends[pid ? 1 : 0]);
	if (pid)
		return dnsd_monitor(&log, args.channel, &ends[0],
				    confine_the_monitor);
	close(args.channel);
	return run_worker(&log, &ends[1], uid, self);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* main.c - msb-dnsd: answers a sandbox's DNS queries, and pins the answers.
 *
 * It is started by msb-supervised, in the host's network namespace, as root,
 * with a channel to its supervisor; everything else comes through that. It
 * becomes two processes before it has read anything: see dnsd.h.
 */
#include <errno.h>
#include <getopt.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "confine.h"
#include "calls.h"
#include "dnsd.h"
#include "number.h"
#include "syscalls.h"
#include "worker.h"

/* Descriptors of the worker: sockets to servers, connections of the guest, and
 * a few of its own. */
#define FILES (CALLS_LOW + PORT_COUNT + GUEST_CONNECTIONS + 64)

static const struct option options[] = {
	{"channel-fd", required_argument, NULL, 'c'},
	{"name", required_argument, NULL, 'n'},
	{"version", no_argument, NULL, 'V'},
	{0},
};

/** struct args - The command line */
struct args {
	int channel;
	const char *name;
	bool version;
};

static bool read_args(int argc, char **argv, struct args *ret)
{
	int opt;

	*ret = (struct args){.channel = -1};
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			ret->channel = number_fd(optarg);
			break;
		case 'n':
			ret->name = optarg;
			break;
		case 'V':
			ret->version = true;
			break;
		default:
			return false;
		}
	}
	return ret->version ||
	       (ret->channel >= 0 && ret->name && optind == argc);
}

/* The worker's user: that of its name in /etc/passwd, else a fixed number. The
 * file is read directly: other sources of users may be behind a network. */
static uid_t worker_uid(void)
{
	FILE *f = fopen("/etc/passwd", "re");
	uid_t uid = MSB_DNSD_UID;
	const struct passwd *p;

	if (!f)
		return uid;
	while ((p = fgetpwent(f)))
		if (!strcmp(p->pw_name, "msb-dnsd") && p->pw_uid)
			uid = p->pw_uid;
	fclose(f);
	return uid;
}

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

	if (!read_args(argc, argv, &args)) {
		fprintf(stderr, "usage: msb-dnsd --channel-fd N --name NAME\n"
				"It is started by msb-supervised.\n");
		return 2;
	}
	if (args.version) {
		printf("msb-dnsd %s\n", MSB_VERSION);
		return 0;
	}
	log_open(&log, STDERR_FILENO, "msb-dnsd", args.name);
	/* A socket whose peer is gone, and a log that is full, say so in errno.
	 */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	uid = worker_uid();
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

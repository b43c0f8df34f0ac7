/* SPDX-License-Identifier: GPL-2.0-or-later */
/* main.c - msb-tlsd: carries TCP flows whose names must be read.
 *
 * It is started by msb-supervised, in the gateway's network namespace, as root,
 * with two channels to its supervisor; everything else comes through these. It
 * becomes three processes before it has read anything: see tlsd.h.
 */
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "args.h"
#include "calls.h"
#include "channel.h"
#include "conf.h"
#include "confine.h"
#include "log.h"
#include "pages.h"
#include "signer_calls.h"
#include "syscalls.h"
#include "tlsd_parts.h"
#include "user.h"
#include "worker.h"

#define PROGRAM "msb-tlsd"

/** struct start - What is there before the three part
 * @log:	event log
 * @uid:	user of worker and signer
 * @self:	this process, which will be the monitor
 * @worker:	the worker's ends
 * @signer:	the signer's ends
 * @monitor:	the monitor's
 */
struct start {
	struct log log;
	uid_t uid;
	pid_t self;
	struct tlsd_ends worker;
	struct tlsd_ends signer;
	struct tlsd_children monitor;
};

static bool make_ends(struct start *s)
{
	int worker[2], signer[2], judge[2], sign[2];

	if (channel_pair(worker) < 0 || channel_pair(signer) < 0 ||
	    channel_pair(judge) < 0 || channel_pair(sign) < 0)
		return false;
	s->monitor.worker = worker[0];
	s->monitor.signer = signer[0];
	s->monitor.judge = judge[0];
	s->worker = (struct tlsd_ends){worker[1], judge[1], sign[0]};
	s->signer = (struct tlsd_ends){signer[1], -1, sign[1]};
	return true;
}

static void close_ends(const struct tlsd_ends *e)
{
	close(e->channel);
	if (e->judge >= 0)
		close(e->judge);
	close(e->signer);
}

static void close_monitor(const struct tlsd_children *m)
{
	close(m->worker);
	close(m->signer);
	close(m->judge);
	close(m->broker);
}

/* The last thing before work begins: so it has to be small from here on. */
static const char *settle(const char *failed)
{
	if (!failed)
		pages_forget();
	return failed;
}

static const char *confine_the_worker(void)
{
	const char *failed = calls_restrict();

	return settle(failed ? failed : confine_worker(WORKER_FILES));
}

static const char *confine_the_signer(void)
{
	return settle(signer_confine());
}

static const char *confine_the_monitor(void)
{
	const char *failed = confine_keep(UINT64_C(1) << CAP_NET_ADMIN);

	return settle(failed ? failed : syscalls_restrict());
}

/* False: not to go on with. */
static bool become_child(struct start *s)
{
	const char *failed = confine_child(s->uid);

	if (failed)
		log_failure(&s->log, failed);
	/* The monitor's end before this one asked to be told of it would go
	 * unseen. */
	return !failed && getppid() == s->self;
}

static int run_worker(struct start *s)
{
	close_ends(&s->signer);
	close_monitor(&s->monitor);
	return become_child(s)
		       ? tlsd_worker(&s->log, &s->worker, confine_the_worker)
		       : 3;
}

static int run_signer(struct start *s)
{
	close_ends(&s->worker);
	close_monitor(&s->monitor);
	return become_child(s)
		       ? tlsd_signer(&s->log, &s->signer, confine_the_signer)
		       : 3;
}

int main(int argc, char **argv)
{
	struct start s = {.self = getpid()};
	int (*const run[])(struct start *) = {run_signer, run_worker};
	struct args args;
	size_t i;
	int rc = args_read(argc, argv, PROGRAM, true, &args);

	if (rc >= 0)
		return rc;
	log_open(&s.log, STDERR_FILENO, PROGRAM, args.name);
	/* A socket whose peer is gone, and a log that is full, say so in errno.
	 */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	s.uid = user_of(PROGRAM, MSB_TLSD_UID);
	s.monitor.broker = args.broker;
	conf_warm_up();
	/* Certificates tell times in UTC; the library would look for the
	 * host's time zone when it reads the first. */
	if (setenv("TZ", "UTC0", 1) == 0)
		tzset();
	if (!make_ends(&s)) {
		log_failure(&s.log, "make channels");
		return 3;
	}
	for (i = 0; i < sizeof(run) / sizeof(run[0]); i++) {
		const pid_t pid = fork();

		if (pid < 0) {
			log_failure(&s.log, "make a process");
			return 3;
		}
		if (pid)
			continue;
		close(args.channel);
		return run[i](&s);
	}
	close_ends(&s.worker);
	close_ends(&s.signer);
	return tlsd_monitor(&s.log, args.channel, &s.monitor,
			    confine_the_monitor);
}

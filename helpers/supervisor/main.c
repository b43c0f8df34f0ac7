/* SPDX-License-Identifier: GPL-2.0-or-later */
/* main.c - msb-supervised: keeps a helper of a sandbox running.
 *
 * msb-netc starts it in the host's network namespace, with the descriptors that
 * it needs; it opens nothing else but the worker's program.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "confine.h"
#include "number.h"
#include "supervisor.h"
#include "user.h"

/* What a worker may have open, unless the system's own limit is lower. */
#define WORKER_FILES (UINT32_C(1) << 18)

static const struct option options[] = {
	{"control-fd", required_argument, NULL, 'c'},
	{"listen-fd", required_argument, NULL, 'l'},
	{"netns-fd", required_argument, NULL, 's'},
	{"exit-fd", required_argument, NULL, 'e'},
	{"name", required_argument, NULL, 'n'},
	{"helper", required_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{0},
};

/** struct args - The command line */
struct args {
	int control;
	int listener;
	int netns;
	int exit;
	const char *name;
	const struct helper *helper;
	bool version;
};

static bool read_args(int argc, char **argv, struct args *ret)
{
	int opt;

	*ret = (struct args){
		.control = -1,
		.listener = -1,
		.netns = -1,
		.exit = -1,
		.helper = helper_find("msb-relayd"),
	};
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		int *fd = NULL;

		switch (opt) {
		case 'c':
			fd = &ret->control;
			break;
		case 'l':
			fd = &ret->listener;
			break;
		case 's':
			fd = &ret->netns;
			break;
		case 'e':
			fd = &ret->exit;
			break;
		case 'n':
			ret->name = optarg;
			break;
		case 'h':
			ret->helper = helper_find(optarg);
			break;
		case 'V':
			ret->version = true;
			break;
		default:
			return false;
		}
		if (!fd)
			continue;
		*fd = number_fd(optarg);
		if (*fd < 0)
			return false;
	}
	return ret->version || (ret->control >= 0 && ret->netns >= 0 &&
				ret->helper && ret->name && optind == argc);
}

/* The worker's program, which lies beside this one. */
static int open_worker(const struct helper *h)
{
	const size_t len = strlen(h->name) + 1;
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path));

	while (n > 0 && path[n - 1] != '/')
		n--;
	if (n <= 0 || (size_t)n + len > sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(path + n, h->name, len);
	return open(path, O_PATH | O_CLOEXEC);
}

/* Its own descriptors, and how many its worker may have. */
static void limit_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	files.rlim_cur = SUPERVISOR_FILES;
	if (files.rlim_max < WORKER_FILES)
		files.rlim_max = WORKER_FILES;
	if (setrlimit(RLIMIT_NOFILE, &files) == 0)
		return;
	/* Not ours to raise: then as many as there are. */
	getrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_max < SUPERVISOR_FILES)
		files.rlim_cur = files.rlim_max;
	else
		files.rlim_cur = SUPERVISOR_FILES;
	setrlimit(RLIMIT_NOFILE, &files);
}

/* What its processes may lock, who have no power to lock more. If it is not
 * ours to raise, it is as high as it can be. */
static void limit_locked(const struct helper *h)
{
	struct rlimit locked;

	if (!h->lock || getrlimit(RLIMIT_MEMLOCK, &locked) < 0)
		return;
	if (locked.rlim_max < h->lock) {
		const struct rlimit more = {h->lock, h->lock};

		if (setrlimit(RLIMIT_MEMLOCK, &more) == 0)
			return;
	}
	locked.rlim_cur = locked.rlim_max;
	setrlimit(RLIMIT_MEMLOCK, &locked);
}

static void signalled(struct loop *l, struct loop_watch *w, uint32_t events)
{
	struct signalfd_siginfo info;

	(void)events;
	if (read(w->fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP)
		rotate(l->context);
	else
		supervisor_stop(l->context, NULL);
}

static const char *watch_signals(struct supervisor *s)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	signal(SIGPIPE, SIG_IGN);
	/* For the worker. Here it is blocked, and comes all the same. */
	signal(SIGHUP, SIG_IGN);
	s->signals.ready = signalled;
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return "block signals";
	s->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signals.fd < 0 || loop_add(&s->loop, &s->signals, EPOLLIN) < 0)
		return "watch signals";
	return NULL;
}

static const char *set_up(struct supervisor *s, const struct args *args)
{
	const char *failed;

	if (loop_open(&s->loop, s) < 0)
		return "make an epoll instance";
	loop_add_queue(&s->loop, &s->stop_queue);
	s->netns = args->netns;
	s->exit_fd = args->exit;
	s->helper = args->helper;
	s->uid = user_of(s->helper->name, s->helper->uid);
	s->program = open_worker(s->helper);
	if (s->program < 0)
		return "open the helper's program";
	failed = terminate_init(s);
	if (failed)
		return failed;
	worker_init(s);
	rotate_init(s);
	supervisor_clients_init(s);
	s->listener = (struct loop_watch){args->listener, supervisor_accept};
	failed = watch_signals(s);
	if (failed)
		return failed;
	if (s->listener.fd >= 0 &&
	    (fcntl(s->listener.fd, F_SETFL, O_NONBLOCK) < 0 ||
	     loop_add(&s->loop, &s->listener, EPOLLIN) < 0))
		return "watch the control socket";
	if (!supervisor_client_add(s, args->control))
		return "watch the control channel";
	resolv_watch(s);
	limit_files();
	limit_locked(s->helper);
	return confine_keep(s->helper->caps |
			    (s->helper->may_caps & confine_held()));
}

static void tear_down(struct supervisor *s)
{
	supervisor_reply(s->stopper, CHANNEL_OK, "");
	supervisor_clients_close(s);
	supervisor_drop_next(s);
	s->helper->close(s->helper, &s->now, NULL);
	if (s->now.file >= 0)
		close(s->now.file);
	arena_free(&s->now.arena);
	loop_close(&s->loop);
}

int main(int argc, char **argv)
{
	struct supervisor s = {
		.now = SUPERVISED_NONE,
		.next = SUPERVISED_NONE,
	};
	struct args args;
	const char *failed;

	if (!read_args(argc, argv, &args)) {
		fprintf(stderr,
			"usage: msb-supervised --control-fd N --netns-fd N "
			"--name NAME [--listen-fd N] [--exit-fd N] "
			"[--helper NAME]\n"
			"It is started by msb-netc.\n");
		return 2;
	}
	if (args.version) {
		printf("msb-supervised %s\n", MSB_VERSION);
		return 0;
	}
	s.name = args.name;
	log_open(&s.log, STDERR_FILENO, "msb-supervised", args.name);
	failed = set_up(&s, &args);
	if (failed) {
		log_failure(&s.log, failed);
		return 3;
	}
	if (loop_run(&s.loop) < 0) {
		log_failure(&s.log, "wait for events");
		return 3;
	}
	tear_down(&s);
	return 0;
}

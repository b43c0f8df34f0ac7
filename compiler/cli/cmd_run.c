/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_run.c - "msb-netc run": a command in a sandbox that goes with it. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "cli_live.h"
#include "netns.h"
#include "run_end.h"
#include "run_guest.h"
#include "run_watch.h"
#include "sandbox.h"

/*
 * The command stays in our process group: a terminal's ^C and ^Z reach it as
 * they would without us, and an interactive shell finds itself in the
 * foreground. What the terminal sends it sends to the whole group, so of the
 * signals that come to us only those that somebody sent are passed on. If the
 * command alone is stopped we stop too, so that the shell we were started from
 * sees a stopped job; when that continues us, we continue the command.
 *
 * The command does not outlive us: the kernel kills it if we are killed. The
 * sandbox is then left over, with its policy, and goes with the next "up",
 * "run" or "down".
 *
 * If the sandbox is terminated, because of a secret, everything that is in its
 * network namespace is killed: the command, and whatever it has started that
 * has not left.
 */

#define EXIT_TERMINATED	    125
#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND	    127
#define EXIT_SIGNAL	    128

static const int forwarded[] = {SIGINT,	 SIGTERM, SIGHUP,  SIGQUIT,
				SIGUSR1, SIGUSR2, SIGWINCH};

#define N_FORWARDED (sizeof(forwarded) / sizeof(forwarded[0]))

/* --- the child --- */

static _Noreturn void child(char **argv, int netns, const struct sandbox *sb,
			    pid_t parent, const sigset_t *mask)
{
	struct live_error e;
	int code;

	/* The second line is for a parent that was killed before the first. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(CLI_SYSTEM);
	if (netns_enter(netns, &e) < 0) {
		cli_error("%s", e.text);
		_exit(CLI_SYSTEM);
	}
	if (run_guest_enter(sb) < 0)
		_exit(CLI_SYSTEM);
	/* Descriptors that we were started with are not the command's. */
	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	code = errno;
	cli_error("%s: %s", argv[0], strerror(code));
	_exit(code == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}

/* --- the parent --- */

static void forward(pid_t pid, const struct signalfd_siginfo *info)
{
	/* The terminal's own signals went to the command too, unless it has
	 * left for a group of its own. */
	if (info->ssi_code == SI_KERNEL && getpgid(pid) == getpgrp())
		return;
	kill(pid, (int)info->ssi_signo);
}

/* Stops with the command and continues it afterwards. A stop that the terminal
 * sent to the whole group has stopped us already, and is over by now. */
static void stopped(pid_t pid, int sig)
{
	if (sig != SIGTSTP || getpgid(pid) != getpgrp())
		kill(getpid(), SIGSTOP);
	kill(pid, SIGCONT);
}

static void pass_on(pid_t pid, int signals)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo != SIGCHLD)
			forward(pid, &info);
}

/* Nothing is left of the command then that the sandbox confines. */
static void end_command(pid_t pid, int netns, const char *reason)
{
	cli_error("the sandbox was terminated, and the command was killed: %s",
		  reason);
	kill(pid, SIGKILL);
	run_end_all(netns);
	waitpid(pid, NULL, 0);
}

/* Waits for the command, or for the sandbox to be terminated; passes signals on
 * meanwhile. */
static int attend(pid_t pid, int netns, int signals, struct run_watch *w)
{
	const char *reason;
	int status;
	pid_t got;

	for (;;) {
		struct pollfd fds[] = {{signals, POLLIN, 0},
				       {w->channel, POLLIN, 0}};

		got = waitpid(pid, &status, WNOHANG | WUNTRACED);
		if (got < 0 && errno != EINTR)
			return CLI_SYSTEM;
		if (got > 0 && WIFSTOPPED(status)) {
			stopped(pid, WSTOPSIG(status));
			continue;
		}
		if (got > 0 && WIFEXITED(status))
			return WEXITSTATUS(status);
		if (got > 0 && WIFSIGNALED(status))
			return EXIT_SIGNAL + WTERMSIG(status);
		poll(fds, sizeof(fds) / sizeof(fds[0]), run_watch_ms(w));
		reason = run_watch_look(w);
		if (reason) {
			end_command(pid, netns, reason);
			return EXIT_TERMINATED;
		}
		pass_on(pid, signals);
	}
}

static int run_command(char **argv, int netns, const struct sandbox *sb,
		       struct run_watch *w, const sigset_t *held,
		       const sigset_t *before)
{
	const int signals = signalfd(-1, held, SFD_CLOEXEC | SFD_NONBLOCK);
	const pid_t self = getpid();
	pid_t pid = signals < 0 ? -1 : fork();
	int ret;

	if (pid < 0) {
		cli_error("start the command: %s", strerror(errno));
		ret = CLI_SYSTEM;
	} else if (pid == 0) {
		child(argv, netns, sb, self, before);
	} else {
		ret = attend(pid, netns, signals, w);
	}
	if (signals >= 0)
		close(signals);
	return ret;
}

/* What values were read from: whoever looks at this process, as long as its
 * command runs, finds them no more. */
static void forget_values(const struct config *c)
{
	size_t i;

	for (i = 0; i < c->n_secrets; i++) {
		char *text = c->secrets[i].value_env
				     ? getenv(c->secrets[i].value_env)
				     : NULL;

		if (!text)
			continue;
		explicit_bzero(text, strlen(text));
		/* Nor has the command the variable; its own is another. */
		unsetenv(c->secrets[i].value_env);
	}
}

static int in_sandbox(const struct cli_args *args, struct arena *a,
		      struct state *state, struct sandbox_request *req,
		      char **argv)
{
	sigset_t held, before;
	struct run_watch watch;
	struct live_error e;
	struct sandbox sb;
	size_t i;
	int ret;

	(void)args;
	sigemptyset(&held);
	sigaddset(&held, SIGCHLD);
	for (i = 0; i < N_FORWARDED; i++)
		sigaddset(&held, forwarded[i]);
	sigprocmask(SIG_BLOCK, &held, &before);
	if (sandbox_up(a, state, req, &sb, &e) < 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		return cli_live_error(&e, req->doc);
	}
	cli_diags(req->doc);
	fflush(stdout);
	if (sb.certs.host.unreadable)
		cli_error("warning: %u certificates that the host trusts "
			  "cannot be read",
			  sb.certs.host.unreadable);
	forget_values(&sb.compiled.config);
	run_watch_begin(&watch, state, req->name);
	ret = run_command(argv, req->guest_fd, &sb, &watch, &held, &before);
	run_watch_end(&watch);
	if (sandbox_down(state, req->name, true, &e) < 0)
		ret = cli_live_error(&e, NULL);
	close(sb.owner);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return ret;
}

/* A name that nobody has: a process number can come back while a sandbox of its
 * first bearer could not be removed yet. */
static const char *throw_away_name(struct arena *a, const struct state *s)
{
	const char *name = arena_printf(a, "run-%d", (int)getpid());
	unsigned int i;

	for (i = 2; state_has(s, name) && !state_owned(s, name); i++)
		name = arena_printf(a, "run-%d-%u", (int)getpid(), i);
	return name;
}

static int run(const struct cli_args *args)
{
	const char *path = cli_value(args, "state");
	struct sandbox_request req = {
		.fixed = cli_has(args, "slot"),
		.helpers = cli_value(args, "helpers"),
		.run = true,
	};
	struct live_error e;
	struct state state;
	struct diags d;
	int operand = 0, rc;
	char **argv;
	ARENA(a);

	rc = cli_slot(args, &req.slot);
	if (rc != CLI_YES)
		return rc;
	rc = cli_read_config(&a, args, &operand, &d);
	if (rc != CLI_YES)
		return rc;
	argv = args->argv + operand;
	if (*argv && strcmp(*argv, "--") == 0)
		argv++;
	if (!*argv)
		return cli_usage(args, "the command is missing");
	req.doc = &d;
	if (sandbox_privileged(&e) < 0 ||
	    state_open(&state, path ? path : STATE_DEFAULT, true, &e) < 0)
		return cli_live_error(&e, NULL);
	req.name = throw_away_name(&a, &state);
	req.guest_fd = netns_create(NULL, &e);
	if (req.guest_fd < 0) {
		rc = cli_live_error(&e, NULL);
	} else {
		rc = in_sandbox(args, &a, &state, &req, argv);
		close(req.guest_fd);
	}
	state_close(&state);
	return rc;
}

static const struct cli_option options[] = {
	CLI_OPT_SLOT,  CLI_OPT_HELPERS, CLI_OPT_PRESET,
	CLI_OPT_STATE, CLI_OPT_HELP,	{0},
};

const struct cli_command cmd_run = {
	.name = "run",
	.operands = "CONFIG -- CMD [ARG...]",
	.complete = {"@file", "@command", "@file"},
	.summary = "run a command in a throw-away sandbox",
	.details =
		"CMD has a network namespace of its own behind the policy, "
		"which is in\nforce before CMD starts, and the sandbox's "
		"resolv.conf and hosts. If the\nguest is to trust CAs, CMD "
		"trusts them, too, by its system's files of\ncertificates and "
		"by variables. The exit status is that of CMD, 128 and the\n"
		"signal's number if one ended it, 126 or 127 if it cannot be "
		"run. If the\nsandbox is terminated because of a secret, CMD "
		"is killed, with what it has\nstarted, and the exit status is "
		"125. The sandbox confines the network alone: a\nCMD with the "
		"privileges of root can leave it.",
	.options = options,
	.run = run,
	.rest = true,
};

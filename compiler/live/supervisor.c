/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor.c - Talking to the supervisors of a sandbox's helpers. */
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "channel.h"
#include "exit_info.h"
#include "program.h"
#include "str.h"

/*
 * A supervisor listens on a socket in its sandbox's directory. Which process it
 * is, is in a file beside it, with the time that it was
 * started at: a number alone may be another's by now. The file is for one that
 * does not answer any more; the socket is how it is talked to.
 */

#define PROGRAM "msb-supervised"
#define EVENTS	"events.log"

/* No answer takes longer, unless something is wrong: the first one comes when
 * the helpers have started, what it is like and the end cost them little. */
#define PATIENCE_MS	  10000
#define QUICK_PATIENCE_MS 3000

#define STOP_TRIES   200
#define STOP_WAIT_NS 10000000

/* What is different from one to the other. */
static const struct {
	const char *helper;
	const char *config;
	const char *socket;
	const char *process;
	struct supervisor_keys keys;
} kinds[SUPERVISOR_KINDS] = {
	[SUPERVISOR_DNS] = {PLAN_DNSD,
			    "dns.json",
			    STATE_DNS_SOCKET,
			    STATE_DNS_PROCESS,
			    {"dns_helper", "dns_status", "dns_supervisor"}},
	[SUPERVISOR_RELAY] = {PLAN_RELAYD,
			      "relay.json",
			      STATE_SOCKET,
			      STATE_PROCESS,
			      {"helpers", "helper_status", "supervisor"}},
	[SUPERVISOR_TLS] = {PLAN_TLSD,
			    "tls.json",
			    STATE_TLS_SOCKET,
			    STATE_TLS_PROCESS,
			    {"tls_helper", "tls_status", "tls_supervisor"}},
};

const char *supervisor_helper(enum supervisor_kind kind)
{
	return kinds[kind].helper;
}

const char *supervisor_config(enum supervisor_kind kind)
{
	return kinds[kind].config;
}

struct supervisor_keys supervisor_keys(enum supervisor_kind kind)
{
	return kinds[kind].keys;
}

void supervisor_drop(struct state *s, const char *name,
		     enum supervisor_kind kind)
{
	state_drop(s, name, kinds[kind].socket);
	state_drop(s, name, kinds[kind].process);
}

/* --- starting --- */

/** struct start - Descriptors and words of a supervisor to be */
struct start {
	const char *program;
	const char *name;
	const char *helper;
	int control;
	int netns;
	int listener;
	int events;
	int exit;
};

static void keep_open(int fd)
{
	fcntl(fd, F_SETFD, 0);
}

/* In the child's child: alone in its session, with nothing that was ours. */
static _Noreturn void become(const struct start *st)
{
	char control[16], netns[16], listener[16], exit[16];
	char *const argv[] = {(char *)st->program, "--control-fd", control,
			      "--listen-fd", listener, "--netns-fd", netns,
			      "--name", (char *)st->name, "--helper",
			      (char *)st->helper,
			      /* The last is for the one that has a file. */
			      st->exit < 0 ? NULL : "--exit-fd", exit, NULL};
	char *const env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;
	int sig;

	snprintf(control, sizeof(control), "%d", st->control);
	snprintf(netns, sizeof(netns), "%d", st->netns);
	snprintf(listener, sizeof(listener), "%d", st->listener);
	snprintf(exit, sizeof(exit), "%d", st->exit);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
	    dup2(st->events >= 0 ? st->events : null, 2) < 0 || chdir("/") < 0)
		_exit(3);
	umask(077);
	for (sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	keep_open(st->control);
	keep_open(st->netns);
	keep_open(st->listener);
	if (st->exit >= 0)
		keep_open(st->exit);
	execve(st->program, argv, env);
	_exit(3);
}

/* Forks twice, so that it is nobody's child but init's. Its number comes back
 * through a pipe. */
static pid_t spawn(const struct start *st, struct live_error *e)
{
	pid_t child, pid = -1;
	int numbers[2], status;

	if (pipe2(numbers, O_CLOEXEC) < 0)
		return live_errno(e, errno, "pipe");
	child = fork();
	if (child == 0) {
		setsid();
		pid = fork();
		if (pid == 0)
			become(st);
		_exit(write(numbers[1], &pid, sizeof(pid)) != sizeof(pid));
	}
	close(numbers[1]);
	if (child < 0 || read(numbers[0], &pid, sizeof(pid)) != sizeof(pid))
		pid = -1;
	close(numbers[0]);
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (pid < 0)
		return live_system(e, "fork " PROGRAM);
	return pid;
}

/* When a process was started, in clock ticks since boot; 0 if it is gone, also
 * if it only waits for its parent to look. */
static unsigned long long started(pid_t pid)
{
	char path[32], buf[1024];
	unsigned long long ticks = 0;
	unsigned int field;
	char *p;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	buf[n < 0 ? 0 : n] = '\0';
	/* The name may hold anything; behind its last bracket is field 3, and
	 * field 22 is what is wanted (proc(5)). */
	p = strrchr(buf, ')');
	if (p && (p[2] == 'Z' || p[2] == 'X'))
		return 0;
	for (field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (p)
		ticks = strtoull(p, NULL, 10);
	return ticks;
}

static int write_process(struct state *s, const char *name,
			 enum supervisor_kind kind, pid_t pid,
			 struct live_error *e)
{
	struct state_file file = {.path = kinds[kind].process};
	STR(text);

	str_printf(&text, "%d %llu\n", (int)pid, started(pid));
	file.text = str_text(&text);
	file.len = text.len;
	return state_write(s, name, &file, e);
}

int supervisor_start(struct state *s, const char *name,
		     enum supervisor_kind kind, int gateway,
		     const char *helpers, struct live_error *e)
{
	struct start st = {
		.name = name,
		.helper = kinds[kind].helper,
		.netns = gateway,
		.listener = -1,
		.exit = -1,
	};
	int ends[2] = {-1, -1}, dir, ret = -1;
	pid_t pid;
	ARENA(a);

	st.program = program_find(&a, helpers, PROGRAM, e);
	if (!st.program)
		return -1;
	dir = state_directory(s, name);
	st.events = openat(
		s->dir, EVENTS,
		O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (dir >= 0 && st.events >= 0) {
		unlinkat(dir, kinds[kind].socket, 0);
		st.listener = channel_listen(dir, kinds[kind].socket);
	}
	if (st.listener >= 0 && kind == SUPERVISOR_TLS)
		st.exit = exit_open(s, name);
	if (st.listener < 0 || (kind == SUPERVISOR_TLS && st.exit < 0) ||
	    channel_pair(ends) < 0) {
		live_errno(e, errno, "prepare " PROGRAM);
		goto out;
	}
	st.control = ends[1];
	pid = spawn(&st, e);
	if (pid < 0 || write_process(s, name, kind, pid, e) < 0)
		goto out;
	if (channel_set_timeout(ends[0], PATIENCE_MS) < 0) {
		live_errno(e, errno, "prepare " PROGRAM);
		goto out;
	}
	ret = ends[0];
	ends[0] = -1;
out:
	if (ends[0] >= 0)
		close(ends[0]);
	if (ends[1] >= 0)
		close(ends[1]);
	if (st.listener >= 0)
		close(st.listener);
	if (st.events >= 0)
		close(st.events);
	if (st.exit >= 0)
		close(st.exit);
	if (dir >= 0)
		close(dir);
	return ret;
}

/* --- talking --- */

static int connect_to(const struct state *s, const char *name,
		      enum supervisor_kind kind, unsigned int patience)
{
	int dir = state_directory(s, name), fd, code;

	if (dir < 0)
		return -1;
	fd = channel_connect(dir, kinds[kind].socket, patience);
	code = errno;
	close(dir);
	errno = code;
	return fd;
}

int supervisor_connect(const struct state *s, const char *name,
		       enum supervisor_kind kind, struct live_error *e)
{
	int fd = connect_to(s, name, kind, PATIENCE_MS);

	return fd < 0 ? live_errno(e, errno, "connect to " PROGRAM) : fd;
}

static int talk_failed(const char *what, struct live_error *e)
{
	return live_errno(e, errno, PROGRAM ": %s", what);
}

/* Waits for one answer; what comes with it is closed. */
static int answer(int channel, const char *what, struct channel_msg *ret,
		  struct live_error *e)
{
	int fds[CHANNEL_MAX];
	int n = channel_receive(channel, ret, fds);

	if (n < 0)
		return talk_failed(what, e);
	if (n == 0)
		return live_system(e, PROGRAM ": %s: it has ended", what);
	channel_close_fds(ret, fds);
	if (ret->type == CHANNEL_FAILED)
		return live_system(e, PROGRAM ": %s: %s", what, ret->text);
	return 0;
}

/* Sends a message without descriptors; OK is the only good answer. */
static int ask(int channel, enum channel_type type, struct live_error *e)
{
	const char *what = channel_type_name(type);
	struct channel_msg m;

	if (channel_send_text(channel, type, "%s", "") < 0)
		return talk_failed(what, e);
	if (answer(channel, what, &m, e) < 0)
		return -1;
	if (m.type != CHANNEL_OK)
		return live_system(e, PROGRAM ": %s: answered %s", what,
				   channel_type_name(m.type));
	return 0;
}

/** struct batch - Sockets on their way, as many as fit a message */
struct batch {
	int channel;
	struct channel_msg m;
	int fds[CHANNEL_MAX];
};

static int batch_send(struct batch *b)
{
	int ret = 0;

	if (b->m.count)
		ret = channel_send(b->channel, &b->m, b->fds);
	b->m.count = 0;
	return ret;
}

static int batch_add(struct batch *b, size_t index, int fd)
{
	if (fd < 0)
		return 0;
	if (b->m.count == CHANNEL_MAX && batch_send(b) < 0)
		return -1;
	b->m.index[b->m.count] = (uint32_t)index;
	b->fds[b->m.count++] = fd;
	return 0;
}

static int send_fds(int channel, const struct supervisor_fds *fds)
{
	struct batch b = {.channel = channel, .m = {.type = CHANNEL_SOCKETS}};
	size_t i;

	for (i = 0; i < fds->n; i++)
		if (batch_add(&b, fds->v[i].index, fds->v[i].fd) < 0)
			return -1;
	return batch_send(&b);
}

/* A file in memory, which the supervisor may read at leisure. */
static int memory_file(const char *text, size_t len)
{
	int fd = memfd_create("configuration", MFD_CLOEXEC);
	size_t done = 0;

	while (fd >= 0 && done < len) {
		ssize_t n = write(fd, text + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			close(fd);
			return -1;
		}
		done += (size_t)n;
	}
	return fd;
}

int supervisor_prepare(int channel, const struct artefact *conf,
		       const struct supervisor_fds *fds, struct live_error *e)
{
	const struct channel_msg m = {.type = CHANNEL_PREPARE, .count = 1};
	int file = memory_file(conf->text, conf->len), ret = -1;

	if (file >= 0 && lseek(file, 0, SEEK_SET) == 0 &&
	    channel_send(channel, &m, &file) == 0)
		ret = send_fds(channel, fds);
	if (ret < 0)
		talk_failed("prepare", e);
	if (file >= 0)
		close(file);
	return ret < 0 ? -1 : ask(channel, CHANNEL_READY, e);
}

int supervisor_commit(int channel, struct live_error *e)
{
	return ask(channel, CHANNEL_COMMIT, e);
}

int supervisor_hold(const struct state *s, const char *name)
{
	int channel = connect_to(s, name, SUPERVISOR_DNS, QUICK_PATIENCE_MS);
	struct live_error ignored;

	/* One that does not answer has nothing written either. */
	if (channel >= 0 && ask(channel, CHANNEL_HOLD, &ignored) < 0) {
		close(channel);
		channel = -1;
	}
	return channel;
}

int supervisor_watch(const struct state *s, const char *name,
		     char ret_reason[CHANNEL_TEXT_MAX])
{
	const char *what = channel_type_name(CHANNEL_WATCH);
	const int channel =
		connect_to(s, name, SUPERVISOR_TLS, QUICK_PATIENCE_MS);
	struct live_error ignored;
	struct channel_msg m;

	if (channel < 0)
		return -1;
	if (channel_send_text(channel, CHANNEL_WATCH, "%s", "") < 0 ||
	    answer(channel, what, &m, &ignored) < 0 || m.type != CHANNEL_OK) {
		close(channel);
		return -1;
	}
	memcpy(ret_reason, m.text, sizeof(m.text));
	return channel;
}

int supervisor_watched(int channel, char ret_reason[CHANNEL_TEXT_MAX])
{
	int fds[CHANNEL_MAX];
	struct channel_msg m;
	const int n = channel_receive(channel, &m, fds);

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0)
		return -1;
	channel_close_fds(&m, fds);
	if (m.type != CHANNEL_TERMINATE)
		return 0;
	memcpy(ret_reason, m.text, sizeof(m.text));
	return 1;
}

void supervisor_release(int channel)
{
	if (channel >= 0)
		close(channel);
}

/* --- ending --- */

pid_t supervisor_process(const struct state *s, const char *name,
			 enum supervisor_kind kind)
{
	struct live_error ignored;
	const char *text;
	unsigned long long when;
	char *end;
	size_t len;
	long pid;
	ARENA(a);

	text = state_read(s, &a, name, kinds[kind].process, &len, &ignored);
	if (!text)
		return 0;
	pid = strtol(text, &end, 10);
	when = strtoull(end, NULL, 10);
	return pid > 1 && when && started((pid_t)pid) == when ? (pid_t)pid : 0;
}

static bool wait_gone(const struct state *s, const char *name,
		      enum supervisor_kind kind)
{
	const struct timespec pause = {.tv_nsec = STOP_WAIT_NS};
	unsigned int i;

	for (i = 0; i < STOP_TRIES; i++) {
		if (!supervisor_process(s, name, kind))
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

int supervisor_stop(const struct state *s, const char *name,
		    enum supervisor_kind kind, struct live_error *e)
{
	struct live_error ignored;
	int channel = connect_to(s, name, kind, QUICK_PATIENCE_MS);
	pid_t pid;

	if (channel >= 0) {
		ask(channel, CHANNEL_STOP, &ignored);
		close(channel);
	}
	/* The sockets are free once it is gone. */
	if (wait_gone(s, name, kind))
		return 0;
	pid = supervisor_process(s, name, kind);
	if (pid && kill(pid, SIGKILL) < 0 && errno != ESRCH)
		return live_errno(e, errno, "kill " PROGRAM);
	if (wait_gone(s, name, kind))
		return 0;
	return live_system(e, PROGRAM " (process %d) does not end", (int)pid);
}

enum supervisor_health supervisor_status(const struct state *s, struct arena *a,
					 const char *name,
					 enum supervisor_kind kind,
					 const char **ret, int list)
{
	const struct channel_msg asked = {
		.type = CHANNEL_STATUS,
		.count = list >= 0,
	};
	int channel = connect_to(s, name, kind, QUICK_PATIENCE_MS);
	int fds[CHANNEL_MAX], n = -1, code;
	struct channel_msg m;

	*ret = "";
	if (channel < 0)
		return errno == ENOENT	 ? SUPERVISOR_NONE
		       : errno == EAGAIN ? SUPERVISOR_MUTE
					 : SUPERVISOR_DEAD;
	if (channel_send(channel, &asked, &list) == 0)
		n = channel_receive(channel, &m, fds);
	code = errno;
	if (n == 1)
		channel_close_fds(&m, fds);
	close(channel);
	if (n == 1 && m.type != CHANNEL_FAILED) {
		*ret = arena_strdup(a, m.text);
		return SUPERVISOR_ALIVE;
	}
	return n == 1 || (n < 0 && code == EAGAIN) ? SUPERVISOR_MUTE
						   : SUPERVISOR_DEAD;
}

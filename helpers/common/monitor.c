/* SPDX-License-Identifier: GPL-2.0-or-later */
/* monitor.c - A child process that is started again whenever it ends. */
#include "monitor.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void again(struct loop *l, struct loop_timer *t)
{
	struct monitor *m = loop_owner(t, struct monitor, timer);

	if (m->stopped)
		return;
	m->restarts++;
	/* No process, no descriptor: it is tried again like one that died. */
	if (monitor_start(m) < 0)
		loop_set(l, &m->queue, &m->timer, MONITOR_DELAY_MAX_MS);
}

static void plan_restart(struct monitor *m)
{
	if (m->loop->now - m->since >= MONITOR_STEADY_MS)
		m->delay = 0;
	loop_set(m->loop, &m->queue, &m->timer, m->delay);
	m->delay = m->delay ? 2 * m->delay : MONITOR_DELAY_MS;
	if (m->delay > MONITOR_DELAY_MAX_MS)
		m->delay = MONITOR_DELAY_MAX_MS;
}

static void exited(struct loop *l, struct loop_watch *w, uint32_t events)
{
	struct monitor *m = loop_owner(w, struct monitor, watch);
	int status = 0;

	(void)events;
	if (waitpid(m->pid, &status, WNOHANG) != m->pid)
		return;
	loop_remove(l, w);
	close(w->fd);
	m->pid = 0;
	if (!m->stopped)
		plan_restart(m);
	m->ended(m, status);
}

void monitor_init(struct monitor *m, struct loop *l)
{
	m->loop = l;
	m->watch.ready = exited;
	m->timer.fire = again;
	loop_add_queue(l, &m->queue);
}

static int watch_child(struct monitor *m, pid_t pid)
{
	/* Linux 5.3, commit 32fcb426ec00; CLOEXEC by itself. */
	m->watch.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (m->watch.fd < 0)
		return -1;
	if (loop_add(m->loop, &m->watch, EPOLLIN) == 0)
		return 0;
	close(m->watch.fd);
	return -1;
}

int monitor_start(struct monitor *m)
{
	pid_t pid;

	m->prepare(m);
	pid = fork();
	if (pid < 0)
		return -1;
	if (pid == 0) {
		m->child(m);
		_exit(127);
	}
	if (watch_child(m, pid) < 0) {
		const int code = errno;

		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		errno = code;
		return -1;
	}
	m->pid = pid;
	m->since = m->loop->now;
	m->started(m);
	return 0;
}

void monitor_kill(struct monitor *m)
{
	if (m->pid > 0)
		kill(m->pid, SIGKILL);
}

void monitor_stop(struct monitor *m)
{
	m->stopped = true;
	loop_unset(&m->queue, &m->timer);
}

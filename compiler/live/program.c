/* SPDX-License-Identifier: GPL-2.0-or-later */
/* program.c - The programs that do for msb-netc what it cannot do itself. */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The directory of our own program; "" if nobody can tell. */
static const char *own_directory(struct arena *a)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path));

	while (n > 0 && path[n - 1] != '/')
		n--;
	return n > 1 ? arena_strndup(a, path, (size_t)n - 1) : "";
}

/* The directory that was asked for, or else where helpers are installed beside
 * us, or else where the build installs them. A program of the build tree has
 * the build tree's; an installed one never looks there. */
const char *program_find(struct arena *a, const char *helpers, const char *name,
			 struct live_error *e)
{
	const char *own = own_directory(a);
	const char *beside = arena_printf(a, "%s/../libexec/msb-netc", own);
	const char *build = NULL;
	size_t i;

#ifdef MSB_BUILD_DIR
	if (strncmp(own, MSB_BUILD_DIR "/", sizeof(MSB_BUILD_DIR)) == 0)
		build = MSB_BUILD_DIR "/libexec";
#endif
	{
		const char *const dirs[] = {
			helpers,
			helpers ? NULL : build,
			helpers || !*own ? NULL : beside,
			helpers ? NULL : MSB_LIBEXECDIR,
		};

		for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
			const char *path = dirs[i] ? arena_printf(a, "%s/%s",
								  dirs[i], name)
						   : NULL;

			if (path && access(path, X_OK) == 0)
				return path;
		}
	}
	live_system(e, "there is no %s in %s", name,
		    helpers ? helpers : MSB_LIBEXECDIR);
	return NULL;
}

/* In the child: with nothing that was ours. */
static _Noreturn void become(const struct program *p, int words)
{
	char *const env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;
	int sig;

	if (null < 0 || dup2(p->out >= 0 ? p->out : null, 1) < 0 ||
	    dup2(words, 2) < 0 || dup2(null, 0) < 0)
		_exit(3);
	umask(077);
	for (sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	for (size_t i = 0; i < p->n_fds; i++)
		fcntl(p->fds[i], F_SETFD, 0);
	/* It counts on after exec. */
	alarm(PROGRAM_SECONDS);
	execve(p->path, (char *const *)(uintptr_t)p->argv, env);
	_exit(3);
}

static void listen_to(int fd, struct str *words)
{
	char buf[256];

	for (;;) {
		const ssize_t n = read(fd, buf, sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		if (words->len < PROGRAM_WORDS_MAX)
			str_append(words, buf, (size_t)n);
	}
	while (words->len && words->data[words->len - 1] == '\n')
		words->data[--words->len] = '\0';
}

int program_run(const struct program *p, struct str *words,
		struct live_error *e)
{
	int ends[2], status = 0;
	pid_t pid, rc;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return live_errno(e, errno, "pipe");
	pid = fork();
	if (pid == 0)
		become(p, ends[1]);
	close(ends[1]);
	if (pid < 0) {
		live_errno(e, errno, "fork %s", p->argv[0]);
		close(ends[0]);
		return -1;
	}
	listen_to(ends[0], words);
	close(ends[0]);
	do {
		rc = waitpid(pid, &status, 0);
	} while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return live_errno(e, errno, "wait for %s", p->argv[0]);
	if (!WIFEXITED(status))
		return live_system(e, "%s was ended by signal %d", p->argv[0],
				   WTERMSIG(status));
	return WEXITSTATUS(status);
}

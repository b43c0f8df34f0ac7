/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_signer.c - The signer as the confined process that it is. */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "sign_case.h"
#include "signer_calls.h"
#include "syscalls.h"
#include "tls_fd.h"

/** struct process - A signer that runs, and our ends */
struct process {
	pid_t pid;
	int channel;
	int signer;
};

static struct process start(void)
{
	int channel[2], signer[2];
	struct process p;

	cr_assert(channel_pair(channel) == 0 && channel_pair(signer) == 0);
	p.pid = fork();
	if (p.pid == 0) {
		const struct tlsd_ends ends = {channel[1], -1, signer[1]};
		struct log log;

		close(channel[0]);
		close(signer[0]);
		log_open(&log, STDERR_FILENO, "test", "t");
		_exit(tlsd_signer(&log, &ends, signer_confine));
	}
	close(channel[1]);
	close(signer[1]);
	p.channel = channel[0];
	p.signer = signer[0];
	cr_assert(channel_set_timeout(p.channel, 20000) == 0 &&
		  channel_set_timeout(p.signer, 20000) == 0);
	return p;
}

static int end(const struct process *p)
{
	int status;

	close(p->channel);
	close(p->signer);
	cr_assert(waitpid(p->pid, &status, 0) == p->pid);
	return status;
}

static void send_fds(const struct process *p, enum channel_type type,
		     const uint32_t *index, int *fds, uint32_t n)
{
	struct channel_msg m = {.type = type, .count = n};

	memcpy(m.index, index, n * sizeof(*index));
	cr_assert(channel_send(p->channel, &m, fds) == 0);
}

static struct channel_msg asked(const struct process *p, enum channel_type type)
{
	struct channel_msg m;
	int fds[CHANNEL_MAX];

	cr_assert(channel_send_text(p->channel, type, "%s", "") == 0);
	cr_assert(channel_receive(p->channel, &m, fds) == 1);
	return m;
}

static uint32_t leaf_of(const struct process *p, const struct tlsd_sign *ask)
{
	struct tlsd_signed got = {0};

	cr_assert(send(p->signer, ask, sizeof(*ask), 0) == sizeof(*ask));
	cr_assert(recv(p->signer, &got, sizeof(got), 0) == sizeof(got));
	return got.len;
}

static void configure(const struct process *p, const struct sign_case *f,
		      const char *rules)
{
	static const uint32_t index[] = {TLS_CA_CERT, TLS_CA_KEY};
	int fds[] = {f->cert, f->key},
	    fd = sign_case_conf_fd(rules, "deny", PORT443);

	send_fds(p, CHANNEL_PREPARE, (const uint32_t[]){0}, &fd, 1);
	send_fds(p, CHANNEL_SOCKETS, index, fds, 2);
	close(fd);
}

Test(signer, serves)
{
	const struct sign_case f = sign_case_ca();
	const struct tlsd_sign a = sign_case_ask_for(&f, "a.example");
	const struct tlsd_sign b = sign_case_ask_for(&f, "b.example");
	struct process p = start();
	struct channel_msg m;

	cr_assert(!leaf_of(&p, &a));
	m = asked(&p, CHANNEL_COMMIT);
	cr_assert(m.type == CHANNEL_FAILED);
	configure(&p, &f, ALLOW_A);
	cr_assert(!leaf_of(&p, &a));
	m = asked(&p, CHANNEL_READY);
	cr_assert(m.type == CHANNEL_OK, "%s", m.text);
	m = asked(&p, CHANNEL_COMMIT);
	cr_assert(m.type == CHANNEL_OK, "%s", m.text);
	/* Many, so that whatever the library does now and then is done. */
	for (int i = 0; i < 200; i++)
		cr_assert(leaf_of(&p, &a));
	cr_assert(!leaf_of(&p, &b));
	configure(&p, &f, ALLOW_B);
	m = asked(&p, CHANNEL_READY);
	cr_assert(m.type == CHANNEL_OK, "%s", m.text);
	cr_assert(leaf_of(&p, &a) && leaf_of(&p, &b));
	m = asked(&p, CHANNEL_ABORT);
	cr_assert(m.type == CHANNEL_OK && leaf_of(&p, &a) && !leaf_of(&p, &b));
	m = asked(&p, CHANNEL_STATUS);
	cr_assert_str_eq(m.text, "signed 203 refused 4");
	m = asked(&p, CHANNEL_CONNECT);
	cr_assert(m.type == CHANNEL_FAILED);
	cr_assert_eq(end(&p), 0);
}

Test(signer, refuses_what_is_no_configuration)
{
	const struct sign_case f = sign_case_ca();
	struct process p = start();
	int fd = sign_case_text_fd("{\"Version\":2}"), fds[] = {f.cert, f.key};
	struct channel_msg m;

	send_fds(&p, CHANNEL_PREPARE, (const uint32_t[]){0}, &fd, 1);
	m = asked(&p, CHANNEL_READY);
	cr_assert(m.type == CHANNEL_FAILED && *m.text);
	configure(&p, &f, ALLOW_A);
	/* Two for one place. */
	send_fds(&p, CHANNEL_SOCKETS,
		 (const uint32_t[]){TLS_CA_KEY, TLS_FD_COUNT}, fds, 2);
	m = asked(&p, CHANNEL_READY);
	cr_assert(m.type == CHANNEL_FAILED);
	/* And it goes on. */
	configure(&p, &f, ALLOW_A);
	m = asked(&p, CHANNEL_READY);
	cr_assert(m.type == CHANNEL_OK, "%s", m.text);
	cr_assert_eq(end(&p), 0);
}

/* A request of another size is no request: whoever sends it is not ours. */
Test(signer, ends_when_the_worker_says_what_it_cannot)
{
	static const size_t sizes[] = {1, sizeof(struct tlsd_sign) - 1,
				       sizeof(struct tlsd_sign) + 1};
	static const uint8_t zeros[sizeof(struct tlsd_sign) + 1];

	for (size_t i = 0; i < 3; i++) {
		struct process p = start();
		int status;

		cr_assert(send(p.signer, zeros, sizes[i], 0) ==
			  (ssize_t)sizes[i]);
		status = end(&p);
		cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	}
}

Test(signer, ends_with_the_worker)
{
	struct process p = start();
	int status;

	close(p.signer);
	cr_assert(waitpid(p.pid, &status, 0) == p.pid);
	cr_assert_eq(status, 0);
}

/* What it may not do ends it: here a socket, which any worker may make. */
Test(signer, has_few_system_calls)
{
	int status;
	const pid_t pid = fork();

	if (pid == 0) {
		if (signer_confine())
			_exit(1);
		_exit(socket(AF_INET, SOCK_STREAM, 0) < 0 ? 2 : 0);
	}
	cr_assert(waitpid(pid, &status, 0) == pid);
	if (SYSCALLS_SANITIZED)
		cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	else
		cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

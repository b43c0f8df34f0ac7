/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls_worker.c - msb-tlsd's worker alone, with an interception that is none.
 *
 * Its channels are given as numbers of descriptors. What it intercepts is not
 * TLS any more behind the ClientHello: "echo." says so to the guest, and says
 * back what the guest says, in upper case; "fail." fails; "wait." waits for
 * ever; "leak." does as "echo." until the guest says "leak", which is taken for
 * a placeholder of the first secret.
 */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "calls.h"
#include "conf.h"
#include "confine.h"
#include "number.h"
#include "worker.h"

/** struct intercept - Something in place of an interception */
struct intercept {
	int guest;
	char kind[8];
	char out[512];
	size_t len;
	bool readable;
	bool open;
	bool gated;
	bool leaked;
};

struct intercept_process *intercept_process_new(int signer,
						const char **ret_reason)
{
	(void)signer;
	(void)ret_reason;
	return malloc(1);
}

void intercept_process_free(struct intercept_process *p)
{
	free(p);
}

struct intercept_env *intercept_env_new(const struct intercept_conf *c,
					const char **ret_reason)
{
	*ret_reason = "the roots are bad";
	return memcmp(c->roots, "bad", 3) ? malloc(1) : NULL;
}

void intercept_env_free(struct intercept_env *env)
{
	free(env);
}

const char *intercept_env_crypto(const struct intercept_env *env)
{
	(void)env;
	return "double";
}

struct intercept *intercept_begin(struct intercept_env *env,
				  const struct intercept_flow *f)
{
	char name[DNAME_TEXT_MAX] = "-", leaf[DNAME_TEXT_MAX] = "-";
	struct intercept *i = calloc(1, sizeof(*i));

	(void)env;
	if (f->hello->sni.len)
		dname_format(f->hello->sni, name);
	if (f->leaf.len)
		dname_format(f->leaf, leaf);
	i->guest = f->guest;
	i->gated = f->secrets;
	snprintf(i->kind, sizeof(i->kind), "%.5s", name);
	i->len = (size_t)snprintf(i->out, sizeof(i->out),
				  "%s %s %zu %zu:", name, leaf,
				  f->hello->message_len, f->rest_len);
	if (f->rest_len && f->rest_len < sizeof(i->out) - i->len) {
		memcpy(i->out + i->len, f->rest, f->rest_len);
		i->len += f->rest_len;
	}
	return i;
}

void intercept_events(struct intercept *i, unsigned int side, uint32_t events)
{
	if (side == FLOW_GUEST && events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP))
		i->readable = true;
}

enum intercept_state intercept_run(struct intercept *i)
{
	if (!strcmp(i->kind, "again"))
		return INTERCEPT_REDIAL;
	if (!strcmp(i->kind, "wait."))
		return INTERCEPT_WAIT;
	if (!strcmp(i->kind, "fail."))
		return INTERCEPT_FAILED;
	i->open = true;
	for (;;) {
		ssize_t n;

		if (i->len &&
		    send(i->guest, i->out, i->len, 0) != (ssize_t)i->len)
			return INTERCEPT_FAILED;
		i->len = 0;
		n = recv(i->guest, i->out, sizeof(i->out), MSG_DONTWAIT);
		if (n == 0)
			return INTERCEPT_DONE;
		if (n < 0)
			return errno == EAGAIN ? INTERCEPT_WAIT
					       : INTERCEPT_FAILED;
		i->leaked = i->gated && !strcmp(i->kind, "leak.") && n == 4 &&
			    !memcmp(i->out, "leak", 4);
		if (i->leaked)
			return INTERCEPT_FAILED;
		for (; i->len < (size_t)n; i->len++)
			i->out[i->len] =
				(char)toupper((unsigned char)i->out[i->len]);
	}
}

void intercept_redial(struct intercept *i, int server)
{
	i->kind[0] = '\0';
	if (send(server, "again", 5, 0) != 5)
		strcpy(i->kind, "fail.");
}

bool intercept_is_open(const struct intercept *i)
{
	return i->open;
}

const char *intercept_why(const struct intercept *i)
{
	return strcmp(i->kind, "fail.") ? NULL : "expired";
}

const struct gate_violation *intercept_violation(const struct intercept *i)
{
	static const struct gate_violation leak = {
		.where = GATE_BODY,
		.action = SECRET_BLOCK_AND_LOG,
	};

	return i->leaked ? &leak : NULL;
}

void intercept_end(struct intercept *i)
{
	free(i);
}

static const char *confine(void)
{
	const char *failed = calls_restrict();

	return failed ? failed : confine_worker(WORKER_FILES);
}

int main(int argc, char **argv)
{
	struct tlsd_ends ends;
	struct log log;

	if (argc != 3)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	ends = (struct tlsd_ends){number_fd(argv[1]), number_fd(argv[2]), -1};
	log_open(&log, 2, "msb-tlsd", "test");
	conf_warm_up();
	return tlsd_worker(&log, &ends, confine);
}

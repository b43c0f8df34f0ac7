/* SPDX-License-Identifier: GPL-2.0-or-later */
/* gate_tool.c - Puts flows through a gate, for tests in another language.
 *
 *	gate_tool PLACEHOLDER VALUE HOST INJECT ...	a secret each
 *
 * Reads flows from its input, until that ends: whether it is HTTP/2, the octets
 * in a piece, the length of the server's name and of what the guest says (each
 * four octets, big-endian), then these two. Writes for each: the state, and the
 * length of what the server hears, then that.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate.h"

static uint8_t heard[1 << 22];
static size_t n_heard;

static bool hear(void *arg, enum gate_side from, const uint8_t *data,
		 size_t len)
{
	(void)arg;
	if (from != GATE_GUEST || n_heard + len > sizeof(heard))
		return false;
	if (len)
		memcpy(heard + n_heard, data, len);
	n_heard += len;
	return true;
}

static bool read_all(void *to, size_t len)
{
	return fread(to, 1, len, stdin) == len;
}

static uint32_t run(const struct gate_env *env, const char *sni, bool h2,
		    const uint8_t *data, size_t len, size_t piece)
{
	struct gate *g = gate_begin(env, *sni ? sni : NULL, h2);
	enum gate_state state = GATE_OK;
	struct gate_violation v;

	if (!g)
		abort();
	n_heard = 0;
	for (size_t at = 0; at < len && state == GATE_OK; at += piece)
		state = gate_feed(g, GATE_GUEST, data + at,
				  len - at < piece ? len - at : piece, hear,
				  NULL, &v);
	if (state == GATE_OK)
		state = gate_finish(g, GATE_GUEST, hear, NULL, &v);
	gate_end(g);
	return state;
}

static bool run_one(const struct gate_env *env)
{
	static uint8_t said[1 << 22];
	uint32_t n[4], answer[2];
	char sni[256] = "";

	if (!read_all(n, sizeof(n)))
		return false;
	for (size_t i = 0; i < 4; i++)
		n[i] = ntohl(n[i]);
	if (!n[1] || n[2] >= sizeof(sni) || n[3] > sizeof(said) ||
	    !read_all(sni, n[2]) || !read_all(said, n[3]))
		abort();
	answer[0] = htonl(run(env, sni, n[0] != 0, said, n[3], n[1]));
	answer[1] = htonl((uint32_t)n_heard);
	fwrite(answer, sizeof(answer), 1, stdout);
	fwrite(heard, 1, n_heard, stdout);
	fflush(stdout);
	return true;
}

int main(int argc, char **argv)
{
	static struct secret all[SECRET_MAX];
	static struct secret_host hosts[SECRET_MAX];
	struct secrets s = {all, 0};
	struct gate_env *env;

	for (int i = 1; i + 3 < argc && s.n < SECRET_MAX; i += 4) {
		hosts[s.n] = (struct secret_host){argv[i + 2], false};
		all[s.n] = (struct secret){
			.name = argv[i],
			.placeholder = (const uint8_t *)argv[i],
			.placeholder_len = strlen(argv[i]),
			.value = (const uint8_t *)argv[i + 1],
			.value_len = strlen(argv[i + 1]),
			.hosts = &hosts[s.n],
			.n_hosts = 1,
			.inject = (unsigned int)strtoul(argv[i + 3], NULL, 0),
		};
		s.n++;
	}
	env = gate_env_new(&s);
	if (!env)
		return 1;
	while (run_one(env))
		;
	gate_env_free(env);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_gate.c - Any octets through a gate: safe, the same in any pieces, and no
 * value goes anywhere but to the host that may have it.
 *
 * The first octet of a file says what the flow is: bit 0 HTTP/2 by ALPN, bit 1
 * a host that may have the secret, bit 2 one that it may be put into a body
 * for.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

#define VALUE "/value\"&of it/"

static const struct secret_host api = {"api.example.com", false};
static const struct secret_host body = {"body.example.com", false};

static const struct secret all[] = {
	{
		.name = "KEY",
		.placeholder = (const uint8_t *)"$MSB_KEY",
		.placeholder_len = 8,
		.value = (const uint8_t *)VALUE,
		.value_len = sizeof(VALUE) - 1,
		.hosts = &api,
		.n_hosts = 1,
		.inject = SECRET_IN_HEADERS | SECRET_IN_BASIC | SECRET_IN_QUERY,
	},
	{
		.name = "KEY2",
		.placeholder = (const uint8_t *)"$MSB_KEY2",
		.placeholder_len = 9,
		.value = (const uint8_t *)VALUE,
		.value_len = sizeof(VALUE) - 1,
		.hosts = &body,
		.n_hosts = 1,
		.inject = SECRET_IN_HEADERS | SECRET_IN_BODY,
		.action = SECRET_BLOCK_AND_TERMINATE,
	},
};

/** struct result - What came out */
struct result {
	enum gate_state state;
	struct gate_violation v;
	size_t len;
	uint8_t text[1 << 21];
};

static bool sink(void *arg, enum gate_side from, const uint8_t *data,
		 size_t len)
{
	struct result *r = arg;

	if (from != GATE_GUEST)
		return true;
	if (r->len + len > sizeof(r->text))
		return false;
	if (len)
		memcpy(r->text + r->len, data, len);
	r->len += len;
	return true;
}

static void run(const struct gate_env *env, const char *sni, bool h2,
		const uint8_t *data, size_t size, size_t step, struct result *r)
{
	struct gate *g = gate_begin(env, sni, h2);

	MUST(g);
	r->len = 0;
	r->state = GATE_OK;
	memset(&r->v, 0, sizeof(r->v));
	for (size_t at = 0; at < size && r->state == GATE_OK; at += step)
		r->state = gate_feed(g, GATE_GUEST, data + at,
				     size - at < step ? size - at : step, sink,
				     r, &r->v);
	if (r->state == GATE_OK)
		r->state = gate_finish(g, GATE_GUEST, sink, r, &r->v);
	gate_end(g);
}

/* As what a server says. */
static void run_answer(const struct gate_env *env, bool h2, const uint8_t *data,
		       size_t size)
{
	static const char upgrade[] = "GET / HTTP/1.1\r\nHost: x\r\n"
				      "Upgrade: y\r\n\r\nz";
	static struct result r;
	struct gate *g = gate_begin(env, NULL, h2);

	MUST(g);
	r.len = 0;
	if (!h2)
		MUST(gate_feed(g, GATE_GUEST, (const uint8_t *)upgrade,
			       sizeof(upgrade) - 1, sink, &r, &r.v) == GATE_OK);
	for (size_t at = 0; at < size; at++)
		if (gate_feed(g, GATE_SERVER, data + at, 1, sink, &r, &r.v) !=
		    GATE_OK)
			break;
	gate_end(g);
}

/** struct echo - What a guest hears */
struct echo {
	size_t len;
	uint8_t text[1 << 18];
};

static bool hear(void *arg, enum gate_side from, const uint8_t *data,
		 size_t len)
{
	struct echo *e = arg;

	if (from != GATE_SERVER)
		return true;
	if (e->len + len > sizeof(e->text))
		return false;
	memcpy(e->text + e->len, data, len);
	e->len += len;
	return true;
}

/* As what a server says that was told a value, in HTTP/1.1, with the value in
 * the middle of it: in any pieces it is as long, and no value is whole. */
static void run_echo(const struct gate_env *env, const uint8_t *data,
		     size_t size, size_t step)
{
	static const char ask[] = "GET / HTTP/1.1\r\nHost: api.example.com\r\n"
				  "X: $MSB_KEY\r\n"
				  "Authorization: Basic JE1TQl9LRVk=\r\n\r\n";
	static const char *const forms[] = {
		VALUE,
		"%2Fvalue%22%26of%20it%2F",
		"/value\\\"&of it/",
		"L3ZhbHVlIiZvZiBpdC",
	};
	static uint8_t said[1 << 17];
	static struct echo e;
	const uint8_t *value =
		(const uint8_t *)forms[size ? data[0] % COUNT(forms) : 0];
	const size_t half = size / 2, n = strlen((const char *)value);
	struct gate *g = gate_begin(env, "api.example.com", false);
	struct gate_violation v;

	MUST(g);
	e.len = 0;
	MUST(gate_feed(g, GATE_GUEST, (const uint8_t *)ask, sizeof(ask) - 1,
		       hear, &e, &v) == GATE_OK);
	memcpy(said, data, half);
	memcpy(said + half, value, n);
	memcpy(said + half + n, data + half, size - half);
	size += n;
	for (size_t at = 0; at < size; at += step)
		MUST(gate_feed(g, GATE_SERVER, said + at,
			       size - at < step ? size - at : step, hear, &e,
			       &v) == GATE_OK);
	MUST(gate_finish(g, GATE_SERVER, hear, &e, &v) == GATE_OK);
	gate_end(g);
	MUST(e.len == size);
	for (size_t i = 0; i < size; i++)
		MUST(e.text[i] == said[i] || e.text[i] == '*');
	for (size_t i = 0; i < COUNT(forms); i++)
		MUST(!memmem(e.text, e.len, forms[i], strlen(forms[i])));
}

/* As what a guest says once WebSocket was agreed upon. */
static enum gate_state run_websocket(const struct gate_env *env,
				     const uint8_t *data, size_t size,
				     size_t step)
{
	static const char upgrade[] = "GET / HTTP/1.1\r\nHost: x\r\n"
				      "Upgrade: websocket\r\n\r\n";
	static const char yes[] = "HTTP/1.1 101 Y\r\n";
	static struct result r;
	struct gate *g = gate_begin(env, NULL, false);
	enum gate_state state;

	MUST(g);
	r.len = 0;
	MUST(gate_feed(g, GATE_GUEST, (const uint8_t *)upgrade,
		       sizeof(upgrade) - 1, sink, &r, &r.v) == GATE_OK);
	state = gate_feed(g, GATE_SERVER, (const uint8_t *)yes, sizeof(yes) - 1,
			  sink, &r, &r.v);
	for (size_t at = 0; at < size && state == GATE_OK; at += step)
		state = gate_feed(g, GATE_GUEST, data + at,
				  size - at < step ? size - at : step, sink, &r,
				  &r.v);
	if (state == GATE_OK)
		state = gate_finish(g, GATE_GUEST, sink, &r, &r.v);
	gate_end(g);
	return state;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct secrets secrets = {all, 2};
	static struct gate_env *env;
	static struct result whole, other;
	const char *sni;
	bool h2;

	if (!env)
		env = gate_env_new(&secrets);
	MUST(env);
	if (!size)
		return 0;
	h2 = data[0] & 1;
	sni = data[0] & 2 ? "api.example.com" : "none.example.org";
	sni = data[0] & 4 ? "body.example.com" : sni;
	data++;
	size--;
	run(env, sni, h2, data, size, size + 1, &whole);
	for (size_t step = 1; step < 20; step += 6) {
		run(env, sni, h2, data, size, step, &other);
		MUST(other.state == whole.state);
		MUST(other.v.where == whole.v.where);
		if (whole.state != GATE_OK || data[-1] & 4)
			continue;
		MUST(other.len == whole.len);
		MUST(!memcmp(other.text, whole.text, whole.len));
	}
	if (!memmem(data, size, VALUE, sizeof(VALUE) - 1) && !(data[-1] & 6))
		MUST(!memmem(whole.text, whole.len, VALUE, sizeof(VALUE) - 1));
	run_answer(env, h2, data, size);
	for (size_t step = 1; size < 1 << 16 && step < 40; step += 9)
		run_echo(env, data, size, step);
	MUST(run_websocket(env, data, size, 3) ==
	     run_websocket(env, data, size, size + 1));
	return 0;
}

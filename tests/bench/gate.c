/* SPDX-License-Identifier: GPL-2.0-or-later */
/* gate.c - What a gate costs: bodies in octets, small requests by number.
 *
 *	bench_gate [PLACEHOLDERS]	default 10
 */
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gate.h"

#define BODY   (64u << 20)
#define PIECE  16384u
#define ASKED  20000
#define ROUNDS 5

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool sink(void *arg, enum gate_side from, const uint8_t *data,
		 size_t len)
{
	size_t *n = arg;

	(void)from;
	(void)data;
	*n += len;
	return true;
}

static const struct secret_host host = {"api.example.com", false};

static struct gate_env *env_of(size_t n)
{
	static char names[SECRET_MAX][32];
	static struct secret all[SECRET_MAX];
	static struct secrets s;

	s = (struct secrets){all, n};
	for (size_t i = 0; i < n; i++) {
		snprintf(names[i], sizeof(names[i]), "$MSB_API_KEY_%zu", i);
		all[i] = (struct secret){
			.placeholder = (const uint8_t *)names[i],
			.placeholder_len = strlen(names[i]),
			.value = (const uint8_t *)"sk-1234567890",
			.value_len = 13,
			.hosts = &host,
			.n_hosts = 1,
			.inject = SECRET_IN_HEADERS | SECRET_IN_BASIC,
		};
	}
	return gate_env_new(&s);
}

static void feed_from(struct gate *g, enum gate_side from, const void *data,
		      size_t len)
{
	struct gate_violation v;
	size_t n = 0;

	if (gate_feed(g, from, data, len, sink, &n, &v) != GATE_OK)
		abort();
}

static void feed(struct gate *g, const void *data, size_t len)
{
	feed_from(g, GATE_GUEST, data, len);
}

static const uint8_t *text_of_words(void)
{
	static uint8_t text[PIECE];
	static const char words[] = "the policy of a sandbox allows it to ask "
				    "{\"name\": \"value\", \"list\": [1, 2]}\n";

	for (size_t i = 0; i < PIECE; i++)
		text[i] = (uint8_t)words[i % (sizeof(words) - 1)];
	return text;
}

static double http1_body(const struct gate_env *env)
{
	struct gate *g = gate_begin(env, host.name, false);
	const uint8_t *text = text_of_words();
	char head[128];
	const double from = now();

	snprintf(head, sizeof(head),
		 "POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: %u\r\n\r\n",
		 host.name, BODY);
	feed(g, head, strlen(head));
	for (size_t at = 0; at < BODY; at += PIECE)
		feed(g, text, PIECE);
	gate_end(g);
	return BODY / (now() - from) / 1e6;
}

/* What a server says that was told @n values, one of them also in Basic. */
static double answers(const struct gate_env *env, unsigned int n)
{
	struct gate *g = gate_begin(env, host.name, false);
	const uint8_t *text = text_of_words();
	char head[8192];
	int len = snprintf(head, sizeof(head), "GET / HTTP/1.1\r\nHost: %s\r\n",
			   host.name);
	double from;

	for (unsigned int i = 0; i < n; i++)
		len += snprintf(head + len, sizeof(head) - (size_t)len,
				"X-Key: $MSB_API_KEY_%u\r\n", i);
	snprintf(head + len, sizeof(head) - (size_t)len, "\r\n");
	feed(g, head, strlen(head));
	from = now();
	for (size_t at = 0; at < BODY; at += PIECE)
		feed_from(g, GATE_SERVER, text, PIECE);
	gate_end(g);
	return (now() - from) / BODY * 1e12;
}

static double answers_0(const struct gate_env *env)
{
	return answers(env, 0);
}

static double answers_1(const struct gate_env *env)
{
	return answers(env, 1);
}

static double answers_10(const struct gate_env *env)
{
	return answers(env, 10);
}

/* user:$MSB_API_KEY_0 */
static double answers_basic(const struct gate_env *env)
{
	static const char ask[] =
		"GET / HTTP/1.1\r\nHost: api.example.com\r\n"
		"Authorization: Basic dXNlcjokTVNCX0FQSV9LRVlfMA==\r\n\r\n";
	struct gate *g = gate_begin(env, host.name, false);
	const uint8_t *text = text_of_words();
	double from;

	feed(g, ask, sizeof(ask) - 1);
	from = now();
	for (size_t at = 0; at < BODY; at += PIECE)
		feed_from(g, GATE_SERVER, text, PIECE);
	gate_end(g);
	return (now() - from) / BODY * 1e12;
}

static double http1_requests(const struct gate_env *env)
{
	static const char ask[] =
		"GET /v1/some/path?with=query HTTP/1.1\r\n"
		"Host: api.example.com\r\nUser-Agent: curl/7.88.1\r\n"
		"Accept: */*\r\nX-Request-Id: 0123456789abcdef\r\n"
		"Authorization: Bearer $MSB_API_KEY_0\r\n\r\n";
	struct gate *g = gate_begin(env, host.name, false);
	const double from = now();

	for (int i = 0; i < ASKED; i++)
		feed(g, ask, sizeof(ask) - 1);
	gate_end(g);
	return ASKED / (now() - from) / 1e3;
}

#define NV(NAME, VALUE) \
	{ \
		(uint8_t *)(NAME), (uint8_t *)(VALUE), sizeof(NAME) - 1, \
			sizeof(VALUE) - 1, NGHTTP2_NV_FLAG_NONE \
	}

/* The frames of so many requests, as a client codes them. */
static size_t http2_frames(uint8_t *to, uint32_t from, uint32_t n)
{
	nghttp2_nv nv[] = {
		NV(":method", "GET"),
		NV(":scheme", "https"),
		NV(":authority", "api.example.com"),
		NV(":path", "/v1/some/path?with=query"),
		NV("user-agent", "curl/7.88.1"),
		NV("accept", "*/*"),
		NV("x-request-id", "0123456789abcdef"),
		NV("authorization", "Bearer $MSB_API_KEY_0"),
	};
	static nghttp2_hd_deflater *d;
	size_t len = 0;

	if (from == 1) {
		if (d)
			nghttp2_hd_deflate_del(d);
		nghttp2_hd_deflate_new(&d, 4096);
	}
	for (uint32_t id = from; id < from + 2 * n; id += 2) {
		uint8_t *h = to + len;
		const ssize_t size =
			nghttp2_hd_deflate_hd(d, h + 9, 1000, nv, 8);

		memcpy(h, "\0\0\0\1\5\0", 6);
		h[1] = (uint8_t)(size >> 8);
		h[2] = (uint8_t)size;
		h[6] = (uint8_t)(id >> 16);
		h[7] = (uint8_t)(id >> 8);
		h[8] = (uint8_t)id;
		len += 9 + (size_t)size;
	}
	return len;
}

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
			      "\0\0\0\4\0\0\0\0\0";

static double http2_requests(const struct gate_env *env)
{
	static uint8_t frames[ASKED * 200];
	struct gate *g = gate_begin(env, host.name, true);
	const size_t len = http2_frames(frames, 1, ASKED);
	const double from = now();

	feed(g, preface, sizeof(preface) - 1);
	feed(g, frames, len);
	gate_end(g);
	return ASKED / (now() - from) / 1e3;
}

static double http2_body(const struct gate_env *env)
{
	struct gate *g = gate_begin(env, host.name, true);
	const uint8_t *text = text_of_words();
	uint8_t frames[2000];
	const size_t len = http2_frames(frames, 1, 1);
	const double from = now();

	frames[4] = 4;
	feed(g, preface, sizeof(preface) - 1);
	feed(g, frames, len);
	for (size_t at = 0; at < BODY; at += PIECE) {
		feed(g, "\0\x40\0\0\0\0\0\0\1", 9);
		feed(g, text, PIECE);
	}
	gate_end(g);
	return BODY / (now() - from) / 1e6;
}

static void best(const char *name, double (*run)(const struct gate_env *),
		 const struct gate_env *env, const char *unit)
{
	double most = 0;

	for (int i = 0; i < ROUNDS; i++) {
		const double one = run(env);

		most = one > most ? one : most;
	}
	printf("%-18s%8.0f %s\n", name, most, unit);
}

static void least(const char *name, double (*run)(const struct gate_env *),
		  const struct gate_env *env, const char *unit)
{
	double few = 1e9;

	for (int i = 0; i < ROUNDS; i++) {
		const double one = run(env);

		few = one < few ? one : few;
	}
	printf("%-18s%8.0f %s\n", name, few, unit);
}

int main(int argc, char **argv)
{
	struct gate_env *env =
		env_of(argc > 1 ? strtoul(argv[1], NULL, 10) : 10);

	if (!env)
		return 1;
	best("HTTP/1.1 bodies", http1_body, env, "MB/s");
	best("HTTP/2 bodies", http2_body, env, "MB/s");
	least("answers", answers_0, env, "ps/octet");
	least("answers, 1 put in", answers_1, env, "ps/octet");
	least("answers, Basic", answers_basic, env, "ps/octet");
	least("answers, 10 put in", answers_10, env, "ps/octet");
	best("HTTP/1.1 requests", http1_requests, env, "thousand/s");
	best("HTTP/2 requests", http2_requests, env, "thousand/s");
	gate_env_free(env);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_http1_answer.c - Conversations in HTTP/1.1: what comes of a server's
 * answers. */
#include <criterion/criterion.h>

#include "http1_case.h"

/* A conversation: "<" is what the server says, ">" the guest. */
static enum gate_state talk(const char *sni, const char *const *lines, size_t n,
			    struct gate_violation *v)
{
	struct gate *g = gate_begin(http1_env, sni, false);
	enum gate_state state = GATE_OK;

	memset(http1_out.len, 0, sizeof(http1_out.len));
	for (size_t i = 0; i < n && state == GATE_OK; i++)
		for (const char *c = lines[i] + 1; *c && state == GATE_OK; c++)
			state = gate_feed(g,
					  lines[i][0] == '<' ? GATE_SERVER
							     : GATE_GUEST,
					  (const uint8_t *)c, 1, case_sink,
					  &http1_out, v);
	gate_end(g);
	http1_out.text[0][http1_out.len[0]] =
		http1_out.text[1][http1_out.len[1]] = 0;
	return state;
}

#define UPGRADE HEAD(API, "Upgrade: websocket\r\nConnection: Upgrade\r\n")

Test(http1, upgrade_that_is_agreed_upon)
{
	static const char *const lines[] = {
		">" UPGRADE "A: $MSB_KEY ",
		"<HTTP/1.1 100 Continue\r\nA: b\r\n\r\n",
		"<HTTP/1.1 101 Switching\r\n\r\n",
		">GET / HTTP/1.1\r\nA: $MSB_KEY\r\n\r\n",
	};
	struct gate_violation v;

	cr_assert_eq(talk(API, lines, COUNT(lines), &v), GATE_OK);
	cr_assert_str_eq((char *)http1_out.text[0],
			 UPGRADE "A: $MSB_KEY GET / HTTP/1.1\r\n"
				 "A: $MSB_KEY\r\n\r\n");
	cr_assert_str_eq((char *)http1_out.text[1],
			 "HTTP/1.1 100 Continue\r\nA: b\r\n\r\n"
			 "HTTP/1.1 101 Switching\r\n\r\n");
}

Test(http1, upgrade_that_is_declined)
{
	static const char *const lines[] = {
		">" UPGRADE HEAD(API, "A: $MSB_KEY\r\n"),
		"<HTTP/1.1 200 OK\r\n\r\n",
		">" HEAD(API, "A: $MSB_KEY\r\n"),
	};
	struct gate_violation v;

	cr_assert_eq(talk(API, lines, COUNT(lines), &v), GATE_OK);
	cr_assert_str_eq((char *)http1_out.text[0],
			 UPGRADE HEAD(API, "A: sk-12345\r\n")
				 HEAD(API, "A: sk-12345\r\n"));
}

Test(http1, upgrade_that_is_answered_before_its_body)
{
	static const char *const lines[] = {
		">POST / HTTP/1.1\r\nHost: " API
		"\r\nUpgrade: x\r\nContent-Length: 3\r\n\r\na",
		"<HTTP/1.1 101 OK\r\n\r\n",
		">bc" HEAD(API, "A: $MSB_KEY\r\n"),
	};
	struct gate_violation v;

	cr_assert_eq(talk(API, lines, COUNT(lines), &v), GATE_OK);
	cr_assert(strstr((char *)http1_out.text[0], "A: $MSB_KEY"));
}

/* It is not known which answer is meant. */
Test(http1, upgrade_behind_another_request)
{
	static const char *const lines[] = {
		">" HEAD(API, "") UPGRADE,
		"<HTTP/1.1 200 OK\r\n\r\n",
		">" HEAD(API, "A: $MSB_KEY\r\n"),
	};
	struct gate_violation v;

	cr_assert_eq(talk(API, lines, COUNT(lines), &v), GATE_OK);
	cr_assert(strstr((char *)http1_out.text[0], "A: $MSB_KEY"));
}

/* A frame of a client with a mask, its length in as many octets as asked. */
static size_t put_websocket(uint8_t *to, size_t octets, const char *text)
{
	static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
	const size_t len = strlen(text);
	size_t n = 0;

	to[n++] = 0x81;
	to[n++] = (uint8_t)(0x80 | (octets == 2 ? 126 : octets ? 127 : len));
	for (size_t i = octets; i > 0; i--)
		to[n++] = i > 1 ? 0 : (uint8_t)len;
	memcpy(to + n, mask, 4);
	n += 4;
	for (size_t i = 0; i < len; i++)
		to[n++] = (uint8_t)text[i] ^ mask[i % 4];
	return n;
}

static enum gate_state speak_websocket(const uint8_t *frames, size_t n,
				       size_t piece, struct gate_violation *v)
{
	static const char yes[] = "HTTP/1.1 101 Switching\r\n\r\n";
	struct gate *g = gate_begin(http1_env, API, false);
	enum gate_state state;

	memset(http1_out.len, 0, sizeof(http1_out.len));
	state = gate_feed(g, GATE_GUEST, (const uint8_t *)UPGRADE,
			  strlen(UPGRADE), case_sink, &http1_out, v);
	/* Some of it is there before the answer is. */
	if (state == GATE_OK)
		state = gate_feed(g, GATE_GUEST, frames, 1, case_sink,
				  &http1_out, v);
	if (state == GATE_OK)
		state = gate_feed(g, GATE_SERVER, (const uint8_t *)yes,
				  sizeof(yes) - 1, case_sink, &http1_out, v);
	for (size_t at = 1; at < n && state == GATE_OK; at += piece)
		state = gate_feed(g, GATE_GUEST, frames + at,
				  n - at < piece ? n - at : piece, case_sink,
				  &http1_out, v);
	gate_end(g);
	return state;
}

Test(http1, websocket)
{
	static const size_t octets[] = {0, 2, 8};
	struct gate_violation v;
	uint8_t frames[2048];

	for (size_t i = 0; i < COUNT(octets); i++)
		for (size_t piece = 1; piece < 60; piece++) {
			size_t n = put_websocket(frames, octets[i],
						 "{\"a\": \"$MSB_KEY\"}");

			n += put_websocket(frames + n, 0, "");
			cr_assert_eq(speak_websocket(frames, n, piece, &v),
				     GATE_OK);
			cr_assert(!memcmp(http1_out.text[0] + strlen(UPGRADE),
					  frames, n));
			n += put_websocket(frames + n, octets[i], "$MSB_O");
			n += put_websocket(frames + n, 0, "THER");
			cr_assert_eq(speak_websocket(frames, n, piece, &v),
				     GATE_VIOLATION);
			cr_assert_eq(v.where, GATE_STREAM);
			cr_assert_eq(v.found.secret, SECRET_OTHER);
		}
}

Test(http1, connect)
{
	static const char *const lines[] = {
		">CONNECT " API ":443 HTTP/1.1\r\nHost: " API "\r\n\r\n",
		"<HTTP/1.1 200 OK\r\n\r\n",
		">" HEAD(API, "A: $MSB_KEY\r\n") " $MSB_OTHER ",
	};
	struct gate_violation v;

	cr_assert_eq(talk(API, lines, COUNT(lines), &v), GATE_VIOLATION);
	cr_assert_eq(v.where, GATE_STREAM);
	cr_assert(strstr((char *)http1_out.text[0], "A: $MSB_KEY"));
}

Test(http1, too_much_before_an_answer)
{
	static char text[70000];
	struct gate_violation v;
	const size_t n = strlen(UPGRADE);

	memset(text, 'x', sizeof(text));
	memcpy(text, UPGRADE, n);
	cr_assert_eq(http1_run(API, text, sizeof(text), 5000, 5000, &v),
		     GATE_BROKEN);
	/* Where nobody may have a secret it goes on, as a stream. */
	cr_assert_eq(http1_run(NONE, text, sizeof(text), 5000, 5000, &v),
		     GATE_OK);
	cr_assert_eq(http1_out.len[0], sizeof(text));
}

Test(http1, a_server_that_speaks_first)
{
	static const char *const lines[] = {
		"<220 mail\r\n",
		">PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n A: $MSB_KEY",
		"<$MSB_OTHER",
	};
	struct gate_violation v;

	cr_assert_eq(talk(API, lines, COUNT(lines), &v), GATE_OK);
	cr_assert_str_eq((char *)http1_out.text[0], lines[1] + 1);
	cr_assert_str_eq((char *)http1_out.text[1], "220 mail\r\n$MSB_OTHER");
}

static void answer(struct gate *g, const char *text, const char *heard)
{
	struct gate_violation v;

	http1_out.len[1] = 0;
	cr_assert_eq(gate_feed(g, GATE_SERVER, (const uint8_t *)text,
			       strlen(text), case_sink, &http1_out, &v),
		     GATE_OK);
	http1_out.text[1][http1_out.len[1]] = 0;
	cr_assert_str_eq((char *)http1_out.text[1], heard);
}

/* Those that were put in, from then on; what waits ends with the server. */
Test(http1, values_in_answers)
{
	static const char one[] =
		HEAD(API, "Authorization: Basic dXNlcjokTVNCX0tFWQ==\r\n");
	struct gate *g = gate_begin(http1_env, API, false);
	struct gate_violation v;

	answer(g, "sk-12345", "sk-12345");
	cr_assert_eq(gate_feed(g, GATE_GUEST, (const uint8_t *)one,
			       sizeof(one) - 1, case_sink, &http1_out, &v),
		     GATE_OK);
	answer(g, "HTTP/1.1 200 sk-12345\r\nX: sk-12345\r\n\r\nother-value",
	       "HTTP/1.1 200 ********\r\nX: ********\r\n\r\nother-value");
	answer(g, "Basic dXNlcjpzay0xMjM0NQ== sk-1",
	       "Basic dXNlcjp**********Q== ");
	http1_out.len[1] = 0;
	cr_assert_eq(gate_finish(g, GATE_SERVER, case_sink, &http1_out, &v),
		     GATE_OK);
	cr_assert_eq(http1_out.len[1], 4);
	cr_assert(!memcmp(http1_out.text[1], "****", 4));
	gate_end(g);
}

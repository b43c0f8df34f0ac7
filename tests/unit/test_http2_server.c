/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_http2_server.c - What a guest hears of a server in HTTP/2. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "http2_case.h"

static struct case_out out;

/* The server's table is smaller than the guest's, or gone. */
Test(http2, tables_of_any_size)
{
	static const uint32_t sizes[] = {0, 100, 4096, 65536};

	for (size_t i = 0; i < COUNT(sizes); i++) {
		const nghttp2_settings_entry e = {
			NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, sizes[i]};

		if (i) {
			h2_end();
			h2_begin();
		}
		h2_begin_flow(API);
		nghttp2_submit_settings(h2.server, 0, &e, 1);
		for (int k = 0; k < 20; k++) {
			char value[32];
			const int32_t id =
				(snprintf(value, sizeof(value), "v%d", k / 3),
				 h2_ask(API, "/some/path", "x-some", value,
					NULL));

			h2_talk();
			cr_assert_eq(h2.state, GATE_OK, "%s", h2.violation.why);
			cr_assert(h2.heard[id].ended);
			snprintf(value, sizeof(value), "x-some: v%d\n", k / 3);
			cr_assert(h2_is_heard(id, value));
		}
		cr_assert_eq(
			nghttp2_session_get_remote_settings(
				h2.client, NGHTTP2_SETTINGS_HEADER_TABLE_SIZE),
			4096);
	}
}

Test(http2, streams_are_limited)
{
	h2_begin_flow(API);
	h2_talk();
	cr_assert_eq(
		nghttp2_session_get_remote_settings(
			h2.client, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS),
		256);
}

Test(http2, fewer_streams_stay_fewer)
{
	const nghttp2_settings_entry e = {
		NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 7};

	h2_begin_flow(API);
	nghttp2_submit_settings(h2.server, 0, &e, 1);
	nghttp2_submit_settings(h2.server, 0, NULL, 0);
	h2_talk();
	cr_assert_eq(
		nghttp2_session_get_remote_settings(
			h2.client, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS),
		7);
}

/* Settings that cannot be read. */
Test(http2, settings_of_a_server)
{
	static const uint8_t cut[] = {0, 0, 5, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0};
	static const uint8_t many[] = {0, 2, 0, 4, 0, 0, 0, 0, 0};
	static const uint8_t table[] = {0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 1, 0, 1,
					0, 0,
					/* and an ACK */
					0, 0, 0, 4, 1, 0, 0, 0, 0};
	static const uint8_t told[] = {0, 0, 12, 4,  0, 0, 0, 0, 0, 0,
				       1, 0, 0,	 16, 0, 0, 3, 0, 0, 1,
				       0, 0, 0,	 0,  4, 1, 0, 0, 0, 0};

	for (size_t piece = 1; piece < 30; piece++) {
		struct gate *g = gate_begin(h2.env, API, true);
		enum gate_state s = GATE_OK;

		out.len[1] = 0;
		for (size_t at = 0; at < sizeof(table); at += piece)
			s = gate_feed(g, GATE_SERVER, table + at,
				      sizeof(table) - at < piece
					      ? sizeof(table) - at
					      : piece,
				      case_sink, &out, &h2.violation);
		cr_assert_eq(s, GATE_OK);
		cr_assert_eq(out.len[1], sizeof(told));
		cr_assert(!memcmp(out.text[1], told, sizeof(told)));
		gate_end(g);
	}
	h2.gate = gate_begin(h2.env, API, true);
	cr_assert_eq(gate_feed(h2.gate, GATE_SERVER, cut, sizeof(cut),
			       case_sink, &out, &h2.violation),
		     GATE_BROKEN);
	gate_end(h2.gate);
	h2.gate = gate_begin(h2.env, API, true);
	cr_assert_eq(gate_feed(h2.gate, GATE_SERVER, many, sizeof(many),
			       case_sink, &out, &h2.violation),
		     GATE_BROKEN);
}

/** struct guest - What a guest heard, as octets */
struct guest {
	uint8_t text[4096];
	size_t len;
};

static bool hear(void *arg, enum gate_side from, const uint8_t *data,
		 size_t len)
{
	struct guest *g = arg;

	cr_assert_eq(from, GATE_SERVER);
	cr_assert(g->len + len <= sizeof(g->text));
	if (len)
		memcpy(g->text + g->len, data, len);
	g->len += len;
	return true;
}

#define FRAME(LEN, FLAGS, STREAM) "\0\0" LEN "\0" FLAGS "\0\0\0" STREAM

/* In one frame, with padding, in two, around another stream's. */
static const char answers[] =
	FRAME("\14", "\0", "\1") "a sk-12345 b" FRAME("\17", "\10", "\1") "\3sk-12345...sk-" FRAME("\6", "\0", "\1") "x sk-1" FRAME(
		"\6", "\0",
		"\1") "2345 y" FRAME("\3", "\0",
				     "\1") "sk-" FRAME("\2", "\0",
						       "\3") "12" FRAME("\6",
									"\0",
									"\1") "12345 " FRAME("\10",
											     "\1",
											     "\1") "sk-12345" FRAME("\5",
														    "\0",
														    "\1") "sk-12";
static const char masked[] =
	FRAME("\14", "\0", "\1") "a ******** b" FRAME("\17", "\10", "\1") "\3********...sk-" FRAME("\6", "\0", "\1") "x ****" FRAME(
		"\6", "\0",
		"\1") "**** y" FRAME("\3", "\0",
				     "\1") "sk-" FRAME("\2", "\0",
						       "\3") "12" FRAME("\6",
									"\0",
									"\1") "***** " FRAME("\10",
											     "\1",
											     "\1") "********" FRAME("\5",
														    "\0",
														    "\1") "*****";

/* In any two pieces: no more than half of a short value is seen. */
Test(http2, values_in_answers)
{
	static const char none[] = FRAME("\12", "\0", "\1") "sk-12345--";
	const uint8_t *const said = (const uint8_t *)answers;
	const size_t len = sizeof(answers) - 1;
	struct guest g = {.len = 0};

	h2_begin_flow(API);
	h2_ask(API, "/", NULL, NULL, NULL);
	h2_talk();
	cr_assert_eq(gate_feed(h2.gate, GATE_SERVER, (const uint8_t *)none,
			       sizeof(none) - 1, hear, &g, &h2.violation),
		     GATE_OK);
	cr_assert_eq(g.len, sizeof(none) - 1);
	cr_assert(!memcmp(g.text, none, g.len));
	h2_ask(API, "/", "x-key", "$MSB_KEY", NULL);
	h2_talk();
	for (size_t cut = 0; cut < len; cut++) {
		size_t seen = 0;

		g.len = 0;
		cr_assert_eq(gate_feed(h2.gate, GATE_SERVER, said, cut, hear,
				       &g, &h2.violation),
			     GATE_OK);
		cr_assert_eq(gate_feed(h2.gate, GATE_SERVER, said + cut,
				       len - cut, hear, &g, &h2.violation),
			     GATE_OK);
		cr_assert_eq(g.len, len);
		for (size_t i = 0; i < len; i++) {
			const bool same = g.text[i] == (uint8_t)masked[i];

			cr_assert(same || g.text[i] == said[i], "%zu", cut);
			seen += !same;
		}
		cr_assert(seen < 4 && (cut || !seen), "%zu: %zu", cut, seen);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_http2_frames.c - Requests in HTTP/2 in frames such as no client writes.
 */
#include <criterion/criterion.h>

#include "http2_wire.h"

/* A head in any two frames, with padding and a priority. */
Test(http2, continuation_at_every_place)
{
	uint8_t block[512], first[1024];
	const size_t n = h2_put_request(block, "x", "$MSB_KEY");

	for (size_t cut = 0; cut <= n; cut++) {
		const uint8_t padding = (uint8_t)(cut % 3 * 100);
		const uint8_t before[] = {padding, 0, 0, 0, 0, 33};

		h2_end();
		h2_begin();
		h2_put_preface();
		memcpy(first, before, 6);
		memcpy(first + 6, block, cut);
		memset(first + 6 + cut, 0, padding);
		h2_put_frame(1, 0x8 | 0x20, 1, first, 6 + cut + padding);
		h2_put_frame(9, 0, 1, "", 0);
		h2_put_frame(9, 4, 1, block + cut, n - cut);
		h2_put_frame(0, 1, 1, "done", 4);
		cr_assert_eq(h2_write_all(API, cut + 1), GATE_OK, "%s",
			     h2.violation.why);
		h2_read_all();
		cr_assert(h2_is_heard(1, "x: sk-12345\n"));
		cr_assert(h2.heard[1].ended);
		cr_assert_eq(h2.heard[1].n_body, 4);
	}
}

/* A placeholder in two frames, padding between, other frames, too. */
Test(http2, violation_split_over_frames)
{
	static const char p[] = "$MSB_OTHER";
	uint8_t block[512];
	const size_t n = h2_put_request(block, NULL, NULL);

	for (size_t cut = 1; cut < 10; cut++)
		for (size_t piece = 1; piece < 30; piece++) {
			uint8_t data[64] = {20};

			h2_put_preface();
			h2_put_frame(1, 4, 1, block, n);
			h2_put_frame(1, 4, 3, block, n);
			memcpy(data + 1, p, cut);
			h2_put_frame(0, 8, 1, data, 1 + cut + 20);
			h2_put_frame(6, 0, 0, "12345678", 8);
			h2_put_frame(0, 0, 3, "another", 7);
			h2_put_frame(0, 0, 1, p + cut, 10 - cut);
			h2_put_frame(0, 1, 1, "", 0);
			cr_assert_eq(h2_write_all(API, piece), GATE_VIOLATION,
				     "cut at %zu, pieces of %zu", cut, piece);
			cr_assert_eq(h2.violation.where, GATE_BODY);
		}
}

/* Parts of two streams are none. */
Test(http2, parts_in_two_streams)
{
	uint8_t block[512];
	const size_t n = h2_put_request(block, NULL, NULL);

	h2_put_preface();
	h2_put_frame(1, 4, 1, block, n);
	h2_put_frame(1, 4, 3, block, n);
	h2_put_frame(0, 0, 1, "$MSB_", 5);
	h2_put_frame(0, 1, 3, "OTHER", 5);
	h2_put_frame(0, 1, 1, "x", 1);
	cr_assert_eq(h2_write_all(API, 7), GATE_OK);
}

Test(http2, violation_in_padding_and_in_other_frames)
{
	uint8_t block[512];
	const size_t n = h2_put_request(block, NULL, NULL);

	h2_put_preface();
	h2_put_frame(1, 4, 1, block, n);
	h2_put_frame(0, 8, 1, "\x0a$MSB_OTHER", 11);
	cr_assert_eq(h2_write_all(API, 1000), GATE_VIOLATION);
	h2_put_preface();
	h2_put_frame(7, 0, 0, "\0\0\0\0\0\0\0\0$MSB_OTHER", 18);
	cr_assert_eq(h2_write_all(API, 1000), GATE_VIOLATION);
	cr_assert_eq(h2.violation.where, GATE_STREAM);
	h2_put_preface();
	h2_put_frame(99, 0, 0, "$MSB_OTHER", 10);
	cr_assert_eq(h2_write_all(API, 1000), GATE_VIOLATION);
}

Test(http2, trailers_are_left_alone_and_looked_through)
{
	uint8_t block[512], trailers[64];
	const size_t n = h2_put_request(block, NULL, NULL);
	size_t m = h2_put_field(trailers, "x-sum", "$MSB_KEY");

	h2_put_preface();
	h2_put_frame(1, 4, 1, block, n);
	h2_put_frame(0, 0, 1, "body", 4);
	h2_put_frame(1, 4 | 1, 1, trailers, m);
	cr_assert_eq(h2_write_all(API, 11), GATE_OK, "%s", h2.violation.why);
	h2_read_all();
	cr_assert(h2_is_heard(1, "x-sum: $MSB_KEY\n"));
	cr_assert(h2.heard[1].ended);
	m = h2_put_field(trailers, "x-sum", "$MSB_OTHER");
	h2_put_preface();
	h2_put_frame(1, 4, 1, block, n);
	h2_put_frame(1, 4 | 1, 1, trailers, m);
	cr_assert_eq(h2_write_all(API, 11), GATE_VIOLATION);
	cr_assert_eq(h2.violation.where, GATE_TRAILER);
}

/* Data of a stream that the server has ended: it was on its way. */
Test(http2, data_of_a_closed_stream)
{
	uint8_t block[512];
	const size_t n = h2_put_request(block, NULL, NULL);

	h2_put_preface();
	h2_put_frame(1, 4, 1, block, n);
	h2_put_frame(3, 0, 1, "\0\0\0\x08", 4);
	h2_put_frame(0, 0, 1, "x", 1);
	cr_assert_eq(h2_write_all(API, 1000), GATE_OK);
	h2_put_frame(0, 0, 1, "$MSB_OTHER", 10);
	cr_assert_eq(h2_write_all(API, 1000), GATE_VIOLATION);
}

/* Without ALPN, by what it begins with, in any pieces. */
Test(http2, prior_knowledge)
{
	uint8_t block[512];
	const size_t n = h2_put_request(block, "x", "$MSB_KEY");

	h2_put_preface();
	h2_put_frame(1, 5, 1, block, n);
	for (size_t piece = 1; piece < h2_wire.n; piece++) {
		static struct case_out out;
		struct gate *g = gate_begin(h2.env, NULL, false);
		enum gate_state s = GATE_OK;

		out.len[0] = 0;
		for (size_t at = 0; at < h2_wire.n && s == GATE_OK; at += piece)
			s = gate_feed(g, GATE_GUEST, h2_wire.text + at,
				      h2_wire.n - at < piece ? h2_wire.n - at
							     : piece,
				      case_sink, &out, &h2.violation);
		gate_end(g);
		cr_assert_eq(s, GATE_VIOLATION);
		cr_assert_eq(h2.violation.found.secret, SECRET_KEY);
	}
}

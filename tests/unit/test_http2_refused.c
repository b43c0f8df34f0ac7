/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_http2_refused.c - What is refused of a guest that speaks HTTP/2. */
#include <criterion/criterion.h>

#include "http2_wire.h"

Test(http2, odd_fields)
{
	static const struct {
		const char *name, *value;
		enum gate_where where;
	} cases[] = {
		{"transfer-encoding", "chunked", GATE_FRAMING},
		{"connection", "close", GATE_FRAMING},
		{"upgrade", "h2c", GATE_FRAMING},
		{"te", "gzip", GATE_FRAMING},
		{"X-Upper", "a", GATE_FRAMING},
		{"x y", "a", GATE_FRAMING},
		{"x:y", "a", GATE_FRAMING},
		{"x\r\ny", "a", GATE_FRAMING},
		{"", "a", GATE_FRAMING},
		{"x", "a\r\nhost: b", GATE_FRAMING},
		{"x", "a\nb", GATE_FRAMING},
		{":authority", "evil.org", GATE_AUTHORITY},
		{"host", "evil.org", GATE_AUTHORITY},
		{"host", "", GATE_AUTHORITY},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t block[512];
		const size_t n =
			h2_put_request(block, cases[i].name, cases[i].value);

		h2_put_preface();
		h2_put_frame(1, 5, 1, block, n);
		cr_assert_eq(h2_write_all(API, 1000), GATE_VIOLATION, "%zu", i);
		cr_assert_eq(h2.violation.where, cases[i].where, "%zu: %s", i,
			     h2.violation.why);
		cr_assert(h2.violation.why);
	}
}

Test(http2, two_lengths_and_fields_out_of_order)
{
	uint8_t block[512];
	size_t n = h2_put_request(block, "content-length", "1");

	n += h2_put_field(block + n, "content-length", "1");
	h2_put_preface();
	h2_put_frame(1, 5, 1, block, n);
	cr_assert_eq(h2_write_all(API, 1000), GATE_VIOLATION);
	n = h2_put_request(block, "x", "y");
	n += h2_put_field(block + n, ":path", "/other");
	h2_put_preface();
	h2_put_frame(1, 5, 1, block, n);
	cr_assert_eq(h2_write_all(API, 1000), GATE_VIOLATION);
	n = h2_put_field(block, ":method", "GET");
	h2_put_preface();
	h2_put_frame(1, 5, 1, block, n);
	cr_assert_eq(h2_write_all(API, 1000), GATE_VIOLATION);
	cr_assert_eq(h2.violation.where, GATE_AUTHORITY);
}

/* What no client may do. */
Test(http2, broken)
{
	uint8_t block[512];
	const size_t n = h2_put_request(block, NULL, NULL);
	static const uint8_t bomb[] = {0x80};

	for (int i = 0; i < 12; i++) {
		h2_put_preface();
		switch (i) {
		case 0: /* not within a head */
			h2_put_frame(1, 0, 1, block, n);
			h2_put_frame(0, 0, 1, "a", 1);
			break;
		case 1: /* another's */
			h2_put_frame(1, 0, 1, block, n);
			h2_put_frame(9, 4, 3, block, n);
			break;
		case 2: /* of no head */
			h2_put_frame(9, 4, 1, block, n);
			break;
		case 3: /* a server's */
			h2_put_frame(5, 4, 1, block, n);
			break;
		case 4:
			h2_put_frame(1, 4, 0, block, n);
			break;
		case 5:
			h2_put_frame(1, 4, 2, block, n);
			break;
		case 6: /* padding longer than it all */
			h2_put_frame(1, 4 | 8, 1, "\xff", 1);
			break;
		case 7:
			h2_put_frame(1, 4, 1, block, n);
			h2_put_frame(0, 8, 1, "\xff", 1);
			break;
		case 8:
			h2_put_frame(1, 4 | 8, 1, "", 0);
			break;
		case 9:
			h2_put_frame(1, 4, 1, block, n);
			h2_put_frame(0, 8, 1, "", 0);
			break;
		case 10:
			h2_put_frame(1, 4 | 0x20, 1, "\0\0\0\0", 4);
			break;
		case 11: /* index 0 */
			h2_put_frame(1, 4, 1, bomb, 1);
			break;
		}
		for (size_t piece = 1; piece < 40; piece += 13) {
			cr_assert_eq(h2_write_all(API, piece), GATE_BROKEN,
				     "case %d", i);
			cr_assert(h2.violation.why);
		}
	}
	memcpy(h2_wire.text, "PRI * HTTP/1.1\r\n\r\n", 18);
	h2_wire.n = 18;
	cr_assert_eq(h2_write_all(API, 5), GATE_BROKEN);
}

Test(http2, floods)
{
	uint8_t block[512];
	const size_t n = h2_put_request(block, NULL, NULL);
	static uint8_t large[16384];

	h2_put_preface();
	h2_put_frame(1, 0, 1, block, n);
	for (int i = 0; i < 100; i++)
		h2_put_frame(9, 0, 1, "", 0);
	cr_assert_eq(h2_write_all(API, 1000), GATE_BROKEN);
	h2_put_preface();
	h2_put_frame(1, 0, 1, block, n);
	for (int i = 0; i < 5; i++)
		h2_put_frame(9, 0, 1, large, sizeof(large));
	cr_assert_eq(h2_write_all(API, 1000), GATE_BROKEN);
}

/* One field of 4 KB in the table, named again and again. */
Test(http2, list_that_is_too_long)
{
	static uint8_t block[8192];
	size_t n = h2_put_request(block, NULL, NULL);

	block[n++] = 0x40;
	block[n++] = 1;
	block[n++] = 'x';
	block[n++] = 0x7f;
	/* 3800 - 127, RFC 7541 section 5.1 */
	block[n++] = 0x80 | (3673 & 0x7f);
	block[n++] = 3673 >> 7;
	memset(block + n, 'y', 3800);
	n += 3800;
	memset(block + n, 0xbe, 100);
	n += 100;
	h2_put_preface();
	h2_put_frame(1, 5, 1, block, n);
	cr_assert_eq(h2_write_all(API, 1000), GATE_BROKEN);
	cr_assert_str_eq(h2.violation.why, "a head is too long");
}

Test(http2, too_many_streams)
{
	uint8_t block[512];
	const size_t n = h2_put_request(block, NULL, NULL);

	h2_put_preface();
	for (uint32_t i = 0; i < 256; i++)
		h2_put_frame(1, 4, 2 * i + 1, block, n);
	cr_assert_eq(h2_write_all(API, 1000), GATE_OK);
	h2_put_frame(1, 4, 513, block, n);
	cr_assert_eq(h2_write_all(API, 1000), GATE_BROKEN);
	/* Those that are complete do not count. */
	h2_put_preface();
	for (uint32_t i = 0; i < 300; i++) {
		h2_put_frame(1, 4, 2 * i + 1, block, n);
		if (i % 2)
			h2_put_frame(0, 1, 2 * i + 1, "x", 1);
		else
			h2_put_frame(3, 0, 2 * i + 1, "\0\0\0\x08", 4);
	}
	cr_assert_eq(h2_write_all(API, 1000), GATE_OK);
}

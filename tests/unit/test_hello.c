/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_hello.c - ClientHellos, which are the same however they come. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "hello_case.h"

Test(hello, reads_what_it_says)
{
	struct made m;
	uint8_t wire[WIRE_MAX];
	struct reading r;
	size_t len;

	made_hello(&m, "API.Example.com.", 32);
	len = made_records(&m, 16384, wire);
	/* What follows in another record is not looked at. */
	memcpy(wire + len, "\x17\x03\x03", 3);
	hello_read_in(&r, wire, len + 3, len + 3, 1);
	hello_expect_name(&r.h, "api.example.com");
	cr_expect_eq(r.used, len);
	cr_expect_eq(r.h.message_len, m.len);
	cr_expect_eq(memcmp(r.message, m.data, m.len), 0);
	cr_expect(r.h.tls13);
	cr_expect(r.h.ech);
	cr_expect(r.h.has_alpn);
	cr_assert_eq(r.h.n_alpn, 2);
	cr_expect_eq(memcmp(r.message + r.h.alpn[0], "\2h2", 3), 0);
	cr_expect_eq(memcmp(r.message + r.h.alpn[1], "\10http/1.1", 9), 0);
	made_hello(&m, NULL, 0);
	len = made_records(&m, 16384, wire);
	hello_read_in(&r, wire, len, len, 1);
	hello_expect_name(&r.h, NULL);
}

Test(hello, reads_one_without_extensions)
{
	struct made m;
	uint8_t wire[WIRE_MAX];
	struct reading r;
	size_t len;

	made_begin(&m);
	m.len -= 2;
	made_close_vector(&m, 1, 3);
	len = made_records(&m, 16384, wire);
	hello_read_in(&r, wire, len, len, 1);
	hello_expect_name(&r.h, NULL);
	cr_expect_not(r.h.tls13);
	cr_expect_not(r.h.has_alpn);
}

/* Every place to cut a hello in two, segments and records of every size up to
 * some, with key shares as before and after the quantum computer. */
Test(hello, is_the_same_however_it_comes)
{
	static const size_t shares[] = {0, 32, 1216};
	static const size_t records[] = {1, 2, 3, 4, 5, 7, 64, 511, 16384};
	uint8_t *wire = malloc(WIRE_MAX);
	struct reading *whole = malloc(sizeof(*whole));
	struct reading *other = malloc(sizeof(*other));
	struct made m;

	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		made_hello(&m, "www.example.com", shares[i]);
		for (size_t j = 0; j < sizeof(records) / sizeof(records[0]);
		     j++) {
			const size_t len = made_records(&m, records[j], wire);

			hello_read_in(whole, wire, len, len, len);
			hello_expect_name(&whole->h, "www.example.com");
			cr_assert_eq(whole->used, len);
			for (size_t cut = 1; cut < len; cut++) {
				hello_read_in(other, wire, len, cut, len);
				hello_expect_same(whole, other);
			}
			for (size_t size = 1; size < 9; size++) {
				hello_read_in(other, wire, len, size, size);
				hello_expect_same(whole, other);
			}
		}
	}
	free(wire);
	free(whole);
	free(other);
}

Test(hello, may_have_16_kib_and_no_octet_more)
{
	static const size_t records[] = {1, 2, 3, 4, 5, 4096, 16384};
	uint8_t *wire = malloc(WIRE_MAX);
	struct reading *r = malloc(sizeof(*r));
	struct made m;
	size_t least, len;

	made_hello(&m, "www.example.com", 1);
	least = m.len - 1;
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		const size_t size = records[i];

		made_hello(&m, "www.example.com", HELLO_MAX - least);
		cr_assert_eq(m.len, HELLO_MAX);
		len = made_records(&m, size, wire);
		cr_assert_leq(len, HELLO_RAW_MAX);
		hello_read_in(r, wire, len, len, len);
		hello_expect_name(&r->h, "www.example.com");
		made_hello(&m, "www.example.com", HELLO_MAX - least + 1);
		m.len = HELLO_MAX;
		len = made_records(&m, size, wire);
		hello_read_in(r, wire, len, len, len);
		cr_expect_eq(r->h.state, HELLO_BAD);
		cr_expect_eq(r->h.alert, 47);
		/* It is refused for what it says, before it is there. */
		cr_expect_leq(r->used, size < 4 ? 4 * 6 : 5 + size);
		cr_expect_eq(r->h.message_len, 4);
	}
	free(wire);
	free(r);
}

/* Nothing that ends early is taken for whole, and nothing is refused before it
 * ends. */
Test(hello, waits_for_every_octet)
{
	uint8_t wire[WIRE_MAX];
	struct reading r;
	struct made m;
	size_t len;

	made_hello(&m, "www.example.com", 32);
	len = made_records(&m, 100, wire);
	for (size_t n = 0; n < len; n++) {
		hello_read_in(&r, wire, n, n ? n : 1, 1);
		cr_expect_eq(r.h.state, HELLO_MORE);
		cr_expect_eq(r.used, n);
	}
}

Test(hello, tells_what_is_no_tls)
{
	static const struct {
		const char *data;
		size_t len;
		size_t used;
	} cases[] = {
		{"GET / HTTP/1.1\r\n", 16, 1},
		{"SSH-2.0-OpenSSH_9\r\n", 19, 1},
		/* SSLv2 */
		{"\x80\x2e\x01\x03\x01\x00\x15", 7, 1},
		{"\x00", 1, 1},
		/* types that there are not, and versions */
		{"\x13\x03\x03\x00\x01\x01", 6, 1},
		{"\x19\x03\x03\x00\x01\x01", 6, 1},
		{"\x14\x02\x00\x00\x01\x01", 6, 2},
		/* lengths, as in 788 octets of MongoDB's */
		{"\x14\x03\x00\x00\x02\x00", 6, 5},
		{"\x15\x03\x03\x00\x03\x02\x28", 7, 5},
		{"\x17\x03\x03\x00\x01\x00", 6, 5},
		{"\x18\x03\x03\x01\x00\x00", 6, 5},
		{"\x16\x02\x00\x00\x10", 5, 2},
		{"\x16\xfe\xff\x00\x10", 5, 2},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reading r;

		for (size_t size = 1; size < 3; size++) {
			hello_read_in(&r, (const uint8_t *)cases[i].data,
				      cases[i].len, size, size);
			cr_expect_eq(r.h.state, HELLO_PLAIN);
			cr_expect_eq(r.used, cases[i].used);
		}
		hello_read_in(&r, (const uint8_t *)cases[i].data,
			      cases[i].used - 1, 1, 1);
		cr_expect_eq(r.h.state, HELLO_MORE);
	}
}

/* Whether a hello with one more octet behind it, in its last record, is taken:
 * in a record of its own it is not looked at. */
Test(hello, ends_with_its_record)
{
	uint8_t wire[WIRE_MAX];
	struct reading r;
	struct made m;
	size_t len;

	made_hello(&m, "www.example.com", 32);
	made_put_number(&m, 1, 20);
	for (size_t size = m.len; size > m.len - 3; size--) {
		len = made_records(&m, size, wire);
		hello_read_in(&r, wire, len, len, 1);
		if (size == m.len - 1) {
			hello_expect_name(&r.h, "www.example.com");
			cr_expect_eq(r.used, len - 6);
			continue;
		}
		cr_expect_eq(r.h.state, HELLO_BAD);
		cr_expect_eq(r.h.alert, 10);
	}
}

/* Octets changed at random: whatever comes of it, segments do not count. */
Test(hello, is_the_same_when_broken)
{
	uint8_t wire[WIRE_MAX], broken[WIRE_MAX];
	struct reading *a = malloc(sizeof(*a)), *b = malloc(sizeof(*b));
	size_t states[4] = {0};
	uint32_t seed = 1;
	struct made m;
	size_t len;

	made_hello(&m, "www.example.com", 32);
	for (int i = 0; i < 20000; i++) {
		const size_t size = 1 + (seed >> 9) % 300;

		len = made_records(&m, size, wire);
		memcpy(broken, wire, len);
		for (int n = 0; n < 1 + i % 3; n++) {
			seed = seed * 1664525 + 1013904223;
			broken[(seed >> 8) % len] = (uint8_t)(seed >> 24);
		}
		hello_read_in(a, broken, len, len, len);
		hello_read_in(b, broken, len, 1 + (seed >> 5) % len,
			      1 + (seed >> 3) % 40);
		hello_expect_same(a, b);
		states[a->h.state]++;
	}
	/* All that can happen did. */
	for (size_t i = 0; i < 4; i++)
		cr_expect_gt(states[i], 0, "state %zu", i);
	free(a);
	free(b);
}

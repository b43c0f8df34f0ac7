/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_hello_refused.c - ClientHellos that are refused, and why. */
#include <criterion/criterion.h>
#include <string.h>

#include "hello_case.h"

/* Cut short at each octet, with the lengths of record and message as they are
 * then: the end is always within something, but for the two places where a
 * hello may end. */
Test(hello, refuses_what_is_cut_short)
{
	uint8_t wire[WIRE_MAX];
	struct reading r;
	struct made m, cut;
	size_t len, bare = 0;

	made_hello(&m, "www.example.com", 32);
	for (size_t n = 4; n < m.len; n++) {
		cut = m;
		cut.len = n;
		made_close_vector(&cut, 1, 3);
		len = made_records(&cut, 16384, wire);
		hello_read_in(&r, wire, len, len, 1);
		cr_expect_eq(r.used, len);
		if (n == m.extensions) {
			hello_expect_name(&r.h, NULL);
			bare++;
			continue;
		}
		cr_expect_eq(r.h.state, HELLO_BAD, "%zu octets", n);
		cr_expect_eq(r.h.alert, 50, "%zu octets: %u", n, r.h.alert);
	}
	cr_expect_eq(bare, 1);
	/* And with the length of the extensions as well: those that are whole
	 * are what there is. */
	for (size_t n = m.extensions + 2; n < m.len; n++) {
		cut = m;
		cut.len = n;
		made_end(&cut);
		len = made_records(&cut, 16384, wire);
		hello_read_in(&r, wire, len, len, 1);
		cr_expect(r.h.state == HELLO_DONE ||
			  (r.h.state == HELLO_BAD && r.h.alert == 50));
	}
}

Test(hello, refuses_bad_records)
{
	static const struct {
		const char *data;
		size_t len;
		unsigned int alert;
	} cases[] = {
		/* empty */
		{"\x16\x03\x01\x00\x00", 5, 10},
		/* longer than 2^14 */
		{"\x16\x03\x01\x40\x01", 5, 22},
		/* TLS, and no beginning of it, though servers take a
		 * ClientHello behind some: GnuTLS, OpenSSL, Go */
		{"\x14\x03\x03\x00\x01", 5, 10},
		{"\x14\x03\x03\x00\x00", 5, 10},
		{"\x14\x03\xff\x00\x00", 5, 10},
		{"\x15\x03\x01\x00\x02", 5, 10},
		{"\x15\x03\x01\x00\x00", 5, 10},
		{"\x17\x03\x04\x00\x00", 5, 10},
		{"\x18\x03\x00\x00\x00", 5, 10},
		/* other messages: a ServerHello, a HelloRequest */
		{"\x16\x03\x01\x00\x04\x02", 6, 10},
		{"\x16\x03\x01\x00\x04\x00", 6, 10},
		/* one octet, then something else */
		{"\x16\x03\x01\x00\x01\x01\x15", 7, 10},
		{"\x16\x03\x01\x00\x01\x01\x17", 7, 10},
		{"\x16\x03\x01\x00\x01\x01\x16\x02", 8, 70},
		{"\x16\x03\x01\x00\x01\x01\x16\x03\x03\x00\x00", 11, 10},
		/* no body, an octet of a body */
		{"\x16\x03\x01\x00\x04\x01\x00\x00\x00", 9, 50},
		{"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03", 10, 50},
		/* SSL 3.0, DTLS, a version of the far future */
		{"\x16\x03\x00\x00\x06\x01\x00\x00\x02\x03\x00", 11, 70},
		{"\x16\x03\x01\x00\x06\x01\x00\x00\x02\xfe\xfd", 11, 70},
		{"\x16\x03\x01\x00\x06\x01\x00\x00\x02\x04\x00", 11, 70},
		/* more in the record than in the message */
		{"\x16\x03\x01\x00\x07\x01\x00\x00\x02\x03\x03", 11, 10},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const uint8_t *data = (const uint8_t *)cases[i].data;
		struct reading r;

		hello_read_in(&r, data, cases[i].len, 1, 1);
		cr_expect_eq(r.h.state, HELLO_BAD, "case %zu", i);
		cr_expect_eq(r.h.alert, cases[i].alert, "case %zu: %u", i,
			     r.h.alert);
		cr_expect_eq(r.used, cases[i].len, "case %zu", i);
		cr_expect_not_null(r.h.why);
	}
}

#define LABEL63 \
	"a123456789b123456789c123456789d123456789e123456789f123456789abc"
#define NAME253 \
	LABEL63 "." LABEL63 "." LABEL63 "." \
		"a123456789b123456789c123456789d123456789e123456789f123456789a"

Test(hello, takes_names_and_nothing_else)
{
	static const struct {
		const char *name;
		const char *want;
	} cases[] = {
		{"a", "a"},
		{"localhost", "localhost"},
		{"_dmarc.x-y.example", "_dmarc.x-y.example"},
		{"XN--BCHER-KVA.example", "xn--bcher-kva.example"},
		{"example.com.", "example.com"},
		{"1.example", "1.example"},
		{LABEL63 ".x", LABEL63 ".x"},
		{NAME253, NAME253},
		{NAME253 ".", NAME253},
		{NAME253 "x", NULL},
		{LABEL63 "x.x", NULL},
		{".", NULL},
		{"..", NULL},
		{".example.com", NULL},
		{"example..com", NULL},
		{"example.com..", NULL},
		{"192.0.2.1", NULL},
		{"1", NULL},
		{"1.2.3.", NULL},
		{"2001:db8::1", NULL},
		{"[2001:db8::1]", NULL},
		{"a b", NULL},
		{"*.example.com", NULL},
		{"example.com:443", NULL},
		{"b\xc3\xbc"
		 "cher.example",
		 NULL},
		{"a/b", NULL},
		{"a\x7f", NULL},
	};
	uint8_t wire[WIRE_MAX];
	struct reading r;
	struct made m;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len;

		made_hello(&m, cases[i].name, 0);
		len = made_records(&m, 16384, wire);
		hello_read_in(&r, wire, len, len, 1);
		if (cases[i].want) {
			hello_expect_name(&r.h, cases[i].want);
			continue;
		}
		cr_expect_eq(r.h.state, HELLO_BAD, "%s", cases[i].name);
		cr_expect_eq(r.h.alert, 47, "%s", cases[i].name);
	}
	/* A NUL, which ends the name for whoever reads it as a string. */
	made_hello(&m, "a.example.com", 0);
	for (size_t i = 0; i < m.len; i++)
		if (!memcmp(m.data + i, ".example", 8))
			m.data[i] = 0;
	hello_read_in(&r, wire, made_records(&m, 16384, wire), WIRE_MAX, 1);
	cr_expect_eq(r.h.state, HELLO_BAD);
	cr_expect_eq(r.h.alert, 47);
}

/* One extension, and how it is refused; 0: it is not. */
static const struct {
	const char *what;
	unsigned int type;
	const char *data;
	size_t len;
	unsigned int alert;
} extensions[] = {
	{"no list", 0, "", 0, 50},
	{"empty list", 0, "\0\0", 2, 50},
	{"list too long", 0, "\0\5\0\0\1a", 6, 50},
	{"list too short", 0, "\0\3\0\0\1a", 6, 50},
	{"empty name", 0, "\0\3\0\0\0", 5, 50},
	{"name too long", 0, "\0\4\0\0\2a", 6, 50},
	{"name too short", 0, "\0\5\0\0\1ab", 7, 50},
	{"two names", 0, "\0\10\0\0\1a\0\0\1b", 10, 50},
	{"another type", 0, "\0\4\1\0\1a", 6, 50},
	{"one name", 0, "\0\4\0\0\1a", 6, 0},
	{"no protocols", 16, "", 0, 50},
	{"empty protocols", 16, "\0\0", 2, 50},
	{"protocols too long", 16, "\0\4\2h2", 5, 50},
	{"protocols too short", 16, "\0\2\2h2", 5, 50},
	{"empty protocol", 16, "\0\4\2h2\0", 6, 50},
	{"one protocol", 16, "\0\3\2h2", 5, 0},
	{"no versions", 43, "", 0, 50},
	{"empty versions", 43, "\0", 1, 50},
	{"half a version", 43, "\3\3\4\3", 4, 50},
	{"versions too long", 43, "\4\3\4", 3, 50},
	{"versions too short", 43, "\2\3\4\3", 4, 50},
	{"a version", 43, "\2\3\4", 3, 0},
	{"pre-shared keys", 41, "x", 1, 0},
	{"anything", 0xff01, "\0", 1, 0},
};

Test(hello, refuses_bad_extensions)
{
	uint8_t wire[WIRE_MAX];
	struct reading r;
	struct made m;

	for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]);
	     i++) {
		made_begin(&m);
		made_put_extension(&m, 10, "", 0);
		made_put_extension(&m, extensions[i].type, extensions[i].data,
				   extensions[i].len);
		made_end(&m);
		hello_read_in(&r, wire, made_records(&m, 16384, wire), WIRE_MAX,
			      1);
		cr_expect_eq(r.h.state,
			     extensions[i].alert ? HELLO_BAD : HELLO_DONE, "%s",
			     extensions[i].what);
		cr_expect_eq(r.h.alert, extensions[i].alert, "%s",
			     extensions[i].what);
	}
}

Test(hello, refuses_an_extension_twice)
{
	static const unsigned int types[] = {0,	 10,	 16,	 43,	51,
					     65, 0x1a1a, 0xfe0d, 0xffff};
	uint8_t wire[WIRE_MAX];
	struct reading r;
	struct made m;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		for (int twice = 0; twice < 2; twice++) {
			made_hello(&m, "a.example", 1);
			m.len -= 5;
			for (int n = 0; n <= twice; n++)
				if (types[i] == 0)
					made_put_sni(&m, "b.example");
				else if (types[i] == 16)
					made_put_extension(&m, 16, made_alpn,
							   sizeof(made_alpn));
				else if (types[i] == 43)
					made_put_extension(
						&m, 43, made_versions,
						sizeof(made_versions));
				else
					made_put_extension(&m, types[i], "x",
							   1);
			made_end(&m);
			hello_read_in(&r, wire, made_records(&m, 16384, wire),
				      WIRE_MAX, 1);
			/* Some were there before. */
			if (!twice &&
			    (types[i] == 10 || types[i] == 65 ||
			     types[i] == 0xfe0d || types[i] == 0xffff)) {
				hello_expect_name(&r.h, "a.example");
				continue;
			}
			cr_expect_eq(r.h.state, HELLO_BAD, "type %u", types[i]);
			cr_expect_eq(r.h.alert, 47, "type %u", types[i]);
		}
	}
}

Test(hello, wants_pre_shared_keys_last)
{
	uint8_t wire[WIRE_MAX];
	struct reading r;
	struct made m;

	made_begin(&m);
	made_put_extension(&m, 41, "x", 1);
	made_put_extension(&m, 10, "", 0);
	made_end(&m);
	hello_read_in(&r, wire, made_records(&m, 16384, wire), WIRE_MAX, 1);
	cr_expect_eq(r.h.state, HELLO_BAD);
	cr_expect_eq(r.h.alert, 47);
}

/* The fields before the extensions, each made wrong. */
Test(hello, refuses_bad_fields)
{
	static const struct {
		const char *what;
		size_t at;
		unsigned int value;
		unsigned int alert;
	} cases[] = {
		{"session id of 33 octets", 38, 33, 50},
		{"odd suites", 72, 5, 50},
		{"no suites", 72, 0, 50},
		{"suites too long", 71, 1, 50},
		{"no compression", 79, 0, 50},
		{"only compression", 80, 1, 47},
		{"extensions too long", 81, 1, 50},
	};
	uint8_t wire[WIRE_MAX];
	struct reading r;
	struct made m;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		made_hello(&m, "a.example", 0);
		cr_assert_eq(m.data[38], 32);
		cr_assert_eq(m.data[72], 6);
		cr_assert_eq(m.data[79], 1);
		cr_assert_eq(m.extensions, 81);
		m.data[cases[i].at] = (uint8_t)cases[i].value;
		hello_read_in(&r, wire, made_records(&m, 16384, wire), WIRE_MAX,
			      1);
		cr_expect_eq(r.h.state, HELLO_BAD, "%s", cases[i].what);
		cr_expect_eq(r.h.alert, cases[i].alert, "%s: %u", cases[i].what,
			     r.h.alert);
	}
	/* Two methods, one of which is none: TLS 1.2 alone may offer that. */
	for (int tls13 = 0; tls13 < 2; tls13++) {
		made_begin(&m);
		m.len = 79;
		made_put_number(&m, 1, 2);
		made_put_number(&m, 2, 0x0100);
		m.extensions = made_open_vector(&m, 2);
		if (tls13)
			made_put_extension(&m, 43, made_versions,
					   sizeof(made_versions));
		made_end(&m);
		hello_read_in(&r, wire, made_records(&m, 16384, wire), WIRE_MAX,
			      1);
		cr_expect_eq(r.h.state, tls13 ? HELLO_BAD : HELLO_DONE);
		cr_expect_eq(r.h.alert, tls13 ? 47 : 0);
	}
}

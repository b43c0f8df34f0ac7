/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_hello.c - ClientHellos: what is read, however they come, and refused. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "hello.h"

#define WIRE_MAX (HELLO_RAW_MAX + 64)

/** struct made - A ClientHello that is being made */
struct made {
	uint8_t data[HELLO_MAX + 512];
	size_t len;
	size_t extensions;
};

static void put(struct made *m, const void *data, size_t len)
{
	cr_assert_leq(m->len + len, sizeof(m->data));
	memcpy(m->data + m->len, data, len);
	m->len += len;
}

static void put_number(struct made *m, size_t octets, size_t n)
{
	for (size_t i = octets; i-- > 0;) {
		const uint8_t octet = (uint8_t)(n >> 8 * i);

		put(m, &octet, 1);
	}
}

/* Write the length of what stands behind @at, in so many octets, there. */
static void close_vector(struct made *m, size_t at, size_t octets)
{
	const size_t len = m->len - at - octets;

	for (size_t i = 0; i < octets; i++)
		m->data[at + i] = (uint8_t)(len >> 8 * (octets - 1 - i));
}

static size_t open_vector(struct made *m, size_t octets)
{
	const size_t at = m->len;

	put_number(m, octets, 0);
	return at;
}

static void begin(struct made *m)
{
	*m = (struct made){0};
	put_number(m, 1, 1);
	put_number(m, 3, 0);
	put_number(m, 2, 0x0303);
	for (unsigned int i = 0; i < 32; i++)
		put_number(m, 1, i);
	put_number(m, 1, 32);
	for (unsigned int i = 0; i < 32; i++)
		put_number(m, 1, 0xa0 + i);
	put_number(m, 2, 6);
	put_number(m, 2, 0x0a0a); /* GREASE */
	put_number(m, 2, 0x1301);
	put_number(m, 2, 0xc02b);
	put_number(m, 1, 1);
	put_number(m, 1, 0);
	m->extensions = open_vector(m, 2);
}

static void put_extension(struct made *m, unsigned int type, const void *data,
			  size_t len)
{
	put_number(m, 2, type);
	put_number(m, 2, len);
	put(m, data, len);
}

static void put_sni(struct made *m, const char *name)
{
	size_t extension, list;

	put_number(m, 2, 0);
	extension = open_vector(m, 2);
	list = open_vector(m, 2);
	put_number(m, 1, 0);
	put_number(m, 2, strlen(name));
	put(m, name, strlen(name));
	close_vector(m, list, 2);
	close_vector(m, extension, 2);
}

static void end(struct made *m)
{
	close_vector(m, m->extensions, 2);
	close_vector(m, 1, 3);
}

static const uint8_t alpn[] = {0,   12,	 2,   'h', '2', 8,   'h',
			       't', 't', 'p', '/', '1', '.', '1'};
static const uint8_t versions[] = {6, 0x2a, 0x2a, 3, 4, 3, 3};

/* A hello such as clients send, with a key share of @share octets. */
static void make(struct made *m, const char *name, size_t share)
{
	uint8_t *shares = calloc(1, share + 1);

	begin(m);
	put_extension(m, 0x1a1a, "", 0);
	if (name)
		put_sni(m, name);
	put_extension(m, 16, alpn, sizeof(alpn));
	put_extension(m, 43, versions, sizeof(versions));
	if (share)
		put_extension(m, 51, shares, share);
	put_extension(m, 0xfe0d, "x", 1);
	end(m);
	free(shares);
}

/* In records of at most @size octets. */
static size_t frame(const struct made *m, size_t size, uint8_t *to)
{
	size_t n = 0;

	for (size_t at = 0; at < m->len;) {
		const size_t left = m->len - at;
		const size_t len = left < size ? left : size;
		const uint8_t header[] = {22, 3, 1, (uint8_t)(len >> 8),
					  (uint8_t)len};

		cr_assert_leq(n + 5 + len, WIRE_MAX);
		memcpy(to + n, header, 5);
		memcpy(to + n + 5, m->data + at, len);
		n += 5 + len;
		at += len;
	}
	return n;
}

/** struct reading - A hello as it was read */
struct reading {
	struct hello h;
	uint8_t message[HELLO_MAX];
	size_t used;
};

/* In segments of at most @size octets, the first of at most @first. Each is in
 * memory of its own, so that a look beyond it is seen. */
static void read_in(struct reading *r, const uint8_t *data, size_t len,
		    size_t first, size_t size)
{
	*r = (struct reading){0};
	hello_begin(&r->h);
	for (size_t at = 0; at < len && r->h.state == HELLO_MORE;) {
		const size_t most = at ? size : first;
		const size_t n = len - at < most ? len - at : most;
		uint8_t *segment = malloc(n);
		size_t used;

		memcpy(segment, data + at, n);
		used = hello_feed(&r->h, r->message, segment, n);
		free(segment);
		cr_assert_leq(used, n);
		cr_assert(used == n || r->h.state != HELLO_MORE);
		r->used += used;
		at += n;
	}
}

static void expect_same(const struct reading *a, const struct reading *b)
{
	cr_assert_eq(a->h.state, b->h.state);
	cr_assert_eq(a->h.alert, b->h.alert);
	cr_assert_eq(a->used, b->used);
	cr_assert_eq(a->h.message_len, b->h.message_len);
	cr_assert_eq(memcmp(a->message, b->message, a->h.message_len), 0);
	cr_assert_eq(a->h.sni.len, b->h.sni.len);
	cr_assert_eq(memcmp(a->h.sni_wire, b->h.sni_wire, a->h.sni.len), 0);
	cr_assert_eq(a->h.n_alpn, b->h.n_alpn);
	cr_assert_eq(a->h.tls13, b->h.tls13);
	cr_assert_eq(a->h.ech, b->h.ech);
}

static void expect_name(const struct hello *h, const char *want)
{
	char text[DNAME_TEXT_MAX] = "";

	cr_expect_eq(h->state, HELLO_DONE, "%s", h->why);
	if (!want) {
		cr_expect_eq(h->sni.len, 0);
		return;
	}
	cr_assert_neq(h->sni.len, 0);
	cr_expect_str_eq(dname_format(h->sni, text), want);
}

Test(hello, reads_what_it_says)
{
	struct made m;
	uint8_t wire[WIRE_MAX];
	struct reading r;
	size_t len;

	make(&m, "API.Example.com.", 32);
	len = frame(&m, 16384, wire);
	/* What follows in another record is not looked at. */
	memcpy(wire + len, "\x17\x03\x03", 3);
	read_in(&r, wire, len + 3, len + 3, 1);
	expect_name(&r.h, "api.example.com");
	cr_expect_eq(r.used, len);
	cr_expect_eq(r.h.message_len, m.len);
	cr_expect_eq(memcmp(r.message, m.data, m.len), 0);
	cr_expect(r.h.tls13);
	cr_expect(r.h.ech);
	cr_expect(r.h.has_alpn);
	cr_assert_eq(r.h.n_alpn, 2);
	cr_expect_eq(memcmp(r.message + r.h.alpn[0], "\2h2", 3), 0);
	cr_expect_eq(memcmp(r.message + r.h.alpn[1], "\10http/1.1", 9), 0);
	make(&m, NULL, 0);
	len = frame(&m, 16384, wire);
	read_in(&r, wire, len, len, 1);
	expect_name(&r.h, NULL);
}

Test(hello, reads_one_without_extensions)
{
	struct made m;
	uint8_t wire[WIRE_MAX];
	struct reading r;
	size_t len;

	begin(&m);
	m.len -= 2;
	close_vector(&m, 1, 3);
	len = frame(&m, 16384, wire);
	read_in(&r, wire, len, len, 1);
	expect_name(&r.h, NULL);
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
		make(&m, "www.example.com", shares[i]);
		for (size_t j = 0; j < sizeof(records) / sizeof(records[0]);
		     j++) {
			const size_t len = frame(&m, records[j], wire);

			read_in(whole, wire, len, len, len);
			expect_name(&whole->h, "www.example.com");
			cr_assert_eq(whole->used, len);
			for (size_t cut = 1; cut < len; cut++) {
				read_in(other, wire, len, cut, len);
				expect_same(whole, other);
			}
			for (size_t size = 1; size < 9; size++) {
				read_in(other, wire, len, size, size);
				expect_same(whole, other);
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

	make(&m, "www.example.com", 1);
	least = m.len - 1;
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		const size_t size = records[i];

		make(&m, "www.example.com", HELLO_MAX - least);
		cr_assert_eq(m.len, HELLO_MAX);
		len = frame(&m, size, wire);
		cr_assert_leq(len, HELLO_RAW_MAX);
		read_in(r, wire, len, len, len);
		expect_name(&r->h, "www.example.com");
		make(&m, "www.example.com", HELLO_MAX - least + 1);
		m.len = HELLO_MAX;
		len = frame(&m, size, wire);
		read_in(r, wire, len, len, len);
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

	make(&m, "www.example.com", 32);
	len = frame(&m, 100, wire);
	for (size_t n = 0; n < len; n++) {
		read_in(&r, wire, n, n ? n : 1, 1);
		cr_expect_eq(r.h.state, HELLO_MORE);
		cr_expect_eq(r.used, n);
	}
}

/* Cut short at each octet, with the lengths of record and message as they are
 * then: the end is always within something, but for the two places where a
 * hello may end. */
Test(hello, refuses_what_is_cut_short)
{
	uint8_t wire[WIRE_MAX];
	struct reading r;
	struct made m, cut;
	size_t len, bare = 0;

	make(&m, "www.example.com", 32);
	for (size_t n = 4; n < m.len; n++) {
		cut = m;
		cut.len = n;
		close_vector(&cut, 1, 3);
		len = frame(&cut, 16384, wire);
		read_in(&r, wire, len, len, 1);
		cr_expect_eq(r.used, len);
		if (n == m.extensions) {
			expect_name(&r.h, NULL);
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
		end(&cut);
		len = frame(&cut, 16384, wire);
		read_in(&r, wire, len, len, 1);
		cr_expect(r.h.state == HELLO_DONE ||
			  (r.h.state == HELLO_BAD && r.h.alert == 50));
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
		/* an alert, data, a heartbeat: TLS, and no beginning */
		{"\x15\x03\x01\x00\x02\x02\x28", 7, 1},
		{"\x17\x03\x03\x00\x01\x00", 6, 1},
		{"\x00", 1, 1},
		{"\x16\x02\x00\x00\x10", 5, 2},
		{"\x16\xfe\xff\x00\x10", 5, 2},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reading r;

		for (size_t size = 1; size < 3; size++) {
			read_in(&r, (const uint8_t *)cases[i].data,
				cases[i].len, size, size);
			cr_expect_eq(r.h.state, HELLO_PLAIN);
			cr_expect_eq(r.used, cases[i].used);
		}
		read_in(&r, (const uint8_t *)cases[i].data, cases[i].used - 1,
			1, 1);
		cr_expect_eq(r.h.state, HELLO_MORE);
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

		read_in(&r, data, cases[i].len, 1, 1);
		cr_expect_eq(r.h.state, HELLO_BAD, "case %zu", i);
		cr_expect_eq(r.h.alert, cases[i].alert, "case %zu: %u", i,
			     r.h.alert);
		cr_expect_eq(r.used, cases[i].len, "case %zu", i);
		cr_expect_not_null(r.h.why);
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

	make(&m, "www.example.com", 32);
	put_number(&m, 1, 20);
	for (size_t size = m.len; size > m.len - 3; size--) {
		len = frame(&m, size, wire);
		read_in(&r, wire, len, len, 1);
		if (size == m.len - 1) {
			expect_name(&r.h, "www.example.com");
			cr_expect_eq(r.used, len - 6);
			continue;
		}
		cr_expect_eq(r.h.state, HELLO_BAD);
		cr_expect_eq(r.h.alert, 10);
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

		make(&m, cases[i].name, 0);
		len = frame(&m, 16384, wire);
		read_in(&r, wire, len, len, 1);
		if (cases[i].want) {
			expect_name(&r.h, cases[i].want);
			continue;
		}
		cr_expect_eq(r.h.state, HELLO_BAD, "%s", cases[i].name);
		cr_expect_eq(r.h.alert, 47, "%s", cases[i].name);
	}
	/* A NUL, which ends the name for whoever reads it as a string. */
	make(&m, "a.example.com", 0);
	for (size_t i = 0; i < m.len; i++)
		if (!memcmp(m.data + i, ".example", 8))
			m.data[i] = 0;
	read_in(&r, wire, frame(&m, 16384, wire), WIRE_MAX, 1);
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
		begin(&m);
		put_extension(&m, 10, "", 0);
		put_extension(&m, extensions[i].type, extensions[i].data,
			      extensions[i].len);
		end(&m);
		read_in(&r, wire, frame(&m, 16384, wire), WIRE_MAX, 1);
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
			make(&m, "a.example", 1);
			m.len -= 5;
			for (int n = 0; n <= twice; n++)
				if (types[i] == 0)
					put_sni(&m, "b.example");
				else if (types[i] == 16)
					put_extension(&m, 16, alpn,
						      sizeof(alpn));
				else if (types[i] == 43)
					put_extension(&m, 43, versions,
						      sizeof(versions));
				else
					put_extension(&m, types[i], "x", 1);
			end(&m);
			read_in(&r, wire, frame(&m, 16384, wire), WIRE_MAX, 1);
			/* Some were there before. */
			if (!twice &&
			    (types[i] == 10 || types[i] == 65 ||
			     types[i] == 0xfe0d || types[i] == 0xffff)) {
				expect_name(&r.h, "a.example");
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

	begin(&m);
	put_extension(&m, 41, "x", 1);
	put_extension(&m, 10, "", 0);
	end(&m);
	read_in(&r, wire, frame(&m, 16384, wire), WIRE_MAX, 1);
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
		make(&m, "a.example", 0);
		cr_assert_eq(m.data[38], 32);
		cr_assert_eq(m.data[72], 6);
		cr_assert_eq(m.data[79], 1);
		cr_assert_eq(m.extensions, 81);
		m.data[cases[i].at] = (uint8_t)cases[i].value;
		read_in(&r, wire, frame(&m, 16384, wire), WIRE_MAX, 1);
		cr_expect_eq(r.h.state, HELLO_BAD, "%s", cases[i].what);
		cr_expect_eq(r.h.alert, cases[i].alert, "%s: %u", cases[i].what,
			     r.h.alert);
	}
	/* Two methods, one of which is none: TLS 1.2 alone may offer that. */
	for (int tls13 = 0; tls13 < 2; tls13++) {
		begin(&m);
		m.len = 79;
		put_number(&m, 1, 2);
		put_number(&m, 2, 0x0100);
		m.extensions = open_vector(&m, 2);
		if (tls13)
			put_extension(&m, 43, versions, sizeof(versions));
		end(&m);
		read_in(&r, wire, frame(&m, 16384, wire), WIRE_MAX, 1);
		cr_expect_eq(r.h.state, tls13 ? HELLO_BAD : HELLO_DONE);
		cr_expect_eq(r.h.alert, tls13 ? 47 : 0);
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

	make(&m, "www.example.com", 32);
	for (int i = 0; i < 20000; i++) {
		const size_t size = 1 + (seed >> 9) % 300;

		len = frame(&m, size, wire);
		memcpy(broken, wire, len);
		for (int n = 0; n < 1 + i % 3; n++) {
			seed = seed * 1664525 + 1013904223;
			broken[(seed >> 8) % len] = (uint8_t)(seed >> 24);
		}
		read_in(a, broken, len, len, len);
		read_in(b, broken, len, 1 + (seed >> 5) % len,
			1 + (seed >> 3) % 40);
		expect_same(a, b);
		states[a->h.state]++;
	}
	/* All that can happen did. */
	for (size_t i = 0; i < 4; i++)
		cr_expect_gt(states[i], 0, "state %zu", i);
	free(a);
	free(b);
}

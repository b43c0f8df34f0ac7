/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_constraints.c - What a CA may issue: each kind of subtree, and nonsense.
 */
#include "constraints.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* A name's wire form: each label behind its length. */
static struct dname wire_of(const char *text, uint8_t wire[DNAME_WIRE_MAX])
{
	uint8_t n = 0;

	while (*text) {
		const size_t len = strcspn(text, ".");

		wire[n++] = (uint8_t)len;
		memcpy(wire + n, text, len);
		n = (uint8_t)(n + len);
		text += len + (text[len] == '.');
	}
	wire[n++] = 0;
	return (struct dname){wire, n};
}

static void put_tree(struct der *d, unsigned int list, unsigned int kind,
		     const void *base, size_t len)
{
	const size_t trees = der_begin(d, list);
	const size_t tree = der_begin(d, DER_SEQUENCE);

	der_put(d, kind, base, len);
	der_end(d, tree);
	der_end(d, trees);
}

#define DNS	  (DER_CONTEXT | 2)
#define ADDRESS	  (DER_CONTEXT | 7)
#define PERMITTED (DER_CONTEXT_OF | 0)
#define EXCLUDED  (DER_CONTEXT_OF | 1)

/* One subtree, permitted or excluded. */
static bool permits(unsigned int list, const char *base, const char *name)
{
	uint8_t room[256], wire[DNAME_WIRE_MAX];
	struct der d = {.data = room, .room = sizeof(room)};
	const size_t all = der_begin(&d, DER_SEQUENCE);
	struct constraints c;

	put_tree(&d, list, DNS, base, strlen(base));
	der_end(&d, all);
	constraints_begin(&c);
	cr_assert(constraints_take_names(&c, (struct der_view){room, d.len}));
	return constraints_permit(&c, wire_of(name, wire), (struct ip){0});
}

Test(constraints, subtrees_of_names)
{
	static const struct {
		const char *base;
		const char *name;
		bool in;
	} rows[] = {
		{"example.com", "example.com", true},
		{"example.com", "a.example.com", true},
		{"example.com", "a.b.example.com", true},
		{"EXAMPLE.com", "a.example.COM", true},
		{"example.com", "aexample.com", false},
		{"example.com", "example.com.org", false},
		{"example.com", "com", false},
		{"a.example.com", "example.com", false},
		{".example.com", "example.com", false},
		{".example.com", "a.example.com", true},
		{".example.com", "a.b.example.com", true},
		{"example.com.", "a.example.com", true},
		{"com", "example.com", true},
		{"", "example.com", true},
		{"e.com", "example.com", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect_eq(permits(PERMITTED, rows[i].base, rows[i].name),
			     rows[i].in, "permitted %s, %s", rows[i].base,
			     rows[i].name);
		cr_expect_eq(permits(EXCLUDED, rows[i].base, rows[i].name),
			     !rows[i].in, "excluded %s, %s", rows[i].base,
			     rows[i].name);
	}
}

Test(constraints, subtrees_that_are_none)
{
	static const char *const bases[] = {".", "..", "example..com",
					    "..example.com", "example.com.."};

	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		cr_expect_not(permits(PERMITTED, bases[i], "example.com"));
		cr_expect_not(permits(EXCLUDED, bases[i], "example.org"));
	}
}

Test(constraints, subtrees_of_addresses)
{
	static const uint8_t ten[] = {10, 0, 0, 0, 255, 0, 0, 0};
	static const uint8_t odd[] = {10, 0, 0, 0, 255, 0, 0};
	uint8_t room[256], wire[DNAME_WIRE_MAX];
	const struct dname name = wire_of("example.com", wire);
	const struct ip in = ip4(10, 1, 2, 3), out = ip4(11, 1, 2, 3);
	const struct ip six = {IP_V6, 10};

	for (unsigned int k = 0; k < 4; k++) {
		struct der d = {.data = room, .room = sizeof(room)};
		const size_t all = der_begin(&d, DER_SEQUENCE);
		const bool excluded = k & 1;
		struct constraints c;

		put_tree(&d, excluded ? EXCLUDED : PERMITTED, ADDRESS,
			 k & 2 ? odd : ten, k & 2 ? sizeof(odd) : sizeof(ten));
		der_end(&d, all);
		constraints_begin(&c);
		cr_assert(constraints_take_names(
			&c, (struct der_view){room, d.len}));
		if (k & 2) {
			/* It cannot be understood. */
			cr_expect_not(
				constraints_permit(&c, (struct dname){0}, out));
			cr_expect_not(constraints_permit(&c, name, out));
			continue;
		}
		cr_expect_eq(constraints_permit(&c, (struct dname){0}, in),
			     !excluded);
		cr_expect_eq(constraints_permit(&c, (struct dname){0}, out),
			     excluded);
		cr_expect_eq(constraints_permit(&c, (struct dname){0}, six),
			     excluded);
		cr_expect(constraints_permit(&c, name, in));
	}
}

/* Both lists; each octet cut off, and each bit changed: on the heap, so that a
 * look behind the end is seen. */
Test(constraints, nonsense)
{
	static const char inside[] = "example.com", hole[] = "a.example.com";
	uint8_t room[256], wire[DNAME_WIRE_MAX];
	struct der d = {.data = room, .room = sizeof(room)};
	const size_t all = der_begin(&d, DER_SEQUENCE);
	const struct dname name = wire_of("b.example.com", wire);
	struct constraints c;

	put_tree(&d, PERMITTED, DNS, inside, strlen(inside));
	put_tree(&d, EXCLUDED, DNS, hole, strlen(hole));
	der_end(&d, all);
	constraints_begin(&c);
	cr_assert(constraints_take_names(&c, (struct der_view){room, d.len}));
	cr_assert(constraints_permit(&c, name, (struct ip){0}));
	cr_assert_not(
		constraints_take_names(&c, (struct der_view){room, d.len}),
		"twice");
	for (size_t k = 0; k < d.len; k++) {
		uint8_t *const copy = malloc(k + 1);

		memcpy(copy, room, k);
		constraints_begin(&c);
		cr_expect_not(
			constraints_take_names(&c, (struct der_view){copy, k}));
		free(copy);
	}
	for (size_t k = 0; k < 8 * d.len; k++) {
		uint8_t *const copy = malloc(d.len);

		memcpy(copy, room, d.len);
		copy[k / 8] = (uint8_t)(copy[k / 8] ^ 1u << k % 8);
		constraints_begin(&c);
		if (constraints_take_names(&c, (struct der_view){copy, d.len}))
			(void)constraints_permit(&c, name, (struct ip){0});
		free(copy);
	}
}

static bool servers(const char *value, size_t len)
{
	struct constraints c;

	constraints_begin(&c);
	return constraints_take_purposes(
		       &c, (struct der_view){(const uint8_t *)value, len}) &&
	       c.servers;
}

Test(constraints, purposes)
{
	static const char server[] = "\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07"
				     "\x03\x01";
	static const char client[] = "\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07"
				     "\x03\x02";
	static const char any[] = "\x30\x06\x06\x04\x55\x1d\x25\x00";
	struct constraints c;

	cr_expect(servers(server, sizeof(server) - 1));
	cr_expect(servers(any, sizeof(any) - 1));
	cr_expect_not(servers(client, sizeof(client) - 1));
	/* none at all, something behind, something else */
	cr_expect_not(servers("\x30\x00", 2));
	cr_expect_not(servers("\x30\x06\x06\x04\x55\x1d\x25\x00\x00", 9));
	cr_expect_not(servers("\x30\x02\x05\x00", 4));
	constraints_begin(&c);
	cr_expect(c.servers);
}

Test(constraints, lengths)
{
	static const struct {
		const char *value;
		size_t len;
		int want; /* -1: malformed */
		bool ca;
	} rows[] = {
		{"\x30\x00", 2, CONSTRAINTS_NO_LENGTH, false},
		{"\x30\x03\x01\x01\x00", 5, CONSTRAINTS_NO_LENGTH, false},
		{"\x30\x03\x01\x01\xff", 5, CONSTRAINTS_NO_LENGTH, true},
		{"\x30\x03\x02\x01\x03", 5, 3, false},
		{"\x30\x06\x01\x01\xff\x02\x01\x00", 8, 0, true},
		{"\x30\x06\x01\x01\xff\x02\x01\x07", 8, 7, true},
		{"\x30\x07\x01\x01\xff\x02\x02\x01\x00", 9,
		 CONSTRAINTS_NO_LENGTH, true},
		{"\x30\x06\x01\x01\xff\x02\x01\x80", 8, -1, true},
		{"\x30\x05\x01\x01\xff\x02\x00", 7, -1, true},
		{"\x30\x03\x01\x01\xff\x00", 6, -1, true},
		{"\x30\x05\x01\x01\xff\x05\x00", 7, -1, true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct constraints c;
		bool ok, ca = false;

		constraints_begin(&c);
		ok = constraints_take_basic(
			&c,
			(struct der_view){(const uint8_t *)rows[i].value,
					  rows[i].len},
			&ca);
		cr_expect_eq(ok, rows[i].want >= 0, "row %zu", i);
		if (!ok)
			continue;
		cr_expect_eq(c.length, rows[i].want, "row %zu", i);
		cr_expect_eq(ca, rows[i].ca, "row %zu", i);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_crl.c - Revocation lists: what is one, and what is none. */
#include "crl.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* 2027-01-15 and a day later. */
#define SINCE INT64_C(1800000000)
#define UNTIL (SINCE + 86400)

static const uint8_t sha256[] = {0x06, 0x08, 0x2a, 0x86, 0x48,
				 0xce, 0x3d, 0x04, 0x03, 0x02};
static const uint8_t sha1[] = {0x06, 0x07, 0x2a, 0x86, 0x48,
			       0xce, 0x3d, 0x04, 0x01};

/** struct part - Octets of a list */
struct part {
	const char *octets;
	size_t len;
};

#define PART(text) \
	{ \
		text, sizeof(text) - 1 \
	}

/**
 * struct row - A list
 * @version:	its version, as it is written
 * @algorithm:	signature algorithm; NULL: ecdsa-with-SHA256
 * @until:	nextUpdate; 0: there is none
 * @serial:	of its entry; none: there is no entry
 * @entry:	extensions of the entry
 * @list:	extensions of the list
 * @why:	what is wrong; NULL: nothing
 */
struct row {
	struct part version;
	const uint8_t *algorithm;
	size_t algorithm_len;
	int64_t until;
	struct part serial;
	struct part entry;
	struct part list;
	const char *why;
};

static uint8_t room[1024];

static void put(struct der *d, struct part p)
{
	der_raw(d, p.octets, p.len);
}

static void put_entries(struct der *d, const struct row *r)
{
	size_t all, one, list;

	if (!r->serial.len)
		return;
	all = der_begin(d, DER_SEQUENCE);
	one = der_begin(d, DER_SEQUENCE);
	put(d, r->serial);
	der_put_time(d, SINCE);
	if (r->entry.len) {
		list = der_begin(d, DER_SEQUENCE);
		put(d, r->entry);
		der_end(d, list);
	}
	der_end(d, one);
	der_end(d, all);
}

static struct der_view make(const struct row *r)
{
	struct der d = {.data = room, .room = sizeof(room)};
	const uint8_t *const algorithm = r->algorithm ? r->algorithm : sha256;
	const size_t len = r->algorithm ? r->algorithm_len : sizeof(sha256);
	const size_t whole = der_begin(&d, DER_SEQUENCE);
	const size_t tbs = der_begin(&d, DER_SEQUENCE);
	size_t explicit, list;

	put(&d, r->version);
	der_put(&d, DER_SEQUENCE, algorithm, len);
	der_put(&d, DER_SEQUENCE, "\x31\x02\x30\x00", 4);
	der_put_time(&d, SINCE);
	if (r->until)
		der_put_time(&d, r->until);
	put_entries(&d, r);
	if (r->list.len) {
		explicit = der_begin(&d, DER_CONTEXT_OF | 0);
		list = der_begin(&d, DER_SEQUENCE);
		put(&d, r->list);
		der_end(&d, list);
		der_end(&d, explicit);
	}
	der_end(&d, tbs);
	der_put(&d, DER_SEQUENCE, algorithm, len);
	der_put(&d, DER_BIT_STRING, "\0\1\2\3", 4);
	der_end(&d, whole);
	cr_assert_not(d.failed);
	return (struct der_view){room, d.len};
}

#define V2  PART("\x02\x01\x01")
#define ONE PART("\x02\x01\x05")
/* An extension of 2.5.29.n with a value of three octets. */
#define EXT(n, critical, size, value) \
	PART("\x30" size "\x06\x03\x55\x1d" n critical "\x04\x03" value)
#define PLAIN(n, value)	 EXT(n, "", "\x0a", value)
#define STRICT(n, value) EXT(n, "\x01\x01\xff", "\x0d", value)
#define STRANGE(critical, size) \
	PART("\x30" size "\x06\x03\x2a\x03\x04" critical "\x04\x00")

static const struct row rows[] = {
	{.version = V2, .until = UNTIL},
	{.version = V2, .until = UNTIL, .serial = ONE},
	{.until = UNTIL, .serial = ONE},
	{.version = V2, .until = UNTIL, .list = PLAIN("\x14", "\x02\x01\x07")},
	{.version = V2, .until = UNTIL, .list = PLAIN("\x23", "\x30\x01\x00")},
	{.version = V2, .until = UNTIL, .list = STRANGE("", "\x07")},
	{.version = V2,
	 .until = UNTIL,
	 .serial = ONE,
	 .entry = PLAIN("\x15", "\x0a\x01\x06")},
	{.version = V2,
	 .until = UNTIL,
	 .serial = ONE,
	 .entry = STRANGE("", "\x07")},
	/* Version 1 has neither version nor extensions; there is no third. */
	{.version = PART("\x02\x01\x00"),
	 .until = UNTIL,
	 .why = "is of a version that is not known"},
	{.version = PART("\x02\x01\x02"),
	 .until = UNTIL,
	 .why = "is of a version that is not known"},
	{.until = UNTIL,
	 .list = PLAIN("\x14", "\x02\x01\x07"),
	 .why = "has extensions that cannot be read"},
	{.until = UNTIL,
	 .serial = ONE,
	 .entry = PLAIN("\x15", "\x0a\x01\x06"),
	 .why = "has an entry that cannot be read"},
	{.version = V2, .why = "does not say when there is a next one"},
	{.version = V2, .until = SINCE - 1, .why = "ends before it begins"},
	{.version = V2,
	 .until = UNTIL,
	 .algorithm = sha1,
	 .algorithm_len = sizeof(sha1),
	 .why = "is signed by an algorithm that is not known, or too weak"},
	/* Lists that are not of all that was revoked. */
	{.version = V2,
	 .until = UNTIL,
	 .list = STRICT("\x1b", "\x02\x01\x07"),
	 .why = "is one of changes to another (a delta CRL)"},
	{.version = V2,
	 .until = UNTIL,
	 .list = PLAIN("\x1b", "\x02\x01\x07"),
	 .why = "is one of changes to another (a delta CRL)"},
	{.version = V2,
	 .until = UNTIL,
	 .list = STRICT("\x1c", "\x30\x01\x00"),
	 .why = "is of some certificates alone (issuingDistributionPoint)"},
	{.version = V2,
	 .until = UNTIL,
	 .list = PLAIN("\x1c", "\x30\x01\x00"),
	 .why = "is of some certificates alone (issuingDistributionPoint)"},
	{.version = V2,
	 .until = UNTIL,
	 .list = STRANGE("\x01\x01\xff", "\x0a"),
	 .why = "has a critical extension that is not known"},
	{.version = V2,
	 .until = UNTIL,
	 .list = PART("\x30\x0a\x06\x03\x55\x1d\x14\x04\x03\x02\x01\x07"
		      "\x30\x0a\x06\x03\x55\x1d\x14\x04\x03\x02\x01\x07"),
	 .why = "has an extension twice"},
	{.version = V2,
	 .until = UNTIL,
	 .list = PART("\x30\x03\x06\x01\x2a"),
	 .why = "has extensions that cannot be read"},
	/* Entries that are not of this issuer's, or of its complete list. */
	{.version = V2,
	 .until = UNTIL,
	 .serial = ONE,
	 .entry = STRICT("\x1d", "\x30\x01\x00"),
	 .why = "is of other issuers' certificates (an indirect CRL)"},
	{.version = V2,
	 .until = UNTIL,
	 .serial = ONE,
	 .entry = PLAIN("\x15", "\x0a\x01\x08"),
	 .why = "takes an entry back, as one of changes may (removeFromCRL)"},
	{.version = V2,
	 .until = UNTIL,
	 .serial = ONE,
	 .entry = PLAIN("\x15", "\x0a\x00\x08"),
	 .why = "has extensions that cannot be read"},
	{.version = V2,
	 .until = UNTIL,
	 .serial = ONE,
	 .entry = STRANGE("\x01\x01\xff", "\x0a"),
	 .why = "has an entry with a critical extension that is not known"},
	{.version = V2,
	 .until = UNTIL,
	 .serial = PART("\x02\x00"),
	 .why = "has an entry that cannot be read"},
	{.version = V2,
	 .until = UNTIL,
	 .serial = PART("\x04\x01\x05"),
	 .why = "has an entry that cannot be read"},
};

Test(crl, kinds)
{
	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		const struct row *const r = &rows[k];
		struct crl c;
		const char *const why = crl_read(make(r), &c);

		if (r->why || why) {
			cr_assert(r->why && why, "row %zu: %s", k, why);
			cr_assert_str_eq(why, r->why, "row %zu: %s", k, why);
			continue;
		}
		cr_assert_eq(c.since, SINCE);
		cr_assert_eq(c.until, UNTIL);
		cr_assert_eq(c.n, r->serial.len ? 1 : 0, "row %zu", k);
		cr_assert(der_is(c.issuer, "\x31\x02\x30\x00", 4));
		cr_assert(der_is(c.part.signature, "\1\2\3", 3));
	}
}

/* On the heap, and exactly as long: a look behind its end is seen. */
static bool read_copy(struct der_view v)
{
	uint8_t *const copy = malloc(v.len ? v.len : 1);
	struct crl c;
	bool good;

	cr_assert(copy);
	memcpy(copy, v.p, v.len);
	good = !crl_read((struct der_view){copy, v.len}, &c);
	free(copy);
	return good;
}

Test(crl, cut_off_and_changed)
{
	static const struct row r = {
		.version = V2,
		.until = UNTIL,
		.serial = ONE,
		.entry = PLAIN("\x15", "\x0a\x01\x06"),
		.list = PLAIN("\x14", "\x02\x01\x07"),
	};
	const struct der_view v = make(&r);
	size_t good = 0;

	cr_assert(read_copy(v));
	for (size_t len = 0; len < v.len; len++)
		cr_assert_not(read_copy((struct der_view){v.p, len}));
	room[v.len] = 0;
	cr_assert_not(read_copy((struct der_view){v.p, v.len + 1}));
	for (size_t k = 0; k < v.len * 8; k++) {
		room[k / 8] = (uint8_t)(room[k / 8] ^ 1u << k % 8);
		good += read_copy(v);
		room[k / 8] = (uint8_t)(room[k / 8] ^ 1u << k % 8);
	}
	/* Values may be anything, lengths and tags may not. */
	cr_assert(good > 0 && good < v.len * 8);
}

static void expect_serial(struct part from, struct part to)
{
	const struct der_view v = crl_serial(
		(struct der_view){(const uint8_t *)from.octets, from.len});

	cr_assert(der_is(v, to.octets, to.len));
}

Test(crl, shortest_serial)
{
	expect_serial((struct part)PART("\x05"), (struct part)PART("\x05"));
	expect_serial((struct part)PART("\x00"), (struct part)PART("\x00"));
	expect_serial((struct part)PART("\x00\x00\x00"),
		      (struct part)PART("\x00"));
	expect_serial((struct part)PART("\x00\x00\x05"),
		      (struct part)PART("\x05"));
	/* That zero is the sign. */
	expect_serial((struct part)PART("\x00\x85"),
		      (struct part)PART("\x00\x85"));
	expect_serial((struct part)PART("\x00\x00\x85"),
		      (struct part)PART("\x00\x85"));
	expect_serial((struct part)PART("\xff\x85"), (struct part)PART("\x85"));
	expect_serial((struct part)PART("\xff\x05"),
		      (struct part)PART("\xff\x05"));
	expect_serial((struct part)PART(""), (struct part)PART(""));
}

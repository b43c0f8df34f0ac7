/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_revoked.c - Revocation lists together: whose counts for whom, and what
 * is on them. */
#include "revoked.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "key.h"
#include "pem.h"
#include "serials.h"

/* 2027-01-15; a list is of a day. */
#define NOW INT64_C(1800000000)
#define DAY INT64_C(86400)

/* A Name's contents, and another's. */
static const uint8_t ours[] = {0x31, 0x02, 0x30, 0x00};
static const uint8_t others[] = {0x31, 0x02, 0x30, 0x01};

static uint8_t room[1 << 20];
static char text[1 << 16];
static size_t text_len;

/** struct ca - A key, as issuers have it */
struct ca {
	struct key key;
	uint8_t octets[128];
	struct issuer_key issuer;
};

static struct ca *new_ca(void)
{
	struct ca *const ca = calloc(1, sizeof(*ca));
	struct der d = {.data = ca->octets, .room = sizeof(ca->octets)};
	uint8_t point[CERT_POINT];

	cr_assert(key_make(&ca->key) && key_point(&ca->key, point));
	cert_write_key(&d, point);
	cr_assert_not(d.failed);
	ca->issuer.spki = (struct der_view){ca->octets, d.len};
	ca->issuer.lists = true;
	return ca;
}

static void free_ca(struct ca *ca)
{
	key_wipe(&ca->key);
	free(ca);
}

/* The TBSCertList of numbers; @width octets each, the first one's highest bit
 * clear. */
static void put_list(struct der *d, int64_t since, const uint32_t *numbers,
		     size_t n, size_t width)
{
	static const uint8_t v2[] = {0x02, 0x01, 0x01};
	const struct der_view algorithm = key_algorithm(KEY_P256);
	const size_t tbs = der_begin(d, DER_SEQUENCE);
	size_t all, one;

	der_raw(d, v2, sizeof(v2));
	der_raw(d, algorithm.p, algorithm.len);
	der_put(d, DER_SEQUENCE, ours, sizeof(ours));
	der_put_time(d, since);
	der_put_time(d, since + DAY);
	if (n) {
		all = der_begin(d, DER_SEQUENCE);
		for (size_t k = 0; k < n; k++) {
			uint8_t number[32] = {0x11};

			memcpy(number + width - 4, &numbers[k], 4);
			one = der_begin(d, DER_SEQUENCE);
			der_put(d, DER_INTEGER, number, width);
			der_put_time(d, since);
			der_end(d, one);
		}
		der_end(d, all);
	}
	der_end(d, tbs);
	cr_assert_not(d->failed);
}

/* A list, signed, behind the text. */
static void add_list(struct ca *ca, int64_t since, const uint32_t *numbers,
		     size_t n)
{
	const struct der_view algorithm = key_algorithm(KEY_P256);
	uint8_t signature[KEY_SIGNATURE_MAX + 1] = {0};
	uint8_t whole[2048];
	struct der tbs = {.data = room, .room = sizeof(room)};
	struct der d = {.data = whole, .room = sizeof(whole)};
	size_t all, len;

	put_list(&tbs, since, numbers, n, 5);
	len = key_sign(&ca->key, (struct der_view){room, tbs.len},
		       signature + 1);
	cr_assert(len);
	all = der_begin(&d, DER_SEQUENCE);
	der_raw(&d, tbs.data, tbs.len);
	der_raw(&d, algorithm.p, algorithm.len);
	der_put(&d, DER_BIT_STRING, signature, len + 1);
	der_end(&d, all);
	cr_assert(!d.failed && text_len + PEM_ROOM(d.len) < sizeof(text));
	text_len += pem_write(text + text_len, PEM_CRL, whole, d.len);
}

static struct revoked *read_lists(void)
{
	struct revoked *const r = revoked_new(text, text_len);
	struct pem pem = {
		.text = text,
		.len = text_len,
		.room = room,
		.size = sizeof(room),
	};
	size_t at = 0;

	cr_assert(r);
	while (pem_next(&pem) == PEM_BLOCK) {
		cr_assert(revoked_add(r, pem.der, at));
		at = pem.at;
	}
	return r;
}

static void expect(struct revoked *r, const struct ca *ca, uint32_t number,
		   int64_t now, enum revoked_verdict want)
{
	uint8_t serial[5] = {0x11};
	enum revoked_verdict got;

	memcpy(serial + 1, &number, 4);
	got = revoked_check(r, (struct der_view){ours, sizeof(ours)},
			    (struct der_view){serial, sizeof(serial)},
			    &ca->issuer, now);
	cr_assert_eq(got, want, "%d, not %d", (int)got, (int)want);
}

static void setup(void)
{
	cr_assert(key_library());
	text_len = 0;
}

TestSuite(revoked, .init = setup);

Test(revoked, one_issuer)
{
	static const uint32_t first[] = {7, 3}, second[] = {9};
	struct ca *const ca = new_ca();
	const uint8_t serial[] = {0x11, 7, 0, 0, 0};
	struct revoked *r;

	add_list(ca, NOW - DAY / 2, first, 2);
	add_list(ca, NOW, second, 1);
	add_list(ca, NOW + DAY, NULL, 0);
	r = read_lists();
	/* Each of them, as long as it counts. */
	expect(r, ca, 7, NOW, REVOKED_YES);
	expect(r, ca, 3, NOW, REVOKED_YES);
	expect(r, ca, 9, NOW, REVOKED_YES);
	expect(r, ca, 8, NOW, REVOKED_NOT);
	expect(r, ca, 9, NOW - 1, REVOKED_NOT);
	expect(r, ca, 7, NOW + DAY / 2 - 1, REVOKED_YES);
	expect(r, ca, 7, NOW + DAY / 2, REVOKED_NOT);
	expect(r, ca, 7, NOW + DAY, REVOKED_NOT);
	/* And then there is none, of one kind or the other. */
	expect(r, ca, 8, NOW - DAY, REVOKED_EARLY);
	expect(r, ca, 8, NOW + 2 * DAY, REVOKED_EXPIRED);
	cr_assert_eq(revoked_check(r, (struct der_view){others, sizeof(others)},
				   (struct der_view){serial, sizeof(serial)},
				   &ca->issuer, NOW),
		     REVOKED_UNLISTED);
	ca->issuer.lists = false;
	expect(r, ca, 8, NOW, REVOKED_UNSIGNED);
	revoked_free(r);
	free_ca(ca);
}

Test(revoked, issuers_of_one_name)
{
	static const uint32_t first[] = {7}, second[] = {9};
	struct ca *const a = new_ca(), *const b = new_ca(), *const c = new_ca();
	struct revoked *r;

	add_list(a, NOW, first, 1);
	add_list(b, NOW, second, 1);
	r = read_lists();
	/* Asked in turn, so that what was found out is not taken for another's.
	 */
	for (int k = 0; k < 2; k++) {
		expect(r, c, 7, NOW, REVOKED_UNSIGNED);
		expect(r, a, 7, NOW, REVOKED_YES);
		expect(r, b, 7, NOW, REVOKED_NOT);
		expect(r, a, 9, NOW, REVOKED_NOT);
		expect(r, b, 9, NOW, REVOKED_YES);
	}
	revoked_free(r);
	free_ca(a);
	free_ca(b);
	free_ca(c);
}

Test(revoked, spoiled)
{
	static const uint32_t first[] = {7};
	struct ca *const ca = new_ca();
	struct revoked *r;

	add_list(ca, NOW, first, 1);
	r = read_lists();
	/* It was good when it was read; the text is read again. */
	text[text_len / 2] = text[text_len / 2] == 'A' ? 'B' : 'A';
	expect(r, ca, 7, NOW, REVOKED_UNSIGNED);
	expect(r, ca, 8, NOW, REVOKED_UNSIGNED);
	revoked_free(r);
	/* What cannot be read is none. */
	r = revoked_new(text, text_len);
	cr_assert(r && revoked_add(r, (struct der_view){room, 5}, 0));
	expect(r, ca, 7, NOW, REVOKED_UNLISTED);
	revoked_free(r);
	free_ca(ca);
}

/* All of @n numbers are found, and none beside them. */
static void look_up(uint32_t *numbers, size_t n, size_t width)
{
	struct der d = {.data = room, .room = sizeof(room)};
	struct der_view v, tbs, gone;
	struct crl c = {0};
	struct serials *s;

	put_list(&d, NOW, numbers, n, width);
	v = (struct der_view){room, d.len};
	cr_assert(der_expect(&v, DER_SEQUENCE, &tbs));
	for (int k = 0; k < 5; k++) {
		unsigned int tag;

		cr_assert(der_next(&tbs, &tag, &gone));
	}
	if (n)
		cr_assert(der_expect(&tbs, DER_SEQUENCE, &c.entries));
	c.n = n;
	c.octets = n * width;
	s = serials_new(&c);
	cr_assert(s);
	for (size_t k = 0; k < n; k++) {
		uint8_t number[33] = {0, 0x11};

		memcpy(number + 1 + width - 4, &numbers[k], 4);
		cr_assert(serials_has(s, (struct der_view){number + 1, width}));
		cr_assert(serials_has(s, (struct der_view){number, width + 1}));
		cr_assert_not(serials_has(
			s, (struct der_view){number + 1, width - 1}));
		/* The numbers are even. */
		number[1 + width - 4] ^= 1;
		cr_assert_not(
			serials_has(s, (struct der_view){number + 1, width}));
	}
	serials_free(s);
}

Test(revoked, serials)
{
	static uint32_t numbers[4000];
	uint32_t seed = 1;

	for (size_t n = 0; n < 40; n++) {
		for (size_t k = 0; k < n; k++)
			numbers[k] = (uint32_t)(k * 2654435761u) & ~1u;
		look_up(numbers, n, 5);
	}
	for (uint32_t k = 0; k < 4000; k++)
		numbers[k] = 2 * k;
	look_up(numbers, 4000, 20);
	for (uint32_t k = 0; k < 4000; k++)
		numbers[k] = 2 * (4000 - k);
	look_up(numbers, 4000, 20);
	/* Many of them twice. */
	for (uint32_t k = 0; k < 4000; k++) {
		seed = seed * 1664525 + 1013904223;
		numbers[k] = (seed >> 20) & ~1u;
	}
	look_up(numbers, 4000, 21);
}

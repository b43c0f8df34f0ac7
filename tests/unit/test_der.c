/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_der.c - DER at its edges: lengths, numbers, times, bounds. */
#include <criterion/criterion.h>
#include <string.h>

#include "der.h"

static uint8_t room[70000];

static struct der begin(size_t size)
{
	memset(room, 0xaa, sizeof(room));
	return (struct der){.data = room, .room = size};
}

/* The header that a value of so many octets gets. */
static void expect_header(size_t len, const uint8_t *header, size_t header_len)
{
	static const uint8_t zeros[65536];
	struct der d = begin(sizeof(room));
	struct der_view v, value;

	der_put(&d, DER_OCTET_STRING, zeros, len);
	cr_assert(!d.failed && d.len == header_len + len);
	cr_assert(memcmp(room, header, header_len) == 0);
	v = (struct der_view){room, d.len};
	cr_assert(der_expect(&v, DER_OCTET_STRING, &value));
	cr_assert(value.len == len && v.len == 0);
	/* One octet less is not enough, and nothing behind it is touched. */
	d = begin(header_len + len - 1);
	der_put(&d, DER_OCTET_STRING, zeros, len);
	cr_assert(d.failed && room[header_len + len - 1] == 0xaa);
	/* What has failed stays so. */
	der_raw(&d, zeros, 0);
	cr_assert(d.failed);
}

Test(der, lengths)
{
	expect_header(0, (const uint8_t[]){4, 0}, 2);
	expect_header(1, (const uint8_t[]){4, 1}, 2);
	expect_header(127, (const uint8_t[]){4, 127}, 2);
	expect_header(128, (const uint8_t[]){4, 0x81, 128}, 3);
	expect_header(255, (const uint8_t[]){4, 0x81, 255}, 3);
	expect_header(256, (const uint8_t[]){4, 0x82, 1, 0}, 4);
	expect_header(65535, (const uint8_t[]){4, 0x82, 255, 255}, 4);
	expect_header(65536, (const uint8_t[]){4, 0x83, 1, 0, 0}, 5);
}

Test(der, nested)
{
	struct der d = begin(300);
	const size_t a = der_begin(&d, DER_SEQUENCE);
	const size_t b = der_begin(&d, DER_SET);
	uint8_t value[130] = {[129] = 7};
	struct der_view v, in, last;

	der_put(&d, DER_OCTET_STRING, value, sizeof(value));
	der_end(&d, b);
	der_put(&d, DER_BOOLEAN, value, 1);
	der_end(&d, a);
	cr_assert(!d.failed);
	v = (struct der_view){room, d.len};
	cr_assert(der_expect(&v, DER_SEQUENCE, &in) && !v.len);
	cr_assert(!der_expect(&in, DER_SEQUENCE, &last));
	cr_assert(der_expect(&in, DER_SET, &v));
	cr_assert(der_expect(&in, DER_BOOLEAN, &last) && !in.len);
	cr_assert(der_whole(&v, DER_OCTET_STRING, &last) && last.len == 133);
	cr_assert(last.p[132] == 7);
}

static void expect_number(const uint8_t *value, size_t len, const uint8_t *der,
			  size_t der_len)
{
	struct der d = begin(40);

	der_put_unsigned(&d, value, len);
	cr_assert(!d.failed && d.len == der_len);
	cr_assert(memcmp(room, der, der_len) == 0);
}

Test(der, numbers)
{
	expect_number((const uint8_t[]){0}, 1, (const uint8_t[]){2, 1, 0}, 3);
	expect_number((const uint8_t[]){0, 0}, 2, (const uint8_t[]){2, 1, 0},
		      3);
	expect_number((const uint8_t[]){0x7f}, 1, (const uint8_t[]){2, 1, 0x7f},
		      3);
	expect_number((const uint8_t[]){0x80}, 1,
		      (const uint8_t[]){2, 2, 0, 0x80}, 4);
	expect_number((const uint8_t[]){0, 0, 1, 2}, 4,
		      (const uint8_t[]){2, 2, 1, 2}, 4);
}

static void expect_refused(const uint8_t *p, size_t len)
{
	struct der_view v = {p, len}, value;
	unsigned int tag;

	cr_assert(!der_next(&v, &tag, &value));
	cr_assert(v.p == p && v.len == len, "nothing was taken");
}

#define REFUSED(...) \
	expect_refused((const uint8_t[]){__VA_ARGS__}, \
		       sizeof((const uint8_t[]){__VA_ARGS__}))

Test(der, what_is_no_der)
{
	expect_refused(NULL, 0);
	REFUSED(0x30);
	/* longer than what is there */
	REFUSED(0x30, 1);
	REFUSED(0x30, 0x81, 0x80);
	/* not the shortest form */
	REFUSED(0x30, 0x81, 1, 0);
	REFUSED(0x30, 0x82, 0, 0x80, 0);
	/* indefinite, reserved, more octets than there can be */
	REFUSED(0x30, 0x80, 0, 0);
	REFUSED(0x30, 0xff, 1);
	REFUSED(0x30, 0x85, 0, 0, 0, 0, 1, 0);
	REFUSED(0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0);
	/* a tag of several octets */
	REFUSED(0x1f, 0x81, 1, 0);
}

static void expect_time(int64_t t, const char *der, const char *text)
{
	char buf[DER_TIME_TEXT];
	struct der d = begin(20);
	struct der_view v = {room, 0};
	int64_t back = 1;

	der_put_time(&d, t);
	cr_assert(!d.failed && d.len == strlen(der) + 2);
	cr_assert(memcmp(room + 2, der, strlen(der)) == 0, "%s", der);
	cr_assert(room[0] ==
		  (strlen(der) == 13 ? DER_UTC_TIME : DER_GENERALIZED_TIME));
	v.len = d.len;
	cr_assert(der_get_time(&v, &back) && back == t && !v.len);
	cr_assert_str_eq(der_time_text(t, buf), text);
}

/* By date -u +%s. */
Test(der, times)
{
	expect_time(0, "700101000000Z", "1970-01-01 00:00:00 UTC");
	expect_time(-1, "691231235959Z", "1969-12-31 23:59:59 UTC");
	expect_time(-631152000, "500101000000Z", "1950-01-01 00:00:00 UTC");
	expect_time(951782400, "000229000000Z", "2000-02-29 00:00:00 UTC");
	expect_time(951868800, "000301000000Z", "2000-03-01 00:00:00 UTC");
	expect_time(1709251199, "240229235959Z", "2024-02-29 23:59:59 UTC");
	expect_time(2524607999, "491231235959Z", "2049-12-31 23:59:59 UTC");
	expect_time(2524608000, "20500101000000Z", "2050-01-01 00:00:00 UTC");
	expect_time(4107542400, "21000301000000Z", "2100-03-01 00:00:00 UTC");
	expect_time(253402300799, "99991231235959Z", "9999-12-31 23:59:59 UTC");
}

/* 800 years in steps of five days or so, there and back. */
Test(der, eight_centuries)
{
	for (int64_t t = -631152000; t < 24614236800; t += 431999) {
		struct der d = begin(20);
		struct der_view v = {room, 0};
		int64_t back;

		der_put_time(&d, t);
		v.len = d.len;
		cr_assert(der_get_time(&v, &back) && back == t);
	}
}

Test(der, what_is_no_time)
{
	static const char *const wrong[] = {
		"\027\01326010100000Z",	     "\027\015261301000000Z",
		"\027\015260001000000Z",     "\027\015260132000000Z",
		"\027\015260100000000Z",     "\027\015260101240000Z",
		"\027\015260101006000Z",     "\027\015260101000060Z",
		"\027\0152601010000001",     "\027\015 60101000000Z",
		"\030\015260101000000Z",     "\030\0212026010100000.0Z",
		"\030\01720260101000000z",   "\030\017a0260101000000Z",
		"\027\021260101000000+0100",
	};
	struct der d = begin(20);

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct der_view v = {(const uint8_t *)wrong[i],
				     strlen(wrong[i])};
		int64_t t;

		cr_assert(!der_get_time(&v, &t), "%zu", i);
	}
	/* Years that a certificate cannot have. */
	der_put_time(&d, 253402300800);
	cr_assert(d.failed);
	d = begin(20);
	der_put_time(&d, -631152001);
	cr_assert(d.failed);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* der.c - DER (ITU-T X.690), written and read within bounds. */
#include "der.h"

#include <stdio.h>
#include <string.h>

/* --- writing --- */

/* Room for @n octets more; NULL if there is none. */
static uint8_t *take(struct der *d, size_t n)
{
	uint8_t *at;

	if (d->failed || n > d->room - d->len) {
		d->failed = true;
		return NULL;
	}
	at = d->data + d->len;
	d->len += n;
	return at;
}

/* Octets that a length takes. */
static size_t length_size(size_t len)
{
	size_t n = 1;

	if (len >= 0x80)
		for (; len; len >>= 8)
			n++;
	return n;
}

static void write_length(uint8_t *at, size_t size, size_t len)
{
	if (size == 1) {
		*at = (uint8_t)len;
		return;
	}
	*at = (uint8_t)(0x80 | (size - 1));
	for (size_t i = size - 1; i; i--, len >>= 8)
		at[i] = (uint8_t)len;
}

size_t der_begin(struct der *d, unsigned int tag)
{
	uint8_t *at = take(d, 2);

	if (at)
		*at = (uint8_t)tag;
	return d->len;
}

void der_end(struct der *d, size_t begun)
{
	const size_t len = d->len - begun;
	const size_t size = length_size(len);

	if (d->failed || !take(d, size - 1))
		return;
	memmove(d->data + begun + size - 1, d->data + begun, len);
	write_length(d->data + begun - 1, size, len);
}

void der_raw(struct der *d, const void *octets, size_t len)
{
	uint8_t *at = take(d, len);

	if (at && len)
		memcpy(at, octets, len);
}

void der_put(struct der *d, unsigned int tag, const void *value, size_t len)
{
	const size_t begun = der_begin(d, tag);

	der_raw(d, value, len);
	der_end(d, begun);
}

void der_put_unsigned(struct der *d, const uint8_t *value, size_t len)
{
	static const uint8_t zero;
	size_t begun;

	while (len && !*value) {
		value++;
		len--;
	}
	begun = der_begin(d, DER_INTEGER);
	if (!len || *value & 0x80)
		der_raw(d, &zero, 1);
	der_raw(d, value, len);
	der_end(d, begun);
}

/* --- times --- */

/* gmtime() of the C library may open a file on its first call, which a confined
 * process must not. So the calendar is computed: years that begin in March,
 * whose leap day is their last, in eras of 400 that have the same days. */
#define DAY	   86400
#define ERA_DAYS   146097
#define MARCH_DAYS 719468 /* from 0000-03-01 to 1970-01-01 */
#define YEAR_2050  INT64_C(2524608000)
#define TEXT_MAX   15

struct calendar {
	int64_t year;
	unsigned int month, day, hour, minute, second;
};

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static struct calendar to_calendar(int64_t t)
{
	const int64_t days = floor_div(t, DAY) + MARCH_DAYS;
	const unsigned int rest = (unsigned int)(t - floor_div(t, DAY) * DAY);
	const int64_t era = floor_div(days, ERA_DAYS);
	const int64_t day = days - era * ERA_DAYS;
	const int64_t year =
		(day - day / 1460 + day / 36524 - day / (ERA_DAYS - 1)) / 365;
	const int64_t of_year = day - (365 * year + year / 4 - year / 100);
	const int64_t month = (5 * of_year + 2) / 153;

	return (struct calendar){
		.year = year + era * 400 + (month >= 10),
		.month = (unsigned int)(month < 10 ? month + 3 : month - 9),
		.day = (unsigned int)(of_year - (153 * month + 2) / 5 + 1),
		.hour = rest / 3600,
		.minute = rest / 60 % 60,
		.second = rest % 60,
	};
}

static int64_t from_calendar(const struct calendar *c)
{
	const int64_t year = c->year - (c->month <= 2);
	const int64_t era = floor_div(year, 400);
	const int64_t of_era = year - era * 400;
	const int64_t month = c->month > 2 ? c->month - 3 : c->month + 9;
	const int64_t of_year = (153 * month + 2) / 5 + c->day - 1;
	const int64_t day = of_era * 365 + of_era / 4 - of_era / 100 + of_year;

	return (era * ERA_DAYS + day - MARCH_DAYS) * DAY +
	       c->hour * INT64_C(3600) + c->minute * INT64_C(60) + c->second;
}

void der_put_time(struct der *d, int64_t t)
{
	const struct calendar c = to_calendar(t);
	char text[64];
	int n;

	if (c.year < 1950 || c.year > 9999) {
		d->failed = true;
		return;
	}
	n = snprintf(text, sizeof(text), "%04d%02u%02u%02u%02u%02uZ",
		     (int)c.year, c.month, c.day, c.hour, c.minute, c.second);
	if (t < YEAR_2050)
		der_put(d, DER_UTC_TIME, text + 2, (size_t)n - 2);
	else
		der_put(d, DER_GENERALIZED_TIME, text, (size_t)n);
}

/* Two digits, at most @max; -1 if they are none. */
static int two(const uint8_t *p, int max)
{
	int v;

	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return -1;
	v = (p[0] - '0') * 10 + p[1] - '0';
	return v <= max ? v : -1;
}

bool der_get_time(struct der_view *from, int64_t *ret)
{
	static const int max[] = {12, 31, 23, 59, 59};
	int century = -1, year, part[5];
	struct der_view v;
	struct calendar c;

	if (der_expect(from, DER_GENERALIZED_TIME, &v)) {
		if (v.len != TEXT_MAX)
			return false;
		century = two(v.p, 99);
		if (century < 0)
			return false;
		v = (struct der_view){v.p + 2, v.len - 2};
	} else if (!der_expect(from, DER_UTC_TIME, &v)) {
		return false;
	}
	if (v.len != TEXT_MAX - 2 || v.p[v.len - 1] != 'Z')
		return false;
	year = two(v.p, 99);
	if (year < 0)
		return false;
	if (century < 0)
		century = year < 50 ? 20 : 19;
	for (size_t i = 0; i < 5; i++) {
		part[i] = two(v.p + 2 + 2 * i, max[i]);
		/* Month and day begin with 1. */
		if (part[i] < (i < 2))
			return false;
	}
	c = (struct calendar){
		.year = century * 100 + year,
		.month = (unsigned int)part[0],
		.day = (unsigned int)part[1],
		.hour = (unsigned int)part[2],
		.minute = (unsigned int)part[3],
		.second = (unsigned int)part[4],
	};
	*ret = from_calendar(&c);
	return true;
}

const char *der_time_text(int64_t t, char buf[DER_TIME_TEXT])
{
	const struct calendar c = to_calendar(t);

	snprintf(buf, DER_TIME_TEXT, "%04d-%02u-%02u %02u:%02u:%02u UTC",
		 (int)c.year, c.month, c.day, c.hour, c.minute, c.second);
	return buf;
}

/* --- reading --- */

bool der_next(struct der_view *from, unsigned int *ret_tag,
	      struct der_view *ret)
{
	const uint8_t *p = from->p;
	size_t left = from->len, len = 0, size;

	/* A tag number of 31 says that more octets of it follow. */
	if (left < 2 || (p[0] & 0x1f) == 0x1f)
		return false;
	size = p[1] & 0x80 ? (p[1] & 0x7fu) : 0;
	if (size > 4 || p[1] == 0x80 || left - 2 < size)
		return false;
	if (!size)
		len = p[1];
	for (size_t i = 0; i < size; i++)
		len = len << 8 | p[2 + i];
	if (length_size(len) != size + 1 || len > left - 2 - size)
		return false;
	*ret_tag = p[0];
	*ret = (struct der_view){p + 2 + size, len};
	*from = (struct der_view){ret->p + len, left - 2 - size - len};
	return true;
}

bool der_expect(struct der_view *from, unsigned int tag, struct der_view *ret)
{
	struct der_view rest = *from, v;
	unsigned int found;

	if (!der_next(&rest, &found, &v) || found != tag)
		return false;
	*from = rest;
	*ret = v;
	return true;
}

bool der_whole(struct der_view *from, unsigned int tag, struct der_view *ret)
{
	const uint8_t *begin = from->p;
	struct der_view v;

	if (!der_expect(from, tag, &v))
		return false;
	*ret = (struct der_view){begin, (size_t)(v.p - begin) + v.len};
	return true;
}

bool der_is(struct der_view v, const void *p, size_t len)
{
	return v.len == len && memcmp(v.p, p, len) == 0;
}

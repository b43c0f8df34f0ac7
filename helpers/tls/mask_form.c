/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mask_form.c - A secret's value as a server may write it: where it stands. */
#include "mask_form.h"

#include <endian.h>
#include <string.h>

/** octets - As many as the processor compares at once */
typedef uint8_t octets __attribute__((vector_size(16)));

/** enum escapes - Escapes that a text may have */
enum escapes {
	NO_ESCAPES = 0,
	PERCENT = 1 << 0,
	JSON = 1 << 1,
};

/** enum fit - Whether an octet stands at a place */
enum fit {
	FIT_NOT,
	FIT_MAYBE, /* what follows decides */
	FIT_WHOLE,
};

static bool is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z');
}

/* The octet, or digit, at @i. */
static uint8_t unit(const struct mask_form *f, size_t i)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const size_t bit = f->skip + 6 * i, at = bit / 8;
	unsigned int two;

	if (!f->base64)
		return f->value[i];
	two = (unsigned int)f->value[at] << 8;
	if (at + 1 < f->len)
		two |= f->value[at + 1];
	return (uint8_t)digits[two >> (10 - bit % 8) & 63];
}

static void begin(struct mask_form *f)
{
	f->first = unit(f, 0);
	f->second = unit(f, 1);
	f->third = unit(f, 2);
	f->any_first = !is_alnum(f->first);
	f->any_second = !is_alnum(f->second);
}

struct mask_form mask_form(const uint8_t *value, size_t len)
{
	struct mask_form f = {.value = value, .len = len, .n = len};
	size_t at = 0;

	while (at < len && is_alnum(value[at]))
		at++;
	f.plain = at == len;
	begin(&f);
	return f;
}

struct mask_form mask_form_base64(const uint8_t *value, size_t len,
				  unsigned int before)
{
	static const unsigned int skip[] = {0, 4, 2};
	struct mask_form f = {
		.value = value,
		.len = len,
		.base64 = true,
		.skip = skip[before],
		.n = (8 * len - skip[before]) / 6,
	};

	begin(&f);
	return f;
}

/* --- places where it may be --- */

/** AT_ONCE - Octets that are looked at before anything is decided */
#define AT_ONCE (4 * sizeof(octets))

static octets all(uint8_t c)
{
	return (octets){c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c};
}

static octets load(const uint8_t *text)
{
	octets o;

	memcpy(&o, text, sizeof(o));
	return o;
}

/* Which is the first that is not zero; as many as there are: none. */
static size_t first_of(octets o)
{
	uint64_t words[2];

	memcpy(words, &o, sizeof(o));
	if (words[0])
		return (size_t)__builtin_ctzll(le64toh(words[0])) / 8;
	if (words[1])
		return 8 + (size_t)__builtin_ctzll(le64toh(words[1])) / 8;
	return sizeof(o);
}

/**
 * struct sieve - What is compared with as many octets at once
 * @first:	first octet of the value
 * @second:	the one behind
 * @third:	and the one behind that
 * @any:	all ones where the one behind may be any
 * @escape:	all ones where the first may be escaped
 */
struct sieve {
	octets first;
	octets second;
	octets third;
	octets any;
	octets escape;
};

/* Where both octets are as they are, or a chunk ends between them. */
static inline octets pairs(const struct sieve *s, const uint8_t *text)
{
	const octets b = load(text + 1);

	return (octets)(load(text) == s->first) &
	       ((octets)(b == s->second) | (octets)(b == '\r'));
}

/* The same where one of them may be escaped. */
static inline octets places(const struct sieve *s, const uint8_t *text)
{
	const octets a = load(text);

	return ((octets)(a == s->first) & (pairs(s, text) | s->any)) |
	       (((octets)(a == '%') | (octets)(a == '\\') |
		 (octets)(a == '+')) &
		s->escape);
}

/* Where the third does not say that it is something else. */
static inline octets thirds(const struct sieve *s, const uint8_t *text)
{
	const octets c = load(text + 2);

	return (octets)(c == s->third) | (octets)(c == '%') |
	       (octets)(c == '\\') | (octets)(c == '+') | (octets)(c == '\r') |
	       (octets)(load(text + 1) == '\r');
}

/* Pass over what has none; there may be one in the next AT_ONCE octets. */
static size_t pass_plain(const struct sieve *with, const uint8_t *text,
			 size_t at, size_t len)
{
	const struct sieve s = *with;

	for (; at + AT_ONCE + 1 < len; at += AT_ONCE) {
		const uint8_t *t = text + at;
		const octets a = pairs(&s, t), b = pairs(&s, t + 16);
		const octets c = pairs(&s, t + 32), d = pairs(&s, t + 48);

		if (first_of(a | b | c | d) == sizeof(octets))
			continue;
		if (first_of((a & thirds(&s, t)) | (b & thirds(&s, t + 16)) |
			     (c & thirds(&s, t + 32)) |
			     (d & thirds(&s, t + 48))) < sizeof(octets))
			break;
	}
	return at;
}

static size_t pass_escaped(const struct sieve *with, const uint8_t *text,
			   size_t at, size_t len)
{
	const struct sieve s = *with;

	for (; at + AT_ONCE < len; at += AT_ONCE) {
		const uint8_t *t = text + at;

		if (first_of(places(&s, t) | places(&s, t + 16) |
			     places(&s, t + 32) | places(&s, t + 48)) <
		    sizeof(octets))
			break;
	}
	return at;
}

static bool may_be(const struct mask_form *f, const uint8_t *text, size_t at,
		   size_t len)
{
	const uint8_t c = text[at];

	if (f->any_first && (c == '%' || c == '\\' || c == '+'))
		return true;
	return c == f->first &&
	       (f->any_second || at + 1 == len || text[at + 1] == f->second ||
		text[at + 1] == '\r');
}

size_t mask_form_next(const struct mask_form *f, const uint8_t *text, size_t at,
		      size_t len)
{
	const bool plain = !f->any_first && !f->any_second;
	const struct sieve s = {
		all(f->first),
		all(f->second),
		all(f->third),
		all(f->any_second ? 0xff : 0),
		all(f->any_first ? 0xff : 0),
	};

	at = plain ? pass_plain(&s, text, at, len)
		   : pass_escaped(&s, text, at, len);
	while (at + sizeof(octets) < len) {
		const size_t n = first_of(places(&s, text + at));

		at += n;
		if (n < sizeof(octets))
			return at;
	}
	while (at < len && !may_be(f, text, at, len))
		at++;
	return at;
}

/* --- whether it is there --- */

/** struct cursor - A text that is read */
struct cursor {
	const uint8_t *text;
	size_t len;
	size_t at;
};

/** enum { ENDS, NONE } - There is no octet, or none of a value */
enum {
	ENDS = -1,
	NONE = -2,
};

static int hex(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A chunk ends, and one that is not empty begins: RFC 9112 section 7.1. Returns
 * 0 behind that, NONE if it is not so. */
static int pass_gap(struct cursor *c)
{
	const uint8_t *t = c->text + c->at;
	const size_t len = c->len - c->at;
	bool some = false;
	size_t n = 2;

	if (len > 1 && t[1] != '\n')
		return NONE;
	for (; n < len && n < MASK_GAP_MAX && hex(t[n]) >= 0; n++)
		some |= t[n] != '0';
	if (n < len && (!some || t[n] != '\r'))
		return NONE;
	if (n + 1 >= len)
		return ENDS;
	if (t[n + 1] != '\n')
		return NONE;
	c->at += n + 2;
	return 0;
}

/* Values have no CR: where one stands within, it is a chunk's end. */
static int next(struct cursor *c)
{
	if (c->at < c->len && c->text[c->at] == '\r') {
		const int gap = pass_gap(c);

		if (gap < 0)
			return gap;
	}
	return c->at < c->len ? c->text[c->at++] : ENDS;
}

/* @digits hexadecimal digits are @octet. */
static enum fit fit_hex(struct cursor *c, unsigned int digits, uint8_t octet)
{
	while (digits--) {
		const int want = digits < 2 ? octet >> (4 * digits) & 15 : 0;
		const int digit = next(c);

		if (digit == ENDS)
			return FIT_MAYBE;
		if (digit == NONE || hex(digit) != want)
			return FIT_NOT;
	}
	return FIT_WHOLE;
}

/* RFC 8259 section 7. Values have no control characters but tab. */
static enum fit fit_json(struct cursor *c, uint8_t octet)
{
	const int letter = next(c);

	if (letter == ENDS)
		return FIT_MAYBE;
	if (letter == 'u')
		return fit_hex(c, 4, octet);
	return letter == (octet == '\t' ? 't' : octet) ? FIT_WHOLE : FIT_NOT;
}

static enum fit fit_octet(struct cursor *c, unsigned int escapes, uint8_t octet)
{
	const int is = next(c);

	if (is == ENDS)
		return FIT_MAYBE;
	if (escapes && !is_alnum(octet)) {
		if (escapes & PERCENT && is == '%')
			return fit_hex(c, 2, octet);
		if (escapes & JSON && is == '\\')
			return fit_json(c, octet);
		if (escapes & PERCENT && octet == ' ' && is == '+')
			return FIT_WHOLE;
	}
	return is == octet ? FIT_WHOLE : FIT_NOT;
}

static void add_begin(const struct mask_form *f, size_t n, struct mask_place *p)
{
	const size_t half = f->n / 2;

	p->begins = true;
	p->held |= n >= (half < MASK_HELD_MIN ? half : MASK_HELD_MIN);
}

static void add(const struct mask_form *f, unsigned int escapes,
		const uint8_t *text, size_t len, struct mask_place *p)
{
	struct cursor c = {text, len, 0};

	for (size_t i = 0; i < f->n; i++) {
		const enum fit fit = fit_octet(&c, escapes, unit(f, i));

		if (fit == FIT_MAYBE)
			add_begin(f, i, p);
		if (fit != FIT_WHOLE)
			return;
	}
	if (c.at > p->whole)
		p->whole = c.at;
}

/* Mostly the third octet tells. */
static bool is_other(const struct mask_form *f, const uint8_t *text, size_t len)
{
	return !f->any_first && !f->any_second && len > 2 && text[1] != '\r' &&
	       text[2] != f->third && text[2] != '%' && text[2] != '\\' &&
	       text[2] != '+' && text[2] != '\r';
}

struct mask_place mask_form_at(const struct mask_form *f, const uint8_t *text,
			       size_t len)
{
	struct mask_place p = {0};

	if (is_other(f, text, len))
		return p;
	if (f->base64) {
		/* No digit begins an escape. */
		add(f, PERCENT | JSON, text, len, &p);
		return p;
	}
	add(f, NO_ESCAPES, text, len, &p);
	if (f->plain)
		return p;
	/* A value may have what looks like an escape of the other kind. */
	add(f, PERCENT, text, len, &p);
	add(f, JSON, text, len, &p);
	return p;
}

void mask_form_cover(uint8_t *text, size_t from, size_t len)
{
	unsigned int lines = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\r' && !lines)
			lines = 2;
		if (!lines && i >= from)
			text[i] = '*';
		else if (lines && text[i] == '\n')
			lines--;
	}
}

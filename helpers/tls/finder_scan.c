/* SPDX-License-Identifier: GPL-2.0-or-later */
/* finder_scan.c - Where a placeholder may begin, in octets where most do not.
 */
#include "finder_scan.h"

#include <string.h>

/** enum set - Sets of three octets: bits */
enum set {
	SET_HEADS = 0x1f, /* one for each group of patterns */
	SET_LATE = 0x20,
	SET_SPLIT = 0x40,
	SET_ESCAPE = 0x80,
};

#define GROUPS 5

static const char ends[] = "%\\\r\n";

static void allow(struct finder_scan *s, size_t place, uint8_t octet,
		  uint8_t set)
{
	uint8_t *const low = s->low[place], *const high = s->high[place];
	const size_t half = FINDER_BLOCK / 2;

	s->may[place][octet] |= set;
	low[octet & 15] |= set;
	low[half + (octet & 15)] |= set;
	high[octet >> 4] |= set;
	high[half + (octet >> 4)] |= set;
}

static void allow_all(struct finder_scan *s, size_t place, uint8_t set)
{
	for (unsigned int octet = 0; octet < 256; octet++)
		allow(s, place, (uint8_t)octet, set);
}

static void allow_ends(struct finder_scan *s, size_t place, uint8_t set)
{
	for (size_t i = 0; i < sizeof(ends) - 1; i++)
		allow(s, place, (uint8_t)ends[i], set);
}

void finder_scan_begin(struct finder_scan *s)
{
	allow_ends(s, 1, SET_SPLIT);
	allow_all(s, 2, SET_SPLIT);
	allow_ends(s, 2, SET_LATE);
	/* \u00XX; what is behind it is left to the automaton. */
	allow(s, 0, '%', SET_ESCAPE);
	allow(s, 0, '\\', SET_ESCAPE);
	allow(s, 1, 'u', SET_ESCAPE);
	allow(s, 2, '0', SET_ESCAPE);
}

static uint32_t hash(const uint8_t *text)
{
	const uint32_t triple = (uint32_t)text[0] | (uint32_t)text[1] << 8 |
				(uint32_t)text[2] << 16;

	return (triple * UINT32_C(0x9e3779b1)) >> 16;
}

/* Escapes that stand for an octet. */
static void allow_escapes(struct finder_scan *s, uint8_t octet)
{
	static const char digits[] = "0123456789ABCDEF0123456789abcdef";

	for (size_t i = 0; i < 2; i++) {
		allow(s, 1, (uint8_t)digits[16 * i + (octet >> 4)], SET_ESCAPE);
		allow(s, 2, (uint8_t)digits[16 * i + (octet & 15)], SET_ESCAPE);
	}
	if (octet != '/' && octet != '"')
		return;
	allow(s, 1, octet, SET_ESCAPE);
	allow_all(s, 2, SET_ESCAPE);
}

/* Patterns with the same first octet are in one group. */
static uint8_t group_of(struct finder_scan *s, uint8_t first)
{
	const uint8_t known = s->may[0][first] & SET_HEADS;

	return known ? known : (uint8_t)(1u << s->groups++ % GROUPS);
}

void finder_scan_add(struct finder_scan *s, const uint8_t text[FINDER_HEAD])
{
	const uint8_t group = group_of(s, text[0]);
	const uint32_t triple = hash(text);

	s->triples[triple / 64] |= (uint64_t)1 << (triple % 64);
	allow(s, 0, text[0], group | SET_SPLIT | SET_LATE);
	allow(s, 1, text[1], group | SET_LATE);
	allow(s, 2, text[2], group);
	allow_escapes(s, text[0]);
}

/* Whether a pattern begins with these three. */
static bool is_triple(const struct finder_scan *s, const uint8_t *text)
{
	const uint32_t triple = hash(text);

	return s->triples[triple / 64] >> (triple % 64) & 1;
}

/* Whether one may begin with these. */
static inline bool may_begin(const struct finder_scan *s, const uint8_t *text)
{
	const uint8_t sets = s->may[0][text[0]] & s->may[1][text[1]] &
			     s->may[2][text[2]];

	return sets && (sets & ~SET_HEADS || is_triple(s, text));
}

/* Whether one may begin with the last octets that there are: what is behind
 * them may be anything. */
static bool may_begin_last(const struct finder_scan *s, const uint8_t *text,
			   size_t len)
{
	return s->may[0][text[0]] & (len > 1 ? s->may[1][text[1]] : 0xff);
}

#ifdef __x86_64__

#define WIDE __attribute__((target("avx2")))

/** octets - As many as are looked up at once */
typedef char octets __attribute__((vector_size(FINDER_BLOCK)));
typedef uint8_t numbers __attribute__((vector_size(FINDER_BLOCK)));

WIDE static inline octets load(const void *from)
{
	octets o;

	memcpy(&o, from, sizeof(o));
	return o;
}

/* Sets that each of these is in, at one place. */
WIDE static inline octets sets_of(octets o, octets low, octets high)
{
	const numbers n = (numbers)o;

	return __builtin_ia32_pshufb256(low, (octets)(n & 15)) &
	       __builtin_ia32_pshufb256(high, (octets)(n >> 4));
}

/* As far as there are whole blocks: *@at is moved behind them, or to the first
 * place in one of them; whether there is one. */
WIDE static bool scan_wide(const struct finder_scan *s, const uint8_t *data,
			   size_t *at, size_t len)
{
	const octets low[] = {load(s->low[0]), load(s->low[1]),
			      load(s->low[2])};
	const octets high[] = {load(s->high[0]), load(s->high[1]),
			       load(s->high[2])};
	size_t from = *at;

	for (; from + FINDER_BLOCK + FINDER_HEAD - 1 <= len;
	     from += FINDER_BLOCK) {
		const octets sets =
			sets_of(load(data + from), low[0], high[0]) &
			sets_of(load(data + from + 1), low[1], high[1]) &
			sets_of(load(data + from + 2), low[2], high[2]);
		uint32_t places = ~(uint32_t)__builtin_ia32_pmovmskb256(
			(octets)(sets == (octets){0}));
		uint32_t odd;

		if (!places)
			continue;
		odd = ~(uint32_t)__builtin_ia32_pmovmskb256(
			(octets)((sets & ~SET_HEADS) == (octets){0}));
		for (; places; places &= places - 1) {
			const uint32_t place = (uint32_t)__builtin_ctz(places);

			*at = from + place;
			if (odd >> place & 1 ? may_begin(s, data + *at)
					     : is_triple(s, data + *at))
				return true;
		}
	}
	*at = from;
	return false;
}

static bool scan_blocks(const struct finder_scan *s, const uint8_t *data,
			size_t *at, size_t len)
{
	return __builtin_cpu_supports("avx2") && scan_wide(s, data, at, len);
}

#else

static bool scan_blocks(const struct finder_scan *s, const uint8_t *data,
			size_t *at, size_t len)
{
	(void)s;
	(void)data;
	(void)at;
	(void)len;
	return false;
}

#endif

/* Not within an escape: \uXXXX is the longest. */
static size_t before_escape(const uint8_t *data, size_t at, size_t from)
{
	for (size_t i = at; i > from && i + 6 > at; i--)
		if (data[i - 1] == '%' || data[i - 1] == '\\')
			return i - 1;
	return at;
}

size_t finder_scan(const struct finder_scan *s, const uint8_t *data, size_t at,
		   size_t len)
{
	const size_t from = at;

	if (scan_blocks(s, data, &at, len))
		return before_escape(data, at, from);
	for (; at + FINDER_HEAD <= len; at++)
		if (may_begin(s, data + at))
			return before_escape(data, at, from);
	while (at < len && !may_begin_last(s, data + at, len - at))
		at++;
	return before_escape(data, at, from);
}

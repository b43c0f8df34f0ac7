/* SPDX-License-Identifier: GPL-2.0-or-later */
/* finder.c - Placeholders in a stream of octets, looked for. */
#include "finder.h"

#include <endian.h>
#include <string.h>

#include "finder_table.h"

/** octets - As many as the processor compares at once */
typedef uint8_t octets __attribute__((vector_size(16)));

/** enum escape - Where in an escape a stream is */
enum escape {
	ESCAPE_NONE,
	ESCAPE_PERCENT,
	ESCAPE_BACKSLASH,
	ESCAPE_U,
};

const char *finder_form_name(enum finder_form form)
{
	static const char *const names[] = {
		[FINDER_RAW] = "raw",
		[FINDER_PERCENT] = "percent",
		[FINDER_JSON] = "json",
		[FINDER_BASE64] = "base64",
	};

	return names[form];
}

void finder_begin(struct finder_state *s)
{
	*s = (struct finder_state){
		.raw = {.pattern = -1},
		.plain = {.pattern = -1},
	};
}

/* A pattern is there, and is the longest. */
static bool settle(struct finder_track *t, const struct secret_bits *but,
		   enum finder_form form, struct finder_found *ret)
{
	const size_t secret = (size_t)t->pattern / 2;
	const bool base64 = t->pattern & 1;

	t->pattern = -1;
	if (secret_bit(but, secret))
		return false;
	*ret = (struct finder_found){secret, base64 ? FINDER_BASE64 : form};
	return true;
}

static bool step(const struct finder *f, struct finder_track *t, uint8_t octet,
		 const struct secret_bits *but, enum finder_form form,
		 struct finder_found *ret)
{
	const size_t class = f->class[octet];
	const uint16_t node = f->next[t->node * f->n_classes + class];
	const struct finder_node *n = &f->nodes[node];
	bool found = false;

	t->node = node;
	if (class == FINDER_NEWLINE && node)
		return false;
	t->at++;
	if (t->pattern >= 0 && (int32_t)(t->at - n->depth - t->start) > 0)
		found = settle(t, but, form, ret);
	if (n->pattern < 0)
		return found;
	/* One that begins later overlaps it; another has it in itself. */
	if (t->pattern >= 0 && (int32_t)(t->at - n->len - t->start) > 0)
		found |= settle(t, but, form, ret);
	t->pattern = n->pattern;
	t->start = t->at - n->len;
	if (!n->inner)
		found |= settle(t, but, form, ret);
	return found;
}

static int hex(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What no pattern has in it. */
static bool step_other(const struct finder *f, struct finder_state *s,
		       const struct secret_bits *but, struct finder_found *ret)
{
	return step(f, &s->plain, '\\', but, s->last, ret);
}

static bool step_plain(const struct finder *f, struct finder_state *s,
		       uint8_t octet, const struct secret_bits *but,
		       struct finder_found *ret)
{
	return step(f, &s->plain, octet, but, s->last, ret);
}

static bool begin_escape(struct finder_state *s, uint8_t octet)
{
	s->escape = octet == '%' ? ESCAPE_PERCENT : ESCAPE_BACKSLASH;
	s->digits = 0;
	s->value = 0;
	return false;
}

/*
 * It was none: what stands there is meant as it is. Its first octet is in no
 * pattern; what followed it can be the beginning of one.
 */
static bool no_escape(const struct finder *f, struct finder_state *s,
		      const struct secret_bits *but, struct finder_found *ret)
{
	static const char digits[] = "0123456789abcdef";
	bool found = step_other(f, s, but, ret);

	if (s->escape == ESCAPE_U)
		found |= step_plain(f, s, 'u', but, ret);
	for (unsigned int i = s->digits; i > 0; i--)
		found |= step_plain(
			f, s, (uint8_t)digits[s->value >> (4 * (i - 1)) & 15],
			but, ret);
	s->escape = ESCAPE_NONE;
	return found;
}

/* A value in digits, complete. */
static bool end_escape(const struct finder *f, struct finder_state *s,
		       const struct secret_bits *but, struct finder_found *ret)
{
	s->last = s->escape == ESCAPE_PERCENT ? FINDER_PERCENT : FINDER_JSON;
	s->escape = ESCAPE_NONE;
	if (s->value > 0x7e)
		return step_other(f, s, but, ret);
	return step_plain(f, s, (uint8_t)s->value, but, ret);
}

/* Behind a backslash (RFC 8259 section 7). */
static bool after_backslash(const struct finder *f, struct finder_state *s,
			    uint8_t octet, const struct secret_bits *but,
			    struct finder_found *ret)
{
	if (octet == 'u') {
		s->escape = ESCAPE_U;
		return false;
	}
	/* Text that was escaped twice is looked into as well. */
	if (octet == '\\')
		return step_other(f, s, but, ret);
	s->escape = ESCAPE_NONE;
	s->last = FINDER_JSON;
	if (octet == 'n' || octet == 'r')
		return step_plain(f, s, '\n', but, ret);
	if (octet == '/' || octet == '"')
		return step_plain(f, s, octet, but, ret);
	if (step_other(f, s, but, ret))
		return true;
	if (octet == '%')
		return begin_escape(s, octet);
	return step_plain(f, s, octet, but, ret);
}

static bool read_plain(const struct finder *f, struct finder_state *s,
		       uint8_t octet, const struct secret_bits *but,
		       struct finder_found *ret)
{
	const int digit = hex(octet);
	bool found = false;

	if (s->escape == ESCAPE_BACKSLASH)
		return after_backslash(f, s, octet, but, ret);
	if (s->escape != ESCAPE_NONE && digit >= 0) {
		s->value = (uint16_t)(s->value << 4 | digit);
		if (++s->digits == (s->escape == ESCAPE_PERCENT ? 2 : 4))
			return end_escape(f, s, but, ret);
		return false;
	}
	if (s->escape != ESCAPE_NONE)
		found = no_escape(f, s, but, ret);
	if (octet == '%' || octet == '\\')
		return begin_escape(s, octet) || found;
	return step_plain(f, s, octet, but, ret) || found;
}

static bool read_octet(const struct finder *f, struct finder_state *s,
		       uint8_t octet, const struct secret_bits *but,
		       struct finder_found *ret)
{
	bool found;

	if (!s->apart && octet != '%' && octet != '\\')
		return step(f, &s->raw, octet, but, FINDER_RAW, ret);
	if (!s->apart)
		s->plain = s->raw;
	s->apart = true;
	found = step(f, &s->raw, octet, but, FINDER_RAW, ret);
	if (!found)
		found = read_plain(f, s, octet, but, ret);
	if (s->escape == ESCAPE_NONE && s->raw.node == s->plain.node &&
	    s->raw.pattern < 0 && s->plain.pattern < 0)
		s->apart = false;
	return found;
}

static bool is_idle(const struct finder_state *s)
{
	return !s->apart && !s->raw.node && s->raw.pattern < 0;
}

static bool is_special(uint8_t c)
{
	return c == '%' || c == '\\' || c == '\n' || c == '\r';
}

/* The octet behind @at, lines' ends left out, or one in an escape; 0: it is not
 * known. */
static uint8_t next_octet(const uint8_t *data, size_t at, size_t len)
{
	while (at < len && (data[at] == '\n' || data[at] == '\r'))
		at++;
	return at == len || is_special(data[at]) ? 0 : data[at];
}

/* A line ends within a pattern's beginning: it did not begin 6 octets before.
 */
static bool may_break(const struct finder *f, const uint8_t *data, size_t at,
		      size_t len, size_t behind)
{
	const uint8_t before = at ? data[at - 1] : 0;
	const uint8_t next = next_octet(data, behind, len);
	uint32_t pair;

	if (!before || before == '\n' || before == '\r' || !next)
		return true;
	if ((before | next) & 0x80)
		return false;
	pair = finder_pair(before, next);
	return f->pairs[pair / 64] >> (pair % 64) & 1;
}

/* Digits of an escape are those of an octet in a pattern's beginning. */
static bool may_stand_for(const struct finder *f, const uint8_t *data,
			  size_t len, size_t digits)
{
	unsigned int value = 0;

	for (size_t i = 0; i < digits; i++) {
		if (i == len)
			return true;
		if (hex(data[i]) < 0)
			return false;
		value = value << 4 | (unsigned int)hex(data[i]);
	}
	return value < 0x80 &&
	       (f->heads[value] || value == '\n' || value == '\r');
}

/*
 * Whether an escape or a line's end can be within the first octets of a
 * pattern: if more were in front of it, a sample would have told.
 */
static bool matters(const struct finder *f, const uint8_t *data, size_t at,
		    size_t len)
{
	if (data[at] == '\n' || data[at] == '\r')
		return may_break(f, data, at, len, at);
	if (data[at] == '%')
		return may_stand_for(f, data + at + 1, len - at - 1, 2);
	if (at + 1 == len)
		return true;
	if (data[at + 1] == 'n' || data[at + 1] == 'r')
		return may_break(f, data, at, len, at + 2);
	if (data[at + 1] == 'u')
		return may_stand_for(f, data + at + 2, len - at - 2, 4);
	return (data[at + 1] == '/' || data[at + 1] == '"') &&
	       f->heads[data[at + 1]];
}

/* A bit of eight is set for each octet that is an escape's or a line's end; the
 * first octets are in the lowest bits of the first half. */
static void mark_specials(const uint8_t *data, uint64_t marks[static 2])
{
	octets o, is;

	memcpy(&o, data, sizeof(o));
	is = (octets)(o == '%') | (octets)(o == '\\') | (octets)(o == '\n') |
	     (octets)(o == '\r');
	memcpy(marks, &is, sizeof(is));
}

/* The first of eight octets that is one and matters; @len: none does. */
static size_t first_special(const struct finder *f, const uint8_t *data,
			    size_t at, size_t len, uint64_t marks)
{
	for (marks = le64toh(marks); marks; marks &= marks - 1) {
		const size_t i = at + (size_t)__builtin_ctzll(marks) / 8;

		/* Once for its eight bits. */
		marks &= ~((uint64_t)0x7f << 8 * (i - at));
		if (matters(f, data, i, len))
			return i;
	}
	return len;
}

/* The first escape or line's end from @at on that matters. */
static size_t next_special(const struct finder *f, const uint8_t *data,
			   size_t at, size_t len)
{
	for (; at + sizeof(octets) <= len; at += sizeof(octets)) {
		uint64_t marks[2];
		size_t to;

		mark_specials(data + at, marks);
		if (!(marks[0] | marks[1]))
			continue;
		to = first_special(f, data, at, len, marks[0]);
		if (to == len)
			to = first_special(f, data, at + 8, len, marks[1]);
		if (to < len)
			return to;
	}
	while (at < len && !(is_special(data[at]) && matters(f, data, at, len)))
		at++;
	return at;
}

static unsigned int is_gram(const struct finder *f, const uint8_t *at)
{
	uint32_t group;

	memcpy(&group, at, sizeof(group));
	group = finder_gram(le32toh(group) & 0xffffff);
	return f->grams[group / 64] >> (group % 64) & 1;
}

/* The first sample from @at on that a pattern may begin around; @len: none. */
static size_t next_gram(const struct finder *f, const uint8_t *data, size_t at,
			size_t len)
{
	const size_t step = f->step;

	for (; at + 3 * step + sizeof(uint32_t) <= len; at += 4 * step)
		if (is_gram(f, data + at) | is_gram(f, data + at + step) |
		    is_gram(f, data + at + 2 * step) |
		    is_gram(f, data + at + 3 * step))
			break;
	for (; at + sizeof(uint32_t) <= len; at += step)
		if (is_gram(f, data + at))
			return at;
	return len;
}

/**
 * struct gap - What is left out
 * @special:	the first escape or line's end behind it, or before; SIZE_MAX:
 *		none was looked for yet
 * @busy:	where the automaton was begun for: it goes on up to there
 */
struct gap {
	size_t special;
	size_t busy;
};

/* Not within an escape: \uXXXX is the longest. */
static size_t before_escape(const uint8_t *data, size_t at, size_t from)
{
	for (size_t i = at; i > from && i + 6 > at; i--)
		if (data[i - 1] == '%' || data[i - 1] == '\\')
			return i - 1;
	return at;
}

/* Where the automaton has to begin again: nothing begins between. */
static size_t skip(const struct finder *f, struct gap *gap, const uint8_t *data,
		   size_t at, size_t len)
{
	size_t to, back;

	if (gap->special < at || gap->special == SIZE_MAX)
		gap->special = next_special(f, data, at, len);
	to = next_gram(f, data, at, gap->special);
	/* What has no sample in it, or none that can be read. */
	back = to < gap->special ? f->step - 1 : f->head + 1;
	gap->busy = to + 1;
	return to > at + back ? before_escape(data, to - back, at) : at;
}

/*
 * What is open is one that may not be there, and so is each that it can still
 * turn out to be. There may be no more for long, and it would have gone on.
 */
static bool settle_open(const struct finder *f, struct finder_track *t,
			const struct secret_bits *but, enum finder_form form,
			struct finder_found *ret)
{
	const struct secret_bits *longer;

	if (t->pattern < 0 || secret_bit(but, (size_t)t->pattern / 2))
		return false;
	longer = &f->longer[t->pattern / 2];
	for (size_t i = 0; i < sizeof(but->words) / sizeof(*but->words); i++)
		if (longer->words[i] & but->words[i])
			return false;
	return settle(t, but, form, ret);
}

bool finder_feed(const struct finder *f, struct finder_state *s,
		 const struct secret_bits *but, const uint8_t *data, size_t len,
		 struct finder_found *ret)
{
	struct gap gap = {.special = SIZE_MAX};

	for (size_t at = 0; at < len; at++) {
		if (at >= gap.busy && is_idle(s))
			at = skip(f, &gap, data, at, len);
		if (at < len && read_octet(f, s, data[at], but, ret))
			return true;
	}
	return settle_open(f, &s->raw, but, FINDER_RAW, ret) ||
	       (s->apart && settle_open(f, &s->plain, but, s->last, ret));
}

bool finder_end(const struct finder *f, struct finder_state *s,
		const struct secret_bits *but, struct finder_found *ret)
{
	bool found = false;

	if (s->raw.pattern >= 0)
		found = settle(&s->raw, but, FINDER_RAW, ret);
	if (s->apart && s->escape != ESCAPE_NONE && !found)
		found = no_escape(f, s, but, ret);
	if (s->apart && s->plain.pattern >= 0 && !found)
		found = settle(&s->plain, but, s->last, ret);
	return found;
}

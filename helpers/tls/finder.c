/* SPDX-License-Identifier: GPL-2.0-or-later */
/* finder.c - Placeholders in a stream of octets, looked for. */
#include "finder.h"

#include <string.h>

#include "finder_table.h"

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
	for (size_t at = 0; at < len; at++) {
		if (is_idle(s))
			at = finder_scan(&f->scan, data, at, len);
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

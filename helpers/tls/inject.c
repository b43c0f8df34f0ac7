/* SPDX-License-Identifier: GPL-2.0-or-later */
/* inject.c - Values put in place of placeholders, in texts and streams. */
#include "inject.h"

#include <string.h>

/** octets - As many as the processor compares at once */
typedef uint8_t octets __attribute__((vector_size(16)));

/** enum fit - Whether a placeholder stands at a place */
enum fit {
	FIT_NOT,
	FIT_MAYBE, /* what follows decides */
	FIT_WHOLE,
};

/**
 * struct place - A placeholder that stands at a place
 * @fit:	whether; FIT_MAYBE: a longer one may stand there
 * @secret:	which; NULL: one that is not to be replaced there
 * @len:	octets that it takes there; 0: none is there yet
 */
struct place {
	enum fit fit;
	const struct secret *secret;
	size_t len;
};

static int hex(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* @digits hexadecimal digits are @octet. */
static enum fit fit_hex(const uint8_t *text, size_t len, size_t digits,
			uint8_t octet, size_t *ret_len)
{
	unsigned int value = 0;

	for (size_t i = 0; i < digits; i++) {
		if (i == len)
			return FIT_MAYBE;
		if (hex(text[i]) < 0)
			return FIT_NOT;
		value = value << 4 | (unsigned int)hex(text[i]);
	}
	*ret_len += digits;
	return value == octet ? FIT_WHOLE : FIT_NOT;
}

static enum fit fit_json(const uint8_t *text, size_t len, uint8_t octet,
			 size_t *ret_len)
{
	if (len == 1)
		return FIT_MAYBE;
	*ret_len = 2;
	if (text[1] == 'u')
		return fit_hex(text + 2, len - 2, 4, octet, ret_len);
	return (octet == '/' || octet == '"') && text[1] == octet ? FIT_WHOLE
								  : FIT_NOT;
}

/* One octet of a placeholder; none is "%" or "\". */
static enum fit fit_octet(enum inject_form form, const uint8_t *text,
			  size_t len, uint8_t octet, size_t *ret_len)
{
	*ret_len = 1;
	if (!len)
		return FIT_MAYBE;
	if (*text == octet)
		return FIT_WHOLE;
	if (form == INJECT_PERCENT && *text == '%')
		return fit_hex(text + 1, len - 1, 2, octet, ret_len);
	if (form == INJECT_JSON && *text == '\\')
		return fit_json(text, len, octet, ret_len);
	return FIT_NOT;
}

static enum fit fit_secret(const struct secret *s, enum inject_form form,
			   const uint8_t *text, size_t len, size_t *ret_len)
{
	size_t at = 0;

	for (size_t i = 0; i < s->placeholder_len; i++) {
		size_t n = 0;
		const enum fit fit = fit_octet(form, text + at, len - at,
					       s->placeholder[i], &n);

		if (fit != FIT_WHOLE)
			return fit;
		at += n;
	}
	*ret_len = at;
	return FIT_WHOLE;
}

static bool may(const struct inject *in, size_t i)
{
	return (in->secrets->all[i].inject & in->where) &&
	       secret_bit(in->allowed, i);
}

/*
 * What stands at the beginning of @text, the longest counts. One that is not
 * allowed may be the longest: then it is that one, and left alone.
 */
static struct place place_at(const struct inject *in, const uint8_t *text,
			     size_t len)
{
	struct place p = {.fit = FIT_NOT};
	size_t longest = 0, maybe = 0;

	for (size_t i = 0; i < in->secrets->n; i++) {
		const struct secret *s = &in->secrets->all[i];
		size_t n = 0;
		const enum fit fit = fit_secret(s, in->form, text, len, &n);

		if (fit == FIT_MAYBE && s->placeholder_len > maybe)
			maybe = s->placeholder_len;
		if (fit != FIT_WHOLE || s->placeholder_len <= longest)
			continue;
		longest = s->placeholder_len;
		p = (struct place){FIT_WHOLE, may(in, i) ? s : NULL, n};
	}
	if (maybe > longest)
		p.fit = FIT_MAYBE;
	return p;
}

static void add_first(struct inject_firsts *f, uint8_t octet)
{
	if (f->may[octet])
		return;
	f->may[octet] = true;
	for (size_t i = f->n; i < INJECT_FIRSTS; i++)
		f->all[i] = octet;
	f->n++;
}

void inject_firsts(const struct secrets *s, enum inject_form form,
		   struct inject_firsts *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < s->n; i++)
		add_first(ret, s->all[i].placeholder[0]);
	if (form == INJECT_PERCENT)
		add_first(ret, '%');
	if (form == INJECT_JSON)
		add_first(ret, '\\');
}

/* The next of them from @at on; @len: there is none. */
static size_t next_first(const struct inject_firsts *f, const uint8_t *text,
			 size_t at, size_t len)
{
	for (; f->n <= INJECT_FIRSTS && at + sizeof(octets) <= len;
	     at += sizeof(octets)) {
		uint64_t marks[2];
		octets o, is;

		memcpy(&o, text + at, sizeof(o));
		is = (octets)(o == f->all[0]) | (octets)(o == f->all[1]) |
		     (octets)(o == f->all[2]) | (octets)(o == f->all[3]);
		memcpy(marks, &is, sizeof(is));
		if (marks[0] | marks[1])
			break;
	}
	while (at < len && !f->may[text[at]])
		at++;
	return at;
}

bool inject_any(const struct inject *in)
{
	for (size_t i = 0; i < in->secrets->n; i++)
		if (may(in, i))
			return true;
	return false;
}

/* Octets that stand for themselves: RFC 3986 section 2.3. */
static bool is_unreserved(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_' ||
	       c == '~';
}

/* One octet as it is written in a form; returns how many. */
static size_t escape(enum inject_form form, uint8_t c, uint8_t *to)
{
	static const char digits[] = "0123456789ABCDEF";

	if (form == INJECT_PERCENT && !is_unreserved(c)) {
		to[0] = '%';
		to[1] = (uint8_t)digits[c >> 4];
		to[2] = (uint8_t)digits[c & 15];
		return 3;
	}
	if (form == INJECT_JSON && (c == '"' || c == '\\')) {
		to[0] = '\\';
		to[1] = c;
		return 2;
	}
	if (form == INJECT_JSON && c < ' ') {
		to[0] = '\\';
		to[1] = 'u';
		to[2] = to[3] = '0';
		to[4] = (uint8_t)digits[c >> 4];
		to[5] = (uint8_t)digits[c & 15];
		return 6;
	}
	to[0] = c;
	return 1;
}

static bool put_value(const struct secret *s, enum inject_form form,
		      inject_put *put, void *arg)
{
	uint8_t text[256];
	size_t n = 0;
	bool ok = true;

	if (form == INJECT_RAW)
		return put(arg, s->value, s->value_len);
	for (size_t i = 0; i < s->value_len && ok; i++) {
		n += escape(form, s->value[i], text + n);
		if (n + 6 <= sizeof(text))
			continue;
		ok = put(arg, text, n);
		n = 0;
	}
	ok = ok && (!n || put(arg, text, n));
	explicit_bzero(text, sizeof(text));
	return ok;
}

static size_t index_of(const struct inject *in, const struct secret *s)
{
	return (size_t)(s - in->secrets->all);
}

/*
 * Writes what is decided of @text: up to @len, or up to what may become a
 * placeholder, unless it is the end. *@ret_used is set to the octets of that.
 */
static bool write_text(const struct inject *in, const uint8_t *text, size_t len,
		       bool end, size_t *ret_used, inject_put *put, void *arg)
{
	size_t from = 0, at = 0;

	while ((at = next_first(in->firsts, text, at, len)) < len) {
		const struct place p = place_at(in, text + at, len - at);

		if (p.fit == FIT_MAYBE && !end)
			break;
		if (p.fit == FIT_NOT || !p.len) {
			at++;
			continue;
		}
		if (p.secret) {
			if (at > from && !put(arg, text + from, at - from))
				return false;
			if (!put_value(p.secret, in->form, put, arg))
				return false;
			if (in->put)
				secret_bit_set(in->put, index_of(in, p.secret));
			from = at + p.len;
		}
		at += p.len;
	}
	*ret_used = at;
	return at == from || put(arg, text + from, at - from);
}

/** struct nothing - An output that only says whether values were in it */
struct nothing {
	const uint8_t *text;
	size_t len;
	bool changed;
};

static bool put_nothing(void *arg, const uint8_t *data, size_t len)
{
	struct nothing *n = arg;

	n->changed |= (uintptr_t)data < (uintptr_t)n->text ||
		      (uintptr_t)(data + len) > (uintptr_t)(n->text + n->len);
	return !n->changed;
}

bool inject_has(const struct inject *in, const uint8_t *text, size_t len)
{
	struct nothing n = {text, len, false};

	(void)inject_text(in, text, len, put_nothing, &n);
	return n.changed;
}

bool inject_text(const struct inject *in, const uint8_t *text, size_t len,
		 inject_put *put, void *arg)
{
	size_t used;

	return write_text(in, text, len, true, &used, put, arg);
}

bool inject_feed(struct inject_stream *s, const uint8_t *data, size_t len,
		 inject_put *put, void *arg)
{
	size_t used;

	/* What is kept back is decided with as little as it takes. */
	while (s->n && len) {
		s->held[s->n++] = *data++;
		len--;
		if (!write_text(&s->in, s->held, s->n, false, &used, put, arg))
			return false;
		s->n -= used;
		memmove(s->held, s->held + used, s->n);
	}
	if (!len)
		return true;
	if (!write_text(&s->in, data, len, false, &used, put, arg))
		return false;
	s->n = len - used;
	memcpy(s->held, data + used, s->n);
	return true;
}

bool inject_end(struct inject_stream *s, inject_put *put, void *arg)
{
	const size_t n = s->n;
	size_t used;

	s->n = 0;
	return !n || write_text(&s->in, s->held, n, true, &used, put, arg);
}

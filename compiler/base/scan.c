/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scan.c - What is wrong with a text as JSON, in words and places.
 *
 * The tree comes from a JSON library, whose word on a bad text is one short
 * phrase and whose answer to a key that occurs twice is to keep one of them.
 * This pass runs before it: it reads the same grammar (RFC 8259), keeps
 * nothing, and says what a person needs to know. A text must pass both.
 */
#include "scan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "locate.h"

/** struct key - A key of an object that is open */
struct key {
	size_t offset;
	size_t len;
	uint64_t hash;
	bool twice;
};

/** struct frame - An object or list that is open */
struct frame {
	char close;
	size_t first_key;
	size_t index;
};

/** struct scanner - A scan under way */
struct scanner {
	struct arena *a;
	struct diags *d;
	struct scan *found;
	const char *text;
	size_t len;
	size_t pos;
	struct frame frame[SCAN_MAX_DEPTH];
	size_t depth;
	struct key *key;
	size_t n_keys;
	size_t cap_keys;
	size_t cap_holes;
	bool in_key;
};

size_t scan_utf8(const char *s, size_t n)
{
	const unsigned char *u = (const unsigned char *)s;
	unsigned int lo = 0x80, hi = 0xbf;
	size_t len;

	if (u[0] < 0x80)
		return 1;
	if (u[0] < 0xc2 || u[0] > 0xf4)
		return 0;
	len = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
	if (u[0] == 0xe0)
		lo = 0xa0;
	else if (u[0] == 0xed)
		hi = 0x9f;
	else if (u[0] == 0xf0)
		lo = 0x90;
	else if (u[0] == 0xf4)
		hi = 0x8f;
	if (n < len || u[1] < lo || u[1] > hi)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

/* What U+FFFD is: the parser sees it in place of what is no character. */
#define NO_CHARACTER "\xef\xbf\xbd"

static bool add_hole(struct scanner *s, size_t offset, const char *instead)
{
	struct scan *f = s->found;

	if (f->n_holes == SCAN_MAX_HOLES)
		return false;
	f->hole = arena_grow(s->a, f->hole, f->n_holes, &s->cap_holes,
			     sizeof(*f->hole));
	f->hole[f->n_holes++] =
		(struct scan_hole){offset, s->pos - offset, instead};
	return true;
}

static void skip_space(struct scanner *s)
{
	while (s->pos < s->len &&
	       (s->text[s->pos] == ' ' || s->text[s->pos] == '\n' ||
		s->text[s->pos] == '\t' || s->text[s->pos] == '\r'))
		s->pos++;
}

/* The next character; NUL at the end, where no other NUL is allowed either. */
static char peek(const struct scanner *s)
{
	return s->pos < s->len ? s->text[s->pos] : '\0';
}

/** struct slip - What people write where JSON has something else */
struct slip {
	const char *text;
	const char *hint;
};

static const struct slip slips[] = {
	{"//", "JSON has no comments"},
	{"/*", "JSON has no comments"},
	{"#", "JSON has no comments"},
	{"'", "strings are written in double quotes"},
	{"True", "write true"},
	{"False", "write false"},
	{"None", "write null, or leave the field out"},
	{"nil", "write null, or leave the field out"},
	{"undefined", "write null, or leave the field out"},
	{"NaN", "JSON has no such number"},
	{"Infinity", "JSON has no such number"},
	{"+", "numbers have no plus sign in JSON"},
	{".", "numbers start with a digit in JSON"},
};

static const char *slip_hint(const struct scanner *s)
{
	for (size_t i = 0; i < sizeof(slips) / sizeof(*slips); i++) {
		size_t n = strlen(slips[i].text);

		if (s->len - s->pos >= n &&
		    !memcmp(s->text + s->pos, slips[i].text, n))
			return slips[i].hint;
	}
	return NULL;
}

static bool fail(struct scanner *s, const char *hint, const char *what)
{
	if (s->pos < s->len && !scan_utf8(s->text + s->pos, s->len - s->pos))
		diag_add_at(s->d, DIAG_ERROR, DIAG_UTF8, s->pos,
			    "save the document as UTF-8",
			    "byte 0x%02x is not UTF-8 here",
			    (unsigned int)(unsigned char)s->text[s->pos]);
	else if (s->pos >= s->len)
		diag_add_at(s->d, DIAG_ERROR, DIAG_SYNTAX, s->len,
			    "is the document complete?",
			    "the document ends where %s is expected", what);
	else
		diag_add_at(s->d, DIAG_ERROR, DIAG_SYNTAX, s->pos,
			    hint ? hint : slip_hint(s), "expected %s", what);
	return false;
}

static bool fail_at(struct scanner *s, size_t pos, const char *hint,
		    const char *what)
{
	diag_add_at(s->d, DIAG_ERROR, DIAG_SYNTAX, pos, hint, "%s", what);
	return false;
}

/* The code unit of the \u escape at @pos; 0 if there is none. */
static unsigned int escaped_unit(const struct scanner *s, size_t pos)
{
	unsigned int unit = 0;

	if (s->len - pos < 6 || memcmp(s->text + pos, "\\u", 2) != 0)
		return 0;
	for (size_t i = pos + 2; i < pos + 6; i++) {
		unsigned char c = (unsigned char)s->text[i];

		if (!c || !strchr("0123456789abcdefABCDEF", c))
			return 0;
		unit = unit << 4 |
		       (unsigned int)(c <= '9' ? c - '0'
					       : (c | 0x20) - 'a' + 10);
	}
	return unit;
}

/* Step over the second half of a surrogate pair behind the first at @start; a
 * half alone is no character. */
static bool pair_surrogates(struct scanner *s, size_t start)
{
	const unsigned int unit = escaped_unit(s, start);

	/* No parser keeps NUL in a key, and no field's name has one. */
	if (!unit && s->in_key)
		return add_hole(s, start, NO_CHARACTER);
	if (unit < 0xd800 || unit > 0xdfff)
		return true;
	if (unit < 0xdc00 && escaped_unit(s, s->pos) >> 10 == 0xdc00 >> 10) {
		s->pos += 6;
		return true;
	}
	return add_hole(s, start, NO_CHARACTER);
}

static bool scan_escape(struct scanner *s)
{
	size_t start = s->pos++;
	char c = peek(s);

	if (c && strchr("\"\\/bfnrt", c)) {
		s->pos++;
		return true;
	}
	if (c == 'u') {
		size_t n = 0;

		s->pos++;
		while (n < 4 && peek(s) &&
		       strchr("0123456789abcdefABCDEF", peek(s))) {
			s->pos++;
			n++;
		}
		if (n == 4)
			return pair_surrogates(s, start);
		return fail_at(s, start, NULL,
			       "\\u is followed by four hexadecimal digits");
	}
	return fail_at(s, start, "a backslash itself is written \\\\",
		       "no such escape in a JSON string");
}

/* Step over a run of bytes that is not UTF-8, or over one character. */
static bool scan_beyond_ascii(struct scanner *s)
{
	const size_t start = s->pos;
	size_t n = scan_utf8(s->text + start, s->len - start);

	if (n) {
		s->pos += n;
		return true;
	}
	while (s->pos < s->len && !scan_utf8(s->text + s->pos, s->len - s->pos))
		s->pos++;
	return add_hole(s, start, NO_CHARACTER);
}

/* Say what is no character in the string that was just scanned. */
static void report_holes(struct scanner *s, size_t first, const char *pointer)
{
	for (size_t i = first; i < s->found->n_holes; i++) {
		const struct scan_hole *h = &s->found->hole[i];
		const char *text = s->text + h->offset;

		if (*text == '\\' && !escaped_unit(s, h->offset))
			continue;
		if (*text == '\\')
			diag_add_place(s->d, DIAG_ERROR, DIAG_UTF8, h->offset,
				       h->len, pointer,
				       "a character beyond U+FFFF is two "
				       "escapes: \\ud83d\\ude00",
				       "%.6s is half of a character", text);
		else
			diag_add_place(s->d, DIAG_ERROR, DIAG_UTF8, h->offset,
				       1, pointer, "save the document as UTF-8",
				       "byte 0x%02x is not UTF-8 here",
				       (unsigned int)(unsigned char)*text);
	}
}

static bool scan_string(struct scanner *s)
{
	size_t start = s->pos++;

	while (s->pos < s->len) {
		unsigned char c = (unsigned char)s->text[s->pos];

		if (c == '"') {
			s->pos++;
			return true;
		}
		if (c == '\n' || c == '\r')
			break;
		if (c < 0x20)
			return fail_at(s, s->pos,
				       c == '\t' ? "write it as an escape: \\t"
						 : "write it as an escape: "
						   "\\u001b",
				       "a control character in a string");
		if (c >= 0x80) {
			if (!scan_beyond_ascii(s))
				return false;
		} else if (c != '\\') {
			s->pos++;
		} else if (!scan_escape(s)) {
			return false;
		}
	}
	return fail_at(s, start, "strings end on the line they start on",
		       "this string has no closing quote");
}

static size_t count_digits(const struct scanner *s)
{
	size_t n = 0;

	while (s->pos + n < s->len && s->text[s->pos + n] >= '0' &&
	       s->text[s->pos + n] <= '9')
		n++;
	return n;
}

/* Whether a whole number is outside int64_t. */
static bool is_huge(const char *digits, size_t n, bool negative)
{
	const char *max = negative ? "9223372036854775808"
				   : "9223372036854775807";

	return n > 19 || (n == 19 && memcmp(digits, max, 19) > 0);
}

static char *path_pointer(const struct scanner *s);

static bool report_huge(struct scanner *s, size_t start)
{
	diag_add_place(s->d, DIAG_ERROR, DIAG_NUMBER_RANGE, start,
		       s->pos - start, path_pointer(s), NULL,
		       "this number is far outside every range");
	return add_hole(s, start, "0");
}

static bool scan_number(struct scanner *s)
{
	size_t start = s->pos, whole, n, exponent = 0;
	bool fraction = false;

	if (peek(s) == '-')
		s->pos++;
	whole = s->pos;
	n = count_digits(s);
	if (!n)
		return fail(s, NULL, "a digit");
	if (n > 1 && s->text[whole] == '0')
		return fail_at(s, start, "write it without the leading zero",
			       "a number must not start with 0");
	s->pos += n;
	if (peek(s) == '.') {
		s->pos++;
		if (!count_digits(s))
			return fail(s, NULL, "a digit");
		s->pos += count_digits(s);
		fraction = true;
	}
	if (peek(s) == 'e' || peek(s) == 'E') {
		s->pos++;
		if (peek(s) == '+' || peek(s) == '-')
			s->pos++;
		exponent = count_digits(s);
		if (!exponent)
			return fail(s, NULL, "a digit");
		s->pos += exponent;
	}
	if (fraction || exponent ? exponent > 2 || n > 200
				 : is_huge(s->text + whole, n, whole > start))
		return report_huge(s, start);
	return true;
}

static bool scan_word(struct scanner *s)
{
	static const char *const words[] = {"true", "false", "null"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		size_t n = strlen(words[i]);

		if (s->len - s->pos >= n &&
		    !memcmp(s->text + s->pos, words[i], n)) {
			s->pos += n;
			return true;
		}
	}
	return fail(s, NULL, "a value");
}

/* The pointer to the value being scanned. A key of an open object is the
 * newest one, unless a deeper object put its own on top. */
static char *path_pointer(const struct scanner *s)
{
	STR(p);

	for (size_t i = 0; i < s->depth; i++) {
		const struct frame *f = &s->frame[i];
		size_t top = i + 1 < s->depth ? s->frame[i + 1].first_key
					      : s->n_keys;

		if (f->close == ']') {
			str_printf(&p, "/%zu", f->index);
		} else if (top > f->first_key) {
			const struct key *k = &s->key[top - 1];
			STR(name);

			locate_unquote(&name, s->text + k->offset, k->len);
			str_putc(&p, '/');
			locate_escape(&p, str_text(&name), name.len);
		}
	}
	return arena_strndup(s->a, str_text(&p), p.len);
}

/* FNV-1a of the characters that a key stands for. */
static uint64_t hash_key(const char *quoted, size_t len)
{
	uint64_t hash = 14695981039346656037u;
	STR(plain);

	if (memchr(quoted, '\\', len)) {
		locate_unquote(&plain, quoted, len);
		quoted = str_text(&plain);
		len = plain.len;
	} else {
		quoted++;
		len -= 2;
	}
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)quoted[i]) * 1099511628211u;
	return hash;
}

static bool same_key(const struct scanner *s, const struct key *x,
		     const struct key *y)
{
	STR(a);
	STR(b);

	if (x->hash != y->hash)
		return false;
	locate_unquote(&a, s->text + x->offset, x->len);
	locate_unquote(&b, s->text + y->offset, y->len);
	return a.len == b.len && !memcmp(str_text(&a), str_text(&b), a.len);
}

static int compare_keys(const void *x, const void *y)
{
	const struct key *a = x, *b = y;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static int compare_places(const void *x, const void *y)
{
	const struct key *a = x, *b = y;

	return a->offset < b->offset ? -1 : a->offset > b->offset;
}

/* Say which keys of the innermost object occur twice, and forget them all. */
static void close_object(struct scanner *s)
{
	const struct frame *f = &s->frame[s->depth - 1];
	size_t n = s->n_keys - f->first_key;
	size_t twice = 0;
	struct key *key;

	s->n_keys = f->first_key;
	if (n < 2)
		return;
	key = s->key + f->first_key;
	qsort(key, n, sizeof(*key), compare_keys);
	for (size_t i = 1; i < n; i++)
		twice += key[i].twice = same_key(s, &key[i - 1], &key[i]);
	if (twice)
		qsort(key, n, sizeof(*key), compare_places);
	for (size_t i = 0; i < n && twice; i++) {
		if (!key[i].twice)
			continue;
		twice--;
		s->n_keys = f->first_key + i + 1;
		diag_add_place(s->d, DIAG_ERROR, DIAG_DUPLICATE_KEY,
			       key[i].offset, key[i].len, path_pointer(s),
			       "keep one of them",
			       "this key is already in the object");
	}
	s->n_keys = f->first_key;
}

static bool scan_key(struct scanner *s)
{
	struct key k = {.offset = s->pos};
	const size_t holes = s->found->n_holes;
	bool good;

	s->in_key = true;
	good = scan_string(s);
	s->in_key = false;
	if (!good) {
		report_holes(s, holes, "");
		return false;
	}
	k.len = s->pos - k.offset;
	k.hash = hash_key(s->text + k.offset, k.len);
	s->key = arena_grow(s->a, s->key, s->n_keys, &s->cap_keys,
			    sizeof(*s->key));
	s->key[s->n_keys++] = k;
	if (holes < s->found->n_holes)
		report_holes(s, holes, path_pointer(s));
	skip_space(s);
	if (peek(s) != ':')
		return fail(s, NULL, "\":\" and the key's value");
	s->pos++;
	return true;
}

/* Step over a container without a look at what is in it but the strings, where
 * brackets are no brackets. */
static bool skip_container(struct scanner *s)
{
	const size_t start = s->pos;
	size_t open = 0;

	do {
		char c = peek(s);

		if (s->pos >= s->len)
			return fail(s, NULL, "the end of a list or object");
		if (c == '"') {
			for (s->pos++; peek(s) != '"' && s->pos < s->len;)
				s->pos += peek(s) == '\\' ? 2 : 1;
		} else if (c == '{' || c == '[') {
			open++;
		} else if (c == '}' || c == ']') {
			open--;
		}
		s->pos++;
	} while (open);
	return add_hole(s, start, "null");
}

static bool open_container(struct scanner *s, char close)
{
	if (s->depth == SCAN_MAX_DEPTH) {
		diag_add_place(s->d, DIAG_ERROR, DIAG_DEPTH, s->pos, 1,
			       path_pointer(s), NULL,
			       "values may be nested %d deep, no deeper",
			       SCAN_MAX_DEPTH);
		return skip_container(s);
	}
	s->frame[s->depth++] =
		(struct frame){.close = close, .first_key = s->n_keys};
	s->pos++;
	return true;
}

/* What may follow inside the innermost container once a value has ended, or
 * at its start. Closes as many containers as end here. *@ret_value tells
 * whether another value comes. */
static bool scan_between(struct scanner *s, bool first, bool *ret_value)
{
	*ret_value = false;
	while (s->depth) {
		struct frame *f = &s->frame[s->depth - 1];
		bool object = f->close == '}';

		skip_space(s);
		if (peek(s) == f->close && s->pos < s->len) {
			if (object)
				close_object(s);
			s->depth--;
			s->pos++;
			first = false;
			continue;
		}
		if (!first) {
			size_t comma = s->pos;

			if (peek(s) != ',')
				return fail(s, NULL,
					    object ? "\",\" or \"}\""
						   : "\",\" or \"]\"");
			s->pos++;
			skip_space(s);
			if (peek(s) == f->close)
				return fail_at(
					s, comma, "remove it",
					"a comma with nothing behind it");
			f->index++;
		}
		if (object && peek(s) != '"')
			return fail(s,
				    slip_hint(s) ? NULL
						 : "keys are written in double "
						   "quotes",
				    first ? "a key or \"}\"" : "a key");
		*ret_value = true;
		return !object || scan_key(s);
	}
	return true;
}

static bool scan_text_value(struct scanner *s)
{
	const size_t holes = s->found->n_holes;
	const bool good = scan_string(s);

	if (holes < s->found->n_holes)
		report_holes(s, holes, path_pointer(s));
	return good;
}

static bool scan_value(struct scanner *s, bool *ret_opened)
{
	char c;

	skip_space(s);
	c = peek(s);
	*ret_opened = (c == '{' || c == '[') && s->depth < SCAN_MAX_DEPTH;
	if (c == '{' || c == '[')
		return open_container(s, c == '{' ? '}' : ']');
	if (c == '"')
		return scan_text_value(s);
	if (c == '-' || (c >= '0' && c <= '9'))
		return scan_number(s);
	return scan_word(s);
}

static bool scan_document(struct scanner *s)
{
	bool more = true;

	while (more) {
		bool opened;

		if (!scan_value(s, &opened) || !scan_between(s, opened, &more))
			return false;
	}
	skip_space(s);
	if (s->pos < s->len)
		return fail(s, "a document is one value",
			    "the end of the document");
	return true;
}

bool scan_text(struct arena *a, struct diags *d, struct scan *ret)
{
	struct scanner s = {
		.a = a, .d = d, .found = ret, .text = d->text, .len = d->len};

	*ret = (struct scan){0};
	if (d->len > SCAN_MAX_BYTES) {
		diag_add_at(d, DIAG_ERROR, DIAG_TOO_LARGE, 0, NULL,
			    "the document has %zu bytes; %u MiB are the most",
			    d->len, SCAN_MAX_BYTES >> 20);
		return false;
	}
	if (d->len >= 3 && !memcmp(d->text, "\xef\xbb\xbf", 3)) {
		diag_add_at(d, DIAG_ERROR, DIAG_UTF8, 0,
			    "save the document as UTF-8 without a byte-order "
			    "mark",
			    "the document starts with a byte-order mark");
		s.pos = ret->start = 3;
	}
	return scan_document(&s);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* locate.c - Where a JSON pointer points to in the text of a document. */
#include "locate.h"

#include <stdint.h>
#include <string.h>

#include "scan.h"

/* The parser keeps no positions, and keeping them would cost every good
 * document what only a bad one needs. So a place is found by walking the text
 * again, once per diagnostic. The text is JSON by then; the walk need not
 * judge it, only never leave it. */

/** struct walk - A walk through the text */
struct walk {
	const char *text;
	size_t len;
	size_t pos;
};

static bool walk_at(const struct walk *w, char c)
{
	return w->pos < w->len && w->text[w->pos] == c;
}

static void walk_space(struct walk *w)
{
	while (w->pos < w->len && strchr(" \t\r\n", w->text[w->pos]) &&
	       w->text[w->pos])
		w->pos++;
}

static void walk_string(struct walk *w)
{
	w->pos++;
	while (w->pos < w->len && w->text[w->pos] != '"')
		w->pos += w->text[w->pos] == '\\' ? 2 : 1;
	w->pos = w->pos < w->len ? w->pos + 1 : w->len;
}

static void walk_scalar(struct walk *w)
{
	size_t start = w->pos;

	while (w->pos < w->len && !strchr(" \t\r\n,:]}[{\"", w->text[w->pos]))
		w->pos++;
	if (w->pos == start && w->pos < w->len)
		w->pos++;
}

/* Step over a value of any depth without recursion. */
static void walk_value(struct walk *w)
{
	size_t depth = 0;

	do {
		walk_space(w);
		if (w->pos >= w->len)
			return;
		switch (w->text[w->pos]) {
		case '"':
			walk_string(w);
			break;
		case '{':
		case '[':
			depth++;
			w->pos++;
			break;
		case '}':
		case ']':
			if (depth)
				depth--;
			w->pos++;
			break;
		case ',':
		case ':':
			w->pos++;
			break;
		default:
			walk_scalar(w);
		}
		/* A comma or colon inside a container ends nothing. */
	} while (depth);
}

size_t locate_line(const char *text, size_t offset, unsigned int *ret_line,
		   unsigned int *ret_column)
{
	unsigned int line = 1;
	size_t start = 0;

	while (start < offset) {
		const char *nl = memchr(text + start, '\n', offset - start);

		if (!nl)
			break;
		start = (size_t)(nl - text) + 1;
		line++;
	}
	*ret_line = line;
	*ret_column =
		(unsigned int)locate_width(text + start, offset - start) + 1;
	return start;
}

size_t locate_width(const char *text, size_t len)
{
	size_t width = 0;

	for (size_t i = 0; i < len; i++)
		width += ((unsigned char)text[i] & 0xc0) != 0x80;
	return width;
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

/* Length of the word at the start of a Go name. */
static size_t word_length(const char *name)
{
	static const char *const words[] = {"IPv4", "IPv6", "CAs"};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strncmp(name, words[i], strlen(words[i])))
			return strlen(words[i]);
	while (is_upper(name[n]))
		n++;
	if (n > 1 && is_lower(name[n]))
		return n - 1;
	while (name[n] && !is_upper(name[n]))
		n++;
	return n;
}

const char *locate_snake(const char *name, char buf[LOCATE_NAME_MAX])
{
	size_t n = 0;

	while (*name) {
		size_t word = word_length(name);

		if (n + word + 2 > LOCATE_NAME_MAX)
			break;
		if (n)
			buf[n++] = '_';
		for (; word; word--, name++)
			buf[n++] = is_upper(*name) ? (char)(*name - 'A' + 'a')
						   : *name;
	}
	buf[n] = '\0';
	return buf;
}

void locate_escape(struct str *s, const char *token, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (token[i] == '~')
			str_puts(s, "~0");
		else if (token[i] == '/')
			str_puts(s, "~1");
		else
			str_putc(s, token[i]);
	}
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The four digits of a \u escape; negative if they are not four digits. */
static int32_t hex_unit(const char *s, size_t len)
{
	int32_t unit = 0;

	if (len < 4)
		return -1;
	for (size_t i = 0; i < 4; i++) {
		int digit = hex_digit(s[i]);

		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
	}
	return unit;
}

static void put_code_point(struct str *s, uint32_t c)
{
	static const struct {
		uint32_t max;
		unsigned int lead;
		unsigned int more;
	} form[] = {
		{0x7f, 0, 0},
		{0x7ff, 0xc0, 1},
		{0xffff, 0xe0, 2},
		{0x10ffff, 0xf0, 3},
	};
	size_t i = 0;

	while (c > form[i].max)
		i++;
	str_putc(s, (char)(form[i].lead | c >> (6 * form[i].more)));
	for (unsigned int more = form[i].more; more; more--)
		str_putc(s, (char)(0x80 | (c >> (6 * (more - 1)) & 0x3f)));
}

/* Append what the \u escape at @s stands for; returns its length. A lone
 * surrogate is no character and NUL would end a text: they become U+FFFD. */
static size_t unquote_unit(struct str *out, const char *s, size_t len)
{
	int32_t high = len >= 6 ? hex_unit(s + 2, len - 2) : -1;
	int32_t low = -1;

	if (high < 0)
		return 2;
	if (high >= 0xd800 && high < 0xdc00 && len >= 12 && s[6] == '\\' &&
	    s[7] == 'u')
		low = hex_unit(s + 8, len - 8);
	if (low >= 0xdc00 && low < 0xe000) {
		put_code_point(out, 0x10000u + (((uint32_t)high & 0x3ff) << 10 |
						((uint32_t)low & 0x3ff)));
		return 12;
	}
	put_code_point(out, !high || (high >= 0xd800 && high < 0xe000)
				    ? 0xfffd
				    : (uint32_t)high);
	return 6;
}

/* Append the bytes up to the next escape or to the end, of which a run that is
 * not UTF-8 is one U+FFFD; returns how many there were. */
static size_t unquote_plain(struct str *out, const char *s, size_t len)
{
	bool bad = false;
	size_t i = 0;

	while (i < len && s[i] != '\\') {
		size_t n = scan_utf8(s + i, len - i);

		if (n)
			str_append(out, s + i, n);
		else if (!bad)
			put_code_point(out, 0xfffd);
		bad = !n;
		i += n ? n : 1;
	}
	return i;
}

void locate_unquote(struct str *s, const char *quoted, size_t len)
{
	static const char escapes[] = "\"\\/bfnrt";
	static const char meanings[] = "\"\\/\b\f\n\r\t";
	size_t i = 1;

	while (i + 1 < len) {
		const char *escape;

		if (quoted[i] != '\\') {
			i += unquote_plain(s, quoted + i, len - 1 - i);
			continue;
		}
		if (quoted[i + 1] == 'u') {
			i += unquote_unit(s, quoted + i, len - 1 - i);
			continue;
		}
		escape = quoted[i + 1] ? strchr(escapes, quoted[i + 1]) : NULL;
		if (escape)
			str_putc(s, meanings[escape - escapes]);
		i += 2;
	}
}

/* How well a key answers to a name. */
enum match {
	MATCH_NONE,
	MATCH_SNAKE,
	MATCH_EXACT,
};

static enum match match_key(const char *quoted, size_t len, const char *name)
{
	char snake[LOCATE_NAME_MAX];
	STR(key);

	if (!memchr(quoted, '\\', len)) {
		size_t n = strlen(name);

		if (len == n + 2 && !memcmp(quoted + 1, name, n))
			return MATCH_EXACT;
		locate_snake(name, snake);
		n = strlen(snake);
		return len == n + 2 && !memcmp(quoted + 1, snake, n)
			       ? MATCH_SNAKE
			       : MATCH_NONE;
	}
	locate_unquote(&key, quoted, len);
	if (!strcmp(str_text(&key), name))
		return MATCH_EXACT;
	return strcmp(str_text(&key), locate_snake(name, snake)) ? MATCH_NONE
								 : MATCH_SNAKE;
}

/** struct member - A member of an object, or an element of a list */
struct member {
	size_t key;
	size_t key_len;
	size_t value;
};

/* Find the member that @name names in the object at w->pos. */
static bool find_member(struct walk *w, const char *name, struct member *ret)
{
	enum match best = MATCH_NONE;

	w->pos++;
	for (;;) {
		struct member m;
		enum match match;

		walk_space(w);
		if (walk_at(w, ',')) {
			w->pos++;
			walk_space(w);
		}
		if (!walk_at(w, '"'))
			return best != MATCH_NONE;
		m.key = w->pos;
		walk_string(w);
		m.key_len = w->pos - m.key;
		walk_space(w);
		if (walk_at(w, ':'))
			w->pos++;
		walk_space(w);
		m.value = w->pos;
		match = match_key(w->text + m.key, m.key_len, name);
		if (match != MATCH_NONE && match >= best) {
			best = match;
			*ret = m;
		}
		walk_value(w);
	}
}

/* Find the element whose index is written in @name in the list at w->pos. */
static bool find_element(struct walk *w, const char *name, struct member *ret)
{
	size_t index = 0;

	for (; *name >= '0' && *name <= '9'; name++)
		index = index * 10 + (size_t)(*name - '0');
	if (*name)
		return false;
	w->pos++;
	for (;;) {
		walk_space(w);
		if (w->pos >= w->len || walk_at(w, ']'))
			return false;
		if (!index--) {
			*ret = (struct member){.value = w->pos};
			return true;
		}
		walk_value(w);
		walk_space(w);
		if (walk_at(w, ','))
			w->pos++;
	}
}

/* The first token of @pointer, unescaped; NULL if there is none. */
static const char *next_token(struct arena *a, const char **pointer)
{
	const char *p = *pointer;
	char *token;
	size_t n = 0;

	if (*p != '/')
		return NULL;
	token = arena_array(a, strcspn(p + 1, "/") + 1, char);
	for (p++; *p && *p != '/'; p++) {
		if (p[0] == '~' && (p[1] == '0' || p[1] == '1'))
			token[n++] = *++p == '0' ? '~' : '/';
		else
			token[n++] = *p;
	}
	*pointer = p;
	return token;
}

static size_t value_length(struct walk w)
{
	size_t start = w.pos;

	if (start >= w.len)
		return 0;
	if (w.text[start] == '{' || w.text[start] == '[')
		return 1;
	walk_value(&w);
	return w.pos - start;
}

struct locate_place locate_pointer(struct arena *a, const char *text,
				   size_t len, const char *pointer, bool key)
{
	struct walk w = {.text = text, .len = len};
	struct locate_place place = {.found = true};
	struct member m = {0};
	const char *token;
	STR(spelled);

	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		w.pos = 3;
	walk_space(&w);
	m.value = w.pos;
	while (place.found && (token = next_token(a, &pointer))) {
		struct member child;

		w.pos = m.value;
		place.found = walk_at(&w, '{') ? find_member(&w, token, &child)
			      : walk_at(&w, '[')
				      ? find_element(&w, token, &child)
				      : false;
		str_putc(&spelled, '/');
		if (place.found && child.key_len) {
			STR(name);

			locate_unquote(&name, text + child.key, child.key_len);
			locate_escape(&spelled, str_text(&name), name.len);
		} else {
			locate_escape(&spelled, token, strlen(token));
		}
		if (place.found)
			m = child;
	}
	str_puts(&spelled, pointer);
	w.pos = m.value;
	place.pointer = arena_strndup(a, str_text(&spelled), spelled.len);
	if (place.found && key && m.key_len) {
		place.offset = m.key;
		place.len = m.key_len;
	} else {
		place.offset = m.value < len ? m.value : len;
		place.len = value_length(w);
	}
	return place;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* str.c - A string that grows at its end. */
#include "str.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void str_reserve(struct str *s, size_t more)
{
	static const char text[] = "msb-netc: out of memory\n";
	size_t cap = s->cap ? s->cap : 256;
	char *data;

	if (s->data && s->cap - s->len > more)
		return;
	while (cap - s->len <= more && cap < SIZE_MAX / 2)
		cap *= 2;
	data = cap - s->len > more ? realloc(s->data, cap) : NULL;
	if (!data) {
		if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
			_exit(3);
		_exit(3);
	}
	s->data = data;
	s->cap = cap;
}

void str_append(struct str *s, const char *bytes, size_t len)
{
	str_reserve(s, len);
	if (len)
		memcpy(s->data + s->len, bytes, len);
	s->len += len;
	s->data[s->len] = '\0';
}

void str_puts(struct str *s, const char *text)
{
	str_append(s, text, strlen(text));
}

void str_putc(struct str *s, char c)
{
	str_append(s, &c, 1);
}

void str_pad(struct str *s, char c, size_t n)
{
	str_reserve(s, n);
	memset(s->data + s->len, c, n);
	s->len += n;
	s->data[s->len] = '\0';
}

void str_vprintf(struct str *s, const char *fmt, va_list ap)
{
	va_list again;
	int len;

	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (len < 0)
		return;
	str_reserve(s, (size_t)len);
	vsnprintf(s->data + s->len, (size_t)len + 1, fmt, ap);
	s->len += (size_t)len;
}

void str_printf(struct str *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	str_vprintf(s, fmt, ap);
	va_end(ap);
}

/* Length of the valid UTF-8 sequence at @p (RFC 3629 §4), 0 if there is none */
static size_t str_utf8(const unsigned char *p, size_t len)
{
	unsigned char lo = 0x80, hi = 0xbf;
	size_t need, i;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		need = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		need = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		need = 4;
	else
		return 0;
	if (need > len)
		return 0;
	/* Overlong forms, surrogates and what is above U+10FFFF. */
	if (p[0] == 0xe0)
		lo = 0xa0;
	else if (p[0] == 0xed)
		hi = 0x9f;
	else if (p[0] == 0xf0)
		lo = 0x90;
	else if (p[0] == 0xf4)
		hi = 0x8f;
	for (i = 1; i < need; i++) {
		if (p[i] < lo || p[i] > hi)
			return 0;
		lo = 0x80;
		hi = 0xbf;
	}
	return need;
}

void str_json(struct str *s, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t i = 0;

	str_putc(s, '"');
	while (i < len) {
		size_t n = str_utf8(p + i, len - i);

		if (!n) {
			str_puts(s, "\\ufffd");
			n = 1;
		} else if (p[i] == '"' || p[i] == '\\') {
			str_putc(s, '\\');
			str_putc(s, text[i]);
		} else if (p[i] == '\n') {
			str_puts(s, "\\n");
		} else if (p[i] == '\t') {
			str_puts(s, "\\t");
		} else if (p[i] < 0x20 || p[i] == 0x7f) {
			str_printf(s, "\\u%04x", p[i]);
		} else {
			str_append(s, text + i, n);
		}
		i += n;
	}
	str_putc(s, '"');
}

const char *str_text(const struct str *s)
{
	return s->data ? s->data : "";
}

void str_free(struct str *s)
{
	free(s->data);
	*s = (struct str){0};
}

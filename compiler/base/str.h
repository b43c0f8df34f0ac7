/* SPDX-License-Identifier: GPL-2.0-or-later */
/* str.h - A string that grows at its end. */
#ifndef MSB_STR_H
#define MSB_STR_H

#include <stdarg.h>
#include <stddef.h>

/**
 * struct str - Growing string
 * @data:	bytes, NUL-terminated once anything was appended; may be NULL
 * @len:	bytes in use, without the NUL
 * @cap:	bytes allocated
 *
 * A zeroed struct str is an empty string. Release with str_free().
 */
struct str {
	char *data;
	size_t len;
	size_t cap;
};

/** str_append() - Append @len bytes */
void str_append(struct str *s, const char *bytes, size_t len);

/** str_puts() - Append the string @text */
void str_puts(struct str *s, const char *text);

/** str_putc() - Append one byte */
void str_putc(struct str *s, char c);

/** str_pad() - Append @n times @c */
void str_pad(struct str *s, char c, size_t n);

/** str_printf() - Append formatted text */
void str_printf(struct str *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** str_vprintf() - Append formatted text, from a va_list */
void str_vprintf(struct str *s, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

/**
 * str_json() - Append a JSON string literal, quotes included
 * @s:		string to append to
 * @text:	bytes; not necessarily UTF-8
 * @len:	number of bytes
 *
 * Control characters, quote and backslash are escaped; bytes that are no valid
 * UTF-8 become U+FFFD, so that the output is JSON whatever comes in.
 */
void str_json(struct str *s, const char *text, size_t len);

/** str_text() - The string; "" if empty. Valid until the next append */
const char *str_text(const struct str *s);

/** str_free() - Release; @s is an empty string again */
void str_free(struct str *s);

/** STR() - Declare a string that is released when its scope ends */
#define STR(name) __attribute__((cleanup(str_free))) struct str name = {0}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* locate.h - Where a JSON pointer points to in the text of a document. */
#ifndef MSB_LOCATE_H
#define MSB_LOCATE_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "str.h"

/** LOCATE_NAME_MAX - Room for any field name in snake_case, with NUL */
#define LOCATE_NAME_MAX 64

/**
 * struct locate_place - A place in a document
 * @offset:	byte offset of the first character
 * @len:	bytes of the value; 1 for an object or a list
 * @pointer:	the JSON pointer, as the document spells it
 * @found:	whether the whole pointer was there; if not, the place is that
 *		of its nearest ancestor
 */
struct locate_place {
	size_t offset;
	size_t len;
	const char *pointer;
	bool found;
};

/**
 * locate_pointer() - Find the place of a value
 * @a:		arena for the result
 * @text:	document; JSON
 * @len:	bytes at @text
 * @pointer:	JSON pointer (RFC 6901) with canonical field names; a member
 *		whose key is the snake_case spelling of a name is found too
 * @key:	want the member's key rather than its value
 *
 * Where a key occurs twice, the last one counts, as for the parser.
 *
 * Return: the place. For a text that is not JSON it may be the wrong one, but
 * it is always inside the text.
 */
struct locate_place locate_pointer(struct arena *a, const char *text,
				   size_t len, const char *pointer, bool key);

/**
 * locate_line() - Line and column of a byte
 * @text:	document
 * @offset:	byte offset in it
 * @ret_line:	line, from 1
 * @ret_column:	column in code points, from 1
 *
 * Return: byte offset of the start of the line
 */
size_t locate_line(const char *text, size_t offset, unsigned int *ret_line,
		   unsigned int *ret_column);

/** locate_width() - Code points in @len bytes of UTF-8 */
size_t locate_width(const char *text, size_t len);

/**
 * locate_snake() - The snake_case spelling of a field name
 * @name:	Go name: "DNSRebindProtection"
 * @buf:	receives "dns_rebind_protection"
 *
 * A run of capitals is one word; its last capital starts the next word if a
 * lower-case letter follows. "IPv4", "IPv6" and "CAs" are words.
 *
 * Return: @buf
 */
const char *locate_snake(const char *name, char buf[LOCATE_NAME_MAX]);

/** locate_escape() - Append @len bytes as one reference token (RFC 6901 §3) */
void locate_escape(struct str *s, const char *token, size_t len);

/**
 * locate_unquote() - Append the characters that a JSON string stands for
 * @s:		receives them, as UTF-8
 * @quoted:	string literal, from its opening quote
 * @len:	bytes of the literal, closing quote included
 */
void locate_unquote(struct str *s, const char *quoted, size_t len);

#endif

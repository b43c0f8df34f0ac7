/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mask_form.h - A secret's value as a server may write it, and where it stands.
 *
 * A value is written as it is; with octets as %XX, or a blank as "+"; or with
 * octets as JSON escapes. Letters and digits are never escaped: nobody does. In
 * base64 it is known by those digits that it alone determines, wherever it
 * begins in a group of three octets; what is around it may be anything. These
 * digits may be escaped in turn ("\/", "%2B"). Nothing of a value is copied:
 * what it looks like is worked out while it is compared.
 *
 * Between any two octets of it there may be the end of a chunk, and another
 * one's line: servers cut their answers anywhere.
 */
#ifndef MSB_MASK_FORM_H
#define MSB_MASK_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** MASK_VALUE_MIN - Shorter values would be found in ordinary text */
#define MASK_VALUE_MIN 8

/**
 * MASK_HELD_MIN - Octets of a value's beginning that wait for its rest
 *
 * Or half of the value, if that is less.
 */
#define MASK_HELD_MIN 8

/** MASK_GAP_MAX - Octets of a chunk's end and the next one's size */
#define MASK_GAP_MAX 18

/**
 * struct mask_form - A value, or its base64
 * @value:	the value
 * @len:	octets of it
 * @base64:	it is in base64
 * @skip:	bits of it that share a digit with what is in front
 * @n:		octets of it, or digits
 * @first:	the first of these
 * @second:	the one behind
 * @third:	and the one behind that
 * @any_first:	it may be escaped
 * @any_second:	so may that
 * @plain:	none may be
 */
struct mask_form {
	const uint8_t *value;
	size_t len;
	bool base64;
	unsigned int skip;
	size_t n;
	uint8_t first;
	uint8_t second;
	uint8_t third;
	bool any_first;
	bool any_second;
	bool plain;
};

/** mask_form() - Of a value of at least MASK_VALUE_MIN octets */
struct mask_form mask_form(const uint8_t *value, size_t len);

/** mask_form_base64() - The same, @before octets (0-2) behind a group's begin
 */
struct mask_form mask_form_base64(const uint8_t *value, size_t len,
				  unsigned int before);

/**
 * struct mask_place - What stands at a place
 * @whole:	octets that the value takes there; 0: it is not there
 * @begins:	the text ends within what may be the value
 * @held:	and so much of it is there that it is to wait
 */
struct mask_place {
	size_t whole;
	bool begins;
	bool held;
};

/** mask_form_next() - Next place from @at where it may stand; @len: none */
size_t mask_form_next(const struct mask_form *f, const uint8_t *text, size_t at,
		      size_t len);

/** mask_form_at() - What stands at the beginning of a text */
struct mask_place mask_form_at(const struct mask_form *f, const uint8_t *text,
			       size_t len);

/**
 * mask_form_cover() - Make a value asterisks, and leave chunks' lines in it
 * @text:	what a value takes, or the beginning of that
 * @from:	octets of it that are left as they are
 * @len:	octets of it
 */
void mask_form_cover(uint8_t *text, size_t from, size_t len);

#endif

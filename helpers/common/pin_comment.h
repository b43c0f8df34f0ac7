/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pin_comment.h - The names of a pinned address, as its element's comment.
 *
 *	api.example.com		this name alone has the address
 *	api.example.com +2	and two more names of the same set
 *	...long.example.com	one name, of which this is only the end
 *	... +1			two names, of which none is known
 *
 * One name stands in full, for that is what fits; how many there are is always
 * told. No name begins with an empty label, so what begins with dots is never
 * taken for one. The name is in presentation format, lower case, with all but
 * letters, digits, "-", "_", "*" and the dots as \DDD: so a comment has neither
 * quotes nor blanks in its name, and is the same text wherever it is listed.
 *
 * Names come and go while their element stays. The one that stands in full is
 * the one that has the address longest; a name whose time is over is still
 * counted until the element is written again. So there may be fewer names than
 * a comment says, and never more.
 */
#ifndef MSB_PIN_COMMENT_H
#define MSB_PIN_COMMENT_H

#include "dname.h"

/** PIN_COMMENT_MAX - Room for a comment, with NUL: nft reads no longer ones */
#define PIN_COMMENT_MAX 128

/** PIN_OTHERS_MAX - Further names that a comment can tell of */
#define PIN_OTHERS_MAX 99999

/**
 * struct pin_names - Who has an address
 * @name:	a name; of length 0: it is not known
 * @others:	how many names there are besides
 */
struct pin_names {
	struct dname name;
	uint32_t others;
};

/**
 * pin_comment_name() - Write the first part of a comment
 * @name:	name; of length 0: "..."
 * @buf:	receives the text
 *
 * Return: characters
 */
size_t pin_comment_name(struct dname name, char buf[PIN_COMMENT_MAX]);

/**
 * pin_comment_others() - Write the rest of it
 * @others:	further names, at most PIN_OTHERS_MAX
 * @buf:	what pin_comment_name() has written
 * @len:	characters of it
 *
 * Return: characters of all
 */
size_t pin_comment_others(uint32_t others, char buf[PIN_COMMENT_MAX],
			  size_t len);

/**
 * pin_comment_parse() - Read a comment
 * @text:	comment; "" if there is none
 * @wire:	room for the name
 * @ret:	names. Where @text is no comment of ours, one that is not known
 *
 * Return: whether it is one of ours
 */
bool pin_comment_parse(const char *text, uint8_t wire[DNAME_WIRE_MAX],
		       struct pin_names *ret);

#endif

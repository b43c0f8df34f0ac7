/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dname.h - Domain names in wire format, compared label by label. */
#ifndef MSB_DNAME_H
#define MSB_DNAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"

/** DNAME_WIRE_MAX - Octets of the longest name (RFC 1035 §2.3.4) */
#define DNAME_WIRE_MAX 255

/** DNAME_TEXT_MAX - Room for any name as text: every octet as \DDD, and NUL */
#define DNAME_TEXT_MAX (4 * DNAME_WIRE_MAX + 2)

/**
 * struct dname - A domain name
 * @wire:	length-prefixed labels, the root's zero octet included; ASCII
 *		letters are lower case (RFC 4343)
 * @len:	octets at @wire: 1 (the root) to 255
 */
struct dname {
	const uint8_t *wire;
	uint8_t len;
};

/**
 * dname_from_config() - Read a name as a policy spells it
 * @a:		arena for the name
 * @text:	UTF-8 text, NUL-terminated. Non-ASCII names go through IDNA2008
 *		with UTS 46 non-transitional mapping. One trailing dot is
 *		dropped. Labels of 1 to 63 letters, digits, "-" and "_"; at
 *		most 253 characters in all
 * @ret:	canonical name; set on success
 *
 * Return: NULL, or what is wrong with @text, as the end of a sentence that
 * starts with the name ("has an empty label").
 */
const char *dname_from_config(struct arena *a, const char *text,
			      struct dname *ret)
	__attribute__((warn_unused_result));

/**
 * dname_from_presentation() - Read a name in RFC 1035 §5.1 presentation format
 * @a:		arena for the name
 * @text:	any octets, "\DDD" and "\X" escapes; "." is the root; one
 *		trailing dot is dropped
 * @ret:	name, lower case; set on success
 *
 * Return: NULL, or what is wrong, as for dname_from_config()
 */
const char *dname_from_presentation(struct arena *a, const char *text,
				    struct dname *ret)
	__attribute__((warn_unused_result));

/**
 * dname_format() - Write a name in presentation format
 * @name:	name
 * @buf:	receives the text, without the trailing dot; "." for the root
 *
 * Return: @buf
 */
const char *dname_format(struct dname name, char buf[DNAME_TEXT_MAX]);

/** dname_equal() - Same labels */
bool dname_equal(struct dname a, struct dname b);

/**
 * dname_below() - Whether @name is a proper subdomain of @suffix
 *
 * The suffix itself is not below itself.
 */
bool dname_below(struct dname name, struct dname suffix);

#endif

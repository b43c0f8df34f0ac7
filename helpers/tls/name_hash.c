/* SPDX-License-Identifier: GPL-2.0-or-later */
/* name_hash.c - The hash of a name by which OpenSSL finds a CA's file. */
/* clang-format off */
#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/hash.h>
/* clang-format on */

#include "name_hash.h"

#include <stdio.h>

/*
 * What is hashed is the name in a form in which equal names have equal octets:
 * its relative names one behind the other, without a header around them, and
 * text in them as UTF8String in small letters, without blanks at its ends and
 * with single ones inside. Values that are no text stay as they are. The hash
 * is the first four octets of their SHA-1, the least significant first.
 */

/* Octets of the largest name. */
#define CANONICAL_MAX 4096

/* Tags of text in single octets that der.h has no use for. */
enum text_tag {
	TEXT_PRINTABLE = 0x13,
	TEXT_T61 = 0x14,
	TEXT_IA5 = 0x16,
	TEXT_VISIBLE = 0x1a,
	TEXT_UNIVERSAL = 0x1c,
	TEXT_BMP = 0x1e,
};

static bool is_blank(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static void put_text(struct der *d, struct der_view v)
{
	uint8_t text[CANONICAL_MAX];
	size_t len = 0;

	for (size_t i = 0; i < v.len; i++) {
		const uint8_t c = v.p[i];

		if (is_blank(c)) {
			if (len && text[len - 1] != ' ')
				text[len++] = ' ';
			continue;
		}
		text[len++] = c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a')
						   : c;
	}
	if (len && text[len - 1] == ' ')
		len--;
	der_put(d, DER_UTF8, text, len);
}

static bool is_ascii(struct der_view v)
{
	for (size_t i = 0; i < v.len; i++)
		if (v.p[i] >= 0x80)
			return false;
	return true;
}

static bool put_value(struct der *d, unsigned int tag, struct der_view v)
{
	switch (tag) {
	case TEXT_BMP:
	case TEXT_UNIVERSAL:
		return false;
	case TEXT_T61:
		/* Latin-1, which would have to be UTF-8. */
		if (!is_ascii(v))
			return false;
		break;
	case DER_UTF8:
	case TEXT_PRINTABLE:
	case TEXT_IA5:
	case TEXT_VISIBLE:
		break;
	default:
		der_put(d, tag, v.p, v.len);
		return true;
	}
	put_text(d, v);
	return true;
}

/* One relative name with one attribute. */
static bool put_relative(struct der *d, struct der_view set)
{
	struct der_view attribute, oid, value;
	size_t begun, inside;
	unsigned int tag;

	if (!der_expect(&set, DER_SEQUENCE, &attribute) || set.len ||
	    !der_expect(&attribute, DER_OID, &oid) ||
	    !der_next(&attribute, &tag, &value) || attribute.len)
		return false;
	begun = der_begin(d, DER_SET);
	inside = der_begin(d, DER_SEQUENCE);
	der_put(d, DER_OID, oid.p, oid.len);
	if (!put_value(d, tag, value))
		return false;
	der_end(d, inside);
	der_end(d, begun);
	return true;
}

bool name_hash(struct der_view name, char ret[NAME_HASH_TEXT])
{
	uint8_t room[CANONICAL_MAX], digest[WC_SHA_DIGEST_SIZE];
	struct der d = {.data = room, .room = sizeof(room)};
	struct der_view list, set;

	if (name.len > CANONICAL_MAX || !der_expect(&name, DER_SEQUENCE, &list))
		return false;
	while (list.len)
		if (!der_expect(&list, DER_SET, &set) || !put_relative(&d, set))
			return false;
	if (d.failed || wc_ShaHash(room, (word32)d.len, digest) != 0)
		return false;
	snprintf(ret, NAME_HASH_TEXT, "%02x%02x%02x%02x", digest[3], digest[2],
		 digest[1], digest[0]);
	return true;
}

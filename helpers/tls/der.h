/* SPDX-License-Identifier: GPL-2.0-or-later */
/* der.h - DER (ITU-T X.690), written and read within bounds.
 *
 * Writing goes forward, in the order in which a structure is printed in its
 * standard: what is inside der_begin() and der_end() is moved when the length
 * turns out to need more octets than one. A write that does not fit is
 * remembered and nothing more is written, so that one look at the end does.
 *
 * Reading takes definite lengths in their shortest form alone, and never looks
 * behind the end of what it was given.
 */
#ifndef MSB_DER_H
#define MSB_DER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * enum der_tag - Identifier octets
 *
 * DER_CONTEXT and a number is a context-specific tag of a primitive,
 * DER_CONTEXT_OF of a constructed value.
 */
enum der_tag {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_UTF8 = 0x0c,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_CONTEXT = 0x80,
	DER_CONTEXT_OF = 0xa0,
};

/**
 * struct der - A structure that is being written
 * @data:	room
 * @room:	octets of it
 * @len:	octets written
 * @failed:	there was not enough
 */
struct der {
	uint8_t *data;
	size_t room;
	size_t len;
	bool failed;
};

/** der_begin() - Begin a constructed value; what it returns is for der_end() */
size_t der_begin(struct der *d, unsigned int tag);

/** der_end() - End it: now its length is known */
void der_end(struct der *d, size_t begun);

/** der_put() - Write a value */
void der_put(struct der *d, unsigned int tag, const void *value, size_t len);

/** der_raw() - Write octets that are DER already */
void der_raw(struct der *d, const void *octets, size_t len);

/** der_put_unsigned() - Write an INTEGER that is not negative: @len octets, the
 * most significant first; zeros in front are left out
 */
void der_put_unsigned(struct der *d, const uint8_t *value, size_t len);

/**
 * der_put_time() - Write a time as certificates have it
 * @d:	structure
 * @t:	seconds since the epoch; the years 1950 to 9999
 *
 * UTCTime up to 2049, GeneralizedTime from then on (RFC 5280 section 4.1.2.5).
 */
void der_put_time(struct der *d, int64_t t);

/**
 * struct der_view - Octets of something that was read
 * @p:		octets
 * @len:	how many
 */
struct der_view {
	const uint8_t *p;
	size_t len;
};

/**
 * der_next() - Read one value
 * @from:	octets, which it is taken from the front of
 * @ret_tag:	its tag; set on success
 * @ret:	its contents; set on success
 *
 * Return: whether there is one
 */
bool der_next(struct der_view *from, unsigned int *ret_tag,
	      struct der_view *ret) __attribute__((warn_unused_result));

/** der_expect() - Read a value with the tag @tag; nothing is taken otherwise */
bool der_expect(struct der_view *from, unsigned int tag, struct der_view *ret)
	__attribute__((warn_unused_result));

/** der_whole() - Read a value with the tag @tag; @ret has its header, too */
bool der_whole(struct der_view *from, unsigned int tag, struct der_view *ret)
	__attribute__((warn_unused_result));

/** der_is() - Whether these are the octets at @p */
bool der_is(struct der_view v, const void *p, size_t len);

/** der_get_time() - Read a UTCTime or GeneralizedTime of RFC 5280 */
bool der_get_time(struct der_view *from, int64_t *ret)
	__attribute__((warn_unused_result));

/** DER_TIME_TEXT - Room for a time as text, with NUL */
#define DER_TIME_TEXT 32

/** der_time_text() - "2031-02-28 13:59:07 UTC" */
const char *der_time_text(int64_t t, char buf[DER_TIME_TEXT]);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* svcb.h - The parameters of SVCB and HTTPS records (RFC 9460). */
#ifndef MSB_SVCB_H
#define MSB_SVCB_H

#include "packet.h"

/** enum svcb_key - Parameters that are looked at (IANA: SvcParamKeys) */
enum svcb_key {
	SVCB_MANDATORY = 0,
	SVCB_ALPN = 1,
	SVCB_NO_DEFAULT_ALPN = 2,
	SVCB_IPV4HINT = 4,
	SVCB_ECH = 5,
	SVCB_IPV6HINT = 6,
};

/**
 * struct svcb_param - One parameter
 * @key:	key
 * @at:		offset of the key
 * @value:	offset of the value
 * @end:	offset behind it
 */
struct svcb_param {
	uint16_t key;
	size_t at;
	size_t value;
	size_t end;
};

/**
 * svcb_begin() - The first parameter's offset
 * @data:	message
 * @r:		the record
 *
 * Return: offset; 0 if the record is malformed. The whole of it was checked:
 * the target is not compressed, keys ascend (RFC 9460 §2.2), hints are whole
 * addresses, ALPN identifiers and mandatory keys are whole
 */
size_t svcb_begin(const uint8_t *data, const struct packet_record *r)
	__attribute__((warn_unused_result));

/**
 * svcb_next() - The next parameter
 * @data:	message
 * @r:		the record
 * @at:		offset of svcb_begin(), or behind the last one
 * @ret:	parameter
 *
 * Return: false behind the last
 */
bool svcb_next(const uint8_t *data, const struct packet_record *r, size_t at,
	       struct svcb_param *ret);

/**
 * svcb_strip() - Take parameters out
 * @p:		message
 * @q:		its question
 * @r:		the record; its end is adjusted
 * @ech:	take "ech" out
 * @h3:		take "h3", and drafts of it, out of "alpn"; if nothing is left,
 *		"alpn" and "no-default-alpn" too: then the protocol is the
 *		scheme's default
 *
 * What is taken out is taken out of "mandatory" as well, or clients would
 * ignore the record (RFC 9460 §8).
 *
 * Return: false, and a message that must not be used, if that cannot be done
 */
bool svcb_strip(struct packet *p, const struct packet_question *q,
		struct packet_record *r, bool ech, bool h3)
	__attribute__((warn_unused_result));

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crl.h - A certificate revocation list (RFC 5280 section 5), read.
 *
 * A list is one of all that its issuer has revoked, or it is refused: one of
 * changes, one of some kinds of certificates, for some reasons or of some
 * distribution points, and one of other issuers' certificates. So what is not
 * on it was not revoked when it was made. What is critical and not known is
 * refused, in the list and in each of its entries.
 */
#ifndef MSB_CRL_H
#define MSB_CRL_H

#include <stddef.h>
#include <stdint.h>

#include "der.h"
#include "signed.h"

/** PEM_CRL - Label of a list (RFC 7468 section 6) */
#define PEM_CRL "X509 CRL"

/** CRL_SERIAL_MAX - Octets of the longest serial number: RFC 5280 allows 20 */
#define CRL_SERIAL_MAX 255

/**
 * struct crl - A list
 * @part:	what is signed, and how
 * @issuer:	Name, without its header
 * @since:	thisUpdate, seconds since the epoch
 * @until:	nextUpdate
 * @entries:	what was revoked, for crl_next()
 * @n:		how many
 * @octets:	of all serial numbers together
 *
 * Everything points into the octets that were read.
 */
struct crl {
	struct signed_part part;
	struct der_view issuer;
	int64_t since;
	int64_t until;
	struct der_view entries;
	size_t n;
	size_t octets;
};

/**
 * crl_read() - Read a list
 * @der:	octets, of the list and nothing else
 * @ret:	list; set on success
 *
 * Its signature is not looked at, but for the algorithm; nor are its dates, but
 * for their order.
 *
 * Return: NULL, or what is wrong, as the end of a sentence
 */
const char *crl_read(struct der_view der, struct crl *ret)
	__attribute__((warn_unused_result));

/**
 * crl_next() - The serial number of the next entry
 * @entries:	crl.entries of a list that was read; moves on
 * @ret:	serial number: an INTEGER's contents, in its shortest form
 *
 * Return: whether there is one
 */
bool crl_next(struct der_view *entries, struct der_view *ret)
	__attribute__((warn_unused_result));

/**
 * crl_serial() - A serial number in its shortest form
 * @v:		an INTEGER's contents
 *
 * DER has no other form; but nobody looks whether certificates keep to it.
 */
struct der_view crl_serial(struct der_view v);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cert.h - Certificates (RFC 5280), written from a template.
 *
 * Two kinds are written: the CA's own, and leaves that it signs. Each has what
 * the strictest verifiers want and nothing else; nothing of it is taken from a
 * guest but a name that was checked.
 *
 * Writing is pure: time, serial number and identifiers come from the caller,
 * and the same input gives the same octets.
 */
#ifndef MSB_CERT_H
#define MSB_CERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "der.h"
#include "dname.h"

/** CERT_SERIAL - Octets of a serial number (RFC 5280 allows 20) */
#define CERT_SERIAL 16

/** CERT_KEY_ID - Octets of a key's identifier: the leftmost 160 bits of the
 * SHA-256 of the public key (RFC 7093 section 2, method 1)
 */
#define CERT_KEY_ID 20

/** CERT_POINT - Octets of a public key of P-256, uncompressed */
#define CERT_POINT 65

/** CERT_NAME_MAX - Octets of the longest Name that a CA may have */
#define CERT_NAME_MAX 512

/** CERT_TEXT_MAX - Octets of the longest name in a leaf, as text */
#define CERT_TEXT_MAX 253

/** CERT_BACK_DATED - Seconds for which a certificate was valid when it was
 * made: a guest's clock may be late
 */
#define CERT_BACK_DATED (INT64_C(48) * 3600)

/** LEAF_AHEAD - Seconds for which a leaf is valid from now on; with what lies
 * behind, seven days
 */
#define LEAF_AHEAD (INT64_C(5) * 24 * 3600)

/** AUTHORITY_AHEAD - Likewise for a generated CA: ten years */
#define AUTHORITY_AHEAD (INT64_C(3652) * 24 * 3600)

/**
 * struct cert - What every certificate has
 * @serial:	serial number: random octets
 * @algorithm:	AlgorithmIdentifier of the issuer's signatures, with its header
 * @issuer:	Name, with its header
 * @not_before:	seconds since the epoch
 * @not_after:	likewise
 * @point:	public key
 * @key_id:	its identifier
 * @issuer_id:	identifier of the issuer's key, as the issuer's certificate has
 *		it
 */
struct cert {
	uint8_t serial[CERT_SERIAL];
	struct der_view algorithm;
	struct der_view issuer;
	int64_t not_before;
	int64_t not_after;
	uint8_t point[CERT_POINT];
	uint8_t key_id[CERT_KEY_ID];
	struct der_view issuer_id;
};

/**
 * struct leaf_subject - Whom a leaf is for
 * @name:	name, if @address_len is 0: labels of a-z, 0-9, "-", "_"
 * @address:	address in network order
 * @address_len: 4 or 16; 0: it is for a name
 */
struct leaf_subject {
	struct dname name;
	uint8_t address[16];
	size_t address_len;
};

/**
 * leaf_name() - A name as a leaf has it
 * @name:	name
 * @ret:	room for CERT_TEXT_MAX octets, no NUL
 * @ret_len:	octets; set on success
 *
 * Return: whether it is one that a leaf may have: no wildcard, no octet that
 * means something to somebody, no address in disguise
 */
bool leaf_name(struct dname name, char *ret, size_t *ret_len)
	__attribute__((warn_unused_result));

/**
 * leaf_write() - Write the TBSCertificate of a leaf
 * @d:		receives it
 * @c:		certificate
 * @subject:	whom it is for
 *
 * The name is the one subjectAltName. It is the common name, too, if it is not
 * too long for that; else the subject is empty, and the extension critical.
 *
 * Return: whether it was written
 */
bool leaf_write(struct der *d, const struct cert *c,
		const struct leaf_subject *subject)
	__attribute__((warn_unused_result));

/**
 * authority_write() - Write the TBSCertificate of a CA that signs itself
 * @d:		receives it
 * @c:		certificate: its issuer is not looked at
 *
 * Its name is "msb-netc CA " and the first four octets of its key's identifier.
 *
 * Return: whether it was written
 */
bool authority_write(struct der *d, const struct cert *c)
	__attribute__((warn_unused_result));

/**
 * cert_write() - Put a certificate together
 * @d:		receives it
 * @tbs:	TBSCertificate
 * @algorithm:	AlgorithmIdentifier, as in it
 * @signature:	signature
 *
 * Return: whether it was written
 */
bool cert_write(struct der *d, struct der_view tbs, struct der_view algorithm,
		struct der_view signature) __attribute__((warn_unused_result));

/** cert_write_key() - Write a SubjectPublicKeyInfo of P-256 */
void cert_write_key(struct der *d, const uint8_t point[CERT_POINT]);

#endif

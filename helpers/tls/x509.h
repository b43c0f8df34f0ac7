/* SPDX-License-Identifier: GPL-2.0-or-later */
/* x509.h - What a CA's certificate (RFC 5280) says, as far as a signer asks. */
#ifndef MSB_X509_H
#define MSB_X509_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "der.h"
#include "str.h"

/**
 * struct x509 - A certificate
 * @issuer:	Name, with its header
 * @subject:	Name, with its header
 * @not_before:	seconds since the epoch
 * @not_after:	likewise
 * @spki:	SubjectPublicKeyInfo, with its header
 * @algorithm:	the key's algorithm: an OID's contents
 * @curve:	its curve: an OID's contents; empty if it has none
 * @key:	the public key itself, contents of the BIT STRING
 * @key_id:	subjectKeyIdentifier; empty if there is none
 * @has_basic:	there are basicConstraints
 * @ca:		they say cA
 * @has_usage:	there is a keyUsage
 * @cert_sign:	it says keyCertSign
 * @has_purpose: there is an extKeyUsage
 * @server_auth: it says serverAuth, or any
 *
 * Everything points into the octets that were read.
 */
struct x509 {
	struct der_view issuer;
	struct der_view subject;
	int64_t not_before;
	int64_t not_after;
	struct der_view spki;
	struct der_view algorithm;
	struct der_view curve;
	struct der_view key;
	struct der_view key_id;
	bool has_basic;
	bool ca;
	bool has_usage;
	bool cert_sign;
	bool has_purpose;
	bool server_auth;
};

/**
 * x509_read() - Read a certificate
 * @der:	octets, of the certificate and nothing else
 * @ret:	certificate; set on success
 *
 * Its signature is not looked at.
 *
 * Return: NULL, or what is wrong, as the end of a sentence
 */
const char *x509_read(struct der_view der, struct x509 *ret)
	__attribute__((warn_unused_result));

/**
 * x509_name_text() - Append a Name as text: "CN=Example CA, O=Example"
 * @s:		string
 * @name:	Name, with its header
 */
void x509_name_text(struct str *s, struct der_view name);

#endif

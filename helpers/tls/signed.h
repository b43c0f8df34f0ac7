/* SPDX-License-Identifier: GPL-2.0-or-later */
/* signed.h - What a CA has signed (RFC 5280 sections 4.1.1 and 5.1.1): its
 * parts, and whether the signature is right. */
#ifndef MSB_SIGNED_H
#define MSB_SIGNED_H

#include <stdbool.h>

#include "der.h"

/**
 * struct signed_part - A certificate or a list, as its signature sees it
 * @text:	what is signed, with its header
 * @algorithm:	AlgorithmIdentifier's contents
 * @signature:	signature
 */
struct signed_part {
	struct der_view text;
	struct der_view algorithm;
	struct der_view signature;
};

/** signed_read() - Read the parts of @der, which is all of it */
bool signed_read(struct der_view der, struct signed_part *ret)
	__attribute__((warn_unused_result));

/**
 * signed_is_known() - Whether signatures of an algorithm can be verified
 *
 * RSA (PKCS #1 and PSS), ECDSA and Ed25519; with SHA-224 to SHA-512.
 */
bool signed_is_known(struct der_view algorithm);

/**
 * signed_by() - Whether a signature is right
 * @s:		what is signed
 * @key:	SubjectPublicKeyInfo, with its header: of RSA with 2048 bits, of
 *a curve of 256, or more; of Ed25519
 */
bool signed_by(const struct signed_part *s, struct der_view key);

#endif

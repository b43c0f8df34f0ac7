/* SPDX-License-Identifier: GPL-2.0-or-later */
/* key.h - A CA's private key, and signatures made with it. */
#ifndef MSB_KEY_H
#define MSB_KEY_H

/* clang-format off */
#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/random.h>
#include <wolfssl/wolfcrypt/rsa.h>
/* clang-format on */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cert.h"
#include "x509.h"

/** KEY_DER_MAX - Octets of the largest private key: RSA of 4096 bits */
#define KEY_DER_MAX 3072

/** KEY_TEXT_MAX - Octets of the largest file with a private key */
#define KEY_TEXT_MAX 16384

/** KEY_SIGNATURE_MAX - Octets of the largest signature: RSA of 4096 bits */
#define KEY_SIGNATURE_MAX 512

/**
 * enum key_kind - Kinds of keys that a CA may have
 * @KEY_NONE:	there is no key
 * @KEY_P256:	ecdsa-with-SHA256
 * @KEY_P384:	ecdsa-with-SHA384
 * @KEY_RSA:	sha256WithRSAEncryption, 2048 to 4096 bits
 */
enum key_kind {
	KEY_NONE,
	KEY_P256,
	KEY_P384,
	KEY_RSA,
};

/**
 * struct key - A private key
 * @kind:	its kind
 * @rng:	random numbers that signing takes
 * @ecc:	KEY_P256, KEY_P384
 * @rsa:	KEY_RSA
 * @text:	room that its file is read into
 * @der:	room that it is decoded into
 *
 * It must not be moved. Whoever owns it keeps its memory out of core files and
 * off the swap (vault.h).
 */
struct key {
	enum key_kind kind;
	WC_RNG rng;
	union {
		ecc_key ecc;
		RsaKey rsa;
	};
	char text[KEY_TEXT_MAX];
	uint8_t der[KEY_DER_MAX];
};

/**
 * key_library() - Get the library ready, once in a process
 *
 * Its random numbers come from getrandom(2) from here on: it opens no file, now
 * or later.
 *
 * Return: whether it is
 */
bool key_library(void) __attribute__((warn_unused_result));

/**
 * key_read() - Read a private key from a file of PEM text
 * @k:		zeroed; receives the key
 * @fd:		descriptor, read from its start
 *
 * PKCS #8, SEC 1 or PKCS #1, without a passphrase. What @k has room for beside
 * the key is wiped.
 *
 * Return: NULL, or what is wrong, as the end of a sentence; then there is no
 * key
 */
const char *key_read(struct key *k, int fd) __attribute__((warn_unused_result));

/** key_make() - Make a key of P-256; @k is zeroed */
bool key_make(struct key *k) __attribute__((warn_unused_result));

/**
 * key_point() - The public key of one of P-256
 *
 * Return: whether it was written
 */
bool key_point(struct key *k, uint8_t ret[CERT_POINT])
	__attribute__((warn_unused_result));

/**
 * key_export() - Write the key, of P-256, as PKCS #8
 * @k:		key
 * @ret:	room for KEY_DER_MAX octets
 *
 * Return: octets; 0 if it fails
 */
size_t key_export(struct key *k, uint8_t *ret)
	__attribute__((warn_unused_result));

/**
 * key_kind_of() - What kind of key a certificate has
 * @x:		certificate
 * @ret_why:	if it is none that a CA may have: what is wrong, as the end of
 *		a sentence
 */
enum key_kind key_kind_of(const struct x509 *x, const char **ret_why);

/** key_fits() - Whether it is the private key of a certificate: it is tried */
bool key_fits(struct key *k, const struct x509 *x);

/** key_algorithm() - AlgorithmIdentifier of its signatures */
struct der_view key_algorithm(enum key_kind kind);

/**
 * key_sign() - Sign
 * @k:		key
 * @data:	what is signed
 * @ret:	room for KEY_SIGNATURE_MAX octets
 *
 * Return: octets of the signature; 0 if it fails
 */
size_t key_sign(struct key *k, struct der_view data, uint8_t *ret)
	__attribute__((warn_unused_result));

/** key_id() - The identifier of a public key, see CERT_KEY_ID */
bool key_id(struct der_view key, uint8_t ret[CERT_KEY_ID])
	__attribute__((warn_unused_result));

/** KEY_DIGEST - Octets of SHA-256 */
#define KEY_DIGEST 32

/** key_digest() - SHA-256 */
bool key_digest(struct der_view data, uint8_t ret[KEY_DIGEST])
	__attribute__((warn_unused_result));

/**
 * key_rest() - Give back what the library keeps so as to be faster next time
 *
 * As Debian builds it, it has a table of 256 multiples of each point that it
 * has used twice: 1.6 MiB for a key that has signed and been verified. The next
 * signature takes five milliseconds more.
 */
void key_rest(void);

/** key_wipe() - Forget the key; without one it does nothing */
void key_wipe(struct key *k);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* record.h - Records of a TLS connection whose handshake is over.
 *
 * Theory of Operation
 *
 * wolfSSL makes a connection, and its keys are taken over then, as a kernel
 * would take them: a record is opened straight from what was read of a socket,
 * and sealed straight into what is sent, and wolfSSL's 54 KB for the connection
 * are released. What is left of TLS is this file's: RFC 8446 section 5 and 4.6,
 * and of TLS 1.2 RFC 5246 section 6.2.3.3 with AES-GCM (RFC 5288) and
 * ChaCha20-Poly1305 (RFC 7905), the ciphers that are offered.
 */
#ifndef MSB_RECORD_H
#define MSB_RECORD_H

#include "aead.h"

/** RECORD_TEXT - Octets of the largest record's content (RFC 8446 section 5.1)
 */
#define RECORD_TEXT 16384

/** RECORD_HEAD - Octets of a record's header */
#define RECORD_HEAD 5

/** RECORD_MAX - Octets of the largest record: header, and what TLS 1.2 allows
 * behind it
 */
#define RECORD_MAX (RECORD_HEAD + RECORD_TEXT + 2048)

/** RECORD_MORE - Octets of a record beside its content, at most: header, nonce
 * of TLS 1.2, type of TLS 1.3, tag
 */
#define RECORD_MORE (RECORD_HEAD + 8 + 1 + AEAD_TAG)

/** RECORD_SECRET - Octets of the longest secret: one of SHA-384 */
#define RECORD_SECRET 48

/** enum record_type - Types of content (RFC 8446 appendix B.1) */
enum record_type {
	RECORD_CHANGE_CIPHER_SPEC = 20,
	RECORD_ALERT = 21,
	RECORD_HANDSHAKE = 22,
	RECORD_DATA = 23,
};

/**
 * struct record_keys - What one direction is encrypted with
 * @key:	key
 * @iv:		what all nonces have in common: 12 octets, or 4 of them
 * @secret:	TLS 1.3: what both were made of, and the next will be
 * @sequence:	number of the next record
 */
struct record_keys {
	uint8_t key[AEAD_KEY];
	uint8_t iv[AEAD_NONCE];
	uint8_t secret[RECORD_SECRET];
	uint64_t sequence;
};

/**
 * struct records - Both directions
 * @cipher:	cipher
 * @tls13:	TLS 1.3; else 1.2
 * @secret_len:	TLS 1.3: octets of the secrets
 * @text_max:	largest content of a record that may be sent
 * @nonce:	TLS 1.2 with AES-GCM: the part of a nonce that the next record
 *		which is sent has in it
 * @in:		what is received
 * @out:	what is sent
 */
struct records {
	enum aead_cipher cipher;
	bool tls13;
	uint8_t secret_len;
	uint16_t text_max;
	uint64_t nonce;
	struct record_keys in;
	struct record_keys out;
};

/** record_derive() - TLS 1.3: make key and IV of the secret; the next record is
 * number 0
 */
bool record_derive(const struct records *r, struct record_keys *k)
	__attribute__((warn_unused_result));

/** record_update() - TLS 1.3: change one direction's keys (RFC 8446 section
 * 7.2)
 */
bool record_update(const struct records *r, struct record_keys *k)
	__attribute__((warn_unused_result));

/** record_is_spent() - Whether keys have sealed as much as they should (RFC
 * 8446 section 5.5), and can be changed
 */
bool record_is_spent(const struct records *r);

/**
 * record_len() - Octets of the record that begins here, with its header
 * @r:		connection
 * @octets:	RECORD_HEAD octets
 * @ret_alert:	alert that their sender is to be told, if none can begin so
 *
 * Return: 0 if none can
 */
size_t record_len(const struct records *r, const uint8_t *octets,
		  uint8_t *ret_alert);

/**
 * struct record_opened - What was in a record
 * @type:	type of its content
 * @len:	octets of it
 */
struct record_opened {
	uint8_t type;
	size_t len;
};

/**
 * record_open() - Open a record
 * @r:		connection
 * @a:		what computes
 * @record:	record
 * @len:	octets of it, by record_len()
 * @to:		room for as many octets
 * @ret:	what was in it
 *
 * Return: 0, or the alert that its sender is to be told
 */
uint8_t record_open(struct records *r, struct aead *a, const uint8_t *record,
		    size_t len, uint8_t *to, struct record_opened *ret)
	__attribute__((warn_unused_result));

/**
 * record_seal() - Seal a record
 * @r:		connection
 * @a:		what computes
 * @type:	type
 * @text:	content
 * @len:	octets of it: @text_max at most
 * @to:		room for @len + RECORD_MORE octets, apart from @text
 *
 * Return: octets of the record; 0: it cannot be done
 */
size_t record_seal(struct records *r, struct aead *a, enum record_type type,
		   const void *text, size_t len, uint8_t *to)
	__attribute__((warn_unused_result));

#endif

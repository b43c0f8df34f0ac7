/* SPDX-License-Identifier: GPL-2.0-or-later */
/* aead.h - The ciphers of TLS records.
 *
 * Libraries compute them (aead_library.h): libgcrypt, and where it is faster
 * Intel's multi-buffer library. Which one it is is said for each cipher; at
 * first it is libgcrypt. A key's schedule takes 0.13 µs with either, so that no
 * context is kept for a connection: each record comes with its key.
 */
#ifndef MSB_AEAD_H
#define MSB_AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** AEAD_KEY - Octets of the longest key */
#define AEAD_KEY 32

/** AEAD_NONCE - Octets of a nonce, whichever the cipher */
#define AEAD_NONCE 12

/** AEAD_TAG - Octets of a tag, likewise */
#define AEAD_TAG 16

/** enum aead_cipher - The ciphers */
enum aead_cipher {
	AEAD_AES_128_GCM,
	AEAD_AES_256_GCM,
	AEAD_CHACHA20_POLY1305,
	AEAD_CIPHERS,
};

/** enum aead_by - The libraries */
enum aead_by {
	AEAD_BY_LIBGCRYPT,
	AEAD_BY_IPSEC_MB,
	AEAD_BY,
};

/**
 * struct aead - What computes
 * @state:	each library's own; NULL: it does not compute here
 * @by:		library of each cipher
 */
struct aead {
	void *state[AEAD_BY];
	enum aead_by by[AEAD_CIPHERS];
};

/** struct aead_piece - Octets, one of several that are sealed as one */
struct aead_piece {
	const void *data;
	size_t len;
};

/**
 * aead_load() - Begin with the libraries, once in a process
 *
 * libgcrypt opens files, so a process does it before it is confined.
 */
bool aead_load(void) __attribute__((warn_unused_result));

/** aead_begin() - Have what computes; false, and nothing, if there is no memory
 */
bool aead_begin(struct aead *a) __attribute__((warn_unused_result));

/** aead_end() - Release them; what was never begun, zero, is left alone */
void aead_end(struct aead *a);

/**
 * aead_use() - Say who computes a cipher from now on
 * @a:		what computes
 * @cipher:	cipher
 * @by:		library
 *
 * Return: false, and nothing changes, if it does not compute here
 */
bool aead_use(struct aead *a, enum aead_cipher cipher, enum aead_by by)
	__attribute__((warn_unused_result));

/** aead_name() - What a library is called; NULL: it was not built with */
const char *aead_name(enum aead_by by);

/** aead_key_len() - Octets of a cipher's key */
size_t aead_key_len(enum aead_cipher cipher);

/** aead_forget() - Leave no key of anybody's behind */
void aead_forget(struct aead *a);

/**
 * struct aead_record - What is sealed or opened with, and beside the text
 * @cipher:	cipher
 * @key:	aead_key_len() octets
 * @nonce:	AEAD_NONCE octets
 * @aad:	what is only authenticated
 * @aad_len:	octets
 */
struct aead_record {
	enum aead_cipher cipher;
	const uint8_t *key;
	const uint8_t *nonce;
	const uint8_t *aad;
	size_t aad_len;
};

/**
 * aead_seal() - Encrypt pieces, one behind the other
 * @a:		what computes
 * @r:		record
 * @piece:	pieces: apart from @to, or the first one just there
 * @n:		how many
 * @to:		room for them
 * @tag:	AEAD_TAG octets, set
 */
bool aead_seal(struct aead *a, const struct aead_record *r,
	       const struct aead_piece *piece, size_t n, uint8_t *to,
	       uint8_t *tag) __attribute__((warn_unused_result));

/**
 * aead_open() - Decrypt
 * @a:		what computes
 * @r:		record
 * @from:	what is encrypted
 * @len:	octets of it
 * @tag:	AEAD_TAG octets
 * @to:		room for them: apart from @from, or the same
 *
 * Return: false, and @to wiped, if it is not authentic
 */
bool aead_open(struct aead *a, const struct aead_record *r, const uint8_t *from,
	       size_t len, const uint8_t *tag, uint8_t *to)
	__attribute__((warn_unused_result));

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* aead.h - The ciphers of TLS records, computed by libgcrypt.
 *
 * libgcrypt looks at the CPU by itself, and seals AES-GCM at 5.7 GB/s where
 * Nettle does at 2.4, ChaCha20-Poly1305 at 2.1 where Nettle does at 0.45. It
 * reads two files when it is begun with, and none from then on; it has no
 * memory of its own kind, and no random numbers are asked of it. A key's
 * schedule takes 0.13 µs, so that none is kept: there is one context for each
 * cipher, and each record begins with its key.
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

struct gcry_cipher_handle;

/**
 * struct aead - What computes
 * @context:	libgcrypt's, of each cipher
 */
struct aead {
	struct gcry_cipher_handle *context[AEAD_CIPHERS];
};

/** struct aead_piece - Octets, one of several that are sealed as one */
struct aead_piece {
	const void *data;
	size_t len;
};

/**
 * aead_library() - Begin with libgcrypt, once in a process
 *
 * It opens files, so a process does it before it is confined.
 */
bool aead_library(void) __attribute__((warn_unused_result));

/** aead_begin() - Make contexts; false, and none, if there is no memory */
bool aead_begin(struct aead *a) __attribute__((warn_unused_result));

/** aead_end() - Release them; what was never begun, zero, is left alone */
void aead_end(struct aead *a);

/** aead_key_len() - Octets of a cipher's key */
size_t aead_key_len(enum aead_cipher cipher);

/** aead_forget() - Leave no key of anybody's in the contexts */
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
 * @a:		contexts
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
 * @a:		contexts
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

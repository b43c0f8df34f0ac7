/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crypto.h - Who computes for wolfSSL: itself, or a library that uses the CPU.
 *
 * Theory of Operation
 *
 * A distribution builds wolfSSL for every CPU of an architecture: portable C,
 * without the instructions that make AES-GCM fifty times as fast. wolfCrypt
 * asks a callback before it computes, so the work can be done elsewhere: by
 * those of aead.h for AES-GCM, by Nettle for the elliptic curves. Nettle needs
 * no initialisation, keeps no state, opens no file, and adds a tenth of what
 * libcrypto adds to a process.
 *
 * The records of an open connection are aead.h's whatever wolfSSL can do: for
 * each cipher, by the library that is measured to be the fastest, at start,
 * here. Of a handshake, what is served is what was measured to be faster, too:
 * AES-GCM and the elliptic curves each for themselves. A wolfSSL that was
 * built with the CPU's instructions wins, and is left alone. RSA is as fast in
 * either, and so is X25519 but for its public keys (curve.c). SHA-256 is five
 * times as fast in Nettle, but wolfSSL copies hashes that are at work, and
 * tells no callback.
 *
 * Random octets always come from getrandom(2): wolfSSL would open a file, and
 * begin a generator for each connection.
 */
#ifndef MSB_CRYPTO_H
#define MSB_CRYPTO_H

#include <stdbool.h>

#include "aead.h"

/** CRYPTO_DEVICE - What wolfSSL calls us: an arbitrary number */
#define CRYPTO_DEVICE 0x6d7362

/**
 * struct crypto - What is computed elsewhere
 * @aead:	what computes records
 * @gcm:	it computes AES-GCM for handshakes
 * @ecc:	signatures and keys of the curves P-256 and P-384
 * @chacha:	ChaCha20-Poly1305 is faster than AES-GCM here
 */
struct crypto {
	struct aead aead;
	bool gcm;
	bool ecc;
	bool chacha;
};

/**
 * crypto_begin() - Find out what is faster, and tell wolfSSL to ask
 * @c:	set; has to stay where it is
 *
 * aead_load() and wolfSSL_Init() have been called.
 */
bool crypto_begin(struct crypto *c) __attribute__((warn_unused_result));

/** crypto_name() - Who computes: records, by one library or by two, and behind
 * the last plus sign the curves
 */
const char *crypto_name(const struct crypto *c);

/** crypto_end() - wolfSSL asks no more */
void crypto_end(struct crypto *c);

#endif

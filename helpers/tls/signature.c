/* SPDX-License-Identifier: GPL-2.0-or-later */
/* signature.c - Signatures of servers and of their CAs, verified once.
 *
 * Whether a certificate's signature is right depends on the issuer's key, on
 * the hash and on the signature alone: once right, it is right for ever, and
 * servers send the same chains. So those that were right are kept, all three
 * octet for octet. Dates, names, purposes and the way to a root are looked at
 * each time. What a server signs in a handshake is never the same, and not
 * kept.
 *
 * Where it has to be known which key it was, they are verified once more, and
 * kept by the digest of certificate and key.
 */
#include "engine.h"

#include <stddef.h>
#include <string.h>

#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/sha256.h>

#include "signed.h"

/* Signatures that are kept, and octets of the largest: with P-521 it is 350. */
#define SIGNATURES_MAX 512
#define SIGNATURE_MAX  384

/** struct signature - A signature, and what it is of */
struct signature {
	uint16_t key_len;
	uint16_t hash_len;
	uint8_t octets[SIGNATURE_MAX];
};

struct lru *signatures_new(void)
{
	return lru_new(SIGNATURES_MAX);
}

/* Octets of @ret that count; 0: it is too large to be kept. */
static size_t fill(struct signature *ret, const unsigned char *sig,
		   size_t sig_len, const unsigned char *hash, size_t hash_len,
		   const unsigned char *der, size_t len)
{
	if (sig_len > SIGNATURE_MAX || hash_len > SIGNATURE_MAX ||
	    len > SIGNATURE_MAX || sig_len + hash_len + len > SIGNATURE_MAX)
		return 0;
	ret->key_len = (uint16_t)len;
	ret->hash_len = (uint16_t)hash_len;
	memcpy(ret->octets, der, len);
	memcpy(ret->octets + len, hash, hash_len);
	memcpy(ret->octets + len + hash_len, sig, sig_len);
	return offsetof(struct signature, octets) + len + hash_len + sig_len;
}

/* Left to itself wolfSSL would not ask crypto.h's callback for certificates,
 * and take 0.8 ms for a key that it has not seen, and 4 ms and 0.8 MB to get
 * ready for seeing it again. */
static int verify(const struct intercept *i, const unsigned char *sig,
		  unsigned int sig_len, const unsigned char *hash,
		  unsigned int hash_len, const unsigned char *der,
		  unsigned int len, int *result)
{
	ecc_key key;
	word32 at = 0;
	int ret;

	ret = wc_ecc_init_ex(&key, NULL, CRYPTO_DEVICE);
	if (ret)
		return ret;
	ret = wc_EccPublicKeyDecode(der, &at, &key, len);
	if (!ret)
		ret = wc_ecc_verify_hash(sig, sig_len, hash, hash_len, result,
					 &key);
	wc_ecc_free(&key);
#ifdef FP_ECC
	/* Where it computes by itself it is to have them. */
	if (i->env->process->crypto.ecc)
		wc_ecc_fp_free();
#endif
	return ret;
}

int signature_verify(WOLFSSL *ssl, const unsigned char *sig,
		     unsigned int sig_len, const unsigned char *hash,
		     unsigned int hash_len, const unsigned char *der,
		     unsigned int len, int *result, void *ctx)
{
	const struct intercept *const i = ctx;
	struct signature s;
	size_t used = 0;
	size_t none;
	int ret;

	(void)ssl;
	*result = 0;
	if (i->env->conf.verify && !i->chain_done)
		used = fill(&s, sig, sig_len, hash, hash_len, der, len);
	if (used && lru_get(i->env->signatures, &s, used, 0, &none)) {
		*result = 1;
		return 0;
	}
	ret = verify(i, sig, sig_len, hash, hash_len, der, len, result);
	if (used && !ret && *result == 1)
		lru_put(i->env->signatures, &s, used, "", 0, UINT64_MAX);
	return ret;
}

static bool digest(struct der_view a, struct der_view b,
		   uint8_t ret[WC_SHA256_DIGEST_SIZE])
{
	wc_Sha256 sha;
	bool good;

	if (wc_InitSha256(&sha) != 0)
		return false;
	good = wc_Sha256Update(&sha, a.p, (word32)a.len) == 0 &&
	       wc_Sha256Update(&sha, b.p, (word32)b.len) == 0 &&
	       wc_Sha256Final(&sha, ret) == 0;
	wc_Sha256Free(&sha);
	return good;
}

bool signature_is_by(const struct intercept_env *env, struct der_view cert,
		     struct der_view key)
{
	uint8_t name[WC_SHA256_DIGEST_SIZE];
	struct signed_part part;
	size_t none;

	if (!digest(cert, key, name) || !signed_read(cert, &part))
		return false;
	if (lru_get(env->signatures, name, sizeof(name), 0, &none))
		return true;
	if (!signed_by(&part, key))
		return false;
	lru_put(env->signatures, name, sizeof(name), "", 0, UINT64_MAX);
	return true;
}

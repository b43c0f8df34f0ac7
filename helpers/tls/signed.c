/* SPDX-License-Identifier: GPL-2.0-or-later */
/* signed.c - What a CA has signed: its parts, and whether the signature is
 * right. */
#include "signed.h"

/* clang-format off */
#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/ed25519.h>
#include <wolfssl/wolfcrypt/hash.h>
#include <wolfssl/wolfcrypt/rsa.h>
#include <wolfssl/wolfcrypt/signature.h>
/* clang-format on */

#include <stdlib.h>
#include <string.h>

#include "crypto.h"

#define MIN_RSA_OCTETS 256
#define MIN_ECC_OCTETS 32

bool signed_read(struct der_view der, struct signed_part *ret)
{
	struct der_view all, bits;
	struct signed_part s;

	if (!der_expect(&der, DER_SEQUENCE, &all) || der.len ||
	    !der_whole(&all, DER_SEQUENCE, &s.text) ||
	    !der_expect(&all, DER_SEQUENCE, &s.algorithm) ||
	    !der_expect(&all, DER_BIT_STRING, &bits) || all.len ||
	    bits.len < 2 || bits.p[0])
		return false;
	s.signature = (struct der_view){bits.p + 1, bits.len - 1};
	*ret = s;
	return true;
}

/* ---- Algorithms ------------------------------------------------------ */

/** enum scheme_kind - Kinds of signatures */
enum scheme_kind {
	SCHEME_RSA,
	SCHEME_PSS,
	SCHEME_ECDSA,
	SCHEME_ED25519,
};

/** struct scheme - An algorithm */
struct scheme {
	uint8_t oid[9];
	uint8_t len;
	enum scheme_kind kind;
	enum wc_HashType hash;
};

#define PKCS1	  0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01
#define ECDSA	  0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03
#define NIST_HASH 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02

/* RFC 4055, RFC 5758, RFC 8410. The hash of PSS is in its parameters. */
static const struct scheme schemes[] = {
	{{PKCS1, 14}, 9, SCHEME_RSA, WC_HASH_TYPE_SHA224},
	{{PKCS1, 11}, 9, SCHEME_RSA, WC_HASH_TYPE_SHA256},
	{{PKCS1, 12}, 9, SCHEME_RSA, WC_HASH_TYPE_SHA384},
	{{PKCS1, 13}, 9, SCHEME_RSA, WC_HASH_TYPE_SHA512},
	{{PKCS1, 10}, 9, SCHEME_PSS, WC_HASH_TYPE_NONE},
	{{ECDSA, 1}, 8, SCHEME_ECDSA, WC_HASH_TYPE_SHA224},
	{{ECDSA, 2}, 8, SCHEME_ECDSA, WC_HASH_TYPE_SHA256},
	{{ECDSA, 3}, 8, SCHEME_ECDSA, WC_HASH_TYPE_SHA384},
	{{ECDSA, 4}, 8, SCHEME_ECDSA, WC_HASH_TYPE_SHA512},
	{{0x2b, 0x65, 0x70}, 3, SCHEME_ED25519, WC_HASH_TYPE_NONE},
};

/* Hashes of PSS, and the mask generation that goes with each. */
static const struct {
	uint8_t oid[9];
	enum wc_HashType hash;
	int mgf;
} pss_hashes[] = {
	{{NIST_HASH, 1}, WC_HASH_TYPE_SHA256, WC_MGF1SHA256},
	{{NIST_HASH, 2}, WC_HASH_TYPE_SHA384, WC_MGF1SHA384},
	{{NIST_HASH, 3}, WC_HASH_TYPE_SHA512, WC_MGF1SHA512},
};

#define COUNT(v) (sizeof(v) / sizeof((v)[0]))

static const struct scheme *find_scheme(struct der_view algorithm)
{
	struct der_view oid;

	if (!der_expect(&algorithm, DER_OID, &oid))
		return NULL;
	for (size_t k = 0; k < COUNT(schemes); k++) {
		if (der_is(oid, schemes[k].oid, schemes[k].len))
			return &schemes[k];
	}
	return NULL;
}

/* One of @pss_hashes, in an AlgorithmIdentifier that is all of @v. */
static size_t find_hash(struct der_view v)
{
	struct der_view id, oid;

	if (!der_expect(&v, DER_SEQUENCE, &id) || v.len ||
	    !der_expect(&id, DER_OID, &oid))
		return COUNT(pss_hashes);
	for (size_t k = 0; k < COUNT(pss_hashes); k++) {
		if (der_is(oid, pss_hashes[k].oid, sizeof(pss_hashes[k].oid)))
			return k;
	}
	return COUNT(pss_hashes);
}

/* What RFC 4055 section 3.1 recommends, and everybody does: one hash, for the
 * mask as well, and a salt as long as it. */
static size_t pss_parameters(struct der_view algorithm)
{
	static const uint8_t mgf1[] = {PKCS1, 8};
	struct der_view v, oid, list, hash, mask, salt, number;
	size_t found;

	if (!der_expect(&algorithm, DER_OID, &oid) ||
	    !der_expect(&algorithm, DER_SEQUENCE, &list) ||
	    !der_expect(&list, DER_CONTEXT_OF | 0, &hash) ||
	    !der_expect(&list, DER_CONTEXT_OF | 1, &v) ||
	    !der_expect(&v, DER_SEQUENCE, &mask) ||
	    !der_expect(&mask, DER_OID, &oid) ||
	    !der_is(oid, mgf1, sizeof(mgf1)) ||
	    !der_expect(&list, DER_CONTEXT_OF | 2, &salt) ||
	    !der_expect(&salt, DER_INTEGER, &number) || number.len != 1 ||
	    list.len)
		return COUNT(pss_hashes);
	found = find_hash(hash);
	if (found == COUNT(pss_hashes) || find_hash(mask) != found ||
	    wc_HashGetDigestSize(pss_hashes[found].hash) != number.p[0])
		return COUNT(pss_hashes);
	return found;
}

bool signed_is_known(struct der_view algorithm)
{
	const struct scheme *const s = find_scheme(algorithm);

	return s && (s->kind != SCHEME_PSS ||
		     pss_parameters(algorithm) < COUNT(pss_hashes));
}

/* ---- Keys ------------------------------------------------------------ */

static bool verify_pss(const struct signed_part *s, RsaKey *key)
{
	const size_t found = pss_parameters(s->algorithm);
	uint8_t digest[WC_MAX_DIGEST_SIZE];
	uint8_t *room;
	int len, n;

	if (found == COUNT(pss_hashes))
		return false;
	len = wc_HashGetDigestSize(pss_hashes[found].hash);
	if (len <= 0 || wc_Hash(pss_hashes[found].hash, s->text.p,
				(word32)s->text.len, digest, (word32)len) != 0)
		return false;
	room = malloc(s->signature.len);
	if (!room)
		return false;
	n = wc_RsaPSS_VerifyCheck(
		(byte *)(uintptr_t)s->signature.p, (word32)s->signature.len,
		room, (word32)s->signature.len, digest, (word32)len,
		pss_hashes[found].hash, pss_hashes[found].mgf, key);
	free(room);
	return n > 0;
}

static bool verify_rsa(const struct signed_part *s, const struct scheme *scheme,
		       struct der_view spki)
{
	word32 at = 0;
	RsaKey key;
	bool good;

	if (wc_InitRsaKey_ex(&key, NULL, INVALID_DEVID) != 0)
		return false;
	good = wc_RsaPublicKeyDecode(spki.p, &at, &key, (word32)spki.len) ==
		       0 &&
	       wc_RsaEncryptSize(&key) >= MIN_RSA_OCTETS;
	if (good && scheme->kind == SCHEME_PSS)
		good = verify_pss(s, &key);
	else if (good)
		good = wc_SignatureVerify(
			       scheme->hash, WC_SIGNATURE_TYPE_RSA_W_ENC,
			       s->text.p, (word32)s->text.len, s->signature.p,
			       (word32)s->signature.len, &key,
			       sizeof(key)) == 0;
	wc_FreeRsaKey(&key);
	return good;
}

static bool verify_ecdsa(const struct signed_part *s,
			 const struct scheme *scheme, struct der_view spki)
{
	word32 at = 0;
	ecc_key key;
	bool good;

	if (wc_ecc_init_ex(&key, NULL, CRYPTO_DEVICE) != 0)
		return false;
	good = wc_EccPublicKeyDecode(spki.p, &at, &key, (word32)spki.len) ==
		       0 &&
	       wc_ecc_size(&key) >= MIN_ECC_OCTETS &&
	       wc_SignatureVerify(scheme->hash, WC_SIGNATURE_TYPE_ECC,
				  s->text.p, (word32)s->text.len,
				  s->signature.p, (word32)s->signature.len,
				  &key, sizeof(key)) == 0;
	wc_ecc_free(&key);
#ifdef FP_ECC
	/* 0.8 MB of multiples of a point that will not be met again. */
	wc_ecc_fp_free();
#endif
	return good;
}

static bool verify_ed25519(const struct signed_part *s, struct der_view spki)
{
	word32 at = 0;
	ed25519_key key;
	int right = 0;
	bool good;

	if (wc_ed25519_init(&key) != 0)
		return false;
	good = wc_Ed25519PublicKeyDecode(spki.p, &at, &key, (word32)spki.len) ==
		       0 &&
	       wc_ed25519_verify_msg(s->signature.p, (word32)s->signature.len,
				     s->text.p, (word32)s->text.len, &right,
				     &key) == 0;
	wc_ed25519_free(&key);
	return good && right == 1;
}

bool signed_by(const struct signed_part *s, struct der_view key)
{
	const struct scheme *const scheme = find_scheme(s->algorithm);

	if (!scheme)
		return false;
	switch (scheme->kind) {
	case SCHEME_RSA:
	case SCHEME_PSS:
		return verify_rsa(s, scheme, key);
	case SCHEME_ECDSA:
		return verify_ecdsa(s, scheme, key);
	case SCHEME_ED25519:
		return verify_ed25519(s, key);
	}
	return false;
}

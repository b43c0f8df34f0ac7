/* SPDX-License-Identifier: GPL-2.0-or-later */
/* curve.c - Signatures and keys of elliptic curves, computed by Nettle.
 *
 * P-256 and P-384. Public points come from the network: they are on the curve,
 * or refused (SP 800-56A section 5.6.2.3; nettle's ecc_point_set() checks).
 * Private numbers are used in Nettle's functions alone, which take the same
 * time and touch the same memory whatever the number is.
 */
#include "curve.h"

#include <errno.h>
#include <gmp.h>
#include <nettle/curve25519.h>
#include <nettle/ecc-curve.h>
#include <nettle/ecc.h>
#include <nettle/ecdsa.h>
#include <string.h>
#include <sys/random.h>

#include <wolfssl/wolfcrypt/curve25519.h>
#include <wolfssl/wolfcrypt/ecc.h>

/* Octets of a coordinate of the largest curve. */
#define CURVE_MAX 48

/** struct curve - One curve */
struct curve {
	int id;
	size_t len;
	const struct ecc_curve *(*nettle)(void);
};

static const struct curve curves[] = {
	{ECC_SECP256R1, 32, nettle_get_secp_256r1},
	{ECC_SECP384R1, 48, nettle_get_secp_384r1},
};

static const struct curve *curve_by_id(int id)
{
	for (size_t k = 0; k < sizeof(curves) / sizeof(*curves); k++) {
		if (curves[k].id == id)
			return &curves[k];
	}
	return NULL;
}

static const struct curve *curve_of(ecc_key *key)
{
	return key && key->dp ? curve_by_id(key->dp->id) : NULL;
}

/* Nettle asks for octets, and takes no excuse. */
static void random_octets(void *ctx, size_t len, uint8_t *to)
{
	(void)ctx;
	while (len) {
		const ssize_t n = getrandom(to, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		/* Without random numbers a signature gives the key away. */
		if (n <= 0)
			__builtin_trap();
		to += n;
		len -= (size_t)n;
	}
}

static void number_read(mpz_t z, const uint8_t *from, size_t len)
{
	mpz_import(z, len, 1, 1, 0, 0, from);
}

/* Big-endian, @len octets; the number is not larger. */
static void number_write(const mpz_t z, uint8_t *to, size_t len)
{
	const size_t n = (mpz_sizeinbase(z, 2) + 7) / 8;

	memset(to, 0, len);
	if (n <= len && mpz_sgn(z))
		mpz_export(to + len - n, NULL, 1, 1, 0, 0, z);
}

static bool point_read(struct ecc_point *p, const struct curve *c, ecc_key *key)
{
	uint8_t octets[2][CURVE_MAX];
	word32 len[2] = {CURVE_MAX, CURVE_MAX};
	mpz_t x;
	mpz_t y;
	bool ok = false;

	if (wc_ecc_export_public_raw(key, octets[0], &len[0], octets[1],
				     &len[1]) ||
	    len[0] > c->len || len[1] > c->len)
		return false;
	mpz_inits(x, y, NULL);
	number_read(x, octets[0], len[0]);
	number_read(y, octets[1], len[1]);
	ok = ecc_point_set(p, x, y);
	mpz_clears(x, y, NULL);
	return ok;
}

static bool scalar_read(struct ecc_scalar *s, ecc_key *key)
{
	uint8_t octets[CURVE_MAX];
	word32 len = sizeof(octets);
	mpz_t z;
	bool ok = false;

	if (wc_ecc_export_private_only(key, octets, &len))
		return false;
	mpz_init(z);
	number_read(z, octets, len);
	ok = ecc_scalar_set(s, z);
	mpz_clear(z);
	explicit_bzero(octets, sizeof(octets));
	return ok;
}

int curve_sign(wc_CryptoInfo *info)
{
	const struct curve *const c = curve_of(info->pk.eccsign.key);
	uint8_t octets[2][CURVE_MAX];
	struct dsa_signature sig;
	struct ecc_scalar s;
	int ret = BAD_FUNC_ARG;

	if (!c)
		return CRYPTOCB_UNAVAILABLE;
	ecc_scalar_init(&s, c->nettle());
	dsa_signature_init(&sig);
	if (scalar_read(&s, info->pk.eccsign.key)) {
		ecdsa_sign(&s, NULL, random_octets, info->pk.eccsign.inlen,
			   info->pk.eccsign.in, &sig);
		number_write(sig.r, octets[0], c->len);
		number_write(sig.s, octets[1], c->len);
		ret = wc_ecc_rs_raw_to_sig(octets[0], (word32)c->len, octets[1],
					   (word32)c->len, info->pk.eccsign.out,
					   info->pk.eccsign.outlen);
	}
	dsa_signature_clear(&sig);
	ecc_scalar_clear(&s);
	return ret;
}

int curve_verify(wc_CryptoInfo *info)
{
	const struct curve *const c = curve_of(info->pk.eccverify.key);
	uint8_t octets[2][CURVE_MAX];
	word32 len[2] = {CURVE_MAX, CURVE_MAX};
	struct dsa_signature sig;
	struct ecc_point p;

	if (!c)
		return CRYPTOCB_UNAVAILABLE;
	/* A number of more octets than the curve has is no signature. */
	*info->pk.eccverify.res = 0;
	if (wc_ecc_sig_to_rs(info->pk.eccverify.sig, info->pk.eccverify.siglen,
			     octets[0], &len[0], octets[1], &len[1]))
		return ASN_PARSE_E;
	ecc_point_init(&p, c->nettle());
	dsa_signature_init(&sig);
	if (point_read(&p, c, info->pk.eccverify.key)) {
		number_read(sig.r, octets[0], len[0]);
		number_read(sig.s, octets[1], len[1]);
		*info->pk.eccverify.res =
			ecdsa_verify(&p, info->pk.eccverify.hashlen,
				     info->pk.eccverify.hash, &sig);
	}
	dsa_signature_clear(&sig);
	ecc_point_clear(&p);
	return 0;
}

int curve_agree(wc_CryptoInfo *info)
{
	const struct curve *const c = curve_of(info->pk.ecdh.private_key);
	struct ecc_scalar s;
	struct ecc_point p;
	mpz_t x;
	int ret = ECC_BAD_ARG_E;

	if (!c || curve_of(info->pk.ecdh.public_key) != c)
		return CRYPTOCB_UNAVAILABLE;
	if (*info->pk.ecdh.outlen < c->len)
		return BUFFER_E;
	ecc_scalar_init(&s, c->nettle());
	ecc_point_init(&p, c->nettle());
	mpz_init(x);
	if (point_read(&p, c, info->pk.ecdh.public_key) &&
	    scalar_read(&s, info->pk.ecdh.private_key)) {
		ecc_point_mul(&p, &s, &p);
		ecc_point_get(&p, x, NULL);
		number_write(x, info->pk.ecdh.out, c->len);
		*info->pk.ecdh.outlen = (word32)c->len;
		ret = 0;
	}
	mpz_clear(x);
	ecc_point_clear(&p);
	ecc_scalar_clear(&s);
	return ret;
}

int curve_generate(wc_CryptoInfo *info)
{
	const struct curve *const c = curve_of(info->pk.eckg.key);
	uint8_t octets[3][CURVE_MAX];
	struct ecc_scalar s;
	struct ecc_point p;
	mpz_t x;
	mpz_t y;
	int ret;

	if (!c)
		return CRYPTOCB_UNAVAILABLE;
	ecc_scalar_init(&s, c->nettle());
	ecc_point_init(&p, c->nettle());
	mpz_inits(x, y, NULL);
	ecdsa_generate_keypair(&p, &s, NULL, random_octets);
	ecc_point_get(&p, x, y);
	number_write(x, octets[0], c->len);
	number_write(y, octets[1], c->len);
	ecc_scalar_get(&s, x);
	number_write(x, octets[2], c->len);
	ret = wc_ecc_import_unsigned(info->pk.eckg.key, octets[0], octets[1],
				     octets[2], c->id);
	explicit_bzero(octets, sizeof(octets));
	mpz_clears(x, y, NULL);
	ecc_point_clear(&p);
	ecc_scalar_clear(&s);
	return ret;
}

#ifndef USE_INTEL_SPEEDUP
/**
 * wc_curve25519_make_pub() - wolfSSL's own function, replaced
 *
 * For the keys of a handshake in TLS 1.3 it asks no callback. Nettle has a
 * table for the base point, and takes 32 us instead of 43; for other points it
 * is wolfSSL that is faster.
 */
int wc_curve25519_make_pub(int public_size, byte *pub, int private_size,
			   const byte *priv)
{
	if (public_size != CURVE25519_KEYSIZE ||
	    private_size != CURVE25519_KEYSIZE || !pub || !priv)
		return ECC_BAD_ARG_E;
	/* A private key is clamped when it is made (RFC 7748 section 5). */
	if (priv[0] & 7 || priv[CURVE25519_KEYSIZE - 1] & 0x80)
		return ECC_BAD_ARG_E;
	curve25519_mul_g(pub, priv);
	return 0;
}
#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* key.c - A CA's private key, and signatures made with it. */
#include "key.h"

/* clang-format off */
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/cryptocb.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/hash.h>
#include <wolfssl/wolfcrypt/signature.h>
#include <wolfssl/wolfcrypt/wc_port.h>
/* clang-format on */

#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "pem.h"

#ifndef WOLF_CRYPTO_CB
#error "wolfSSL is built without --enable-cryptocb, and would open /dev/urandom"
#endif

/* Number of the device that random numbers come from. */
#define DEVICE 0x6d7362

/* Bits of an RSA modulus. */
#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 4096

static const uint8_t oid_ec[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
static const uint8_t oid_p256[] = {0x2a, 0x86, 0x48, 0xce,
				   0x3d, 0x03, 0x01, 0x07};
static const uint8_t oid_p384[] = {0x2b, 0x81, 0x04, 0x00, 0x22};
static const uint8_t oid_rsa[] = {0x2a, 0x86, 0x48, 0x86, 0xf7,
				  0x0d, 0x01, 0x01, 0x01};

/* AlgorithmIdentifiers: RFC 5758 section 3.2, RFC 4055 section 5. */
static const uint8_t ecdsa_sha256[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
				       0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
static const uint8_t ecdsa_sha384[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
				       0x48, 0xce, 0x3d, 0x04, 0x03, 0x03};
static const uint8_t rsa_sha256[] = {0x30, 0x0d, 0x06, 0x09, 0x2a,
				     0x86, 0x48, 0x86, 0xf7, 0x0d,
				     0x01, 0x01, 0x0b, 0x05, 0x00};

/** struct scheme - How keys of a kind sign */
struct scheme {
	const uint8_t *algorithm;
	size_t algorithm_len;
	enum wc_HashType hash;
	int curve;
};

static const struct scheme schemes[] = {
	[KEY_P256] = {ecdsa_sha256, sizeof(ecdsa_sha256), WC_HASH_TYPE_SHA256,
		      ECC_SECP256R1},
	[KEY_P384] = {ecdsa_sha384, sizeof(ecdsa_sha384), WC_HASH_TYPE_SHA384,
		      ECC_SECP384R1},
	[KEY_RSA] = {rsa_sha256, sizeof(rsa_sha256), WC_HASH_TYPE_SHA256, 0},
};

struct der_view key_algorithm(enum key_kind kind)
{
	const struct scheme *s = &schemes[kind];

	return (struct der_view){s->algorithm, s->algorithm_len};
}

/* --- random numbers --- */

static int random_octets(uint8_t *to, size_t len)
{
	while (len) {
		/* Up to 256 octets come whole, or not at all. */
		const ssize_t n = getrandom(to, len < 256 ? len : 256, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return WC_HW_E;
		to += n;
		len -= (size_t)n;
	}
	return 0;
}

static int device(int id, wc_CryptoInfo *info, void *context)
{
	(void)id;
	(void)context;
	if (info->algo_type == WC_ALGO_TYPE_RNG)
		return random_octets(info->rng.out, info->rng.sz);
	if (info->algo_type == WC_ALGO_TYPE_SEED)
		return random_octets(info->seed.seed, info->seed.sz);
	return CRYPTOCB_UNAVAILABLE;
}

bool key_library(void)
{
	return wolfCrypt_Init() == 0 &&
	       wc_CryptoCb_RegisterDevice(DEVICE, device, NULL) == 0;
}

/* --- reading --- */

static bool begin_ecc(struct key *k)
{
	return wc_ecc_init_ex(&k->ecc, NULL, INVALID_DEVID) == 0;
}

static bool begin_rsa(struct key *k)
{
	if (wc_InitRsaKey_ex(&k->rsa, NULL, INVALID_DEVID) != 0)
		return false;
	/* Signing is blinded with these. */
	if (wc_RsaSetRNG(&k->rsa, &k->rng) == 0)
		return true;
	wc_FreeRsaKey(&k->rsa);
	return false;
}

static const char *read_ecc(struct key *k, struct der_view der)
{
	word32 at = 0;
	int curve;

	if (!begin_ecc(k))
		return "cannot be held";
	k->kind = KEY_P256;
	if (wc_EccPrivateKeyDecode(der.p, &at, &k->ecc, (word32)der.len) != 0)
		return "is no private key of RSA or of an elliptic curve";
	curve = k->ecc.dp ? k->ecc.dp->id : 0;
	if (curve == ECC_SECP384R1)
		k->kind = KEY_P384;
	else if (curve != ECC_SECP256R1)
		return "is of a curve that is neither P-256 nor P-384";
	/* The public half in the file is somebody's word, if it is there. */
	if (wc_ecc_make_pub_ex(&k->ecc, NULL, &k->rng) != 0)
		return "has no public key";
	return NULL;
}

static const char *read_rsa(struct key *k, struct der_view der, bool *ret_is)
{
	word32 at = 0;
	int size;

	if (!begin_rsa(k))
		return "cannot be held";
	*ret_is = wc_RsaPrivateKeyDecode(der.p, &at, &k->rsa,
					 (word32)der.len) == 0;
	if (!*ret_is) {
		wc_FreeRsaKey(&k->rsa);
		return NULL;
	}
	k->kind = KEY_RSA;
	size = wc_RsaEncryptSize(&k->rsa) * 8;
	if (size < RSA_BITS_MIN || size > RSA_BITS_MAX)
		return "is of RSA with less than 2048 or more than 4096 bits";
	return NULL;
}

static const char *decode(struct key *k, struct der_view der)
{
	const char *why;
	bool is_rsa;

	if (wc_InitRng_ex(&k->rng, NULL, DEVICE) != 0)
		return "cannot be held: there are no random numbers";
	why = read_rsa(k, der, &is_rsa);
	if (!why && !is_rsa)
		why = read_ecc(k, der);
	if (!why)
		return NULL;
	if (k->kind == KEY_NONE)
		wc_FreeRng(&k->rng);
	key_wipe(k);
	return why;
}

/* The first block that is a private key. */
static const char *find_key(struct key *k, struct pem *p)
{
	for (;;) {
		switch (pem_next(p)) {
		case PEM_END:
			return "has no private key (PEM) in it";
		case PEM_BAD:
			return p->why;
		case PEM_BLOCK:
			break;
		}
		if (strcmp(p->label, "ENCRYPTED PRIVATE KEY") == 0)
			return "is encrypted: a key without a passphrase is "
			       "wanted";
		if (strcmp(p->label, "PRIVATE KEY") == 0 ||
		    strcmp(p->label, "EC PRIVATE KEY") == 0 ||
		    strcmp(p->label, "RSA PRIVATE KEY") == 0)
			return decode(k, p->der);
	}
}

const char *key_read(struct key *k, int fd)
{
	struct pem p = {
		.text = k->text,
		.room = k->der,
		.size = sizeof(k->der),
	};
	const char *why = NULL;
	ssize_t n;

	while (p.len < sizeof(k->text)) {
		n = pread(fd, k->text + p.len, sizeof(k->text) - p.len,
			  (off_t)p.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			why = "cannot be read";
		if (n <= 0)
			break;
		p.len += (size_t)n;
	}
	if (p.len == sizeof(k->text))
		why = "is too large";
	if (!why)
		why = find_key(k, &p);
	explicit_bzero(k->text, sizeof(k->text));
	explicit_bzero(k->der, sizeof(k->der));
	return why;
}

void key_rest(void)
{
#ifdef FP_ECC
	wc_ecc_fp_free();
#endif
	malloc_trim(0);
}

void key_wipe(struct key *k)
{
	switch (k->kind) {
	case KEY_NONE:
		return;
	case KEY_P256:
	case KEY_P384:
		wc_ecc_free(&k->ecc);
		break;
	case KEY_RSA:
		wc_FreeRsaKey(&k->rsa);
		break;
	}
	wc_FreeRng(&k->rng);
	explicit_bzero(k, sizeof(*k));
}

/* --- making --- */

bool key_make(struct key *k)
{
	if (wc_InitRng_ex(&k->rng, NULL, DEVICE) != 0)
		return false;
	if (!begin_ecc(k)) {
		wc_FreeRng(&k->rng);
		return false;
	}
	k->kind = KEY_P256;
	if (wc_ecc_make_key_ex(&k->rng, 32, &k->ecc, ECC_SECP256R1) == 0)
		return true;
	key_wipe(k);
	return false;
}

bool key_point(struct key *k, uint8_t ret[CERT_POINT])
{
	word32 len = CERT_POINT;

	return k->kind == KEY_P256 &&
	       wc_ecc_export_x963(&k->ecc, ret, &len) == 0 && len == CERT_POINT;
}

size_t key_export(struct key *k, uint8_t *ret)
{
	word32 len = KEY_DER_MAX;
	int rc;

	if (k->kind != KEY_P256)
		return 0;
	rc = wc_EccKeyToPKCS8(&k->ecc, ret, &len);
	return rc < 0 ? 0 : len;
}

/* --- signing --- */

size_t key_sign(struct key *k, struct der_view data, uint8_t *ret)
{
	const struct scheme *s = &schemes[k->kind];
	uint8_t digest[WC_MAX_DIGEST_SIZE];
	word32 len = KEY_SIGNATURE_MAX;
	const int digest_len = wc_HashGetDigestSize(s->hash);
	int rc;

	if (k->kind == KEY_NONE)
		return 0;
	/* A signature of RSA that went wrong can tell the key: this one looks
	 * at its own. */
	if (k->kind == KEY_RSA)
		rc = wc_SignatureGenerate(s->hash, WC_SIGNATURE_TYPE_RSA_W_ENC,
					  data.p, (word32)data.len, ret, &len,
					  &k->rsa, sizeof(k->rsa), &k->rng);
	else if (digest_len <= 0 || wc_Hash(s->hash, data.p, (word32)data.len,
					    digest, (word32)digest_len) != 0)
		rc = -1;
	else
		rc = wc_ecc_sign_hash(digest, (word32)digest_len, ret, &len,
				      &k->rng, &k->ecc);
	return rc == 0 ? len : 0;
}

bool key_digest(struct der_view data, uint8_t ret[KEY_DIGEST])
{
	return wc_Hash(WC_HASH_TYPE_SHA256, data.p, (word32)data.len, ret,
		       KEY_DIGEST) == 0;
}

bool key_id(struct der_view key, uint8_t ret[CERT_KEY_ID])
{
	uint8_t digest[KEY_DIGEST];

	if (!key_digest(key, digest))
		return false;
	memcpy(ret, digest, CERT_KEY_ID);
	return true;
}

/* --- a certificate's key --- */

static unsigned int rsa_bits(struct der_view key)
{
	struct der_view list, n;
	unsigned int bits;

	if (!der_expect(&key, DER_SEQUENCE, &list) ||
	    !der_expect(&list, DER_INTEGER, &n))
		return 0;
	while (n.len && !*n.p)
		n = (struct der_view){n.p + 1, n.len - 1};
	if (!n.len || n.len > KEY_DER_MAX)
		return 0;
	bits = (unsigned int)n.len * 8;
	for (unsigned int first = *n.p; !(first & 0x80); first <<= 1)
		bits--;
	return bits;
}

enum key_kind key_kind_of(const struct x509 *x, const char **ret_why)
{
	unsigned int bits;

	if (der_is(x->algorithm, oid_rsa, sizeof(oid_rsa))) {
		bits = rsa_bits(x->key);
		if (bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX)
			return KEY_RSA;
		*ret_why = "has a key of RSA with less than 2048 or more than "
			   "4096 bits";
		return KEY_NONE;
	}
	if (der_is(x->algorithm, oid_ec, sizeof(oid_ec))) {
		if (der_is(x->curve, oid_p256, sizeof(oid_p256)))
			return KEY_P256;
		if (der_is(x->curve, oid_p384, sizeof(oid_p384)))
			return KEY_P384;
	}
	*ret_why = "has a key that is none of P-256, P-384 and RSA";
	return KEY_NONE;
}

static bool verify_ecc(const struct scheme *s, const struct x509 *x,
		       struct der_view data, const uint8_t *signature,
		       size_t len)
{
	ecc_key public;
	word32 at = 0;
	bool ok;

	if (wc_ecc_init_ex(&public, NULL, INVALID_DEVID) != 0)
		return false;
	ok = wc_EccPublicKeyDecode(x->spki.p, &at, &public,
				   (word32)x->spki.len) == 0 &&
	     wc_SignatureVerify(s->hash, WC_SIGNATURE_TYPE_ECC, data.p,
				(word32)data.len, signature, (word32)len,
				&public, sizeof(public)) == 0;
	wc_ecc_free(&public);
	return ok;
}

static bool verify_rsa(const struct scheme *s, const struct x509 *x,
		       struct der_view data, const uint8_t *signature,
		       size_t len)
{
	RsaKey public;
	word32 at = 0;
	bool ok;

	if (wc_InitRsaKey_ex(&public, NULL, INVALID_DEVID) != 0)
		return false;
	ok = wc_RsaPublicKeyDecode(x->spki.p, &at, &public,
				   (word32)x->spki.len) == 0 &&
	     wc_SignatureVerify(s->hash, WC_SIGNATURE_TYPE_RSA_W_ENC, data.p,
				(word32)data.len, signature, (word32)len,
				&public, sizeof(public)) == 0;
	wc_FreeRsaKey(&public);
	return ok;
}

bool key_fits(struct key *k, const struct x509 *x)
{
	static const uint8_t words[] = "msb-netc asks whether this key fits";
	const struct der_view data = {words, sizeof(words)};
	uint8_t signature[KEY_SIGNATURE_MAX];
	const char *ignored;
	size_t len;

	if (k->kind == KEY_NONE || key_kind_of(x, &ignored) != k->kind)
		return false;
	len = key_sign(k, data, signature);
	if (!len)
		return false;
	return k->kind == KEY_RSA
		       ? verify_rsa(&schemes[k->kind], x, data, signature, len)
		       : verify_ecc(&schemes[k->kind], x, data, signature, len);
}

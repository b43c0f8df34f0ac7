/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crypto.c - Who computes for wolfSSL: itself, or a library that uses the CPU.
 */
#include "crypto.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "curve.h"
#include "wolf.h"

#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/cryptocb.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/random.h>

/* Which cipher it is; AEAD_CIPHERS: none that is computed here. */
static enum aead_cipher cipher_of(const Aes *aes, word32 iv_len, word32 tag_len)
{
	if (iv_len != AEAD_NONCE || tag_len != AEAD_TAG)
		return AEAD_CIPHERS;
	if (aes->keylen == 16)
		return AEAD_AES_128_GCM;
	return aes->keylen == 32 ? AEAD_AES_256_GCM : AEAD_CIPHERS;
}

static int seal(struct aead *a, wc_CryptoInfo *info)
{
	const struct aead_record r = {
		.cipher = cipher_of(info->cipher.aesgcm_enc.aes,
				    info->cipher.aesgcm_enc.ivSz,
				    info->cipher.aesgcm_enc.authTagSz),
		.key = (const uint8_t *)info->cipher.aesgcm_enc.aes->devKey,
		.nonce = info->cipher.aesgcm_enc.iv,
		.aad = info->cipher.aesgcm_enc.authIn,
		.aad_len = info->cipher.aesgcm_enc.authInSz,
	};

	if (r.cipher == AEAD_CIPHERS)
		return CRYPTOCB_UNAVAILABLE;
	return aead_seal(a, &r,
			 &(struct aead_piece){info->cipher.aesgcm_enc.in,
					      info->cipher.aesgcm_enc.sz},
			 1, info->cipher.aesgcm_enc.out,
			 info->cipher.aesgcm_enc.authTag)
		       ? 0
		       : AES_GCM_AUTH_E;
}

static int open_sealed(struct aead *a, wc_CryptoInfo *info)
{
	const struct aead_record r = {
		.cipher = cipher_of(info->cipher.aesgcm_dec.aes,
				    info->cipher.aesgcm_dec.ivSz,
				    info->cipher.aesgcm_dec.authTagSz),
		.key = (const uint8_t *)info->cipher.aesgcm_dec.aes->devKey,
		.nonce = info->cipher.aesgcm_dec.iv,
		.aad = info->cipher.aesgcm_dec.authIn,
		.aad_len = info->cipher.aesgcm_dec.authInSz,
	};

	if (r.cipher == AEAD_CIPHERS)
		return CRYPTOCB_UNAVAILABLE;
	return aead_open(a, &r, info->cipher.aesgcm_dec.in,
			 info->cipher.aesgcm_dec.sz,
			 info->cipher.aesgcm_dec.authTag,
			 info->cipher.aesgcm_dec.out)
		       ? 0
		       : AES_GCM_AUTH_E;
}

static int random_octets(uint8_t *to, size_t len)
{
	while (len) {
		const ssize_t n = getrandom(to, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return RNG_FAILURE_E;
		to += n;
		len -= (size_t)n;
	}
	return 0;
}

/*
 * wolfSSL's own functions, replaced: the library finds these first, as any
 * symbol of a program. Its generator would test itself and be seeded for each
 * connection, each end, and each public key that it looks at, 14 us each time;
 * and where it makes one of its own (for a key of which it only keeps what a
 * certificate says) it asks no callback, and opens a file.
 */

/** wc_InitRng_ex() - Begin with a generator: there is but the kernel's */
int wc_InitRng_ex(WC_RNG *rng, void *heap, int device)
{
	if (!rng)
		return BAD_FUNC_ARG;
	memset(rng, 0, sizeof(*rng));
	rng->heap = heap;
	rng->devId = device;
	return 0;
}

/** wc_InitRng() - The same */
int wc_InitRng(WC_RNG *rng)
{
	return wc_InitRng_ex(rng, NULL, INVALID_DEVID);
}

/** wc_RNG_GenerateBlock() - Random octets, by the kernel */
int wc_RNG_GenerateBlock(WC_RNG *rng, byte *output, word32 sz)
{
	if (!rng || !output)
		return BAD_FUNC_ARG;
	return random_octets(output, sz);
}

/** wc_GenerateSeed() - What a generator would be seeded with */
int wc_GenerateSeed(OS_Seed *os, byte *output, word32 sz)
{
	(void)os;
	return random_octets(output, sz);
}

static int compute_pk(wc_CryptoInfo *info)
{
	switch (info->pk.type) {
	case WC_PK_TYPE_ECDSA_SIGN:
		return curve_sign(info);
	case WC_PK_TYPE_ECDSA_VERIFY:
		return curve_verify(info);
	case WC_PK_TYPE_ECDH:
		return curve_agree(info);
	case WC_PK_TYPE_EC_KEYGEN:
		return curve_generate(info);
	default: /* not an enum: a number of wolfSSL's */
		return CRYPTOCB_UNAVAILABLE;
	}
}

/* What wolfSSL calls before it computes. */
static int compute(int device, wc_CryptoInfo *info, void *ctx)
{
	struct crypto *const c = ctx;

	(void)device;
	switch (info->algo_type) {
	case WC_ALGO_TYPE_CIPHER:
		if (!c->gcm || info->cipher.type != WC_CIPHER_AES_GCM)
			return CRYPTOCB_UNAVAILABLE;
		return info->cipher.enc ? seal(&c->aead, info)
					: open_sealed(&c->aead, info);
	case WC_ALGO_TYPE_PK:
		return c->ecc ? compute_pk(info) : CRYPTOCB_UNAVAILABLE;
	case WC_ALGO_TYPE_RNG:
		return random_octets(info->rng.out, info->rng.sz);
	case WC_ALGO_TYPE_SEED:
		return random_octets(info->seed.seed, info->seed.sz);
	default: /* not an enum: a number of wolfSSL's */
		return CRYPTOCB_UNAVAILABLE;
	}
}

/* ---- Measuring ------------------------------------------------------- */

/* Octets of a record; and how often one is sealed, 0.6 ms where it is slow, and
 * for how long where it is not: vectors of 512 bits take a while to wake up. */
#define PROBE_LEN    16384
#define PROBE_ROUNDS 4
#define PROBE_NS     400000

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Who can answer wolfSSL. */
enum side { OURS, THEIRS, SIDES };

/** struct probe - What is measured with */
struct probe {
	struct aead *aead;
	Aes aes;
	WC_RNG rng;
	uint8_t octets[PROBE_LEN];
	uint8_t tag[AEAD_TAG];
	uint8_t key_octets[AEAD_KEY];
	uint8_t iv[12];
	uint8_t secret[32];
	enum aead_cipher cipher;
};

static int device_of(unsigned int who)
{
	return who == OURS ? CRYPTO_DEVICE : INVALID_DEVID;
}

static bool run_gcm(struct probe *p, unsigned int who)
{
	p->aes.devId = device_of(who);
	return wc_AesGcmEncrypt(&p->aes, p->octets, p->octets, PROBE_LEN, p->iv,
				sizeof(p->iv), p->tag, AEAD_TAG, p->iv,
				sizeof(p->iv)) == 0;
}

static struct aead_record record_of(const struct probe *p)
{
	return (struct aead_record){
		.cipher = p->cipher,
		.key = p->key_octets,
		.nonce = p->iv,
		.aad = p->iv,
		.aad_len = sizeof(p->iv),
	};
}

static bool seal_record(struct probe *p)
{
	const struct aead_record r = record_of(p);

	return aead_seal(p->aead, &r,
			 &(struct aead_piece){p->octets, PROBE_LEN}, 1,
			 p->octets, p->tag);
}

static bool open_record(struct probe *p)
{
	const struct aead_record r = record_of(p);

	return aead_open(p->aead, &r, p->octets, PROBE_LEN, p->tag, p->octets);
}

static bool run_aead(struct probe *p, unsigned int who)
{
	return aead_use(p->aead, p->cipher, who) && seal_record(p) &&
	       open_record(p);
}

/*
 * A secret with a point that is new, as in each handshake: with wolfSSL's
 * portable code it takes six times as long as with Nettle. Signatures would
 * tell less: wolfSSL begins with a table of the curve's own point, and then is
 * but 1.4 times as slow.
 */
static bool run_agree(struct probe *p, unsigned int who)
{
	word32 len = sizeof(p->secret);
	ecc_key key;
	bool ok;

	if (wc_ecc_init_ex(&key, NULL, CRYPTO_DEVICE))
		return false;
	ok = wc_ecc_make_key_ex(&p->rng, 32, &key, ECC_SECP256R1) == 0 &&
	     wc_ecc_set_rng(&key, &p->rng) == 0;
	key.devId = device_of(who);
	ok = ok && wc_ecc_shared_secret(&key, &key, p->secret, &len) == 0;
	wc_ecc_free(&key);
	return ok;
}

/*
 * Nanoseconds of everybody's fastest round, in @least, where 0 is whoever
 * cannot do it at all, and takes no part. They take turns: a neighbour who
 * slows down the machine for a while slows down all of them, and the best round
 * counts: whoever was interrupted is not slow.
 */
static void race(struct probe *p,
		 bool (*run)(struct probe *p, unsigned int who),
		 uint64_t *least, unsigned int n)
{
	const uint64_t begin = now_ns();

	for (unsigned int k = 0;
	     k < n * PROBE_ROUNDS || now_ns() - begin < PROBE_NS; k++) {
		uint64_t *const best = &least[k % n];
		const uint64_t start = now_ns();
		const bool ok = *best && run(p, k % n);
		const uint64_t taken = now_ns() - start;

		if (!ok)
			*best = 0;
		else if (taken < *best)
			*best = taken;
	}
}

/* A fifth faster, or the calls and copies in between eat it up. */
static bool is_faster(uint64_t ours, uint64_t theirs)
{
	return ours && (!theirs || ours + ours / 4 < theirs);
}

static bool are_ours_faster(struct probe *p,
			    bool (*run)(struct probe *p, unsigned int who))
{
	uint64_t least[SIDES] = {UINT64_MAX, UINT64_MAX};

	race(p, run, least, SIDES);
	return is_faster(least[OURS], least[THEIRS]);
}

/* Whether a library seals what libgcrypt opens: those that compute differently
 * are not to be had. */
static bool agrees(struct probe *p, enum aead_by by)
{
	return aead_use(p->aead, p->cipher, by) && seal_record(p) &&
	       aead_use(p->aead, p->cipher, AEAD_BY_LIBGCRYPT) &&
	       open_record(p) && aead_use(p->aead, p->cipher, by);
}

/* Leave a cipher to the library that is the fastest; nanoseconds that a record
 * takes it, there and back. */
static uint64_t choose(struct probe *p, enum aead_cipher cipher)
{
	enum aead_by fastest = AEAD_BY_LIBGCRYPT;
	uint64_t least[AEAD_BY];

	p->cipher = cipher;
	for (enum aead_by by = 0; by < AEAD_BY; by++)
		least[by] = agrees(p, by) ? UINT64_MAX : 0;
	race(p, run_aead, least, AEAD_BY);
	for (enum aead_by by = 0; by < AEAD_BY; by++) {
		if (is_faster(least[by], least[fastest]))
			fastest = by;
	}
	return aead_use(p->aead, cipher, fastest) ? least[fastest] : 0;
}

static bool measure(struct crypto *c, struct probe *p)
{
	uint64_t aes;

	if (wc_AesGcmSetKey(&p->aes, p->key_octets, 16))
		return false;
	p->aead = &c->aead;
	aes = choose(p, AEAD_AES_128_GCM);
	(void)choose(p, AEAD_AES_256_GCM);
	c->chacha = is_faster(choose(p, AEAD_CHACHA20_POLY1305), aes);

	c->gcm = true;
	c->ecc = true;
	c->gcm = are_ours_faster(p, run_gcm);
	c->ecc = are_ours_faster(p, run_agree);
	return true;
}

bool crypto_begin(struct crypto *c)
{
	struct probe p = {0};
	bool ok = false;

	*c = (struct crypto){0};
	if (!aead_begin(&c->aead))
		return false;
	if (wc_CryptoCb_RegisterDevice(CRYPTO_DEVICE, compute, c)) {
		aead_end(&c->aead);
		return false;
	}
	if (wc_AesInit(&p.aes, NULL, CRYPTO_DEVICE) == 0 &&
	    wc_InitRng_ex(&p.rng, NULL, CRYPTO_DEVICE) == 0) {
		ok = measure(c, &p);
#ifdef FP_ECC
		/* The points that were used. */
		wc_ecc_fp_free();
#endif
		wc_FreeRng(&p.rng);
	}
	wc_AesFree(&p.aes);
	if (!ok)
		crypto_end(c);
	return ok;
}

const char *crypto_name(const struct crypto *c)
{
	/* By who has a cipher, a bit each; then by who has the curves. */
	static const char *const names[1 << AEAD_BY][2] = {
		[1 << AEAD_BY_LIBGCRYPT] = {"libgcrypt+wolfSSL",
					    "libgcrypt+nettle"},
		[1 << AEAD_BY_IPSEC_MB] = {"ipsec-mb+wolfSSL",
					   "ipsec-mb+nettle"},
		[1 << AEAD_BY_LIBGCRYPT | 1 <<
			AEAD_BY_IPSEC_MB] = {"ipsec-mb+libgcrypt+wolfSSL",
					     "ipsec-mb+libgcrypt+nettle"},
	};
	unsigned int by = 0;

	for (enum aead_cipher k = 0; k < AEAD_CIPHERS; k++)
		by |= 1u << c->aead.by[k];
	return names[by][c->ecc];
}

void crypto_end(struct crypto *c)
{
	wc_CryptoCb_UnRegisterDevice(CRYPTO_DEVICE);
	aead_end(&c->aead);
}

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
#include <wolfssl/wolfcrypt/chacha20_poly1305.h>
#include <wolfssl/wolfcrypt/cryptocb.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/random.h>

/* After wolfSSL's: what is an enumerator there is a macro here. */
#include <nettle/gcm.h>
#include <nettle/memops.h>

#define TAG 16

/* One context, for either length of key: it is made for a record, and wiped. */
union context {
	struct gcm_aes128_ctx aes128;
	struct gcm_aes256_ctx aes256;
};

/** struct nettle_gcm - Nettle's functions for one length of key */
struct nettle_gcm {
	void (*set_key)(void *ctx, const uint8_t *key);
	void (*set_iv)(void *ctx, size_t len, const uint8_t *iv);
	void (*update)(void *ctx, size_t len, const uint8_t *aad);
	void (*encrypt)(void *ctx, size_t len, uint8_t *to,
			const uint8_t *from);
	void (*decrypt)(void *ctx, size_t len, uint8_t *to,
			const uint8_t *from);
	void (*digest)(void *ctx, size_t len, uint8_t *tag);
};

#define GCM(bits) \
	static void set_key##bits(void *c, const uint8_t *key) \
	{ \
		gcm_aes##bits##_set_key(c, key); \
	} \
	static void set_iv##bits(void *c, size_t len, const uint8_t *iv) \
	{ \
		gcm_aes##bits##_set_iv(c, len, iv); \
	} \
	static void update##bits(void *c, size_t len, const uint8_t *aad) \
	{ \
		gcm_aes##bits##_update(c, len, aad); \
	} \
	static void encrypt##bits(void *c, size_t len, uint8_t *to, \
				  const uint8_t *from) \
	{ \
		gcm_aes##bits##_encrypt(c, len, to, from); \
	} \
	static void decrypt##bits(void *c, size_t len, uint8_t *to, \
				  const uint8_t *from) \
	{ \
		gcm_aes##bits##_decrypt(c, len, to, from); \
	} \
	static void digest##bits(void *c, size_t len, uint8_t *tag) \
	{ \
		gcm_aes##bits##_digest(c, len, tag); \
	} \
	static const struct nettle_gcm gcm##bits = { \
		set_key##bits, set_iv##bits,  update##bits, \
		encrypt##bits, decrypt##bits, digest##bits, \
	}

GCM(128);
GCM(256);

static const struct nettle_gcm *gcm_of(const Aes *aes)
{
	if (aes->keylen == 16)
		return &gcm128;
	return aes->keylen == 32 ? &gcm256 : NULL;
}

static void wipe(void *room, size_t len)
{
	explicit_bzero(room, len);
}

static int seal(wc_CryptoInfo *info)
{
	const struct nettle_gcm *const g = gcm_of(info->cipher.aesgcm_enc.aes);
	union context ctx;

	if (!g || info->cipher.aesgcm_enc.authTagSz > TAG)
		return CRYPTOCB_UNAVAILABLE;
	g->set_key(&ctx, (const uint8_t *)info->cipher.aesgcm_enc.aes->devKey);
	g->set_iv(&ctx, info->cipher.aesgcm_enc.ivSz,
		  info->cipher.aesgcm_enc.iv);
	g->update(&ctx, info->cipher.aesgcm_enc.authInSz,
		  info->cipher.aesgcm_enc.authIn);
	g->encrypt(&ctx, info->cipher.aesgcm_enc.sz,
		   info->cipher.aesgcm_enc.out, info->cipher.aesgcm_enc.in);
	g->digest(&ctx, info->cipher.aesgcm_enc.authTagSz,
		  info->cipher.aesgcm_enc.authTag);
	wipe(&ctx, sizeof(ctx));
	return 0;
}

static int open_sealed(wc_CryptoInfo *info)
{
	const struct nettle_gcm *const g = gcm_of(info->cipher.aesgcm_dec.aes);
	uint8_t tag[TAG];
	union context ctx;
	int ok;

	if (!g || info->cipher.aesgcm_dec.authTagSz > TAG)
		return CRYPTOCB_UNAVAILABLE;
	g->set_key(&ctx, (const uint8_t *)info->cipher.aesgcm_dec.aes->devKey);
	g->set_iv(&ctx, info->cipher.aesgcm_dec.ivSz,
		  info->cipher.aesgcm_dec.iv);
	g->update(&ctx, info->cipher.aesgcm_dec.authInSz,
		  info->cipher.aesgcm_dec.authIn);
	g->decrypt(&ctx, info->cipher.aesgcm_dec.sz,
		   info->cipher.aesgcm_dec.out, info->cipher.aesgcm_dec.in);
	g->digest(&ctx, info->cipher.aesgcm_dec.authTagSz, tag);
	ok = memeql_sec(tag, info->cipher.aesgcm_dec.authTag,
			info->cipher.aesgcm_dec.authTagSz);
	wipe(&ctx, sizeof(ctx));
	/* What is not authentic is nobody's to read. */
	if (!ok)
		wipe(info->cipher.aesgcm_dec.out, info->cipher.aesgcm_dec.sz);
	return ok ? 0 : AES_GCM_AUTH_E;
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
	const struct crypto *const c = ctx;

	(void)device;
	switch (info->algo_type) {
	case WC_ALGO_TYPE_CIPHER:
		if (!c->gcm || info->cipher.type != WC_CIPHER_AES_GCM)
			return CRYPTOCB_UNAVAILABLE;
		return info->cipher.enc ? seal(info) : open_sealed(info);
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

/* Octets of a record, and how often it is sealed: 0.6 ms where it is slow. The
 * best of the rounds counts: whoever was interrupted is not slow. */
#define PROBE_LEN    16384
#define PROBE_ROUNDS 4

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/** struct probe - What is measured with */
struct probe {
	Aes aes;
	ecc_key key;
	WC_RNG rng;
	uint8_t octets[PROBE_LEN];
	uint8_t tag[TAG];
	uint8_t key_octets[32];
	uint8_t iv[12];
	uint8_t signature[ECC_MAX_SIG_SIZE];
};

static int run_gcm(struct probe *p)
{
	return wc_AesGcmEncrypt(&p->aes, p->octets, p->octets, PROBE_LEN, p->iv,
				sizeof(p->iv), p->tag, TAG, p->iv,
				sizeof(p->iv));
}

static int run_chacha(struct probe *p)
{
	return wc_ChaCha20Poly1305_Encrypt(p->key_octets, p->iv, p->iv,
					   sizeof(p->iv), p->octets, PROBE_LEN,
					   p->octets, p->tag);
}

static int run_sign(struct probe *p)
{
	word32 len = sizeof(p->signature);

	return wc_ecc_sign_hash(p->key_octets, sizeof(p->key_octets),
				p->signature, &len, &p->rng, &p->key);
}

/* Nanoseconds of the fastest round; 0 if it cannot be done at all. */
static uint64_t best(int (*run)(struct probe *p), struct probe *p)
{
	uint64_t least = UINT64_MAX;

	for (int k = 0; k < PROBE_ROUNDS; k++) {
		const uint64_t start = now_ns();

		if (run(p))
			return 0;
		if (now_ns() - start < least)
			least = now_ns() - start;
	}
	return least;
}

/* A fifth faster, or the calls and copies in between eat it up. */
static bool is_faster(uint64_t ours, uint64_t theirs)
{
	return ours && (!theirs || ours + ours / 4 < theirs);
}

static bool measure(struct crypto *c, struct probe *p)
{
	uint64_t ours;
	uint64_t theirs;
	uint64_t chacha;

	if (wc_AesGcmSetKey(&p->aes, p->key_octets, 16) ||
	    wc_ecc_make_key_ex(&p->rng, 32, &p->key, ECC_SECP256R1))
		return false;
	wc_ecc_set_rng(&p->key, &p->rng);
	*c = (struct crypto){.gcm = true, .ecc = true};
	ours = best(run_gcm, p);
	p->aes.devId = INVALID_DEVID;
	theirs = best(run_gcm, p);
	c->gcm = is_faster(ours, theirs);
	chacha = best(run_chacha, p);
	c->chacha = is_faster(chacha, c->gcm ? ours : theirs);

	theirs = best(run_sign, p);
	p->key.devId = CRYPTO_DEVICE;
	ours = best(run_sign, p);
	c->ecc = is_faster(ours, theirs);
	return true;
}

bool crypto_begin(struct crypto *c)
{
	struct probe p = {0};
	bool ok = false;

	*c = (struct crypto){0};
	if (wc_CryptoCb_RegisterDevice(CRYPTO_DEVICE, compute, c))
		return false;
	if (wc_AesInit(&p.aes, NULL, CRYPTO_DEVICE) == 0 &&
	    wc_InitRng_ex(&p.rng, NULL, CRYPTO_DEVICE) == 0) {
		if (wc_ecc_init_ex(&p.key, NULL, INVALID_DEVID) == 0) {
			ok = measure(c, &p);
			wc_ecc_free(&p.key);
#ifdef FP_ECC
			/* Multiples of the points that were used: 0.8 MB. */
			wc_ecc_fp_free();
#endif
		}
		wc_FreeRng(&p.rng);
	}
	wc_AesFree(&p.aes);
	if (!ok)
		crypto_end();
	return ok;
}

const char *crypto_name(const struct crypto *c)
{
	if (c->gcm && c->ecc)
		return "nettle";
	if (c->gcm)
		return "nettle (AES-GCM), wolfSSL";
	return c->ecc ? "wolfSSL, nettle (curves)" : "wolfSSL";
}

void crypto_end(void)
{
	wc_CryptoCb_UnRegisterDevice(CRYPTO_DEVICE);
}

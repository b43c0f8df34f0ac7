/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_crypto.c - What is computed for wolfSSL is what wolfSSL would. */
#include "crypto.h"

#include <criterion/criterion.h>
#include <string.h>

#include "wolf.h"

#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/cryptocb.h>
#include <wolfssl/wolfcrypt/curve25519.h>
#include <wolfssl/wolfcrypt/ecc.h>

static struct crypto crypto;

static void setup(void)
{
	cr_assert(aead_load());
	cr_assert_eq(wolfSSL_Init(), WOLFSSL_SUCCESS);
	cr_assert(crypto_begin(&crypto));
	/* Whatever is faster here. */
	crypto.gcm = true;
	crypto.ecc = true;
}

static void teardown(void)
{
	crypto_end(&crypto);
	wolfSSL_Cleanup();
}

TestSuite(crypto, .init = setup, .fini = teardown);

static Aes aes_of(int device, const uint8_t *key, size_t len)
{
	Aes aes;

	cr_assert_eq(wc_AesInit(&aes, NULL, device), 0);
	cr_assert_eq(wc_AesGcmSetKey(&aes, key, (word32)len), 0);
	return aes;
}

static void try_aes_gcm(void)
{
	static const size_t sizes[] = {0, 1, 15, 16, 17, 255, 1024, 16384};
	static const size_t keys[] = {16, 24, 32};
	static uint8_t text[16384];
	static uint8_t sealed[2][16384];
	static uint8_t opened[16384];
	uint8_t key[32];
	uint8_t iv[12];
	uint8_t aad[13];
	uint8_t tag[2][16];

	for (size_t k = 0; k < sizeof(text); k++)
		text[k] = (uint8_t)(k * 7);
	memset(key, 0x5a, sizeof(key));
	memset(iv, 0x33, sizeof(iv));
	memset(aad, 0x17, sizeof(aad));
	for (size_t k = 0; k < 3; k++) {
		Aes ours = aes_of(CRYPTO_DEVICE, key, keys[k]);
		Aes theirs = aes_of(INVALID_DEVID, key, keys[k]);

		for (size_t n = 0; n < sizeof(sizes) / sizeof(*sizes); n++) {
			const word32 len = (word32)sizes[n];

			cr_assert_eq(wc_AesGcmEncrypt(&ours, sealed[0], text,
						      len, iv, 12, tag[0], 16,
						      aad, sizeof(aad)),
				     0);
			cr_assert_eq(wc_AesGcmEncrypt(&theirs, sealed[1], text,
						      len, iv, 12, tag[1], 16,
						      aad, sizeof(aad)),
				     0);
			cr_assert_arr_eq(sealed[0], sealed[1], len);
			cr_assert_arr_eq(tag[0], tag[1], 16);
			cr_assert_eq(wc_AesGcmDecrypt(&ours, opened, sealed[1],
						      len, iv, 12, tag[1], 16,
						      aad, sizeof(aad)),
				     0);
			cr_assert_arr_eq(opened, text, len);
			tag[1][15] ^= 1;
			cr_assert_eq(wc_AesGcmDecrypt(&ours, opened, sealed[1],
						      len, iv, 12, tag[1], 16,
						      aad, sizeof(aad)),
				     AES_GCM_AUTH_E);
			/* AES-192 is wolfSSL's own: no cipher of TLS has it. */
			for (size_t b = 0; b < len && keys[k] != 24; b++)
				cr_assert_eq(opened[b], 0, "text was left");
		}
		wc_AesFree(&ours);
		wc_AesFree(&theirs);
	}
}

Test(crypto, aes_gcm)
{
	for (enum aead_by by = 0; by < AEAD_BY; by++) {
		if (aead_use(&crypto.aead, AEAD_AES_128_GCM, by) &&
		    aead_use(&crypto.aead, AEAD_AES_256_GCM, by))
			try_aes_gcm();
	}
}

/* Whoever has a cipher is named, and behind them who has the curves. */
Test(crypto, names)
{
	for (enum aead_cipher k = 0; k < AEAD_CIPHERS; k++)
		cr_assert(aead_use(&crypto.aead, k, AEAD_BY_LIBGCRYPT));
	cr_assert_str_eq(crypto_name(&crypto), "libgcrypt+nettle");
	crypto.ecc = false;
	cr_assert_str_eq(crypto_name(&crypto), "libgcrypt+wolfSSL");
	crypto.ecc = true;
	for (enum aead_cipher k = 0; k < AEAD_CIPHERS; k++) {
		if (!aead_use(&crypto.aead, k, AEAD_BY_IPSEC_MB))
			return;
		cr_assert_str_eq(crypto_name(&crypto),
				 k + 1 < AEAD_CIPHERS
					 ? "ipsec-mb+libgcrypt+nettle"
					 : "ipsec-mb+nettle");
	}
	crypto.ecc = false;
	cr_assert_str_eq(crypto_name(&crypto), "ipsec-mb+wolfSSL");
}

/* The same pair of keys, for either to compute with. */
static void make_pair(WC_RNG *rng, int len, int curve, ecc_key pair[2])
{
	uint8_t x[66];
	uint8_t y[66];
	uint8_t d[66];
	word32 n[3] = {sizeof(x), sizeof(y), sizeof(d)};

	cr_assert_eq(wc_ecc_init_ex(&pair[0], NULL, CRYPTO_DEVICE), 0);
	cr_assert_eq(wc_ecc_init_ex(&pair[1], NULL, INVALID_DEVID), 0);
	cr_assert_eq(wc_ecc_make_key_ex(rng, len, &pair[0], curve), 0);
	cr_assert_eq(wc_ecc_check_key(&pair[0]), 0);
	cr_assert_eq(wc_ecc_export_private_raw(&pair[0], x, &n[0], y, &n[1], d,
					       &n[2]),
		     0);
	cr_assert_eq(wc_ecc_import_unsigned(&pair[1], x, y, d, curve), 0);
	wc_ecc_set_rng(&pair[0], rng);
	wc_ecc_set_rng(&pair[1], rng);
}

Test(crypto, curves)
{
	static const int curves[] = {ECC_SECP256R1, ECC_SECP384R1,
				     ECC_SECP521R1};
	static const int sizes[] = {32, 48, 66};
	uint8_t hash[48];
	WC_RNG rng;

	memset(hash, 0x42, sizeof(hash));
	cr_assert_eq(wc_InitRng_ex(&rng, NULL, CRYPTO_DEVICE), 0);
	for (size_t k = 0; k < 3; k++) {
		ecc_key a[2];
		ecc_key b[2];
		uint8_t secret[2][66];
		word32 len[2] = {66, 66};

		make_pair(&rng, sizes[k], curves[k], a);
		make_pair(&rng, sizes[k], curves[k], b);
		for (int s = 0; s < 2; s++) {
			uint8_t sig[ECC_MAX_SIG_SIZE];
			word32 n = sizeof(sig);
			int ok = 0;

			cr_assert_eq(wc_ecc_sign_hash(hash, sizeof(hash), sig,
						      &n, &rng, &a[s]),
				     0);
			cr_assert_eq(wc_ecc_verify_hash(sig, n, hash,
							sizeof(hash), &ok,
							&a[!s]),
				     0);
			cr_assert_eq(ok, 1);
			hash[0] ^= 1;
			ok = 1;
			cr_assert_eq(wc_ecc_verify_hash(sig, n, hash,
							sizeof(hash), &ok,
							&a[!s]),
				     0);
			cr_assert_eq(ok, 0);
			hash[0] ^= 1;
		}
		cr_assert_eq(
			wc_ecc_shared_secret(&a[0], &b[0], secret[0], &len[0]),
			0);
		cr_assert_eq(
			wc_ecc_shared_secret(&b[1], &a[1], secret[1], &len[1]),
			0);
		cr_assert_eq(len[0], len[1]);
		cr_assert_arr_eq(secret[0], secret[1], len[0]);
		for (int s = 0; s < 2; s++) {
			wc_ecc_free(&a[s]);
			wc_ecc_free(&b[s]);
		}
	}
	wc_FreeRng(&rng);
}

/* A point that is on another curve would give the private number away. */
Test(crypto, points_off_the_curve)
{
	uint8_t x[32] = {1};
	uint8_t y[32] = {2};
	uint8_t secret[32];
	word32 len = sizeof(secret);
	ecc_key mine;
	ecc_key bad;
	WC_RNG rng;

	cr_assert_eq(wc_InitRng_ex(&rng, NULL, CRYPTO_DEVICE), 0);
	cr_assert_eq(wc_ecc_init_ex(&mine, NULL, CRYPTO_DEVICE), 0);
	cr_assert_eq(wc_ecc_init_ex(&bad, NULL, CRYPTO_DEVICE), 0);
	cr_assert_eq(wc_ecc_make_key_ex(&rng, 32, &mine, ECC_SECP256R1), 0);
	cr_assert_eq(wc_ecc_import_unsigned(&bad, x, y, NULL, ECC_SECP256R1),
		     0);
	cr_assert_neq(wc_ecc_shared_secret(&mine, &bad, secret, &len), 0);
	wc_ecc_free(&mine);
	wc_ecc_free(&bad);
	wc_FreeRng(&rng);
}

Test(crypto, random_octets)
{
	uint8_t octets[2][64];
	WC_RNG rng;

	for (int k = 0; k < 2; k++) {
		cr_assert_eq(wc_InitRng_ex(&rng, NULL, CRYPTO_DEVICE), 0);
		cr_assert_eq(wc_RNG_GenerateBlock(&rng, octets[k], 64), 0);
		wc_FreeRng(&rng);
	}
	cr_assert_arr_neq(octets[0], octets[1], 64);
}

/* Public keys are the multiples of the point that RFC 7748 says. */
Test(crypto, x25519)
{
	static const uint8_t base[32] = {9};
	curve25519_key key;
	WC_RNG rng;

	cr_assert_eq(wc_InitRng_ex(&rng, NULL, CRYPTO_DEVICE), 0);
	for (int k = 0; k < 100; k++) {
		uint8_t priv[32];
		uint8_t pub[2][32];
		word32 len = sizeof(priv);
		word32 pub_len = sizeof(pub[0]);

		cr_assert_eq(wc_curve25519_init_ex(&key, NULL, INVALID_DEVID),
			     0);
		cr_assert_eq(wc_curve25519_make_key(&rng, 32, &key), 0);
		cr_assert_eq(wc_curve25519_export_key_raw_ex(
				     &key, priv, &len, pub[0], &pub_len,
				     EC25519_LITTLE_ENDIAN),
			     0);
		cr_assert_eq(
			wc_curve25519_generic(32, pub[1], 32, priv, 32, base),
			0);
		cr_assert_arr_eq(pub[0], pub[1], 32);
		priv[0] |= 1;
		cr_assert_neq(wc_curve25519_make_pub(32, pub[0], 32, priv), 0);
		wc_curve25519_free(&key);
	}
	wc_FreeRng(&rng);
}

/* Random numbers are the kernel's: no two alike, and no generator to seed. */
Test(crypto, random)
{
	uint8_t octets[3][32] = {0};
	WC_RNG rng;

	cr_assert_eq(wc_InitRng(&rng), 0);
	cr_assert_eq(wc_RNG_GenerateBlock(&rng, octets[0], 32), 0);
	cr_assert_eq(wc_RNG_GenerateBlock(&rng, octets[1], 32), 0);
	for (size_t k = 0; k < 2; k++)
		cr_assert(memcmp(octets[k], octets[k + 1], 32) != 0);
	cr_assert_neq(wc_RNG_GenerateBlock(NULL, octets[0], 32), 0);
	cr_assert_eq(wc_FreeRng(&rng), 0);
}

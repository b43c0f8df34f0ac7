/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_aead.c - Every library computes the ciphers as the standards say, and as
 * wolfCrypt does.
 */
#include "aead.h"

#include <criterion/criterion.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "wolf.h"

#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/chacha20_poly1305.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif

#define TEXT_MAX ((size_t)16384 + 64)

/* Ciphers by libraries: both in one number. */
#define PAIRS (AEAD_CIPHERS * AEAD_BY)

static struct aead aead;

static void setup(void)
{
	cr_assert(aead_load());
	cr_assert(aead_begin(&aead));
}

static void teardown(void)
{
	aead_end(&aead);
}

TestSuite(aead, .init = setup, .fini = teardown);

static enum aead_cipher cipher_of(size_t pair)
{
	return (enum aead_cipher)(pair / AEAD_BY);
}

/* False: there is no such pair. */
static bool take(size_t pair)
{
	return aead_use(&aead, cipher_of(pair), (enum aead_by)(pair % AEAD_BY));
}

Test(aead, libraries)
{
	size_t n = 0;

	for (size_t pair = 0; pair < PAIRS; pair++)
		n += take(pair);
	for (enum aead_cipher k = 0; k < AEAD_CIPHERS; k++)
		cr_assert(aead_use(&aead, k, AEAD_BY_LIBGCRYPT));
	cr_assert_str_eq(aead_name(AEAD_BY_LIBGCRYPT), "libgcrypt");
	if (!aead_name(AEAD_BY_IPSEC_MB)) {
		cr_assert_eq(n, AEAD_CIPHERS);
		return;
	}
	if (!aead.state[AEAD_BY_IPSEC_MB])
		cr_skip_test("this CPU has no AES for ipsec-mb");
	cr_assert_str_eq(aead_name(AEAD_BY_IPSEC_MB), "ipsec-mb");
	cr_assert_eq(n, PAIRS);
	for (enum aead_cipher k = 0; k < AEAD_CIPHERS; k++) {
		cr_assert_eq(aead.by[k], AEAD_BY_LIBGCRYPT);
		cr_assert(aead_use(&aead, k, AEAD_BY_IPSEC_MB));
		cr_assert_eq(aead.by[k], AEAD_BY_IPSEC_MB);
	}
}

/* ---- What the standards say ------------------------------------------ */

/** struct vector - One answer that is known, in hexadecimal digits */
struct vector {
	enum aead_cipher cipher;
	const char *key;
	const char *nonce;
	const char *aad;
	const char *text;
	const char *sealed;
	const char *tag;
};

#define ZEROS "00000000000000000000000000000000"
#define KEY   "feffe9928665731c6d6a8f9467308308"
#define NONCE "cafebabefacedbaddecaf888"
#define AAD   "feedfacedeadbeeffeedfacedeadbeefabaddad2"
#define TEXT \
	"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" \
	"1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
#define SEALED_128 \
	"42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e" \
	"21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
#define SEALED_256 \
	"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa" \
	"8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"

/* AES-GCM: test cases 1 to 4 and 13 to 16 of its specification (McGrew and
 * Viega, 2005), which NIST has too. ChaCha20-Poly1305: RFC 8439 section 2.8.2.
 */
static const struct vector vectors[] = {
	{AEAD_AES_128_GCM, ZEROS, "000000000000000000000000", "", "", "",
	 "58e2fccefa7e3061367f1d57a4e7455a"},
	{AEAD_AES_128_GCM, ZEROS, "000000000000000000000000", "", ZEROS,
	 "0388dace60b6a392f328c2b971b2fe78",
	 "ab6e47d42cec13bdf53a67b21257bddf"},
	{AEAD_AES_128_GCM, KEY, NONCE, "", TEXT "1aafd255",
	 SEALED_128 "473f5985", "4d5c2af327cd64a62cf35abd2ba6fab4"},
	{AEAD_AES_128_GCM, KEY, NONCE, AAD, TEXT, SEALED_128,
	 "5bc94fbc3221a5db94fae95ae7121a47"},
	{AEAD_AES_256_GCM, ZEROS ZEROS, "000000000000000000000000", "", "", "",
	 "530f8afbc74536b9a963b4f1c4cb738b"},
	{AEAD_AES_256_GCM, ZEROS ZEROS, "000000000000000000000000", "", ZEROS,
	 "cea7403d4d606b6e074ec5d3baf39d18",
	 "d0d1c8a799996bf0265b98b5d48ab919"},
	{AEAD_AES_256_GCM, KEY KEY, NONCE, "", TEXT "1aafd255",
	 SEALED_256 "898015ad", "b094dac5d93471bdec1a502270e3cc6c"},
	{AEAD_AES_256_GCM, KEY KEY, NONCE, AAD, TEXT, SEALED_256,
	 "76fc6ece0f4e1768cddf8853bb2d551b"},
	{AEAD_CHACHA20_POLY1305,
	 "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
	 "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
	 "4c616469657320616e642047656e746c656d656e206f662074686520636c6173"
	 "73206f66202739393a204966204920636f756c64206f6666657220796f75206f"
	 "6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73"
	 "637265656e20776f756c642062652069742e",
	 "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
	 "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
	 "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
	 "3ff4def08e4b7a9de576d26586cec64b6116",
	 "1ae10b594f09e26a7e902ecbd0600691"},
};

static size_t octets(const char *digits, uint8_t *to)
{
	const size_t len = strlen(digits) / 2;

	for (size_t k = 0; k < len; k++) {
		unsigned int n;

		cr_assert_eq(sscanf(digits + 2 * k, "%2x", &n), 1);
		to[k] = (uint8_t)n;
	}
	return len;
}

static void try_vector(const struct vector *v, const char *who)
{
	uint8_t key[AEAD_KEY];
	uint8_t nonce[AEAD_NONCE];
	uint8_t aad[32];
	uint8_t text[128];
	uint8_t sealed[128];
	uint8_t tag[AEAD_TAG];
	uint8_t to[128];
	uint8_t to_tag[AEAD_TAG];
	const size_t len = octets(v->text, text);
	const struct aead_record r = {v->cipher, key, nonce, aad,
				      octets(v->aad, aad)};

	cr_assert_eq(octets(v->key, key), aead_key_len(v->cipher));
	cr_assert_eq(octets(v->nonce, nonce), AEAD_NONCE);
	cr_assert_eq(octets(v->sealed, sealed), len);
	cr_assert_eq(octets(v->tag, tag), AEAD_TAG);
	cr_assert(aead_seal(&aead, &r, &(struct aead_piece){text, len}, 1, to,
			    to_tag));
	cr_assert_arr_eq(to, sealed, len, "%s", who);
	cr_assert_arr_eq(to_tag, tag, AEAD_TAG, "%s", who);
	cr_assert(aead_open(&aead, &r, sealed, len, tag, to), "%s", who);
	cr_assert_arr_eq(to, text, len, "%s", who);
}

Test(aead, known_answers)
{
	for (size_t k = 0; k < sizeof(vectors) / sizeof(*vectors); k++) {
		for (enum aead_by by = 0; by < AEAD_BY; by++) {
			if (aead_use(&aead, vectors[k].cipher, by))
				try_vector(&vectors[k], aead_name(by));
		}
	}
}

/* ---- What wolfCrypt does --------------------------------------------- */

/** struct given - What records are sealed with here, and their text */
struct given {
	uint8_t key[AEAD_KEY];
	uint8_t nonce[AEAD_NONCE];
	uint8_t aad[32];
	uint8_t text[TEXT_MAX];
};

static const struct given *given(void)
{
	static struct given g;

	for (size_t k = 0; k < sizeof(g.key); k++)
		g.key[k] = (uint8_t)(k * 37 + 11);
	for (size_t k = 0; k < sizeof(g.nonce); k++)
		g.nonce[k] = (uint8_t)(k * 5 + 1);
	for (size_t k = 0; k < sizeof(g.aad); k++)
		g.aad[k] = (uint8_t)(k * 3 + 7);
	for (size_t k = 0; k < sizeof(g.text); k++)
		g.text[k] = (uint8_t)(k * 13 + k / 256);
	return &g;
}

static void seal_by_wolf(const struct aead_record *r, const uint8_t *text,
			 size_t len, uint8_t *to, uint8_t *tag)
{
	Aes aes;

	if (r->cipher == AEAD_CHACHA20_POLY1305) {
		cr_assert_eq(
			wc_ChaCha20Poly1305_Encrypt(r->key, r->nonce, r->aad,
						    (word32)r->aad_len, text,
						    (word32)len, to, tag),
			0);
		return;
	}
	cr_assert_eq(wc_AesInit(&aes, NULL, INVALID_DEVID), 0);
	cr_assert_eq(
		wc_AesGcmSetKey(&aes, r->key, (word32)aead_key_len(r->cipher)),
		0);
	cr_assert_eq(wc_AesGcmEncrypt(&aes, to, text, (word32)len, r->nonce,
				      AEAD_NONCE, tag, AEAD_TAG, r->aad,
				      (word32)r->aad_len),
		     0);
	wc_AesFree(&aes);
}

/* Room of which nobody may touch what is behind it. */
static uint8_t *edge(size_t len)
{
	const size_t page = 4096;
	const size_t size = (len + page - 1) / page * page + page;
	uint8_t *const at = mmap(NULL, size + page, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(at, MAP_FAILED);
	cr_assert_eq(mprotect(at + size, page, PROT_NONE), 0);
	return at + size - len;
}

static void drop_edge(uint8_t *at, size_t len)
{
	const size_t page = 4096;
	const size_t size = (len + page - 1) / page * page + page;

	munmap(at + len - size, size + page);
}

/* One text: apart, in its place, and what was changed. Whatever is behind input
 * and output is not to be touched. */
static void try_len(enum aead_cipher cipher, size_t len, size_t aad_len)
{
	static uint8_t want[TEXT_MAX];
	static uint8_t none[TEXT_MAX];
	const struct given *const g = given();
	const struct aead_record r = {cipher, g->key, g->nonce,
				      g->aad + sizeof(g->aad) - aad_len,
				      aad_len};
	uint8_t *const from = edge(len);
	uint8_t *const to = edge(len);
	uint8_t *const tag = edge(AEAD_TAG);
	uint8_t want_tag[AEAD_TAG];

	seal_by_wolf(&r, g->text, len, want, want_tag);
	memcpy(from, g->text, len);
	memset(to, 0xaa, len);
	cr_assert(aead_seal(&aead, &r, &(struct aead_piece){from, len}, 1, to,
			    tag));
	cr_assert_arr_eq(to, want, len, "%zu octets", len);
	cr_assert_arr_eq(tag, want_tag, AEAD_TAG, "%zu octets", len);
	cr_assert(aead_seal(&aead, &r, &(struct aead_piece){from, len}, 1, from,
			    tag));
	cr_assert_arr_eq(from, want, len, "%zu octets", len);
	cr_assert_arr_eq(tag, want_tag, AEAD_TAG, "%zu octets", len);

	memset(to, 0xaa, len);
	cr_assert(aead_open(&aead, &r, from, len, tag, to));
	cr_assert_arr_eq(to, g->text, len, "%zu octets", len);
	for (size_t bit = 0; bit<8u * AEAD_TAG; bit += len> 64 ? 17 : 1) {
		memset(to, 0xaa, len);
		tag[bit / 8] ^= (uint8_t)(1 << bit % 8);
		cr_assert_not(aead_open(&aead, &r, from, len, tag, to));
		cr_assert_arr_eq(to, none, len, "bit %zu", bit);
		tag[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	cr_assert(aead_open(&aead, &r, from, len, tag, from));
	cr_assert_arr_eq(from, g->text, len, "%zu octets", len);
	memcpy(from, want, len);
	*tag ^= 0x80;
	cr_assert_not(aead_open(&aead, &r, from, len, tag, from));
	cr_assert_arr_eq(from, none, len, "%zu octets", len);
	drop_edge(from, len);
	drop_edge(to, len);
	drop_edge(tag, AEAD_TAG);
}

Test(aead, lengths)
{
	static const size_t more[] = {127,   128,   255,   256,	  767,
				      768,   769,   1024,  1536,  4095,
				      16368, 16383, 16384, 16385, 16400};

	for (size_t pair = 0; pair < PAIRS; pair++) {
		if (!take(pair))
			continue;
		for (size_t len = 0; len <= 64; len++)
			try_len(cipher_of(pair), len, 13);
		for (size_t k = 0; k < sizeof(more) / sizeof(*more); k++)
			try_len(cipher_of(pair), more[k], 5);
		for (size_t aad_len = 0; aad_len <= 20; aad_len++)
			try_len(cipher_of(pair), 40, aad_len);
	}
}

/* Wherever a text is cut, it is sealed as it is as a whole. */
static void try_cut(const struct aead_record *r, size_t len, size_t a, size_t b,
		    const uint8_t *want, const uint8_t *want_tag)
{
	static uint8_t to[TEXT_MAX];
	const uint8_t *const text = given()->text;
	const struct aead_piece pieces[] = {
		{text, a}, {text + a, b - a}, {text + b, len - b}};
	uint8_t tag[AEAD_TAG];

	memset(to, 0xaa, len);
	cr_assert(aead_seal(&aead, r, pieces, 3, to, tag));
	cr_assert_arr_eq(to, want, len, "cut at %zu and %zu", a, b);
	cr_assert_arr_eq(tag, want_tag, AEAD_TAG, "cut at %zu and %zu", a, b);
}

Test(aead, pieces)
{
	static uint8_t want[TEXT_MAX];
	const struct given *const g = given();
	uint8_t tag[AEAD_TAG];

	for (size_t pair = 0; pair < PAIRS; pair++) {
		const struct aead_record r = {cipher_of(pair), g->key, g->nonce,
					      g->aad, 5};

		if (!take(pair))
			continue;
		seal_by_wolf(&r, g->text, 70, want, tag);
		for (size_t a = 0; a <= 70; a++)
			for (size_t b = a; b <= 70; b++)
				try_cut(&r, 70, a, b, want, tag);
		/* As TLS 1.3 does: the type behind the text. */
		for (size_t len = 16300; len <= 16385; len++) {
			seal_by_wolf(&r, g->text, len, want, tag);
			try_cut(&r, len, len - 1, len, want, tag);
			try_cut(&r, len, 0, 777, want, tag);
		}
	}
}

/* The first piece in its place, the second one from elsewhere. */
Test(aead, first_in_place)
{
	static uint8_t want[TEXT_MAX];
	static uint8_t to[TEXT_MAX];
	const struct given *const g = given();
	uint8_t want_tag[AEAD_TAG];
	uint8_t tag[AEAD_TAG];

	for (size_t pair = 0; pair < PAIRS; pair++) {
		const struct aead_record r = {cipher_of(pair), g->key, g->nonce,
					      g->aad, 5};

		if (!take(pair))
			continue;
		for (size_t len = 1; len <= 1100; len += 7) {
			const struct aead_piece pieces[] = {
				{to, len - 1}, {g->text + len - 1, 1}};

			seal_by_wolf(&r, g->text, len, want, want_tag);
			memcpy(to, g->text, len - 1);
			cr_assert(aead_seal(&aead, &r, pieces, 2, to, tag));
			cr_assert_arr_eq(to, want, len, "%zu octets", len);
			cr_assert_arr_eq(tag, want_tag, AEAD_TAG);
		}
	}
}

/* ---- What is left behind --------------------------------------------- */

#ifndef SANITIZED /* whose stack is the sanitizer's */
#define STACK ((size_t)256 << 10)

static ucontext_t here;
static ucontext_t there;
static struct aead_record left;
static bool opened;

static void seal_and_open(void)
{
	static const uint8_t text[100];
	static uint8_t to[101];
	const struct aead_piece pieces[] = {{text, sizeof(text)}, {text, 1}};
	uint8_t tag[AEAD_TAG];

	opened = aead_seal(&aead, &left, pieces, 1, to, tag) &&
		 aead_seal(&aead, &left, pieces, 2, to, tag) &&
		 aead_open(&aead, &left, to, sizeof(to), tag, to);
}

/* A key is the first of AES's round keys: who expands one has it on the stack.
 */
Test(aead, no_key_is_left)
{
	uint8_t *const stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const struct given *const g = given();

	cr_assert_neq(stack, MAP_FAILED);
	for (size_t pair = 0; pair < PAIRS; pair++) {
		if (!take(pair))
			continue;
		memset(stack, 0, STACK);
		opened = false;
		left = (struct aead_record){cipher_of(pair), g->key, g->nonce,
					    g->aad, 5};
		getcontext(&there);
		there.uc_stack.ss_sp = stack;
		there.uc_stack.ss_size = STACK;
		there.uc_link = &here;
		makecontext(&there, seal_and_open, 0);
		cr_assert_eq(swapcontext(&here, &there), 0);
		cr_assert(opened);
		cr_assert_null(memmem(stack, STACK, g->key, 16), "pair %zu",
			       pair);
	}
	munmap(stack, STACK);
}
#endif

/* Where a library keeps the last key it is there until it is forgotten, and
 * does not matter to what comes then. */
Test(aead, forgotten)
{
	for (size_t pair = 0; pair < PAIRS; pair++) {
		void *const state = aead.state[pair % AEAD_BY];

		if (!take(pair))
			continue;
		try_len(cipher_of(pair), 100, 13);
		if (pair == AEAD_AES_256_GCM * AEAD_BY + AEAD_BY_IPSEC_MB)
			cr_assert(memmem(state, malloc_usable_size(state),
					 given()->key, AEAD_KEY));
		aead_forget(&aead);
		cr_assert_null(memmem(state, malloc_usable_size(state),
				      given()->key, 16));
		try_len(cipher_of(pair), 100, 13);
	}
}

static void seal_and_open_one(const struct aead_record *r)
{
	const uint8_t *const text = given()->text;
	uint8_t want[64];
	uint8_t to[64];
	uint8_t want_tag[AEAD_TAG];
	uint8_t tag[AEAD_TAG];

	seal_by_wolf(r, text, sizeof(want), want, want_tag);
	cr_assert(aead_seal(&aead, r, &(struct aead_piece){text, sizeof(to)}, 1,
			    to, tag));
	cr_assert_arr_eq(to, want, sizeof(to));
	cr_assert_arr_eq(tag, want_tag, AEAD_TAG);
	cr_assert(aead_open(&aead, r, want, sizeof(to), want_tag, to));
	cr_assert_arr_eq(to, text, sizeof(to));
}

/* Keys that differ in one octet, and ciphers, take turns: whatever is kept of
 * the last record, this one has its own key. */
Test(aead, turns)
{
	const struct given *const g = given();
	uint8_t key[AEAD_KEY];

	memcpy(key, g->key, sizeof(key));
	for (size_t pair = 0; pair < PAIRS; pair++) {
		const struct aead_record r = {cipher_of(pair), key, g->nonce,
					      g->aad, 5};

		if (!take(pair))
			continue;
		for (size_t k = 0; k < aead_key_len(r.cipher); k++) {
			seal_and_open_one(&r);
			key[k] ^= 0x80;
			seal_and_open_one(&r);
		}
	}
	for (size_t k = 0; k < PAIRS * PAIRS; k++) {
		const size_t pair = k % 2 ? k / 2 % PAIRS : k / 2 / PAIRS;
		const struct aead_record r = {cipher_of(pair), key, g->nonce,
					      g->aad, 5};

		if (take(pair))
			seal_and_open_one(&r);
	}
}

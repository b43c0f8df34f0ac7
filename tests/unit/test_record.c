/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_record.c - Records are sealed as TLS wants them, and opened if they are.
 */
#include "record.h"

#include <criterion/criterion.h>
#include <string.h>

#include "aead_case.h"
#include "alert.h"
#include "wolf.h"

#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/chacha20_poly1305.h>

static struct aead aead;

static void setup(void)
{
	aead_case(&aead);
}

static void teardown(void)
{
	aead_end(&aead);
}

TestSuite(record, .init = setup, .fini = teardown);

/* RFC 8448 section 3: the client's application data, with
 * TLS_AES_128_GCM_SHA256. */
static const uint8_t secret[] = {
	0x9e, 0x40, 0x64, 0x6c, 0xe7, 0x9a, 0x7f, 0x9d, 0xc0, 0x5a, 0xf8,
	0x88, 0x9b, 0xce, 0x65, 0x52, 0x87, 0x5a, 0xfa, 0x0b, 0x06, 0xdf,
	0x00, 0x87, 0xf7, 0x92, 0xeb, 0xb7, 0xc1, 0x75, 0x04, 0xa5,
};
static const uint8_t key[] = {0x17, 0x42, 0x2d, 0xda, 0x59, 0x6e, 0xd5, 0xd9,
			      0xac, 0xd8, 0x90, 0xe3, 0xc6, 0x3f, 0x50, 0x51};
static const uint8_t iv[] = {0x5b, 0x78, 0x92, 0x3d, 0xee, 0x08,
			     0x57, 0x90, 0x33, 0xe5, 0x23, 0xd9};
static const uint8_t traced[] = {
	0x17, 0x03, 0x03, 0x00, 0x43, 0xa2, 0x3f, 0x70, 0x54, 0xb6, 0x2c, 0x94,
	0xd0, 0xaf, 0xfa, 0xfe, 0x82, 0x28, 0xba, 0x55, 0xcb, 0xef, 0xac, 0xea,
	0x42, 0xf9, 0x14, 0xaa, 0x66, 0xbc, 0xab, 0x3f, 0x2b, 0x98, 0x19, 0xa8,
	0xa5, 0xb4, 0x6b, 0x39, 0x5b, 0xd5, 0x4a, 0x9a, 0x20, 0x44, 0x1e, 0x2b,
	0x62, 0x97, 0x4e, 0x1f, 0x5a, 0x62, 0x92, 0xa2, 0x97, 0x70, 0x14, 0xbd,
	0x1e, 0x3d, 0xea, 0xe6, 0x3a, 0xee, 0xbb, 0x21, 0x69, 0x49, 0x15, 0xe4,
};

static struct records traced_keys(void)
{
	struct records r = {.cipher = AEAD_AES_128_GCM,
			    .tls13 = true,
			    .secret_len = sizeof(secret)};

	memcpy(r.in.secret, secret, sizeof(secret));
	memcpy(r.out.secret, secret, sizeof(secret));
	cr_assert(record_derive(&r, &r.in));
	cr_assert(record_derive(&r, &r.out));
	return r;
}

Test(record, trace)
{
	struct records r = traced_keys();
	struct record_opened o;
	uint8_t text[50];
	uint8_t room[128];
	uint8_t alert;

	cr_assert_arr_eq(r.out.key, key, sizeof(key));
	cr_assert_arr_eq(r.out.iv, iv, sizeof(iv));
	for (size_t k = 0; k < sizeof(text); k++)
		text[k] = (uint8_t)k;
	cr_assert_eq(
		record_seal(&r, &aead, RECORD_DATA, text, sizeof(text), room),
		sizeof(traced));
	cr_assert_arr_eq(room, traced, sizeof(traced));
	cr_assert_eq(record_len(&r, traced, &alert), sizeof(traced));
	cr_assert_eq(record_open(&r, &aead, traced, sizeof(traced), room, &o),
		     0);
	cr_assert_eq(o.type, RECORD_DATA);
	cr_assert_eq(o.len, sizeof(text));
	cr_assert_arr_eq(room, text, sizeof(text));
	cr_assert_eq(r.in.sequence, 1);
	cr_assert_eq(r.out.sequence, 1);
}

/* What a record of TLS 1.2 has to be, by wolfCrypt. */
static void seal_12(const struct records *r, const uint8_t *text, size_t len,
		    uint8_t *to)
{
	const uint8_t aad[] = {0,	    0, 0,  0, 0, 0,
			       0,	    7, 23, 3, 3, (uint8_t)(len >> 8),
			       (uint8_t)len};
	uint8_t nonce[12];
	uint8_t *at = to;
	Aes aes;

	memcpy(nonce, r->out.iv, 12);
	if (r->cipher == AEAD_CHACHA20_POLY1305) {
		nonce[11] ^= 7;
		cr_assert_eq(wc_ChaCha20Poly1305_Encrypt(r->out.key, nonce, aad,
							 13, text, (word32)len,
							 at, at + len),
			     0);
		return;
	}
	for (int k = 0; k < 8; k++)
		at[k] = nonce[4 + k] = (uint8_t)(r->nonce >> (56 - 8 * k));
	at += 8;
	cr_assert_eq(wc_AesInit(&aes, NULL, INVALID_DEVID), 0);
	cr_assert_eq(wc_AesGcmSetKey(&aes, r->out.key,
				     (word32)aead_key_len(r->cipher)),
		     0);
	cr_assert_eq(wc_AesGcmEncrypt(&aes, at, text, (word32)len, nonce, 12,
				      at + len, 16, aad, 13),
		     0);
	wc_AesFree(&aes);
}

static struct records keys_of(enum aead_cipher cipher, bool tls13)
{
	struct records r = {
		.cipher = cipher, .tls13 = tls13, .nonce = 0xfffffffffffffffe};

	memset(r.out.key, 0x41 + (int)cipher, sizeof(r.out.key));
	memset(r.out.iv, 0x61, sizeof(r.out.iv));
	r.out.sequence = 7;
	r.in = r.out;
	return r;
}

static const size_t sizes[] = {0,  1,	15,  16,   17,	  63,	      64,
			       65, 127, 255, 1024, 16383, RECORD_TEXT};

Test(record, as_others_seal)
{
	static uint8_t text[RECORD_TEXT];
	static uint8_t ours[RECORD_MAX];
	static uint8_t theirs[RECORD_MAX];

	for (size_t k = 0; k < sizeof(text); k++)
		text[k] = (uint8_t)(k * 7);
	for (enum aead_cipher c = 0; c < AEAD_CIPHERS; c++) {
		for (size_t n = 0; n < sizeof(sizes) / sizeof(*sizes); n++) {
			struct records r = keys_of(c, false);
			const size_t len =
				sizes[n] + 5 + 16 +
				(c == AEAD_CHACHA20_POLY1305 ? 0 : 8);

			seal_12(&r, text, sizes[n], theirs);
			cr_assert_eq(record_seal(&r, &aead, RECORD_DATA, text,
						 sizes[n], ours),
				     len);
			cr_assert_arr_eq(ours + 5, theirs, len - 5);
		}
	}
}

Test(record, there_and_back)
{
	static uint8_t text[RECORD_TEXT];
	static uint8_t sealed[RECORD_MAX];
	static uint8_t opened[RECORD_MAX];
	struct record_opened o;
	uint8_t alert;

	for (size_t k = 0; k < sizeof(text); k++)
		text[k] = (uint8_t)(k * 13);
	for (unsigned int k = 0; k < 2 * AEAD_CIPHERS; k++) {
		struct records r = keys_of(k / 2, k % 2);

		for (size_t n = 0; n < sizeof(sizes) / sizeof(*sizes); n++) {
			const size_t len = record_seal(&r, &aead,
						       RECORD_HANDSHAKE, text,
						       sizes[n], sealed);

			cr_assert_gt(len, sizes[n]);
			cr_assert_leq(len, sizes[n] + RECORD_MORE);
			cr_assert_eq(record_len(&r, sealed, &alert), len);
			cr_assert_eq(
				record_open(&r, &aead, sealed, len, opened, &o),
				0);
			cr_assert_eq(o.type, RECORD_HANDSHAKE);
			cr_assert_eq(o.len, sizes[n]);
			cr_assert_arr_eq(opened, text, sizes[n]);
		}
	}
}

/* Whatever is changed, and a record at the wrong place: it is not opened, and
 * nothing of it can be read. */
Test(record, not_authentic)
{
	const uint8_t text[40] = "what nobody has said, nobody is to read";
	const uint8_t none[40] = {0};
	uint8_t sealed[128];
	uint8_t opened[128];
	struct record_opened o;

	for (unsigned int k = 0; k < 2 * AEAD_CIPHERS; k++) {
		struct records r = keys_of(k / 2, k % 2);
		const size_t len = record_seal(&r, &aead, RECORD_DATA, text,
					       sizeof(text), sealed);

		for (size_t at = 0; at < len; at++) {
			struct records other = r;

			/* The length says where it ends, and no more. */
			if (at == 3 || at == 4)
				continue;
			sealed[at] ^= 0x10;
			cr_assert_eq(record_open(&other, &aead, sealed, len,
						 opened, &o),
				     ALERT_BAD_RECORD_MAC, "octet %zu", at);
			cr_assert_arr_eq(opened, none, sizeof(none));
			sealed[at] ^= 0x10;
		}
		r.in.sequence++;
		cr_assert_eq(record_open(&r, &aead, sealed, len, opened, &o),
			     ALERT_BAD_RECORD_MAC);
	}
}

/** struct heading - A header, and what is to be thought of it in either version
 */
struct heading {
	uint8_t octets[RECORD_HEAD];
	uint8_t alert12;
	uint8_t alert13;
};

Test(record, headers)
{
	static const struct heading headings[] = {
		{{23, 3, 3, 0, 40}, 0, 0},
		{{22, 3, 3, 0, 40}, 0, ALERT_UNEXPECTED_MESSAGE},
		{{21, 3, 3, 0, 40}, 0, ALERT_UNEXPECTED_MESSAGE},
		{{20, 3, 3, 0, 40},
		 ALERT_UNEXPECTED_MESSAGE,
		 ALERT_UNEXPECTED_MESSAGE},
		{{24, 3, 3, 0, 40},
		 ALERT_UNEXPECTED_MESSAGE,
		 ALERT_UNEXPECTED_MESSAGE},
		{{23, 3, 1, 0, 40}, ALERT_PROTOCOL_VERSION, 0},
		{{23, 2, 3, 0, 40},
		 ALERT_PROTOCOL_VERSION,
		 ALERT_PROTOCOL_VERSION},
		{{23, 3, 3, 0, 16}, ALERT_BAD_RECORD_MAC, ALERT_BAD_RECORD_MAC},
		{{23, 3, 3, 0, 17}, ALERT_BAD_RECORD_MAC, 0},
		{{23, 3, 3, 0, 23}, ALERT_BAD_RECORD_MAC, 0},
		{{23, 3, 3, 0, 24}, 0, 0},
		{{23, 3, 3, 0x41, 0}, 0, 0},
		{{23, 3, 3, 0x41, 1}, 0, ALERT_RECORD_OVERFLOW},
		{{23, 3, 3, 0x48, 0}, 0, ALERT_RECORD_OVERFLOW},
		{{23, 3, 3, 0x48, 1},
		 ALERT_RECORD_OVERFLOW,
		 ALERT_RECORD_OVERFLOW},
	};
	const struct records r12 = keys_of(AEAD_AES_256_GCM, false);
	const struct records r13 = keys_of(AEAD_AES_256_GCM, true);

	for (size_t k = 0; k < sizeof(headings) / sizeof(*headings); k++) {
		const struct heading *const h = &headings[k];
		const size_t len =
			5u + (size_t)(h->octets[3] << 8) + h->octets[4];
		uint8_t alert;
		size_t n = record_len(&r12, h->octets, &alert);

		cr_assert_eq(n, h->alert12 ? 0 : len, "row %zu", k);
		cr_assert(n || alert == h->alert12, "row %zu", k);
		n = record_len(&r13, h->octets, &alert);
		cr_assert_eq(n, h->alert13 ? 0 : len, "row %zu", k);
		cr_assert(n || alert == h->alert13, "row %zu", k);
	}
}

/* More than may be in one; padding; nothing but padding. */
Test(record, inner)
{
	static uint8_t text[RECORD_TEXT + 256];
	static uint8_t sealed[RECORD_MAX];
	static uint8_t opened[RECORD_MAX];
	struct records r = keys_of(AEAD_AES_128_GCM, true);
	struct record_opened o;
	size_t len;

	memset(text, 1, sizeof(text));
	len = record_seal(&r, &aead, RECORD_DATA, text, RECORD_TEXT + 1,
			  sealed);
	cr_assert_eq(record_open(&r, &aead, sealed, len, opened, &o),
		     ALERT_RECORD_OVERFLOW);
	/* The type in front of zeros, and a type of 0 behind it all. */
	memcpy(text, "padded\x16\0\0", 10);
	len = record_seal(&r, &aead, 0, text, 10, sealed);
	cr_assert_eq(record_open(&r, &aead, sealed, len, opened, &o), 0);
	cr_assert_eq(o.type, RECORD_HANDSHAKE);
	cr_assert_eq(o.len, 6);
	memset(text, 0, 10);
	len = record_seal(&r, &aead, 0, text, 10, sealed);
	cr_assert_eq(record_open(&r, &aead, sealed, len, opened, &o),
		     ALERT_UNEXPECTED_MESSAGE);
}

Test(record, next_keys)
{
	struct records r = traced_keys();
	const struct record_keys first = r.out;
	uint8_t sealed[64];
	uint8_t opened[64];
	struct record_opened o;
	size_t len;

	cr_assert(record_seal(&r, &aead, RECORD_DATA, "x", 1, sealed));
	cr_assert(record_update(&r, &r.out));
	cr_assert_eq(r.out.sequence, 0);
	cr_assert_neq(memcmp(r.out.key, first.key, 16), 0);
	cr_assert_neq(memcmp(r.out.iv, first.iv, 12), 0);
	cr_assert_neq(memcmp(r.out.secret, first.secret, 32), 0);
	len = record_seal(&r, &aead, RECORD_DATA, "y", 1, sealed);
	cr_assert_eq(record_open(&r, &aead, sealed, len, opened, &o),
		     ALERT_BAD_RECORD_MAC);
	cr_assert(record_update(&r, &r.in));
	cr_assert_eq(record_open(&r, &aead, sealed, len, opened, &o), 0);
	cr_assert_eq(opened[0], 'y');

	cr_assert_not(record_is_spent(&r));
	r.out.sequence = 1u << 24;
	cr_assert(record_is_spent(&r));
	r.cipher = AEAD_CHACHA20_POLY1305;
	cr_assert_not(record_is_spent(&r));
}

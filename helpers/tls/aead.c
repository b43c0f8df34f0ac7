/* SPDX-License-Identifier: GPL-2.0-or-later */
/* aead.c - The ciphers of TLS records, computed by libgcrypt. */
#include "aead.h"

#include <gcrypt.h>
#include <string.h>

/** struct row - One cipher, as libgcrypt knows it */
struct row {
	int algorithm;
	int mode;
	size_t key_len;
};

static const struct row rows[AEAD_CIPHERS] = {
	[AEAD_AES_128_GCM] = {GCRY_CIPHER_AES128, GCRY_CIPHER_MODE_GCM, 16},
	[AEAD_AES_256_GCM] = {GCRY_CIPHER_AES256, GCRY_CIPHER_MODE_GCM, 32},
	[AEAD_CHACHA20_POLY1305] = {GCRY_CIPHER_CHACHA20,
				    GCRY_CIPHER_MODE_POLY1305, 32},
};

bool aead_library(void)
{
	if (gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P))
		return true;
		/* FIPS mode refuses nonces that somebody else has chosen, as
		 * TLS does. An older libgcrypt does not know the call, and has
		 * no such refusal.
		 */
#if GCRYPT_VERSION_NUMBER >= 0x010a00
	(void)gcry_control(GCRYCTL_NO_FIPS_MODE);
#endif
	if (!gcry_check_version("1.8.0"))
		return false;
	return !gcry_control(GCRYCTL_DISABLE_SECMEM, 0) &&
	       !gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
}

bool aead_begin(struct aead *a)
{
	*a = (struct aead){0};
	for (size_t k = 0; k < AEAD_CIPHERS; k++) {
		if (gcry_cipher_open(&a->context[k], rows[k].algorithm,
				     rows[k].mode, 0)) {
			aead_end(a);
			return false;
		}
	}
	return true;
}

void aead_end(struct aead *a)
{
	/* It wipes what it releases. */
	for (size_t k = 0; k < AEAD_CIPHERS; k++)
		gcry_cipher_close(a->context[k]);
	*a = (struct aead){0};
}

size_t aead_key_len(enum aead_cipher cipher)
{
	return rows[cipher].key_len;
}

void aead_forget(struct aead *a)
{
	static const uint8_t none[AEAD_KEY];

	for (size_t k = 0; k < AEAD_CIPHERS; k++)
		(void)gcry_cipher_setkey(a->context[k], none, rows[k].key_len);
}

/* NULL, or the context that a record is computed with. */
static struct gcry_cipher_handle *begin(struct aead *a,
					const struct aead_record *r)
{
	struct gcry_cipher_handle *const c = a->context[r->cipher];

	if (gcry_cipher_setkey(c, r->key, rows[r->cipher].key_len) ||
	    gcry_cipher_setiv(c, r->nonce, AEAD_NONCE) ||
	    gcry_cipher_authenticate(c, r->aad, r->aad_len))
		return NULL;
	return c;
}

bool aead_seal(struct aead *a, const struct aead_record *r,
	       const struct aead_piece *piece, size_t n, uint8_t *to,
	       uint8_t *tag)
{
	struct gcry_cipher_handle *const c = begin(a, r);

	for (size_t k = 0; c && k < n; k++) {
		const bool there = piece[k].data == to;

		if (gcry_cipher_encrypt(c, to, piece[k].len,
					there ? NULL : piece[k].data,
					there ? 0 : piece[k].len))
			return false;
		to += piece[k].len;
	}
	return c && !gcry_cipher_gettag(c, tag, AEAD_TAG);
}

bool aead_open(struct aead *a, const struct aead_record *r, const uint8_t *from,
	       size_t len, const uint8_t *tag, uint8_t *to)
{
	struct gcry_cipher_handle *const c = begin(a, r);
	const bool there = from == to;

	if (c &&
	    !gcry_cipher_decrypt(c, to, len, there ? NULL : from,
				 there ? 0 : len) &&
	    !gcry_cipher_checktag(c, tag, AEAD_TAG))
		return true;
	/* What is not authentic is nobody's to read. */
	explicit_bzero(to, len);
	return false;
}

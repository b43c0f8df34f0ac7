/* SPDX-License-Identifier: GPL-2.0-or-later */
/* aead.c - The ciphers of TLS records: one table of who computes them. */
#include "aead.h"

#include <string.h>

#include "aead_library.h"

static const struct aead_library *const libraries[AEAD_BY] = {
	[AEAD_BY_LIBGCRYPT] = &aead_libgcrypt,
#ifdef MSB_IPSEC_MB
	[AEAD_BY_IPSEC_MB] = &aead_ipsec_mb,
#endif
};

/* NULL: it does not compute here. */
static const struct aead_library *library(const struct aead *a, enum aead_by by)
{
	return a->state[by] ? libraries[by] : NULL;
}

bool aead_load(void)
{
	for (enum aead_by by = 0; by < AEAD_BY; by++) {
		if (libraries[by] && libraries[by]->load &&
		    !libraries[by]->load())
			return false;
	}
	return true;
}

bool aead_begin(struct aead *a)
{
	*a = (struct aead){0};
	for (enum aead_by by = 0; by < AEAD_BY; by++) {
		if (libraries[by])
			a->state[by] = libraries[by]->begin();
	}
	/* It computes on every CPU. */
	if (a->state[AEAD_BY_LIBGCRYPT])
		return true;
	aead_end(a);
	return false;
}

void aead_end(struct aead *a)
{
	for (enum aead_by by = 0; by < AEAD_BY; by++) {
		const struct aead_library *const l = library(a, by);

		if (l)
			l->end(a->state[by]);
	}
	*a = (struct aead){0};
}

bool aead_use(struct aead *a, enum aead_cipher cipher, enum aead_by by)
{
	if (!library(a, by))
		return false;
	a->by[cipher] = by;
	return true;
}

const char *aead_name(enum aead_by by)
{
	return libraries[by] ? libraries[by]->name : NULL;
}

size_t aead_key_len(enum aead_cipher cipher)
{
	static const size_t len[AEAD_CIPHERS] = {
		[AEAD_AES_128_GCM] = 16,
		[AEAD_AES_256_GCM] = 32,
		[AEAD_CHACHA20_POLY1305] = 32,
	};

	return len[cipher];
}

void aead_forget(struct aead *a)
{
	for (enum aead_by by = 0; by < AEAD_BY; by++) {
		const struct aead_library *const l = library(a, by);

		if (l && l->forget)
			l->forget(a->state[by]);
	}
}

bool aead_seal(struct aead *a, const struct aead_record *r,
	       const struct aead_piece *piece, size_t n, uint8_t *to,
	       uint8_t *tag)
{
	const enum aead_by by = a->by[r->cipher];

	return libraries[by]->seal(a->state[by], r, piece, n, to, tag);
}

bool aead_open(struct aead *a, const struct aead_record *r, const uint8_t *from,
	       size_t len, const uint8_t *tag, uint8_t *to)
{
	const enum aead_by by = a->by[r->cipher];

	if (libraries[by]->open(a->state[by], r, from, len, tag, to))
		return true;
	/* What is not authentic is nobody's to read. */
	explicit_bzero(to, len);
	return false;
}

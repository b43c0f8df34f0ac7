/* SPDX-License-Identifier: GPL-2.0-or-later */
/* aead_ipsec_mb.c - The ciphers of TLS records, computed by Intel's
 * multi-buffer library.
 *
 * libgcrypt encrypts one block of AES an instruction. CPUs with VAES and
 * VPCLMULQDQ take four, and this library has AES-GCM for them: 14 GB/s where
 * libgcrypt has 5.2. ChaCha20-Poly1305 with AVX-512 is 3.4 where libgcrypt has
 * 2.1. Without these instructions it has little to gain, which is measured
 * (crypto.c).
 *
 * What the library is made for, many packets at a time, is not what a record
 * is: its functions for one text are called. Which they are depends on the CPU,
 * and is found in a manager, of 200 KB, that is needed for nothing else and
 * released at once. They allocate nothing and open no file, nor does it take
 * one to find them. All of a text is a piece: its functions for a whole text
 * are 1 % faster, and 200 KB more of code.
 *
 * A library that was built not to wipe what it has on its stack, or that does
 * not compute what it should, is not used.
 */
#include "aead_library.h"

#include <nettle/memops.h>
#include <stdlib.h>
#include <string.h>

#define NO_COMPAT_IMB_API_053 /* else it defines CBC, and its like */
#include <intel-ipsec-mb.h>

/**
 * struct gcm - AES-GCM with keys of one length
 * @expand:	a key
 * @begin:	a text
 * @seal:	a piece of it
 * @open:	likewise
 * @sealed:	no more of it: its tag
 * @opened:	likewise: the tag that there should have been
 */
struct gcm {
	aes_gcm_pre_t expand;
	aes_gcm_init_t begin;
	aes_gcm_enc_dec_update_t seal;
	aes_gcm_enc_dec_update_t open;
	aes_gcm_enc_dec_finalize_t sealed;
	aes_gcm_enc_dec_finalize_t opened;
};

/** struct chacha - ChaCha20-Poly1305, likewise, with a key as it is */
struct chacha {
	chacha_poly_init_t begin;
	chacha_poly_enc_dec_update_t seal;
	chacha_poly_enc_dec_update_t open;
	chacha_poly_finalize_t end;
};

/**
 * struct kept - AES's key of the last record, expanded
 * @expanded:	aligned as the library wants it, which its header says to nobody
 *		but those who build the library
 * @of:		what it was expanded for; NULL: there is none
 * @key:	key
 */
struct kept {
	_Alignas(64) struct gcm_key_data expanded;
	const struct gcm *of;
	uint8_t key[AEAD_KEY];
};

/**
 * struct state - The library's functions for this CPU
 * @kept:	what was sealed with, and what was opened with
 */
struct state {
	struct gcm gcm128;
	struct gcm gcm256;
	struct chacha chacha;
	struct kept kept[2];
};

/**
 * struct job - What is to be computed
 * @record:	record
 * @piece:	pieces
 * @n:		how many
 * @to:		room for them
 * @tag:	set: the tag, or that which there should have been
 * @opens:	they are opened; else sealed
 */
struct job {
	const struct aead_record *record;
	const struct aead_piece *piece;
	size_t n;
	uint8_t *to;
	uint8_t *tag;
	bool opens;
};

static void find_functions(struct state *s, const IMB_MGR *m)
{
	*s = (struct state){
		.gcm128 = {m->gcm128_pre, m->gcm128_init, m->gcm128_enc_update,
			   m->gcm128_dec_update, m->gcm128_enc_finalize,
			   m->gcm128_dec_finalize},
		.gcm256 = {m->gcm256_pre, m->gcm256_init, m->gcm256_enc_update,
			   m->gcm256_dec_update, m->gcm256_enc_finalize,
			   m->gcm256_dec_finalize},
		.chacha = {m->chacha20_poly1305_init,
			   m->chacha20_poly1305_enc_update,
			   m->chacha20_poly1305_dec_update,
			   m->chacha20_poly1305_finalize},
	};
}

static void *begin(void)
{
	static const uint64_t needed = IMB_FEATURE_AESNI |
				       IMB_FEATURE_SAFE_DATA |
				       IMB_FEATURE_SELF_TEST_PASS;
	IMB_MGR *const m = alloc_mb_mgr(0);
	struct state *s = NULL;

	if (!m)
		return NULL;
	init_mb_mgr_auto(m, NULL);
	if (!imb_get_errno(m) && (m->features & needed) == needed)
		s = aligned_alloc(_Alignof(struct state), sizeof(*s));
	if (s)
		find_functions(s, m);
	free_mb_mgr(m);
	return s;
}

/* What the library has not done it says here, and nowhere else. */
static bool is_done(void)
{
	return imb_get_errno(NULL) == 0;
}

/* Records come several at a time, and have one key. To expand it is a tenth of
 * what the largest takes. */
static const struct gcm_key_data *
expand(const struct gcm *g, const uint8_t *key, size_t len, struct kept *k)
{
	if (k->of == g && memeql_sec(k->key, key, len))
		return &k->expanded;
	k->of = NULL;
	g->expand(key, &k->expanded);
	if (!is_done())
		return NULL;
	memcpy(k->key, key, len);
	k->of = g;
	return &k->expanded;
}

static bool run_gcm(struct state *s, const struct gcm *g, const struct job *j)
{
	const struct aead_record *const r = j->record;
	const struct gcm_key_data *const key =
		expand(g, r->key, aead_key_len(r->cipher), &s->kept[j->opens]);
	struct gcm_context_data context;
	uint8_t *to = j->to;
	bool ok = key;

	if (ok) {
		g->begin(key, &context, r->nonce, r->aad, r->aad_len);
		ok = is_done();
	}
	for (size_t k = 0; ok && k < j->n; k++) {
		(j->opens ? g->open : g->seal)(
			key, &context, to, j->piece[k].data, j->piece[k].len);
		ok = is_done();
		to += j->piece[k].len;
	}
	if (ok) {
		(j->opens ? g->opened : g->sealed)(key, &context, j->tag,
						   AEAD_TAG);
		ok = is_done();
	}
	explicit_bzero(&context, sizeof(context));
	return ok;
}

static bool run_chacha(const struct chacha *c, const struct job *j)
{
	const struct aead_record *const r = j->record;
	struct chacha20_poly1305_context_data context;
	uint8_t *to = j->to;
	bool ok;

	c->begin(r->key, &context, r->nonce, r->aad, r->aad_len);
	ok = is_done();
	for (size_t k = 0; ok && k < j->n; k++) {
		(j->opens ? c->open : c->seal)(r->key, &context, to,
					       j->piece[k].data,
					       j->piece[k].len);
		ok = is_done();
		to += j->piece[k].len;
	}
	if (ok) {
		c->end(&context, j->tag, AEAD_TAG);
		ok = is_done();
	}
	explicit_bzero(&context, sizeof(context));
	return ok;
}

static bool run(struct state *s, const struct job *j)
{
	switch (j->record->cipher) {
	case AEAD_AES_128_GCM:
		return run_gcm(s, &s->gcm128, j);
	case AEAD_AES_256_GCM:
		return run_gcm(s, &s->gcm256, j);
	case AEAD_CHACHA20_POLY1305:
		return run_chacha(&s->chacha, j);
	case AEAD_CIPHERS:
		break;
	}
	return false;
}

static bool seal(void *state, const struct aead_record *r,
		 const struct aead_piece *piece, size_t n, uint8_t *to,
		 uint8_t *tag)
{
	const struct job j = {r, piece, n, to, tag, false};

	return run(state, &j);
}

static bool open_sealed(void *state, const struct aead_record *r,
			const uint8_t *from, size_t len, const uint8_t *tag,
			uint8_t *to)
{
	const struct aead_piece whole = {from, len};
	uint8_t right[AEAD_TAG];
	const struct job j = {r, &whole, 1, to, right, true};
	const bool ok = run(state, &j) && memeql_sec(right, tag, AEAD_TAG);

	/* Whoever knew it could say what he likes. */
	explicit_bzero(right, sizeof(right));
	return ok;
}

static void forget(void *state)
{
	struct state *const s = state;

	explicit_bzero(s->kept, sizeof(s->kept));
}

static void end(void *state)
{
	forget(state);
	free(state);
}

const struct aead_library aead_ipsec_mb = {
	.name = "ipsec-mb",
	.begin = begin,
	.end = end,
	.forget = forget,
	.seal = seal,
	.open = open_sealed,
};

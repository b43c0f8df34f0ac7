/* SPDX-License-Identifier: GPL-2.0-or-later */
/* record.c - Records of a TLS connection whose handshake is over. */
#include "record.h"

#include <string.h>

#include "alert.h"
#include "wolf.h"

#include <wolfssl/wolfcrypt/kdf.h>

/* TLS 1.2 with AES-GCM: octets of a nonce that are in the record, and of the IV
 * in front of them (RFC 5288 section 3). */
#define EXPLICIT 8
#define IMPLICIT (AEAD_NONCE - EXPLICIT)

/* What TLS 1.3 allows beside the content (RFC 8446 section 5.2), and TLS 1.2
 * (RFC 5246 section 6.2.3). */
#define MORE_13 256
#define MORE_12 2048

/* Octets that are authenticated in TLS 1.2: number, type, version, length. */
#define AAD_12 13

/* Records that AES-GCM may seal with one key: 2^24.5 (RFC 8446 section 5.5). */
#define RECORDS_MAX ((uint64_t)1 << 24)

static bool is_explicit(const struct records *r)
{
	return !r->tls13 && r->cipher != AEAD_CHACHA20_POLY1305;
}

static void number(uint8_t to[8], uint64_t n)
{
	for (int k = 7; k >= 0; k--) {
		to[k] = (uint8_t)n;
		n >>= 8;
	}
}

/* ---- Keys ------------------------------------------------------------ */

static bool expand(const struct records *r, const struct record_keys *k,
		   const char *label, uint8_t *to, size_t len)
{
	static const char protocol[] = "tls13 ";
	const int hash = r->secret_len == 48 ? WC_SHA384 : WC_SHA256;

	return wc_Tls13_HKDF_Expand_Label(
		       to, (word32)len, k->secret, r->secret_len,
		       (const byte *)protocol, sizeof(protocol) - 1,
		       (const byte *)label, (word32)strlen(label), NULL, 0,
		       hash) == 0;
}

bool record_derive(const struct records *r, struct record_keys *k)
{
	k->sequence = 0;
	return expand(r, k, "key", k->key, aead_key_len(r->cipher)) &&
	       expand(r, k, "iv", k->iv, sizeof(k->iv));
}

bool record_update(const struct records *r, struct record_keys *k)
{
	uint8_t next[RECORD_SECRET];
	const bool ok = expand(r, k, "traffic upd", next, r->secret_len);

	if (ok)
		memcpy(k->secret, next, r->secret_len);
	explicit_bzero(next, sizeof(next));
	return ok && record_derive(r, k);
}

bool record_is_spent(const struct records *r)
{
	return r->tls13 && r->cipher != AEAD_CHACHA20_POLY1305 &&
	       r->out.sequence >= RECORDS_MAX;
}

/* The number upon the IV (RFC 8446 section 5.3, RFC 7905 section 2); or what is
 * in the record behind it. */
static void make_nonce(const struct records *r, const struct record_keys *k,
		       const uint8_t *explicit, uint8_t nonce[AEAD_NONCE])
{
	uint8_t sequence[8];

	memcpy(nonce, k->iv, AEAD_NONCE);
	if (is_explicit(r)) {
		memcpy(nonce + IMPLICIT, explicit, EXPLICIT);
		return;
	}
	number(sequence, k->sequence);
	for (size_t n = 0; n < sizeof(sequence); n++)
		nonce[AEAD_NONCE - 8 + n] ^= sequence[n];
}

/* What is authenticated beside the text: its length in TLS 1.2, the record's
 * in TLS 1.3. */
static size_t make_aad(const struct records *r, const struct record_keys *k,
		       const uint8_t *head, size_t len, uint8_t aad[AAD_12])
{
	if (r->tls13) {
		memcpy(aad, head, RECORD_HEAD);
		return RECORD_HEAD;
	}
	number(aad, k->sequence);
	memcpy(aad + 8, head, 3);
	aad[11] = (uint8_t)(len >> 8);
	aad[12] = (uint8_t)len;
	return AAD_12;
}

/* ---- Opening --------------------------------------------------------- */

/* Octets of a record of this kind that are no text, and are always there. */
static size_t least(const struct records *r)
{
	return AEAD_TAG + (is_explicit(r) ? (size_t)EXPLICIT : 0) + r->tls13;
}

size_t record_len(const struct records *r, const uint8_t *octets,
		  uint8_t *ret_alert)
{
	const uint8_t type = octets[0];
	const size_t len = (size_t)octets[3] << 8 | octets[4];

	*ret_alert = ALERT_UNEXPECTED_MESSAGE;
	/* TLS 1.3's all look alike; no CCS comes after Finished. */
	if (r->tls13 ? type != RECORD_DATA
		     : type < RECORD_ALERT || type > RECORD_DATA)
		return 0;
	*ret_alert = ALERT_PROTOCOL_VERSION;
	if (octets[1] != 3 || (!r->tls13 && octets[2] != 3))
		return 0;
	*ret_alert = ALERT_RECORD_OVERFLOW;
	if (len > RECORD_TEXT + (r->tls13 ? MORE_13 : MORE_12))
		return 0;
	*ret_alert = ALERT_BAD_RECORD_MAC;
	return len < least(r) ? 0 : RECORD_HEAD + len;
}

/* The type stands behind the text, and zeros behind it (RFC 8446 section 5.4).
 */
static uint8_t read_inner(const uint8_t *text, struct record_opened *o)
{
	size_t len = o->len;

	while (len && !text[len - 1])
		len--;
	if (!len)
		return ALERT_UNEXPECTED_MESSAGE;
	o->len = len - 1;
	o->type = text[len - 1];
	return 0;
}

uint8_t record_open(struct records *r, struct aead *a, const uint8_t *record,
		    size_t len, uint8_t *to, struct record_opened *ret)
{
	const uint8_t *const body = record + RECORD_HEAD;
	const size_t skip = is_explicit(r) ? EXPLICIT : 0;
	uint8_t nonce[AEAD_NONCE];
	uint8_t aad[AAD_12];
	uint8_t alert;

	*ret = (struct record_opened){record[0],
				      len - RECORD_HEAD - skip - AEAD_TAG};
	make_nonce(r, &r->in, body, nonce);
	const struct aead_record sealed = {
		.cipher = r->cipher,
		.key = r->in.key,
		.nonce = nonce,
		.aad = aad,
		.aad_len = make_aad(r, &r->in, record, ret->len, aad),
	};
	if (!aead_open(a, &sealed, body + skip, ret->len,
		       body + skip + ret->len, to))
		return ALERT_BAD_RECORD_MAC;
	r->in.sequence++;
	alert = r->tls13 ? read_inner(to, ret) : 0;
	if (alert)
		return alert;
	return ret->len > RECORD_TEXT ? ALERT_RECORD_OVERFLOW : 0;
}

/* ---- Sealing --------------------------------------------------------- */

size_t record_seal(struct records *r, struct aead *a, enum record_type type,
		   const void *text, size_t len, uint8_t *to)
{
	const uint8_t inner = (uint8_t)type;
	const size_t skip = is_explicit(r) ? EXPLICIT : 0;
	const size_t sealed_len = skip + len + r->tls13 + AEAD_TAG;
	const struct aead_piece pieces[] = {{text, len}, {&inner, 1}};
	uint8_t *const body = to + RECORD_HEAD;
	uint8_t nonce[AEAD_NONCE];
	uint8_t aad[AAD_12];

	to[0] = r->tls13 ? RECORD_DATA : inner;
	to[1] = 3;
	to[2] = 3;
	to[3] = (uint8_t)(sealed_len >> 8);
	to[4] = (uint8_t)sealed_len;
	if (skip)
		number(body, r->nonce++);
	make_nonce(r, &r->out, body, nonce);
	const struct aead_record sealed = {
		.cipher = r->cipher,
		.key = r->out.key,
		.nonce = nonce,
		.aad = aad,
		.aad_len = make_aad(r, &r->out, to, len, aad),
	};
	if (!aead_seal(a, &sealed, pieces, r->tls13 ? 2 : 1, body + skip,
		       body + sealed_len - AEAD_TAG))
		return 0;
	r->out.sequence++;
	return RECORD_HEAD + sealed_len;
}

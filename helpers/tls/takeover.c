/* SPDX-License-Identifier: GPL-2.0-or-later */
/* takeover.c - A connection's keys, taken from wolfSSL. */
#include "takeover.h"

#include <string.h>

#include <wolfssl/wolfcrypt/kdf.h>

/* Whose handshake goes on: wolfSSL's hook has no argument of its own, and is
 * called from within takeover_shake() alone. */
static struct side *shaking;

/* Labels of the secrets of application data (RFC 8446 section 7.1). */
#define LABEL_LEN 12
static const char client_label[] = "c ap traffic";
static const char server_label[] = "s ap traffic";

static void take_secret(struct side *s, bool of_server, const uint8_t *secret,
			word32 len)
{
	const bool is_server = wolfSSL_is_server(s->ssl);
	struct record_keys *const k = of_server == is_server ? &s->records.out
							     : &s->records.in;

	if (len > sizeof(k->secret))
		return;
	memcpy(k->secret, secret, len);
	s->records.secret_len = (uint8_t)len;
}

/* What wolfSSL calls instead of computing it. */
static int expand_label(byte *okm, word32 okm_len, const byte *prk,
			word32 prk_len, const byte *protocol,
			word32 protocol_len, const byte *label,
			word32 label_len, const byte *info, word32 info_len,
			int digest, int side)
{
	const int ret = wc_Tls13_HKDF_Expand_Label(
		okm, okm_len, prk, prk_len, protocol, protocol_len, label,
		label_len, info, info_len, digest);

	(void)side;
	if (ret || !shaking || label_len != LABEL_LEN)
		return ret;
	if (memcmp(label, client_label, LABEL_LEN) == 0)
		take_secret(shaking, false, okm, okm_len);
	else if (memcmp(label, server_label, LABEL_LEN) == 0)
		take_secret(shaking, true, okm, okm_len);
	return ret;
}

void takeover_use(WOLFSSL_CTX *ctx)
{
	wolfSSL_CTX_SetHKDFExpandLabelCb(ctx, expand_label);
}

int takeover_shake(struct side *s, int (*shake)(WOLFSSL *ssl))
{
	int n;

	shaking = s;
	n = shake(s->ssl);
	shaking = NULL;
	return n;
}

/* Finished, the last record that was sent, has the nonce that the next one
 * follows. No other can be behind it. */
static bool take_nonce(struct side *s)
{
	const uint8_t *const at = s->tail;

	if (at[0] != RECORD_HANDSHAKE || at[1] != 3 || at[2] != 3 || at[3] ||
	    at[4] != SIDE_FINISHED - RECORD_HEAD)
		return false;
	s->records.nonce = 0;
	for (size_t k = 0; k < 8; k++)
		s->records.nonce = s->records.nonce << 8 | at[RECORD_HEAD + k];
	s->records.nonce++;
	return true;
}

static void take_keys(const struct records *r, struct record_keys *k,
		      const byte *key, const byte *iv)
{
	memcpy(k->key, key, aead_key_len(r->cipher));
	memcpy(k->iv, iv,
	       r->cipher == AEAD_CHACHA20_POLY1305 ? AEAD_NONCE
						   : AEAD_NONCE - 8);
}

/* TLS 1.2 has no secret behind its keys. */
static bool take_12(struct side *s)
{
	const byte *const keys[] = {wolfSSL_GetClientWriteKey(s->ssl),
				    wolfSSL_GetServerWriteKey(s->ssl)};
	const byte *const ivs[] = {wolfSSL_GetClientWriteIV(s->ssl),
				   wolfSSL_GetServerWriteIV(s->ssl)};
	const bool server = wolfSSL_is_server(s->ssl);
	struct records *const r = &s->records;

	if (!keys[0] || !keys[1] || !ivs[0] || !ivs[1])
		return false;
	take_keys(r, &r->out, keys[server], ivs[server]);
	take_keys(r, &r->in, keys[!server], ivs[!server]);
	return r->cipher == AEAD_CHACHA20_POLY1305 || take_nonce(s);
}

static bool take_13(struct records *r)
{
	return r->secret_len && record_derive(r, &r->in) &&
	       record_derive(r, &r->out);
}

static bool take_cipher(struct side *s)
{
	const char *const name = wolfSSL_get_cipher_name(s->ssl);
	const int len = wolfSSL_GetKeySize(s->ssl);

	if (name && strstr(name, "CHACHA20"))
		s->records.cipher = AEAD_CHACHA20_POLY1305;
	else if (name && strstr(name, "GCM") && (len == 16 || len == 32))
		s->records.cipher = len == 16 ? AEAD_AES_128_GCM
					      : AEAD_AES_256_GCM;
	else
		return false;
	return len == (int)aead_key_len(s->records.cipher);
}

bool takeover_finish(struct side *s)
{
	struct records *const r = &s->records;
	const int text = wolfSSL_GetMaxOutputSize(s->ssl);
	word64 in = 0;
	word64 out = 0;

	r->tls13 = wolfSSL_version(s->ssl) == TLS1_3_VERSION;
	r->text_max =
		(uint16_t)(text > 0 && text < RECORD_TEXT ? text : RECORD_TEXT);
	/* Whole records were read, and nothing is left of them. */
	if (s->left || s->head_len || wolfSSL_pending(s->ssl) ||
	    !take_cipher(s) || !(r->tls13 ? take_13(r) : take_12(s)))
		return false;
	/* It calls the first of all numbers, 0, a failure. */
	(void)wolfSSL_GetPeerSequenceNumber(s->ssl, &in);
	(void)wolfSSL_GetSequenceNumber(s->ssl, &out);
	r->in.sequence = in;
	r->out.sequence = out;
	return true;
}

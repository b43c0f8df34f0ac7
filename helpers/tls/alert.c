/* SPDX-License-Identifier: GPL-2.0-or-later */
/* alert.c - What went wrong, as a TLS alert and in words. */
#include "alert.h"

#include <string.h>

#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/chacha20_poly1305.h>

#include "crypto.h"

#define LEVEL_FATAL  2
#define RECORD_ALERT 21
#define RECORD_DATA  23
#define TAG	     16
#define NONCE	     12
/* TLS 1.2's AES-GCM: octets of the nonce that are in the record (RFC 5288). */
#define EXPLICIT 8

/** struct cause - A row of ALERT_CAUSES() */
struct cause {
	const char *why;
	enum alert_code alert;
};

static const struct cause causes[CAUSE_COUNT] = {
	[CAUSE_NONE] = {NULL, ALERT_INTERNAL_ERROR},
#define ALERT_ROW(id, a, w) [CAUSE_##id] = {.why = (w), .alert = ALERT_##a},
	ALERT_CAUSES(ALERT_ROW)
#undef ALERT_ROW
};

const char *alert_why(enum alert_cause cause)
{
	return causes[cause].why;
}

uint8_t alert_of(enum alert_cause cause)
{
	return (uint8_t)causes[cause].alert;
}

/** struct error - One of wolfSSL's errors, and what it is here */
struct error {
	int error;
	enum alert_cause cause;
};

static const struct error errors[] = {
	{ASN_AFTER_DATE_E, CAUSE_EXPIRED},
	{ASN_BEFORE_DATE_E, CAUSE_NOT_YET},
	{ASN_NO_SIGNER_E, CAUSE_UNKNOWN_CA},
	{ASN_SELF_SIGNED_E, CAUSE_SELF_SIGNED},
	{ASN_SIG_CONFIRM_E, CAUSE_BAD_SIGNATURE},
	{ASN_SIG_OID_E, CAUSE_BAD_SIGNATURE},
	{ASN_SIG_HASH_E, CAUSE_BAD_SIGNATURE},
	{ASN_SIG_KEY_E, CAUSE_BAD_SIGNATURE},
	{SIG_VERIFY_E, CAUSE_BAD_SIGNATURE},
	{ASN_NAME_INVALID_E, CAUSE_NOT_PERMITTED},
	{ASN_PATHLEN_INV_E, CAUSE_NO_CA},
	{ASN_PATHLEN_SIZE_E, CAUSE_NO_CA},
	{MAX_CHAIN_ERROR, CAUSE_NO_CA},
	{NOT_CA_ERROR, CAUSE_NO_CA},
	{RSA_KEY_SIZE_E, CAUSE_WEAK_KEY},
	{ECC_KEY_SIZE_E, CAUSE_WEAK_KEY},
	{ASN_PARSE_E, CAUSE_MALFORMED},
	{ASN_VERSION_E, CAUSE_MALFORMED},
	{ASN_GETINT_E, CAUSE_MALFORMED},
	{ASN_RSA_KEY_E, CAUSE_MALFORMED},
	{ASN_OBJECT_ID_E, CAUSE_MALFORMED},
	{ASN_TAG_NULL_E, CAUSE_MALFORMED},
	{ASN_EXPECT_0_E, CAUSE_MALFORMED},
	{ASN_BITSTR_E, CAUSE_MALFORMED},
	{ASN_DATE_SZ_E, CAUSE_MALFORMED},
	{ASN_TIME_E, CAUSE_MALFORMED},
	{ASN_INPUT_E, CAUSE_MALFORMED},
	{ASN_ALT_NAME_E, CAUSE_MALFORMED},
	{ASN_ECC_KEY_E, CAUSE_MALFORMED},
	{ASN_COUNTRY_SIZE_E, CAUSE_MALFORMED},
	{EXTENSIONS_E, CAUSE_MALFORMED},
	{ASN_CRIT_EXT_E, CAUSE_UNSUPPORTED},
	{ASN_UNKNOWN_OID_E, CAUSE_UNSUPPORTED},
	{PEER_KEY_ERROR, CAUSE_UNSUPPORTED},
	{ECC_CURVE_ERROR, CAUSE_UNSUPPORTED},
	{KEYUSE_SIGNATURE_E, CAUSE_WRONG_PURPOSE},
	{KEYUSE_ENCIPHER_E, CAUSE_WRONG_PURPOSE},
	{KEYUSAGE_E, CAUSE_WRONG_PURPOSE},
	{EXTKEYUSAGE_E, CAUSE_WRONG_PURPOSE},
	{EXTKEYUSE_AUTH_E, CAUSE_WRONG_PURPOSE},
	{MATCH_SUITE_ERROR, CAUSE_NO_SUITE},
	{UNSUPPORTED_SUITE, CAUSE_NO_SUITE},
	{VERSION_ERROR, CAUSE_VERSION},
	{UNKNOWN_ALPN_PROTOCOL_NAME_E, CAUSE_NO_ALPN},
	{MEMORY_E, CAUSE_MEMORY},
	{MEMORY_ERROR, CAUSE_MEMORY},
};

enum alert_cause alert_cause(int error)
{
	for (size_t k = 0; k < sizeof(errors) / sizeof(*errors); k++) {
		if (errors[k].error == error)
			return errors[k].cause;
	}
	return CAUSE_HANDSHAKE;
}

bool alert_received(const struct side *s, uint8_t *ret)
{
	WOLFSSL_ALERT_HISTORY h;

	if (wolfSSL_get_alert_history(s->ssl, &h) == WOLFSSL_SUCCESS &&
	    h.last_rx.level == LEVEL_FATAL) {
		*ret = (uint8_t)h.last_rx.code;
		return true;
	}
	/* In the clear, which wolfSSL did not expect: nobody's word for sure,
	 * but it is over either way. */
	if (s->sealed || s->alert[0] != LEVEL_FATAL)
		return false;
	*ret = s->alert[1];
	return true;
}

bool alert_plain(struct side *s, uint8_t code)
{
	const uint8_t record[] = {RECORD_ALERT, 3, 3, 0, 2, LEVEL_FATAL, code};

	return side_send(s, record, sizeof(record));
}

/** struct cipher - The keys of an open connection, for what we send */
struct cipher {
	const uint8_t *key;
	const uint8_t *iv;
	uint64_t sequence;
	word32 key_len;
	bool tls13;
	bool chacha;
};

static bool cipher_of(WOLFSSL *ssl, struct cipher *ret)
{
	const char *const name = wolfSSL_get_cipher_name(ssl);
	const bool server = wolfSSL_is_server(ssl);
	word64 sequence = 0;

	if (!name)
		return false;
	/* It calls the first of all numbers, 0, a failure. */
	(void)wolfSSL_GetSequenceNumber(ssl, &sequence);
	*ret = (struct cipher){
		.key = server ? wolfSSL_GetServerWriteKey(ssl)
			      : wolfSSL_GetClientWriteKey(ssl),
		.iv = server ? wolfSSL_GetServerWriteIV(ssl)
			     : wolfSSL_GetClientWriteIV(ssl),
		.sequence = sequence,
		.key_len = (word32)wolfSSL_GetKeySize(ssl),
		.tls13 = wolfSSL_version(ssl) == TLS1_3_VERSION,
		.chacha = strstr(name, "CHACHA20") != NULL,
	};
	return ret->key && ret->iv;
}

static bool encrypt(const struct cipher *c, const uint8_t nonce[NONCE],
		    const uint8_t *aad, word32 aad_len, uint8_t *text,
		    word32 len)
{
	Aes aes;
	bool ok;

	if (c->chacha)
		return wc_ChaCha20Poly1305_Encrypt(c->key, nonce, aad, aad_len,
						   text, len, text,
						   text + len) == 0;
	if (wc_AesInit(&aes, NULL, CRYPTO_DEVICE))
		return false;
	ok = wc_AesGcmSetKey(&aes, c->key, c->key_len) == 0 &&
	     wc_AesGcmEncrypt(&aes, text, text, len, nonce, NONCE, text + len,
			      TAG, aad, aad_len) == 0;
	wc_AesFree(&aes);
	explicit_bzero(&aes, sizeof(aes));
	return ok;
}

static void number(uint8_t to[8], uint64_t n)
{
	for (int k = 7; k >= 0; k--) {
		to[k] = (uint8_t)n;
		n >>= 8;
	}
}

/* The nonce is the sequence number upon the IV, as RFC 8446 section 5.3 and RFC
 * 7905 section 2 have it; TLS 1.2 with AES-GCM has four octets of IV, and sends
 * the rest. Sequence numbers do that (RFC 5288 section 3 suggests them), but
 * wolfSSL counts up from a random number: far from any, upside down. */
bool alert_sealed(struct side *s, uint8_t code)
{
	uint8_t record[5 + EXPLICIT + 3 + TAG] = {0, 3, 3, 0, 0};
	uint8_t aad[13];
	uint8_t nonce[NONCE];
	uint8_t sequence[8];
	struct cipher c;
	uint8_t *at = record + 5;
	word32 aad_len;
	word32 len = 2;

	if (!cipher_of(s->ssl, &c))
		return false;
	number(sequence, c.sequence);
	memset(nonce, 0, sizeof(nonce));
	if (c.tls13 || c.chacha) {
		memcpy(nonce, c.iv, NONCE);
		for (size_t k = 0; k < 8; k++)
			nonce[NONCE - 8 + k] ^= sequence[k];
	} else {
		memcpy(nonce, c.iv, NONCE - EXPLICIT);
		number(nonce + NONCE - EXPLICIT, ~c.sequence);
		memcpy(at, nonce + NONCE - EXPLICIT, EXPLICIT);
		at += EXPLICIT;
	}
	at[0] = LEVEL_FATAL;
	at[1] = code;
	if (c.tls13)
		at[len++] = RECORD_ALERT;
	record[0] = c.tls13 ? RECORD_DATA : RECORD_ALERT;
	record[4] = (uint8_t)(at - record - 5 + (ptrdiff_t)len + TAG);
	if (c.tls13) {
		aad_len = 5;
		memcpy(aad, record, aad_len);
	} else {
		aad_len = sizeof(aad);
		memcpy(aad, sequence, 8);
		memcpy(aad + 8, record, 3);
		aad[11] = 0;
		aad[12] = (uint8_t)len;
	}
	return encrypt(&c, nonce, aad, aad_len, at, len) &&
	       side_send(s, record, (size_t)record[4] + 5);
}

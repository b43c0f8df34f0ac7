/* SPDX-License-Identifier: GPL-2.0-or-later */
/* alert.c - What went wrong, as a TLS alert and in words. */
#include "alert.h"

#include <string.h>

/* Level of a fatal alert. */
#define LEVEL_FATAL 2

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

	if (!s->sealed &&
	    wolfSSL_get_alert_history(s->ssl, &h) == WOLFSSL_SUCCESS &&
	    h.last_rx.level == LEVEL_FATAL) {
		*ret = (uint8_t)h.last_rx.code;
		return true;
	}
	/* In the clear, which wolfSSL did not expect: nobody's word for sure,
	 * but it is over either way. Or of an open connection. */
	if (s->alert[0] != LEVEL_FATAL)
		return false;
	*ret = s->alert[1];
	return true;
}

bool alert_plain(struct side *s, uint8_t code)
{
	const uint8_t record[] = {RECORD_ALERT, 3, 3, 0, 2, LEVEL_FATAL, code};

	return side_send(s, record, sizeof(record));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* alert.h - What went wrong, as a TLS alert and in words.
 *
 * The guest is told of the server's failures in its own TLS: by the alert that
 * it would have sent or got had it spoken to the server itself (RFC 8446
 * section 6.2), so that its own messages are right.
 */
#ifndef MSB_ALERT_H
#define MSB_ALERT_H

#include <stdbool.h>
#include <stdint.h>

#include "side.h"

/** enum alert_code - Descriptions of alerts (RFC 8446 appendix B.2) */
enum alert_code {
	ALERT_CLOSE_NOTIFY = 0,
	ALERT_UNEXPECTED_MESSAGE = 10,
	ALERT_BAD_RECORD_MAC = 20,
	ALERT_RECORD_OVERFLOW = 22,
	ALERT_HANDSHAKE_FAILURE = 40,
	ALERT_BAD_CERTIFICATE = 42,
	ALERT_UNSUPPORTED_CERTIFICATE = 43,
	ALERT_CERTIFICATE_REVOKED = 44,
	ALERT_CERTIFICATE_EXPIRED = 45,
	ALERT_ILLEGAL_PARAMETER = 47,
	ALERT_UNKNOWN_CA = 48,
	ALERT_DECODE_ERROR = 50,
	ALERT_PROTOCOL_VERSION = 70,
	ALERT_INTERNAL_ERROR = 80,
	ALERT_USER_CANCELED = 90,
	ALERT_NO_RENEGOTIATION = 100,
	ALERT_NO_APPLICATION_PROTOCOL = 120,
};

/**
 * ALERT_CAUSES() - What may go wrong: enum tail, alert, words
 *
 * Rows up to MEMORY are of the server's side, or of what is between; those
 * behind are the guest's own doing.
 *
 * A certificate whose time has not come has certificate_expired: "has expired
 * or is not currently valid". A signature by SHA-1 has bad_certificate (section
 * 4.4.2.4), and so has what else is wrong with what was signed. A root, or one
 * between, that is not there has unknown_ca. A key of a kind that is not
 * supported, or not for servers, has unsupported_certificate. A list of revoked
 * certificates that is too old has certificate_expired, and what else is wrong
 * with one bad_certificate.
 */
#define ALERT_CAUSES(X) \
	X(EXPIRED, CERTIFICATE_EXPIRED, "certificate expired") \
	X(NOT_YET, CERTIFICATE_EXPIRED, "certificate not yet valid") \
	X(UNKNOWN_CA, UNKNOWN_CA, "certificate of an unknown issuer") \
	X(SELF_SIGNED, UNKNOWN_CA, "self-signed certificate") \
	X(WRONG_NAME, BAD_CERTIFICATE, "certificate for another name") \
	X(BAD_SIGNATURE, BAD_CERTIFICATE, \
	  "certificate not signed by its issuer") \
	X(NOT_PERMITTED, BAD_CERTIFICATE, "name not permitted to its issuer") \
	X(NO_CA, BAD_CERTIFICATE, "issuer may not issue") \
	X(WEAK_SIGNATURE, BAD_CERTIFICATE, \
	  "certificate signed with a weak hash") \
	X(WEAK_KEY, BAD_CERTIFICATE, "certificate with a weak key") \
	X(MALFORMED, BAD_CERTIFICATE, "malformed certificate") \
	X(REVOKED, CERTIFICATE_REVOKED, "certificate revoked") \
	X(LIST_EXPIRED, CERTIFICATE_EXPIRED, \
	  "revocation list of the issuer expired") \
	X(LIST_EARLY, BAD_CERTIFICATE, \
	  "revocation list of the issuer not yet valid") \
	X(LIST_UNSIGNED, BAD_CERTIFICATE, \
	  "revocation list not signed by the issuer") \
	X(WRONG_PURPOSE, UNSUPPORTED_CERTIFICATE, \
	  "certificate not for servers") \
	X(UNSUPPORTED, UNSUPPORTED_CERTIFICATE, \
	  "certificate of an unknown kind") \
	X(NO_SUITE, HANDSHAKE_FAILURE, "no cipher in common with the server") \
	X(HANDSHAKE, HANDSHAKE_FAILURE, "handshake with the server failed") \
	X(ENDED, HANDSHAKE_FAILURE, "server ended the handshake") \
	X(VERSION, PROTOCOL_VERSION, \
	  "no TLS version in common with the server") \
	X(NO_ALPN, NO_APPLICATION_PROTOCOL, \
	  "no protocol in common with the server") \
	X(ALERT, HANDSHAKE_FAILURE, "alert by the server") \
	X(REFUSED, INTERNAL_ERROR, "leaf not signed") \
	X(TAKEOVER, INTERNAL_ERROR, "wolfSSL does not tell its keys") \
	X(SIGNER, INTERNAL_ERROR, "no answer by the signer") \
	X(MEMORY, INTERNAL_ERROR, "out of memory") \
	X(OLD_GUEST, PROTOCOL_VERSION, "guest has no TLS 1.2") \
	X(NO_GROUP, HANDSHAKE_FAILURE, "no group in common with the guest") \
	X(GUEST_HANDSHAKE, HANDSHAKE_FAILURE, \
	  "handshake with the guest failed") \
	X(GUEST_ENDED, HANDSHAKE_FAILURE, "guest ended the handshake") \
	X(GUEST_ALERT, HANDSHAKE_FAILURE, "alert by the guest") \
	X(BROKEN, INTERNAL_ERROR, "TLS broken after the handshake") \
	X(RESET, INTERNAL_ERROR, "connection reset") \
	X(HTTP2_ONLY, NO_APPLICATION_PROTOCOL, \
	  "guest has HTTP/2 only, where a value may go into a body") \
	X(GATE, INTERNAL_ERROR, "not to be read as HTTP") \
	X(VIOLATION, INTERNAL_ERROR, "secret violation")

/** enum alert_cause - What went wrong, by ALERT_CAUSES() */
enum alert_cause {
	CAUSE_NONE,
#define ALERT_ENUM(id, alert, why) CAUSE_##id,
	ALERT_CAUSES(ALERT_ENUM)
#undef ALERT_ENUM
		CAUSE_COUNT,
};

/** alert_why() - A cause in words; NULL for CAUSE_NONE */
const char *alert_why(enum alert_cause cause);

/** alert_of() - The alert that says so */
uint8_t alert_of(enum alert_cause cause);

/** alert_cause() - The cause that wolfSSL's error is, of a handshake with a
 * server
 */
enum alert_cause alert_cause(int error);

/**
 * alert_received() - Whether the other end sent a fatal alert
 * @s:		end; TLS has begun
 * @ret:	its description; set if so
 */
bool alert_received(const struct side *s, uint8_t *ret);

/** alert_plain() - Send a fatal alert where there is no TLS yet; false if it
 * could not be
 */
bool alert_plain(struct side *s, uint8_t code);

#endif

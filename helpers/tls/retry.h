/* SPDX-License-Identifier: GPL-2.0-or-later */
/* retry.h - Whether a server's first answer is a HelloRetryRequest.
 *
 * A server of TLS 1.3 that likes none of a client's key shares asks for another
 * ClientHello (RFC 8446 section 4.1.4). That is to have the same name, and what
 * servers do if it has not is theirs: OpenSSL 3.0 goes by the second.
 */
#ifndef MSB_RETRY_H
#define MSB_RETRY_H

#include <stddef.h>
#include <stdint.h>

/** RETRY_MAX - Octets of an answer by which it is known, whatever it came in */
#define RETRY_MAX 512

/**
 * enum retry_answer - What an answer is
 * @RETRY_MORE:		cannot be told yet
 * @RETRY_NONE:		another one
 * @RETRY_ASKED:	a HelloRetryRequest
 */
enum retry_answer {
	RETRY_MORE,
	RETRY_NONE,
	RETRY_ASKED,
};

/**
 * retry_look() - Look at the beginning of what a server says
 * @data:	its first octets, as they came; each time all of them
 * @len:	how many
 *
 * Alerts that warn, and come first, are stepped over. No server needs more than
 * RETRY_MAX octets to say the first 38 of its message: one that does is to be
 * taken for one that has asked.
 */
enum retry_answer retry_look(const uint8_t *data, size_t len);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hello.h - The ClientHello at the beginning of a connection, read.
 *
 * Theory of Operation
 *
 * Pure, and fed as bytes arrive: any number of TCP segments, any number of TLS
 * records (RFC 8446 section 5.1, RFC 5246 section 6.2.1), one octet each if
 * need be. What it says is the same whatever the segmentation is: each octet is
 * held against all that is known by then, and the first that cannot be decides.
 *
 * A connection that does not begin like a record of TLS (SSLv2, plain text) is
 * HELLO_PLAIN as soon as its first octets say so: two behind a handshake's
 * type, three behind another one's. From there on it is TLS, and what a careful
 * server would refuse is refused here, a record of another type before the
 * ClientHello as well: if a name could be read in two ways, or not at all,
 * whoever judges by it and whoever is spoken to might read different ones.
 *
 * A record without octets is refused (RFC 8446 section 5.4), and so the octets
 * that a hello can take on the wire are bounded: HELLO_RAW_MAX.
 */
#ifndef MSB_HELLO_H
#define MSB_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dname.h"

/** HELLO_MAX - Octets of a ClientHello, its header included; more is
 * HELLO_BAD
 */
#define HELLO_MAX 16384

/** HELLO_RAW_MAX - Octets that are read at most: a record for each octet */
#define HELLO_RAW_MAX (6 * HELLO_MAX)

/** HELLO_ALPN_MAX - Protocols of an ALPN list that are remembered */
#define HELLO_ALPN_MAX 16

/**
 * enum hello_state - What was read so far
 * @HELLO_MORE:		it may become one
 * @HELLO_DONE:		it is complete, and in order
 * @HELLO_PLAIN:	it is no TLS at all
 * @HELLO_BAD:		it is TLS, and broken, too large, or of a version before
 *			TLS 1.0's record layer: @alert says how it is refused
 */
enum hello_state {
	HELLO_MORE,
	HELLO_DONE,
	HELLO_PLAIN,
	HELLO_BAD,
};

/**
 * struct hello - A ClientHello
 * @state:	state
 * @alert:	HELLO_BAD: the TLS alert (RFC 8446 section 6)
 * @why:	HELLO_BAD: what is wrong, in words
 * @sni:	the server's name, lower case, without trailing dot; length 0:
 *		there is none. It points into this struct
 * @sni_wire:	its octets
 * @has_alpn:	there is an ALPN extension
 * @alpn:	its protocols: offsets into the handshake message of a length
 *		octet and so many octets
 * @n_alpn:	how many
 * @message_len: octets of the handshake message that were read
 * @tls13:	it offers TLS 1.3 (supported_versions, RFC 8446 section 4.2.1)
 * @ech:	it has an encrypted_client_hello extension
 *
 * The other members are private to hello.c.
 */
struct hello {
	enum hello_state state;
	uint8_t alert;
	const char *why;
	struct dname sni;
	uint8_t sni_wire[DNAME_WIRE_MAX];
	bool has_alpn;
	uint16_t alpn[HELLO_ALPN_MAX];
	size_t n_alpn;
	size_t message_len;
	bool tls13;
	bool ech;
	size_t record_left;
	size_t header_len;
	uint8_t header[5];
};

/** hello_begin() - Get ready to read one */
void hello_begin(struct hello *h);

/**
 * hello_feed() - Read on
 * @h:		what was read so far
 * @message:	receives the handshake message (header of four octets, then the
 *		body), without the records' headers: room for
 *		@h->message_len + @len octets, or for HELLO_MAX. What was read
 *		before must be there
 * @data:	what has arrived
 * @len:	octets of it
 *
 * Once the state is another than HELLO_MORE nothing is read any more: what
 * follows in @data belongs to whoever goes on.
 *
 * A name in a ClientHello has to be one: labels of 1 to 63 letters, digits, "-"
 * and "_", 253 octets in all, one trailing dot aside. No address stands there
 * (RFC 6066 section 3), and nothing else does: such a hello is HELLO_BAD.
 *
 * Return: how many octets of @data were read
 */
size_t hello_feed(struct hello *h, uint8_t *message, const uint8_t *data,
		  size_t len);

#endif

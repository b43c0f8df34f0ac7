/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tlsd.h - The processes of msb-tlsd, and what they say to each other.
 *
 * Theory of Operation
 *
 *	supervisor ──channel──► monitor ──channel──► worker ◄── guest
 *	                           │ ◄────judge────── │  │
 *	                           │                  │  └──► servers
 *	                       nf_tables              │
 *	                                 signer ◄─────┘
 *
 * The worker reads what guests and servers send. It has no capability, no file,
 * no key of the CA, and makes no socket. It knows no policy either: for each
 * flow it tells the monitor what it has read, and is told what is to become of
 * it; if the flow may go on, the answer has a socket with it, which is
 * connected to the address that the guest dialled, or about to be, and can be
 * connected to no other.
 *
 * The monitor judges, by its own copy of the configuration: address and port as
 * dialled, the name in the ClientHello as the worker read it, and the pins,
 * which it looks up in the kernel's sets (CAP_NET_ADMIN of the gateway's
 * namespace, which is asked for at each look). It reads messages of fixed shape
 * and never a byte of a guest or a server. So whoever takes the worker over can
 * lie about a flow's name, and see what flows through: what no name could open
 * stays closed.
 *
 * The signer holds the CA's key, and nothing else: no socket, no capability. It
 * signs leaves for names and addresses that the policy does not deny, for the
 * one public key that the worker told it first.
 *
 * When one of them ends, all do, and the supervisor starts them anew. Flows end
 * with them; what was judged is judged again, and nothing passes meanwhile.
 */
#ifndef MSB_TLSD_H
#define MSB_TLSD_H

#include <stdint.h>

#include "dname.h"

/**
 * enum tlsd_stage - What the worker knows of a flow when it asks
 * @TLSD_EARLY:		nothing: nobody has said anything yet
 * @TLSD_PLAIN:		there will be no name: the server has spoken first, or
 *			the client in another protocol than TLS, or TLS without
 *			SNI is @TLSD_HELLO with no name
 * @TLSD_HELLO:		a ClientHello was read
 */
enum tlsd_stage {
	TLSD_EARLY,
	TLSD_PLAIN,
	TLSD_HELLO,
};

/**
 * enum tlsd_verdict - What becomes of a flow
 * @TLSD_DENY:		it is reset
 * @TLSD_WAIT:		only to TLSD_EARLY: without a name it is denied, with
 *			one it may be allowed. No socket comes with it
 * @TLSD_SPLICE:	its bytes go on as they are
 * @TLSD_INTERCEPT:	its TLS is ended here
 * @TLSD_READ:		its bytes go on as they are, but are read: plain text
 *			on port 80 where there are secrets. Not to TLSD_EARLY
 */
enum tlsd_verdict {
	TLSD_DENY,
	TLSD_WAIT,
	TLSD_SPLICE,
	TLSD_INTERCEPT,
	TLSD_READ,
};

/** TLSD_POINTER_MAX - Room for a JSON pointer, with NUL; longer ones are cut */
#define TLSD_POINTER_MAX 96

/**
 * struct tlsd_ask - Worker to monitor: one flow
 * @next:	1: judge it by the configuration that is being prepared
 * @dial:	1: if it may go on, a socket is wanted
 * @attempt:	0: the first try; 1: the first was refused, and there may be
 *		another address (the host's other loopback address)
 * @stage:	enum tlsd_stage
 * @family:	enum ip_family of the address that the guest dialled
 * @port:	port that it dialled
 * @address:	4 or 16 octets in network order; the rest 0
 * @name_len:	TLSD_HELLO: octets of the SNI; 0: it has none
 * @name:	the SNI, as in struct dname: lower case, checked
 *
 * One message is one request; its answer comes before the next is asked.
 */
struct tlsd_ask {
	uint8_t next;
	uint8_t dial;
	uint8_t attempt;
	uint8_t stage;
	uint8_t family;
	uint8_t name_len;
	uint16_t port;
	uint8_t address[16];
	uint8_t name[DNAME_WIRE_MAX + 1];
};

/**
 * struct tlsd_answer - Monitor to worker
 * @verdict:	enum tlsd_verdict
 * @error:	0, or the errno that dialling failed with; then no socket comes
 * @again:	1: there is another address to try if this one refuses
 * @bypass:	1: spliced because Bypass says so
 * @leaf_len:	TLSD_INTERCEPT without SNI: octets of the name that the leaf is
 *		for, as the address is pinned to it and to no other; 0: the leaf
 *		is for the address
 * @leaf:	that name
 * @pointer:	what decided, as JSON pointer
 *
 * One descriptor comes with it if a socket was asked for, and nothing failed.
 */
struct tlsd_answer {
	uint32_t verdict;
	int32_t error;
	uint8_t again;
	uint8_t bypass;
	uint8_t leaf_len;
	uint8_t leaf[DNAME_WIRE_MAX];
	char pointer[TLSD_POINTER_MAX];
};

/** TLSD_KEY_MAX - Octets of a public key: an uncompressed point of P-256 */
#define TLSD_KEY_MAX 65

/** TLSD_CA_ID - Octets that name a CA: the SHA-256 of its certificate */
#define TLSD_CA_ID 32

/** TLSD_LEAF_MAX - Octets of the largest leaf */
#define TLSD_LEAF_MAX 2048

/**
 * struct tlsd_sign - Worker to signer: one leaf
 * @family:	0: for a name; else enum ip_family: for an address
 * @name_len:	octets of the name
 * @name:	name, as in struct dname
 * @address:	4 or 16 octets in network order
 * @ca:		the CA whose certificate goes with the leaf: while another
 *		configuration is prepared, there can be two
 * @key:	the leaf's public key: what the first message says holds for all
 */
struct tlsd_sign {
	uint8_t family;
	uint8_t name_len;
	uint8_t name[DNAME_WIRE_MAX];
	uint8_t address[16];
	uint8_t ca[TLSD_CA_ID];
	uint8_t key[TLSD_KEY_MAX];
};

/**
 * struct tlsd_signed - Signer to worker
 * @len:	octets of @der; 0: it was refused
 * @until:	when the leaf is to be thrown away, seconds since the epoch
 * @der:	the leaf, DER
 */
struct tlsd_signed {
	uint32_t len;
	uint32_t zero;
	uint64_t until;
	uint8_t der[TLSD_LEAF_MAX];
};

#endif

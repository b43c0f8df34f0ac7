/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine.h - What the files behind intercept.h share. */
#ifndef MSB_ENGINE_H
#define MSB_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alert.h"
#include "crypto.h"
#include "dname.h"
#include "intercept.h"
#include "lru.h"
#include "outbox.h"
#include "revoked.h"
#include "side.h"
#include "stream.h"
#include "tlsd.h"
#include "wolf.h"

/** ENGINE_SUITES - Room for a list of ciphers */
#define ENGINE_SUITES 512

/** ENGINE_ALPN - Room for the protocols that are carried, as a list with
 * commas
 */
#define ENGINE_ALPN 16

/** ENGINE_TICKET - Octets of a ticket's end, by which it is known again */
#define ENGINE_TICKET 16

/** struct tide - How many there are, and most since memory was given back */
struct tide {
	size_t now;
	size_t peak;
};

/**
 * struct intercept_process - What a process has once
 * @signer:	channel to the signer
 * @began:	the rest is there
 * @crypto:	who computes
 * @suites:	ciphers, the fastest first
 * @key:	private key of all leaves, DER (RFC 5915)
 * @key_len:	octets
 * @point:	its public key, as the signer wants it
 * @live:	connections
 * @shaking:	those that are not open yet
 * @stream:	room for what is on its way from one side to the other: one for
 *		all connections, as nothing stays in it
 */
struct intercept_process {
	int signer;
	bool began;
	struct crypto crypto;
	char suites[ENGINE_SUITES];
	uint8_t key[160];
	uint32_t key_len;
	uint8_t point[TLSD_KEY_MAX];
	struct tide live;
	struct tide shaking;
	struct stream stream;
};

/**
 * struct intercept_env - What the connections under one configuration share
 * @process:	the process
 * @conf:	what it was told
 * @upstream:	wolfSSL's context towards servers; NULL: not made yet
 * @upstream_until: when it is made anew, seconds of the monotonic clock
 * @roots:	names of the roots, see path.c
 * @revoked:	lists of revoked certificates; NULL: none were given
 * @issuers:	certificates that wolfSSL has kept as CAs
 * @sessions:	sessions of servers
 * @signatures:	signatures of certificates that were found to be right
 * @guest:	wolfSSL's context towards guests
 * @leaves:	leaves
 * @ca_id:	name of the CA, as the signer knows it
 * @chain:	what is sent behind a leaf, DER one after the other
 * @chain_len:	octets
 */
struct intercept_env {
	struct intercept_process *process;
	struct intercept_conf conf;
	WOLFSSL_CTX *upstream;
	uint64_t upstream_until;
	struct lru *roots;
	struct revoked *revoked;
	struct lru *issuers;
	struct lru *sessions;
	struct lru *signatures;
	WOLFSSL_CTX *guest;
	struct lru *leaves;
	uint8_t ca_id[TLSD_CA_ID];
	uint8_t *chain;
	size_t chain_len;
};

/** enum engine_stage - How far a connection is */
enum engine_stage {
	STAGE_SERVER, /* handshake with the server */
	STAGE_REDIAL, /* there is no server until another socket comes */
	STAGE_GUEST,  /* handshake with the guest */
	STAGE_OPEN,
	STAGE_OVER,
};

/**
 * struct way - What goes from one side to the other
 * @batch:	octets that are read at once, at most: see stream_read()
 * @out:	what a gate has let through, and goes next
 * @finished:	the gate knows that nothing more comes
 * @ended:	nothing more comes
 * @notified:	it ended with close_notify
 * @told:	so was the other side told
 * @reset:	it ended with a reset
 * @shut:	and the other side was told, or cannot be
 */
struct way {
	size_t batch;
	struct outbox out;
	bool finished;
	bool ended;
	bool notified;
	bool told;
	bool reset;
	bool shut;
};

/** enum { GUEST, SERVER } - The sides of a connection */
enum { GUEST, SERVER };

/**
 * struct intercept - One connection
 * @env:	environment
 * @side:	guest, server
 * @way:	from the guest, from the server
 * @stage:	how far it is
 * @cause:	what went wrong
 * @to:		address that the guest dialled
 * @name:	name that the server's certificate is for, as is the leaf;
 *		length 0: @to
 * @sni:	it is sent to the server
 * @name_wire:	its octets
 * @verdict:	what is wrong with the server's certificate, beside what wolfSSL
 *		found
 * @chain_done:	the server's certificates were looked at, and are in order
 * @counted:	it is one of the process's @live
 * @shaking:	and one of its @shaking
 * @saved:	the server's session was kept
 * @offered:	a session was offered to the server
 * @anew:	none is to be offered: it failed with one
 * @ticket:	end of the ticket that was offered
 * @alpn:	protocols that the guest offered, of those that are carried
 * @secrets:	secrets; NULL: none
 * @gate:	what is said goes through it; NULL: there is none
 * @violation:	CAUSE_VIOLATION: which; CAUSE_GATE: why
 */
struct intercept {
	struct intercept_env *env;
	struct side side[2];
	struct way way[2];
	enum engine_stage stage;
	enum alert_cause cause;
	struct address to;
	struct dname name;
	bool sni;
	uint8_t name_wire[DNAME_WIRE_MAX];
	enum alert_cause verdict;
	bool chain_done;
	bool counted;
	bool shaking;
	bool saved;
	bool offered;
	bool anew;
	uint8_t ticket[ENGINE_TICKET];
	char alpn[ENGINE_ALPN];
	const struct gate_env *secrets;
	struct gate *gate;
	struct gate_violation violation;
};

/** engine_now() - Seconds of the monotonic clock */
uint64_t engine_now(void);

/* ---- upstream.c ------------------------------------------------------ */

/** upstream_begin() - Begin TLS with the server; CAUSE_NONE on success */
enum alert_cause upstream_begin(struct intercept *i)
	__attribute__((warn_unused_result));

/** upstream_keep() - Keep the server's session, if there is one to be kept */
void upstream_keep(struct intercept *i);

/** upstream_forget() - Drop the session that was offered, if any, and keep none
 * for some minutes: the handshake failed
 */
void upstream_forget(struct intercept *i);

/** upstream_alpn() - Protocol that the server chose; NULL: none */
const char *upstream_alpn(const struct intercept *i);

/* ---- signature.c ----------------------------------------------------- */

/** signatures_new() - Make an environment's cache of them */
struct lru *signatures_new(void) __attribute__((warn_unused_result));

/** signature_verify() - wolfSSL's callback; its context is the connection */
int signature_verify(WOLFSSL *ssl, const unsigned char *sig,
		     unsigned int sig_len, const unsigned char *hash,
		     unsigned int hash_len, const unsigned char *der,
		     unsigned int len, int *result, void *ctx);

/**
 * signature_is_by() - Whether a certificate is signed with a key
 * @env:	environment, whose cache has those that were found to be right
 * @cert:	certificate
 * @key:	SubjectPublicKeyInfo, with its header
 */
bool signature_is_by(const struct intercept_env *env, struct der_view cert,
		     struct der_view key);

/* ---- mint.c ---------------------------------------------------------- */

/** mint_key() - Make the key of all leaves */
bool mint_key(struct intercept_process *p) __attribute__((warn_unused_result));

/** mint_env() - Make an environment's part; NULL, or why not */
const char *mint_env(struct intercept_env *env)
	__attribute__((warn_unused_result));

/**
 * mint_begin() - Begin TLS with the guest, with a leaf of its server's name
 * @i:		connection
 * @alpn:	protocol; NULL: none
 */
enum alert_cause mint_begin(struct intercept *i, const char *alpn)
	__attribute__((warn_unused_result));

/* ---- gated.c --------------------------------------------------------- */

/** gated_may_h2() - Whether HTTP/2 may be offered */
bool gated_may_h2(const struct intercept *i);

/** gated_begin() - Begin the gate, if there are secrets; false: no memory
 * @i:		connection, whose server is known
 * @h2:		HTTP/2 was agreed upon
 */
bool gated_begin(struct intercept *i, bool h2)
	__attribute__((warn_unused_result));

/**
 * gated_feed() - One side said something
 * @i:		connection
 * @from:	which side
 * @text:	what, where nothing is in its way's outbox; set to those octets
 *		of it that go on as they are
 * @len:	octets of it; set to how many these are
 *
 * All else that goes on is in the outboxes then; that of this way goes after
 * these octets.
 *
 * Return: false if it ends the connection
 */
bool gated_feed(struct intercept *i, unsigned int from, const uint8_t **text,
		size_t *len) __attribute__((warn_unused_result));

/** gated_finish() - A side says no more; false if that ends the connection */
bool gated_finish(struct intercept *i, unsigned int from)
	__attribute__((warn_unused_result));

/** gated_end() - Release */
void gated_end(struct intercept *i);

/* ---- pump.c ---------------------------------------------------------- */

/** pump_open() - Both handshakes are over: take over from wolfSSL; CAUSE_NONE
 * on success
 */
enum alert_cause pump_open(struct intercept *i)
	__attribute__((warn_unused_result));

/** pump_run() - Carry what there is, both ways */
enum intercept_state pump_run(struct intercept *i)
	__attribute__((warn_unused_result));

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* intercept.h - TLS that is ended here: the server's side first, then the
 * guest's.
 *
 * Theory of Operation
 *
 *	guest ◄──── TLS, our leaf ────► intercept ◄──── TLS, verified ────►
 *server
 *
 * The server is spoken to first, with the name that the guest gave and with
 * those of its ALPN protocols that we carry (h2, http/1.1). Only when the
 *server is known to be who it has to be is the guest answered, with a leaf for
 *that name and the protocol that the server chose. What goes wrong with the
 *server is told to the guest as the alert that says so.
 *
 * After that, what one side says the other is told as it comes: nothing is held
 * back that is whole, or asked for while what came before waits to be sent.
 * How a side ends is told as well: close_notify as close_notify, the end of TCP
 * without it as that, so that what was cut off looks cut off; a fatal alert as
 * the same alert; a reset as a reset.
 *
 * Where there are secrets, what is said goes through a gate (gate.h) on its
 *way, and HTTP/2 is left out of the protocols where the gate wants that. A
 * violation ends the connection at once: what waits to be sent is thrown away.
 *
 * Nobody is renegotiated with, nothing is compressed, no early data is taken,
 * and guests get no tickets: wolfSSL 5.5.4's server would save one signature of
 * 75 µs by one, and has had most of its trouble there. Servers' tickets are
 * used: what they save is the verification of a chain.
 */
#ifndef MSB_INTERCEPT_H
#define MSB_INTERCEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "gate.h"
#include "hello.h"

struct intercept_process;
struct intercept_env;
struct intercept;

/**
 * intercept_process_new() - What a process has once, before it is confined
 * @signer:	channel to the signer: struct tlsd_sign, struct tlsd_signed.
 *		Stays the caller's; calls on it wait no longer than two seconds
 *		from now on
 * @ret_reason:	why not, if it fails
 *
 * wolfSSL and libgcrypt open files when they are initialised, and none later.
 * What else is needed is made when the first environment is.
 */
struct intercept_process *intercept_process_new(int signer,
						const char **ret_reason)
	__attribute__((warn_unused_result));

/** intercept_process_free() - Release; no environment may be left */
void intercept_process_free(struct intercept_process *p);

/**
 * struct intercept_conf - What interception is told once for all flows
 * @process:	the process
 * @verify:	VerifyUpstream
 * @roots:	PEM of the roots, and of revocation lists, read when the first
 *		flow comes: it stays where it is as long as the environment is
 *		there
 * @roots_len:	octets
 * @ca:		PEM of the CA's certificate, and of those above it
 * @ca_len:	octets
 */
struct intercept_conf {
	struct intercept_process *process;
	bool verify;
	const void *roots;
	size_t roots_len;
	const void *ca;
	size_t ca_len;
};

/** intercept_env_new() - Get ready; NULL, with a reason, if that fails */
struct intercept_env *intercept_env_new(const struct intercept_conf *c,
					const char **ret_reason)
	__attribute__((warn_unused_result));

/** intercept_env_free() - Release; no connection may be left */
void intercept_env_free(struct intercept_env *env);

/** intercept_env_crypto() - What computes ciphers, and curves */
const char *intercept_env_crypto(const struct intercept_env *env);

/**
 * struct intercept_flow - One connection
 * @guest:	non-blocking socket to the guest; everything behind the
 *		ClientHello is still to be read, but for @rest
 * @server:	non-blocking socket, connected
 * @to:		address that the guest dialled
 * @hello:	its ClientHello
 * @message:	the handshake message, hello->message_len octets
 * @rest:	what was read behind it, and is to be read first
 * @rest_len:	octets
 * @leaf:	without SNI: the name that the leaf is for; length 0: @to
 * @secrets:	secrets, which stay where they are as long as the connection is
 *		there; NULL: none. Only a server that was verified to be the
 *		one of the SNI may have any
 */
struct intercept_flow {
	int guest;
	int server;
	struct address to;
	const struct hello *hello;
	const uint8_t *message;
	const uint8_t *rest;
	size_t rest_len;
	struct dname leaf;
	const struct gate_env *secrets;
};

/**
 * intercept_begin() - Begin
 * @env:	environment
 * @f:		connection: copied as far as it is needed later, sockets
 *		excepted, which stay the caller's
 *
 * Return: NULL if there is no memory for it
 */
struct intercept *intercept_begin(struct intercept_env *env,
				  const struct intercept_flow *f)
	__attribute__((warn_unused_result));

/** intercept_events() - Take note of what epoll says of side 0 (guest) or 1
 * (server): EPOLL* bits, edge-triggered
 */
void intercept_events(struct intercept *i, unsigned int side, uint32_t events);

/**
 * enum intercept_state - What a call of intercept_run() came to
 * @INTERCEPT_WAIT:	nothing can be done now
 * @INTERCEPT_MORE:	there is more; others should have their turn first
 * @INTERCEPT_DONE:	both sides have ended in order: the owner closes both
 *			sockets
 * @INTERCEPT_FAILED:	it failed: what can be told was told (alerts are on
 *			their way); the owner closes the sockets, with a reset
 *			if intercept_is_open()
 * @INTERCEPT_REDIAL:	the server ended the handshake with a session that it
 *			was offered, and the guest knows nothing of it: the
 *			owner closes the server's socket, and connects another
 *			one, to the same address, for intercept_redial()
 *
 * After a fatal alert that was passed on it is INTERCEPT_DONE, so that no reset
 * overtakes the alert; intercept_why() is set then, too.
 */
enum intercept_state {
	INTERCEPT_WAIT,
	INTERCEPT_MORE,
	INTERCEPT_DONE,
	INTERCEPT_FAILED,
	INTERCEPT_REDIAL,
};

/** intercept_run() - Go on */
enum intercept_state intercept_run(struct intercept *i)
	__attribute__((warn_unused_result));

/**
 * intercept_redial() - Begin again with the server, without a session
 * @i:		connection that was INTERCEPT_REDIAL, which it is once
 * @server:	non-blocking socket, connected; the caller's
 *
 * intercept_run() goes on, or says what failed.
 */
void intercept_redial(struct intercept *i, int server);

/** intercept_is_open() - Whether both handshakes are over */
bool intercept_is_open(const struct intercept *i);

/** intercept_why() - What went wrong, for the event log: "expired", ...; NULL
 */
const char *intercept_why(const struct intercept *i);

/**
 * intercept_violation() - What the guest did with a secret
 * @i:		connection
 *
 * Return: NULL if it did nothing. Else it is INTERCEPT_FAILED, and open
 */
const struct gate_violation *intercept_violation(const struct intercept *i);

/** intercept_end() - Release; the sockets stay open */
void intercept_end(struct intercept *i);

#endif

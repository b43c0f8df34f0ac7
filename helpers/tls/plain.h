/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plain.h - A flow that is not encrypted: read, and passed on both ways.
 *
 * Theory of Operation
 *
 *	guest ──recv──► gate ──► outbox ──send──► server, and back
 *
 * What a side says goes through the gate (gate.h), and what comes out of that
 * waits in an outbox until the other side takes it. While something waits,
 * nothing more is read: then the sender's window closes. Nothing that is read
 * goes on before all of it was looked through, so of a read that has a
 * violation in it no octet leaves.
 *
 * An end is passed on as an end, once everything before it has gone. Who resets
 * the connection ends it for both: the guest at once, as it wants to hear no
 * more; the server when the guest has what came before, which may be an answer.
 */
#ifndef MSB_PLAIN_H
#define MSB_PLAIN_H

#include <stddef.h>
#include <stdint.h>

#include "gate.h"
#include "intercept.h"

struct plain;

/**
 * plain_begin() - Begin
 * @env:	secrets that the guest must not send
 * @guest:	non-blocking socket to the guest; stays the caller's
 * @server:	non-blocking socket, connected; likewise
 * @head:	what the guest has said already
 * @head_len:	octets
 *
 * Return: NULL if there is no memory
 */
struct plain *plain_begin(const struct gate_env *env, int guest, int server,
			  const uint8_t *head, size_t head_len)
	__attribute__((warn_unused_result));

/** plain_events() - Take note of what epoll says of side 0 (guest) or 1
 * (server): EPOLL* bits, edge-triggered
 */
void plain_events(struct plain *p, unsigned int side, uint32_t events);

/**
 * plain_run() - Go on
 * @p:		flow
 * @room:	room for what is read
 * @len:	octets
 *
 * Return: INTERCEPT_DONE: the owner closes both sockets; INTERCEPT_FAILED: with
 * a reset
 */
enum intercept_state plain_run(struct plain *p, uint8_t *room, size_t len)
	__attribute__((warn_unused_result));

/** plain_violation() - What ended it, if that was a violation; else NULL */
const struct gate_violation *plain_violation(const struct plain *p);

/** plain_why() - What ended it, if that was a limit; else NULL */
const char *plain_why(const struct plain *p);

/** plain_end() - Release; the sockets stay open */
void plain_end(struct plain *p);

#endif

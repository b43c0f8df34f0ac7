/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sign.h - What the signer signs, and what it refuses. */
#ifndef MSB_SIGN_H
#define MSB_SIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "authority.h"
#include "given.h"
#include "tls_conf.h"
#include "tlsd.h"

/** SIGN_BURST - Leaves that are signed one after the other without a pause */
#define SIGN_BURST 1000

/** SIGN_PER_SECOND - Leaves that are signed in a second after that; what is
 * asked for beyond is refused, and the worker may ask again
 */
#define SIGN_PER_SECOND 250

/**
 * struct sign_side - A configuration and its CA
 * @given:	what came with it
 * @conf:	configuration; NULL: there is none
 * @ca:		memory for its CA, which was read if @ca->key is a key
 */
struct sign_side {
	struct given given;
	struct tls_conf *conf;
	struct authority *ca;
};

/**
 * struct sign - Everything that decides what is signed
 * @now:	configuration in force
 * @next:	configuration that is prepared
 * @prepared:	@next is complete
 * @has_key:	@key is set
 * @key:	the public key that all leaves have
 * @tokens:	leaves that may be signed now
 * @refilled:	when @tokens was last raised, milliseconds
 * @signed_:	leaves signed
 * @refused:	leaves refused
 */
struct sign {
	struct sign_side now;
	struct sign_side next;
	bool prepared;
	bool has_key;
	uint8_t key[TLSD_KEY_MAX];
	uint32_t tokens;
	uint64_t refilled;
	uint64_t signed_;
	uint64_t refused;
};

/**
 * sign_permits() - Whether a leaf can be needed under a configuration
 * @c:		configuration
 * @subject:	whom the leaf is for
 *
 * A name: none that is denied, or in Bypass, but one with which the rules allow
 * some address at an intercepted port. An address: one that the rules allow
 * there without a name. Which address a name has, and to which name an address
 * is pinned, is not known here: if it matters, it is taken to be what allows
 * the flow.
 */
bool sign_permits(const struct tls_conf *c, const struct leaf_subject *subject);

/** sign_init() - Begin with nothing; false if there is no memory for the keys
 */
bool sign_init(struct sign *s) __attribute__((warn_unused_result));

/** sign_free() - Wipe and release */
void sign_free(struct sign *s);

/**
 * sign_ready() - A configuration came with all it has: read its CA
 * @s:		signer; @next has its @conf and its descriptors
 * @now:	seconds since the epoch
 *
 * Return: whether it can be put in force; else @next.given.refused says why
 */
bool sign_ready(struct sign *s, int64_t now)
	__attribute__((warn_unused_result));

/** sign_commit() - Put what is prepared in force; the old CA is wiped */
void sign_commit(struct sign *s);

/** sign_abort() - Drop what is prepared; its CA is wiped */
void sign_abort(struct sign *s);

/**
 * sign_answer() - Answer one request
 * @s:		signer
 * @ask:	request: of a process that may have been taken over
 * @now:	seconds since the epoch
 * @clock:	a clock that never goes back, milliseconds
 * @ret:	answer
 */
void sign_answer(struct sign *s, const struct tlsd_sign *ask, int64_t now,
		 uint64_t clock, struct tlsd_signed *ret);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* revoked.h - Whether a certificate was revoked, by the lists that were given.
 *
 * A list counts for what was issued with the key that it is signed with. Which
 * key that is, is known when a chain has led to it: a list is read when the
 * first certificate of its issuer comes, and what is kept of it then is its
 * serial numbers.
 *
 * Who has lists has to have a good one: where none of those with an issuer's
 * name is signed with its key and of this time, its certificates are not to be
 * believed. Lists may come over networks that change them, and one that was
 * spoiled must not be as good as none.
 */
#ifndef MSB_REVOKED_H
#define MSB_REVOKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "der.h"

struct revoked;

/**
 * revoked_new() - Begin without lists
 * @text:	PEM; stays where it is
 * @len:	octets
 *
 * Return: NULL if there is no memory for it
 */
struct revoked *revoked_new(const char *text, size_t len)
	__attribute__((warn_unused_result));

/**
 * revoked_add() - Add a list
 * @r:		lists
 * @der:	the list. One that cannot be read is none: whoever applied the
 *		configuration was told
 * @at:		where in the text pem_next() finds it
 *
 * Return: false if there is no memory for it
 */
bool revoked_add(struct revoked *r, struct der_view der, size_t at)
	__attribute__((warn_unused_result));

/**
 * enum revoked_verdict - What lists say of a certificate
 * @REVOKED_UNLISTED:	nothing: there is none with its issuer's name
 * @REVOKED_NOT:	it is not on any of its issuer's
 * @REVOKED_YES:	it is on one
 * @REVOKED_EXPIRED:	its issuer has none that is not too old
 * @REVOKED_EARLY:	its issuer has none whose time has come
 * @REVOKED_UNSIGNED:	none is signed by its issuer, or it may sign none
 * @REVOKED_MEMORY:	there is no memory
 */
enum revoked_verdict {
	REVOKED_UNLISTED,
	REVOKED_NOT,
	REVOKED_YES,
	REVOKED_EXPIRED,
	REVOKED_EARLY,
	REVOKED_UNSIGNED,
	REVOKED_MEMORY,
};

/**
 * struct issuer_key - A key that certificates are issued with
 * @spki:	SubjectPublicKeyInfo, with its header
 * @lists:	it may sign lists: its certificate has no keyUsage, or cRLSign
 */
struct issuer_key {
	struct der_view spki;
	bool lists;
};

/**
 * revoked_check() - What lists say of a certificate
 * @r:		lists
 * @issuer:	its issuer's Name, without its header: octets are compared, as
 *		RFC 5280 wants names of an issuer to be the same octets
 * @serial:	its serial number, an INTEGER's contents
 * @key:	key that it is signed with
 * @now:	seconds since the epoch
 */
enum revoked_verdict revoked_check(struct revoked *r, struct der_view issuer,
				   struct der_view serial,
				   const struct issuer_key *key, int64_t now);

/** revoked_free() - Release */
void revoked_free(struct revoked *r);

#endif

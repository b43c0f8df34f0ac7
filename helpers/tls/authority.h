/* SPDX-License-Identifier: GPL-2.0-or-later */
/* authority.h - A CA: its certificate, its key, and the leaves that it signs.
 */
#ifndef MSB_AUTHORITY_H
#define MSB_AUTHORITY_H

#include "key.h"

/** AUTHORITY_DER_MAX - Octets of the largest certificate of a CA */
#define AUTHORITY_DER_MAX 8192

/** AUTHORITY_TEXT_MAX - Octets of the largest file with one */
#define AUTHORITY_TEXT_MAX (64u << 10)

/** AUTHORITY_WHY_MAX - Room for why one is refused, with NUL */
#define AUTHORITY_WHY_MAX 192

/**
 * struct authority - A CA
 * @der:	certificate
 * @der_len:	octets
 * @cert:	what it says
 * @kind:	what kind of key it has
 * @digest:	SHA-256 of the certificate: its fingerprint
 * @id:		identifier of its key: what its certificate says, or else what
 *		is computed
 * @id_len:	octets
 * @id_room:	room for what is computed
 * @key:	its key; KEY_NONE if it was not read
 */
struct authority {
	uint8_t der[AUTHORITY_DER_MAX];
	size_t der_len;
	struct x509 cert;
	enum key_kind kind;
	uint8_t digest[KEY_DIGEST];
	struct der_view id;
	uint8_t id_room[CERT_KEY_ID];
	struct key key;
};

/**
 * authority_new() - Take memory for one
 *
 * It is not in a core file, not given to a child, and not swapped out as far as
 * the limits of this process allow that.
 *
 * Return: zeroed memory; NULL and errno if there is none
 */
struct authority *authority_new(void) __attribute__((warn_unused_result));

/** authority_free() - Wipe and release it; NULL is nothing */
void authority_free(struct authority *a);

/** authority_forget() - Wipe what is in it */
void authority_forget(struct authority *a);

/**
 * authority_read_cert() - Read the first certificate of a file
 * @a:		zeroed; receives it
 * @fd:		descriptor of PEM text, read from its start
 * @now:	seconds since the epoch
 * @ret_why:	if it is refused: why, as the end of a sentence that begins with
 *		the certificate
 *
 * It is refused if it is not that of a CA, or not valid now, or has a key that
 * is not served.
 *
 * Return: whether it is one
 */
bool authority_read_cert(struct authority *a, int fd, int64_t now,
			 char ret_why[AUTHORITY_WHY_MAX])
	__attribute__((warn_unused_result));

/**
 * authority_read_key() - Read its key, and see that it is the certificate's
 *
 * As authority_read_cert(); the sentence begins with the key.
 */
bool authority_read_key(struct authority *a, int fd,
			char ret_why[AUTHORITY_WHY_MAX])
	__attribute__((warn_unused_result));

/**
 * authority_make() - Make a CA, with a certificate that it signs itself
 * @a:		zeroed; receives it
 * @now:	seconds since the epoch
 */
bool authority_make(struct authority *a, int64_t now)
	__attribute__((warn_unused_result));

/**
 * authority_leaf() - Sign a leaf
 * @a:		CA with a key
 * @subject:	whom it is for
 * @point:	the leaf's public key
 * @now:	seconds since the epoch
 * @d:		receives the certificate
 * @ret_until:	when the leaf is to be thrown away: while a guest's clock that
 *is two days early still takes it; set on success
 *
 * Return: whether it was signed
 */
bool authority_leaf(struct authority *a, const struct leaf_subject *subject,
		    const uint8_t point[CERT_POINT], int64_t now, struct der *d,
		    int64_t *ret_until) __attribute__((warn_unused_result));

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* revoked.c - Whether a certificate was revoked, by the lists that were given.
 */
#include "revoked.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "crl.h"
#include "key.h"
#include "pem.h"
#include "serials.h"

/**
 * struct list - A list
 * @next:	next one
 * @at:		where it is in the text
 * @size:	octets of its DER
 * @since:	when its time begins
 * @until:	when it ends
 * @tried:	@key is set
 * @key:	digest of the key that it was last verified with
 * @serials:	what is on it; NULL: it is not signed with that key
 * @issuer_len:	octets of @issuer
 * @issuer:	issuer's Name
 */
struct list {
	struct list *next;
	size_t at;
	size_t size;
	int64_t since;
	int64_t until;
	bool tried;
	uint8_t key[KEY_DIGEST];
	struct serials *serials;
	size_t issuer_len;
	uint8_t issuer[];
};

/**
 * struct revoked - Lists
 * @text:	PEM
 * @len:	octets of it
 * @lists:	lists
 */
struct revoked {
	const char *text;
	size_t len;
	struct list *lists;
};

struct revoked *revoked_new(const char *text, size_t len)
{
	struct revoked *const r = calloc(1, sizeof(*r));

	if (r) {
		r->text = text;
		r->len = len;
	}
	return r;
}

bool revoked_add(struct revoked *r, struct der_view der, size_t at)
{
	struct list *l;
	struct crl c;

	if (crl_read(der, &c) != NULL)
		return true;
	l = calloc(1, sizeof(*l) + c.issuer.len);
	if (!l)
		return false;
	l->at = at;
	l->size = der.len;
	l->since = c.since;
	l->until = c.until;
	l->issuer_len = c.issuer.len;
	memcpy(l->issuer, c.issuer.p, c.issuer.len);
	l->next = r->lists;
	r->lists = l;
	return true;
}

/* Its signature is verified, and the serial numbers are taken; false: there is
 * no memory. */
static bool take(const struct revoked *r, struct list *l, struct der_view spki)
{
	struct pem pem = {
		.text = r->text,
		.len = r->len,
		.room = malloc(l->size),
		.size = l->size,
		.at = l->at,
	};
	struct crl c;
	bool done = pem.room != NULL;

	if (done && pem_next(&pem) == PEM_BLOCK && !crl_read(pem.der, &c) &&
	    signed_by(&c.part, spki)) {
		l->serials = serials_new(&c);
		done = l->serials != NULL;
	}
	free(pem.room);
	/* A list of a hundred thousand is megabytes. */
	malloc_trim(0);
	return done;
}

/* Whether a list is signed with this key. With whose it is, it stays; with
 * whose it is not, is found out again where another key of that name came
 * between. */
static bool is_of(const struct revoked *r, struct list *l,
		  const struct issuer_key *key,
		  const uint8_t digest[KEY_DIGEST], bool *ret_failed)
{
	const bool same = l->tried && !memcmp(l->key, digest, KEY_DIGEST);

	if (!key->lists)
		return false;
	if (same || l->serials)
		return same && l->serials;
	if (!take(r, l, key->spki)) {
		*ret_failed = true;
		return false;
	}
	memcpy(l->key, digest, KEY_DIGEST);
	l->tried = true;
	return l->serials != NULL;
}

enum revoked_verdict revoked_check(struct revoked *r, struct der_view issuer,
				   struct der_view serial,
				   const struct issuer_key *key, int64_t now)
{
	enum revoked_verdict verdict = REVOKED_UNLISTED;
	uint8_t digest[KEY_DIGEST];
	bool current = false, failed = false;

	for (struct list *l = r->lists; l; l = l->next) {
		if (!der_is(issuer, l->issuer, l->issuer_len))
			continue;
		if (verdict == REVOKED_UNLISTED) {
			if (!key_digest(key->spki, digest))
				return REVOKED_MEMORY;
			verdict = REVOKED_UNSIGNED;
		}
		if (!is_of(r, l, key, digest, &failed)) {
			if (failed)
				return REVOKED_MEMORY;
			continue;
		}
		if (now < l->since) {
			if (verdict == REVOKED_UNSIGNED)
				verdict = REVOKED_EARLY;
			continue;
		}
		if (now >= l->until) {
			verdict = REVOKED_EXPIRED;
			continue;
		}
		current = true;
		if (serials_has(l->serials, serial))
			return REVOKED_YES;
	}
	return current ? REVOKED_NOT : verdict;
}

void revoked_free(struct revoked *r)
{
	struct list *next;

	if (!r)
		return;
	for (struct list *l = r->lists; l; l = next) {
		next = l->next;
		serials_free(l->serials);
		free(l);
	}
	free(r);
}

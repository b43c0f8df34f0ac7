/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_crl.c - Any bytes as a file of CAs and of their revocation lists.
 *
 * Every list is asked about every number that is on it, and every certificate's
 * key is tried with it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "certificate.h"
#include "key.h"
#include "pem.h"
#include "revoked.h"
#include "serials.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

/* Signatures that are verified for one input: each takes most of a millisecond.
 */
#define KEYS_MAX 2

/** struct file - What was found in a file
 * @keys:	keys of certificates
 * @n_keys:	how many
 * @lists:	lists
 */
struct file {
	struct issuer_key keys[KEYS_MAX];
	uint8_t spki[KEYS_MAX][1024];
	size_t n_keys;
	struct revoked *lists;
};

static void inside(struct der_view whole, struct der_view part)
{
	MUST(!part.len ||
	     (part.p >= whole.p && part.p + part.len <= whole.p + whole.len));
}

static void take_key(struct file *f, struct der_view der)
{
	struct certificate c;

	if (!certificate_read(der.p, der.len, &c))
		return;
	inside(der, c.serial);
	inside(der, c.key.spki);
	if (f->n_keys == KEYS_MAX || c.key.spki.len > sizeof(f->spki[0]))
		return;
	memcpy(f->spki[f->n_keys], c.key.spki.p, c.key.spki.len);
	f->keys[f->n_keys].spki =
		(struct der_view){f->spki[f->n_keys], c.key.spki.len};
	f->keys[f->n_keys].lists = c.key.lists;
	f->n_keys++;
}

static void ask(struct file *f, const struct crl *c, struct der_view serial,
		bool listed)
{
	for (size_t k = 0; k < f->n_keys; k++) {
		const enum revoked_verdict v = revoked_check(
			f->lists, c->issuer, serial, &f->keys[k], c->since);

		MUST(v != REVOKED_UNLISTED);
		/* Where it is on a list that is not signed, it may be on
		 * another one that is, or not. */
		if (listed && signed_by(&c->part, f->keys[k].spki) &&
		    f->keys[k].lists && c->since < c->until)
			MUST(v == REVOKED_YES);
	}
}

static void ask_list(struct file *f, struct der_view der)
{
	struct serials *s;
	struct der_view left, serial = {0};
	struct crl c;
	size_t n = 0;
	const char *const why = crl_read(der, &c);

	if (why) {
		MUST(*why);
		return;
	}
	inside(der, c.part.text);
	inside(der, c.part.algorithm);
	inside(der, c.part.signature);
	inside(der, c.issuer);
	inside(der, c.entries);
	s = serials_new(&c);
	MUST(s);
	left = c.entries;
	for (; crl_next(&left, &serial); n++)
		MUST(serials_has(s, serial));
	MUST(n == c.n && !left.len);
	serials_free(s);
	ask(f, &c, serial, n != 0);
}

static void each(struct file *f, const char *text, size_t len, bool asking)
{
	static uint8_t room[1 << 20];
	struct pem p = {
		.text = text,
		.len = len,
		.room = room,
		.size = sizeof(room),
	};
	enum pem_found found;

	for (;;) {
		const size_t at = p.at;
		uint8_t *copy;

		found = pem_next(&p);
		if (found == PEM_END)
			return;
		if (found == PEM_BAD)
			continue;
		/* An exact copy: a read past the end is then seen. */
		copy = malloc(p.der.len);
		MUST(copy);
		memcpy(copy, p.der.p, p.der.len);
		p.der.p = copy;
		if (strcmp(p.label, PEM_CRL) != 0) {
			if (!asking)
				take_key(f, p.der);
		} else if (asking) {
			ask_list(f, p.der);
		} else {
			MUST(revoked_add(f->lists, p.der, at));
		}
		free(copy);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *const text = malloc(size ? size : 1);
	struct file f = {0};

	MUST(text && key_library());
	if (size)
		memcpy(text, data, size);
	f.lists = revoked_new(text, size);
	MUST(f.lists);
	each(&f, text, size, false);
	each(&f, text, size, true);
	revoked_free(f.lists);
	free(text);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* authority.c - A CA: its certificate, its key, and the leaves that it signs.
 */
#include "authority.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "pem.h"

/* Octets of the largest TBSCertificate that is written here. */
#define TBS_MAX 1536

/* A key's identifier is what a certificate says: up to so many octets. */
#define ID_MAX 64

struct authority *authority_new(void)
{
	void *p = mmap(NULL, sizeof(struct authority), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	/* The limit of locked memory may be 0: then this is what the system's
	 * owner wants, and core files are forbidden all the same. */
	(void)!mlock(p, sizeof(struct authority));
	(void)!madvise(p, sizeof(struct authority), MADV_DONTDUMP);
	(void)!madvise(p, sizeof(struct authority), MADV_DONTFORK);
	return p;
}

void authority_forget(struct authority *a)
{
	key_wipe(&a->key);
	explicit_bzero(a, sizeof(*a));
}

void authority_free(struct authority *a)
{
	if (!a)
		return;
	authority_forget(a);
	munmap(a, sizeof(*a));
}

/* --- reading --- */

static bool refuse(char ret[AUTHORITY_WHY_MAX], const char *why)
{
	snprintf(ret, AUTHORITY_WHY_MAX, "%s", why);
	return false;
}

/* The first certificate of the text. */
static const char *find_cert(struct authority *a, const char *text, size_t len)
{
	struct pem p = {
		.text = text,
		.len = len,
		.room = a->der,
		.size = sizeof(a->der),
	};

	do {
		switch (pem_next(&p)) {
		case PEM_END:
			return "is missing: the file has none (PEM) in it";
		case PEM_BAD:
			return p.why;
		case PEM_BLOCK:
			break;
		}
	} while (strcmp(p.label, PEM_CERTIFICATE) != 0);
	a->der_len = p.der.len;
	return NULL;
}

static const char *read_text(struct authority *a, int fd)
{
	char *text = malloc(AUTHORITY_TEXT_MAX);
	const char *why = NULL;
	size_t len = 0;
	ssize_t n = 1;

	if (!text)
		return "cannot be held in memory";
	while (n && len < AUTHORITY_TEXT_MAX) {
		n = pread(fd, text + len, AUTHORITY_TEXT_MAX - len, (off_t)len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			why = "cannot be read";
			break;
		}
		len += (size_t)n;
	}
	if (!why && len == AUTHORITY_TEXT_MAX)
		why = "is in a file that is too large";
	if (!why)
		why = find_cert(a, text, len);
	free(text);
	return why;
}

/* What a verifier of leaves would find wrong with the CA. */
static const char *check_cert(struct authority *a)
{
	const struct x509 *x = &a->cert;
	const char *why = NULL;

	if (!x->ca)
		return "is not that of a CA: its basicConstraints do not say "
		       "CA:TRUE";
	if (x->has_usage && !x->cert_sign)
		return "may not sign certificates: its keyUsage lacks "
		       "keyCertSign";
	if (x->has_purpose && !x->server_auth)
		return "may not sign servers' certificates: its "
		       "extendedKeyUsage lacks serverAuth";
	/* An empty Name is two octets. */
	if (x->subject.len <= 2)
		return "has no subject, which leaves would have as issuer";
	if (x->subject.len > CERT_NAME_MAX)
		return "has a subject that is too long";
	if (x->key_id.len > ID_MAX)
		return "has a subjectKeyIdentifier that is too long";
	a->kind = key_kind_of(x, &why);
	return a->kind == KEY_NONE ? why : NULL;
}

static bool complete(struct authority *a)
{
	a->id = a->cert.key_id;
	if (!a->id.len) {
		if (!key_id(a->cert.key, a->id_room))
			return false;
		a->id = (struct der_view){a->id_room, sizeof(a->id_room)};
	}
	return key_digest((struct der_view){a->der, a->der_len}, a->digest);
}

bool authority_read_cert(struct authority *a, int fd, int64_t now,
			 char ret_why[AUTHORITY_WHY_MAX])
{
	char when[DER_TIME_TEXT];
	const char *why;

	why = read_text(a, fd);
	if (!why)
		why = x509_read((struct der_view){a->der, a->der_len},
				&a->cert);
	if (!why)
		why = check_cert(a);
	if (!why && !complete(a))
		why = "cannot be hashed";
	if (why)
		return refuse(ret_why, why);
	if (now < a->cert.not_before || now >= a->cert.not_after) {
		const bool early = now < a->cert.not_before;

		snprintf(ret_why, AUTHORITY_WHY_MAX, "%s %s",
			 early ? "is not valid before" : "has expired on",
			 der_time_text(early ? a->cert.not_before
					     : a->cert.not_after,
				       when));
		return false;
	}
	return true;
}

bool authority_read_key(struct authority *a, int fd,
			char ret_why[AUTHORITY_WHY_MAX])
{
	const char *why = key_read(&a->key, fd);

	if (why)
		return refuse(ret_why, why);
	if (key_fits(&a->key, &a->cert))
		return true;
	key_wipe(&a->key);
	return refuse(ret_why, "is not that of the certificate");
}

/* --- making --- */

static bool random_serial(struct cert *c)
{
	return getrandom(c->serial, sizeof(c->serial), 0) ==
	       (ssize_t)sizeof(c->serial);
}

/* Sign what was written, and put it together. */
static bool sign(struct authority *a, const struct der *tbs, struct der *d)
{
	const struct der_view data = {tbs->data, tbs->len};
	uint8_t signature[KEY_SIGNATURE_MAX];
	const size_t len = key_sign(&a->key, data, signature);

	return len && cert_write(d, data, key_algorithm(a->key.kind),
				 (struct der_view){signature, len});
}

bool authority_make(struct authority *a, int64_t now)
{
	struct cert c = {
		.algorithm = key_algorithm(KEY_P256),
		.not_before = now - CERT_BACK_DATED,
		.not_after = now + AUTHORITY_AHEAD,
	};
	uint8_t room[TBS_MAX];
	struct der tbs = {.data = room, .room = sizeof(room)};
	struct der d = {.data = a->der, .room = sizeof(a->der)};

	if (!key_make(&a->key) || !key_point(&a->key, c.point) ||
	    !key_id((struct der_view){c.point, sizeof(c.point)}, c.key_id) ||
	    !random_serial(&c))
		return false;
	c.issuer_id = (struct der_view){c.key_id, sizeof(c.key_id)};
	if (!authority_write(&tbs, &c) || !sign(a, &tbs, &d))
		return false;
	a->der_len = d.len;
	/* Whatever is made here is taken there. */
	return !x509_read((struct der_view){a->der, a->der_len}, &a->cert) &&
	       !check_cert(a) && complete(a) && key_fits(&a->key, &a->cert);
}

bool authority_leaf(struct authority *a, const struct leaf_subject *subject,
		    const uint8_t point[CERT_POINT], int64_t now, struct der *d,
		    int64_t *ret_until)
{
	struct cert c = {
		.algorithm = key_algorithm(a->kind),
		.issuer = a->cert.subject,
		.not_before = now - CERT_BACK_DATED,
		.not_after = now + LEAF_AHEAD,
		.issuer_id = a->id,
	};
	uint8_t room[TBS_MAX];
	struct der tbs = {.data = room, .room = sizeof(room)};
	int64_t early;

	if (now < a->cert.not_before || now >= a->cert.not_after)
		return false;
	/* A leaf is never valid when its issuer is not. */
	if (c.not_before < a->cert.not_before)
		c.not_before = a->cert.not_before;
	if (c.not_after > a->cert.not_after)
		c.not_after = a->cert.not_after;
	memcpy(c.point, point, CERT_POINT);
	if (!key_id((struct der_view){point, CERT_POINT}, c.key_id) ||
	    !random_serial(&c) || !leaf_write(&tbs, &c, subject) ||
	    !sign(a, &tbs, d))
		return false;
	early = (c.not_after - now) / 2;
	*ret_until = c.not_after -
		     (early < CERT_BACK_DATED ? early : CERT_BACK_DATED);
	return true;
}

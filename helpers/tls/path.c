/* SPDX-License-Identifier: GPL-2.0-or-later */
/* path.c - The way from a server's certificate to one of the roots. */
#include "path.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "certificate.h"
#include "crl.h"
#include "pem.h"

/* Roots that count, and octets of the largest: a system has some 150, of one or
 * two kilobytes. */
#define ROOTS_MAX 4096
#define ROOT_MAX  16384

/* Certificates that are looked at: more than wolfSSL takes. */
#define PATH_MAX_CERTS 32

/* ---- Roots ----------------------------------------------------------- */

/* The roots' table has their names, and by each the keys of that name, where
 * there are lists: SubjectPublicKeyInfo, one after the other, in front of each
 * an octet, whether it may sign lists. */
static bool add_root(struct intercept_env *env, struct der_view der)
{
	struct certificate c;
	const uint8_t *old;
	uint8_t *keys;
	size_t len = 0;

	if (!certificate_read(der.p, der.len, &c))
		return true;
	if (!env->revoked) {
		lru_put(env->roots, c.subject, c.subject_len, "", 0,
			UINT64_MAX);
		return true;
	}
	old = lru_get(env->roots, c.subject, c.subject_len, 0, &len);
	keys = malloc(len + 1 + c.key.spki.len);
	if (!keys)
		return false;
	if (old)
		memcpy(keys, old, len);
	else
		len = 0;
	keys[len++] = c.key.lists;
	memcpy(keys + len, c.key.spki.p, c.key.spki.len);
	lru_put(env->roots, c.subject, c.subject_len, keys,
		len + c.key.spki.len, UINT64_MAX);
	free(keys);
	return true;
}

static bool read_all(struct intercept_env *env, uint8_t *room, size_t size)
{
	struct pem pem = {
		.text = env->conf.roots,
		.len = env->conf.roots_len,
		.room = room,
		.size = size,
	};
	bool good = true;

	while (good) {
		const size_t at = pem.at;
		const enum pem_found found = pem_next(&pem);

		if (found == PEM_END)
			break;
		if (found == PEM_BLOCK && !strcmp(pem.label, PEM_CERTIFICATE))
			good = add_root(env, pem.der);
		else if (found == PEM_BLOCK && env->revoked &&
			 !strcmp(pem.label, PEM_CRL))
			good = revoked_add(env->revoked, pem.der, at);
	}
	return good;
}

static bool has_lists(const struct intercept_conf *c)
{
	static const char begin[] = "-----BEGIN " PEM_CRL "-----";

	return memmem(c->roots, c->roots_len, begin, sizeof(begin) - 1);
}

bool path_read_roots(struct intercept_env *env)
{
	const struct intercept_conf *const c = &env->conf;
	const bool lists = has_lists(c);
	/* A list can be nearly all of it. */
	const size_t size = lists ? c->roots_len / 4 * 3 + 3 : ROOT_MAX;
	uint8_t *const room = malloc(size);
	bool good;

	env->roots = lru_new(ROOTS_MAX);
	if (lists)
		env->revoked = revoked_new(c->roots, c->roots_len);
	good = room && env->roots && (env->revoked || !lists) &&
	       read_all(env, room, size);
	free(room);
	if (lists)
		malloc_trim(0);
	if (good)
		return true;
	lru_free(env->roots);
	revoked_free(env->revoked);
	env->roots = NULL;
	env->revoked = NULL;
	return false;
}

/* ---- The way --------------------------------------------------------- */

/**
 * struct path - A server's certificates
 * @env:	environment
 * @der:	certificates
 * @cert:	as they are read
 * @reached:	the server's own has led there
 * @n:		how many
 * @now:	seconds since the epoch
 * @found:	what was in the way
 */
struct path {
	struct intercept_env *env;
	const WOLFSSL_BUFFER_INFO *der;
	struct certificate cert[PATH_MAX_CERTS];
	bool reached[PATH_MAX_CERTS];
	int n;
	int64_t now;
	enum alert_cause found;
};

/* A root's own signature says nothing, and nobody looks at it. */
static bool is_weak(const struct certificate *c)
{
	return c->weak && !c->self_issued;
}

static bool is_clean(struct path *p, const struct certificate *c,
		     const struct issuer_key *key)
{
	static const enum alert_cause causes[] = {
		[REVOKED_UNLISTED] = CAUSE_NONE,
		[REVOKED_NOT] = CAUSE_NONE,
		[REVOKED_YES] = CAUSE_REVOKED,
		[REVOKED_EXPIRED] = CAUSE_LIST_EXPIRED,
		[REVOKED_EARLY] = CAUSE_LIST_EARLY,
		[REVOKED_UNSIGNED] = CAUSE_LIST_UNSIGNED,
		[REVOKED_MEMORY] = CAUSE_MEMORY,
	};
	const enum alert_cause cause = causes[revoked_check(
		p->env->revoked, (struct der_view){c->issuer, c->issuer_len},
		c->serial, key, p->now)];

	if (p->found == CAUSE_NONE)
		p->found = cause;
	return cause == CAUSE_NONE;
}

/* Whether a key has issued certificate @k, which was not revoked then. Without
 * lists whoever has the name has. */
static bool has_issued(struct path *p, int k, const struct issuer_key *key)
{
	const struct der_view der = {p->der[k].buffer, p->der[k].length};

	return !p->env->revoked || (signature_is_by(p->env, der, key->spki) &&
				    is_clean(p, &p->cert[k], key));
}

static bool is_by_root(struct path *p, int k)
{
	const struct certificate *const c = &p->cert[k];
	struct der_view keys = {0};
	struct issuer_key key;

	keys.p = lru_get(p->env->roots, c->issuer, c->issuer_len, 0, &keys.len);
	if (!keys.p || !p->env->revoked)
		return keys.p;
	while (keys.len) {
		key.lists = *keys.p;
		keys = (struct der_view){keys.p + 1, keys.len - 1};
		if (!der_whole(&keys, DER_SEQUENCE, &key.spki))
			break;
		if (has_issued(p, k, &key))
			return true;
	}
	return false;
}

/* Whether certificate @k leads to a root. Each is gone through once. */
static bool leads(struct path *p, int k)
{
	const struct certificate *const c = &p->cert[k];

	p->reached[k] = true;
	if (is_by_root(p, k))
		return true;
	for (int j = 1; j < p->n; j++) {
		const struct certificate *const other = &p->cert[j];

		if (!p->reached[j] && !is_weak(other) &&
		    other->subject_len == c->issuer_len &&
		    !memcmp(other->subject, c->issuer, c->issuer_len) &&
		    has_issued(p, k, &other->key) && leads(p, j))
			return true;
	}
	return false;
}

enum alert_cause path_check(struct intercept_env *env,
			    const WOLFSSL_BUFFER_INFO *der, int n)
{
	struct path p = {.env = env, .der = der, .now = (int64_t)time(NULL)};
	bool weak = false;

	while (p.n < n && p.n < PATH_MAX_CERTS) {
		if (!certificate_read(der[p.n].buffer, der[p.n].length,
				      &p.cert[p.n]))
			return CAUSE_MALFORMED;
		weak = weak || is_weak(&p.cert[p.n]);
		p.n++;
	}
	if (!p.n)
		return CAUSE_MALFORMED;
	if (is_weak(&p.cert[0]))
		return CAUSE_WEAK_SIGNATURE;
	if (leads(&p, 0))
		return CAUSE_NONE;
	if (p.found != CAUSE_NONE)
		return p.found;
	return weak ? CAUSE_WEAK_SIGNATURE : CAUSE_UNKNOWN_CA;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* path.c - The way from a server's certificate to one of the roots. */
#include "path.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <wolfssl/wolfcrypt/sha256.h>

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

/**
 * struct root - A root
 * @digest:	of all of it
 * @key:	its key, and whether that may sign lists
 * @limits:	what it may issue
 */
struct root {
	uint8_t digest[WC_SHA256_DIGEST_SIZE];
	struct issuer_key key;
	struct constraints limits;
};

/* What a record has in front of the root's key. */
enum {
	RECORD_LISTS,
	RECORD_ISSUES,
	RECORD_SERVERS,
	RECORD_LENGTH,
	RECORD_NAMES,
	RECORD_DIGEST,
	RECORD_FRONT = RECORD_DIGEST + WC_SHA256_DIGEST_SIZE,
};

static bool take_root(struct der_view *from, struct root *ret)
{
	const uint8_t *const p = from->p;

	if (from->len < RECORD_FRONT)
		return false;
	*from = (struct der_view){p + RECORD_FRONT, from->len - RECORD_FRONT};
	constraints_begin(&ret->limits);
	memcpy(ret->digest, p + RECORD_DIGEST, sizeof(ret->digest));
	ret->key.lists = p[RECORD_LISTS];
	ret->limits.issues = p[RECORD_ISSUES];
	ret->limits.servers = p[RECORD_SERVERS];
	ret->limits.length = p[RECORD_LENGTH];
	return der_whole(from, DER_SEQUENCE, &ret->key.spki) &&
	       (!p[RECORD_NAMES] ||
		der_whole(from, DER_SEQUENCE, &ret->limits.names));
}

static bool is_limited(const struct constraints *l)
{
	return l->names.len || !l->issues || !l->servers ||
	       l->length != CONSTRAINTS_NO_LENGTH;
}

/*
 * The roots' table has their names. Nothing is kept by a name for which
 * whoever has it may stand; by those of roots with limits, and by all where
 * there are lists, one octet, then a record for each root of that name. Where
 * the first of a name has no limits, and another has, all are to be read again.
 */
static bool add_root(struct intercept_env *env, struct der_view der,
		     bool *ret_again)
{
	struct certificate c;
	const uint8_t *old;
	uint8_t *all;
	size_t len = 0;

	if (!certificate_read(der.p, der.len, &c))
		return true;
	old = lru_get(env->roots, c.subject, c.subject_len, 0, &len);
	if (!env->revoked && !len && !is_limited(&c.limits)) {
		lru_put(env->roots, c.subject, c.subject_len, "", 0,
			UINT64_MAX);
		return true;
	}
	*ret_again = *ret_again || (old && !len);
	all = malloc(len + 1 + RECORD_FRONT + c.key.spki.len +
		     c.limits.names.len);
	if (!all)
		return false;
	if (old && len)
		memcpy(all, old, len);
	else
		all[len++] = 0;
	all[len + RECORD_LISTS] = c.key.lists;
	all[len + RECORD_ISSUES] = c.limits.issues;
	all[len + RECORD_SERVERS] = c.limits.servers;
	all[len + RECORD_LENGTH] = c.limits.length;
	all[len + RECORD_NAMES] = c.limits.names.len != 0;
	if (wc_Sha256Hash(der.p, (word32)der.len, all + len + RECORD_DIGEST)) {
		free(all);
		return false;
	}
	len += RECORD_FRONT;
	memcpy(all + len, c.key.spki.p, c.key.spki.len);
	len += c.key.spki.len;
	if (c.limits.names.len)
		memcpy(all + len, c.limits.names.p, c.limits.names.len);
	lru_put(env->roots, c.subject, c.subject_len, all,
		len + c.limits.names.len, UINT64_MAX);
	free(all);
	return true;
}

static bool read_all(struct intercept_env *env, uint8_t *room, size_t size,
		     bool *ret_again)
{
	struct pem pem = {
		.text = env->conf.roots,
		.len = env->conf.roots_len,
		.room = room,
		.size = size,
	};
	bool good = true;

	*ret_again = false;
	while (good) {
		const size_t at = pem.at;
		const enum pem_found found = pem_next(&pem);

		if (found == PEM_END)
			break;
		if (found == PEM_BLOCK && !strcmp(pem.label, PEM_CERTIFICATE))
			good = add_root(env, pem.der, ret_again);
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
	bool good, again = false;

	env->roots = lru_new(ROOTS_MAX);
	if (lists)
		env->revoked = revoked_new(c->roots, c->roots_len);
	good = room && env->roots && (env->revoked || !lists) &&
	       read_all(env, room, size, &again) &&
	       (!again || read_all(env, room, size, &again));
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
 * @exact:	who has issued one is known by its signature; else by names
 * @name:	whom the server was spoken to for; length 0: @ip
 * @ip:		its address
 * @now:	seconds since the epoch
 * @found:	what was in the way
 */
struct path {
	struct intercept_env *env;
	const WOLFSSL_BUFFER_INFO *der;
	struct certificate cert[PATH_MAX_CERTS];
	bool reached[PATH_MAX_CERTS];
	int n;
	bool exact;
	struct dname name;
	struct ip ip;
	int64_t now;
	enum alert_cause found;
};

/* The first that was in the way stands. */
static bool blocked(struct path *p, enum alert_cause cause)
{
	if (p->found == CAUSE_NONE)
		p->found = cause;
	return false;
}

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

	return cause == CAUSE_NONE || blocked(p, cause);
}

/* Whether a key has issued certificate @k, which was not revoked then; @exact:
 * not whoever has the name has. */
static bool has_issued(struct path *p, int k, const struct issuer_key *key,
		       bool exact)
{
	const struct der_view der = {p->der[k].buffer, p->der[k].length};

	return (!exact || signature_is_by(p->env, der, key->spki)) &&
	       (!p->env->revoked || is_clean(p, &p->cert[k], key));
}

/* Whether a CA may issue, at some remove, for whom the server was spoken to. */
static bool may_issue(struct path *p, const struct constraints *l)
{
	if (!l->issues)
		return blocked(p, CAUSE_NO_CA);
	if (!l->servers)
		return blocked(p, CAUSE_WRONG_PURPOSE);
	return constraints_permit(l, p->name, p->ip) ||
	       blocked(p, CAUSE_NOT_PERMITTED);
}

/* Whether certificate @k is a root itself, octet for octet. */
static bool is_root(const struct path *p, int k, const struct root *r)
{
	uint8_t digest[WC_SHA256_DIGEST_SIZE];

	return wc_Sha256Hash(p->der[k].buffer, p->der[k].length, digest) == 0 &&
	       memcmp(digest, r->digest, sizeof(digest)) == 0;
}

/* @between: CAs that there are between that root and the server, but for those
 * that have issued themselves */
static bool is_by_root(struct path *p, int k, int between)
{
	const struct certificate *const c = &p->cert[k];
	struct der_view all = {0};
	struct root r;

	all.p = lru_get(p->env->roots, c->issuer, c->issuer_len, 0, &all.len);
	if (!all.p || !all.len)
		return all.p;
	all = (struct der_view){all.p + 1, all.len - 1};
	while (take_root(&all, &r)) {
		/* A server's own, which whoever gave it knows: it need not be a
		 * CA's. */
		if (!k && is_root(p, k, &r))
			return true;
		if (!has_issued(p, k, &r.key, true))
			continue;
		if (r.limits.length != CONSTRAINTS_NO_LENGTH &&
		    r.limits.length < between)
			(void)blocked(p, CAUSE_NO_CA);
		else if (may_issue(p, &r.limits))
			return true;
	}
	return false;
}

/* Whether certificate @k leads to a root. Each is gone through once. */
static bool leads(struct path *p, int k, int between)
{
	const struct certificate *const c = &p->cert[k];

	p->reached[k] = true;
	if (is_by_root(p, k, between))
		return true;
	for (int j = 1; j < p->n; j++) {
		const struct certificate *const other = &p->cert[j];

		if (!p->reached[j] && !is_weak(other) &&
		    other->subject_len == c->issuer_len &&
		    !memcmp(other->subject, c->issuer, c->issuer_len) &&
		    has_issued(p, k, &other->key, p->exact) &&
		    may_issue(p, &other->limits) &&
		    leads(p, j, between + !other->self_issued))
			return true;
	}
	return false;
}

enum alert_cause path_check(struct intercept_env *env,
			    const WOLFSSL_BUFFER_INFO *der, int n,
			    struct dname name, struct ip ip)
{
	struct path p = {
		.env = env,
		.der = der,
		.exact = env->revoked,
		.name = name,
		.ip = ip,
		.now = (int64_t)time(NULL),
	};
	bool weak = false;

	while (p.n < n && p.n < PATH_MAX_CERTS) {
		if (!certificate_read(der[p.n].buffer, der[p.n].length,
				      &p.cert[p.n]))
			return CAUSE_MALFORMED;
		weak = weak || is_weak(&p.cert[p.n]);
		/* Two of a name may differ in what they may issue; how many CAs
		 * may follow one that was sent wolfSSL looks at. */
		p.exact = p.exact || (p.n && (p.cert[p.n].limits.names.len ||
					      !p.cert[p.n].limits.servers));
		p.n++;
	}
	if (!p.n)
		return CAUSE_MALFORMED;
	if (is_weak(&p.cert[0]))
		return CAUSE_WEAK_SIGNATURE;
	if (leads(&p, 0, 0))
		return CAUSE_NONE;
	if (p.found != CAUSE_NONE)
		return p.found;
	return weak ? CAUSE_WEAK_SIGNATURE : CAUSE_UNKNOWN_CA;
}

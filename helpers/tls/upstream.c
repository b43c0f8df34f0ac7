/* SPDX-License-Identifier: GPL-2.0-or-later */
/* upstream.c - TLS with servers: who they are, and what is kept of them.
 *
 * wolfSSL verifies the chain: signatures, dates, which CA may issue, for which
 * names, and the sizes of keys. What it leaves is added: the name or address
 * itself, hashes that are not to be trusted, and the lists of revoked
 * certificates that were given. To ask whether one was revoked would be to make
 * connections of our own.
 *
 * wolfSSL keeps the intermediate certificates that it has verified, in its
 * context, as roots of their own, without their dates, and has no call to drop
 * them. That must not be seen: whether a server is believed is not to depend on
 * who was visited before. So each issuer has to be a root, or sent by the
 * server itself (path.h). The context is made anew every hour, and sessions go
 * with it; or when it has kept as many as there may be.
 */
#include "engine.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/sha256.h>

#include "certificate.h"
#include "path.h"

/* Seconds that a context, and what was verified in it, are good for. */
#define UPSTREAM_S 3600

/* Servers whose last session is kept, and the largest one: with the chain of
 * certificates that wolfSSL has in it, some kilobytes. */
#define SESSIONS_MAX 128
#define SESSION_MAX  16384

/* Seconds that none is kept of a server that has failed with one: there may be
 * several behind its address, which do not know each other's. */
#define SESSIONLESS_S 300

/* Intermediate certificates that a context may keep: 1.5 KB each. */
#define ISSUERS_MAX 512

#define MIN_RSA_BITS 2048
#define MIN_ECC_BITS 256

/** struct session_key - Whom a session is with, and as what */
struct session_key {
	uint8_t address[16];
	uint8_t family;
	uint8_t name_len;
	uint16_t port;
	uint8_t sni;
	char alpn[ENGINE_ALPN];
	uint8_t name[DNAME_WIRE_MAX];
};

uint64_t engine_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec;
}

static void fill_key(const struct intercept *i, struct session_key *key)
{
	memset(key, 0, sizeof(*key));
	ip_to_bytes(i->to.ip, key->address);
	key->family = (uint8_t)i->to.ip.family;
	key->port = i->to.port;
	key->sni = i->sni;
	memcpy(key->alpn, i->alpn, sizeof(key->alpn));
	key->name_len = i->name.len;
	memcpy(key->name, i->name.wire, i->name.len);
}

/* ---- Verification ---------------------------------------------------- */

/* The first finding stands. */
static int found(struct intercept *i, enum alert_cause cause)
{
	if (i->verdict == CAUSE_NONE)
		i->verdict = cause;
	return 0;
}

/* An intermediate one, which wolfSSL is about to keep. */
static void count_issuer(struct intercept_env *env,
			 const WOLFSSL_BUFFER_INFO *der)
{
	uint8_t digest[WC_SHA256_DIGEST_SIZE];

	if (wc_Sha256Hash(der->buffer, der->length, digest) == 0)
		lru_put(env->issuers, digest, sizeof(digest), "", 0,
			UINT64_MAX);
	if (lru_count(env->issuers) >= ISSUERS_MAX)
		env->upstream_until = 0;
}

/* wolfSSL shows one certificate after the other, the server's own last, and
 * says what it thinks. It is never contradicted: what it took for bad, it would
 * keep as a CA. */
static int on_certificate(int good, WOLFSSL_X509_STORE_CTX *store)
{
	struct intercept *const i = store->userCtx;
	const int depth = store->error_depth;
	struct certificate c;
	enum alert_cause cause;

	if (!good || i->verdict != CAUSE_NONE)
		return 0;
	if (depth < 0 || depth >= store->totalCerts)
		return found(i, CAUSE_MALFORMED);
	if (depth) {
		count_issuer(i->env, &store->certs[depth]);
		return 1;
	}
	cause = path_check(i->env, store->certs, store->totalCerts, i->name,
			   i->to.ip);
	if (cause != CAUSE_NONE)
		return found(i, cause);
	if (!certificate_read(store->certs[0].buffer, store->certs[0].length,
			      &c))
		return found(i, CAUSE_MALFORMED);
	if (!(i->name.len ? certificate_is_for_name(&c, i->name)
			  : certificate_is_for_address(&c, i->to.ip)))
		return found(i, CAUSE_WRONG_NAME);
	/* Whatever cipher is agreed upon, the server signs (RFC 8446 section
	 * 4.4.2.2). */
	if (!c.signs)
		return found(i, CAUSE_WRONG_PURPOSE);
	i->chain_done = true;
	return 1;
}

/* ---- The context ----------------------------------------------------- */

static bool set_up(struct intercept_env *env, WOLFSSL_CTX *ctx)
{
	int groups[] = {WOLFSSL_ECC_X25519, WOLFSSL_ECC_SECP256R1,
			WOLFSSL_ECC_SECP384R1};

	if (wolfSSL_CTX_SetDevId(ctx, CRYPTO_DEVICE) != WOLFSSL_SUCCESS ||
	    wolfSSL_CTX_SetMinVersion(ctx, WOLFSSL_TLSV1_2) !=
		    WOLFSSL_SUCCESS ||
	    wolfSSL_CTX_set_cipher_list(ctx, env->process->suites) !=
		    WOLFSSL_SUCCESS ||
	    wolfSSL_CTX_set_groups(ctx, groups,
				   sizeof(groups) / sizeof(*groups)) !=
		    WOLFSSL_SUCCESS ||
	    wolfSSL_CTX_UseSessionTicket(ctx) != WOLFSSL_SUCCESS ||
	    wolfSSL_CTX_SetMinRsaKey_Sz(ctx, MIN_RSA_BITS) != WOLFSSL_SUCCESS ||
	    wolfSSL_CTX_SetMinEccKey_Sz(ctx, MIN_ECC_BITS) != WOLFSSL_SUCCESS)
		return false;
	wolfSSL_CTX_set_session_cache_mode(
		ctx,
		WOLFSSL_SESS_CACHE_CLIENT | WOLFSSL_SESS_CACHE_NO_INTERNAL);
	wolfSSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
	side_use(ctx);
	wolfSSL_CTX_SetEccVerifyCb(ctx, signature_verify);
	if (!env->conf.verify) {
		wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_NONE, NULL);
		return true;
	}
	wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_PEER, on_certificate);
	/* A bundle has roots that this wolfSSL does not read, or that have
	 * expired: those that it does read are what there is. None at all is
	 * what every server fails with. */
	(void)wolfSSL_CTX_load_verify_buffer_ex(
		ctx, env->conf.roots, (long)env->conf.roots_len,
		WOLFSSL_FILETYPE_PEM, 0, WOLFSSL_LOAD_FLAG_IGNORE_ERR);
	return true;
}

static bool context(struct intercept_env *env)
{
	const uint64_t now = engine_now();
	WOLFSSL_CTX *ctx;

	if (env->upstream && now < env->upstream_until)
		return true;
	ctx = wolfSSL_CTX_new(wolfSSLv23_client_method());
	if (!ctx)
		return false;
	if (!set_up(env, ctx)) {
		wolfSSL_CTX_free(ctx);
		return false;
	}
	/* Connections that have the old one keep it. */
	wolfSSL_CTX_free(env->upstream);
	env->upstream = ctx;
	env->upstream_until = now + UPSTREAM_S;
	lru_free(env->sessions);
	lru_free(env->issuers);
	lru_free(env->signatures);
	env->sessions = lru_new(SESSIONS_MAX);
	env->issuers = lru_new(ISSUERS_MAX);
	env->signatures = signatures_new();
	if (env->sessions && env->issuers && env->signatures &&
	    (!env->conf.verify || env->roots || path_read_roots(env)))
		return true;
	env->upstream_until = 0;
	return false;
}

/* ---- Connections ----------------------------------------------------- */

/* The end of the ticket that a connection has, of which servers make no two
 * alike. */
static bool read_ticket(WOLFSSL *ssl, uint8_t ret[ENGINE_TICKET])
{
	uint8_t room[SESSION_MAX];
	word32 len = sizeof(room);

	if (wolfSSL_get_SessionTicket(ssl, room, &len) != WOLFSSL_SUCCESS ||
	    len < ENGINE_TICKET || len > sizeof(room))
		return false;
	memcpy(ret, room + len - ENGINE_TICKET, ENGINE_TICKET);
	return true;
}

/* Offer the session that was kept, if any. Without one it is a handshake like
 * any other: nothing here can fail. */
static void resume(struct intercept *i)
{
	struct session_key key;
	const unsigned char *octets;
	WOLFSSL_SESSION *session;
	size_t len = 0;

	fill_key(i, &key);
	octets = lru_get(i->env->sessions, &key, sizeof(key), engine_now(),
			 &len);
	if (!octets || !len)
		return;
	session = wolfSSL_d2i_SSL_SESSION(NULL, &octets, (long)len);
	if (!session)
		return;
	i->offered = wolfSSL_set_session(i->side[SERVER].ssl, session) ==
		     WOLFSSL_SUCCESS;
	if (i->offered)
		(void)read_ticket(i->side[SERVER].ssl, i->ticket);
	wolfSSL_SESSION_free(session);
}

enum alert_cause upstream_begin(struct intercept *i)
{
	char name[DNAME_TEXT_MAX];
	WOLFSSL *ssl;

	if (!context(i->env))
		return CAUSE_MEMORY;
	ssl = wolfSSL_new(i->env->upstream);
	if (!ssl)
		return CAUSE_MEMORY;
	side_attach(&i->side[SERVER], ssl);
	wolfSSL_SetCertCbCtx(ssl, i);
	wolfSSL_SetEccVerifyCtx(ssl, i);
	if (i->sni) {
		dname_format(i->name, name);
		if (wolfSSL_UseSNI(ssl, WOLFSSL_SNI_HOST_NAME, name,
				   (unsigned short)strlen(name)) !=
		    WOLFSSL_SUCCESS)
			return CAUSE_MEMORY;
	}
	if (i->alpn[0] &&
	    wolfSSL_UseALPN(ssl, i->alpn, (unsigned int)strlen(i->alpn),
			    WOLFSSL_ALPN_FAILED_ON_MISMATCH) != WOLFSSL_SUCCESS)
		return CAUSE_MEMORY;
	if (!i->anew)
		resume(i);
	return CAUSE_NONE;
}

/* In TLS 1.3 a session is there when its ticket has come, some time after the
 * handshake. Until then wolfSSL's has the ticket that was offered, if any, and
 * this connection's secret: that goes with no ticket. In TLS 1.2 it is there at
 * the handshake's end. */
static bool has_session(struct intercept *i, WOLFSSL *ssl)
{
	uint8_t ticket[ENGINE_TICKET];

	if (wolfSSL_version(ssl) != TLS1_3_VERSION)
		return true;
	return read_ticket(ssl, ticket) &&
	       memcmp(ticket, i->ticket, sizeof(ticket)) != 0;
}

void upstream_keep(struct intercept *i)
{
	WOLFSSL *const ssl = i->side[SERVER].ssl;
	WOLFSSL_SESSION *const session = ssl ? wolfSSL_get_session(ssl) : NULL;
	const uint64_t now = engine_now();
	struct session_key key;
	unsigned char *octets;
	unsigned char *at;
	uint64_t seconds;
	size_t old = 1;
	int len;

	/* What was verified by a context that is gone is not kept. */
	if (i->saved || !session ||
	    wolfSSL_get_SSL_CTX(ssl) != i->env->upstream)
		return;
	if (!has_session(i, ssl))
		return;
	i->saved = true;
	fill_key(i, &key);
	(void)lru_get(i->env->sessions, &key, sizeof(key), now, &old);
	if (!old)
		return;
	len = wolfSSL_i2d_SSL_SESSION(session, NULL);
	if (len <= 0 || len > SESSION_MAX)
		return;
	octets = malloc((size_t)len);
	if (!octets)
		return;
	at = octets;
	len = wolfSSL_i2d_SSL_SESSION(session, &at);
	seconds = (uint64_t)wolfSSL_SESSION_get_timeout(session);
	seconds = seconds < UPSTREAM_S ? seconds : UPSTREAM_S;
	if (len > 0) {
		lru_put(i->env->sessions, &key, sizeof(key), octets,
			(size_t)len, now + seconds);
		explicit_bzero(octets, (size_t)len);
	}
	free(octets);
}

void upstream_forget(struct intercept *i)
{
	struct session_key key;

	if (!i->offered || !i->env->sessions)
		return;
	fill_key(i, &key);
	lru_put(i->env->sessions, &key, sizeof(key), "", 0,
		engine_now() + SESSIONLESS_S);
}

const char *upstream_alpn(const struct intercept *i)
{
	static const char *const carried[] = {"h2", "http/1.1"};
	char *name = NULL;
	unsigned short len = 0;

	if (!i->alpn[0] ||
	    wolfSSL_ALPN_GetProtocol(i->side[SERVER].ssl, &name, &len) !=
		    WOLFSSL_SUCCESS ||
	    !name)
		return NULL;
	for (size_t k = 0; k < sizeof(carried) / sizeof(*carried); k++) {
		if (strlen(carried[k]) == len &&
		    memcmp(carried[k], name, len) == 0)
			return carried[k];
	}
	return NULL;
}

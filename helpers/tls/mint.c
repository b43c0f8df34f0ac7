/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mint.c - TLS with guests: leaves from the signer, kept for a while.
 *
 * All leaves of a process have one key, which is made here and dies with it.
 * The signer is asked and waited for: it takes a fifth of a millisecond, and
 * one that does not answer is as good as dead (everything ends with it).
 */
#include "engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/sha256.h>

#include "certificate.h"
#include "pem.h"

/* Leaves kept, of about 700 octets each. */
#define LEAVES_MAX 1024

/* What a CA's certificate and those above it may come to. */
#define CHAIN_MAX	   32768
#define CHAIN_CERTIFICATES 8

bool mint_key(struct intercept_process *p)
{
	ecc_key key;
	WC_RNG rng;
	word32 len = sizeof(p->point);
	int n = 0;

	if (wc_InitRng_ex(&rng, NULL, CRYPTO_DEVICE))
		return false;
	if (wc_ecc_init_ex(&key, NULL, CRYPTO_DEVICE) == 0) {
		if (wc_ecc_make_key_ex(&rng, 32, &key, ECC_SECP256R1) == 0 &&
		    wc_ecc_export_x963(&key, p->point, &len) == 0 &&
		    len == sizeof(p->point))
			n = wc_EccKeyToDer(&key, p->key, sizeof(p->key));
		wc_ecc_free(&key);
	}
	wc_FreeRng(&rng);
	if (n <= 0)
		return false;
	p->key_len = (uint32_t)n;
	return true;
}

/* ---- The CA's chain -------------------------------------------------- */

/* What guests need beside the root that they trust: nothing if the CA is one,
 * else the CA and those above it. */
static const char *read_chain(struct intercept_env *env)
{
	struct pem pem = {.text = env->conf.ca, .len = env->conf.ca_len};
	size_t used = 0;

	env->chain = malloc(CHAIN_MAX);
	if (!env->chain)
		return "there is no memory";
	for (int k = 0; k < CHAIN_CERTIFICATES; k++) {
		struct certificate c;

		pem.room = env->chain + used;
		pem.size = CHAIN_MAX - used;
		if (pem_next(&pem) != PEM_BLOCK ||
		    strcmp(pem.label, PEM_CERTIFICATE) != 0 ||
		    !certificate_read(pem.der.p, pem.der.len, &c)) {
			if (k)
				break;
			return "the CA's certificate cannot be read";
		}
		if (!k &&
		    wc_Sha256Hash(pem.der.p, (word32)pem.der.len, env->ca_id))
			return "the CA's certificate cannot be named";
		if (c.self_issued)
			break;
		used += pem.der.len;
	}
	env->chain_len = used;
	return NULL;
}

const char *mint_env(struct intercept_env *env)
{
	int groups[] = {WOLFSSL_ECC_X25519, WOLFSSL_ECC_SECP256R1,
			WOLFSSL_ECC_SECP384R1};
	const char *const failed = read_chain(env);
	WOLFSSL_CTX *ctx;

	if (failed)
		return failed;
	env->leaves = lru_new(LEAVES_MAX);
	ctx = env->guest = wolfSSL_CTX_new(wolfSSLv23_server_method());
	if (!env->leaves || !ctx)
		return "there is no memory";
	if (wolfSSL_CTX_SetDevId(ctx, CRYPTO_DEVICE) != WOLFSSL_SUCCESS ||
	    wolfSSL_CTX_SetMinVersion(ctx, WOLFSSL_TLSV1_2) !=
		    WOLFSSL_SUCCESS ||
	    wolfSSL_CTX_set_cipher_list(ctx, env->process->suites) !=
		    WOLFSSL_SUCCESS ||
	    wolfSSL_CTX_set_groups(ctx, groups,
				   sizeof(groups) / sizeof(*groups)) !=
		    WOLFSSL_SUCCESS ||
	    wolfSSL_CTX_NoTicketTLSv12(ctx) != WOLFSSL_SUCCESS ||
	    wolfSSL_CTX_no_ticket_TLSv13(ctx) != 0)
		return "TLS towards the guest cannot be set up";
	wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_NONE, NULL);
	wolfSSL_CTX_set_session_cache_mode(
		ctx, WOLFSSL_SESS_CACHE_OFF | WOLFSSL_SESS_CACHE_NO_INTERNAL);
	wolfSSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
	side_use(ctx);
	return NULL;
}

/* ---- Leaves ---------------------------------------------------------- */

static void fill_request(const struct intercept *i, struct tlsd_sign *ask)
{
	memset(ask, 0, sizeof(*ask));
	if (i->name.len) {
		ask->name_len = i->name.len;
		memcpy(ask->name, i->name.wire, i->name.len);
	} else {
		ask->family = (uint8_t)i->to.ip.family;
		ip_to_bytes(i->to.ip, ask->address);
	}
	memcpy(ask->ca, i->env->ca_id, sizeof(ask->ca));
	memcpy(ask->key, i->env->process->point, sizeof(ask->key));
}

static bool is_for(const struct intercept *i, const struct tlsd_signed *leaf)
{
	struct certificate c;

	if (leaf->len > sizeof(leaf->der) ||
	    !certificate_read(leaf->der, leaf->len, &c))
		return false;
	return i->name.len ? certificate_is_for_name(&c, i->name)
			   : certificate_is_for_address(&c, i->to.ip);
}

/* One answer for each request; an answer that was once waited for in vain
 * comes late, and is another name's. */
static enum alert_cause ask_signer(const struct intercept *i,
				   struct tlsd_signed *ret)
{
	const int fd = i->env->process->signer;
	struct tlsd_sign ask;
	ssize_t n;

	do {
		n = recv(fd, ret, sizeof(*ret), MSG_DONTWAIT);
	} while (n > 0 || (n < 0 && errno == EINTR));
	fill_request(i, &ask);
	do {
		n = send(fd, &ask, sizeof(ask), MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n != sizeof(ask))
		return CAUSE_SIGNER;
	do {
		n = recv(fd, ret, sizeof(*ret), 0);
	} while (n < 0 && errno == EINTR);
	if (n != sizeof(*ret))
		return CAUSE_SIGNER;
	if (!ret->len)
		return CAUSE_REFUSED;
	return is_for(i, ret) ? CAUSE_NONE : CAUSE_SIGNER;
}

/* The leaf and what is sent behind it; until the next call for this cache. */
static enum alert_cause get_leaf(const struct intercept *i, const uint8_t **ret,
				 size_t *ret_len)
{
	struct intercept_env *const env = i->env;
	const uint64_t now = (uint64_t)time(NULL);
	struct tlsd_sign key;
	struct tlsd_signed leaf;
	enum alert_cause cause;
	uint8_t *all;

	fill_request(i, &key);
	*ret = lru_get(env->leaves, &key, sizeof(key), now, ret_len);
	if (*ret)
		return CAUSE_NONE;
	cause = ask_signer(i, &leaf);
	if (cause != CAUSE_NONE)
		return cause;
	all = malloc(leaf.len + env->chain_len);
	if (!all)
		return CAUSE_MEMORY;
	memcpy(all, leaf.der, leaf.len);
	memcpy(all + leaf.len, env->chain, env->chain_len);
	lru_put(env->leaves, &key, sizeof(key), all, leaf.len + env->chain_len,
		leaf.until);
	free(all);
	*ret = lru_get(env->leaves, &key, sizeof(key), now, ret_len);
	return *ret ? CAUSE_NONE : CAUSE_MEMORY;
}

enum alert_cause mint_begin(struct intercept *i, const char *alpn)
{
	const struct intercept_process *const p = i->env->process;
	const uint8_t *leaf = NULL;
	size_t len = 0;
	WOLFSSL *ssl;
	const enum alert_cause cause = get_leaf(i, &leaf, &len);

	if (cause != CAUSE_NONE)
		return cause;
	ssl = wolfSSL_new(i->env->guest);
	if (!ssl)
		return CAUSE_MEMORY;
	side_attach(&i->side[GUEST], ssl);
	if (wolfSSL_use_certificate_chain_buffer_format(
		    ssl, leaf, (long)len, WOLFSSL_FILETYPE_ASN1) !=
		    WOLFSSL_SUCCESS ||
	    wolfSSL_use_PrivateKey_buffer(ssl, p->key, (long)p->key_len,
					  WOLFSSL_FILETYPE_ASN1) !=
		    WOLFSSL_SUCCESS)
		return CAUSE_MEMORY;
	if (alpn) {
		char list[ENGINE_ALPN];
		const size_t n = strlen(alpn);

		memcpy(list, alpn, n + 1);
		if (wolfSSL_UseALPN(ssl, list, (unsigned int)n,
				    WOLFSSL_ALPN_FAILED_ON_MISMATCH) !=
		    WOLFSSL_SUCCESS)
			return CAUSE_MEMORY;
	}
	return CAUSE_NONE;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* intercept.c - TLS that is ended here: from one stage to the next. */
#include "intercept.h"

#include <assert.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "engine.h"
#include "takeover.h"

/* Seconds that the signer may take. */
#define SIGNER_S 2

/* Octets of a ClientHello's header, in front of its version. */
#define HELLO_HEADER 4

/* supported_groups (RFC 8446 section 4.2.7). */
#define EXTENSION_GROUPS 10

/* How many connections, and handshakes, there have to have been at a time
 * before what they took is given back. */
#define TRIM_LIVE    64
#define TRIM_SHAKING 16

/* ---- What is there once ---------------------------------------------- */

struct intercept_process *intercept_process_new(int signer,
						const char **ret_reason)
{
	const struct timeval limit = {.tv_sec = SIGNER_S};
	struct intercept_process *const p = calloc(1, sizeof(*p));

	if (!p) {
		*ret_reason = "there is no memory";
		return NULL;
	}
	p->signer = signer;
	if (signer >= 0 && (setsockopt(signer, SOL_SOCKET, SO_RCVTIMEO, &limit,
				       sizeof(limit)) < 0 ||
			    setsockopt(signer, SOL_SOCKET, SO_SNDTIMEO, &limit,
				       sizeof(limit)) < 0)) {
		*ret_reason = "the signer cannot be given a time limit";
		free(p);
		return NULL;
	}
	if (!aead_load() || wolfSSL_Init() != WOLFSSL_SUCCESS) {
		*ret_reason = "libgcrypt or wolfSSL cannot be initialised";
		free(p);
		return NULL;
	}
	return p;
}

void intercept_process_free(struct intercept_process *p)
{
	if (!p)
		return;
	if (p->began)
		crypto_end(&p->crypto);
	stream_release(&p->stream);
	wolfSSL_Cleanup();
	explicit_bzero(p, sizeof(*p));
	free(p);
}

/* AEADs with forward secrecy, and nothing else, whichever the version. */
static void list_suites(struct intercept_process *p)
{
	static const char aes[] =
		"TLS13-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256:"
		"ECDHE-RSA-AES128-GCM-SHA256:TLS13-AES256-GCM-SHA384:"
		"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";
	static const char chacha[] =
		"TLS13-CHACHA20-POLY1305-SHA256:"
		"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
	const char *const first = p->crypto.chacha ? chacha : aes;
	const size_t len = strlen(first);

	static_assert(sizeof(aes) + sizeof(chacha) <= ENGINE_SUITES, "room");
	memcpy(p->suites, first, len);
	p->suites[len] = ':';
	memcpy(p->suites + len + 1, p->crypto.chacha ? aes : chacha,
	       p->crypto.chacha ? sizeof(aes) : sizeof(chacha));
}

static const char *begin_process(struct intercept_process *p)
{
	if (p->began)
		return NULL;
	if (!crypto_begin(&p->crypto))
		return "wolfSSL does not compute";
	p->began = true;
	list_suites(p);
	return mint_key(p) ? NULL : "there is no key for leaves";
}

struct intercept_env *intercept_env_new(const struct intercept_conf *c,
					const char **ret_reason)
{
	struct intercept_env *const env = calloc(1, sizeof(*env));
	const char *failed = "there is no memory";

	if (env) {
		env->process = c->process;
		env->conf = *c;
		failed = begin_process(env->process);
		if (!failed)
			failed = mint_env(env);
		if (!failed)
			return env;
		intercept_env_free(env);
	}
	*ret_reason = failed;
	return NULL;
}

void intercept_env_free(struct intercept_env *env)
{
	if (!env)
		return;
	wolfSSL_CTX_free(env->upstream);
	wolfSSL_CTX_free(env->guest);
	lru_free(env->roots);
	revoked_free(env->revoked);
	lru_free(env->issuers);
	lru_free(env->sessions);
	lru_free(env->signatures);
	lru_free(env->leaves);
	free(env->chain);
	free(env);
}

const char *intercept_env_crypto(const struct intercept_env *env)
{
	return crypto_name(&env->process->crypto);
}

/* ---- One connection -------------------------------------------------- */

/* Those of the guest's protocols that are carried, in its order. False if it
 * has HTTP/2 alone, and may not have that. */
static bool list_alpn(struct intercept *i, const struct hello *h,
		      const uint8_t *message)
{
	static const char h2[] = "h2";
	static const char http[] = "http/1.1";
	const bool may_h2 = gated_may_h2(i);
	bool kept = false;
	size_t used = 0;

	for (size_t k = 0; k < h->n_alpn; k++) {
		const uint8_t *const at = message + h->alpn[k];
		const char *name = NULL;
		size_t len = 0;

		if (*at == sizeof(h2) - 1 && !memcmp(at + 1, h2, *at)) {
			name = h2;
			kept |= !may_h2;
			if (!may_h2)
				continue;
		} else if (*at == sizeof(http) - 1 &&
			   !memcmp(at + 1, http, *at))
			name = http;
		/* Each once: two, and a comma, is all that there is room for.
		 */
		if (!name || strstr(i->alpn, name))
			continue;
		if (used)
			i->alpn[used++] = ',';
		len = strlen(name);
		memcpy(i->alpn + used, name, len + 1);
		used += len;
	}
	return used || !kept;
}

/* The ClientHello in one record, whatever it came in: the framing is no part of
 * what is signed (RFC 8446 section 4.4.1). Then what came behind it. */
static bool read_first(struct side *s, const struct intercept_flow *f)
{
	const size_t len = f->hello->message_len;
	const uint8_t header[] = {22, 3, 1, (uint8_t)(len >> 8), (uint8_t)len};
	uint8_t *at;

	static_assert(HELLO_MAX <= RECORD_TEXT, "one record");
	s->ahead_len = sizeof(header) + len + f->rest_len;
	s->ahead = at = malloc(s->ahead_len);
	if (!at)
		return false;
	memcpy(at, header, sizeof(header));
	memcpy(at + sizeof(header), f->message, len);
	if (f->rest_len)
		memcpy(at + sizeof(header) + len, f->rest, f->rest_len);
	return true;
}

static bool is_old(const struct intercept_flow *f)
{
	const uint8_t *const version = f->message + HELLO_HEADER;

	return !f->hello->tls13 && (version[0] << 8 | version[1]) < 0x0303;
}

/* Two octets at @at, if the message has them. */
static size_t number16(const struct intercept_flow *f, size_t at)
{
	return at + 2 <= f->hello->message_len
		       ? (size_t)f->message[at] << 8 | f->message[at + 1]
		       : 0;
}

/* Whether the guest has a group in common with us, or names none: wolfSSL asks
 * for another key share in vain otherwise (RFC 8446 section 4.1.4). The hello
 * has been found to be in order. */
static bool has_group(const struct intercept_flow *f)
{
	static const size_t ours[] = {29, 23, 24}; /* X25519, P-256, P-384 */
	const size_t end = f->hello->message_len;
	size_t at = HELLO_HEADER + 2 + 32;

	at += at < end ? 1u + f->message[at] : 0; /* session */
	at += 2 + number16(f, at);		  /* ciphers */
	at += at < end ? 1u + f->message[at] : 0; /* compression */
	at += 2;
	while (at + 4 <= end) {
		const size_t type = number16(f, at);
		const size_t len = number16(f, at + 2);

		at += 4;
		if (type != EXTENSION_GROUPS) {
			at += len;
			continue;
		}
		for (size_t k = 2; k + 2 <= len; k += 2) {
			const size_t group = number16(f, at + k);

			if (group == ours[0] || group == ours[1] ||
			    group == ours[2])
				return true;
		}
		return false;
	}
	return true;
}

static void rise(struct tide *t)
{
	t->now++;
	if (t->peak < t->now)
		t->peak = t->now;
}

/* What @many took is given back when no more than @rest of them are left: not
 * for each, as to look for it takes time. */
static void fall(struct tide *t, size_t many, size_t rest)
{
	t->now--;
	if (t->peak < many || t->now > rest)
		return;
	t->peak = t->now;
	malloc_trim(0);
}

/* wolfSSL's part of a connection is 100 KB, and is released. */
static void end_handshake(struct intercept *i)
{
	if (i->shaking)
		fall(&i->env->process->shaking, TRIM_SHAKING, 0);
	i->shaking = false;
}

struct intercept *intercept_begin(struct intercept_env *env,
				  const struct intercept_flow *f)
{
	struct intercept *const i = calloc(1, sizeof(*i));
	const struct dname *const name = f->hello->sni.len ? &f->hello->sni
							   : &f->leaf;

	bool alpn;

	if (!i)
		return NULL;
	i->env = env;
	side_init(&i->side[GUEST], f->guest);
	side_init(&i->side[SERVER], f->server);
	i->to = f->to;
	i->sni = f->hello->sni.len != 0;
	if (name->len)
		memcpy(i->name_wire, name->wire, name->len);
	i->name = (struct dname){i->name_wire, name->len};
	i->secrets = f->secrets;
	alpn = list_alpn(i, f->hello, f->message);
	if (!read_first(&i->side[GUEST], f)) {
		intercept_end(i);
		return NULL;
	}
	if (is_old(f))
		i->cause = CAUSE_OLD_GUEST;
	else if (!has_group(f))
		i->cause = CAUSE_NO_GROUP;
	else if (!alpn)
		i->cause = CAUSE_HTTP2_ONLY;
	else
		i->cause = upstream_begin(i);
	rise(&env->process->live);
	rise(&env->process->shaking);
	i->shaking = true;
	i->counted = true;
	return i;
}

void intercept_events(struct intercept *i, unsigned int side, uint32_t events)
{
	side_events(&i->side[side], events);
}

bool intercept_is_open(const struct intercept *i)
{
	return i->side[GUEST].sealed;
}

const char *intercept_why(const struct intercept *i)
{
	if (i->cause == CAUSE_GATE && i->violation.why)
		return i->violation.why;
	return alert_why(i->cause);
}

const struct gate_violation *intercept_violation(const struct intercept *i)
{
	return i->cause == CAUSE_VIOLATION ? &i->violation : NULL;
}

void intercept_end(struct intercept *i)
{
	struct intercept_process *p;
	bool counted;

	if (!i)
		return;
	p = i->env->process;
	counted = i->counted;
	side_release(&i->side[GUEST]);
	side_release(&i->side[SERVER]);
	/* The last key may have been its own. */
	aead_forget(&p->crypto.aead);
	end_handshake(i);
	gated_end(i);
	free(i);
	if (counted)
		fall(&p->live, TRIM_LIVE, p->live.peak / 2);
}

/* An alert by the server that ends a handshake, as the guest is told of it:
 * what is no failure, or none that anybody knows, is a failed handshake. */
static uint8_t mirrored(uint8_t code)
{
	static const uint8_t no_failures[] = {ALERT_CLOSE_NOTIFY, 90, 100};

	for (size_t k = 0; k < sizeof(no_failures); k++) {
		if (no_failures[k] == code)
			return ALERT_HANDSHAKE_FAILURE;
	}
	return code <= ALERT_NO_APPLICATION_PROTOCOL ? code
						     : ALERT_HANDSHAKE_FAILURE;
}

/* It failed before the guest was answered: it is told why, in the clear. */
static enum intercept_state refuse(struct intercept *i, enum alert_cause cause)
{
	uint8_t code = alert_of(cause);
	uint8_t received;

	i->cause = cause;
	i->stage = STAGE_OVER;
	if (cause == CAUSE_ALERT && alert_received(&i->side[SERVER], &received))
		code = mirrored(received);
	alert_plain(&i->side[GUEST], code);
	return INTERCEPT_FAILED;
}

/*
 * A server that does not know a session any more is to go on without it (RFC
 * 5077 section 3.4, RFC 8446 section 4.2.11), and so it would, but wolfSSL
 * takes every ticket of TLS 1.2 for accepted; and a session has a version,
 * which others behind the same address may not speak. Nobody was told anything
 * yet: it is tried once more as if there had been none.
 */
static bool is_to_redial(const struct intercept *i)
{
	return i->offered && !i->anew && i->verdict == CAUSE_NONE;
}

void intercept_redial(struct intercept *i, int server)
{
	side_init(&i->side[SERVER], server);
	i->stage = STAGE_SERVER;
	i->cause = upstream_begin(i);
}

/* The guest's handshake failed: wolfSSL has told it, mostly, and the server,
 * which was never sent anything, is left in order. */
static enum intercept_state leave(struct intercept *i, enum alert_cause cause)
{
	i->cause = cause;
	i->stage = STAGE_OVER;
	if (cause == CAUSE_GUEST_HANDSHAKE && !i->side[GUEST].sent)
		alert_plain(&i->side[GUEST], alert_of(cause));
	(void)wolfSSL_shutdown(i->side[SERVER].ssl);
	return INTERCEPT_FAILED;
}

static bool is_waiting(int error)
{
	return error == WOLFSSL_ERROR_WANT_READ ||
	       error == WOLFSSL_ERROR_WANT_WRITE;
}

/* All that came was read: wolfSSL reads on until nothing is left. */
static bool has_ended(const struct side *s)
{
	return side_is_over(s) || s->failed || s->dead;
}

static enum alert_cause why_server(struct intercept *i, int error)
{
	struct side *const s = &i->side[SERVER];
	uint8_t code;

	if (i->verdict != CAUSE_NONE)
		return i->verdict;
	if (is_waiting(error) && !s->broken)
		return CAUSE_ENDED;
	if (alert_received(s, &code))
		return CAUSE_ALERT;
	return alert_cause(error);
}

static enum intercept_state run_server(struct intercept *i)
{
	struct side *const s = &i->side[SERVER];
	int error;
	int n;

	/* Whoever sends no more cannot finish a handshake. */
	if (i->side[GUEST].hup || i->side[GUEST].failed)
		return leave(i, CAUSE_GUEST_ENDED);
	if (!s->readable && !s->writable)
		return INTERCEPT_WAIT;
	n = takeover_shake(s, wolfSSL_connect);
	if (n == WOLFSSL_SUCCESS) {
		const char *const alpn = upstream_alpn(i);
		enum alert_cause cause = mint_begin(i, alpn);

		if (cause == CAUSE_NONE &&
		    !gated_begin(i, alpn && !strcmp(alpn, "h2")))
			cause = CAUSE_MEMORY;
		if (cause != CAUSE_NONE)
			return refuse(i, cause);
		upstream_keep(i);
		i->stage = STAGE_GUEST;
		return INTERCEPT_MORE;
	}
	error = wolfSSL_get_error(s->ssl, n);
	if (is_waiting(error) && !has_ended(s))
		return INTERCEPT_WAIT;
	upstream_forget(i);
	if (!is_to_redial(i))
		return refuse(i, why_server(i, error));
	i->anew = true;
	i->offered = false;
	i->chain_done = false;
	memset(i->ticket, 0, sizeof(i->ticket));
	i->stage = STAGE_REDIAL;
	side_release(&i->side[SERVER]);
	return INTERCEPT_REDIAL;
}

static enum intercept_state run_guest(struct intercept *i)
{
	struct side *const s = &i->side[GUEST];
	enum alert_cause cause;
	uint8_t code;
	int error;
	int n;

	n = takeover_shake(s, wolfSSL_accept);
	if (n == WOLFSSL_SUCCESS) {
		cause = pump_open(i);
		if (cause != CAUSE_NONE)
			return leave(i, cause);
		i->stage = STAGE_OPEN;
		end_handshake(i);
		return INTERCEPT_MORE;
	}
	error = wolfSSL_get_error(s->ssl, n);
	if (is_waiting(error) && !has_ended(s))
		return INTERCEPT_WAIT;
	if (alert_received(s, &code))
		return leave(i, CAUSE_GUEST_ALERT);
	return leave(i, is_waiting(error) && !s->broken
				? CAUSE_GUEST_ENDED
				: CAUSE_GUEST_HANDSHAKE);
}

enum intercept_state intercept_run(struct intercept *i)
{
	/* It may have failed before it began. */
	if (i->cause != CAUSE_NONE && i->stage != STAGE_OVER)
		return refuse(i, i->cause);
	switch (i->stage) {
	case STAGE_SERVER:
		return run_server(i);
	case STAGE_REDIAL:
		return INTERCEPT_WAIT;
	case STAGE_GUEST:
		return run_guest(i);
	case STAGE_OPEN:
		return pump_run(i);
	case STAGE_OVER:
		break;
	}
	return INTERCEPT_FAILED;
}

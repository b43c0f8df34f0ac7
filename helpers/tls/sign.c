/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sign.c - What the signer signs, and what it refuses. */
#include "sign.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "eval.h"
#include "tls_fd.h"

#define BIT(n) (1u << (n))

/* --- what is permitted --- */

/* Whether the rules let a flow with this name reach some address. A rule about
 * addresses that denies does not deny all of them, but for the rule about any;
 * one that allows has some. */
static bool name_can_pass(const struct policy *p, struct dname name,
			  uint16_t port)
{
	const struct policy_walk *w = &p->walk[POLICY_EGRESS];

	for (size_t i = 0; i < w->n; i++) {
		const struct policy_rule *r = &w->rules[i];

		if (!policy_rule_serves(r, CONFIG_TCP, port))
			continue;
		switch (r->dest.kind) {
		case CONFIG_DEST_ANY:
			return r->allow;
		case CONFIG_DEST_GROUP:
		case CONFIG_DEST_RANGE:
			if (r->allow)
				return true;
			break;
		case CONFIG_DEST_NAME:
		case CONFIG_DEST_SUFFIX:
			if (eval_selects(r, name))
				return r->allow;
			break;
		}
	}
	return w->default_allow;
}

/* Asked by eval_decide(): an address is pinned to whatever allows it. */
static bool pinned_if_allowed(void *context, const struct policy_rule *r)
{
	(void)context;
	return r->allow;
}

static bool address_can_pass(const struct policy *p, struct ip ip,
			     uint16_t port)
{
	const struct flow f = {
		.kind = FLOW_EGRESS,
		.proto = IPPROTO_TCP,
		.ip = ip,
		.has_port = true,
		.port = port,
		.sni_kind = FLOW_SNI_NONE,
		.pinned = pinned_if_allowed,
	};

	return eval_decide(p, &f).allow;
}

bool sign_permits(const struct tls_conf *c, const struct leaf_subject *subject)
{
	const struct policy *p = &c->walk.policy;
	struct walk_denied ignored;
	struct ip ip = {0};

	if (!c->intercept)
		return false;
	if (subject->address_len)
		ip = ip_from_bytes(subject->address_len == 4 ? IP_V4 : IP_V6,
				   subject->address);
	else if (walk_conf_denies(&c->walk, subject->name, &ignored) ||
		 eval_bypasses(p, subject->name))
		return false;
	for (size_t i = 0; i < c->tls.n_ports; i++)
		if (subject->address_len
			    ? address_can_pass(p, ip, c->tls.ports[i])
			    : name_can_pass(p, subject->name, c->tls.ports[i]))
			return true;
	return false;
}

/* --- configurations --- */

static void begin(struct sign_side *side)
{
	given_init(&side->given, TLS_FD_COUNT);
	side->conf = NULL;
}

static void drop(struct sign_side *side, const struct given *kept)
{
	authority_forget(side->ca);
	given_drop(&side->given, kept);
	side->conf = NULL;
}

bool sign_init(struct sign *s)
{
	*s = (struct sign){.tokens = SIGN_BURST};
	begin(&s->now);
	begin(&s->next);
	s->now.ca = authority_new();
	s->next.ca = authority_new();
	if (s->now.ca && s->next.ca)
		return true;
	authority_free(s->now.ca);
	authority_free(s->next.ca);
	return false;
}

void sign_free(struct sign *s)
{
	drop(&s->next, &s->now.given);
	drop(&s->now, NULL);
	authority_free(s->now.ca);
	authority_free(s->next.ca);
}

static void read_authority(struct sign_side *side, int64_t now)
{
	char why[AUTHORITY_WHY_MAX], text[CONF_REASON_MAX];

	if (!authority_read_cert(side->ca, side->given.fd[TLS_CA_CERT], now,
				 why))
		snprintf(text, sizeof(text), "the CA's certificate %s", why);
	else if (!authority_read_key(side->ca, side->given.fd[TLS_CA_KEY], why))
		snprintf(text, sizeof(text), "the CA's key %s", why);
	else
		return;
	given_refuse(&side->given, text);
}

static bool same_names(const struct tls_conf *a, const struct tls_conf *b)
{
	return a && b && a->walk.names_file && b->walk.names_file &&
	       strcmp(a->walk.names_file, b->walk.names_file) == 0;
}

bool sign_ready(struct sign *s, int64_t now)
{
	struct sign_side *n = &s->next;
	unsigned int which = BIT(TLS_CA_CERT) | BIT(TLS_CA_KEY);
	unsigned int needed = 0;

	if (!n->conf)
		given_refuse(&n->given, "nothing was prepared");
	if (*n->given.refused)
		return false;
	if (n->conf->intercept)
		needed = which;
	if (same_names(n->conf, s->now.conf))
		which |= BIT(TLS_NAMES);
	given_inherit(&n->given, &s->now.given, which, needed);
	if (n->conf->walk.names_file)
		given_map_names(&n->given, TLS_NAMES, &n->conf->walk.names);
	if (!*n->given.refused && n->conf->intercept)
		read_authority(n, now);
	s->prepared = !*n->given.refused;
	return s->prepared;
}

void sign_commit(struct sign *s)
{
	struct sign_side old = s->now;

	s->now = s->next;
	s->next = old;
	drop(&s->next, &s->now.given);
	begin(&s->next);
	s->prepared = false;
}

void sign_abort(struct sign *s)
{
	drop(&s->next, &s->now.given);
	begin(&s->next);
	s->prepared = false;
}

/* --- requests --- */

static bool read_subject(const struct tlsd_sign *ask, struct leaf_subject *ret)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	char text[CERT_TEXT_MAX];
	size_t len;

	*ret = (struct leaf_subject){.name = {ask->name, ask->name_len}};
	switch (ask->family) {
	case 0:
		return leaf_name(ret->name, text, &len);
	case IP_V4:
		ret->address_len = 4;
		break;
	case IP_V6:
		ret->address_len = 16;
		/* On the wire such an address is dropped. */
		if (memcmp(ask->address, mapped, sizeof(mapped)) == 0)
			return false;
		break;
	default:
		return false;
	}
	memcpy(ret->address, ask->address, ret->address_len);
	return !ask->name_len;
}

static bool is_asked(const struct sign_side *side, const struct tlsd_sign *ask)
{
	return side->conf && side->ca->key.kind != KEY_NONE &&
	       memcmp(side->ca->digest, ask->ca, TLSD_CA_ID) == 0;
}

/* The CA that is asked for, if a configuration that has it permits the leaf. */
static struct authority *find_ca(struct sign *s, const struct tlsd_sign *ask,
				 const struct leaf_subject *subject)
{
	if (is_asked(&s->now, ask) && sign_permits(s->now.conf, subject))
		return s->now.ca;
	if (s->prepared && is_asked(&s->next, ask) &&
	    sign_permits(s->next.conf, subject))
		return s->next.ca;
	return NULL;
}

static bool take_token(struct sign *s, uint64_t clock)
{
	const uint64_t more = (clock - s->refilled) * SIGN_PER_SECOND / 1000;

	if (more) {
		s->tokens = more < SIGN_BURST - s->tokens
				    ? s->tokens + (uint32_t)more
				    : SIGN_BURST;
		s->refilled = clock;
	}
	if (!s->tokens)
		return false;
	s->tokens--;
	return true;
}

/* The worker makes one key. Whoever takes it over later has that one. */
static bool is_the_key(struct sign *s, const struct tlsd_sign *ask)
{
	/* An uncompressed point (SEC 1 section 2.3.3). */
	if (ask->key[0] != 0x04)
		return false;
	if (!s->has_key) {
		memcpy(s->key, ask->key, sizeof(s->key));
		s->has_key = true;
	}
	return memcmp(s->key, ask->key, sizeof(s->key)) == 0;
}

void sign_answer(struct sign *s, const struct tlsd_sign *ask, int64_t now,
		 uint64_t clock, struct tlsd_signed *ret)
{
	struct der d = {.data = ret->der, .room = sizeof(ret->der)};
	struct authority *ca = NULL;
	struct leaf_subject subject;
	int64_t until;

	*ret = (struct tlsd_signed){0};
	_Static_assert(TLSD_KEY_MAX == CERT_POINT && TLSD_CA_ID == KEY_DIGEST,
		       "messages have what certificates have");
	if (read_subject(ask, &subject))
		ca = find_ca(s, ask, &subject);
	if (!ca || !is_the_key(s, ask) || !take_token(s, clock) ||
	    !authority_leaf(ca, &subject, s->key, now, &d, &until)) {
		/* Of what was written nothing is told. */
		*ret = (struct tlsd_signed){0};
		s->refused++;
		return;
	}
	ret->len = (uint32_t)d.len;
	ret->until = (uint64_t)until;
	s->signed_++;
}

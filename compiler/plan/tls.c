/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls.c - Whether a sandbox needs msb-tlsd, and for what. */
#include "tls.h"

#include <string.h>

#include "eval.h"

#define PORTS	  65536u
#define WORD_BITS 64u

/** struct ports - A set of ports, one bit each */
struct ports {
	uint64_t bits[PORTS / WORD_BITS];
};

/* What of a range is in the word that has its first port; moves on. */
static uint64_t range_word(struct config_ports r, uint32_t *at)
{
	const uint32_t first = *at % WORD_BITS, word = *at / WORD_BITS;
	const uint32_t end = (word + 1) * WORD_BITS;
	uint64_t bits = UINT64_MAX << first;

	if (r.hi < end - 1)
		bits &= UINT64_MAX >> (end - 1 - r.hi);
	*at = end;
	return bits;
}

static bool ports_any(const struct ports *s, struct config_ports r)
{
	uint32_t at = r.lo, word;

	while (at <= r.hi) {
		word = at / WORD_BITS;
		if (s->bits[word] & range_word(r, &at))
			return true;
	}
	return false;
}

static void ports_remove(struct ports *s, struct config_ports r)
{
	uint32_t at = r.lo, word;

	while (at <= r.hi) {
		word = at / WORD_BITS;
		s->bits[word] &= ~range_word(r, &at);
	}
}

static void ports_add(struct ports *s, uint16_t port)
{
	s->bits[port / WORD_BITS] |= (uint64_t)1 << port % WORD_BITS;
}

static void ports_intercepted(struct ports *s, const struct policy *p)
{
	const struct config_tls *tls = &p->config->tls;
	size_t i;

	if (tls->present && !tls->has_ports)
		ports_add(s, 443);
	for (i = 0; i < tls->n_ports; i++)
		ports_add(s, tls->ports[i]);
}

static void ports_read(struct ports *s, const struct policy *p)
{
	if (eval_reads(p, EVAL_HTTP))
		ports_add(s, EVAL_HTTP);
}

/* The rule or default that can allow a flow to one of these ports. A rule that
 * denies ports to all addresses settles them; one that denies them to some does
 * not. */
static const char *allowed_by(const struct policy *p, struct ports left)
{
	const struct policy_walk *w = &p->walk[POLICY_EGRESS];
	const struct config_ports all = {1, PORTS - 1};
	size_t i, j;

	if (p->dns == POLICY_DNS_HELPER) {
		const uint16_t tls = eval_dns_transports[0];

		ports_remove(&left, (struct config_ports){53, 53});
		ports_remove(&left, (struct config_ports){tls, tls});
	}
	for (i = 0; i < w->n && ports_any(&left, all); i++) {
		const struct policy_rule *r = &w->rules[i];
		const struct config_ports *v = r->n_ports ? r->ports : &all;
		const size_t n = r->n_ports ? r->n_ports : 1;

		if (r->protos && !(r->protos & CONFIG_TCP))
			continue;
		for (j = 0; j < n; j++) {
			if (r->allow && ports_any(&left, v[j]))
				return r->pointer;
			if (!r->allow && r->dest.kind == CONFIG_DEST_ANY)
				ports_remove(&left, v[j]);
		}
	}
	return w->default_allow && ports_any(&left, all) ? w->default_pointer
							 : NULL;
}

void tls_ports(struct arena *a, const struct policy *p, struct nft_set *ret)
{
	struct ports ports = {{0}};
	struct nft_elem *v;
	uint32_t port;

	*ret = (struct nft_set){
		.name = "intercepted",
		.type = NFT_TYPE_INET_SERVICE,
	};
	ports_intercepted(&ports, p);
	ports_read(&ports, p);
	if (!allowed_by(p, ports))
		return;
	v = arena_array(a, p->config->tls.n_ports + 2, struct nft_elem);
	for (port = 1; port < PORTS; port++)
		if (ports.bits[port / WORD_BITS] >> port % WORD_BITS & 1)
			v[ret->n++] = (struct nft_elem){.lo = port, .hi = port};
	ret->v = v;
}

/* A list of a hundred thousand names is one thing to whoever wrote it. */
static const char *rule_pointer(const struct policy_rule *r)
{
	if (strncmp(r->pointer, "/Deny", 5) != 0)
		return r->pointer;
	return r->dest.apex ? "/DenyDomainSuffixes" : "/DenyDomains";
}

/* Adds a clause about the ports, if flows to any of them can be allowed. */
static void put_reason(struct str *s, const struct policy *p,
		       const struct ports *ports, const char *why,
		       const char *which)
{
	const char *pointer = allowed_by(p, *ports);

	if (pointer)
		str_printf(s, "%s%s, and %s allows flows to %s",
			   s->len ? "; " : "", why, pointer, which);
}

const char *tls_reason(struct arena *a, const struct policy *p,
		       const struct policy_rule *named)
{
	struct ports intercepted = {{0}}, read = {{0}};
	STR(s);

	ports_intercepted(&intercepted, p);
	put_reason(&s, p, &intercepted, "TLS is intercepted", "such ports");
	ports_read(&read, p);
	put_reason(&s, p, &read, "there are secrets", "port 80");
	if (named)
		str_printf(&s,
			   "%s%s decides TCP flows by the name in their TLS "
			   "handshake",
			   s.len ? "; " : "", rule_pointer(named));
	return s.len ? arena_strdup(a, str_text(&s)) : NULL;
}

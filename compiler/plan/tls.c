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

static void ports_intercepted(struct ports *s, const struct policy *p)
{
	const struct config_tls *tls = &p->config->tls;
	size_t i;

	*s = (struct ports){{0}};
	if (tls->present && !tls->has_ports)
		s->bits[443 / WORD_BITS] |= (uint64_t)1 << 443 % WORD_BITS;
	for (i = 0; i < tls->n_ports; i++)
		s->bits[tls->ports[i] / WORD_BITS] |=
			(uint64_t)1 << tls->ports[i] % WORD_BITS;
}

/* The rule or default that can allow a flow to an intercepted port. A rule that
 * denies ports to all addresses settles them; one that denies them to some does
 * not. */
static const char *intercepts_by(const struct policy *p)
{
	const struct policy_walk *w = &p->walk[POLICY_EGRESS];
	const struct config_ports all = {1, PORTS - 1};
	struct ports left;
	size_t i, j;

	ports_intercepted(&left, p);
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
	struct nft_elem *v;
	struct ports ports;
	uint32_t port;

	*ret = (struct nft_set){
		.name = "intercepted",
		.type = NFT_TYPE_INET_SERVICE,
	};
	if (!intercepts_by(p))
		return;
	ports_intercepted(&ports, p);
	v = arena_array(a, p->config->tls.n_ports + 1, struct nft_elem);
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

const char *tls_reason(struct arena *a, const struct policy *p,
		       const struct policy_rule *named)
{
	const char *pointer = intercepts_by(p);
	const char *intercepts =
		pointer ? arena_printf(
				  a,
				  "TLS is intercepted, and %s allows flows "
				  "to such ports",
				  pointer)
			: "";

	if (!named)
		return pointer ? intercepts : NULL;
	return arena_printf(a,
			    "%s%s%s decides TCP flows by the name in their TLS "
			    "handshake",
			    intercepts, pointer ? "; " : "",
			    rule_pointer(named));
}

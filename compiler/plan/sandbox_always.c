/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sandbox_always.c - What holds ahead of a walk, whatever the document says. */
#include "sandbox_always.h"

#include <stdlib.h>
#include <string.h>

#include "eval.h"
#include "rule_builder.h"
#include "sandbox_dns.h"
#include "tables.h"

static void refuse_port(struct arena *a, struct nft_chain *c, uint8_t proto,
			uint16_t port, enum nft_verb verb, const char *comment)
{
	struct builder b;

	build_value(build_rule(a, c, &b), NFT_L4PROTO, proto);
	build_value(&b, NFT_CT_DPORT, port);
	build_end(&b, verb, true, comment);
}

static int port_order(const void *x, const void *y)
{
	const uint16_t *a = x, *b = y;

	return (int)*a - (int)*b;
}

void sandbox_egress(struct arena *a, const struct policy *p,
		    const struct sandbox_needs *needs, struct nft_chain *c)
{
	static const uint16_t https[] = {443};
	const struct config_tls *tls = &p->config->tls;
	size_t n = tls->has_ports ? tls->n_ports : 1, i;
	uint16_t *ports = arena_array(a, n, uint16_t);
	struct builder b;

	build_range(build_rule(a, c, &b), NFT_CT_DADDR4, eval_uplink_net());
	build_end(&b, NFT_DROP, true, "always:uplink");
	if (needs->dns) {
		for (i = 0; i < EVAL_DNS_TRANSPORTS; i++)
			refuse_port(a, c, 17, eval_dns_transports[i],
				    NFT_REJECT, "always:dns-transport");
		refuse_port(a, c, 6, eval_dns_transports[0], NFT_RESET,
			    "always:dns-transport");
		sandbox_dns(a, p, needs, c);
	}
	if (!tls->present)
		return;
	memcpy(ports, tls->has_ports ? tls->ports : https, n * sizeof(*ports));
	qsort(ports, n, sizeof(*ports), port_order);
	for (i = 0; i < n; i++)
		if ((!i || ports[i] != ports[i - 1]) &&
		    eval_blocks_quic(p, ports[i]))
			refuse_port(a, c, 17, ports[i], NFT_REJECT,
				    "always:quic");
}

const struct nft_set *sandbox_ports(struct arena *a, const struct policy *p,
				    enum config_proto proto, bool relayed,
				    struct nft_set *set)
{
	static const char *const names[2][2] = {
		{"published_tcp", "published_udp"},
		{"relayed_tcp", "relayed_udp"},
	};
	const struct config *config = p->config;
	struct nft_elem *v =
		arena_array(a, config->n_bindings, struct nft_elem);
	uint8_t seen[65536 / 8] = {0};
	size_t n = 0, i;
	uint32_t port;

	for (i = 0; i < config->n_bindings; i++) {
		const struct config_binding *b = &config->bindings[i];

		if (b->proto == proto && (!relayed || binding_is_loopback(b) ||
					  binding_is_wildcard(b)))
			seen[b->guest_port / 8] |=
				(uint8_t)(1u << b->guest_port % 8);
	}
	for (port = 1; config->n_bindings && port <= 65535; port++)
		if (seen[port / 8] >> port % 8 & 1)
			v[n++] = (struct nft_elem){.lo = port, .hi = port};
	*set = (struct nft_set){
		.name = names[relayed][proto == CONFIG_UDP],
		.type = NFT_TYPE_INET_SERVICE,
		.v = v,
		.n = n,
	};
	return set;
}

void sandbox_ingress(struct arena *a, const struct nft_set *tcp,
		     const struct nft_set *udp, struct nft_chain *c)
{
	const struct nft_elem both[2] = {{.lo = 6, .hi = 6},
					 {.lo = 17, .hi = 17}};
	struct builder b;

	build_match(build_rule(a, c, &b), NFT_L4PROTO, both, 2);
	b.match[0].negate = true;
	build_end(&b, NFT_DROP, true, "always:unpublished");
	build_value(build_rule(a, c, &b), NFT_L4PROTO, 6);
	b.match[b.n++] = (struct nft_match){
		.key = NFT_CT_DPORT, .negate = true, .set = tcp};
	build_end(&b, NFT_DROP, true, "always:unpublished");
	build_value(build_rule(a, c, &b), NFT_L4PROTO, 17);
	b.match[b.n++] = (struct nft_match){
		.key = NFT_CT_DPORT, .negate = true, .set = udp};
	build_end(&b, NFT_DROP, true, "always:unpublished");
}

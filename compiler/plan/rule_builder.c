/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rule_builder.c - A rule of nft, written one expression at a time. */
#include "rule_builder.h"

#include <string.h>

struct builder *build_rule(struct arena *a, struct nft_chain *chain,
			   struct builder *b)
{
	*b = (struct builder){.a = a, .chain = chain};
	return b;
}

void build_match(struct builder *b, enum nft_key key, const struct nft_elem *v,
		 size_t n)
{
	struct nft_elem *copy = arena_array(b->a, n, struct nft_elem);

	memcpy(copy, v, n * sizeof(*v));
	b->match[b->n++] = (struct nft_match){.key = key, .v = copy, .n = n};
}

void build_value(struct builder *b, enum nft_key key, ip_num value)
{
	build_match(b, key, &(struct nft_elem){.lo = value, .hi = value}, 1);
}

void build_range(struct builder *b, enum nft_key key, struct ip_range r)
{
	build_match(b, key, &(struct nft_elem){.lo = r.lo, .hi = r.hi}, 1);
}

void build_link(struct builder *b, enum nft_key key, const char *name)
{
	build_match(b, key, &(struct nft_elem){.name = name}, 1);
}

void build_stamp_is(struct builder *b, uint32_t owner)
{
	build_value(b, NFT_CT_MARK, owner);
}

void build_set(struct builder *b, enum nft_key key, const struct nft_set *set)
{
	b->match[b->n++] = (struct nft_match){.key = key, .set = set};
}

void build_ip(struct builder *b, enum nft_key key4, enum nft_key key6,
	      struct ip ip)
{
	build_value(b, ip.family == IP_V4 ? key4 : key6, ip.num);
}

void build_tcp_udp(struct builder *b)
{
	const struct nft_elem both[2] = {{.lo = 6, .hi = 6},
					 {.lo = 17, .hi = 17}};

	build_match(b, NFT_L4PROTO, both, 2);
}

void build_neighbour(struct builder *b)
{
	const struct nft_elem types[2] = {{.lo = 135, .hi = 135},
					  {.lo = 136, .hi = 136}};

	build_match(b, NFT_ICMPV6_TYPE, types, 2);
	build_value(b, NFT_HOPLIMIT, 255);
}

void build_end(struct builder *b, enum nft_verb verb, bool counter,
	       const char *comment)
{
	const struct nft_rule r = {
		.match = b->match,
		.n = b->n,
		.counter = counter,
		.verb = verb,
		.comment = comment,
	};

	nft_chain_add(b->a, b->chain, &r);
}

void build_end_limited(struct builder *b, uint32_t limit)
{
	const struct nft_rule r = {
		.match = b->match,
		.n = b->n,
		.limit = limit,
		.verb = NFT_ACCEPT,
	};

	nft_chain_add(b->a, b->chain, &r);
}

void build_end_chain(struct builder *b, enum nft_verb verb, const char *target)
{
	const struct nft_rule r = {
		.match = b->match,
		.n = b->n,
		.verb = verb,
		.target = target,
	};

	nft_chain_add(b->a, b->chain, &r);
}

void build_end_goto(struct builder *b, const char *target)
{
	build_end_chain(b, NFT_GOTO, target);
}

void build_end_stamp(struct builder *b, uint32_t owner)
{
	const struct nft_rule r = {
		.match = b->match,
		.n = b->n,
		.verb = NFT_MARK_ACCEPT,
		.mark = owner,
	};

	nft_chain_add(b->a, b->chain, &r);
}

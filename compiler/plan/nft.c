/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nft.c - The words of nftables for keys and types, and chains that grow. */
#include "nft.h"

#include <assert.h>
#include <string.h>

static const char *const type_words[NFT_TYPE_COUNT] = {
	[NFT_TYPE_IFNAME] = "ifname",
	[NFT_TYPE_IPV4_ADDR] = "ipv4_addr",
	[NFT_TYPE_IPV6_ADDR] = "ipv6_addr",
	[NFT_TYPE_INET_PROTO] = "inet_proto",
	[NFT_TYPE_INET_SERVICE] = "inet_service",
	[NFT_TYPE_MARK] = "mark",
	[NFT_TYPE_CT_STATE] = "ct_state",
	[NFT_TYPE_CT_DIR] = "ct_dir",
	[NFT_TYPE_ICMPV6_TYPE] = "icmpv6_type",
	[NFT_TYPE_INTEGER] = "integer",
	[NFT_TYPE_IFNAME_IPV4] = "ifname . ipv4_addr",
	[NFT_TYPE_IFNAME_IPV6] = "ifname . ipv6_addr",
};

static const struct {
	const char *words;
	enum nft_type type;
} keys[] = {
#define NFT_ROW(id, words, type) {words, NFT_TYPE_##type},
	NFT_KEYS(NFT_ROW)
#undef NFT_ROW
};

static_assert(sizeof(keys) / sizeof(keys[0]) == NFT_KEY_COUNT,
	      "a key without a row");

const char *nft_key_words(enum nft_key key)
{
	return keys[key].words;
}

enum nft_type nft_key_type(enum nft_key key)
{
	return keys[key].type;
}

const char *nft_type_words(enum nft_type type)
{
	return type_words[type];
}

void nft_chain_add(struct arena *a, struct nft_chain *c,
		   const struct nft_rule *rule)
{
	struct nft_match *match = arena_array(a, rule->n, struct nft_match);
	struct nft_rule *copy;
	size_t i;

	for (i = 0; i < rule->n; i++) {
		const struct nft_match *from = &rule->match[i];
		struct nft_elem *v = arena_array(a, from->n, struct nft_elem);

		if (from->n)
			memcpy(v, from->v, from->n * sizeof(*v));
		match[i] = *from;
		match[i].v = v;
	}
	c->rules = arena_grow(a, c->rules, c->n, &c->cap, sizeof(*c->rules));
	copy = &c->rules[c->n++];
	*copy = *rule;
	copy->match = match;
}

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
	[NFT_TYPE_CT_STATUS] = "ct_status",
	[NFT_TYPE_FIB_ADDRTYPE] = "fib_addrtype",
	[NFT_TYPE_TCP_FLAG] = "tcp_flag",
	/* No set holds objects. */
	[NFT_TYPE_OBJECT] = NULL,
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

uint64_t nft_unit_seconds(enum nft_unit unit)
{
	static const uint32_t seconds[NFT_UNITS] = {
		[NFT_SECOND] = 1,  [NFT_MINUTE] = 60,	[NFT_HOUR] = 3600,
		[NFT_DAY] = 86400, [NFT_WEEK] = 604800,
	};

	return seconds[unit];
}

/* nft compares keys as little-endian numbers of their bytes in memory, which
 * are in network order: the second byte of the port counts most. */
int nft_dnat_order(const void *x, const void *y)
{
	const struct nft_dnat *a = x, *b = y;
	const int low = (a->port & 0xff) - (b->port & 0xff);
	unsigned int i;

	if (low)
		return low;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	if (a->proto != b->proto)
		return a->proto < b->proto ? -1 : 1;
	for (i = 0; i < 128; i += 8) {
		const int byte = (int)(a->bind.num >> i & 0xff) -
				 (int)(b->bind.num >> i & 0xff);

		if (byte)
			return byte;
	}
	return 0;
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

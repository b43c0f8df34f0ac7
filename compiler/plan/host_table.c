/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host_table.c - The table of the host: fixed rules, one element a sandbox. */
#include "tables.h"

/*
 * All sandboxes of a host share these rules. Which interfaces are sandboxes and
 * which addresses they have is in sets, so the thousandth sandbox costs a
 * packet what the first did. The chains accept by default: this is the host's
 * own traffic too, and only what comes from or goes to a sandbox is ours.
 *
 * Isolation is by interface, not by address, so that a network that shares a
 * pool's range stays reachable.
 */

enum host_set {
	SET_UPLINKS,
	SET_GUESTS4,
	SET_GUESTS6,
	SET_COUNT,
};

static const struct {
	const char *name;
	enum nft_type type;
} set_rows[SET_COUNT] = {
	[SET_UPLINKS] = {"uplinks", NFT_TYPE_IFNAME},
	[SET_GUESTS4] = {"guests4", NFT_TYPE_IFNAME_IPV4},
	[SET_GUESTS6] = {"guests6", NFT_TYPE_IFNAME_IPV6},
};

static const struct nft_base base_antispoof = {"filter", "prerouting", "raw",
					       false};
static const struct nft_base base_forward = {"filter", "forward", "filter",
					     false};
static const struct nft_base base_postrouting = {"nat", "postrouting", "srcnat",
						 false};

static void host_rule(struct arena *a, struct nft_chain *c,
		      const struct nft_match *match, size_t n,
		      enum nft_verb verb, const char *target,
		      const char *comment)
{
	const struct nft_rule r = {
		.match = match,
		.n = n,
		.counter = verb == NFT_DROP,
		.verb = verb,
		.target = target,
		.comment = comment,
	};

	nft_chain_add(a, c, &r);
}

static void chain_source(struct arena *a, const struct nft_set *sets,
			 struct nft_chain *c)
{
	const struct nft_elem types[2] = {{.lo = 135, .hi = 135},
					  {.lo = 136, .hi = 136}};
	const struct nft_elem hoplimit = {.lo = 255, .hi = 255};
	const struct nft_match from4 = {.key = NFT_IIFNAME_SADDR4,
					.set = &sets[SET_GUESTS4]};
	const struct nft_match from6 = {.key = NFT_IIFNAME_SADDR6,
					.set = &sets[SET_GUESTS6]};
	const struct nft_match neighbour[2] = {
		{.key = NFT_ICMPV6_TYPE, .v = types, .n = 2},
		{.key = NFT_HOPLIMIT, .v = &hoplimit, .n = 1},
	};

	host_rule(a, c, &from4, 1, NFT_ACCEPT, NULL, NULL);
	host_rule(a, c, &from6, 1, NFT_ACCEPT, NULL, NULL);
	host_rule(a, c, neighbour, 2, NFT_ACCEPT, NULL, NULL);
	host_rule(a, c, NULL, 0, NFT_DROP, NULL, "always:source");
}

static void chain_forward(struct arena *a, const struct nft_set *sets,
			  struct nft_chain *c)
{
	const struct nft_elem answers = {.lo = NFT_CT_ESTABLISHED |
					       NFT_CT_RELATED};
	const struct nft_match between[2] = {
		{.key = NFT_IIFNAME, .set = &sets[SET_UPLINKS]},
		{.key = NFT_OIFNAME, .set = &sets[SET_UPLINKS]},
	};
	const struct nft_match reply[2] = {
		between[1],
		{.key = NFT_CT_STATE, .v = &answers, .n = 1},
	};

	host_rule(a, c, between, 2, NFT_DROP, NULL, "always:isolation");
	host_rule(a, c, reply, 2, NFT_ACCEPT, NULL, NULL);
	host_rule(a, c, &between[1], 1, NFT_DROP, NULL, "always:unpublished");
}

void host_table(struct arena *a, const struct slot *slot, const char *uplink,
		struct nft_table *ret)
{
	const struct nft_elem elems[SET_COUNT] = {
		[SET_UPLINKS] = {.name = uplink},
		[SET_GUESTS4] = {uplink, slot->guest4.num, slot->guest4.num},
		[SET_GUESTS6] = {uplink, slot->guest6.num, slot->guest6.num},
	};
	struct nft_set *sets = arena_array(a, SET_COUNT, struct nft_set);
	struct nft_chain *chains = arena_array(a, 4, struct nft_chain);
	struct nft_match from = {.key = NFT_IIFNAME, .set = &sets[SET_UPLINKS]};
	enum host_set i;

	for (i = 0; i < SET_COUNT; i++) {
		struct nft_elem *v = arena_new(a, struct nft_elem);

		*v = elems[i];
		sets[i] = (struct nft_set){
			.name = set_rows[i].name,
			.type = set_rows[i].type,
			.v = v,
			.n = 1,
		};
	}
	chains[0] = (struct nft_chain){.name = "antispoof",
				       .base = &base_antispoof};
	host_rule(a, &chains[0], &from, 1, NFT_GOTO, "source", NULL);
	chains[1] = (struct nft_chain){.name = "source"};
	chain_source(a, sets, &chains[1]);
	chains[2] =
		(struct nft_chain){.name = "forward", .base = &base_forward};
	chain_forward(a, sets, &chains[2]);
	chains[3] = (struct nft_chain){.name = "postrouting",
				       .base = &base_postrouting};
	host_rule(a, &chains[3], &from, 1, NFT_MASQUERADE, NULL, NULL);
	*ret = (struct nft_table){
		.name = "msb",
		.sets = sets,
		.n_sets = SET_COUNT,
		.chains = chains,
		.n_chains = 4,
	};
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host_table.c - The table of the host: fixed rules, one element a sandbox. */
#include <stdlib.h>
#include <string.h>

#include "tables.h"

/*
 * All sandboxes of a host share these rules. Which interfaces are sandboxes and
 * which addresses they have is in sets, so the thousandth sandbox costs a
 * packet what the first did. The chains accept by default: this is the host's
 * own traffic too, and only what comes from or goes to a sandbox is ours.
 *
 * Isolation is by interface, not by address, so that a network that shares a
 * pool's range stays reachable.
 *
 * Published ports are elements too: of one map a family for addresses of the
 * host, and one for "any of its addresses". What is translated keeps its
 * source, so the guest and its rules see the real peer; a guest's own address
 * is reached by translation and in no other way. A packet from a sandbox is
 * translated like any other and then goes from one uplink to another, which
 * isolation drops. Loopback is left alone: the kernel drops what answers to it
 * from another device, so it is served by msb-relayd, with sockets.
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

enum host_map {
	MAP_PUBLISHED4,
	MAP_PUBLISHED6,
	MAP_WILDCARD4,
	MAP_WILDCARD6,
	MAP_COUNT,
};

static const struct {
	const char *name;
	enum ip_family family;
	bool wildcard;
} map_rows[MAP_COUNT] = {
	[MAP_PUBLISHED4] = {"published4", IP_V4, false},
	[MAP_PUBLISHED6] = {"published6", IP_V6, false},
	[MAP_WILDCARD4] = {"wildcard4", IP_V4, true},
	[MAP_WILDCARD6] = {"wildcard6", IP_V6, true},
};

enum host_chain {
	CHAIN_ANTISPOOF,
	CHAIN_SOURCE,
	CHAIN_FORWARD,
	CHAIN_POSTROUTING,
	CHAIN_PUBLISHED,
	CHAIN_PREROUTING,
	CHAIN_OUTPUT,
	CHAIN_COUNT,
};

static const struct nft_base base_antispoof = {"filter", "prerouting", "raw",
					       false};
static const struct nft_base base_forward = {"filter", "forward", "filter",
					     false};
static const struct nft_base base_postrouting = {"nat", "postrouting", "srcnat",
						 false};

static const struct nft_base base_prerouting = {"nat", "prerouting", "dstnat",
						false};
/* nft has no name for the priority of translation at output. */
static const struct nft_base base_output = {"nat", "output", "-100", false};

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
	const struct nft_elem dnat = {.lo = NFT_STATUS_DNAT};
	const struct nft_match published[2] = {
		between[1],
		{.key = NFT_CT_STATUS, .v = &dnat, .n = 1},
	};

	host_rule(a, c, between, 2, NFT_DROP, NULL, "always:isolation");
	host_rule(a, c, reply, 2, NFT_ACCEPT, NULL, NULL);
	host_rule(a, c, published, 2, NFT_ACCEPT, NULL, NULL);
	host_rule(a, c, &between[1], 1, NFT_DROP, NULL, "always:unpublished");
}

static void chain_published(struct arena *a, const struct nft_dnat_map *maps,
			    struct nft_chain *c)
{
	const struct ip_range loopback4 = ip_prefix(ip4(127, 0, 0, 0), 8);
	const struct nft_elem lo4 = {.lo = loopback4.lo, .hi = loopback4.hi};
	const struct nft_elem lo6 = {.lo = 1, .hi = 1};
	const struct nft_match to4 = {.key = NFT_DADDR4, .v = &lo4, .n = 1};
	const struct nft_match to6 = {.key = NFT_DADDR6, .v = &lo6, .n = 1};
	enum host_map i;

	host_rule(a, c, &to4, 1, NFT_ACCEPT, NULL, NULL);
	host_rule(a, c, &to6, 1, NFT_ACCEPT, NULL, NULL);
	for (i = 0; i < MAP_COUNT; i++) {
		const struct nft_rule r = {.verb = NFT_DNAT_MAP,
					   .map = &maps[i]};

		nft_chain_add(a, c, &r);
	}
}

static void map_add(struct nft_dnat_map *m, const struct config_binding *b,
		    const struct slot *slot)
{
	struct nft_dnat e = {
		.proto = b->proto == CONFIG_UDP ? 17 : 6,
		.port = b->host_port,
		.to = m->family == IP_V4 ? slot->guest4 : slot->guest6,
		.to_port = b->guest_port,
	};

	if (!m->wildcard)
		e.bind = b->bind;
	m->v[m->n++] = e;
}

/* A binding to :: serves both families, as a socket bound to it does. */
static struct nft_dnat_map *host_maps(struct arena *a, const struct policy *p)
{
	const struct config *config = p->config;
	struct nft_dnat_map *maps =
		arena_array(a, MAP_COUNT, struct nft_dnat_map);
	enum host_map m;
	size_t i;

	for (m = 0; m < MAP_COUNT; m++)
		maps[m] = (struct nft_dnat_map){
			.name = map_rows[m].name,
			.family = map_rows[m].family,
			.wildcard = map_rows[m].wildcard,
			.v = arena_array(a, config->n_bindings,
					 struct nft_dnat),
		};
	for (i = 0; i < config->n_bindings; i++) {
		const struct config_binding *b = &config->bindings[i];
		const bool v4 = b->bind.family == IP_V4;

		if (binding_is_loopback(b))
			continue;
		if (binding_is_wildcard(b)) {
			map_add(&maps[MAP_WILDCARD4], b, &p->slot);
			if (!v4)
				map_add(&maps[MAP_WILDCARD6], b, &p->slot);
			continue;
		}
		map_add(&maps[v4 ? MAP_PUBLISHED4 : MAP_PUBLISHED6], b,
			&p->slot);
	}
	for (m = 0; m < MAP_COUNT; m++)
		if (maps[m].n > 1)
			qsort(maps[m].v, maps[m].n, sizeof(*maps[m].v),
			      nft_dnat_order);
	return maps;
}

void host_table(struct arena *a, const struct policy *p, const char *uplink,
		struct nft_table *ret)
{
	const struct slot *slot = &p->slot;
	/* What comes from a sandbox is from its guest, or from its gateway:
	 * what msb-tlsd sends to servers. */
	const struct {
		size_t n;
		struct nft_elem v[2];
	} elems[SET_COUNT] = {
		[SET_UPLINKS] = {1, {{.name = uplink}}},
		[SET_GUESTS4] = {2,
				 {{uplink, slot->gw4.num, slot->gw4.num},
				  {uplink, slot->guest4.num,
				   slot->guest4.num}}},
		[SET_GUESTS6] = {2,
				 {{uplink, slot->gw6.num, slot->gw6.num},
				  {uplink, slot->guest6.num,
				   slot->guest6.num}}},
	};
	static const struct nft_chain made[CHAIN_COUNT] = {
		[CHAIN_ANTISPOOF] = {.name = "antispoof",
				     .base = &base_antispoof},
		[CHAIN_SOURCE] = {.name = "source"},
		[CHAIN_FORWARD] = {.name = "forward", .base = &base_forward},
		[CHAIN_POSTROUTING] = {.name = "postrouting",
				       .base = &base_postrouting},
		[CHAIN_PUBLISHED] = {.name = "published"},
		[CHAIN_PREROUTING] = {.name = "prerouting",
				      .base = &base_prerouting},
		[CHAIN_OUTPUT] = {.name = "output", .base = &base_output},
	};
	const struct nft_elem local = {.lo = NFT_FIB_LOCAL,
				       .hi = NFT_FIB_LOCAL};
	const struct nft_match own = {
		.key = NFT_FIB_DADDR, .v = &local, .n = 1};
	struct nft_set *sets = arena_array(a, SET_COUNT, struct nft_set);
	struct nft_chain *v = arena_array(a, CHAIN_COUNT, struct nft_chain);
	struct nft_dnat_map *maps = host_maps(a, p);
	struct nft_match from = {.key = NFT_IIFNAME, .set = &sets[SET_UPLINKS]};
	enum host_set i;

	for (i = 0; i < SET_COUNT; i++) {
		struct nft_elem *e = arena_array(a, 2, struct nft_elem);

		memcpy(e, elems[i].v, sizeof(elems[i].v));
		sets[i] = (struct nft_set){
			.name = set_rows[i].name,
			.type = set_rows[i].type,
			.v = e,
			.n = elems[i].n,
		};
	}
	memcpy(v, made, sizeof(made));
	host_rule(a, &v[CHAIN_ANTISPOOF], &from, 1, NFT_GOTO, "source", NULL);
	chain_source(a, sets, &v[CHAIN_SOURCE]);
	chain_forward(a, sets, &v[CHAIN_FORWARD]);
	host_rule(a, &v[CHAIN_POSTROUTING], &from, 1, NFT_MASQUERADE, NULL,
		  NULL);
	chain_published(a, maps, &v[CHAIN_PUBLISHED]);
	host_rule(a, &v[CHAIN_PREROUTING], &own, 1, NFT_GOTO, "published",
		  NULL);
	host_rule(a, &v[CHAIN_OUTPUT], &own, 1, NFT_GOTO, "published", NULL);
	*ret = (struct nft_table){
		.name = "msb",
		.sets = sets,
		.n_sets = SET_COUNT,
		.maps = maps,
		.n_maps = MAP_COUNT,
		.chains = v,
		.n_chains = CHAIN_COUNT,
	};
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* limit_rules.c - Rate limits as named objects, and the rules that ask them. */
#include "tables.h"

/*
 * A bucket becomes a named limit, which keeps its level while rules are
 * replaced, and a rule that drops what exceeds it. The burst that is there once
 * stands before it in the same rule: a quota of bytes, or a limit of packets
 * that hardly refills. As long as that is not used up the rule does not match,
 * and takes nothing from the bucket.
 *
 * The rules have base chains of their own, so that an accept (neighbour
 * discovery is never limited) ends nothing else. What the guest may not send at
 * all is dropped before, and takes nothing.
 *
 * The kernel's bucket of packets holds its burst. Its bucket of bytes holds its
 * burst and what it refills in one unit besides (net/netfilter/nft_limit.c,
 * nft_limit_init), so it holds a second's refill at least.
 */

#define NS_PER_SECOND 1000000000u

/* Rounding down loses at most one part in this. */
#define RATE_PRECISION 100u

/* The kernel multiplies the length of a packet with the unit, in 64 bits: a
 * week times 64 KiB would wrap around. */
#define SLOWEST_UNIT_OF_BYTES NFT_DAY

/** enum limit_direction - Directions of RateLimiter */
enum limit_direction {
	LIMIT_EGRESS,
	LIMIT_INGRESS,
	LIMIT_DIRECTIONS,
};

static const struct {
	const char *chain;
	struct nft_base base;
	enum nft_key link;
	const char *pointer;
	/* Names of the objects: the bucket, and the burst that is there once.
	 */
	const char *bytes;
	const char *bytes_once;
	const char *packets;
	const char *packets_once;
} directions[LIMIT_DIRECTIONS] = {
	[LIMIT_EGRESS] = {"limit_egress",
			  {"filter", "prerouting", "mangle - 10", false},
			  NFT_IIFNAME,
			  "/RateLimiter/Egress",
			  "egress_bytes",
			  "egress_bytes_once",
			  "egress_packets",
			  "egress_packets_once"},
	[LIMIT_INGRESS] = {"limit_ingress",
			   {"filter", "postrouting", "mangle", false},
			   NFT_OIFNAME,
			   "/RateLimiter/Ingress",
			   "ingress_bytes",
			   "ingress_bytes_once",
			   "ingress_packets",
			   "ingress_packets_once"},
};

static uint64_t unit_ns(enum nft_unit unit)
{
	return nft_unit_seconds(unit) * NS_PER_SECOND;
}

static uint64_t lower(ip_num a, ip_num b)
{
	return (uint64_t)(a < b ? a : b);
}

/* The smallest unit in which the rate loses nothing, or next to nothing. */
static void limit_rate(struct nft_object *o, const struct config_bucket *b,
		       enum nft_unit slowest)
{
	ip_num rate;

	for (o->unit = NFT_SECOND;; o->unit++) {
		const ip_num tokens = (ip_num)b->size * unit_ns(o->unit);

		rate = tokens / b->refill_ns;
		if (tokens % b->refill_ns == 0 || rate >= RATE_PRECISION ||
		    o->unit == slowest)
			break;
	}
	o->rate = lower(rate ? rate : 1, UINT64_MAX / unit_ns(o->unit));
}

static struct nft_object limit_bytes(const struct config_bucket *b)
{
	struct nft_object o = {.kind = NFT_LIMIT_BYTES};
	uint64_t room;

	limit_rate(&o, b, SLOWEST_UNIT_OF_BYTES);
	/* unit * (rate + burst) must fit the kernel's 64 bits. */
	room = lower(UINT64_MAX / unit_ns(o.unit) - o.rate, UINT32_MAX);
	if (b->size > o.rate)
		o.burst = (uint32_t)lower(b->size - o.rate, room);
	return o;
}

static struct nft_object limit_packets(const struct config_bucket *b)
{
	struct nft_object o = {.kind = NFT_LIMIT_PACKETS};

	limit_rate(&o, b, NFT_WEEK);
	/* A packet costs unit / rate, whole nanoseconds. */
	o.rate = lower(o.rate, unit_ns(o.unit));
	o.burst = (uint32_t)lower(
		b->size,
		lower(UINT64_MAX / (unit_ns(o.unit) / o.rate), UINT32_MAX));
	return o;
}

/* Packets that are there once: a bucket that refills one in the longest unit
 * in which the kernel can count so many. */
static struct nft_object limit_once(uint64_t packets)
{
	struct nft_object o = {
		.kind = NFT_LIMIT_PACKETS,
		.rate = 1,
		.unit = NFT_WEEK,
		.burst = (uint32_t)lower(packets, UINT32_MAX),
	};

	while (o.unit > NFT_SECOND && o.burst > UINT64_MAX / unit_ns(o.unit))
		o.unit--;
	return o;
}

static void limit_rule(struct arena *a, struct nft_chain *c,
		       enum limit_direction dir, const char *const *objects,
		       const enum nft_key *keys, size_t n, const char *field)
{
	const struct nft_elem link = {.name = TABLE_GUEST_LINK};
	struct nft_elem names[2];
	struct nft_match match[3] = {
		{.key = directions[dir].link, .v = &link, .n = 1}};
	struct nft_rule r = {
		.match = match,
		.n = 1,
		.counter = true,
		.verb = NFT_DROP,
		.comment = arena_printf(a, "%s/%s", directions[dir].pointer,
					field),
	};
	size_t i;

	for (i = 0; i < n; i++) {
		names[i] = (struct nft_elem){.name = objects[i]};
		match[r.n++] = (struct nft_match){
			.key = keys[i], .v = &names[i], .n = 1};
	}
	nft_chain_add(a, c, &r);
}

static void limit_neighbour(struct arena *a, struct nft_chain *c,
			    enum limit_direction dir)
{
	const struct nft_elem link = {.name = TABLE_GUEST_LINK};
	const struct nft_elem types[2] = {{.lo = 135, .hi = 135},
					  {.lo = 136, .hi = 136}};
	const struct nft_elem hoplimit = {.lo = 255, .hi = 255};
	const struct nft_match match[3] = {
		{.key = directions[dir].link, .v = &link, .n = 1},
		{.key = NFT_ICMPV6_TYPE, .v = types, .n = 2},
		{.key = NFT_HOPLIMIT, .v = &hoplimit, .n = 1},
	};
	const struct nft_rule r = {.match = match, .n = 3, .verb = NFT_ACCEPT};

	nft_chain_add(a, c, &r);
}

static void limit_add(struct limits *l, struct nft_object o, const char *name)
{
	o.name = name;
	l->objects[l->n_objects++] = o;
}

/* Quotas first: that is how nft lists them. */
static void limit_quotas(struct limits *l, const struct config_rate *rate,
			 enum limit_direction dir)
{
	const struct config_bucket *b = &rate->bandwidth;

	if (b->present && b->one_time_burst)
		limit_add(l,
			  (struct nft_object){.kind = NFT_QUOTA_BYTES,
					      .rate = b->one_time_burst},
			  directions[dir].bytes_once);
}

static void limit_direction(struct arena *a, struct limits *l,
			    const struct config_rate *rate,
			    enum limit_direction dir)
{
	struct nft_chain *c = &l->chains[l->n_chains];
	const struct config_bucket *ops = &rate->ops, *bytes = &rate->bandwidth;
	const char *const packet_names[2] = {directions[dir].packets_once,
					     directions[dir].packets};
	const char *const byte_names[2] = {directions[dir].bytes_once,
					   directions[dir].bytes};
	static const enum nft_key packet_keys[2] = {NFT_LIMIT, NFT_LIMIT};
	static const enum nft_key byte_keys[2] = {NFT_QUOTA, NFT_LIMIT};
	size_t skip;

	if (!ops->present && !bytes->present)
		return;
	*c = (struct nft_chain){.name = directions[dir].chain,
				.base = &directions[dir].base};
	l->n_chains++;
	limit_neighbour(a, c, dir);
	if (ops->present) {
		skip = !ops->one_time_burst;
		if (!skip)
			limit_add(l, limit_once(ops->one_time_burst),
				  packet_names[0]);
		limit_add(l, limit_packets(ops), packet_names[1]);
		limit_rule(a, c, dir, packet_names + skip, packet_keys + skip,
			   2 - skip, "Ops");
	}
	if (bytes->present) {
		skip = !bytes->one_time_burst;
		limit_add(l, limit_bytes(bytes), byte_names[1]);
		limit_rule(a, c, dir, byte_names + skip, byte_keys + skip,
			   2 - skip, "Bandwidth");
	}
}

void limit_rules(struct arena *a, const struct config *config,
		 struct limits *ret)
{
	*ret = (struct limits){0};
	limit_quotas(ret, &config->rate_egress, LIMIT_EGRESS);
	limit_quotas(ret, &config->rate_ingress, LIMIT_INGRESS);
	limit_direction(a, ret, &config->rate_egress, LIMIT_EGRESS);
	limit_direction(a, ret, &config->rate_ingress, LIMIT_INGRESS);
}

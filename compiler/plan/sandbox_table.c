/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sandbox_table.c - The table of the gateway namespace: one policy. */
#include <stdlib.h>
#include <string.h>

#include "eval.h"
#include "tables.h"

/*
 * Theory of operation
 *
 * Each flow is judged once, at prerouting, on the addresses and ports with
 * which it was opened ("ct original"): before any NAT, and the same whichever
 * of its packets is looked at. A flow that is allowed is stamped: its ct mark
 * becomes the policy's generation. From then on one compare lets its packets
 * and the ICMP errors about them through. Nothing else is ever let through:
 * forward, input and output accept stamped flows, and drop.
 *
 * When a policy is replaced the generation changes, so that no stamp counts any
 * more and the next packet of each flow, from either side, is judged by the new
 * rules in the direction in which the flow was opened. An ICMP error must wait
 * until a packet of its flow was judged: the rules would take the error's
 * protocol for the flow's.
 *
 *	raw		antispoof	who may send at all
 *	mangle		judge		stamped? else which walk
 *			  egress, ingress	the walks; they end in
 *			  allow			which stamps
 *	dstnat		dns_nat		the gateway's port 53, where NAT serves
 *it filter		input, forward, output	stamped flows only
 *
 * Neighbour discovery is not tracked. It is let through to the addresses that
 * it is for and nowhere else: a neighbour solicitation to a far address would
 * be a packet like any other.
 */

#define GUEST_LINK  TABLE_GUEST_LINK
#define UPLINK_LINK TABLE_UPLINK_LINK

enum sandbox_chain {
	CHAIN_ANTISPOOF,
	CHAIN_JUDGE,
	CHAIN_EGRESS,
	CHAIN_INGRESS,
	CHAIN_ALLOW,
	CHAIN_INPUT,
	CHAIN_FORWARD,
	CHAIN_OUTPUT,
	/* Only where NAT serves DNS, and so the last. */
	CHAIN_DNS_NAT,
	CHAIN_COUNT,
};

static const struct {
	const char *name;
	struct nft_base base;
} chains[CHAIN_COUNT] = {
	[CHAIN_ANTISPOOF] = {"antispoof",
			     {"filter", "prerouting", "raw", true}},
	[CHAIN_JUDGE] = {"judge", {"filter", "prerouting", "mangle", true}},
	[CHAIN_EGRESS] = {TABLE_WALK(POLICY_EGRESS), {0}},
	[CHAIN_INGRESS] = {TABLE_WALK(POLICY_INGRESS), {0}},
	[CHAIN_ALLOW] = {TABLE_ALLOW, {0}},
	[CHAIN_INPUT] = {"input", {"filter", "input", "filter", true}},
	[CHAIN_FORWARD] = {"forward", {"filter", "forward", "filter", true}},
	[CHAIN_OUTPUT] = {"output", {"filter", "output", "filter", true}},
	/* A chain of type nat sees first packets only, and must pass what it
	 * does not translate. */
	[CHAIN_DNS_NAT] = {"dns_nat", {"nat", "prerouting", "dstnat", false}},
};

/** struct builder - A rule being written, and where it goes */
struct builder {
	struct arena *a;
	struct nft_chain *chain;
	struct nft_match match[6];
	size_t n;
};

static struct builder *rule(struct arena *a, struct nft_chain *chain,
			    struct builder *b)
{
	*b = (struct builder){.a = a, .chain = chain};
	return b;
}

static void match(struct builder *b, enum nft_key key, const struct nft_elem *v,
		  size_t n)
{
	struct nft_elem *copy = arena_array(b->a, n, struct nft_elem);

	memcpy(copy, v, n * sizeof(*v));
	b->match[b->n++] = (struct nft_match){.key = key, .v = copy, .n = n};
}

static void match_value(struct builder *b, enum nft_key key, ip_num value)
{
	match(b, key, &(struct nft_elem){.lo = value, .hi = value}, 1);
}

static void match_range(struct builder *b, enum nft_key key, struct ip_range r)
{
	match(b, key, &(struct nft_elem){.lo = r.lo, .hi = r.hi}, 1);
}

static void match_link(struct builder *b, enum nft_key key, const char *name)
{
	match(b, key, &(struct nft_elem){.name = name}, 1);
}

static void match_stamp(struct builder *b)
{
	match_value(b, NFT_CT_MARK, 0);
}

/* ICMPv6 types and hop limit of neighbour solicitation and advertisement
 * (RFC 4861 §4.3, §4.4). */
static void match_neighbour(struct builder *b)
{
	const struct nft_elem types[2] = {{.lo = 135, .hi = 135},
					  {.lo = 136, .hi = 136}};

	match(b, NFT_ICMPV6_TYPE, types, 2);
	match_value(b, NFT_HOPLIMIT, 255);
}

static void end(struct builder *b, enum nft_verb verb, bool counter,
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

static void end_goto(struct builder *b, const char *target)
{
	const struct nft_rule r = {
		.match = b->match,
		.n = b->n,
		.verb = NFT_GOTO,
		.target = target,
	};

	nft_chain_add(b->a, b->chain, &r);
}

/* The addresses that neighbour discovery is sent to, @gw6 if it has a value. */
static size_t neighbour_targets(struct ip gw6, struct nft_elem v[4])
{
	const char *const prefixes[] = {"fe80::/10", "ff02::1/128",
					"ff02::1:ff00:0/104"};
	size_t n = 0, i;

	if (gw6.family)
		v[n++] = (struct nft_elem){.lo = gw6.num, .hi = gw6.num};
	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		struct ip_range r;

		if (!ip_parse_prefix(prefixes[i], &r, NULL))
			abort();
		v[n++] = (struct nft_elem){.lo = r.lo, .hi = r.hi};
	}
	/* An anonymous set is listed in ascending order; pools may lie
	 * anywhere. */
	for (i = 0; i + 1 < n && v[i].lo > v[i + 1].lo; i++) {
		struct nft_elem swap = v[i];

		v[i] = v[i + 1];
		v[i + 1] = swap;
	}
	return n;
}

static void chain_antispoof(struct arena *a, const struct policy *p,
			    struct nft_chain *c)
{
	const struct ip mapped = {IP_V6, (ip_num)0xffff << 32};
	const struct nft_elem unbound[2] = {
		{.lo = 0, .hi = 0},
		{.lo = (ip_num)0xfe80 << 112,
		 .hi = ((ip_num)0xfec0 << 112) - 1},
	};
	struct builder b;

	match_range(rule(a, c, &b), NFT_SADDR6, ip_prefix(mapped, 96));
	end(&b, NFT_DROP, true, "always:mapped");
	match_range(rule(a, c, &b), NFT_DADDR6, ip_prefix(mapped, 96));
	end(&b, NFT_DROP, true, "always:mapped");
	match_link(rule(a, c, &b), NFT_IIFNAME, UPLINK_LINK);
	end(&b, NFT_ACCEPT, false, NULL);
	match_link(rule(a, c, &b), NFT_IIFNAME, GUEST_LINK);
	match_value(&b, NFT_SADDR4, p->slot.guest4.num);
	end(&b, NFT_ACCEPT, false, NULL);
	match_link(rule(a, c, &b), NFT_IIFNAME, GUEST_LINK);
	match_value(&b, NFT_SADDR6, p->slot.guest6.num);
	end(&b, NFT_ACCEPT, false, NULL);
	/* Before it has its address, and on the link, the guest is
	 * unspecified or link-local; as such it may find its neighbour. */
	match_link(rule(a, c, &b), NFT_IIFNAME, GUEST_LINK);
	match(&b, NFT_SADDR6, unbound, 2);
	match_neighbour(&b);
	end(&b, NFT_ACCEPT, false, NULL);
	end(rule(a, c, &b), NFT_DROP, true, "always:source");
}

static void chain_judge(struct arena *a, const struct policy *p,
			struct nft_chain *c)
{
	static const struct {
		const char *link;
		enum nft_ct_direction direction;
		const char *walk;
	} walks[] = {
		{GUEST_LINK, NFT_CT_ORIGINAL, "egress"},
		{UPLINK_LINK, NFT_CT_REPLY, "egress"},
		{UPLINK_LINK, NFT_CT_ORIGINAL, "ingress"},
		{GUEST_LINK, NFT_CT_REPLY, "ingress"},
	};
	struct nft_elem targets[4];
	struct builder b;
	size_t i, n;

	match_stamp(rule(a, c, &b));
	match_value(&b, NFT_CT_STATE, NFT_CT_ESTABLISHED | NFT_CT_RELATED);
	end(&b, NFT_ACCEPT, false, NULL);
	match_value(rule(a, c, &b), NFT_CT_STATE, NFT_CT_INVALID);
	end(&b, NFT_DROP, true, "always:invalid");
	n = neighbour_targets(p->slot.gw6, targets);
	match_link(rule(a, c, &b), NFT_IIFNAME, GUEST_LINK);
	match(&b, NFT_DADDR6, targets, n);
	match_neighbour(&b);
	end(&b, NFT_ACCEPT, false, NULL);
	n = neighbour_targets((struct ip){0}, targets);
	match_link(rule(a, c, &b), NFT_IIFNAME, UPLINK_LINK);
	match(&b, NFT_DADDR6, targets, n);
	match_neighbour(&b);
	end(&b, NFT_ACCEPT, false, NULL);
	match_value(rule(a, c, &b), NFT_CT_STATE, NFT_CT_UNTRACKED);
	end(&b, NFT_DROP, true, "always:untracked");
	match_value(rule(a, c, &b), NFT_CT_STATE, NFT_CT_RELATED);
	end(&b, NFT_DROP, true, "always:related");
	for (i = 0; i < sizeof(walks) / sizeof(walks[0]); i++) {
		match_link(rule(a, c, &b), NFT_IIFNAME, walks[i].link);
		match_value(&b, NFT_CT_DIRECTION, walks[i].direction);
		end_goto(&b, walks[i].walk);
	}
}

static void refuse_port(struct arena *a, struct nft_chain *c, uint8_t proto,
			uint16_t port, enum nft_verb verb, const char *comment)
{
	struct builder b;

	match_value(rule(a, c, &b), NFT_L4PROTO, proto);
	match_value(&b, NFT_CT_DPORT, port);
	end(&b, verb, true, comment);
}

static int port_order(const void *x, const void *y)
{
	const uint16_t *a = x, *b = y;

	return (int)*a - (int)*b;
}

static void egress_always(struct arena *a, const struct policy *p,
			  struct nft_chain *c)
{
	static const uint16_t https[] = {443};
	const struct config_tls *tls = &p->config->tls;
	size_t n = tls->has_ports ? tls->n_ports : 1, i;
	uint16_t *ports = arena_array(a, n, uint16_t);
	struct builder b;

	match_range(rule(a, c, &b), NFT_CT_DADDR4, eval_uplink_net());
	end(&b, NFT_DROP, true, "always:uplink");
	if (p->dns == POLICY_DNS_HELPER) {
		for (i = 0; i < EVAL_DNS_TRANSPORTS; i++)
			refuse_port(a, c, 17, eval_dns_transports[i],
				    NFT_REJECT, "always:dns-transport");
		refuse_port(a, c, 6, eval_dns_transports[0], NFT_RESET,
			    "always:dns-transport");
		refuse_port(a, c, 17, 53, NFT_DROP, "needs msb-dnsd");
		refuse_port(a, c, 6, 53, NFT_DROP, "needs msb-dnsd");
	}
	if (!tls->present)
		return;
	memcpy(ports, tls->has_ports ? tls->ports : https, n * sizeof(*ports));
	qsort(ports, n, sizeof(*ports), port_order);
	for (i = 0; i < n; i++)
		if (eval_blocks_quic(p, ports[i]) &&
		    (!i || ports[i] != ports[i - 1]))
			refuse_port(a, c, 17, ports[i], NFT_REJECT,
				    "always:quic");
}

static const struct nft_set *published_set(struct arena *a,
					   const struct policy *p,
					   enum config_proto proto,
					   struct nft_set *set)
{
	const struct config *config = p->config;
	struct nft_elem *v;
	uint32_t port;
	size_t n = 0;

	v = arena_array(a, config->n_bindings, struct nft_elem);
	for (port = 1; config->n_bindings && port <= 65535; port++)
		if (policy_published(p, proto, (uint16_t)port))
			v[n++] = (struct nft_elem){.lo = port, .hi = port};
	*set = (struct nft_set){
		.name = proto == CONFIG_TCP ? "published_tcp" : "published_udp",
		.type = NFT_TYPE_INET_SERVICE,
		.v = v,
		.n = n,
	};
	return set;
}

static void ingress_always(struct arena *a, const struct nft_set *tcp,
			   const struct nft_set *udp, struct nft_chain *c)
{
	const struct nft_elem both[2] = {{.lo = 6, .hi = 6},
					 {.lo = 17, .hi = 17}};
	struct builder b;

	match(rule(a, c, &b), NFT_L4PROTO, both, 2);
	b.match[0].negate = true;
	end(&b, NFT_DROP, true, "always:unpublished");
	match_value(rule(a, c, &b), NFT_L4PROTO, 6);
	b.match[b.n++] = (struct nft_match){
		.key = NFT_CT_DPORT, .negate = true, .set = tcp};
	end(&b, NFT_DROP, true, "always:unpublished");
	match_value(rule(a, c, &b), NFT_L4PROTO, 17);
	b.match[b.n++] = (struct nft_match){
		.key = NFT_CT_DPORT, .negate = true, .set = udp};
	end(&b, NFT_DROP, true, "always:unpublished");
}

static void chain_input(struct arena *a, struct nft_chain *c)
{
	struct builder b;

	match_neighbour(rule(a, c, &b));
	end(&b, NFT_ACCEPT, false, NULL);
	match_link(rule(a, c, &b), NFT_IIFNAME, GUEST_LINK);
	match_stamp(&b);
	end(&b, NFT_ACCEPT, false, NULL);
}

static void chain_forward(struct arena *a, struct nft_chain *c)
{
	struct builder b;

	match_link(rule(a, c, &b), NFT_IIFNAME, GUEST_LINK);
	match_link(&b, NFT_OIFNAME, UPLINK_LINK);
	match_stamp(&b);
	end(&b, NFT_ACCEPT, false, NULL);
	match_link(rule(a, c, &b), NFT_IIFNAME, UPLINK_LINK);
	match_link(&b, NFT_OIFNAME, GUEST_LINK);
	match_stamp(&b);
	end(&b, NFT_ACCEPT, false, NULL);
}

static void chain_output(struct arena *a, struct nft_chain *c)
{
	const unsigned int answers = NFT_CT_ESTABLISHED | NFT_CT_RELATED;
	struct builder b;

	match_neighbour(rule(a, c, &b));
	end(&b, NFT_ACCEPT, false, NULL);
	/* Towards the guest also what refuses a flow, which has no stamp. */
	match_link(rule(a, c, &b), NFT_OIFNAME, GUEST_LINK);
	match_value(&b, NFT_CT_STATE, answers);
	end(&b, NFT_ACCEPT, false, NULL);
	match_link(rule(a, c, &b), NFT_OIFNAME, UPLINK_LINK);
	match_stamp(&b);
	match_value(&b, NFT_CT_STATE, answers);
	end(&b, NFT_ACCEPT, false, NULL);
}

static void chain_dns_nat(struct arena *a, const struct policy *p,
			  struct nft_chain *c)
{
	const struct nft_elem both[2] = {{.lo = 6, .hi = 6},
					 {.lo = 17, .hi = 17}};
	const struct config_nameserver *ns;
	enum ip_family family;

	for (family = IP_V4; family <= IP_V6; family += IP_V6 - IP_V4) {
		const bool v4 = family == IP_V4;
		struct nft_rule r = {
			.verb = v4 ? NFT_DNAT4 : NFT_DNAT6,
			.counter = true,
			.comment = "/DNS/Nameservers",
		};
		struct builder b;

		ns = policy_nameserver(p, family);
		if (!ns)
			continue;
		match_link(rule(a, c, &b), NFT_IIFNAME, GUEST_LINK);
		match_value(&b, v4 ? NFT_DADDR4 : NFT_DADDR6,
			    v4 ? p->slot.gw4.num : p->slot.gw6.num);
		match(&b, NFT_L4PROTO, both, 2);
		match_value(&b, NFT_DPORT, 53);
		r.match = b.match;
		r.n = b.n;
		r.to = ns->ip;
		r.to_port = ns->port;
		nft_chain_add(a, c, &r);
	}
}

bool sandbox_table(struct arena *a, const struct policy *p,
		   struct nft_table *ret, struct walk_build *ret_build)
{
	const struct nft_rule stamp = {.verb = NFT_MARK_ACCEPT};
	struct nft_set *sets =
		arena_array(a, GROUP_SETS_MAX + 2, struct nft_set);
	struct nft_chain *v = arena_array(a, CHAIN_COUNT, struct nft_chain);
	struct walk_build build = {
		.groups =
			{
				.a = a,
				.gw4 = p->slot.gw4,
				.gw6 = p->slot.gw6,
				.sets = sets + 2,
			},
	};
	const struct nft_set *tcp = published_set(a, p, CONFIG_TCP, &sets[0]);
	const struct nft_set *udp = published_set(a, p, CONFIG_UDP, &sets[1]);
	const size_t fixed = p->dns == POLICY_DNS_NAT ? CHAIN_COUNT
						      : CHAIN_DNS_NAT;
	struct nft_chain *all;
	enum sandbox_chain i;

	for (i = 0; i < CHAIN_COUNT; i++) {
		v[i].name = chains[i].name;
		v[i].base = chains[i].base.hook ? &chains[i].base : NULL;
	}
	chain_antispoof(a, p, &v[CHAIN_ANTISPOOF]);
	chain_judge(a, p, &v[CHAIN_JUDGE]);
	egress_always(a, p, &v[CHAIN_EGRESS]);
	if (!walk_print(a, &build, p, POLICY_EGRESS, &v[CHAIN_EGRESS]))
		return false;
	ingress_always(a, tcp, udp, &v[CHAIN_INGRESS]);
	if (!walk_print(a, &build, p, POLICY_INGRESS, &v[CHAIN_INGRESS]))
		return false;
	nft_chain_add(a, &v[CHAIN_ALLOW], &stamp);
	chain_input(a, &v[CHAIN_INPUT]);
	chain_forward(a, &v[CHAIN_FORWARD]);
	chain_output(a, &v[CHAIN_OUTPUT]);
	chain_dns_nat(a, p, &v[CHAIN_DNS_NAT]);
	all = arena_array(a, fixed + build.maps.n_chains, struct nft_chain);
	memcpy(all, v, fixed * sizeof(*v));
	if (build.maps.n_chains)
		memcpy(all + fixed, build.maps.chains,
		       build.maps.n_chains * sizeof(*v));
	*ret = (struct nft_table){
		.name = "msb",
		.sets = sets,
		.n_sets = build.groups.n + 2,
		.vmaps = build.maps.vmaps,
		.n_vmaps = build.maps.n_vmaps,
		.chains = all,
		.n_chains = fixed + build.maps.n_chains,
	};
	*ret_build = build;
	return true;
}

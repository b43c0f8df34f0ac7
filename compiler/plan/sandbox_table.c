/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sandbox_table.c - The table of the gateway namespace: one policy. */
#include <stdlib.h>
#include <string.h>

#include "eval.h"
#include "rule_builder.h"
#include "sandbox_carry.h"
#include "tables.h"
#include "tls.h"

/*
 * Theory of operation
 *
 * Each flow is judged once, at prerouting, on the addresses and ports with
 * which it was opened ("ct original"): before any NAT, and the same whichever
 * of its packets is looked at. A flow that is allowed is stamped: its ct mark
 * becomes the policy's generation, and its low bits say who carries the flow.
 * From then on one compare lets its packets and the ICMP errors about them
 * through, whatever their ct state: the second packet of a UDP flow without an
 * answer is "new" and judged already. Nothing else is ever let through:
 * forward, input and output accept stamped flows, and drop.
 *
 * When a policy is replaced the generation changes, so that no stamp counts any
 * more and the next packet of each flow, from either side, is judged by the new
 * rules in the direction in which the flow was opened. An ICMP error must wait
 * until a packet of its flow was judged: the rules would take the error's
 * protocol for the flow's.
 *
 *	raw		antispoof	who may send at all
 *	mangle - 10	limit_egress	rate limits
 *	mangle		judge		stamped? else which walk
 *			  egress, ingress	the walks; they end in
 *			  allow			which stamps
 *			    opened		flows of the guest: the cap,
 *			      cap, full		and who carries them
 *			  named			what a name decides: likewise
 *	mangle + 10	steer		the gateway's ports, to msb-relayd
 *			  query		DNS, to msb-dnsd
 *			  hello		TLS, to msb-tlsd
 *	dstnat		dns_nat		the gateway's port 53, by NAT
 *	filter		input, forward, output	stamped flows only
 *	mangle		limit_ingress	rate limits, at postrouting
 *
 * Flows of msb-relayd. One that the guest opens to the gateway is judged like
 * any other, stamped as the relay's and handed to its transparent socket. If
 * there is none, the packet is for a port of the gateway where nothing listens,
 * and the kernel refuses it. What the relay sends on such a flow passes output
 * and no other hook: so the walk is asked again there after a change, if the
 * relay is the first to send. A flow that the relay opens to the guest, for a
 * client of the host's loopback, is stamped at output without being judged: the
 * relay asks eval itself, because only it knows the peer.
 *
 * DNS of the guest, to whatever address, is msb-dnsd's: it is not judged here,
 * because a query is judged by the name in it. It is stamped as such, handed to
 * the helper's transparent socket, and dropped if there is none: neither
 * refused nor forwarded. Only for the uplink's addresses there is no DNS.
 *
 * TCP whose server has to be known by name. Where the walk's outcome depends on
 * the name in the ClientHello (walk_names.c), it ends in chain named instead of
 * in allow. What is allowed to a port where TLS is intercepted turns off in
 * opened, to the gateway too: msb-tlsd goes on to the host's loopback as the
 * relay does. So does what is allowed to port 80 where there are secrets, whose
 * placeholders msb-tlsd looks for in what is in clear. All are stamped as
 * msb-tlsd's and handed to its transparent socket; if there is none they are
 * reset. Nothing that has this stamp is ever forwarded, so a flow cannot get
 * past it. What msb-tlsd does with the flow, by eval, is its own affair.
 *
 * The server's side is a socket of this namespace, which msb-tlsd's monitor has
 * marked: that takes a capability that nobody else here has. By the mark, its
 * packets pass output to the uplink; its flows are stamped with an owner of
 * their own, by which answers come back in. That owner counts whatever the
 * policy is: such a flow lives and dies with the other side's, which msb-tlsd
 * judges anew.
 *
 * A flow that msb-tlsd has begun to carry ends there, as the kernel knows
 * nothing of the other side's sequence numbers. So after a change it stays
 * msb-tlsd's as long as it is allowed, also where a new flow would be nobody's
 * but the kernel's: opened asks for the owner that the old stamp names. The
 * other way there is none either: of a flow that the kernel or the relay
 * carries nobody has read the name. If it is decided by name now, a packet of
 * it comes to a socket that does not know it, or is refused in named, and it is
 * reset. What msb-tlsd sends passes output and no other hook, as the relay's
 * does; by the owner there it is known what must wait for the walk, and a reset
 * need not.
 *
 * The gateway's ports of these sockets are ports like any other: a flow to one
 * of them is the relay's or msb-tlsd's, and comes to a socket with the port
 * that it was for. Only where it is the relay's, and there is none, would it
 * come to msb-tlsd's socket as to a server: steer resets it.
 *
 * The cap. "ct count" keeps its list of flows inside the rule, so the chain cap
 * has that rule and no other, and an update leaves it in place unless the cap
 * itself changes. Flows are entered when they are stamped for the first time,
 * and never again: the kernel does not enter what conntrack calls assured
 * (Linux 6.18: an established connection is skipped, from whatever interface
 * its packet comes). So a list that is lost cannot be made again, and a changed
 * cap starts as much lower as there are flows open: plan_cap_open().
 *
 * Neighbour discovery is not tracked. It is let through to the addresses that
 * it is for and nowhere else: a neighbour solicitation to a far address would
 * be a packet like any other.
 */

#define GUEST_LINK  TABLE_GUEST_LINK
#define UPLINK_LINK TABLE_UPLINK_LINK

/* A host probes a neighbour once a second (RFC 4861 section 10). */
#define NEIGHBOURS_A_SECOND 2u

enum sandbox_chain {
	CHAIN_ANTISPOOF,
	CHAIN_JUDGE,
	CHAIN_EGRESS,
	CHAIN_INGRESS,
	CHAIN_ALLOW,
	CHAIN_INPUT,
	CHAIN_FORWARD,
	CHAIN_OUTPUT,
	/* Only where they are needed. An update leaves what counts flows in
	 * place, and can so only if nothing that comes and goes is before. */
	CHAIN_CAP,
	CHAIN_FULL,
	CHAIN_DNS_NAT,
	CHAIN_RESOLVER,
	CHAIN_OPENED,
	CHAIN_NAMED,
	CHAIN_STEER,
	CHAIN_QUERY,
	CHAIN_HELLO,
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
	[CHAIN_CAP] = {SANDBOX_CAP, {0}},
	[CHAIN_FULL] = {SANDBOX_FULL, {0}},
	/* A chain of type nat sees first packets only, and must pass what it
	 * does not translate. */
	[CHAIN_DNS_NAT] = {"dns_nat", {"nat", "prerouting", "dstnat", false}},
	[CHAIN_RESOLVER] = {"resolver", {0}},
	[CHAIN_OPENED] = {SANDBOX_OPENED, {0}},
	[CHAIN_STEER] = {"steer",
			 {"filter", "prerouting", "mangle + 10", false}},
	[CHAIN_NAMED] = {TABLE_NAMED, {0}},
	[CHAIN_QUERY] = {SANDBOX_QUERY, {0}},
	[CHAIN_HELLO] = {SANDBOX_HELLO, {0}},
};

/* Chains whose packets have been through CHAIN_JUDGE: see struct nft_chain. */
static const enum sandbox_chain judged[] = {CHAIN_INPUT, CHAIN_FORWARD,
					    CHAIN_STEER};

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

	build_range(build_rule(a, c, &b), NFT_SADDR6, ip_prefix(mapped, 96));
	build_end(&b, NFT_DROP, true, "always:mapped");
	build_range(build_rule(a, c, &b), NFT_DADDR6, ip_prefix(mapped, 96));
	build_end(&b, NFT_DROP, true, "always:mapped");
	build_link(build_rule(a, c, &b), NFT_IIFNAME, UPLINK_LINK);
	build_end(&b, NFT_ACCEPT, false, NULL);
	build_link(build_rule(a, c, &b), NFT_IIFNAME, GUEST_LINK);
	build_value(&b, NFT_SADDR4, p->slot.guest4.num);
	build_end(&b, NFT_ACCEPT, false, NULL);
	build_link(build_rule(a, c, &b), NFT_IIFNAME, GUEST_LINK);
	build_value(&b, NFT_SADDR6, p->slot.guest6.num);
	build_end(&b, NFT_ACCEPT, false, NULL);
	/* Before it has its address, and on the link, the guest is
	 * unspecified or link-local; as such it may find its neighbour. The
	 * gateway remembers each address that asks, in a table that the kernel
	 * has once for all namespaces: hence not at any rate. */
	build_link(build_rule(a, c, &b), NFT_IIFNAME, GUEST_LINK);
	build_match(&b, NFT_SADDR6, unbound, 2);
	build_neighbour(&b);
	build_end_limited(&b, NEIGHBOURS_A_SECOND);
	build_end(build_rule(a, c, &b), NFT_DROP, true, "always:source");
}

static void chain_judge(struct arena *a, const struct policy *p,
			const struct sandbox_needs *needs, struct nft_chain *c)
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

	build_stamp_is(build_rule(a, c, &b), 0);
	build_end(&b, NFT_ACCEPT, false, NULL);
	if (needs->steer || needs->relayed) {
		build_stamp_is(build_rule(a, c, &b), TABLE_OWNER_RELAY);
		build_end(&b, NFT_ACCEPT, false, NULL);
	}
	if (needs->dns) {
		build_stamp_is(build_rule(a, c, &b), TABLE_OWNER_DNS);
		build_end(&b, NFT_ACCEPT, false, NULL);
	}
	if (needs->tls) {
		build_stamp_is(build_rule(a, c, &b), TABLE_OWNER_TLS);
		build_end(&b, NFT_ACCEPT, false, NULL);
		sandbox_tls_dialled(a, NFT_IIFNAME, c);
	}
	build_value(build_rule(a, c, &b), NFT_CT_STATE, NFT_CT_INVALID);
	build_end(&b, NFT_DROP, true, "always:invalid");
	n = neighbour_targets(p->slot.gw6, targets);
	build_link(build_rule(a, c, &b), NFT_IIFNAME, GUEST_LINK);
	build_match(&b, NFT_DADDR6, targets, n);
	build_neighbour(&b);
	build_end(&b, NFT_ACCEPT, false, NULL);
	n = neighbour_targets((struct ip){0}, targets);
	build_link(build_rule(a, c, &b), NFT_IIFNAME, UPLINK_LINK);
	build_match(&b, NFT_DADDR6, targets, n);
	build_neighbour(&b);
	build_end(&b, NFT_ACCEPT, false, NULL);
	build_value(build_rule(a, c, &b), NFT_CT_STATE, NFT_CT_UNTRACKED);
	build_end(&b, NFT_DROP, true, "always:untracked");
	build_value(build_rule(a, c, &b), NFT_CT_STATE, NFT_CT_RELATED);
	build_end(&b, NFT_DROP, true, "always:related");
	for (i = 0; i < sizeof(walks) / sizeof(walks[0]); i++) {
		build_link(build_rule(a, c, &b), NFT_IIFNAME, walks[i].link);
		build_value(&b, NFT_CT_DIRECTION, walks[i].direction);
		build_end_goto(&b, walks[i].walk);
	}
}

static void refuse_port(struct arena *a, struct nft_chain *c, uint8_t proto,
			uint16_t port, enum nft_verb verb, const char *comment)
{
	struct builder b;

	build_value(build_rule(a, c, &b), NFT_L4PROTO, proto);
	build_value(&b, NFT_CT_DPORT, port);
	build_end(&b, verb, true, comment);
}

/* Plain DNS. What goes to other resolvers than the gateway counts against the
 * cap. */
static void egress_dns(struct arena *a, const struct policy *p,
		       const struct sandbox_needs *needs, struct nft_chain *c)
{
	const struct ip gateways[2] = {p->slot.gw4, p->slot.gw6};
	struct builder b;
	size_t i;

	for (i = 0; i < 4 && needs->cap; i++) {
		build_ip(build_rule(a, c, &b), NFT_CT_DADDR4, NFT_CT_DADDR6,
			 gateways[i / 2]);
		build_value(&b, NFT_L4PROTO, i % 2 ? 17 : 6);
		build_value(&b, NFT_CT_DPORT, 53);
		build_end_stamp(&b, TABLE_OWNER_DNS);
	}
	for (i = 0; i < 2; i++) {
		build_value(build_rule(a, c, &b), NFT_L4PROTO, i % 2 ? 17 : 6);
		build_value(&b, NFT_CT_DPORT, 53);
		if (needs->cap)
			build_end_goto(&b, chains[CHAIN_RESOLVER].name);
		else
			build_end_stamp(&b, TABLE_OWNER_DNS);
	}
}

static void chain_resolver(struct arena *a, struct nft_chain *c)
{
	struct builder b;

	build_value(build_rule(a, c, &b), NFT_CT_MARK_IS, 0);
	build_end_chain(&b, NFT_JUMP, SANDBOX_CAP);
	build_end_stamp(build_rule(a, c, &b), TABLE_OWNER_DNS);
}

static int port_order(const void *x, const void *y)
{
	const uint16_t *a = x, *b = y;

	return (int)*a - (int)*b;
}

static void egress_always(struct arena *a, const struct policy *p,
			  const struct sandbox_needs *needs,
			  struct nft_chain *c)
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
		egress_dns(a, p, needs, c);
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

/* Guest ports of bindings; with @relayed those that the relay serves too. */
static const struct nft_set *port_set(struct arena *a, const struct policy *p,
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

static void ingress_always(struct arena *a, const struct nft_set *tcp,
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

static void chain_input(struct arena *a, const struct sandbox_needs *needs,
			struct nft_chain *c)
{
	struct builder b;

	build_neighbour(build_rule(a, c, &b));
	build_end(&b, NFT_ACCEPT, false, NULL);
	/* What is carried has the most packets, and so it is first. */
	if (needs->tls) {
		build_link(build_rule(a, c, &b), NFT_IIFNAME, GUEST_LINK);
		build_stamp_is(&b, TABLE_OWNER_TLS);
		build_end(&b, NFT_ACCEPT, false, NULL);
		sandbox_tls_dialled(a, NFT_IIFNAME, c);
	}
	build_link(build_rule(a, c, &b), NFT_IIFNAME, GUEST_LINK);
	build_stamp_is(&b, 0);
	build_end(&b, NFT_ACCEPT, false, NULL);
	if (needs->steer || needs->relayed) {
		build_link(build_rule(a, c, &b), NFT_IIFNAME, GUEST_LINK);
		build_stamp_is(&b, TABLE_OWNER_RELAY);
		build_end(&b, NFT_ACCEPT, false, NULL);
	}
	if (needs->dns) {
		build_link(build_rule(a, c, &b), NFT_IIFNAME, GUEST_LINK);
		build_stamp_is(&b, TABLE_OWNER_DNS);
		build_end(&b, NFT_ACCEPT, false, NULL);
	}
}

static void chain_forward(struct arena *a, struct nft_chain *c)
{
	struct builder b;

	build_link(build_rule(a, c, &b), NFT_IIFNAME, GUEST_LINK);
	build_link(&b, NFT_OIFNAME, UPLINK_LINK);
	build_stamp_is(&b, 0);
	build_end(&b, NFT_ACCEPT, false, NULL);
	build_link(build_rule(a, c, &b), NFT_IIFNAME, UPLINK_LINK);
	build_link(&b, NFT_OIFNAME, GUEST_LINK);
	build_stamp_is(&b, 0);
	build_end(&b, NFT_ACCEPT, false, NULL);
}

static void chain_output(struct arena *a, const struct policy *p,
			 const struct sandbox_needs *needs, struct nft_chain *c)
{
	const unsigned int answers = NFT_CT_ESTABLISHED | NFT_CT_RELATED;
	const bool relay = needs->steer || needs->relayed;
	const struct ip gateways[2] = {p->slot.gw4, p->slot.gw6};
	struct builder b;
	size_t i;

	build_neighbour(build_rule(a, c, &b));
	build_end(&b, NFT_ACCEPT, false, NULL);
	/* What is carried has the most packets, and so it is first. */
	if (needs->tls) {
		sandbox_tls_dialled(a, NFT_OIFNAME, c);
		sandbox_tls_dial(a, c);
		build_link(build_rule(a, c, &b), NFT_OIFNAME, GUEST_LINK);
		build_stamp_is(&b, TABLE_OWNER_TLS);
		build_end(&b, NFT_ACCEPT, false, NULL);
	}
	if (relay) {
		build_link(build_rule(a, c, &b), NFT_OIFNAME, GUEST_LINK);
		build_stamp_is(&b, TABLE_OWNER_RELAY);
		build_end(&b, NFT_ACCEPT, false, NULL);
		sandbox_relayed(a, p, needs, NFT_OIFNAME, NFT_CT_ORIGINAL, c);
	}
	if (needs->dns) {
		build_link(build_rule(a, c, &b), NFT_OIFNAME, GUEST_LINK);
		build_stamp_is(&b, TABLE_OWNER_DNS);
		build_end(&b, NFT_ACCEPT, false, NULL);
	}
	/* Answers to queries from before a change: no query is judged here. */
	for (i = 0; i < 2 && needs->dns; i++) {
		build_link(build_rule(a, c, &b), NFT_OIFNAME, GUEST_LINK);
		build_value(&b, NFT_CT_DIRECTION, NFT_CT_REPLY);
		build_value(&b, NFT_L4PROTO, i % 2 ? 17 : 6);
		build_value(&b, NFT_CT_DPORT, 53);
		build_end_goto(&b, chains[CHAIN_EGRESS].name);
	}
	if (needs->tls)
		sandbox_tls_late(a, c);
	/* What the relay sends on a flow that it carries waits for the policy
	 * in force, but for the reset that ends it. */
	for (i = 0; i < 2 && needs->steer; i++) {
		build_link(build_rule(a, c, &b), NFT_OIFNAME, GUEST_LINK);
		build_value(&b, NFT_CT_DIRECTION, NFT_CT_REPLY);
		build_ip(&b, NFT_CT_DADDR4, NFT_CT_DADDR6, gateways[i]);
		build_value(&b, NFT_TCP_RST, NFT_FLAG_RST);
		build_end(&b, NFT_ACCEPT, false, NULL);
		build_link(build_rule(a, c, &b), NFT_OIFNAME, GUEST_LINK);
		build_value(&b, NFT_CT_DIRECTION, NFT_CT_REPLY);
		build_value(&b, NFT_CT_STATE, NFT_CT_ESTABLISHED);
		build_ip(&b, NFT_CT_DADDR4, NFT_CT_DADDR6, gateways[i]);
		build_tcp_udp(&b);
		build_end_goto(&b, chains[CHAIN_EGRESS].name);
	}
	/* Towards the guest also what refuses a flow, which has no stamp. */
	build_link(build_rule(a, c, &b), NFT_OIFNAME, GUEST_LINK);
	build_value(&b, NFT_CT_STATE, answers);
	build_end(&b, NFT_ACCEPT, false, NULL);
	build_link(build_rule(a, c, &b), NFT_OIFNAME, UPLINK_LINK);
	build_stamp_is(&b, 0);
	build_value(&b, NFT_CT_STATE, answers);
	build_end(&b, NFT_ACCEPT, false, NULL);
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
		build_link(build_rule(a, c, &b), NFT_IIFNAME, GUEST_LINK);
		build_value(&b, v4 ? NFT_DADDR4 : NFT_DADDR6,
			    v4 ? p->slot.gw4.num : p->slot.gw6.num);
		build_match(&b, NFT_L4PROTO, both, 2);
		build_value(&b, NFT_DPORT, 53);
		r.match = b.match;
		r.n = b.n;
		r.to = ns->ip;
		r.to_port = ns->port;
		nft_chain_add(a, c, &r);
	}
}

/* Chains are printed in the order of their enumerators; what has no rule, and
 * is no base chain that drops, is left out. */
static size_t compact(struct nft_chain *v, size_t n)
{
	size_t kept = 0, i;

	for (i = 0; i < n; i++)
		if (v[i].n)
			v[kept++] = v[i];
	return kept;
}

/* The sets of pinned addresses before the others: an update leaves them in
 * place, so they are listed first. */
static struct nft_set *all_sets(struct arena *a, const struct pins *pins,
				const struct nft_set *fixed, size_t n)
{
	struct nft_set *v = arena_array(a, n + 2 * pins->n, struct nft_set);
	size_t i;

	for (i = 0; i < pins->n; i++) {
		v[2 * i] = pins->v[i]->set4;
		v[2 * i + 1] = pins->v[i]->set6;
	}
	memcpy(v + 2 * pins->n, fixed, n * sizeof(*v));
	return v;
}

void sandbox_table_open(struct nft_table *t, uint32_t open)
{
	size_t i;

	for (i = 0; i < t->n_chains; i++) {
		const struct nft_chain *c = &t->chains[i];
		struct nft_elem *v;

		if (strcmp(c->name, SANDBOX_CAP) != 0 ||
		    c->rules[0].match[0].key != NFT_CT_COUNT_OVER)
			continue;
		/* The table is ours, and the list of matches a copy. */
		v = (struct nft_elem *)(uintptr_t)c->rules[0].match[0].v;
		v->lo = v->hi = v->lo > open ? v->lo - open : 0;
	}
}

bool sandbox_table(struct arena *a, const struct policy *p, bool steer,
		   struct nft_table *ret, struct walk_build *ret_build)
{
	const struct config *config = p->config;
	struct nft_set *sets =
		arena_array(a, GROUP_SETS_MAX + 5, struct nft_set);
	struct nft_chain *v = arena_array(a, CHAIN_COUNT + LIMITS_MAX_CHAINS,
					  struct nft_chain);
	struct nft_set *relayed = arena_array(a, 2, struct nft_set);
	struct limits *limits = arena_new(a, struct limits);
	const struct nft_set *tcp = port_set(a, p, CONFIG_TCP, false, &sets[0]);
	const struct nft_set *udp = port_set(a, p, CONFIG_UDP, false, &sets[1]);
	struct sandbox_needs needs = {
		.cap = config->has_max_connections,
		.steer = steer,
		.dns = p->dns == POLICY_DNS_HELPER,
		.tcp = port_set(a, p, CONFIG_TCP, true, &relayed[0]),
		.udp = port_set(a, p, CONFIG_UDP, true, &relayed[1]),
	};
	struct nft_set *intercepted = arena_new(a, struct nft_set);
	struct walk_build *const build = ret_build;
	struct nft_chain *all;
	enum sandbox_chain i;
	size_t fixed = 2, n, j;

	tls_ports(a, p, intercepted);
	needs.intercepted = intercepted;
	needs.relayed = needs.tcp->n || needs.udp->n;
	if (needs.relayed) {
		memcpy(sets + fixed, relayed, 2 * sizeof(*sets));
		fixed += 2;
	}
	if (intercepted->n)
		sets[fixed++] = *intercepted;
	*build = (struct walk_build){
		.groups =
			{
				.a = a,
				.gw4 = p->slot.gw4,
				.gw6 = p->slot.gw6,
				.sets = sets + fixed,
			},
		.pins = {.a = a},
		.ends = &walk_plain,
	};
	for (i = 0; i < CHAIN_COUNT; i++) {
		v[i].name = chains[i].name;
		v[i].base = chains[i].base.hook ? &chains[i].base : NULL;
	}
	for (j = 0; j < sizeof(judged) / sizeof(judged[0]); j++)
		v[judged[j]].judged = true;
	egress_always(a, p, &needs, &v[CHAIN_EGRESS]);
	if (!walk_print(a, build, p, POLICY_EGRESS, &v[CHAIN_EGRESS]))
		return false;
	if (needs.relayed)
		sandbox_relayed(a, p, &needs, NFT_IIFNAME, NFT_CT_REPLY,
				&v[CHAIN_INGRESS]);
	ingress_always(a, tcp, udp, &v[CHAIN_INGRESS]);
	if (!walk_print(a, build, p, POLICY_INGRESS, &v[CHAIN_INGRESS]))
		return false;
	/* Only now it is known which flows are handed over. */
	needs.tls = build->sni || intercepted->n;
	chain_antispoof(a, p, &v[CHAIN_ANTISPOOF]);
	chain_judge(a, p, &needs, &v[CHAIN_JUDGE]);
	sandbox_allow(a, p, &needs, &v[CHAIN_ALLOW]);
	chain_input(a, &needs, &v[CHAIN_INPUT]);
	chain_forward(a, &v[CHAIN_FORWARD]);
	chain_output(a, p, &needs, &v[CHAIN_OUTPUT]);
	if (p->dns == POLICY_DNS_NAT)
		chain_dns_nat(a, p, &v[CHAIN_DNS_NAT]);
	if (sandbox_has_opened(&needs))
		sandbox_opened(a, p, &needs, &v[CHAIN_OPENED]);
	if (needs.cap) {
		sandbox_cap(a, config->max_connections, &v[CHAIN_CAP]);
		sandbox_full(a, &v[CHAIN_FULL]);
	}
	if (needs.dns && needs.cap)
		chain_resolver(a, &v[CHAIN_RESOLVER]);
	if (build->sni)
		sandbox_named(a, &needs, &v[CHAIN_NAMED]);
	if (steer || needs.dns || needs.tls)
		sandbox_steer(a, &needs, &v[CHAIN_STEER]);
	if (needs.dns)
		sandbox_query(a, &v[CHAIN_QUERY]);
	if (needs.tls)
		sandbox_hello(a, &v[CHAIN_HELLO]);
	n = compact(v, CHAIN_COUNT);
	limit_rules(a, config, limits);
	memcpy(v + n, limits->chains, limits->n_chains * sizeof(*v));
	n += limits->n_chains;
	all = arena_array(a, n + build->maps.n_chains, struct nft_chain);
	memcpy(all, v, n * sizeof(*v));
	if (build->maps.n_chains)
		memcpy(all + n, build->maps.chains,
		       build->maps.n_chains * sizeof(*v));
	*ret = (struct nft_table){
		.name = "msb",
		.objects = limits->objects,
		.n_objects = limits->n_objects,
		.sets = all_sets(a, &build->pins, sets,
				 build->groups.n + fixed),
		.n_sets = build->groups.n + fixed + 2 * build->pins.n,
		.vmaps = build->maps.vmaps,
		.n_vmaps = build->maps.n_vmaps,
		.chains = all,
		.n_chains = n + build->maps.n_chains,
	};
	return true;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sandbox_table.c - The table of the gateway namespace: one policy. */
#include <string.h>

#include "sandbox_always.h"
#include "sandbox_carry.h"
#include "sandbox_dns.h"
#include "sandbox_pass.h"
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
	[CHAIN_RESOLVER] = {SANDBOX_RESOLVER, {0}},
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
	const struct nft_set *tcp =
		sandbox_ports(a, p, CONFIG_TCP, false, &sets[0]);
	const struct nft_set *udp =
		sandbox_ports(a, p, CONFIG_UDP, false, &sets[1]);
	struct sandbox_needs needs = {
		.cap = config->has_max_connections,
		.steer = steer,
		.dns = p->dns == POLICY_DNS_HELPER,
		.tcp = sandbox_ports(a, p, CONFIG_TCP, true, &relayed[0]),
		.udp = sandbox_ports(a, p, CONFIG_UDP, true, &relayed[1]),
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
	sandbox_egress(a, p, &needs, &v[CHAIN_EGRESS]);
	if (!walk_print(a, build, p, POLICY_EGRESS, &v[CHAIN_EGRESS]))
		return false;
	if (needs.relayed)
		sandbox_relayed(a, p, &needs, NFT_IIFNAME, NFT_CT_REPLY,
				&v[CHAIN_INGRESS]);
	sandbox_ingress(a, tcp, udp, &v[CHAIN_INGRESS]);
	if (!walk_print(a, build, p, POLICY_INGRESS, &v[CHAIN_INGRESS]))
		return false;
	/* Only now it is known which flows are handed over. */
	needs.tls = build->sni || intercepted->n;
	sandbox_antispoof(a, p, &v[CHAIN_ANTISPOOF]);
	sandbox_judge(a, p, &needs, &v[CHAIN_JUDGE]);
	sandbox_allow(a, p, &needs, &v[CHAIN_ALLOW]);
	sandbox_input(a, &needs, &v[CHAIN_INPUT]);
	sandbox_forward(a, &v[CHAIN_FORWARD]);
	sandbox_output(a, p, &needs, &v[CHAIN_OUTPUT]);
	if (p->dns == POLICY_DNS_NAT)
		sandbox_dns_nat(a, p, &v[CHAIN_DNS_NAT]);
	if (sandbox_has_opened(&needs))
		sandbox_opened(a, p, &needs, &v[CHAIN_OPENED]);
	if (needs.cap) {
		sandbox_cap(a, config->max_connections, &v[CHAIN_CAP]);
		sandbox_full(a, &v[CHAIN_FULL]);
	}
	if (needs.dns && needs.cap)
		sandbox_resolver(a, &v[CHAIN_RESOLVER]);
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plan.c - Where everything of a sandbox goes: links, addresses, routes. */
#include "plan.h"

#include <string.h>

#include "eval.h"
#include "names.h"
#include "relay.h"
#include "tables.h"
#include "tls.h"

#define TABLE_MAIN 254u

/* Packets that a helper's listener is to get carry this mark, and are routed
 * to the local socket by a table of their own. */
#define STEER_MARK     TABLE_STEER_MARK
#define STEER_TABLE    100u
#define STEER_PRIORITY 100u

/* Interface names have at most 15 characters (IFNAMSIZ). */
#define LINK_NAME_MAX 15u

bool plan_name_valid(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return len >= 1 && len <= PLAN_NAME_MAX && !name[len];
}

/* "msb-NAME" where it fits an interface name, else a shortened name with a
 * hash of the whole. */
static const char *uplink_name(struct arena *a, const char *name)
{
	uint32_t h = 0x811c9dc5u;
	const char *p;

	if (strlen(name) + 4 <= LINK_NAME_MAX)
		return arena_printf(a, "msb-%s", name);
	for (p = name; *p; p++)
		h = (h ^ (uint8_t)*p) * 0x01000193u;
	return arena_printf(a, "msb-%.4s-%06x", name, h & 0xffffffu);
}

static void plan_links(struct arena *a, struct plan *p)
{
	const struct slot *s = &p->policy->slot;
	struct plan_link *v = arena_array(a, 2, struct plan_link);
	size_t i;

	v[0] = (struct plan_link){
		.end = {{.ns = PLAN_GATEWAY, .name = GATEWAY_UPLINK_LINK},
			{.ns = PLAN_HOST, .name = p->uplink}},
		.mtu = PLAN_MTU,
	};
	v[1] = (struct plan_link){
		.end = {{.ns = PLAN_GATEWAY, .name = GATEWAY_GUEST_LINK},
			{.ns = PLAN_GUEST, .name = "eth0"}},
		.mtu = PLAN_MTU,
		.guest = true,
	};
	memcpy(v[1].end[0].mac, s->gw_mac, 6);
	memcpy(v[1].end[1].mac, s->guest_mac, 6);
	for (i = 0; i < 2; i++) {
		memcpy(v[0].end[i].mac, s->gw_mac, 6);
		v[0].end[i].mac[5] = (uint8_t)(3 + i);
	}
	p->links = v;
	p->n_links = 2;
}

static void plan_addrs(struct arena *a, struct plan *p)
{
	const struct slot *s = &p->policy->slot;
	const struct ip net = {IP_V4, eval_uplink_net().lo};
	const struct ip local = {IP_V6, (ip_num)0xfe80 << 112};
	/* The host has the same uplink address on every sandbox's link, so it
	 * must bring no route of its own: hence the full length. */
	const struct plan_addr addrs[] = {
		{PLAN_HOST, p->uplink, {IP_V4, net.num + 1}, 32},
		{PLAN_HOST, p->uplink, {IP_V6, local.num + 1}, 64},
		{PLAN_GATEWAY, GATEWAY_UPLINK_LINK, {IP_V4, net.num + 2}, 30},
		{PLAN_GATEWAY, GATEWAY_UPLINK_LINK, {IP_V6, local.num + 2}, 64},
		{PLAN_GATEWAY, GATEWAY_GUEST_LINK, s->gw4, 30},
		{PLAN_GATEWAY, GATEWAY_GUEST_LINK, s->gw6, 64},
		{PLAN_GUEST, "eth0", s->guest4, 30},
		{PLAN_GUEST, "eth0", s->guest6, 64},
	};

	p->n_addrs = sizeof(addrs) / sizeof(addrs[0]);
	p->addrs = arena_array(a, p->n_addrs, struct plan_addr);
	memcpy(p->addrs, addrs, sizeof(addrs));
}

/* The two ends of the uplink do not ask for each other. A host that checks
 * reverse paths would not answer: the gateway's address has no route there,
 * because every sandbox's gateway has the same. */
static void plan_neighbours(struct arena *a, struct plan *p)
{
	const struct plan_link *uplink = &p->links[0];
	size_t i;

	p->n_neighbours = 4;
	p->neighbours = arena_array(a, p->n_neighbours, struct plan_neighbour);
	for (i = 0; i < p->n_neighbours; i++) {
		/* The first four addresses are those of the uplink. */
		const struct plan_addr *addr = &p->addrs[i];
		const bool gateway = addr->ns == PLAN_GATEWAY;
		const struct plan_end *own = &uplink->end[gateway ? 0 : 1];
		const struct plan_end *far = &uplink->end[gateway ? 1 : 0];
		struct plan_neighbour *n = &p->neighbours[i];

		*n = (struct plan_neighbour){
			.ns = far->ns,
			.link = far->name,
			.ip = addr->ip,
		};
		memcpy(n->mac, own->mac, sizeof(n->mac));
	}
}

static void plan_routes(struct arena *a, struct plan *p)
{
	const struct slot *s = &p->policy->slot;
	const struct ip_range all4 = {IP_V4, 0, ip_max(IP_V4)};
	const struct ip_range all6 = {IP_V6, 0, ip_max(IP_V6)};
	const struct ip host4 = p->addrs[0].ip, host6 = p->addrs[1].ip;
	const struct ip gw4 = p->addrs[2].ip, gw6 = p->addrs[3].ip;
	const struct plan_route routes[] = {
		{PLAN_HOST, false, ip_single(s->guest4), gw4, p->uplink,
		 TABLE_MAIN},
		{PLAN_HOST, false, ip_single(s->guest6), gw6, p->uplink,
		 TABLE_MAIN},
		/* Of what msb-tlsd sends to servers, the source. */
		{PLAN_HOST, false, ip_single(s->gw4), gw4, p->uplink,
		 TABLE_MAIN},
		{PLAN_HOST, false, ip_single(s->gw6), gw6, p->uplink,
		 TABLE_MAIN},
		{PLAN_GATEWAY, false, all4, host4, GATEWAY_UPLINK_LINK,
		 TABLE_MAIN},
		{PLAN_GATEWAY, false, all6, host6, GATEWAY_UPLINK_LINK,
		 TABLE_MAIN},
		{PLAN_GATEWAY, true, all4, {0}, "lo", STEER_TABLE},
		{PLAN_GATEWAY, true, all6, {0}, "lo", STEER_TABLE},
		{PLAN_GUEST, false, all4, s->gw4, "eth0", TABLE_MAIN},
		{PLAN_GUEST, false, all6, s->gw6, "eth0", TABLE_MAIN},
	};
	const struct plan_rule rules[] = {
		{PLAN_GATEWAY, IP_V4, STEER_PRIORITY, STEER_MARK, STEER_TABLE},
		{PLAN_GATEWAY, IP_V6, STEER_PRIORITY, STEER_MARK, STEER_TABLE},
	};

	p->n_routes = sizeof(routes) / sizeof(routes[0]);
	p->routes = arena_array(a, p->n_routes, struct plan_route);
	memcpy(p->routes, routes, sizeof(routes));
	p->n_rules = sizeof(rules) / sizeof(rules[0]);
	p->rules = arena_array(a, p->n_rules, struct plan_rule);
	memcpy(p->rules, rules, sizeof(rules));
}

/* "LINK" in a key stands for the name of the interface. */
static const struct {
	enum plan_ns ns;
	const char *link;
	const char *key;
	const char *value;
	bool keep;
} sysctls[] = {
	{PLAN_HOST, NULL, "net/ipv4/ip_forward", "1", true},
	{PLAN_HOST, NULL, "net/ipv6/conf/all/forwarding", "1", true},
	{PLAN_GATEWAY, NULL, "net/ipv4/ip_forward", "1", false},
	{PLAN_GATEWAY, NULL, "net/ipv6/conf/all/forwarding", "1", false},
	/* Nobody tells the gateway where to send what, or sends through it by
	 * a route of his own; and it tells nobody. */
	{PLAN_GATEWAY, NULL, "net/ipv4/conf/all/accept_redirects", "0", false},
	{PLAN_GATEWAY, NULL, "net/ipv4/conf/default/accept_redirects", "0",
	 false},
	{PLAN_GATEWAY, NULL, "net/ipv4/conf/all/send_redirects", "0", false},
	{PLAN_GATEWAY, NULL, "net/ipv4/conf/default/send_redirects", "0",
	 false},
	{PLAN_GATEWAY, NULL, "net/ipv4/conf/all/accept_source_route", "0",
	 false},
	{PLAN_GATEWAY, NULL, "net/ipv6/conf/all/accept_source_route", "-1",
	 false},
	/* A segment routing header would have the gateway send a packet on to
	 * an address that was not judged. */
	{PLAN_GATEWAY, NULL, "net/ipv6/conf/all/seg6_enabled", "0", false},
	{PLAN_GATEWAY, NULL, "net/ipv4/conf/all/route_localnet", "0", false},
	{PLAN_GATEWAY, NULL, "net/ipv4/conf/default/route_localnet", "0",
	 false},
	{PLAN_GATEWAY, NULL, "net/ipv6/conf/all/accept_redirects", "0", false},
	{PLAN_GATEWAY, NULL, "net/ipv6/conf/default/accept_redirects", "0",
	 false},
	{PLAN_GATEWAY, NULL, "net/ipv6/conf/default/accept_ra", "0", false},
	/* The guest asks for the gateway's address on its link, and gets an
	 * answer for no other. */
	{PLAN_GATEWAY, NULL, "net/ipv4/conf/all/arp_ignore", "1", false},
	{PLAN_GATEWAY, NULL, "net/ipv4/conf/all/rp_filter", "0", false},
	/* Helpers bind the ports that they stand for, also without privileges,
	 * and nothing binds theirs by chance. */
	{PLAN_GATEWAY, NULL, "net/ipv4/ip_local_port_range", "32768 60999",
	 false},
	{PLAN_GATEWAY, NULL, "net/ipv4/ip_unprivileged_port_start", "0", false},
	/* Addresses are given, never made up, and usable at once. */
	{PLAN_GATEWAY, NULL, "net/ipv6/conf/default/accept_dad", "0", false},
	{PLAN_GATEWAY, GATEWAY_GUEST_LINK, "net/ipv4/conf/LINK/rp_filter", "1",
	 false},
	{PLAN_GATEWAY, GATEWAY_UPLINK_LINK, "net/ipv4/conf/LINK/rp_filter", "0",
	 false},
	{PLAN_GATEWAY, GATEWAY_UPLINK_LINK, "net/ipv6/conf/LINK/addr_gen_mode",
	 "1", false},
	{PLAN_HOST, "", "net/ipv6/conf/LINK/addr_gen_mode", "1", false},
	/* Where forwarding was turned on before, turning it on changes nothing,
	 * and new links are born as the namespace's default says. */
	{PLAN_GATEWAY, GATEWAY_GUEST_LINK, "net/ipv4/conf/LINK/forwarding", "1",
	 false},
	{PLAN_GATEWAY, GATEWAY_UPLINK_LINK, "net/ipv4/conf/LINK/forwarding",
	 "1", false},
	{PLAN_HOST, "", "net/ipv4/conf/LINK/forwarding", "1", false},
	/* Container runtimes and cautious hosts turn IPv6 off for every new
	 * link. These are ours, and the policy judges IPv6. */
	{PLAN_GATEWAY, GATEWAY_GUEST_LINK, "net/ipv6/conf/LINK/disable_ipv6",
	 "0", false},
	{PLAN_GATEWAY, GATEWAY_UPLINK_LINK, "net/ipv6/conf/LINK/disable_ipv6",
	 "0", false},
	{PLAN_GUEST, "eth0", "net/ipv6/conf/LINK/disable_ipv6", "0", false},
	{PLAN_HOST, "", "net/ipv6/conf/LINK/disable_ipv6", "0", false},
	{PLAN_HOST, "", "net/ipv6/conf/LINK/accept_ra", "0", false},
	{PLAN_HOST, "", "net/ipv6/conf/LINK/accept_redirects", "0", false},
	{PLAN_HOST, "", "net/ipv4/conf/LINK/accept_redirects", "0", false},
	{PLAN_HOST, "", "net/ipv4/conf/LINK/send_redirects", "0", false},
	{PLAN_HOST, "", "net/ipv4/conf/LINK/route_localnet", "0", false},
};

static void plan_sysctls(struct arena *a, struct plan *p)
{
	size_t i;

	p->n_sysctls = sizeof(sysctls) / sizeof(sysctls[0]);
	p->sysctls = arena_array(a, p->n_sysctls, struct plan_sysctl);
	for (i = 0; i < p->n_sysctls; i++) {
		const char *link = sysctls[i].link;
		const char *key = sysctls[i].key;
		const char *at = strstr(key, "LINK");

		/* The host's end is the one whose name is not fixed. */
		if (link && !*link)
			link = p->uplink;
		if (at)
			key = arena_printf(a, "%.*s%s%s", (int)(at - key), key,
					   link, at + 4);
		p->sysctls[i] = (struct plan_sysctl){
			.ns = sysctls[i].ns,
			.key = key,
			.value = sysctls[i].value,
			.link = link,
			.keep = sysctls[i].keep,
		};
	}
}

static void warn_dns(struct diags *d, const struct policy *p)
{
	const struct config_dns *dns = &p->config->dns;
	size_t i;

	if (p->dns != POLICY_DNS_NAT)
		return;
	if (dns->query_timeout_ms)
		diag_add(d, DIAG_WARNING, DIAG_DNS_NAT, DIAG_AT_KEY,
			 "/DNS/QueryTimeoutMs", NULL,
			 "no query waits here for so long: NAT sends it to the "
			 "name server, and the guest waits for the answer");
	for (i = 0; i < dns->n_nameservers; i++) {
		const struct config_nameserver *ns = &dns->nameservers[i];
		char text[IP_TEXT_MAX];

		if (ns == policy_nameserver(p, ns->ip.family))
			continue;
		diag_add(d, DIAG_WARNING, DIAG_DNS_NAT, 0,
			 arena_printf(d->arena, "/DNS/Nameservers/%zu", i),
			 NULL,
			 "name server %s is not used: NAT sends every query to "
			 "the first one of its family",
			 ip_format(ns->ip, text));
	}
}

/* FNV-1a, 64 bits, from either of two starts. */
static unsigned long long hash_names(const struct plan *p, uint64_t h)
{
	const uint8_t *octet = p->names;
	size_t i;

	for (i = 0; i < p->names_len; i++)
		h = (h ^ octet[i]) * 0x100000001b3u;
	return h;
}

static void plan_names(struct arena *a, struct plan *p)
{
	const struct config *c = p->policy->config;

	if ((!plan_needs(p, PLAN_DNSD) && !plan_needs(p, PLAN_TLSD)) ||
	    (!c->deny_domains.n && !c->deny_suffixes.n))
		return;
	p->names = names_build(a, &c->deny_domains, &c->deny_suffixes,
			       &p->names_len);
	p->names_file = arena_printf(a, "names-%016llx%016llx.bin",
				     hash_names(p, 0xcbf29ce484222325u),
				     hash_names(p, 0x9e3779b97f4a7c15u));
}

static void add_helper(struct plan *p, const char *name, const char *config,
		       const char *reason)
{
	if (reason)
		p->helpers[p->n_helpers++] =
			(struct plan_helper){name, config, reason};
}

static void plan_helpers(struct arena *a, struct plan *p,
			 const struct walk_build *b)
{
	const bool dns = p->policy->dns == POLICY_DNS_HELPER;

	p->helpers = arena_array(a, 3, struct plan_helper);
	add_helper(p, PLAN_DNSD, "dns.json",
		   dns ? p->policy->dns_reason : NULL);
	add_helper(p, PLAN_RELAYD, "relay.json", relay_reason(a, p->policy));
	add_helper(p, PLAN_TLSD, "tls.json", tls_reason(a, p->policy, b->sni));
}

bool plan_needs(const struct plan *p, const char *helper)
{
	size_t i;

	for (i = 0; i < p->n_helpers; i++)
		if (strcmp(p->helpers[i].name, helper) == 0)
			return true;
	return false;
}

static void note_choices(struct diags *d, const struct plan *p)
{
	size_t i;

	for (i = 0; i < p->n_choices; i++) {
		const struct plan_choice *c = &p->choices[i];
		const struct policy_rule *r =
			&p->policy->walk[c->dir].rules[c->first];

		if (c->reason != PLAN_NO_MAP && c->reason != PLAN_TOO_MANY)
			continue;
		diag_add(d, DIAG_NOTE, DIAG_RULE_ORDER, 0, r->pointer,
			 "use fewer different port lists, or fewer prefixes",
			 "from here on %zu %s rules are tried one after the "
			 "other, as %s: a new flow pays up to %llu us",
			 c->end - c->first, TABLE_WALK(c->dir),
			 c->reason == PLAN_NO_MAP
				 ? "their boxes are too many"
				 : "the maps for them would be too large",
			 (unsigned long long)(c->in_order.ns / 1000));
	}
}

bool plan_make(struct arena *a, struct diags *d, const struct policy *policy,
	       const char *name, struct plan *ret)
{
	struct plan p = {
		.name = arena_strdup(a, name),
		.policy = policy,
		.netns = arena_printf(a, "msb-%s", name),
		.uplink = uplink_name(a, name),
		.host_egress = relay_host_egress(policy) != NULL,
	};
	struct walk_build build;

	if (policy->config->n_bindings > PLAN_MAX_BINDINGS) {
		diag_add(d, DIAG_ERROR, DIAG_POLICY_SIZE, 0,
			 policy->config->bindings[PLAN_MAX_BINDINGS].pointer,
			 "each of them is a socket of msb-relayd",
			 "%zu published ports are above %u",
			 policy->config->n_bindings, PLAN_MAX_BINDINGS);
		return false;
	}
	if (!sandbox_table(a, policy, p.host_egress, &p.sandbox, &build)) {
		if (build.pins.full)
			diag_add(
				d, DIAG_ERROR, DIAG_POLICY_SIZE, 0, "/Rules",
				"put rules about names that are the same but "
				"for the name next to each other: they share "
				"sets",
				"the rules about names need more than %u pairs "
				"of sets",
				PINS_MAX);
		else
			diag_add(
				d, DIAG_ERROR, DIAG_POLICY_SIZE, 0, "/Rules",
				"name fewer ports for each rule, or use ranges",
				"the rules become more than %u nftables rules",
				TABLES_MAX_RULES);
		return false;
	}
	p.pins = build.pins.v;
	p.n_pins = build.pins.n;
	p.choices = build.choices;
	p.n_choices = build.n_choices;
	p.generation = table_generation(&p.sandbox);
	table_stamp(&p.sandbox, p.generation);
	host_table(a, policy, p.uplink, &p.host);
	plan_links(a, &p);
	plan_addrs(a, &p);
	plan_neighbours(a, &p);
	plan_routes(a, &p);
	plan_sysctls(a, &p);
	plan_helpers(a, &p, &build);
	plan_names(a, &p);
	warn_dns(d, policy);
	note_choices(d, &p);
	*ret = p;
	return true;
}

void plan_cap_open(struct plan *p, uint32_t open)
{
	sandbox_table_open(&p->sandbox, open);
}

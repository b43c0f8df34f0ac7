/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy.c - Lowering: a document becomes one ordered rule list a direction. */
#include "policy.h"

#include <string.h>

#include "eval.h"
#include "preset.h"
#include "str.h"

/**
 * struct lowering - The walks while they are filled
 * @a:		arena
 * @d:		diagnostics
 * @rules:	rules of each walk
 * @n:		how many
 * @cap:	room for how many
 */
struct lowering {
	struct arena *a;
	struct diags *d;
	struct policy_rule *rules[POLICY_DIRECTIONS];
	size_t n[POLICY_DIRECTIONS];
	size_t cap[POLICY_DIRECTIONS];
};

static void lower_push(struct lowering *l, enum policy_direction dir,
		       const struct policy_rule *rule)
{
	l->rules[dir] = arena_grow(l->a, l->rules[dir], l->n[dir], &l->cap[dir],
				   sizeof(*rule));
	l->rules[dir][l->n[dir]++] = *rule;
}

/* DenyDomains (@apex false) or DenyDomainSuffixes (@apex true). */
static void lower_names(struct lowering *l, const struct config_names *names,
			const char *field, bool apex)
{
	size_t i;

	for (i = 0; i < names->n; i++) {
		struct policy_rule rule = {
			.dest.kind = apex ? CONFIG_DEST_SUFFIX
					  : CONFIG_DEST_NAME,
			.dest.name = names->v[i],
			.dest.apex = apex,
			.pointer = arena_printf(l->a, "/%s/%zu", field, i),
		};

		lower_push(l, POLICY_EGRESS, &rule);
	}
}

/* @pointer replaces the rules' own, for rules that are not in the document. */
static void lower_rules(struct lowering *l, const struct config *config,
			const char *pointer)
{
	const unsigned int with_ports = CONFIG_TCP | CONFIG_UDP;
	size_t i;

	for (i = 0; i < config->n_rules; i++) {
		const struct config_rule *from = &config->rules[i];
		struct policy_rule rule = {
			.allow = from->action == CONFIG_ALLOW,
			.dest = from->dest,
			.protos = from->protos,
			.ports = from->ports,
			.n_ports = from->n_ports,
			.pointer = pointer ? pointer : from->pointer,
		};

		if (rule.n_ports) {
			rule.protos = rule.protos ? rule.protos & with_ports
						  : with_ports;
			if (!rule.protos) {
				diag_add(
					l->d, DIAG_WARNING, DIAG_NEVER_MATCHES,
					0, rule.pointer,
					"leave the ports out, or add tcp or udp",
					"the rule has ports, and only "
					"protocols without ports, so it "
					"matches nothing");
				continue;
			}
		}
		if (from->direction != CONFIG_INGRESS)
			lower_push(l, POLICY_EGRESS, &rule);
		if (from->direction != CONFIG_EGRESS)
			lower_push(l, POLICY_INGRESS, &rule);
	}
}

/* Read a preset: a document like any other, but one that cannot be wrong. */
static void lower_preset(struct arena *a, enum config_preset which,
			 struct config *ret)
{
	const struct preset *preset = preset_get(which);
	struct diags d = {
		.arena = a,
		.file = preset->name,
		.text = preset->text,
		.len = strlen(preset->text),
	};

	if (!config_read(a, &d, ret))
		__builtin_trap();
}

/**
 * struct resolvable - Which resolvers the plain walk reaches at port 53
 * @a:		arena for the list
 * @denied:	addresses that earlier rules deny
 * @n:		how many ranges
 * @cap:	room for how many
 * @sorted:	how many of them were normalised when last asked
 * @asked:	how often they were normalised
 */
struct resolvable {
	struct arena *a;
	struct ip_range *denied;
	size_t n;
	size_t cap;
	size_t sorted;
	unsigned int asked;
};

/* Normalising again after each of many denied rules would be quadratic. Past
 * this the answer is "something may be left", which costs a helper at worst. */
#define RESOLVABLE_MAX_ASKED 64

static void resolvable_deny(struct resolvable *r, struct ip_set set)
{
	size_t i;

	for (i = 0; i < set.n; i++) {
		r->denied = arena_grow(r->a, r->denied, r->n, &r->cap,
				       sizeof(*r->denied));
		r->denied[r->n++] = set.v[i];
	}
}

static bool resolvable_left(struct resolvable *r, struct ip_set set)
{
	ARENA(scratch);
	struct ip_set denied;

	if (r->sorted != r->n && ++r->asked > RESOLVABLE_MAX_ASKED)
		return true;
	denied = ip_set_from(&scratch, r->denied, r->n);
	r->sorted = r->n;
	return ip_set_minus(&scratch, set, denied).n > 0;
}

bool policy_rule_serves(const struct policy_rule *r, enum config_proto proto,
			uint16_t port)
{
	size_t i;

	if (r->protos && !(r->protos & proto))
		return false;
	for (i = 0; i < r->n_ports; i++)
		if (port >= r->ports[i].lo && port <= r->ports[i].hi)
			return true;
	return !r->n_ports;
}

bool policy_is_name(const struct config_dest *dest)
{
	return dest->kind == CONFIG_DEST_NAME ||
	       dest->kind == CONFIG_DEST_SUFFIX;
}

static struct ip_set dest_set(struct arena *a, const struct config_dest *dest,
			      const struct slot *slot)
{
	const struct ip_range all[2] = {
		{IP_V4, 0, ip_max(IP_V4)},
		{IP_V6, 0, ip_max(IP_V6)},
	};

	switch (dest->kind) {
	case CONFIG_DEST_ANY:
		return ip_set_from(a, all, 2);
	case CONFIG_DEST_GROUP:
		return group_set(a, dest->group, slot->gw4, slot->gw6);
	case CONFIG_DEST_RANGE:
		return ip_set_from(a, &dest->range, 1);
	case CONFIG_DEST_NAME:
	case CONFIG_DEST_SUFFIX:
		break;
	}
	return (struct ip_set){0};
}

/*
 * Whether any query over @proto can be allowed: some resolver is reached by
 * the plain walk, or a name is allowed while the gateway is still undecided.
 */
static bool dns_possible(const struct policy *p, enum config_proto proto)
{
	ARENA(a);
	const struct policy_walk *walk = &p->walk[POLICY_EGRESS];
	const struct ip_range gateways[2] = {ip_single(p->slot.gw4),
					     ip_single(p->slot.gw6)};
	const struct config_dest any = {.kind = CONFIG_DEST_ANY};
	struct ip_set gateway = ip_set_from(&a, gateways, 2), all;
	struct ip_set groups[GROUP_COUNT] = {{0}};
	struct resolvable r = {.a = &a};
	size_t i;

	all = dest_set(&a, &any, &p->slot);
	for (i = 0; i < walk->n; i++) {
		const struct policy_rule *rule = &walk->rules[i];
		struct ip_set set;

		if (policy_is_name(&rule->dest)) {
			if (rule->allow && resolvable_left(&r, gateway))
				return true;
			continue;
		}
		if (!policy_rule_serves(rule, proto, 53))
			continue;
		if (rule->dest.kind == CONFIG_DEST_GROUP) {
			struct ip_set *known = &groups[rule->dest.group];

			if (!known->n)
				*known = dest_set(&a, &rule->dest, &p->slot);
			set = *known;
		} else {
			set = dest_set(&a, &rule->dest, &p->slot);
		}
		if (!rule->allow)
			resolvable_deny(&r, set);
		else if (resolvable_left(&r, set))
			return true;
	}
	return walk->default_allow && resolvable_left(&r, all);
}

static bool walk_has_names(const struct policy_walk *walk)
{
	size_t i;

	for (i = 0; i < walk->n; i++)
		if (policy_is_name(&walk->rules[i].dest))
			return true;
	return false;
}

/* What is local to one namespace or link cannot be reached by translating to
 * it in another. */
static bool nat_reaches(const struct policy *p, struct ip ip)
{
	const enum group group = group_of(ip, p->slot.gw4, p->slot.gw6);

	return group == GROUP_PUBLIC || group == GROUP_PRIVATE ||
	       group == GROUP_METADATA;
}

static void lower_dns(struct policy *p)
{
	const struct config *c = p->config;
	size_t i;

	p->dns = POLICY_DNS_HELPER;
	if (!dns_possible(p, CONFIG_UDP) && !dns_possible(p, CONFIG_TCP)) {
		p->dns = POLICY_DNS_NONE;
		p->dns_reason = "no query is allowed";
		return;
	}
	if (walk_has_names(&p->walk[POLICY_EGRESS]) ||
	    walk_has_names(&p->walk[POLICY_INGRESS])) {
		p->dns_reason = "rules name domains";
		return;
	}
	if (policy_rebind_protection(c)) {
		p->dns_reason = "rebind protection is on";
		return;
	}
	if (c->tls.present) {
		p->dns_reason = "TLS interception needs answers without "
				"encrypted client hellos";
		return;
	}
	if (!c->dns.n_nameservers) {
		p->dns_reason = "the host's resolv.conf names the servers";
		return;
	}
	for (i = 0; i < c->dns.n_nameservers; i++) {
		const struct config_nameserver *ns = &c->dns.nameservers[i];

		if (ns->host) {
			p->dns_reason = "a name server is given by name";
			return;
		}
		if (!nat_reaches(p, ns->ip)) {
			p->dns_reason = "NAT cannot reach a name server's "
					"address";
			return;
		}
	}
	p->dns = POLICY_DNS_NAT;
	p->dns_reason = "all name servers are addresses, and no rule needs to "
			"see a name";
}

/* Whether a sandbox can live on the addresses of its slot. */
static bool check_slot(struct diags *d, const struct slot *slot)
{
	const struct {
		struct ip_range range;
		const char *what;
	} others[] = {
		{ip_prefix(ip4(0, 0, 0, 0), 8), "no address of anybody"},
		{ip_prefix(ip4(127, 0, 0, 0), 8), "the loopback"},
		{eval_uplink_net(), "the link between gateway and host"},
		{ip_prefix(ip4(224, 0, 0, 0), 4), "multicast"},
		{ip_prefix((struct ip){IP_V6, 0}, 64), "the loopback"},
		{ip_prefix((struct ip){IP_V6, (ip_num)0xfe80 << 112}, 10),
		 "link-local"},
		{ip_prefix((struct ip){IP_V6, (ip_num)0xff00 << 112}, 8),
		 "multicast"},
	};
	bool good = true;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		const bool six = others[i].range.family == IP_V6;
		const struct ip_range net = six ? slot->net6 : slot->net4;
		char text[IP_TEXT_MAX];

		if (!ip_range_overlap(net, others[i].range))
			continue;
		diag_add(d, DIAG_ERROR, DIAG_POOL, 0,
			 six ? "/IPv6Pool" : "/IPv4Pool",
			 six ? "for example \"fd42:6d73:62::/48\""
			     : "for example \"172.16.0.0/12\"",
			 "slot %u would have %s, which is %s", slot->number,
			 ip_range_format(net, text), others[i].what);
		good = false;
	}
	return good;
}

bool policy_lower(struct arena *a, struct diags *d, const struct config *config,
		  uint32_t slot, struct policy *ret)
{
	const uint32_t slots = pool_slots(config->pool4, config->pool6);
	const bool explicit = config->has_rules || config->default_egress ||
			      config->default_ingress;
	struct lowering l = {.a = a, .d = d};
	struct policy p = {.config = config};
	const struct config *from = config;
	struct config preset;
	enum policy_direction dir;

	if (slot >= slots) {
		diag_add(d, DIAG_ERROR, DIAG_POOL, 0, "",
			 "choose a lower slot, or larger pools",
			 "slot %u is outside the pools, which have slots 0 to "
			 "%u",
			 slot, slots - 1);
		return false;
	}
	p.slot = pool_slot(config->pool4, config->pool6, slot);
	if (!check_slot(d, &p.slot))
		return false;

	lower_names(&l, &config->deny_domains, "DenyDomains", false);
	lower_names(&l, &config->deny_suffixes, "DenyDomainSuffixes", true);
	if (!explicit) {
		lower_preset(a,
			     config->policy ? config->policy
					    : CONFIG_PRESET_PUBLIC_ONLY,
			     &preset);
		from = &preset;
	}
	lower_rules(&l, from, explicit ? NULL : "/Policy");

	for (dir = POLICY_EGRESS; dir < POLICY_DIRECTIONS; dir++) {
		p.walk[dir].rules = l.rules[dir];
		p.walk[dir].n = l.n[dir];
	}
	p.walk[POLICY_EGRESS].default_pointer = "/DefaultEgress";
	p.walk[POLICY_EGRESS].default_allow = from->default_egress ==
					      CONFIG_ALLOW;
	p.walk[POLICY_INGRESS].default_pointer = "/DefaultIngress";
	p.walk[POLICY_INGRESS].default_allow = from->default_ingress !=
					       CONFIG_DENY;
	lower_dns(&p);
	*ret = p;
	return true;
}

bool policy_rebind_protection(const struct config *config)
{
	if (config->dns.rebind_protection)
		return config->dns.rebind_protection == CONFIG_TRUE;
	return config->rebind_protection != CONFIG_FALSE;
}

bool policy_published(const struct policy *p, enum config_proto proto,
		      uint16_t guest_port)
{
	size_t i;

	for (i = 0; i < p->config->n_bindings; i++) {
		const struct config_binding *b = &p->config->bindings[i];

		if (b->proto == proto && b->guest_port == guest_port)
			return true;
	}
	return false;
}

const struct config_nameserver *policy_nameserver(const struct policy *p,
						  enum ip_family family)
{
	const struct config_dns *dns = &p->config->dns;
	size_t i;

	for (i = 0; i < dns->n_nameservers; i++)
		if (!dns->nameservers[i].host &&
		    dns->nameservers[i].ip.family == family)
			return &dns->nameservers[i];
	return NULL;
}

const char *policy_name_text(struct dname name, char buf[DNAME_TEXT_MAX])
{
	const size_t n = strlen(dname_format(name, buf));

	/* One label leaves room enough. */
	if (!memchr(buf, '.', n))
		memcpy(buf + n, ".", sizeof("."));
	return buf;
}

static void dest_words(struct str *s, const struct config_dest *dest)
{
	char name[DNAME_TEXT_MAX], range[IP_TEXT_MAX];

	switch (dest->kind) {
	case CONFIG_DEST_ANY:
		str_puts(s, "*");
		return;
	case CONFIG_DEST_GROUP:
		str_puts(s, group_name(dest->group));
		return;
	case CONFIG_DEST_RANGE:
		str_puts(s, ip_range_format(dest->range, range));
		return;
	case CONFIG_DEST_NAME:
		str_puts(s, policy_name_text(dest->name, name));
		return;
	case CONFIG_DEST_SUFFIX:
		if (dest->apex)
			str_printf(s, "%s and ",
				   dname_format(dest->name, name));
		str_printf(s, ".%s", dname_format(dest->name, name));
		return;
	}
}

const char *policy_rule_words(struct arena *a, const struct policy_rule *r,
			      enum policy_direction dir)
{
	static const struct {
		enum config_proto proto;
		const char *name;
	} protos[] = {
		{CONFIG_TCP, "tcp"},
		{CONFIG_UDP, "udp"},
		{CONFIG_ICMPV4, "icmpv4"},
		{CONFIG_ICMPV6, "icmpv6"},
	};
	const char *before = " ";
	STR(s);
	size_t i;

	str_printf(&s, "%s %s ", r->allow ? "allow" : "deny",
		   dir == POLICY_EGRESS ? "egress" : "ingress");
	dest_words(&s, &r->dest);
	for (i = 0; i < sizeof(protos) / sizeof(protos[0]); i++) {
		if (r->protos & protos[i].proto) {
			str_printf(&s, "%s%s", before, protos[i].name);
			before = ",";
		}
	}
	before = " ";
	for (i = 0; i < r->n_ports; i++) {
		str_printf(&s, "%s%u", before, r->ports[i].lo);
		if (r->ports[i].hi != r->ports[i].lo)
			str_printf(&s, "-%u", r->ports[i].hi);
		before = ",";
	}
	return arena_strdup(a, str_text(&s));
}

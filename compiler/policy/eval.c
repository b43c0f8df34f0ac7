/* SPDX-License-Identifier: GPL-2.0-or-later */
/* eval.c - What a policy means: the reference verdict of one flow. */
#include "eval.h"

#include <netinet/in.h>
#include <string.h>

/*
 * A walk asks each rule in turn, and the first that matches decides. A rule
 * matches a flow if its service does (protocol and port) and its destination
 * does. A destination that is an address, prefix or group is asked about the
 * flow's address alone. One that is a name is asked about what is known of the
 * flow's name:
 *
 *	flow			allow NAME matches when	deny NAME matches when
 *	TCP egress with SNI	SNI matches, and the	SNI matches
 *				address is pinned to a
 *				name that matches
 *	anything else		the address is pinned	likewise
 *				to a name that matches
 *	DNS query		the name asked matches	likewise
 *
 * The asymmetry is the point: the SNI is the guest's word. It is enough to be
 * refused, and not enough to be let through to an address of its choice.
 */

/* Ports of protocols that would go around the DNS filter: DNS over TLS and
 * QUIC (RFC 7858, RFC 9250), multicast DNS (RFC 6762), LLMNR (RFC 4795) and
 * NetBIOS names (RFC 1002). The first is the one over TCP as well. */
const uint16_t eval_dns_transports[EVAL_DNS_TRANSPORTS] = {853, 137, 5353,
							   5355};

/* Where browsers ask whether they may use DNS over HTTPS of their own. */
static const uint8_t canary_wire[] = "\023use-application-dns\003net";

static const uint8_t gateway_wire[] = "\004host\014microsandbox\010internal";

static bool name_matches(const struct config_dest *dest, struct dname name)
{
	if (dest->kind == CONFIG_DEST_NAME)
		return dname_equal(name, dest->name);
	return dname_below(name, dest->name) ||
	       (dest->apex && dname_equal(name, dest->name));
}

static bool any_pin_matches(const struct policy_rule *r, const struct flow *f)
{
	size_t i;

	if (f->pinned)
		return f->pinned(f->pinned_ctx, r);
	for (i = 0; i < f->n_pins; i++)
		if (name_matches(&r->dest, f->pins[i]))
			return true;
	return false;
}

/* The name in the ClientHello of a TCP flow, if there is one. A client that is
 * told nothing else sends the name that it resolved. */
static bool flow_sni(const struct flow *f, struct dname *ret)
{
	switch (f->sni_kind) {
	case FLOW_SNI_NAME:
		*ret = f->sni;
		return true;
	case FLOW_SNI_UNSAID:
		if (f->n_pins)
			*ret = f->pins[0];
		return f->n_pins;
	case FLOW_SNI_NONE:
		break;
	}
	return false;
}

static bool flow_name_matches(const struct policy_rule *r, const struct flow *f)
{
	struct dname sni;

	if (f->kind == FLOW_DNS)
		return name_matches(&r->dest, f->qname);
	if (f->kind == FLOW_EGRESS && f->proto == IPPROTO_TCP &&
	    flow_sni(f, &sni))
		return name_matches(&r->dest, sni) &&
		       (!r->allow || any_pin_matches(r, f));
	return any_pin_matches(r, f);
}

static bool service_matches(const struct policy_rule *r, const struct flow *f)
{
	unsigned int proto = 0;
	size_t i;

	switch (f->proto) {
	case IPPROTO_TCP:
		proto = CONFIG_TCP;
		break;
	case IPPROTO_UDP:
		proto = CONFIG_UDP;
		break;
	case IPPROTO_ICMP:
		proto = f->ip.family == IP_V4 ? CONFIG_ICMPV4 : 0;
		break;
	case IPPROTO_ICMPV6:
		proto = f->ip.family == IP_V6 ? CONFIG_ICMPV6 : 0;
		break;
	default:
		break;
	}
	if (r->protos && !(r->protos & proto))
		return false;
	if (!r->n_ports)
		return true;
	for (i = 0; i < r->n_ports; i++)
		if (f->has_port && f->port >= r->ports[i].lo &&
		    f->port <= r->ports[i].hi)
			return true;
	return false;
}

static bool rule_matches(const struct policy *p, const struct policy_rule *r,
			 const struct flow *f)
{
	switch (r->dest.kind) {
	case CONFIG_DEST_ANY:
		return service_matches(r, f);
	case CONFIG_DEST_GROUP:
		return service_matches(r, f) &&
		       group_of(f->ip, p->slot.gw4, p->slot.gw6) ==
			       r->dest.group;
	case CONFIG_DEST_RANGE:
		return service_matches(r, f) &&
		       ip_range_has(r->dest.range, f->ip);
	case CONFIG_DEST_NAME:
	case CONFIG_DEST_SUFFIX:
		/* A query for a name is about the name, whatever the service
		 * that the name is wanted for. */
		return (f->kind == FLOW_DNS || service_matches(r, f)) &&
		       flow_name_matches(r, f);
	}
	return false;
}

static struct decision walk(const struct policy *p, enum policy_direction dir,
			    const struct flow *f)
{
	const struct policy_walk *w = &p->walk[dir];
	size_t i;

	for (i = 0; i < w->n; i++) {
		const struct policy_rule *r = &w->rules[i];

		if (rule_matches(p, r, f))
			return (struct decision){
				.allow = r->allow,
				.pointer = r->pointer,
				.rule = r,
				.dir = dir,
			};
	}
	return (struct decision){
		.allow = w->default_allow,
		.pointer = w->default_pointer,
		.dir = dir,
	};
}

static struct decision always(const char *pointer, const char *words)
{
	return (struct decision){.pointer = pointer, .words = words};
}

bool eval_intercepts(const struct policy *p, uint16_t port)
{
	const struct config_tls *tls = &p->config->tls;
	size_t i;

	if (!tls->present)
		return false;
	if (!tls->has_ports)
		return port == 443;
	for (i = 0; i < tls->n_ports; i++)
		if (tls->ports[i] == port)
			return true;
	return false;
}

bool eval_reads(const struct policy *p, uint16_t port)
{
	return p->config->n_secrets && port == EVAL_HTTP &&
	       !eval_intercepts(p, port);
}

bool eval_takes(const struct policy *p, uint16_t port)
{
	return eval_intercepts(p, port) || eval_reads(p, port);
}

bool eval_blocks_quic(const struct policy *p, uint16_t port)
{
	/* What is sent to port 53 is a query, and goes to the helper. */
	if (p->dns == POLICY_DNS_HELPER && port == 53)
		return false;
	return p->config->tls.block_quic != CONFIG_FALSE &&
	       eval_intercepts(p, port);
}

bool eval_bypasses(const struct policy *p, struct dname name)
{
	const struct config_tls *tls = &p->config->tls;
	size_t i;

	for (i = 0; i < tls->n_bypass; i++)
		if (tls->bypass[i].wildcard
			    ? dname_below(name, tls->bypass[i].name)
			    : dname_equal(name, tls->bypass[i].name))
			return true;
	return false;
}

static bool is_dns_transport(const struct flow *f)
{
	size_t i;

	if (f->proto == IPPROTO_TCP)
		return f->port == eval_dns_transports[0];
	for (i = 0; i < EVAL_DNS_TRANSPORTS; i++)
		if (f->proto == IPPROTO_UDP &&
		    f->port == eval_dns_transports[i])
			return true;
	return false;
}

struct ip_range eval_uplink_net(void)
{
	return ip_prefix(ip4(169, 254, 62, 0), 30);
}

static const char *intercept_note(const struct policy *p, const struct flow *f)
{
	struct dname sni;

	if (!flow_sni(f, &sni))
		return p->config->n_secrets
			       ? "if it is TLS, it is intercepted; else it is "
				 "closed, as there are secrets"
			       : "if it is TLS, it is intercepted";
	if (eval_bypasses(p, sni))
		return "its TLS is left alone: its name is in /TLS/Bypass";
	return "its TLS is intercepted";
}

static const char capped_note[] =
	"MaxConnections is 0, so it is refused all the same";

/* The cap is no rule: it knows the flows that are open, and no flow alone can
 * be asked about it, unless it lets none through. */
static bool is_capped_out(const struct policy *p, const struct flow *f)
{
	return p->config->has_max_connections && !p->config->max_connections &&
	       !(f->port == 53 &&
		 group_of(f->ip, p->slot.gw4, p->slot.gw6) == GROUP_HOST);
}

static struct decision eval_egress(const struct policy *p, const struct flow *f)
{
	struct decision v;

	if (ip_range_has(eval_uplink_net(), f->ip))
		return always("always:uplink",
			      "the addresses of the uplink are out of reach");
	if (p->dns == POLICY_DNS_HELPER && is_dns_transport(f))
		return always("always:dns-transport",
			      "names are resolved over plain DNS only, where "
			      "they are filtered");
	if (f->proto == IPPROTO_UDP && eval_blocks_quic(p, f->port))
		return always("always:quic",
			      "QUIC is blocked on ports where TLS is "
			      "intercepted");
	v = walk(p, POLICY_EGRESS, f);
	if (v.allow && f->has_port && is_capped_out(p, f))
		v.note = capped_note;
	else if (f->has_port && f->port == 53)
		v.note = "this is the verdict on the packet alone: ask with "
			 "\"dns NAME\" what becomes of a query";
	else if (v.allow && f->proto == IPPROTO_TCP &&
		 eval_intercepts(p, f->port))
		v.note = intercept_note(p, f);
	else if (v.allow && f->proto == IPPROTO_TCP && eval_reads(p, f->port))
		v.note = "it is looked through for placeholders of secrets";
	else if (v.allow && f->has_port &&
		 group_of(f->ip, p->slot.gw4, p->slot.gw6) == GROUP_HOST)
		v.note = "it goes on to the same port of the host's loopback";
	return v;
}

static struct decision eval_ingress(const struct policy *p,
				    const struct flow *f)
{
	enum config_proto proto = f->proto == IPPROTO_TCP   ? CONFIG_TCP
				  : f->proto == IPPROTO_UDP ? CONFIG_UDP
							    : 0;

	if (!proto || !policy_published(p, proto, f->port))
		return always("always:unpublished",
			      "only published ports can be reached from "
			      "outside");
	return walk(p, POLICY_INGRESS, f);
}

static struct decision eval_dns(const struct policy *p, const struct flow *f)
{
	const struct dname canary = {canary_wire, sizeof(canary_wire)};
	struct flow packet = {
		.kind = FLOW_EGRESS,
		.proto = f->proto,
		.ip = f->ip.family ? f->ip : p->slot.gw4,
		.has_port = true,
		.port = 53,
	};
	struct flow query = packet;
	struct decision v;

	if (p->dns == POLICY_DNS_HELPER && dname_equal(f->qname, canary))
		return always("always:canary",
			      "browsers are told to keep to the DNS of the "
			      "network");
	query.kind = FLOW_DNS;
	query.qname = f->qname;
	v = walk(p, POLICY_EGRESS, &query);
	/* A name that is allowed opens no way to a resolver that is not. */
	if (v.allow &&
	    group_of(packet.ip, p->slot.gw4, p->slot.gw6) != GROUP_HOST) {
		struct decision plain = eval_egress(p, &packet);

		if (!plain.allow) {
			plain.note = "the name is allowed, the resolver that "
				     "was asked is not";
			return plain;
		}
	}
	if (v.allow && is_capped_out(p, &packet))
		v.note = capped_note;
	return v;
}

struct decision eval_decide(const struct policy *p, const struct flow *f)
{
	switch (f->kind) {
	case FLOW_EGRESS:
		return eval_egress(p, f);
	case FLOW_INGRESS:
		return eval_ingress(p, f);
	case FLOW_DNS:
		return eval_dns(p, f);
	}
	return always("", "");
}

bool eval_name_denied(const struct policy *p, struct dname name,
		      const char **ret_pointer)
{
	const struct policy_walk *w = &p->walk[POLICY_EGRESS];
	size_t i;

	for (i = 0; i < w->n; i++) {
		const struct policy_rule *r = &w->rules[i];

		if (!eval_selects(r, name))
			continue;
		*ret_pointer = r->pointer;
		return !r->allow;
	}
	return false;
}

struct dname eval_gateway_name(void)
{
	return (struct dname){gateway_wire, sizeof(gateway_wire)};
}

bool eval_selects(const struct policy_rule *r, struct dname name)
{
	return (r->dest.kind == CONFIG_DEST_NAME ||
		r->dest.kind == CONFIG_DEST_SUFFIX) &&
	       name_matches(&r->dest, name);
}

bool eval_gateway_by_name(const struct policy_rule *r)
{
	return r->allow && (!r->protos || r->protos & CONFIG_UDP) &&
	       eval_selects(r, eval_gateway_name());
}

struct verdict eval(struct arena *a, const struct policy *p,
		    const struct flow *f)
{
	const struct decision d = eval_decide(p, f);
	struct verdict v = {
		.allow = d.allow,
		.pointer = d.pointer,
		.words = d.words,
		.note = d.note,
	};

	if (d.rule)
		v.words = policy_rule_words(a, d.rule, d.dir);
	else if (!d.words)
		v.words = arena_printf(
			a, "no rule matches; the default for %s is %s",
			d.dir == POLICY_EGRESS ? "egress" : "ingress",
			d.allow ? "allow" : "deny");
	return v;
}

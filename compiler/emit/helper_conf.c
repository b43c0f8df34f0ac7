/* SPDX-License-Identifier: GPL-2.0-or-later */
/* helper_conf.c - The files that helpers read. */
#include "helper_conf.h"

#include <string.h>

#include "eval.h"
#include "rule_text.h"
#include "tables.h"

static const char *proto_word(enum config_proto proto)
{
	return proto == CONFIG_UDP ? "udp" : "tcp";
}

/* --- rules, in the language of the document --- */

#define PORTS (UINT16_MAX + 1u)

/* Mark the ports of a rule; one without ports is about all of them. */
static void mark_ports(bool marked[PORTS], const struct policy_rule *r)
{
	const struct config_ports all = {1, UINT16_MAX};
	const struct config_ports *v = r->n_ports ? r->ports : &all;
	const size_t n = r->n_ports ? r->n_ports : 1;
	size_t i;

	for (i = 0; i < n; i++)
		memset(marked + v[i].lo, true, v[i].hi - v[i].lo + 1u);
}

/** struct by_name - What of the gateway's UDP ports earlier rules about its
 * name deny
 * @a:		arena
 * @denied:	those ports; NULL while there are none
 */
struct by_name {
	struct arena *a;
	bool *denied;
};

/* Whoever has asked for the gateway's name meets the rules about it in their
 * order, and whoever has not meets none: so what one denies, no later one
 * allows to anybody. */
static void deny_by_name(struct by_name *b, const struct policy_rule *r)
{
	if (r->allow || (r->protos && !(r->protos & CONFIG_UDP)) ||
	    !eval_selects(r, eval_gateway_name()))
		return;
	if (!b->denied)
		b->denied = arena_array(b->a, PORTS, bool);
	mark_ports(b->denied, r);
}

/* A rule that allows the gateway by name, for the ports that are left; false if
 * there are none. */
static bool left_by_name(const struct by_name *b, struct policy_rule *r)
{
	struct config_ports *v = NULL;
	bool *own;
	size_t n = 0, cap = 0;
	uint32_t port;

	if (!b->denied)
		return true;
	own = arena_array(b->a, PORTS, bool);
	mark_ports(own, r);
	for (port = 1; port < PORTS; port++) {
		if (!own[port] || b->denied[port])
			continue;
		if (n && v[n - 1].hi + 1u == port) {
			v[n - 1].hi = (uint16_t)port;
			continue;
		}
		v = arena_grow(b->a, v, n, &cap, sizeof(*v));
		v[n++] = (struct config_ports){(uint16_t)port, (uint16_t)port};
	}
	r->ports = v;
	r->n_ports = n;
	return n > 0;
}

static void put_walk(struct rule_text *l, const struct policy_walk *w,
		     const char *(*dest)(const struct plan *p,
					 const struct config_dest *dest,
					 char text[IP_TEXT_MAX]),
		     const struct plan *p)
{
	char text[IP_TEXT_MAX];
	ARENA(a);
	struct by_name by_name = {.a = &a};
	size_t i;

	for (i = 0; i < w->n; i++) {
		struct policy_rule r = w->rules[i];
		const bool named = l->dir == POLICY_EGRESS &&
				   eval_gateway_by_name(&r);
		const unsigned int protos =
			named ? CONFIG_UDP
			      : r.protos & (CONFIG_TCP | CONFIG_UDP);
		const char *to = named ? "*" : dest(p, &r.dest, text);

		if (l->dir == POLICY_EGRESS)
			deny_by_name(&by_name, &r);
		if (!to || (r.protos && !protos) ||
		    (named && !left_by_name(&by_name, &r)))
			continue;
		rule_text(l, r.allow, to[0] == '*' ? NULL : to, protos, r.ports,
			  r.n_ports);
		/* Nothing comes to what follows a rule that matches all. */
		if (to[0] == '*' && !protos)
			break;
	}
}

/* "*", an address or prefix, or NULL: what of a Destination can be the
 * gateway. */
static const char *dest_gateway(const struct plan *p,
				const struct config_dest *dest,
				char text[IP_TEXT_MAX])
{
	const struct slot *slot = &p->policy->slot;

	switch (dest->kind) {
	case CONFIG_DEST_ANY:
		return "*";
	case CONFIG_DEST_GROUP:
		return dest->group == GROUP_HOST ? "*" : NULL;
	case CONFIG_DEST_RANGE:
		if (ip_range_has(dest->range, slot->gw4))
			return ip_format(slot->gw4, text);
		if (ip_range_has(dest->range, slot->gw6))
			return ip_format(slot->gw6, text);
		return NULL;
	case CONFIG_DEST_NAME:
	case CONFIG_DEST_SUFFIX:
		break;
	}
	return NULL;
}

/* Likewise, of what can be a client on the host's loopback. */
static const char *dest_loopback(const struct plan *p,
				 const struct config_dest *dest,
				 char text[IP_TEXT_MAX])
{
	const struct ip_range loopback[2] = {
		ip_prefix(ip4(127, 0, 0, 0), 8),
		ip_single((struct ip){IP_V6, 1}),
	};
	size_t i;

	(void)p;
	switch (dest->kind) {
	case CONFIG_DEST_ANY:
		return "*";
	case CONFIG_DEST_GROUP:
		return dest->group == GROUP_LOOPBACK ? "*" : NULL;
	case CONFIG_DEST_RANGE:
		for (i = 0; i < 2; i++)
			if (dest->range.family == loopback[i].family &&
			    dest->range.lo <= loopback[i].hi &&
			    dest->range.hi >= loopback[i].lo)
				return ip_range_format(dest->range, text);
		return NULL;
	case CONFIG_DEST_NAME:
	case CONFIG_DEST_SUFFIX:
		break;
	}
	return NULL;
}

/* What is refused before the egress walk is asked, or is msb-tlsd's. */
static void put_always(struct rule_text *l, const struct policy *p)
{
	const struct config_tls *tls = &p->config->tls;
	struct config_ports port = {53, 53};
	size_t i;

	rule_text(l, false, NULL, CONFIG_TCP | CONFIG_UDP, &port, 1);
	for (i = 0; p->dns == POLICY_DNS_HELPER && i < EVAL_DNS_TRANSPORTS;
	     i++) {
		port.lo = port.hi = eval_dns_transports[i];
		rule_text(l, false, NULL, CONFIG_UDP | (i ? 0 : CONFIG_TCP),
			  &port, 1);
	}
	if (eval_reads(p, EVAL_HTTP)) {
		port.lo = port.hi = EVAL_HTTP;
		rule_text(l, false, NULL, CONFIG_TCP, &port, 1);
	}
	for (i = 0; i < (tls->has_ports ? tls->n_ports : tls->present); i++) {
		port.lo = port.hi = tls->has_ports ? tls->ports[i] : 443;
		rule_text(l, false, NULL,
			  CONFIG_TCP | (tls->block_quic == CONFIG_FALSE
						? 0
						: CONFIG_UDP),
			  &port, 1);
	}
}

static void put_default(struct rule_text *l, const struct policy_walk *w)
{
	str_puts(l->s, l->n ? "\n\t\t],\n" : "],\n");
	str_printf(l->s, "\t\t\"Default\": \"%s\"\n\t}",
		   rule_text_action(w->default_allow));
}

/* --- relay.json --- */

static void put_listeners(struct str *s, const struct config *config)
{
	char text[IP_TEXT_MAX];
	size_t i;

	str_puts(s, "\t\"Listeners\": [");
	for (i = 0; i < config->n_bindings; i++) {
		const struct config_binding *b = &config->bindings[i];
		const bool relay = binding_is_loopback(b) ||
				   binding_is_wildcard(b);

		str_printf(s,
			   "%s{\"Bind\": \"%s\", \"Protocol\": \"%s\", "
			   "\"HostPort\": %u, \"GuestPort\": %u, "
			   "\"Serve\": \"%s\", \"Pointer\": ",
			   i ? ",\n\t\t" : "\n\t\t", ip_format(b->bind, text),
			   proto_word(b->proto), b->host_port, b->guest_port,
			   relay ? "relay" : "reserve");
		str_json(s, b->pointer, strlen(b->pointer));
		str_putc(s, '}');
	}
	str_puts(s, config->n_bindings ? "\n\t],\n" : "],\n");
}

void helper_conf_relay(struct str *s, const struct plan *p)
{
	const struct policy *policy = p->policy;
	const struct policy_walk *in = &policy->walk[POLICY_INGRESS];
	const struct policy_walk *out = &policy->walk[POLICY_EGRESS];
	struct rule_text l = {
		.s = s, .dir = POLICY_INGRESS, .before = "\n\t\t\t"};
	const struct {
		const char *key;
		struct ip ip;
	} addresses[] = {
		{"Gateway4", policy->slot.gw4},
		{"Gateway6", policy->slot.gw6},
		{"Guest4", policy->slot.guest4},
		{"Guest6", policy->slot.guest6},
	};
	char text[IP_TEXT_MAX];
	size_t i;

	str_printf(s,
		   "{\n\t\"Version\": %u,\n\t\"Name\": \"%s\",\n"
		   "\t\"Generation\": \"0x%08x\",\n",
		   HELPER_CONF_VERSION, p->name, p->generation);
	for (i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		str_printf(s, "\t\"%s\": \"%s\",\n", addresses[i].key,
			   ip_format(addresses[i].ip, text));
	put_listeners(s, policy->config);
	str_puts(s, "\t\"Ingress\": {\n\t\t\"Rules\": [");
	put_walk(&l, in, dest_loopback, p);
	put_default(&l, in);
	if (p->host_egress) {
		str_printf(s,
			   ",\n\t\"HostEgress\": {\n\t\t\"Port\": %u,\n"
			   "\t\t\"Rules\": [",
			   TABLE_STEER_PORT);
		l = (struct rule_text){
			.s = s, .dir = POLICY_EGRESS, .before = "\n\t\t\t"};
		put_always(&l, policy);
		put_walk(&l, out, dest_gateway, p);
		put_default(&l, out);
	}
	str_puts(s, "\n}\n");
}

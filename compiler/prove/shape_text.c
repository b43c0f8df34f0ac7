/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shape_text.c - What every sandbox's table has around its walks, as text. */
#include <string.h>

#include "shape.h"
#include "str.h"

/*
 * The chains around the walks are written down here a second time, as text, and
 * read by the same reader as the table: what must hold, whatever the document
 * says, is so small that two people can write it. The words in capitals are the
 * sandbox's:
 *
 *	GUEST4 GUEST6	its addresses		GW4 GW6	its gateway's
 *	STAMP		its generation		NS4 NS6	"ADDRESS:PORT" of the
 *	RELAYED		of the relay's flows		name servers of NAT
 *	QUERIED		of queries to msb-dnsd
 *	TAKEN		of msb-tlsd's flows
 *	DIALLED		of those that it opens to servers
 *	MAX		its MaxConnections
 */

#define ND_IS \
	"icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } " \
	"ip6 hoplimit 255 "
#define ND	ND_IS "accept"
#define ND_LINK "fe80::/10, ff02::1, ff02::1:ff00:0/104"
#define ANSWERS "ct direction reply ct state established "
#define RESETS	"ct direction reply "
#define BOTH	"meta l4proto { tcp, udp } "
#define TAKES	"ct mark & 0x0000000f == 0x00000003 "
#define DIALS	"ct mark & 0x0000000f == 0x00000004 "

/** enum when - For which policies a line is there */
enum when {
	ALWAYS,
	DNS_NAT,
	DNS_NAT4,
	DNS_NAT6,
	/* DNS is msb-dnsd's; and counted, but for what goes to the gateway */
	QUERY,
	QUERY_CAP,
	/* MaxConnections; 0 of them, and more */
	CAP,
	CAP_0,
	CAP_N,
	/* Flows to the gateway go on to the host */
	HOST,
	/* The relay opens flows to published ports */
	OPENS_TCP,
	OPENS_UDP,
	/* One or the other */
	RELAY,
	/* The latter, where DNS is not msb-dnsd's */
	OPENED,
	OPENED_DNS,
	/* TLS is intercepted, or port 80 is read; the walk leaves flows in
	 * doubt, and they are counted, or may have been the relay's; one or the
	 * other; and there is the relay as well */
	INTERCEPTS,
	NAMED,
	NAMED_CAP,
	NAMED_HOST,
	TLS,
	TLS_HOST,
	/* One of those that are handed to a helper by tproxy */
	STEER,
	/* Rate limits: any of a direction, packets, bytes, each with a burst
	 * that is there once or without */
	OUT,
	OUT_OPS,
	OUT_OPS_ONCE,
	OUT_BYTES,
	OUT_BYTES_ONCE,
	IN,
	IN_OPS,
	IN_OPS_ONCE,
	IN_BYTES,
	IN_BYTES_ONCE,
};

static const struct {
	enum when when;
	const char *text;
} lines[] = {
	{ALWAYS, "chain antispoof {"},
	{ALWAYS, "type filter hook prerouting priority raw; policy drop;"},
	{ALWAYS, "ip6 saddr ::ffff:0.0.0.0/96 drop"},
	{ALWAYS, "ip6 daddr ::ffff:0.0.0.0/96 drop"},
	{ALWAYS, "iifname \"uplink0\" accept"},
	{ALWAYS, "iifname \"guest0\" ip saddr GUEST4 accept"},
	{ALWAYS, "iifname \"guest0\" ip6 saddr GUEST6 accept"},
	{ALWAYS, "iifname \"guest0\" ip6 saddr { ::, fe80::/10 } " ND_IS
		 "limit rate 2/second burst 10 packets accept"},
	{ALWAYS, "drop"},
	{ALWAYS, "}"},

	{ALWAYS, "chain judge {"},
	{ALWAYS, "type filter hook prerouting priority mangle; policy drop;"},
	{ALWAYS, "ct mark STAMP accept"},
	{RELAY, "ct mark RELAYED accept"},
	{QUERY, "ct mark QUERIED accept"},
	{TLS, "ct mark TAKEN accept"},
	{TLS, "iifname \"uplink0\" " DIALS "accept"},
	{ALWAYS, "ct state invalid drop"},
	{ALWAYS, "iifname \"guest0\" ip6 daddr { GW6, " ND_LINK " } " ND},
	{ALWAYS, "iifname \"uplink0\" ip6 daddr { " ND_LINK " } " ND},
	{ALWAYS, "ct state untracked drop"},
	{ALWAYS, "ct state related drop"},
	{ALWAYS, "iifname \"guest0\" ct direction original goto egress"},
	{ALWAYS, "iifname \"uplink0\" ct direction reply goto egress"},
	{ALWAYS, "iifname \"uplink0\" ct direction original goto ingress"},
	{ALWAYS, "iifname \"guest0\" ct direction reply goto ingress"},
	{ALWAYS, "}"},

	/* Of the walks, what stands before them. */
	{ALWAYS, "chain egress {"},
	{ALWAYS, "}"},
	{ALWAYS, "chain ingress {"},
	{OPENS_TCP,
	 "iifname \"guest0\" ct direction reply ct original ip saddr "
	 "GW4 meta l4proto tcp ct original proto-dst @relayed_tcp "
	 "ct mark set RELAYED accept"},
	{OPENS_UDP,
	 "iifname \"guest0\" ct direction reply ct original ip saddr "
	 "GW4 meta l4proto udp ct original proto-dst @relayed_udp "
	 "ct mark set RELAYED accept"},
	{OPENS_TCP, "iifname \"guest0\" ct direction reply ct original ip6 "
		    "saddr GW6 meta l4proto tcp ct original proto-dst "
		    "@relayed_tcp ct mark set RELAYED accept"},
	{OPENS_UDP, "iifname \"guest0\" ct direction reply ct original ip6 "
		    "saddr GW6 meta l4proto udp ct original proto-dst "
		    "@relayed_udp ct mark set RELAYED accept"},
	{ALWAYS, "}"},

	{ALWAYS, "chain allow {"},
	{OPENED, BOTH "ct original ip daddr != GUEST4 goto opened"},
	{OPENED, BOTH "ct original ip6 daddr != GUEST6 goto opened"},
	{ALWAYS, "ct mark set STAMP accept"},
	{ALWAYS, "}"},

	{ALWAYS, "chain input {"},
	{ALWAYS, "type filter hook input priority filter; policy drop;"},
	{ALWAYS, ND},
	{TLS, "iifname \"guest0\" ct mark TAKEN accept"},
	{TLS, "iifname \"uplink0\" " DIALS "accept"},
	{ALWAYS, "iifname \"guest0\" ct mark STAMP accept"},
	{RELAY, "iifname \"guest0\" ct mark RELAYED accept"},
	{QUERY, "iifname \"guest0\" ct mark QUERIED accept"},
	{ALWAYS, "}"},

	{ALWAYS, "chain forward {"},
	{ALWAYS, "type filter hook forward priority filter; policy drop;"},
	{ALWAYS, "iifname \"guest0\" oifname \"uplink0\" ct mark STAMP accept"},
	{ALWAYS, "iifname \"uplink0\" oifname \"guest0\" ct mark STAMP accept"},
	{ALWAYS, "}"},

	{ALWAYS, "chain output {"},
	{ALWAYS, "type filter hook output priority filter; policy drop;"},
	{ALWAYS, ND},
	{TLS, "oifname \"uplink0\" " DIALS "accept"},
	{TLS, "oifname \"uplink0\" meta l4proto tcp meta mark 0x00000002 "
	      "ct mark set DIALLED accept"},
	{TLS, "oifname \"guest0\" ct mark TAKEN accept"},
	{RELAY, "oifname \"guest0\" ct mark RELAYED accept"},
	{OPENS_TCP, "oifname \"guest0\" ct direction original ct original ip "
		    "saddr GW4 meta l4proto tcp ct original proto-dst "
		    "@relayed_tcp ct mark set RELAYED accept"},
	{OPENS_UDP, "oifname \"guest0\" ct direction original ct original ip "
		    "saddr GW4 meta l4proto udp ct original proto-dst "
		    "@relayed_udp ct mark set RELAYED accept"},
	{OPENS_TCP, "oifname \"guest0\" ct direction original ct original ip6 "
		    "saddr GW6 meta l4proto tcp ct original proto-dst "
		    "@relayed_tcp ct mark set RELAYED accept"},
	{OPENS_UDP, "oifname \"guest0\" ct direction original ct original ip6 "
		    "saddr GW6 meta l4proto udp ct original proto-dst "
		    "@relayed_udp ct mark set RELAYED accept"},
	{QUERY, "oifname \"guest0\" ct mark QUERIED accept"},
	{QUERY, "oifname \"guest0\" " RESETS
		"meta l4proto tcp ct original proto-dst 53 goto egress"},
	{QUERY, "oifname \"guest0\" " RESETS
		"meta l4proto udp ct original proto-dst 53 goto egress"},
	{TLS,
	 "oifname \"guest0\" " RESETS TAKES "tcp flags & rst == rst accept"},
	{TLS, "oifname \"guest0\" " ANSWERS TAKES "goto egress"},
	{HOST, "oifname \"guest0\" " RESETS
	       "ct original ip daddr GW4 tcp flags & rst == rst accept"},
	{HOST, "oifname \"guest0\" " ANSWERS "ct original ip daddr GW4 " BOTH
	       "goto egress"},
	{HOST, "oifname \"guest0\" " RESETS
	       "ct original ip6 daddr GW6 tcp flags & rst == rst accept"},
	{HOST, "oifname \"guest0\" " ANSWERS "ct original ip6 daddr GW6 " BOTH
	       "goto egress"},
	{ALWAYS, "oifname \"guest0\" ct state established,related accept"},
	{ALWAYS, "oifname \"uplink0\" ct mark STAMP ct state "
		 "established,related accept"},
	{ALWAYS, "}"},

	{DNS_NAT, "chain dns_nat {"},
	{DNS_NAT, "type nat hook prerouting priority dstnat; policy accept;"},
	{DNS_NAT4,
	 "iifname \"guest0\" ip daddr GW4 " BOTH "th dport 53 dnat ip to NS4"},
	{DNS_NAT6, "iifname \"guest0\" ip6 daddr GW6 " BOTH
		   "th dport 53 dnat ip6 to NS6"},
	{DNS_NAT, "}"},

	{OPENED, "chain opened {"},
	{OPENED_DNS, "ct original ip daddr GW4 meta l4proto tcp ct original "
		     "proto-dst 53 ct mark set STAMP accept"},
	{OPENED_DNS, "ct original ip daddr GW4 meta l4proto udp ct original "
		     "proto-dst 53 ct mark set STAMP accept"},
	{OPENED_DNS, "ct original ip6 daddr GW6 meta l4proto tcp ct original "
		     "proto-dst 53 ct mark set STAMP accept"},
	{OPENED_DNS, "ct original ip6 daddr GW6 meta l4proto udp ct original "
		     "proto-dst 53 ct mark set STAMP accept"},
	{CAP, "ct mark 0x00000000 jump cap"},
	{TLS, TAKES "ct mark set TAKEN accept"},
	{INTERCEPTS, "meta l4proto tcp ct original proto-dst @intercepted "
		     "ct mark set TAKEN accept"},
	{HOST, "ct original ip daddr GW4 ct mark set RELAYED accept"},
	{HOST, "ct original ip6 daddr GW6 ct mark set RELAYED accept"},
	{OPENED, "ct mark set STAMP accept"},
	{OPENED, "}"},

	{CAP, "chain cap {"},
	{CAP_N, "ct count over MAX ct state new goto full"},
	{CAP_0, "ct state new goto full"},
	{CAP, "}"},
	{CAP, "chain full {"},
	{CAP, "meta l4proto tcp reject with tcp reset"},
	{CAP, "drop"},
	{CAP, "}"},

	{QUERY_CAP, "chain resolver {"},
	{QUERY_CAP, "ct mark 0x00000000 jump cap"},
	{QUERY_CAP, "ct mark set QUERIED accept"},
	{QUERY_CAP, "}"},

	{NAMED, "chain named {"},
	{NAMED_CAP, "ct mark 0x00000000 jump cap"},
	{NAMED_HOST, "ct mark & 0x0000000f == 0x00000001 meta l4proto tcp "
		     "reject with tcp reset"},
	{NAMED, "ct mark set TAKEN accept"},
	{NAMED, "}"},

	{STEER, "chain steer {"},
	{STEER, "type filter hook prerouting priority mangle + 10; policy "
		"accept;"},
	{HOST, "iifname \"guest0\" ct direction original ct mark RELAYED " BOTH
	       "tproxy to :61440 meta mark set 0x00000001 accept"},
	{TLS_HOST, "iifname \"guest0\" ct direction original ct mark RELAYED "
		   "meta l4proto tcp ct original proto-dst 61441 reject with "
		   "tcp reset"},
	{QUERY, "ct mark QUERIED goto query"},
	{TLS, "ct mark TAKEN goto hello"},
	{STEER, "}"},

	{QUERY, "chain query {"},
	{QUERY, "iifname \"guest0\" ct direction original " BOTH
		"tproxy to :53 meta mark set 0x00000001 accept"},
	{QUERY, "iifname \"guest0\" ct direction original " BOTH "drop"},
	{QUERY, "}"},

	{TLS, "chain hello {"},
	{TLS, "iifname \"guest0\" ct direction original meta l4proto tcp "
	      "tproxy to :61441 meta mark set 0x00000001 accept"},
	{TLS, "iifname \"guest0\" ct direction original meta l4proto tcp "
	      "reject with tcp reset"},
	{TLS, "}"},

	{OUT, "chain limit_egress {"},
	{OUT, "type filter hook prerouting priority mangle - 10; policy "
	      "accept;"},
	{OUT, "iifname \"guest0\" " ND},
	{OUT_OPS_ONCE, "iifname \"guest0\" limit name \"egress_packets_once\" "
		       "limit name \"egress_packets\" drop"},
	{OUT_OPS, "iifname \"guest0\" limit name \"egress_packets\" drop"},
	{OUT_BYTES_ONCE, "iifname \"guest0\" quota name \"egress_bytes_once\" "
			 "limit name \"egress_bytes\" drop"},
	{OUT_BYTES, "iifname \"guest0\" limit name \"egress_bytes\" drop"},
	{OUT, "}"},
	{IN, "chain limit_ingress {"},
	{IN, "type filter hook postrouting priority mangle; policy accept;"},
	{IN, "oifname \"guest0\" " ND},
	{IN_OPS_ONCE, "oifname \"guest0\" limit name \"ingress_packets_once\" "
		      "limit name \"ingress_packets\" drop"},
	{IN_OPS, "oifname \"guest0\" limit name \"ingress_packets\" drop"},
	{IN_BYTES_ONCE, "oifname \"guest0\" quota name \"ingress_bytes_once\" "
			"limit name \"ingress_bytes\" drop"},
	{IN_BYTES, "oifname \"guest0\" limit name \"ingress_bytes\" drop"},
	{IN, "}"},
};

#define N_LINES (sizeof(lines) / sizeof(lines[0]))

/* One word in capitals; false if it is none that is known. */
static bool put_word(struct str *s, const char *word, size_t len,
		     const struct shape_of *of)
{
	const struct config_nameserver *ns4 = policy_nameserver(of->p, IP_V4);
	const struct config_nameserver *ns6 = policy_nameserver(of->p, IP_V6);
	const struct slot *slot = &of->p->slot;
	const struct {
		const char *word;
		struct ip ip;
	} addresses[] = {
		{"GUEST4", slot->guest4},
		{"GUEST6", slot->guest6},
		{"GW4", slot->gw4},
		{"GW6", slot->gw6},
	};
	char ip[IP_TEXT_MAX];
	size_t i;

	for (i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		if (strlen(addresses[i].word) == len &&
		    strncmp(word, addresses[i].word, len) == 0) {
			str_puts(s, ip_format(addresses[i].ip, ip));
			return true;
		}
	}
	if (len == 5 && strncmp(word, "STAMP", len) == 0)
		str_printf(s, "0x%08x", of->generation);
	else if (len == 7 && strncmp(word, "RELAYED", len) == 0)
		str_printf(s, "0x%08x", of->generation | 1);
	else if (len == 7 && strncmp(word, "QUERIED", len) == 0)
		str_printf(s, "0x%08x", of->generation | 2);
	else if (len == 5 && strncmp(word, "TAKEN", len) == 0)
		str_printf(s, "0x%08x", of->generation | 3);
	else if (len == 7 && strncmp(word, "DIALLED", len) == 0)
		str_printf(s, "0x%08x", of->generation | 4);
	else if (len == 3 && strncmp(word, "MAX", len) == 0)
		str_printf(s, "%u", of->p->config->max_connections);
	else if (len == 3 && strncmp(word, "NS4", len) == 0 && ns4)
		str_printf(s, "%s:%u", ip_format(ns4->ip, ip), ns4->port);
	else if (len == 3 && strncmp(word, "NS6", len) == 0 && ns6)
		str_printf(s, "[%s]:%u", ip_format(ns6->ip, ip), ns6->port);
	else
		return false;
	return true;
}

static void put_words(struct str *s, const char *text,
		      const struct shape_of *of)
{
	while (*text) {
		const size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ46");

		if (!put_word(s, text, len, of))
			str_append(s, text, len ? len : 1);
		text += len ? len : 1;
	}
}

/* Whether a binding is one that the relay serves: nothing translates what comes
 * from the host itself. */
static bool is_relayed(const struct config_binding *b)
{
	const struct ip_range loopback = ip_prefix(ip4(127, 0, 0, 0), 8);

	return b->bind.num == 0 || ip_range_has(loopback, b->bind) ||
	       (b->bind.family == IP_V6 && b->bind.num == 1);
}

/* Guest ports that the relay serves. */
static size_t relayed_ports(const struct policy *p, enum config_proto proto,
			    bool ret[65536])
{
	const struct config *c = p->config;
	size_t i, n = 0;

	memset(ret, 0, 65536 * sizeof(*ret));
	for (i = 0; i < c->n_bindings; i++) {
		const struct config_binding *b = &c->bindings[i];

		if (b->proto == proto && is_relayed(b)) {
			ret[b->guest_port] = true;
			n++;
		}
	}
	return n;
}

/* Whether some rule can allow TCP to one of these ports. Those that deny it to
 * some addresses count for nothing, and what is msb-dnsd's is not asked about.
 */
static bool can_allow(const struct policy *p, const bool ports[65536])
{
	const struct policy_walk *w = &p->walk[POLICY_EGRESS];
	const struct config_ports all = {1, 65535};
	bool left[65536];
	size_t i, j;
	uint32_t port;

	memcpy(left, ports, sizeof(left));
	if (p->dns == POLICY_DNS_HELPER)
		left[53] = left[853] = false;
	for (i = 0; i < w->n; i++) {
		const struct policy_rule *r = &w->rules[i];
		const struct config_ports *v = r->n_ports ? r->ports : &all;

		if ((r->protos && !(r->protos & CONFIG_TCP)) ||
		    (!r->allow && r->dest.kind != CONFIG_DEST_ANY))
			continue;
		for (j = 0; j < (r->n_ports ? r->n_ports : 1); j++)
			for (port = v[j].lo; port <= v[j].hi; port++) {
				if (left[port] && r->allow)
					return true;
				left[port] = false;
			}
	}
	return w->default_allow && memchr(left, 1, sizeof(left));
}

/* Ports that are intercepted, or read for the sake of secrets: none if no flow
 * to any of them can be allowed. */
static void intercepted_ports(const struct policy *p, bool ret[65536])
{
	const struct config_tls *tls = &p->config->tls;
	size_t i;

	memset(ret, 0, 65536 * sizeof(*ret));
	ret[80] = p->config->n_secrets;
	for (i = 0; i < tls->n_ports; i++)
		ret[tls->ports[i]] = true;
	if (tls->present && !tls->has_ports)
		ret[443] = true;
	if (!can_allow(p, ret))
		memset(ret, 0, 65536 * sizeof(*ret));
}

static bool applies(enum when when, const struct shape_of *of)
{
	const struct config *c = of->p->config;
	const bool nat = of->p->dns == POLICY_DNS_NAT;
	const struct config_rate *out = &c->rate_egress, *in = &c->rate_ingress;
	bool ports[65536];

	switch (when) {
	case ALWAYS:
		return true;
	case DNS_NAT:
		return nat;
	case DNS_NAT4:
		return nat && policy_nameserver(of->p, IP_V4);
	case DNS_NAT6:
		return nat && policy_nameserver(of->p, IP_V6);
	case QUERY:
		return of->p->dns == POLICY_DNS_HELPER;
	case QUERY_CAP:
		return applies(QUERY, of) && c->has_max_connections;
	case CAP:
		return c->has_max_connections;
	case CAP_0:
		return c->has_max_connections && !c->max_connections;
	case CAP_N:
		return c->has_max_connections && c->max_connections;
	case HOST:
		return of->host;
	case OPENS_TCP:
		return relayed_ports(of->p, CONFIG_TCP, ports) > 0;
	case OPENS_UDP:
		return relayed_ports(of->p, CONFIG_UDP, ports) > 0;
	case RELAY:
		return of->host || applies(OPENS_TCP, of) ||
		       applies(OPENS_UDP, of);
	case OPENED:
		return of->host || c->has_max_connections || applies(TLS, of);
	case OPENED_DNS:
		return applies(OPENED, of) && !applies(QUERY, of);
	case STEER:
		return of->host || applies(QUERY, of) || applies(TLS, of);
	case INTERCEPTS:
		return of->intercepts;
	case NAMED:
		return of->named;
	case NAMED_CAP:
		return of->named && c->has_max_connections;
	case NAMED_HOST:
		return of->named && of->host;
	case TLS:
		return of->named || applies(INTERCEPTS, of);
	case TLS_HOST:
		return of->host && applies(TLS, of);
	case OUT:
		return out->bandwidth.present || out->ops.present;
	case OUT_OPS:
		return out->ops.present && !out->ops.one_time_burst;
	case OUT_OPS_ONCE:
		return out->ops.present && out->ops.one_time_burst;
	case OUT_BYTES:
		return out->bandwidth.present && !out->bandwidth.one_time_burst;
	case OUT_BYTES_ONCE:
		return out->bandwidth.present && out->bandwidth.one_time_burst;
	case IN:
		return in->bandwidth.present || in->ops.present;
	case IN_OPS:
		return in->ops.present && !in->ops.one_time_burst;
	case IN_OPS_ONCE:
		return in->ops.present && in->ops.one_time_burst;
	case IN_BYTES:
		return in->bandwidth.present && !in->bandwidth.one_time_burst;
	case IN_BYTES_ONCE:
		return in->bandwidth.present && in->bandwidth.one_time_burst;
	}
	return false;
}

/* The sets that the lines name. */
static void put_set(struct str *s, const char *name, const bool ports[65536])
{
	const char *before = "elements = { ";
	uint32_t port;

	str_printf(s, "set %s {\ntype inet_service\n", name);
	for (port = 0; port < 65536; port++) {
		if (!ports[port])
			continue;
		str_printf(s, "%s%u", before, port);
		before = ", ";
	}
	str_puts(s, *before == ',' ? " }\n}\n" : "}\n");
}

bool shape_expected(struct arena *a, const struct shape_of *of,
		    struct listing_table *ret, struct lex_error *e)
{
	struct shape_of with = *of;
	bool ports[65536];
	STR(text);
	size_t i;

	str_puts(&text, "table inet msb {\n");
	(void)relayed_ports(of->p, CONFIG_TCP, ports);
	put_set(&text, "relayed_tcp", ports);
	(void)relayed_ports(of->p, CONFIG_UDP, ports);
	put_set(&text, "relayed_udp", ports);
	intercepted_ports(of->p, ports);
	with.intercepts = memchr(ports, 1, sizeof(ports));
	put_set(&text, "intercepted", ports);
	for (i = 0; i < N_LINES; i++) {
		if (!applies(lines[i].when, &with))
			continue;
		put_words(&text, lines[i].text, of);
		str_putc(&text, '\n');
	}
	str_puts(&text, "}\n");
	return listing_read(a, str_text(&text), ret, e);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shape.c - What every sandbox's table has around its walks. */
#include "shape.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "readback.h"
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
	OPENED,
	/* The latter, where DNS is not msb-dnsd's */
	OPENED_DNS,
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

	{STEER, "chain steer {"},
	{STEER, "type filter hook prerouting priority mangle + 10; policy "
		"accept;"},
	{HOST, "iifname \"guest0\" ct direction original ct mark RELAYED " BOTH
	       "tproxy to :61440 meta mark set 0x00000001 accept"},
	{QUERY, "ct mark QUERIED goto query"},
	{STEER, "}"},

	{QUERY, "chain query {"},
	{QUERY, "iifname \"guest0\" ct direction original " BOTH
		"tproxy to :53 meta mark set 0x00000001 accept"},
	{QUERY, "iifname \"guest0\" ct direction original " BOTH "drop"},
	{QUERY, "}"},

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

static bool refuse(struct lex_error *e, unsigned int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static bool refuse(struct lex_error *e, unsigned int line, const char *fmt, ...)
{
	va_list ap;

	*e = (struct lex_error){.line = line, .column = 1};
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return false;
}

bool shape_generation(const struct listing_table *t, uint32_t *ret,
		      struct lex_error *e)
{
	const struct listing_chain *c = listing_chain_named(t, "allow");
	const struct listing_rule *r = c && c->n ? &c->v[c->n - 1] : NULL;

	if (!r || r->n != 2 || r->v[0].kind != LISTING_SET_MARK ||
	    r->v[0].key[0] != LISTING_KEY_CT_MARK ||
	    r->v[1].kind != LISTING_VERDICT_IS ||
	    r->v[1].verdict.word != LISTING_ACCEPT)
		return refuse(
			e, c ? c->line : 1,
			"there is no chain \"allow\" that ends in a stamp");
	/* The low bits are for helpers, and zero is a flow that was not judged.
	 */
	if (!r->v[0].number || r->v[0].number & 0xf)
		return refuse(e, r->line, "0x%08x is no generation",
			      r->v[0].number);
	*ret = r->v[0].number;
	return true;
}

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
		return of->host || c->has_max_connections;
	case OPENED_DNS:
		return applies(OPENED, of) && !applies(QUERY, of);
	case STEER:
		return of->host || applies(QUERY, of);
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
static void put_set(struct str *s, const struct policy *p,
		    enum config_proto proto, const char *name)
{
	const char *before = "elements = { ";
	bool ports[65536];
	uint32_t port;

	str_printf(s, "set %s {\ntype inet_service\n", name);
	(void)relayed_ports(p, proto, ports);
	for (port = 0; port < 65536; port++) {
		if (!ports[port])
			continue;
		str_printf(s, "%s%u", before, port);
		before = ", ";
	}
	str_puts(s, *before == ',' ? " }\n}\n" : "}\n");
}

/* The lines as a table: its chains are those that must be there. */
static bool expected(struct arena *a, const struct shape_of *of,
		     struct listing_table *ret, struct lex_error *e)
{
	STR(text);
	size_t i;

	str_puts(&text, "table inet msb {\n");
	put_set(&text, of->p, CONFIG_TCP, "relayed_tcp");
	put_set(&text, of->p, CONFIG_UDP, "relayed_udp");
	for (i = 0; i < N_LINES; i++) {
		if (!applies(lines[i].when, of))
			continue;
		put_words(&text, lines[i].text, of);
		str_putc(&text, '\n');
	}
	str_puts(&text, "}\n");
	return listing_read(a, str_text(&text), ret, e);
}

static bool same_text(const char *x, const char *y)
{
	return (!x && !y) || (x && y && strcmp(x, y) == 0);
}

static bool same_value(const struct listing_value *x,
		       const struct listing_value *y)
{
	return x->lo == y->lo && x->hi == y->hi && same_text(x->name, y->name);
}

/* Sets that are written in rules: the same elements, in whatever order. */
static bool same_set(const struct listing_set *x, const struct listing_set *y)
{
	size_t i, j, k;

	if (!x || !y)
		return x == y;
	if (x->name || y->name)
		return same_text(x->name, y->name);
	if (x->n != y->n || x->n_types != y->n_types || x->map || y->map)
		return false;
	for (i = 0; i < x->n; i++) {
		for (j = 0; j < y->n; j++) {
			for (k = 0; k < x->n_types; k++)
				if (!same_value(&x->v[i].part[k],
						&y->v[j].part[k]))
					break;
			if (k == x->n_types)
				break;
		}
		if (j == y->n)
			return false;
	}
	return true;
}

/* Flows that were open when the cap was changed are no longer counted, and it
 * is so much lower. */
static bool is_lower_cap(const struct listing_stmt *x,
			 const struct listing_stmt *y)
{
	static const char words[] = "ct count over ";
	const size_t len = sizeof(words) - 1;
	uint64_t has, most;

	return x->text && y->text && strncmp(x->text, words, len) == 0 &&
	       strncmp(y->text, words, len) == 0 &&
	       lex_text_number(x->text + len, UINT32_MAX, &has) &&
	       lex_text_number(y->text + len, UINT32_MAX, &most) && has <= most;
}

static bool same_stmt(const struct listing_stmt *x,
		      const struct listing_stmt *y)
{
	return x->kind == y->kind && x->n_keys == y->n_keys &&
	       memcmp(x->key, y->key, sizeof(x->key)) == 0 &&
	       x->negate == y->negate && same_set(x->set, y->set) &&
	       x->verdict.word == y->verdict.word &&
	       same_text(x->verdict.chain, y->verdict.chain) &&
	       x->number == y->number &&
	       (same_text(x->text, y->text) || is_lower_cap(x, y));
}

/* The next statement that does more than to count. */
static const struct listing_stmt *effect(const struct listing_rule *r,
					 size_t *i)
{
	while (*i < r->n && r->v[*i].kind == LISTING_COUNTER)
		(*i)++;
	return *i < r->n ? &r->v[(*i)++] : NULL;
}

static bool same_rule(const struct listing_rule *x,
		      const struct listing_rule *y)
{
	const struct listing_stmt *p, *q;
	size_t i = 0, j = 0;

	do {
		p = effect(x, &i);
		q = effect(y, &j);
		if (p && q && !same_stmt(p, q))
			return false;
	} while (p && q);
	return !p && !q;
}

static bool check_base(const struct listing_chain *want,
		       const struct listing_chain *c, struct lex_error *e)
{
	if (!want->base)
		return !c->base ||
		       refuse(e, c->line, "chain %s must have no hook",
			      c->name);
	if (!c->base || strcmp(c->type, want->type) != 0 ||
	    strcmp(c->hook, want->hook) != 0 ||
	    strcmp(c->priority, want->priority) != 0)
		return refuse(e, c->line,
			      "chain %s is not of type %s at %s, priority %s",
			      c->name, want->type, want->hook, want->priority);
	if (c->drop != want->drop)
		return refuse(e, c->line, "the policy of chain %s is not %s",
			      c->name, want->drop ? "drop" : "accept");
	return true;
}

/* @n: the rules of @c that count: all, but of a walk its head alone. */
static bool check_chain(const struct listing_chain *want,
			const struct listing_chain *c, size_t n,
			struct lex_error *e)
{
	size_t i;

	if (!check_base(want, c, e))
		return false;
	for (i = 0; i < n && i < want->n; i++)
		if (!same_rule(&c->v[i], &want->v[i]))
			return refuse(
				e, c->v[i].line,
				"rule %zu of chain %s is not what it must "
				"be",
				i + 1, c->name);
	if (n > want->n)
		return refuse(e, c->v[want->n].line,
			      "chain %s has a rule more than it must have",
			      c->name);
	if (n < want->n)
		return refuse(e, c->line,
			      "chain %s has %zu rules fewer than it must have",
			      c->name, want->n - n);
	return true;
}

/* Sets of ports, in whatever order. */
static bool check_set(const struct listing_set *want,
		      const struct listing_table *t, struct lex_error *e)
{
	const struct listing_set *set = listing_set_named(t, want->name);
	bool ports[65536] = {false};
	size_t i;

	if (!set)
		return !want->n ||
		       refuse(e, 1, "there is no set %s", want->name);
	if (set->n_types != 1 || set->type[0] != LISTING_SERVICE || set->map ||
	    set->dynamic || set->interval || set->n != want->n)
		return refuse(e, set->line, "set %s is not what it must be",
			      set->name);
	for (i = 0; i < want->n; i++)
		ports[want->v[i].part[0].lo & 0xffff] = true;
	for (i = 0; i < set->n; i++)
		if (!ports[set->v[i].part[0].lo & 0xffff])
			return refuse(
				e, set->v[i].line,
				"set %s has a port more than it must have",
				set->name);
	return true;
}

static bool is_walk(const struct listing_chain *c)
{
	return strcmp(c->name, "egress") == 0 ||
	       strcmp(c->name, "ingress") == 0;
}

bool shape_check(struct arena *a, const struct listing_table *t,
		 const struct shape_of *of, struct lex_error *e)
{
	struct listing_table want;
	size_t i;

	if (!expected(a, of, &want, e))
		return false;
	for (i = 0; i < t->n_chains; i++) {
		const struct listing_chain *c = &t->chains[i];

		if (c->base && !listing_chain_named(&want, c->name))
			return refuse(e, c->line,
				      "chain %s is none that this sandbox has",
				      c->name);
	}
	for (i = 0; i < want.n_sets; i++)
		if (!check_set(want.sets[i], t, e))
			return false;
	for (i = 0; i < want.n_chains; i++) {
		const struct listing_chain *w = &want.chains[i];
		const struct listing_chain *c = listing_chain_named(t, w->name);

		if (!c)
			return refuse(e, 1, "there is no chain %s", w->name);
		if (!check_chain(w, c, is_walk(w) ? readback_first(c) : c->n,
				 e))
			return false;
	}
	return true;
}

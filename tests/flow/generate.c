/* SPDX-License-Identifier: GPL-2.0-or-later */
/* generate.c - Random documents and flows, the same for the same seed. */
#include "generate.h"

#include <netinet/in.h>
#include <string.h>

#include "str.h"

#define COUNT(v) (sizeof(v) / sizeof((v)[0]))

/* Ports with their neighbours, so that ranges touch and miss by one. */
static const uint16_t ports[] = {
	1,    2,    3,	  20,	21,   22,   52,	  53,	54,   79,    80,
	81,   136,  137,  138,	442,  443,  444,  852,	853,  854,   1023,
	1024, 5353, 5355, 7999, 8000, 8001, 8999, 9000, 9001, 65534, 65535,
};

static const char *const bases[] = {
	"10.0.0.0",
	"10.0.0.128",
	"172.16.0.0",
	"192.168.1.0",
	"198.51.100.0",
	"198.51.100.64",
	"203.0.113.0",
	"100.64.0.0",
	"169.254.169.254",
	"127.0.0.0",
	"224.0.0.0",
	"0.0.0.0",
	"255.255.255.255",
	"2001:db8::",
	"2001:db8:1::",
	"fd00::",
	"fd42:6d73:62::",
	"fe80::",
	"ff02::",
	"::",
	"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
};

static const unsigned int lengths4[] = {0,  1,	7,  8,	9,  12, 16, 23,
					24, 25, 26, 30, 31, 32, 32, 32};
static const unsigned int lengths6[] = {0,  1,	3,  7,	10,  31,  32,  33,
					47, 48, 64, 96, 127, 128, 128, 128};

/* Names and suffixes that hold each other, and others. */
static const char *const names[] = {
	"example.com",	 ".example.com",
	"a.example.com", ".a.example.com",
	".com",		 "example.net",
	".example.net",	 "a.example.net",
	".internal",	 "host.microsandbox.internal",
	"public.",	 ".public",
	"any.",
};

/* What addresses are pinned to. */
static const char *const pins[] = {
	"example.com",	   "a.example.com",
	"b.a.example.com", "c.example.com",
	"a.example.net",   "example.net",
	"other.test",	   "host.microsandbox.internal",
	"public",	   "a.public",
};

/* The first and last address of every group, as far as they are fixed. */
static const char *const edges[] = {
	"0.0.0.0",
	"10.0.0.0",
	"10.255.255.255",
	"100.64.0.0",
	"100.127.255.255",
	"127.0.0.0",
	"127.255.255.255",
	"169.254.0.0",
	"169.254.255.255",
	"169.254.169.254",
	"169.254.62.0",
	"169.254.62.3",
	"172.16.0.0",
	"172.31.255.255",
	"192.168.0.0",
	"192.168.255.255",
	"224.0.0.0",
	"239.255.255.255",
	"255.255.255.255",
	"198.51.100.7",
	"203.0.113.9",
	"::",
	"::1",
	"fc00::",
	"fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	"fe80::",
	"febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	"ff00::",
	"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	"2001:db8::7",
};

/* splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number
 * Generators, 2014). */
static uint64_t next(struct generator *g)
{
	uint64_t z = g->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

unsigned int generate_below(struct generator *g, unsigned int n)
{
	return (unsigned int)(next(g) % n);
}

static bool percent(struct generator *g, unsigned int n)
{
	return generate_below(g, 100) < n;
}

static struct ip parsed(const char *text)
{
	struct ip ip;

	if (!ip_parse(text, &ip))
		__builtin_trap();
	return ip;
}

/* Prefixes of which each holds the next, and the addresses around their ends:
 * rules that hide, split and touch each other. */
static void put_nested(struct str *s, struct generator *g)
{
	static const char *const ends[] = {
		"0.0.0.0",
		"255.255.255.255",
		"198.51.100.128",
		"::",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		"2001:db8::8000",
	};
	struct ip ip = parsed(ends[generate_below(g, COUNT(ends))]);
	const unsigned int bits = ip_bits(ip.family);
	char text[IP_TEXT_MAX];

	ip.num ^= generate_below(g, 4);
	str_printf(s, "%s/%u", ip_format(ip, text),
		   percent(g, 70) ? bits - generate_below(g, 12)
				  : generate_below(g, bits + 1));
}

static void put_destination(struct str *s, struct generator *g)
{
	static const char *const groups[] = {
		"public",   "private",	 "loopback", "link-local",
		"metadata", "multicast", "host",     "*",
	};
	struct ip ip = parsed(bases[generate_below(g, COUNT(bases))]);
	char text[IP_TEXT_MAX];
	unsigned int len;

	if (percent(g, 10))
		return;
	str_puts(s, ", \"Destination\": \"");
	if (percent(g, 30)) {
		str_puts(s, groups[generate_below(g, COUNT(groups))]);
	} else if (percent(g, g->names)) {
		str_puts(s, names[generate_below(g, COUNT(names))]);
	} else if (percent(g, 30)) {
		put_nested(s, g);
	} else if (percent(g, 20)) {
		ip.num += generate_below(g, 4);
		ip.num &= ip_max(ip.family);
		str_printf(s, "%s%s",
			   ip.family == IP_V4 && percent(g, 10) ? "::ffff:"
								: "",
			   ip_format(ip, text));
	} else {
		len = ip.family == IP_V4
			      ? lengths4[generate_below(g, COUNT(lengths4))]
			      : lengths6[generate_below(g, COUNT(lengths6))];
		if (percent(g, 30))
			ip.num ^= generate_below(g, 256);
		str_printf(s, "%s/%u", ip_format(ip, text), len);
	}
	str_putc(s, '"');
}

static void put_ports(struct str *s, struct generator *g)
{
	const bool many = g->many_ports && percent(g, 30);
	unsigned int n = many ? 150
			      : generate_below(g, percent(g, 90) ? 3 : 12) + 1;
	unsigned int i;

	str_puts(s, ", \"Ports\": [");
	for (i = 0; i < n; i++) {
		uint16_t lo = ports[generate_below(g, COUNT(ports))];
		uint16_t hi = ports[generate_below(g, COUNT(ports))];

		if (many) {
			lo = (uint16_t)(1 + generate_below(g, 65000));
			hi = (uint16_t)(lo + generate_below(g, 300));
		}
		if (percent(g, 50) || hi < lo)
			str_printf(s, "%s\"%u\"", i ? ", " : "", lo);
		else
			str_printf(s, "%s\"%u-%u\"", i ? ", " : "", lo, hi);
	}
	str_putc(s, ']');
}

static void put_rule(struct str *s, struct generator *g)
{
	static const char *const protos[] = {"tcp", "udp", "icmpv4", "icmpv6"};
	static const char *const directions[] = {"egress", "ingress", "any"};
	const unsigned int direction = percent(g, 60) ? 0
						      : generate_below(g, 3);
	const char *before = "";
	size_t i;

	str_printf(s, "{\"Action\": \"%s\"", percent(g, 50) ? "allow" : "deny");
	if (direction || percent(g, 20))
		str_printf(s, ", \"Direction\": \"%s\"", directions[direction]);
	put_destination(s, g);
	if (percent(g, 50)) {
		/* ICMP has no place in a rule that is not egress alone. */
		str_puts(s, ", \"Protocols\": [");
		for (i = 0; i < (direction ? 2 : COUNT(protos)); i++) {
			if (!percent(g, 50))
				continue;
			str_printf(s, "%s\"%s\"", before, protos[i]);
			before = ", ";
		}
		str_putc(s, ']');
	}
	if (percent(g, 40))
		put_ports(s, g);
	str_putc(s, '}');
}

/* Host ports are all different, so that nothing overlaps. */
static void put_bindings(struct str *s, struct generator *g)
{
	static const char *const binds[] = {"127.0.0.1",
					    "::1",
					    "0.0.0.0",
					    "::",
					    "192.0.2.1",
					    "127.0.0.9",
					    "2001:db8:ffff:ffff::1"};
	unsigned int n = generate_below(g, 6), i;

	str_puts(s, ", \"PortBindings\": [");
	for (i = 0; i < n; i++)
		str_printf(
			s,
			"%s{\"Bind\": \"%s\", \"HostPort\": %u, "
			"\"GuestPort\": %u, \"Protocol\": \"%s\"}",
			i ? ", " : "", binds[generate_below(g, COUNT(binds))],
			20000 + 131 * i, ports[generate_below(g, COUNT(ports))],
			percent(g, 60) ? "tcp" : "udp");
	str_putc(s, ']');
}

/* Buckets that no test of verdicts empties. */
static void put_limits(struct str *s, struct generator *g)
{
	static const char *const ways[] = {"Egress", "Ingress"};
	const char *before = "";
	unsigned int i;

	str_puts(s, ", \"RateLimiter\": {");
	for (i = 0; i < COUNT(ways); i++) {
		if (percent(g, 30))
			continue;
		str_printf(s, "%s\"%s\": {", before, ways[i]);
		str_printf(s,
			   "\"Bandwidth\": {\"Size\": %u, \"RefillTime\": "
			   "%u000000, \"OneTimeBurst\": %u}",
			   100000000 + generate_below(g, 1000000),
			   1 + generate_below(g, 1000),
			   percent(g, 50) ? 1 + generate_below(g, 1000000) : 0);
		if (percent(g, 50))
			str_printf(s,
				   ", \"Ops\": {\"Size\": %u, \"RefillTime\": "
				   "%u000000, \"OneTimeBurst\": %u}",
				   100000 + generate_below(g, 1000000),
				   1 + generate_below(g, 1000),
				   percent(g, 50) ? generate_below(g, 100000)
						  : 0);
		str_putc(s, '}');
		before = ", ";
	}
	str_putc(s, '}');
}

static const char *const tls_ports[] = {
	"",
	", \"InterceptedPorts\": []",
	", \"InterceptedPorts\": [444, 443]",
	", \"InterceptedPorts\": [8000, 444, 80, 53]",
	", \"InterceptedPorts\": [1, 22, 80, 81, 443, 1023, 1024, 9000, 853]",
};

const char *generate_document(struct arena *a, struct generator *g)
{
	static const char *const presets[] = {"none", "public-only",
					      "allow-all", "non-local"};
	static const char *const pools4[] = {
		"172.16.0.0/12", "10.1.0.0/16",	    "192.168.77.0/24",
		"198.18.0.0/15", "100.64.128.0/17",
	};
	static const char *const pools6[] = {
		"fd42:6d73:62::/48",
		"fd00:1::/48",
		"2001:db8:ffff::/48",
	};
	static const char *const verdicts[] = {"allow", "deny"};
	/* Few rules are printed in order, many as maps; some documents are
	 * about names. */
	unsigned int n = generate_below(g, percent(g, 50) ? 12 : 80), i;
	STR(s);

	g->names = percent(g, 40) ? 5 + generate_below(g, 60) : 0;
	/* Long lists of ports are said once, and referred to. */
	g->many_ports = percent(g, 5);
	str_printf(&s, "{\"IPv4Pool\": \"%s\", \"IPv6Pool\": \"%s\"",
		   pools4[generate_below(g, COUNT(pools4))],
		   pools6[generate_below(g, COUNT(pools6))]);
	if (percent(g, 15)) {
		str_printf(&s, ", \"Policy\": \"%s\"",
			   presets[generate_below(g, COUNT(presets))]);
	} else {
		str_puts(&s, ", \"Rules\": [");
		for (i = 0; i < n; i++) {
			str_puts(&s, i ? ", " : "");
			put_rule(&s, g);
		}
		str_putc(&s, ']');
		if (percent(g, 60))
			str_printf(&s, ", \"DefaultEgress\": \"%s\"",
				   verdicts[generate_below(g, 2)]);
		if (percent(g, 60))
			str_printf(&s, ", \"DefaultIngress\": \"%s\"",
				   verdicts[generate_below(g, 2)]);
	}
	if (percent(g, 10))
		str_puts(&s, ", \"DenyDomainSuffixes\": [\".example.org\"]");
	if (percent(g, 5))
		str_puts(&s, ", \"DenyDomains\": [\"a.example.com\"]");
	if (percent(g, 40))
		str_puts(&s, ", \"DNS\": {\"RebindProtection\": false, "
			     "\"Nameservers\": [\"198.51.100.53\", "
			     "\"2001:db8::53\"]}");
	if (percent(g, 25))
		str_printf(&s, ", \"TLS\": {\"BlockQUIC\": %s%s}",
			   percent(g, 50) ? "true" : "false",
			   tls_ports[generate_below(g, COUNT(tls_ports))]);
	if (percent(g, 15))
		str_puts(&s, ", \"Secrets\": [{\"Name\": \"KEY\", "
			     "\"ValueEnv\": \"KEY\", \"AllowedHosts\": "
			     "[\"a.example.com\"]}]");
	if (percent(g, 70))
		put_bindings(&s, g);
	if (percent(g, 25))
		str_printf(&s, ", \"MaxConnections\": %u",
			   500 + generate_below(g, 500));
	if (percent(g, 20))
		put_limits(&s, g);
	str_putc(&s, '}');
	return arena_strdup(a, str_text(&s));
}

/* A rule of a walk; the walk has some. */
static const struct policy_rule *any_rule(struct generator *g,
					  const struct policy_walk *w)
{
	return &w->rules[generate_below(g, (unsigned int)w->n)];
}

static struct ip any_address(struct generator *g, const struct policy *p,
			     const struct policy_walk *w)
{
	const struct ip own[] = {p->slot.gw4, p->slot.gw6, p->slot.guest4,
				 p->slot.guest6};
	struct ip ip = parsed(edges[generate_below(g, COUNT(edges))]);
	ip_num most;

	if (w->n && percent(g, 65)) {
		const struct policy_rule *r = any_rule(g, w);

		if (r->dest.kind == CONFIG_DEST_RANGE) {
			ip.family = r->dest.range.family;
			ip.num = percent(g, 50) ? r->dest.range.lo
						: r->dest.range.hi;
		}
	} else if (percent(g, 10)) {
		ip = own[generate_below(g, COUNT(own))];
	}
	most = ip_max(ip.family);
	if (percent(g, 25))
		ip.num = (ip.num + 1) & most;
	else if (percent(g, 30))
		ip.num = (ip.num - 1) & most;
	else if (percent(g, 10))
		ip.num = (ip.num ^ generate_below(g, 65536)) & most;
	return ip_unmap(ip);
}

static uint16_t any_port(struct generator *g, const struct policy *p,
			 const struct policy_walk *w, enum flow_kind kind)
{
	unsigned int port = ports[generate_below(g, COUNT(ports))];

	if (kind == FLOW_INGRESS && p->config->n_bindings && percent(g, 80))
		return p->config
			->bindings[generate_below(
				g, (unsigned int)p->config->n_bindings)]
			.guest_port;
	if (w->n && percent(g, 60)) {
		const struct policy_rule *r = any_rule(g, w);

		if (r->n_ports) {
			const struct config_ports *range =
				&r->ports[generate_below(
					g, (unsigned int)r->n_ports)];

			port = percent(g, 50) ? range->lo : range->hi;
		}
	}
	if (percent(g, 30) && port < 65535)
		port++;
	else if (percent(g, 40) && port > 1)
		port--;
	return (uint16_t)port;
}

static void put_pins(struct arena *a, struct generator *g, struct flow *f)
{
	struct dname *v = arena_array(a, 3, struct dname);
	const size_t n = 1 + generate_below(g, 3);
	size_t i;

	for (i = 0; i < n; i++)
		if (dname_from_config(a, pins[generate_below(g, COUNT(pins))],
				      &v[i]))
			__builtin_trap();
	f->pins = v;
	f->n_pins = n;
}

const char *generate_name(struct generator *g)
{
	static const char *const denied[] = {"example.org", "x.example.org"};

	return percent(g, 80) ? pins[generate_below(g, COUNT(pins))]
			      : denied[generate_below(g, COUNT(denied))];
}

struct flow generate_flow(struct arena *a, struct generator *g,
			  const struct policy *p)
{
	static const uint8_t others[] = {132, 47, 89, 50, 253};
	struct flow f = {
		.kind = percent(g, 70) ? FLOW_EGRESS : FLOW_INGRESS,
	};
	const struct policy_walk *w =
		&p->walk[f.kind == FLOW_EGRESS ? POLICY_EGRESS
					       : POLICY_INGRESS];

	f.ip = any_address(g, p, w);
	if (percent(g, 80)) {
		f.proto = percent(g, 60) ? IPPROTO_TCP : IPPROTO_UDP;
		f.has_port = true;
		f.port = any_port(g, p, w, f.kind);
	} else if (percent(g, 60)) {
		f.proto = f.ip.family == IP_V4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	} else {
		f.proto = others[generate_below(g, COUNT(others))];
	}
	if (percent(g, g->names))
		put_pins(a, g, &f);
	return f;
}

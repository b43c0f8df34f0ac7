/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config_check.c - What concerns several fields at once: checks, defaults. */
#include <stdlib.h>
#include <string.h>

#include "binding.h"
#include "config_table.h"

static bool is_set(uint32_t set, unsigned int field)
{
	return set >> field & 1;
}

void config_member_error(struct field_ctx *c, const char *name,
			 enum diag_code code, const char *hint, const char *fmt,
			 ...)
{
	struct field_path path = {.up = c->at, .key = name};
	ARENA(s);
	va_list ap;

	va_start(ap, fmt);
	c->at = &path;
	field_report(c, DIAG_ERROR, code, hint, "%s",
		     arena_vprintf(&s, fmt, ap));
	c->at = path.up;
	va_end(ap);
}

static int compare_ports(const void *x, const void *y)
{
	const struct config_ports *a = x, *b = y;

	return a->lo != b->lo ? a->lo - b->lo : a->hi - b->hi;
}

/* Sort the ranges, and join those that overlap or touch. */
static size_t unite_ports(struct config_ports *v, size_t n)
{
	size_t kept = 0;

	if (n < 2)
		return n;
	qsort(v, n, sizeof(*v), compare_ports);
	for (size_t i = 1; i < n; i++) {
		if (v[i].lo > v[kept].hi + 1)
			v[++kept] = v[i];
		else if (v[i].hi > v[kept].hi)
			v[kept].hi = v[i].hi;
	}
	return kept + 1;
}

void config_check_rule(struct field_ctx *c, uint32_t set, void *to)
{
	struct config_rule *r = to;

	if (r->direction == CONFIG_DIRECTION_UNSET)
		r->direction = CONFIG_EGRESS;
	/* The array is ours until the document is read. */
	r->n_ports = unite_ports((struct config_ports *)(uintptr_t)r->ports,
				 r->n_ports);
	r->pointer = field_pointer(c->a, c->at);
	if (r->direction == CONFIG_EGRESS ||
	    !(r->protos & (CONFIG_ICMPV4 | CONFIG_ICMPV6)))
		return;
	config_member_error(
		c, is_set(set, RULE_PROTOCOLS) ? "Protocols" : "Protocol",
		DIAG_ICMP_INGRESS,
		"write \"Direction\": \"egress\", or leave ICMP out",
		"ICMP is for egress only, and this rule is for %s",
		r->direction == CONFIG_INGRESS ? "ingress" : "any");
}

void config_check_tls(struct field_ctx *c, uint32_t set, void *to)
{
	bool cert = is_set(set, TLS_FIELD_CA_CERT),
	     key = is_set(set, TLS_FIELD_CA_KEY);

	(void)to;
	if (cert != key)
		config_member_error(c, cert ? "CACert" : "CAKey", DIAG_PAIR,
				    "leave both out to have a CA generated",
				    "%s is set without %s; set both or neither",
				    cert ? "CACert" : "CAKey",
				    cert ? "CAKey" : "CACert");
}

void config_check_binding(struct field_ctx *c, uint32_t set, void *to)
{
	struct config_binding *b = to;

	(void)set;
	if (!b->bind.family)
		b->bind = ip4(127, 0, 0, 1);
	if (!b->proto)
		b->proto = CONFIG_TCP;
	b->pointer = field_pointer(c->a, c->at);
}

static void check_exclusive(struct field_ctx *c, uint32_t set)
{
	static const struct {
		enum config_network_field field;
		const char *name;
	} others[] = {
		{NETWORK_RULES, "Rules"},
		{NETWORK_DEFAULT_EGRESS, "DefaultEgress"},
		{NETWORK_DEFAULT_INGRESS, "DefaultIngress"},
	};

	if (!is_set(set, NETWORK_POLICY))
		return;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (is_set(set, others[i].field))
			config_member_error(
				c, others[i].name, DIAG_EXCLUSIVE,
				"keep Policy, or write out what it stands "
				"for (msb-netc presets)",
				"%s and Policy are mutually exclusive",
				others[i].name);
}

/** struct published - A binding, to be sorted by what it occupies */
struct published {
	const struct config_binding *binding;
};

static int compare_published(const void *x, const void *y)
{
	const struct config_binding *a = ((const struct published *)x)->binding;
	const struct config_binding *b = ((const struct published *)y)->binding;

	if (a->host_port != b->host_port)
		return a->host_port - b->host_port;
	if (a->proto != b->proto)
		return a->proto < b->proto ? -1 : 1;
	if (a->bind.family != b->bind.family)
		return a->bind.family < b->bind.family ? -1 : 1;
	if (a->bind.num != b->bind.num)
		return a->bind.num < b->bind.num ? -1 : 1;
	return a < b ? -1 : a > b;
}

static void overlap(struct field_ctx *c, const struct config_binding *b,
		    const struct config_binding *before)
{
	const char *proto = b->proto == CONFIG_UDP ? "UDP" : "TCP";
	char buf[IP_TEXT_MAX], other[IP_TEXT_MAX];

	if (ip_equal(b->bind, before->bind)) {
		diag_add(c->d, DIAG_ERROR, DIAG_DUPLICATE, 0, b->pointer,
			 "publish it once, or on another address",
			 "%s port %u on %s is published by %s already", proto,
			 b->host_port, ip_format(b->bind, buf),
			 before->pointer);
		return;
	}
	diag_add(c->d, DIAG_ERROR, DIAG_DUPLICATE, 0, b->pointer,
		 "0.0.0.0 has a port on every IPv4 address, :: on every "
		 "address of both families",
		 "%s port %u on %s overlaps that of %s on %s", proto,
		 b->host_port, ip_format(b->bind, buf), before->pointer,
		 ip_format(before->bind, other));
}

/* What overlaps a binding and is before it in the document. */
static const struct config_binding *earlier(const struct config_binding *b,
					    const struct config_binding *rival,
					    const struct config_binding *found)
{
	return rival && rival < b && (!found || rival < found) ? rival : found;
}

/* Bindings of one port and protocol, sorted by address: only wildcards overlap
 * others than their equals. */
static void check_port(struct field_ctx *c, const struct published *v, size_t n)
{
	const struct config_binding *any[2] = {NULL, NULL};
	const struct config_binding *first[2] = {NULL, NULL};
	size_t same = 0, i;

	for (i = 0; i < n; i++) {
		const struct config_binding *b = v[i].binding;
		const size_t six = b->bind.family == IP_V6;

		if (!any[six] && binding_is_wildcard(b))
			any[six] = b;
		if (!first[six] || b < first[six])
			first[six] = b;
	}
	for (i = 0; i < n; i++) {
		const struct config_binding *b = v[i].binding, *before = NULL;
		const bool six = b->bind.family == IP_V6;

		if (!ip_equal(v[same].binding->bind, b->bind))
			same = i;
		before = earlier(b, v[same].binding, before);
		before = earlier(b, any[1], before);
		if (!six)
			before = earlier(b, any[0], before);
		if (binding_is_wildcard(b)) {
			before = earlier(b, first[six], before);
			if (six)
				before = earlier(b, first[0], before);
		}
		if (before)
			overlap(c, b, before);
	}
}

static void check_bindings(struct field_ctx *c, const struct config *config)
{
	ARENA(s);
	size_t n = config->n_bindings, i, j;
	struct published *v = arena_array(&s, n, struct published);

	for (i = 0; i < n; i++)
		v[i].binding = &config->bindings[i];
	if (n > 1)
		qsort(v, n, sizeof(*v), compare_published);
	for (i = 0; i < n; i = j) {
		const struct config_binding *b = v[i].binding;

		for (j = i + 1; j < n; j++)
			if (v[j].binding->host_port != b->host_port ||
			    v[j].binding->proto != b->proto)
				break;
		/* A port that could not be read is 0. */
		if (b->host_port)
			check_port(c, v + i, j - i);
	}
}

void config_check_network(struct field_ctx *c, uint32_t set, void *to)
{
	struct config *config = to;

	check_exclusive(c, set);
	check_bindings(c, config);
	config_check_secrets(c, config->secrets, config->n_secrets);
	config_check_use(c, config);
	if (!config->pool4.family)
		config->pool4 = ip_prefix(ip4(172, 16, 0, 0), 12);
	if (!config->pool6.family)
		config->pool6 = ip_prefix(
			(struct ip){IP_V6, (ip_num)0xfd426d730062 << 80}, 48);
}

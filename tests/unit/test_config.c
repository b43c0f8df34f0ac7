/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_config.c - What a document becomes in memory. */
#include <criterion/criterion.h>
#include <string.h>

#include "config.h"
#include "config_table.h"
#include "locate.h"

/* What is refused, and with which words, is tested by documents in
 * tests/golden. */

static bool try_read(struct arena *a, const char *text, struct config *ret)
{
	struct diags d = {
		.arena = a, .file = "x", .text = text, .len = strlen(text)};

	return config_read(a, &d, ret);
}

static struct config read_text(struct arena *a, const char *text)
{
	struct config c;

	cr_assert(try_read(a, text, &c), "%s", text);
	return c;
}

static const char *name_text(struct dname name)
{
	static char buf[DNAME_TEXT_MAX];

	return dname_format(name, buf);
}

Test(config, unset_stays_visible)
{
	ARENA(a);
	struct config c = read_text(&a, "{}");
	char buf[IP_TEXT_MAX];

	cr_assert(!c.policy && !c.has_rules && !c.default_egress &&
		  !c.default_ingress && !c.tls.present &&
		  !c.rebind_protection && !c.has_max_connections &&
		  !c.on_secret_violation && !c.trust_host_cas &&
		  !c.n_bindings && !c.n_secrets);
	cr_assert_str_eq(ip_range_format(c.pool4, buf), "172.16.0.0/12");
	cr_assert_str_eq(ip_range_format(c.pool6, buf), "fd42:6d73:62::/48");
}

Test(config, present_is_not_the_same_as_unset)
{
	ARENA(a);
	struct config c = read_text(&a, "{\"Rules\": [], \"TLS\": "
					"{\"InterceptedPorts\": []}, "
					"\"MaxConnections\": 0}");

	cr_assert(c.has_rules && !c.n_rules);
	cr_assert(c.tls.present && c.tls.has_ports && !c.tls.n_ports);
	cr_assert(c.has_max_connections && !c.max_connections);
	c = read_text(&a, "{\"TLS\": {\"InterceptedPorts\": null}}");
	cr_assert(c.tls.present && !c.tls.has_ports);
	c = read_text(&a, "{\"TLS\": null, \"Rules\": null, "
			  "\"MaxConnections\": null}");
	cr_assert(!c.tls.present && !c.has_rules && !c.has_max_connections);
}

Test(config, rules_unite_protocols_and_ports)
{
	ARENA(a);
	struct config c = read_text(
		&a,
		"{\"Rules\": [{\"Action\": \"deny\", \"Protocol\": \"tcp\","
		" \"Protocols\": [\"udp\", \"tcp\"], \"Port\": 443,"
		" \"Ports\": [\"80\", \"100-200\", \"81-90\", \"150-300\","
		" 442]}, {\"Action\": \"allow\", \"Direction\": \"any\"}]}");
	const struct config_rule *r = c.rules;

	cr_assert_eq(c.n_rules, 2);
	cr_assert_eq(r->action, CONFIG_DENY);
	cr_assert_eq(r->direction, CONFIG_EGRESS);
	cr_assert_eq(r->dest.kind, CONFIG_DEST_ANY);
	cr_assert_eq(r->protos, CONFIG_TCP | CONFIG_UDP);
	cr_assert_eq(r->n_ports, 3);
	cr_assert(r->ports[0].lo == 80 && r->ports[0].hi == 90);
	cr_assert(r->ports[1].lo == 100 && r->ports[1].hi == 300);
	cr_assert(r->ports[2].lo == 442 && r->ports[2].hi == 443);
	cr_assert_str_eq(r->pointer, "/Rules/0");
	cr_assert_eq(r[1].direction, CONFIG_ANY_DIRECTION);
	cr_assert_str_eq(r[1].pointer, "/Rules/1");
	cr_assert(!r[1].protos && !r[1].n_ports);
}

static struct config_dest dest(struct arena *a, const char *text)
{
	struct config c = read_text(
		a, arena_printf(a,
				"{\"rules\": [{\"action\": \"allow\", "
				"\"destination\": \"%s\"}]}",
				text));

	return c.rules[0].dest;
}

Test(config, destinations_are_told_apart)
{
	ARENA(a);
	char buf[IP_TEXT_MAX];
	struct config_dest d;

	cr_assert_eq(dest(&a, "*").kind, CONFIG_DEST_ANY);
	cr_assert_eq(dest(&a, "").kind, CONFIG_DEST_ANY);
	d = dest(&a, "link-local");
	cr_assert(d.kind == CONFIG_DEST_GROUP && d.group == GROUP_LINK_LOCAL);
	d = dest(&a, "10.1.2.3/8");
	cr_assert_eq(d.kind, CONFIG_DEST_RANGE);
	cr_assert_str_eq(ip_range_format(d.range, buf), "10.0.0.0/8");
	d = dest(&a, "2001:db8::7");
	cr_assert_eq(d.kind, CONFIG_DEST_RANGE);
	cr_assert_str_eq(ip_range_format(d.range, buf), "2001:db8::7");
	d = dest(&a, "::ffff:10.1.2.3");
	cr_assert_str_eq(ip_range_format(d.range, buf), "10.1.2.3");
	d = dest(&a, "::ffff:10.0.0.0/104");
	cr_assert_str_eq(ip_range_format(d.range, buf), "10.0.0.0/8");
	d = dest(&a, "::/0");
	cr_assert_str_eq(ip_range_format(d.range, buf), "::/0");
	d = dest(&a, "Example.COM.");
	cr_assert_eq(d.kind, CONFIG_DEST_NAME);
	cr_assert_str_eq(name_text(d.name), "example.com");
	d = dest(&a, ".example.com");
	cr_assert(d.kind == CONFIG_DEST_SUFFIX && !d.apex);
	cr_assert_str_eq(name_text(d.name), "example.com");
	cr_assert_eq(dest(&a, "any.").kind, CONFIG_DEST_NAME);
}

Test(config, bindings_from_both_fields)
{
	ARENA(a);
	struct config c = read_text(
		&a, "{\"PortBindings\": [{\"HostPort\": 53, \"GuestPort\": 54,"
		    " \"Protocol\": \"udp\", \"Bind\": \"::1\"}],"
		    " \"Ports\": {\"8080\": 80}}");
	const struct config_binding *b = c.bindings;

	cr_assert_eq(c.n_bindings, 2);
	cr_assert(b[0].host_port == 8080 && b[0].guest_port == 80 &&
		  b[0].proto == CONFIG_TCP);
	cr_assert(ip_equal(b[0].bind, ip4(127, 0, 0, 1)));
	cr_assert_str_eq(b[0].pointer, "/Ports/8080");
	cr_assert(b[1].host_port == 53 && b[1].guest_port == 54 &&
		  b[1].proto == CONFIG_UDP && b[1].bind.family == IP_V6);
	cr_assert_str_eq(b[1].pointer, "/PortBindings/0");
}

Test(config, name_servers_in_every_form)
{
	ARENA(a);
	struct config c =
		read_text(&a, "{\"DNS\": {\"Nameservers\": [\"192.0.2.1\","
			      " \"192.0.2.1:5353\", \"2001:db8::1\","
			      " \"[2001:db8::1]:54\", \"NS.example.\","
			      " \"ns.example:55\"]}}");
	static const uint16_t ports[] = {53, 5353, 53, 54, 53, 55};

	cr_assert_eq(c.dns.n_nameservers, 6);
	for (size_t i = 0; i < 6; i++) {
		const struct config_nameserver *ns = &c.dns.nameservers[i];

		cr_assert_eq(ns->port, ports[i]);
		if (i < 4) {
			cr_assert_null(ns->host);
			cr_assert_eq(ns->ip.family, i < 2 ? IP_V4 : IP_V6);
		} else {
			cr_assert_str_eq(ns->host, "ns.example");
		}
	}
}

Test(config, the_rest_of_the_fields)
{
	ARENA(a);
	struct config c = read_text(
		&a,
		"{\"Policy\": \"non-local\", \"DenyDomains\": [\"B\\u00fccher.de\"],"
		" \"DenyDomainSuffixes\": [\".a\", \"b\"],"
		" \"TLS\": {\"Bypass\": [\"*.x.y\", \"z\"], \"BlockQUIC\": false,"
		" \"CACert\": \"c\", \"CAKey\": \"k\","
		" \"UpstreamCACerts\": [\"u\", \"v\"],"
		" \"InterceptedPorts\": [443, 65535]},"
		" \"Secrets\": [{\"Name\": \"K\", \"ValueFile\": \"/f\","
		" \"AllowedHosts\": [\"*.h\"]}],"
		" \"RateLimiter\": {\"Ingress\": {\"Ops\": {\"Size\": 7,"
		" \"RefillTime\": 1000000, \"OneTimeBurst\": 9}}},"
		" \"TrustHostCAs\": true,"
		" \"OnSecretViolation\": \"block-and-terminate\"}");

	cr_assert_eq(c.policy, CONFIG_PRESET_NON_LOCAL);
	cr_assert_str_eq(name_text(c.deny_domains.v[0]), "xn--bcher-kva.de");
	cr_assert_eq(c.deny_suffixes.n, 2);
	cr_assert_str_eq(name_text(c.deny_suffixes.v[0]), "a");
	cr_assert(c.tls.bypass[0].wildcard && !c.tls.bypass[1].wildcard);
	cr_assert_eq(c.tls.block_quic, CONFIG_FALSE);
	cr_assert_eq(c.tls.verify_upstream, CONFIG_BOOL_UNSET);
	cr_assert_str_eq(c.tls.ca_key, "k");
	cr_assert_str_eq(c.tls.upstream_ca_certs[1], "v");
	cr_assert_eq(c.tls.ports[1], 65535);
	cr_assert_str_eq(c.secrets[0].placeholder, "$MSB_K");
	cr_assert_str_eq(c.secrets[0].value_file, "/f");
	cr_assert_null(c.secrets[0].value_env);
	cr_assert(c.rate_ingress.ops.present && c.rate_ingress.ops.size == 7 &&
		  c.rate_ingress.ops.refill_ns == 1000000 &&
		  c.rate_ingress.ops.one_time_burst == 9);
	cr_assert(!c.rate_ingress.bandwidth.present &&
		  !c.rate_egress.ops.present);
	cr_assert_eq(c.trust_host_cas, CONFIG_TRUE);
	cr_assert_eq(c.on_secret_violation, CONFIG_BLOCK_AND_TERMINATE);
}

Test(config, a_refused_document_leaves_nothing)
{
	ARENA(a);
	struct config c = {.max_connections = 77};

	cr_assert(!try_read(&a, "{\"MaxConnections\": 5, \"Polic\": 1}", &c));
	cr_assert_eq(c.max_connections, 77);
}

/* The checks find their fields by the enums of config_table.h. */
Test(config, tables_are_in_order)
{
	static const struct {
		enum config_object object;
		size_t field;
		const char *name;
	} v[] = {
		{CONFIG_NETWORK, NETWORK_POLICY, "Policy"},
		{CONFIG_NETWORK, NETWORK_RULES, "Rules"},
		{CONFIG_NETWORK, NETWORK_DEFAULT_EGRESS, "DefaultEgress"},
		{CONFIG_NETWORK, NETWORK_DEFAULT_INGRESS, "DefaultIngress"},
		{CONFIG_RULE, RULE_PROTOCOL, "Protocol"},
		{CONFIG_RULE, RULE_PROTOCOLS, "Protocols"},
		{CONFIG_TLS, TLS_FIELD_CA_CERT, "CACert"},
		{CONFIG_TLS, TLS_FIELD_CA_KEY, "CAKey"},
		{CONFIG_SECRET, SECRET_VALUE_FILE, "ValueFile"},
		{CONFIG_SECRET, SECRET_VALUE_ENV, "ValueEnv"},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++)
		cr_assert_str_eq(
			config_objects[v[i].object].fields[v[i].field].name,
			v[i].name);
}

Test(config, tables_are_complete)
{
	for (size_t i = 0; i < CONFIG_OBJECT_COUNT; i++) {
		const struct field_object *o = &config_objects[i];

		cr_assert(o->n && o->n <= FIELD_MAX && o->about);
		for (size_t j = 0; j < o->n; j++) {
			const struct field *f = &o->fields[j];
			char a[LOCATE_NAME_MAX], b[LOCATE_NAME_MAX];

			cr_assert(f->name && f->about, "%s %zu", o->name, j);
			cr_assert(f->initial || f->flags & FIELD_REQUIRED ||
					  o == &config_objects[CONFIG_SECRET],
				  "%s", f->name);
			cr_assert(f->kind != FIELD_TEXT || (f->read && f->type),
				  "%s", f->name);
			cr_assert(f->kind != FIELD_WORD || f->words);
			cr_assert(f->kind != FIELD_OBJECT || f->object);
			for (size_t k = 0; k < j; k++)
				cr_assert_str_neq(
					locate_snake(f->name, a),
					locate_snake(o->fields[k].name, b));
		}
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* field_places.c - Where each field of the input language is enforced, and
 * which tests show it: a row a field. */
#include "field_places.h"

#include <stdio.h>
#include <string.h>

#include "config_table.h"

#define COUNT(v) (sizeof(v) / sizeof(*(v)))

/* What several rows have in common. */
#define WALK	   "compiler/plan/walk.c compiler/policy/eval.c"
#define WALK_TESTS "flow/random flow/proved netns/packets"
#define BIND	   "compiler/plan/host_table.c compiler/live/listen.c"
#define LIMIT	   "compiler/plan/limit_rules.c"

/**
 * struct place - Where a field is enforced
 * @object:	kind of object
 * @field:	its field
 * @by:		who does it
 * @files:	files of the source, with blanks between
 * @tests:	tests as ctest calls them, likewise
 */
struct place {
	enum config_object object;
	const char *field;
	const char *by;
	const char *files;
	const char *tests;
};

static const struct place places[] = {
	{CONFIG_NETWORK, "Policy", "msb-netc, which writes it out as rules",
	 "compiler/policy/preset.c compiler/policy/policy.c",
	 "unit/policy flow/cases netns/packets"},
	{CONFIG_NETWORK, "Rules", "the gateway's ruleset", WALK, WALK_TESTS},
	{CONFIG_NETWORK, "DefaultEgress", "the gateway's ruleset", WALK,
	 "flow/cases flow/random netns/packets"},
	{CONFIG_NETWORK, "DefaultIngress", "the gateway's ruleset", WALK,
	 "flow/cases flow/random netns/packets netns/ports"},
	{CONFIG_NETWORK, "DenyDomains", "msb-dnsd, msb-tlsd, and the ruleset",
	 "helpers/dns/dnsd_names.c helpers/tls/judge.c "
	 "compiler/plan/walk_names.c",
	 "unit/tls_judge netns/dns_live netns/tls netns/packets"},
	{CONFIG_NETWORK, "DenyDomainSuffixes",
	 "msb-dnsd, msb-tlsd, and the ruleset",
	 "helpers/dns/dnsd_names.c helpers/tls/judge.c "
	 "compiler/plan/walk_names.c",
	 "unit/tls_judge unit/policy flow/random netns/tls"},
	{CONFIG_NETWORK, "DNS", "msb-dnsd, or NAT in the ruleset",
	 "compiler/policy/policy.c compiler/plan/sandbox_dns.c",
	 "unit/policy netns/dnsd netns/dns_live netns/packets"},
	{CONFIG_NETWORK, "DNSRebindProtection", "msb-dnsd",
	 "compiler/policy/policy.c helpers/dns/rebind.c",
	 "unit/policy unit/rebind"},
	{CONFIG_NETWORK, "TLS", "msb-tlsd",
	 "compiler/plan/tls.c helpers/tls/judge.c helpers/tls/intercept.c",
	 "unit/pins unit/tls_judge netns/tls_intercept netns/guest_tls"},
	{CONFIG_NETWORK, "Ports", "the host's table and msb-relayd", BIND,
	 "unit/policy flow/cases netns/packets netns/apply"},
	{CONFIG_NETWORK, "PortBindings", "the host's table and msb-relayd",
	 BIND, "flow/random netns/packets netns/ports netns/crash"},
	{CONFIG_NETWORK, "IPv4Pool", "msb-netc, which gives out the addresses",
	 "compiler/policy/pool.c compiler/plan/plan.c",
	 "unit/policy netns/live netns/apply"},
	{CONFIG_NETWORK, "IPv6Pool", "msb-netc, which gives out the addresses",
	 "compiler/policy/pool.c compiler/plan/plan.c", "netns/apply"},
	{CONFIG_NETWORK, "MaxConnections", "the gateway's ruleset",
	 "compiler/plan/sandbox_carry.c",
	 "unit/plan netns/packets netns/apply netns/ports netns/tls"},
	{CONFIG_NETWORK, "OnSecretViolation",
	 "msb-tlsd, msb-supervised and run",
	 "helpers/tls/violation.c helpers/supervisor/terminate.c "
	 "compiler/cli/run_watch.c",
	 "unit/tls_judge netns/tls_secrets netns/secrets_live "
	 "netns/secrets_end"},
	{CONFIG_NETWORK, "TrustHostCAs", "msb-netc, in the guest's files",
	 "compiler/live/guest_certs.c compiler/emit/guest_trust.c "
	 "compiler/emit/install.sh",
	 "netns/guest netns/guest_tls guest/install"},
	{CONFIG_NETWORK, "Secrets", "msb-tlsd, and the gateway's ruleset",
	 "helpers/tls/vault.c helpers/tls/gated.c helpers/tls/plain.c "
	 "helpers/tls/judge.c compiler/plan/tls.c",
	 "unit/tls_judge unit/pins flow/random netns/packets "
	 "netns/tls_secrets netns/tls_values netns/secrets_live "
	 "netns/secrets netns/secrets_run"},
	{CONFIG_NETWORK, "RateLimiter", "the gateway's ruleset", LIMIT,
	 "unit/plan netns/packets netns/apply"},

	{CONFIG_RULE, "Action", "the gateway's ruleset", WALK, WALK_TESTS},
	{CONFIG_RULE, "Direction", "the gateway's ruleset",
	 "compiler/policy/policy.c " WALK,
	 "flow/cases flow/random netns/packets"},
	{CONFIG_RULE, "Destination",
	 "the gateway's ruleset; a name: msb-dnsd and msb-tlsd too",
	 "compiler/policy/config_dest.c compiler/policy/space.c "
	 "compiler/plan/walk_names.c helpers/tls/judge.c "
	 "helpers/dns/dnsd_pins.c",
	 "flow/random netns/packets netns/dns_live netns/tls unit/tls_judge"},
	{CONFIG_RULE, "Protocol", "the gateway's ruleset", WALK, WALK_TESTS},
	{CONFIG_RULE, "Protocols", "the gateway's ruleset", WALK, WALK_TESTS},
	{CONFIG_RULE, "Port", "the gateway's ruleset", WALK, WALK_TESTS},
	{CONFIG_RULE, "Ports", "the gateway's ruleset", WALK, WALK_TESTS},

	{CONFIG_DNS, "RebindProtection", "msb-dnsd", "helpers/dns/rebind.c",
	 "unit/rebind unit/policy netns/apply"},
	{CONFIG_DNS, "Nameservers", "msb-dnsd, or NAT in the ruleset",
	 "helpers/dns/server.c helpers/dns/tries.c "
	 "compiler/plan/sandbox_dns.c",
	 "replay/dns-upstream netns/dns_live netns/packets"},
	{CONFIG_DNS, "QueryTimeoutMs", "msb-dnsd", "helpers/dns/tries.c",
	 "replay/dns-upstream"},

	{CONFIG_TLS, "CACert", "msb-netc and msb-tlsd's signer",
	 "compiler/live/ca.c helpers/tls/authority.c helpers/tls/sign.c",
	 "tls/ca netns/guest_tls"},
	{CONFIG_TLS, "CAKey", "msb-netc and msb-tlsd's signer",
	 "compiler/live/ca.c helpers/tls/authority.c helpers/tls/sign.c",
	 "tls/ca netns/guest_tls"},
	{CONFIG_TLS, "Bypass", "msb-tlsd", "helpers/tls/judge.c",
	 "unit/tls_judge netns/tls_intercept"},
	{CONFIG_TLS, "VerifyUpstream", "msb-tlsd",
	 "helpers/tls/upstream.c helpers/tls/trust.c",
	 "tls/intercept netns/tls_intercept"},
	{CONFIG_TLS, "InterceptedPorts", "the gateway's ruleset and msb-tlsd",
	 "compiler/plan/tls.c helpers/tls/judge.c",
	 "unit/pins unit/tls_judge flow/random netns/packets"},
	{CONFIG_TLS, "BlockQUIC", "the gateway's ruleset",
	 "compiler/plan/sandbox_always.c compiler/policy/always.c",
	 "flow/cases flow/random netns/packets"},
	{CONFIG_TLS, "UpstreamCACerts", "msb-tlsd",
	 "compiler/live/helpers.c helpers/tls/trust.c helpers/tls/path.c",
	 "netns/tls_intercept netns/guest_tls tls/revoked"},

	{CONFIG_PORT_BINDING, "Bind", "the host's table and msb-relayd", BIND,
	 "flow/random netns/packets netns/ports"},
	{CONFIG_PORT_BINDING, "HostPort", "the host's table and msb-relayd",
	 BIND, "flow/random netns/packets netns/ports"},
	{CONFIG_PORT_BINDING, "GuestPort",
	 "the host's table, the gateway's ruleset and msb-relayd",
	 BIND " compiler/plan/sandbox_always.c",
	 "flow/random netns/packets netns/ports"},
	{CONFIG_PORT_BINDING, "Protocol", "the host's table and msb-relayd",
	 BIND, "flow/random netns/packets netns/ports"},

	{CONFIG_RATE_LIMITER, "Egress", "the gateway's ruleset", LIMIT,
	 "netns/packets netns/apply"},
	{CONFIG_RATE_LIMITER, "Ingress", "the gateway's ruleset", LIMIT,
	 "netns/packets"},
	{CONFIG_RATE_LIMIT, "Bandwidth", "the gateway's ruleset", LIMIT,
	 "unit/plan netns/packets"},
	{CONFIG_RATE_LIMIT, "Ops", "the gateway's ruleset", LIMIT,
	 "unit/plan netns/packets"},
	{CONFIG_TOKEN_BUCKET, "Size", "the gateway's ruleset", LIMIT,
	 "unit/plan netns/packets"},
	{CONFIG_TOKEN_BUCKET, "RefillTime", "the gateway's ruleset", LIMIT,
	 "unit/plan netns/packets"},
	{CONFIG_TOKEN_BUCKET, "OneTimeBurst", "the gateway's ruleset", LIMIT,
	 "netns/packets"},

	{CONFIG_SECRET, "Name", "msb-netc, in the guest's files and for run",
	 "compiler/emit/guest.c compiler/cli/run_guest.c",
	 "golden/compile unit/tls_conf guest/install netns/secrets_run"},
	{CONFIG_SECRET, "ValueFile", "msb-netc and msb-supervised",
	 "compiler/live/secret_values.c helpers/supervisor/rotate.c",
	 "unit/values netns/secrets_live netns/secrets_life "
	 "netns/secrets_kept golden/run"},
	{CONFIG_SECRET, "ValueEnv", "msb-netc and msb-supervised",
	 "compiler/live/secret_values.c compiler/cli/cmd_run.c",
	 "unit/values netns/secrets_live netns/secrets_life netns/secrets_run"},
	{CONFIG_SECRET, "Inject", "msb-tlsd",
	 "helpers/tls/inject.c helpers/tls/basic.c helpers/tls/request1.c",
	 "unit/tls_conf tls/gate netns/tls_values netns/secrets"},
	{CONFIG_SECRET, "Placeholder", "msb-tlsd, and the guest's files",
	 "helpers/tls/finder.c helpers/tls/inject.c compiler/emit/guest.c",
	 "unit/finder unit/secret unit/tls_conf golden/compile "
	 "netns/tls_secrets netns/secrets"},
	{CONFIG_SECRET, "AllowedHosts", "msb-tlsd",
	 "helpers/tls/secret.c helpers/tls/gate.c",
	 "unit/secret unit/tls_conf tls/gate netns/tls_values "
	 "netns/tls_secrets netns/secrets"},
	{CONFIG_SECRET, "OnViolation", "msb-tlsd, msb-supervised and run",
	 "helpers/tls/violation.c helpers/supervisor/terminate.c "
	 "compiler/cli/run_watch.c",
	 "unit/tls_judge netns/tls_secrets netns/tls_values "
	 "netns/secrets_end"},
};

static bool is_of(const struct place *p, enum config_object object,
		  const struct field *f)
{
	return p->object == object && strcmp(p->field, f->name) == 0;
}

static size_t rows_of(enum config_object object, const struct field *f)
{
	size_t n = 0;

	for (size_t i = 0; i < COUNT(places); i++)
		n += is_of(&places[i], object, f);
	return n;
}

bool field_places_complete(void)
{
	size_t n_fields = 0;
	bool good = true;

	for (int i = 0; i < CONFIG_OBJECT_COUNT; i++) {
		const struct field_object *o = &config_objects[i];

		n_fields += o->n;
		for (size_t j = 0; j < o->n; j++) {
			const size_t n =
				rows_of((enum config_object)i, &o->fields[j]);

			if (n == 1)
				continue;
			fprintf(stderr,
				"field_places.c: %zu rows for %s of %s\n", n,
				o->fields[j].name, o->name);
			good = false;
		}
	}
	if (n_fields == COUNT(places))
		return good;
	fprintf(stderr, "field_places.c: %zu rows for %zu fields\n",
		COUNT(places), n_fields);
	return false;
}

static void put_name(struct str *out, const struct place *p)
{
	if (p->object != CONFIG_NETWORK)
		str_printf(out, "%s.", config_objects[p->object].name);
	str_puts(out, p->field);
}

/* Words that mdoc puts commas between. */
static void put_words(struct str *out, const char *macro, const char *words)
{
	str_printf(out, ".%s ", macro);
	for (; *words; words++)
		if (*words == ' ')
			str_puts(out, " , ");
		else
			str_putc(out, *words);
	str_puts(out, " .\n");
}

void field_places_manual(struct str *out)
{
	str_puts(out, ".Bl -tag -width Ds\n");
	for (size_t i = 0; i < COUNT(places); i++) {
		str_puts(out, ".It Cm ");
		put_name(out, &places[i]);
		str_printf(out, "\nBy %s:\n", places[i].by);
		put_words(out, "Pa", places[i].files);
		str_puts(out, "Shown by\n");
		put_words(out, "Li", places[i].tests);
	}
	str_puts(out, ".El\n");
}

void field_places_list(struct str *out)
{
	for (size_t i = 0; i < COUNT(places); i++) {
		put_name(out, &places[i]);
		str_printf(out, "\t%s\t%s\n", places[i].files, places[i].tests);
	}
}

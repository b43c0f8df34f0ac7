/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dns_json.c - The file that msb-dnsd reads. */
#include "dns_json.h"

#include "walk_json.h"

/*
 * Of the whole egress walk an address rule is asked about resolvers, and about
 * local addresses in answers.
 */

static void put_nameservers(struct str *s, const struct config_dns *dns)
{
	char text[IP_TEXT_MAX];
	size_t i;

	str_puts(s, "\t\"Nameservers\": [");
	for (i = 0; i < dns->n_nameservers; i++) {
		const struct config_nameserver *ns = &dns->nameservers[i];
		const bool six = !ns->host && ns->ip.family == IP_V6;

		str_printf(s, "%s\"%s%s%s:%u\"", i ? ", " : "", six ? "[" : "",
			   ns->host ? ns->host : ip_format(ns->ip, text),
			   six ? "]" : "", ns->port);
	}
	str_puts(s, "],\n");
}

static bool any_names(const struct policy *p)
{
	enum policy_direction dir;
	size_t i;

	for (dir = POLICY_EGRESS; dir < POLICY_DIRECTIONS; dir++)
		for (i = 0; i < p->walk[dir].n; i++)
			if (policy_is_name(&p->walk[dir].rules[i].dest))
				return true;
	return false;
}

static bool any_quic_blocked(const struct policy *p)
{
	const struct config_tls *tls = &p->config->tls;

	return tls->present && tls->block_quic != CONFIG_FALSE &&
	       (!tls->has_ports || tls->n_ports);
}

void dns_json(struct str *s, const struct plan *p)
{
	const struct policy *policy = p->policy;
	const struct config *config = policy->config;

	walk_json_begin(s, p, DNS_JSON_VERSION);
	walk_json_bool(s, "RebindProtection", policy_rebind_protection(config));
	put_nameservers(s, &config->dns);
	if (config->dns.query_timeout_ms)
		str_printf(s, "\t\"QueryTimeoutMs\": %u,\n",
			   config->dns.query_timeout_ms);
	walk_json_bool(s, "StripECH", any_names(policy) || config->tls.present);
	walk_json_bool(s, "StripH3", any_quic_blocked(policy));
	walk_json_end(s, p);
}

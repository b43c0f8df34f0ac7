/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls_json.c - The file that msb-tlsd reads. */
#include "tls_json.h"

#include <string.h>

#include "tables.h"
#include "walk_json.h"

#define HTTPS 443u

bool tls_json_intercepts(const struct config_tls *tls)
{
	return tls->present && (!tls->has_ports || tls->n_ports);
}

static void put_bypass(struct str *s, const struct config_tls *tls)
{
	char text[DNAME_TEXT_MAX];
	size_t i;

	str_puts(s, "\t\t\"Bypass\": [");
	for (i = 0; i < tls->n_bypass; i++)
		str_printf(s, "%s\"%s%s\"", i ? ", " : "",
			   tls->bypass[i].wildcard ? "*." : "",
			   dname_format(tls->bypass[i].name, text));
	str_puts(s, "],\n");
}

static void put_intercept(struct str *s, const struct config_tls *tls)
{
	size_t i;

	str_puts(s, "\t\"Intercept\": {\n");
	put_bypass(s, tls);
	str_printf(s, "\t\t\"VerifyUpstream\": %s,\n\t\t\"Ports\": [",
		   tls->verify_upstream == CONFIG_FALSE ? "false" : "true");
	if (!tls->has_ports)
		str_printf(s, "%u", HTTPS);
	for (i = 0; i < tls->n_ports; i++)
		str_printf(s, "%s%u", i ? ", " : "", tls->ports[i]);
	str_puts(s, "]\n\t},\n");
}

void tls_json(struct str *s, const struct plan *p)
{
	static const char *const dns[] = {
		[POLICY_DNS_NONE] = "none",
		[POLICY_DNS_NAT] = "nat",
		[POLICY_DNS_HELPER] = "helper",
	};
	const struct config_tls *tls = &p->policy->config->tls;

	walk_json_begin(s, p, TLS_JSON_VERSION);
	str_printf(s, "\t\"DNS\": \"%s\",\n\t\"Port\": %u,\n",
		   dns[p->policy->dns], TABLE_TLS_PORT);
	if (tls_json_intercepts(tls))
		put_intercept(s, tls);
	walk_json_end(s, p);
}

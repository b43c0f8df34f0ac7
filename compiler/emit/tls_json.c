/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls_json.c - The file that msb-tlsd reads. */
#include "tls_json.h"

#include <string.h>

#include "config_table.h"
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

static void put_inject(struct str *s, unsigned int inject)
{
	const struct field_word *w;
	const char *before = "";

	str_puts(s, "\"Inject\": [");
	for (w = config_inject_words; w->word; w++) {
		if (!(inject & w->value))
			continue;
		str_printf(s, "%s\"%s\"", before, w->word);
		before = ", ";
	}
	str_puts(s, "], ");
}

static void put_text(struct str *s, const char *key, const char *text)
{
	str_printf(s, "\"%s\": ", key);
	str_json(s, text, strlen(text));
	str_puts(s, ", ");
}

static void put_secret(struct str *s, const struct config *c,
		       const struct config_secret *secret)
{
	char text[DNAME_TEXT_MAX];
	size_t i;

	str_putc(s, '{');
	put_text(s, "Name", secret->name);
	if (secret->value_file)
		put_text(s, "ValueFile", secret->value_file);
	else
		put_text(s, "ValueEnv", secret->value_env);
	put_text(s, "Placeholder", secret->placeholder);
	str_puts(s, "\"AllowedHosts\": [");
	for (i = 0; i < secret->n_allowed_hosts; i++)
		str_printf(s, "%s\"%s%s\"", i ? ", " : "",
			   secret->allowed_hosts[i].wildcard ? "*." : "",
			   dname_format(secret->allowed_hosts[i].name, text));
	str_puts(s, "], ");
	put_inject(s, secret->inject);
	str_printf(s, "\"OnViolation\": \"%s\"}",
		   config_violation_word(config_on_violation(c, secret)));
}

static void put_secrets(struct str *s, const struct config *c)
{
	size_t i;

	str_puts(s, "\t\"Secrets\": [");
	for (i = 0; i < c->n_secrets; i++) {
		str_puts(s, i ? ",\n\t\t" : "\n\t\t");
		put_secret(s, c, &c->secrets[i]);
	}
	str_puts(s, "\n\t],\n");
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
	if (p->policy->config->n_secrets)
		put_secrets(s, p->policy->config);
	if (tls_json_intercepts(tls))
		put_intercept(s, tls);
	walk_json_end(s, p);
}

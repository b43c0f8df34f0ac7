/* SPDX-License-Identifier: GPL-2.0-or-later */
/* enforced.c - Which fields this version understands but does not enforce. */
#include "enforced.h"

static void not_enforced(struct diags *d, enum diag_level level,
			 const char *pointer, const char *needs)
{
	diag_add(d, level, DIAG_NOT_ENFORCED, DIAG_AT_KEY, pointer, NULL,
		 "not enforced by this version: it needs %s", needs);
}

static bool dest_is_name(const struct config_dest *dest)
{
	return dest->kind == CONFIG_DEST_NAME ||
	       dest->kind == CONFIG_DEST_SUFFIX;
}

/*
 * A rule about a name is enforced only where leaving it out changes nothing:
 * where the rest of its walk ends in the rule's own action, whatever comes.
 */
static void enforced_walk(struct diags *d, enum diag_level level,
			  const struct policy_walk *w)
{
	bool allow_ahead = w->default_allow, deny_ahead = !w->default_allow;
	const char *said = NULL;
	size_t i;

	for (i = w->n; i-- > 0;) {
		const struct policy_rule *r = &w->rules[i];

		if (dest_is_name(&r->dest) &&
		    (r->allow ? deny_ahead : allow_ahead)) {
			const char *pointer = r->pointer;

			/* One message for a list of a hundred thousand. */
			if (pointer[1] == 'D')
				pointer = r->dest.apex ? "/DenyDomainSuffixes"
						       : "/DenyDomains";
			if (pointer != said)
				not_enforced(d, level, pointer,
					     "msb-dnsd and msb-tlsd");
			said = pointer;
		}
		allow_ahead |= r->allow;
		deny_ahead |= !r->allow;
	}
}

void enforced_check(struct diags *d, const struct policy *p,
		    enum diag_level level)
{
	const struct config *c = p->config;

	enforced_walk(d, level, &p->walk[POLICY_EGRESS]);
	enforced_walk(d, level, &p->walk[POLICY_INGRESS]);
	if (c->dns.query_timeout_ms && p->dns != POLICY_DNS_NONE)
		not_enforced(d, level, "/DNS/QueryTimeoutMs", "msb-dnsd");
	if (c->tls.present)
		not_enforced(d, level, "/TLS", "msb-tlsd");
	if (c->on_secret_violation)
		not_enforced(d, level, "/OnSecretViolation", "msb-tlsd");
	if (c->trust_host_cas == CONFIG_TRUE)
		not_enforced(d, level, "/TrustHostCAs",
			     "guest certificate files");
	if (c->n_secrets)
		not_enforced(d, level, "/Secrets", "msb-tlsd");
}

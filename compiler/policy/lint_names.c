/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lint_names.c - Names that never resolve, and suffixes that are too wide. */
#include <string.h>

#include "eval.h"
#include "lint_parts.h"

/* Top-level domains that the DNS of the internet does not have and never will:
 * RFC 6761 §6.3, §6.4, RFC 6762 §3, RFC 7686, RFC 9476. Not example and test,
 * which private name servers may well have. */
static const char *const special[] = {"alt", "invalid", "local", "localhost",
				      "onion"};

static const char *last_label(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? dot + 1 : name;
}

static void never_resolves(struct lint *l, const struct policy_rule *r)
{
	char name[DNAME_TEXT_MAX];
	const char *tld = last_label(dname_format(r->dest.name, name));
	size_t i;

	for (i = 0; r->allow && i < sizeof(special) / sizeof(special[0]); i++)
		if (strcmp(tld, special[i]) == 0)
			lint_add(l, DIAG_WARNING, DIAG_LINT_NEVER_RESOLVES,
				 r->pointer, NULL,
				 "no name server knows names under \".%s\", so "
				 "no address is ever allowed for %s",
				 tld, name);
}

static void wide(struct lint *l, enum diag_level level, const char *pointer,
		 struct dname name, const char *what)
{
	char text[DNAME_TEXT_MAX];

	if (lint_suffix_is_public(dname_format(name, text)))
		lint_add(l, level, DIAG_LINT_PUBLIC_SUFFIX, pointer,
			 level == DIAG_NOTE ? NULL
					    : "name what is below it and yours",
			 "\"%s\" is a public suffix: anybody can register a "
			 "name that this %s",
			 text, what);
}

static void wide_patterns(struct lint *l, const struct config_pattern *v,
			  size_t n, const char *list, const char *what)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (v[i].wildcard)
			wide(l, DIAG_WARNING,
			     arena_printf(l->a, "%s/%zu", list, i), v[i].name,
			     what);
}

/* A query that a rule about names is asked about; one of those below a suffix
 * that no other rule is likely to name. */
static struct flow probe(struct lint *l, const struct policy_rule *r, bool tcp)
{
	static const uint8_t label[] = "\012msb-linted";
	const size_t len = sizeof(label) - 1;
	struct flow f = {.kind = FLOW_DNS, .proto = tcp ? 6 : 17};
	uint8_t *wire;

	f.qname = r->dest.name;
	if (r->dest.kind == CONFIG_DEST_NAME ||
	    r->dest.name.len + len > DNAME_WIRE_MAX)
		return f;
	wire = arena_array(l->a, len + r->dest.name.len, uint8_t);
	memcpy(wire, label, len);
	memcpy(wire + len, r->dest.name.wire, r->dest.name.len);
	f.qname = (struct dname){wire, (uint8_t)(len + r->dest.name.len)};
	return f;
}

static void dns_hidden(struct lint *l, const struct policy_rule *r)
{
	ARENA(a);
	struct verdict v[2];
	struct flow f;
	size_t i;

	for (i = 0; i < 2; i++) {
		f = probe(l, r, i == 1);
		v[i] = eval(&a, l->p, &f);
		if (v[i].allow == r->allow)
			return;
	}
	lint_add(l, DIAG_WARNING, DIAG_LINT_DNS_HIDDEN, r->pointer,
		 arena_printf(&a, "move it before %s", v[0].pointer),
		 r->allow ? "queries for the name are denied by %s, so no "
			    "address is ever allowed for it"
			  : "queries for the name are allowed by %s: the name "
			    "resolves, and only its flows are denied",
		 v[0].pointer);
}

void lint_names(struct lint *l)
{
	const struct policy_walk *w = &l->p->walk[POLICY_EGRESS];
	const struct config *c = l->p->config;
	bool told = false, other = false;
	size_t i, n = 0;

	for (i = 0; i < w->n; i++) {
		const struct policy_rule *r = &w->rules[i];

		other |= !lint_is_name(r) || r->allow;
		if (!lint_is_name(r))
			continue;
		never_resolves(l, r);
		if (r->dest.kind == CONFIG_DEST_SUFFIX)
			wide(l, r->allow ? DIAG_WARNING : DIAG_NOTE, r->pointer,
			     r->dest.name, r->allow ? "allows" : "denies");
		if (l->p->dns == POLICY_DNS_NONE && !told) {
			lint_add(l, DIAG_WARNING, DIAG_LINT_DNS_DENIED,
				 r->pointer,
				 "allow Destination \"host\", Port 53",
				 "no query is allowed, so no address is ever "
				 "known by a name");
			told = true;
		}
		/* Where only names are denied before it, nothing hides it. */
		if (l->p->dns == POLICY_DNS_NONE || !other || l->never[i])
			continue;
		if (++n <= LINT_MAX_ITEMS)
			dns_hidden(l, r);
		else if (n == LINT_MAX_ITEMS + 1)
			lint_bound(l, r->pointer,
				   "no rule is asked whether queries for its "
				   "name are decided before it");
	}
	wide_patterns(l, c->tls.bypass, c->tls.n_bypass, "/TLS/Bypass",
		      "exempts from interception");
	for (i = 0; i < c->n_secrets; i++)
		wide_patterns(
			l, c->secrets[i].allowed_hosts,
			c->secrets[i].n_allowed_hosts,
			arena_printf(l->a, "/Secrets/%zu/AllowedHosts", i),
			"gives the secret to");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* settings.c - What a document says besides its walks, as text. */
#include "settings.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "config_table.h"
#include "str.h"

/** struct texts - Texts that have no order of their own */
struct texts {
	struct arena *a;
	const char **v;
	size_t n;
	size_t cap;
};

static int by_text(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static void texts_add(struct texts *t, const char *text)
{
	t->v = arena_grow(t->a, t->v, t->n, &t->cap, sizeof(*t->v));
	t->v[t->n++] = text;
}

/* The texts in order, each once, with a comma between. */
static void texts_join(const struct texts *t, struct str *s)
{
	size_t i;

	if (t->n)
		qsort(t->v, t->n, sizeof(*t->v), by_text);
	for (i = 0; i < t->n; i++)
		if (!i || strcmp(t->v[i], t->v[i - 1]) != 0)
			str_printf(s, "%s%s", i ? ", " : "", t->v[i]);
	if (!t->n)
		str_puts(s, "none");
}

static void put_bool(struct str *s, bool value)
{
	str_puts(s, value ? "true" : "false");
}

static void put_patterns(struct arena *a, struct str *s,
			 const struct config_pattern *v, size_t n)
{
	struct texts t = {.a = a};
	char name[DNAME_TEXT_MAX];
	size_t i;

	for (i = 0; i < n; i++)
		texts_add(&t, arena_printf(a, "%s%s", v[i].wildcard ? "*." : "",
					   dname_format(v[i].name, name)));
	texts_join(&t, s);
}

static void put_rebind(struct arena *a, struct str *s, const struct policy *p)
{
	(void)a;
	put_bool(s, policy_rebind_protection(p->config));
}

static void put_nameservers(struct arena *a, struct str *s,
			    const struct policy *p)
{
	const struct config_dns *dns = &p->config->dns;
	char ip[IP_TEXT_MAX];
	size_t i;

	(void)a;
	/* They are asked in order. */
	for (i = 0; i < dns->n_nameservers; i++) {
		const struct config_nameserver *ns = &dns->nameservers[i];

		str_printf(s, "%s%s port %u", i ? ", " : "",
			   ns->host ? ns->host : ip_format(ns->ip, ip),
			   ns->port);
	}
	if (!dns->n_nameservers)
		str_puts(s, "the host's");
}

static void put_timeout(struct arena *a, struct str *s, const struct policy *p)
{
	const uint32_t ms = p->config->dns.query_timeout_ms;

	(void)a;
	str_printf(s, "%" PRIu32, ms ? ms : 5000);
}

static void put_tls(struct arena *a, struct str *s, const struct policy *p)
{
	(void)a;
	str_puts(s, p->config->tls.present ? "intercepted" : "not intercepted");
}

static void put_bypass(struct arena *a, struct str *s, const struct policy *p)
{
	put_patterns(a, s, p->config->tls.bypass, p->config->tls.n_bypass);
}

static void put_verify(struct arena *a, struct str *s, const struct policy *p)
{
	(void)a;
	put_bool(s, p->config->tls.verify_upstream != CONFIG_FALSE);
}

static void put_intercepted(struct arena *a, struct str *s,
			    const struct policy *p)
{
	const struct config_tls *tls = &p->config->tls;
	struct texts t = {.a = a};
	size_t i;

	if (tls->present && !tls->has_ports)
		texts_add(&t, "443");
	for (i = 0; i < tls->n_ports; i++)
		texts_add(&t, arena_printf(a, "%u", tls->ports[i]));
	texts_join(&t, s);
}

static void put_quic(struct arena *a, struct str *s, const struct policy *p)
{
	(void)a;
	put_bool(s, p->config->tls.present &&
			    p->config->tls.block_quic != CONFIG_FALSE);
}

static void put_ca(struct arena *a, struct str *s, const struct policy *p)
{
	const struct config_tls *tls = &p->config->tls;

	(void)a;
	if (tls->ca_cert)
		str_printf(s, "%s, %s", tls->ca_cert, tls->ca_key);
	else
		str_puts(s, "generated");
}

static void put_upstream_cas(struct arena *a, struct str *s,
			     const struct policy *p)
{
	const struct config_tls *tls = &p->config->tls;
	struct texts t = {.a = a};
	size_t i;

	for (i = 0; i < tls->n_upstream_ca_certs; i++)
		texts_add(&t, tls->upstream_ca_certs[i]);
	texts_join(&t, s);
}

static void put_bindings(struct arena *a, struct str *s, const struct policy *p)
{
	struct texts t = {.a = a};
	char ip[IP_TEXT_MAX];
	size_t i;

	for (i = 0; i < p->config->n_bindings; i++) {
		const struct config_binding *b = &p->config->bindings[i];

		texts_add(&t,
			  arena_printf(a, "%s %s port %u to %u",
				       b->proto == CONFIG_TCP ? "tcp" : "udp",
				       ip_format(b->bind, ip), b->host_port,
				       b->guest_port));
	}
	texts_join(&t, s);
}

static void put_pool4(struct arena *a, struct str *s, const struct policy *p)
{
	char range[IP_TEXT_MAX];

	(void)a;
	str_puts(s, ip_range_format(p->config->pool4, range));
}

static void put_pool6(struct arena *a, struct str *s, const struct policy *p)
{
	char range[IP_TEXT_MAX];

	(void)a;
	str_puts(s, ip_range_format(p->config->pool6, range));
}

static void put_max(struct arena *a, struct str *s, const struct policy *p)
{
	(void)a;
	if (p->config->has_max_connections)
		str_printf(s, "%" PRIu32, p->config->max_connections);
	else
		str_puts(s, "no limit");
}

static void put_violation(struct arena *a, struct str *s,
			  const struct policy *p)
{
	(void)a;
	str_puts(s,
		 config_violation_word(config_on_violation(p->config, NULL)));
}

static void put_trust(struct arena *a, struct str *s, const struct policy *p)
{
	(void)a;
	put_bool(s, p->config->trust_host_cas == CONFIG_TRUE);
}

static void put_inject(struct str *s, unsigned int inject)
{
	const struct field_word *w;
	const char *before = " in ";

	if (!inject)
		str_puts(s, " in nothing");
	for (w = config_inject_words; w->word; w++) {
		if (!(inject & w->value))
			continue;
		str_printf(s, "%s%s", before, w->word);
		before = "+";
	}
}

static void put_secrets(struct arena *a, struct str *s, const struct policy *p)
{
	struct texts t = {.a = a};
	size_t i;

	for (i = 0; i < p->config->n_secrets; i++) {
		const struct config_secret *x = &p->config->secrets[i];
		STR(one);

		str_printf(&one, "%s from %s %s as %s to (", x->name,
			   x->value_file ? "file" : "variable",
			   x->value_file ? x->value_file : x->value_env,
			   x->placeholder);
		put_patterns(a, &one, x->allowed_hosts, x->n_allowed_hosts);
		str_puts(&one, ")");
		put_inject(&one, x->inject);
		str_printf(&one, ", else %s",
			   config_violation_word(
				   config_on_violation(p->config, x)));
		texts_add(&t, arena_strdup(a, str_text(&one)));
	}
	texts_join(&t, s);
}

static void put_rate(struct str *s, const struct config_rate *r)
{
	const struct config_bucket *bucket[2] = {&r->bandwidth, &r->ops};
	static const char *const units[2] = {"bytes", "packets"};
	const char *before = "";
	size_t i;

	for (i = 0; i < 2; i++) {
		if (!bucket[i]->present)
			continue;
		str_printf(s,
			   "%s%" PRIu64 " %s in %" PRIu64 " ns, %" PRIu64
			   " once",
			   before, bucket[i]->size, units[i],
			   bucket[i]->refill_ns, bucket[i]->one_time_burst);
		before = "; ";
	}
	if (!*before)
		str_puts(s, "no limit");
}

static void put_rate_out(struct arena *a, struct str *s, const struct policy *p)
{
	(void)a;
	put_rate(s, &p->config->rate_egress);
}

static void put_rate_in(struct arena *a, struct str *s, const struct policy *p)
{
	(void)a;
	put_rate(s, &p->config->rate_ingress);
}

static const struct {
	const char *pointer;
	void (*put)(struct arena *a, struct str *s, const struct policy *p);
} rows[] = {
	{"/DNS/RebindProtection", put_rebind},
	{"/DNS/Nameservers", put_nameservers},
	{"/DNS/QueryTimeoutMs", put_timeout},
	{"/TLS", put_tls},
	{"/TLS/Bypass", put_bypass},
	{"/TLS/VerifyUpstream", put_verify},
	{"/TLS/InterceptedPorts", put_intercepted},
	{"/TLS/BlockQUIC", put_quic},
	{"/TLS/CACert", put_ca},
	{"/TLS/UpstreamCACerts", put_upstream_cas},
	{"/PortBindings", put_bindings},
	{"/IPv4Pool", put_pool4},
	{"/IPv6Pool", put_pool6},
	{"/MaxConnections", put_max},
	{"/OnSecretViolation", put_violation},
	{"/TrustHostCAs", put_trust},
	{"/Secrets", put_secrets},
	{"/RateLimiter/Egress", put_rate_out},
	{"/RateLimiter/Ingress", put_rate_in},
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

const struct setting *settings_list(struct arena *a, const struct policy *p,
				    size_t *ret_n)
{
	struct setting *v = arena_array(a, N_ROWS, struct setting);
	size_t i;

	for (i = 0; i < N_ROWS; i++) {
		STR(value);

		rows[i].put(a, &value, p);
		v[i].pointer = rows[i].pointer;
		v[i].value = arena_strdup(a, str_text(&value));
	}
	*ret_n = N_ROWS;
	return v;
}

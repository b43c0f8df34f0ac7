/* SPDX-License-Identifier: GPL-2.0-or-later */
/* asked.c - Random documents, and what msb-dnsd makes of queries under them. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "dns_conf.h"
#include "document.h"
#include "eval.h"
#include "flow.h"
#include "generate.h"

/*
 * The helper is told of the walk in the language of the document, and reads it
 * with the compiler's own reader: whatever a document may say must come back
 * as what it was.
 */

#define DOCUMENTS 400u
#define QUERIES	  100u

/* Resolvers of every kind; the gateway is the one that is not here. */
static const char *const resolvers[] = {
	"198.51.100.7", "203.0.113.9",	   "10.0.0.1", "169.254.169.254",
	"169.254.62.1", "127.0.0.1",	   "::1",      "fe80::1",
	"2001:db8::7",	"255.255.255.255", "fd00::1",  "0.0.0.0",
};

static struct flow any_query(struct arena *a, struct generator *g,
			     const struct policy *p)
{
	static const char *const canary = "use-application-dns.net";
	struct flow f = {
		.kind = FLOW_DNS,
		.proto = generate_below(g, 2) ? IPPROTO_TCP : IPPROTO_UDP,
		.ip = generate_below(g, 2) ? p->slot.gw4 : p->slot.gw6,
	};
	const char *name = generate_name(g);

	if (generate_below(g, 50) == 0)
		name = canary;
	if (dname_from_config(a, name, &f.qname))
		__builtin_trap();
	if (generate_below(g, 2)) {
		const size_t i = generate_below(
			g, sizeof(resolvers) / sizeof(resolvers[0]));

		if (!ip_parse(resolvers[i], &f.ip))
			__builtin_trap();
	}
	return f;
}

/* The helper's configuration as it comes from the files of a sandbox. */
static struct dns_conf *configured(struct arena *a, const struct compiled *c,
				   char reason[CONF_REASON_MAX])
{
	const struct artefact *json = compile_artefact(c, "dns.json");
	struct dns_conf *conf =
		dns_conf_decode(a, json->text, json->len, reason);
	const struct artefact *names;

	if (!conf || !conf->walk.names_file)
		return conf;
	names = compile_artefact(c, conf->walk.names_file);
	if (names_open(names->text, names->len, &conf->walk.names))
		__builtin_trap();
	return conf;
}

/* What differs between a verdict and the helper's; NULL if nothing does. */
static const char *difference(struct arena *a, const struct flow *f,
			      const struct verdict *v,
			      const struct dns_verdict *w)
{
	const char *pointer = w->pointer;

	if (w->has_index)
		pointer = arena_printf(a, "%s/%u", pointer, w->index);
	if (v->allow == w->allow && strcmp(v->pointer, pointer) == 0)
		return NULL;
	return arena_printf(a, "%s: eval %s by %s, msb-dnsd %s by %s",
			    flow_format(a, f), v->allow ? "allows" : "denies",
			    v->pointer, w->allow ? "allows" : "denies",
			    pointer);
}

/* One document; how many queries were allowed goes to @allowed. */
static const char *run(struct arena *a, struct generator *g, size_t *asked,
		       size_t *allowed)
{
	const char *text = generate_document(a, g), *why;
	char reason[CONF_REASON_MAX];
	struct dns_conf *conf;
	struct compiled c;
	unsigned int i;

	if (!document_compile(a, "asked", text, strlen(text),
			      generate_below(g, 64), "test", &c))
		return arena_printf(a, "refused: %s", text);
	if (c.policy.dns != POLICY_DNS_HELPER)
		return NULL;
	conf = configured(a, &c, reason);
	if (!conf)
		return arena_printf(a, "msb-dnsd: %s: %s", reason, text);
	for (i = 0; i < QUERIES; i++) {
		ARENA(b);
		const struct flow f = any_query(&b, g, &c.policy);
		const struct verdict v = eval(&b, &c.policy, &f);
		const struct dns_verdict w =
			dns_conf_query(conf, f.qname, f.proto, f.ip);

		why = difference(&b, &f, &v, &w);
		if (why)
			return arena_printf(a, "%s: %s", why, text);
		*allowed += v.allow;
		++*asked;
	}
	return NULL;
}

int main(void)
{
	size_t asked = 0, allowed = 0, failed = 0;
	uint64_t seed;

	for (seed = 1; seed <= DOCUMENTS; seed++) {
		ARENA(a);
		struct generator g = {.state = seed};
		const char *why = run(&a, &g, &asked, &allowed);

		if (!why)
			continue;
		printf("seed %llu: %s\n", (unsigned long long)seed, why);
		failed++;
	}
	printf("%zu queries asked, %zu allowed, %zu documents failed\n", asked,
	       allowed, failed);
	return failed || !allowed || allowed == asked;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls_conf.c - tls.json, decoded: which flows may go on, and how. */
#include "tls_conf.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_value.h"
#include "eval.h"

#define COUNT(v)	 (sizeof(v) / sizeof(*(v)))
#define AT(type, member) offsetof(struct type, member)
#define FIELDS(v)	 (v), COUNT(v)

_Static_assert(AT(tls_conf, walk) == 0, "WALK_CONF_FIELDS count from there");

static const struct field_word dns_words[] = {
	{"none", POLICY_DNS_NONE, NULL},
	{"nat", POLICY_DNS_NAT, NULL},
	{"helper", POLICY_DNS_HELPER, NULL},
	{0},
};

static const struct field intercept_fields[] = {
	{
		.name = "Bypass",
		.kind = FIELD_TEXT,
		.flags = FIELD_LIST,
		.offset = AT(config_tls, bypass),
		.count = AT(config_tls, n_bypass),
		.size = sizeof(struct config_pattern),
		.read = config_read_pattern,
		.type = "a name or \"*.NAME\" as a string",
	},
	{
		.name = "VerifyUpstream",
		.kind = FIELD_BOOL,
		.offset = AT(config_tls, verify_upstream),
	},
	{
		.name = "Ports",
		.kind = FIELD_UINT,
		.flags = FIELD_LIST | FIELD_REQUIRED,
		.offset = AT(config_tls, ports),
		.count = AT(config_tls, n_ports),
		.size = sizeof(uint16_t),
		.min = 1,
		.max = UINT16_MAX,
	},
};

static const struct field_object intercept_object = {
	"Intercept", FIELDS(intercept_fields), NULL,
	"Which flows have their TLS ended."};

/** LIMIT() - A row of Limits: a number from @least to @most */
#define LIMIT(key, member, least, most) \
	{ \
		.name = (key), .kind = FIELD_UINT, \
		.offset = AT(tls_limits, member), .size = sizeof(uint32_t), \
		.min = (least), .max = (most), \
	}

static const struct field limit_fields[] = {
	LIMIT("Connections", connections, 1, TLS_CONNECTIONS_MAX),
	LIMIT("Intercepted", intercepted, 1, TLS_CONNECTIONS_MAX),
	LIMIT("HelloMs", hello_ms, 1, TLS_TIME_MAX_MS),
	LIMIT("ConnectMs", connect_ms, 1, TLS_TIME_MAX_MS),
	LIMIT("HandshakeMs", handshake_ms, 1, TLS_TIME_MAX_MS),
	LIMIT("HelloBytes", hello_bytes, TLS_HELLO_BYTES_MIN,
	      TLS_HELLO_BYTES_MAX),
};

static const struct field_object limit_object = {"Limits", FIELDS(limit_fields),
						 NULL, "Sizes of the tables."};

static const struct field tls_fields[] = {
	WALK_CONF_FIELDS,
	{
		.name = "DNS",
		.kind = FIELD_WORD,
		.flags = FIELD_REQUIRED,
		.offset = AT(tls_conf, dns),
		.words = dns_words,
	},
	{
		.name = "Port",
		.kind = FIELD_UINT,
		.flags = FIELD_REQUIRED,
		.offset = AT(tls_conf, port),
		.size = sizeof(uint16_t),
		.min = 1,
		.max = UINT16_MAX,
	},
	{
		.name = "Secrets",
		.kind = FIELD_OBJECT,
		.flags = FIELD_LIST,
		.offset = AT(tls_conf, walk.config.secrets),
		.count = AT(tls_conf, walk.config.n_secrets),
		.size = sizeof(struct config_secret),
		.object = &config_objects[CONFIG_SECRET],
	},
	{
		.name = "Intercept",
		.kind = FIELD_OBJECT,
		.flags = FIELD_PRESENT,
		.offset = AT(tls_conf, tls),
		.present = AT(tls_conf, has_intercept),
		.object = &intercept_object,
	},
	{
		.name = "Limits",
		.kind = FIELD_OBJECT,
		.offset = AT(tls_conf, limits),
		.object = &limit_object,
	},
};

static void set_default(uint32_t *value, uint32_t initial)
{
	if (!*value)
		*value = initial;
}

static void check_tls(struct field_ctx *c, uint32_t set, void *to)
{
	struct tls_conf *t = to;

	(void)set;
	walk_conf_check(c, &t->walk);
	config_check_secrets(c, t->walk.config.secrets,
			     t->walk.config.n_secrets);
	set_default(&t->limits.connections, TLS_CONNECTIONS);
	set_default(&t->limits.intercepted, TLS_INTERCEPTED);
	set_default(&t->limits.hello_ms, TLS_HELLO_MS);
	set_default(&t->limits.connect_ms, TLS_CONNECT_MS);
	set_default(&t->limits.handshake_ms, TLS_HANDSHAKE_MS);
	set_default(&t->limits.hello_bytes, TLS_HELLO_BYTES);
}

static const struct field_object tls_object = {
	"tls.json", FIELDS(tls_fields), check_tls,
	"The configuration of msb-tlsd."};

/* --- which rule's addresses are where --- */

/** struct selector - A name or suffix, and a pair of sets that has its
 * addresses
 */
struct selector {
	const struct config_dest *dest;
	uint16_t set;
	size_t n_dests;
};

static int dest_order(const struct config_dest *a, const struct config_dest *b)
{
	const size_t len = a->name.len < b->name.len ? a->name.len
						     : b->name.len;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->name.len != b->name.len)
		return a->name.len < b->name.len ? -1 : 1;
	return memcmp(a->name.wire, b->name.wire, len);
}

/* Of those that are about the same, the one with the fewest other names is
 * first: it says the most. */
static int selector_order(const void *x, const void *y)
{
	const struct selector *a = x, *b = y;
	const int order = dest_order(a->dest, b->dest);

	if (order)
		return order;
	if (a->n_dests != b->n_dests)
		return a->n_dests < b->n_dests ? -1 : 1;
	return (int)a->set - (int)b->set;
}

static uint16_t set_of(const struct selector *v, size_t n,
		       const struct config_dest *dest)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;

		if (dest_order(v[mid].dest, dest) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && dest_order(v[lo].dest, dest) == 0 ? v[lo].set
							   : TLS_NO_SET;
}

static void find_sets(struct arena *a, struct tls_conf *c)
{
	const struct policy_walk *w = &c->walk.policy.walk[POLICY_EGRESS];
	uint16_t *of = arena_array(a, w->n, uint16_t);
	struct selector *v;
	size_t n = 0, i, j;

	for (i = 0; i < c->walk.n_pin_sets; i++)
		n += c->walk.pin_sets[i].n_dests;
	v = arena_array(a, n, struct selector);
	for (i = n = 0; i < c->walk.n_pin_sets; i++) {
		const struct walk_pin_set *s = &c->walk.pin_sets[i];

		for (j = 0; j < s->n_dests; j++)
			v[n++] = (struct selector){&s->dests[j], (uint16_t)i,
						   s->n_dests};
	}
	if (n)
		qsort(v, n, sizeof(*v), selector_order);
	for (i = 0; i < w->n; i++)
		of[i] = policy_is_name(&w->rules[i].dest)
				? set_of(v, n, &w->rules[i].dest)
				: TLS_NO_SET;
	c->rule_set = of;
}

/* --- secrets --- */

_Static_assert((int)CONFIG_IN_HEADERS == (int)SECRET_IN_HEADERS &&
		       (int)CONFIG_IN_BASIC == (int)SECRET_IN_BASIC &&
		       (int)CONFIG_IN_QUERY == (int)SECRET_IN_QUERY &&
		       (int)CONFIG_IN_BODY == (int)SECRET_IN_BODY,
	       "Inject is the same set of bits");

static const struct secret_host *
find_hosts(struct arena *a, const struct config_pattern *v, size_t n)
{
	struct secret_host *hosts = arena_array(a, n, struct secret_host);
	char text[DNAME_TEXT_MAX];

	for (size_t i = 0; i < n; i++)
		hosts[i] = (struct secret_host){
			arena_strdup(a, dname_format(v[i].name, text)),
			v[i].wildcard,
		};
	return hosts;
}

static enum secret_action action_of(enum config_violation v)
{
	switch (v) {
	case CONFIG_BLOCK:
		return SECRET_BLOCK;
	case CONFIG_BLOCK_AND_TERMINATE:
		return SECRET_BLOCK_AND_TERMINATE;
	case CONFIG_VIOLATION_UNSET:
	case CONFIG_BLOCK_AND_LOG:
		break;
	}
	return SECRET_BLOCK_AND_LOG;
}

static void find_secrets(struct arena *a, struct tls_conf *c)
{
	const struct config *config = &c->walk.config;
	const size_t n = config->n_secrets;
	struct secret *secrets = arena_array(a, n, struct secret);
	struct tls_value_source *sources =
		arena_array(a, n, struct tls_value_source);

	for (size_t i = 0; i < n; i++) {
		const struct config_secret *s = &config->secrets[i];

		secrets[i] = (struct secret){
			.name = s->name,
			.placeholder = (const uint8_t *)s->placeholder,
			.placeholder_len = strlen(s->placeholder),
			.hosts = find_hosts(a, s->allowed_hosts,
					    s->n_allowed_hosts),
			.n_hosts = s->n_allowed_hosts,
			.inject = s->inject,
			.action = action_of(s->on_violation),
		};
		sources[i] =
			(struct tls_value_source){s->value_file, s->value_env};
	}
	c->secrets = (struct secrets){secrets, n};
	c->sources = sources;
}

struct tls_conf *tls_conf_decode(struct arena *a, const char *text, size_t len,
				 char ret_reason[CONF_REASON_MAX])
{
	struct tls_conf *c = arena_new(a, struct tls_conf);

	if (!conf_decode(a, &tls_object, text, len, c, ret_reason))
		return NULL;
	c->tls.present = c->has_intercept;
	c->tls.has_ports = true;
	/* UDP is nothing that comes here. */
	c->tls.block_quic = CONFIG_FALSE;
	c->walk.config.tls = c->tls;
	if (!walk_conf_lower(a, &c->walk, ret_reason))
		return NULL;
	c->walk.policy.dns = c->dns;
	if (c->has_intercept) {
		c->made.verify_upstream = c->tls.verify_upstream !=
					  CONFIG_FALSE;
		c->intercept = &c->made;
	}
	find_sets(a, c);
	find_secrets(a, c);
	return c;
}

struct tls_conf *tls_conf_read(struct arena *a, int fd,
			       char ret_reason[CONF_REASON_MAX])
{
	ARENA(scratch);
	size_t len;
	const char *text = conf_read_fd(&scratch, fd, &len);

	if (text)
		return tls_conf_decode(a, text, len, ret_reason);
	snprintf(ret_reason, CONF_REASON_MAX, "cannot read tls.json: %s",
		 strerror(errno));
	return NULL;
}

static bool pinned_to_nothing(void *ctx, const struct policy_rule *r)
{
	(void)ctx;
	(void)r;
	return false;
}

bool tls_conf_host(const struct tls_conf *c, enum ip_family family,
		   uint16_t port)
{
	const struct flow f = {
		.kind = FLOW_EGRESS,
		.proto = IPPROTO_TCP,
		.ip = family == IP_V4 ? c->walk.gw4 : c->walk.gw6,
		.has_port = true,
		.port = port,
		.sni_kind = FLOW_SNI_NONE,
		.pinned = pinned_to_nothing,
	};

	return eval_decide(&c->walk.policy, &f).allow;
}

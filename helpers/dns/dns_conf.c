/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dns_conf.c - dns.json, decoded: which names, which resolvers, which pins. */
#include "dns_conf.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "config_value.h"
#include "rebind.h"

#define COUNT(v)	 (sizeof(v) / sizeof(*(v)))
#define AT(type, member) offsetof(struct type, member)
#define FIELDS(v)	 (v), COUNT(v)

#define DNS_PORT 53

static const struct field dns_fields[] = {
	WALK_CONF_FIELDS,
	{
		.name = "IPv4",
		.kind = FIELD_BOOL,
		.offset = AT(dns_conf, ipv4),
	},
	{
		.name = "IPv6",
		.kind = FIELD_BOOL,
		.offset = AT(dns_conf, ipv6),
	},
	{
		.name = "RebindProtection",
		.kind = FIELD_BOOL,
		.offset = AT(dns_conf, rebind),
	},
	{
		.name = "Nameservers",
		.kind = FIELD_TEXT,
		.flags = FIELD_LIST,
		.offset = AT(dns_conf, nameservers),
		.count = AT(dns_conf, n_nameservers),
		.size = sizeof(struct config_nameserver),
		.read = config_read_nameserver,
		.type = "a name server as a string",
	},
	{
		.name = "QueryTimeoutMs",
		.kind = FIELD_UINT,
		.offset = AT(dns_conf, timeout_ms),
		.size = sizeof(uint32_t),
		.min = 1,
		.max = UINT32_MAX,
	},
	{
		.name = "StripECH",
		.kind = FIELD_BOOL,
		.offset = AT(dns_conf, strip_ech),
	},
	{
		.name = "StripH3",
		.kind = FIELD_BOOL,
		.offset = AT(dns_conf, strip_h3),
	},
};

static void check_dns(struct field_ctx *c, uint32_t set, void *to)
{
	struct dns_conf *d = to;

	(void)set;
	walk_conf_check(c, &d->walk);
	if (!d->timeout_ms)
		d->timeout_ms = DNS_TIMEOUT_MS;
}

static const struct field_object dns_object = {
	"dns.json", FIELDS(dns_fields), check_dns,
	"The configuration of msb-dnsd."};

struct dns_conf *dns_conf_decode(struct arena *a, const char *text, size_t len,
				 char ret_reason[CONF_REASON_MAX])
{
	struct dns_conf *c = arena_new(a, struct dns_conf);

	if (!conf_decode(a, &dns_object, text, len, c, ret_reason))
		return NULL;
	if (!walk_conf_lower(a, &c->walk, ret_reason))
		return NULL;
	c->walk.policy.dns = POLICY_DNS_HELPER;
	if (c->rebind != CONFIG_FALSE)
		c->local = rebind_local(a, &c->walk.policy);
	return c;
}

/* The next word of a line; NULL at its end. The line is cut up. */
static char *word(char **line)
{
	char *start = *line + strspn(*line, " \t\r");
	char *end = start + strcspn(start, " \t\r");

	if (start == end)
		return NULL;
	*line = *end ? end + 1 : end;
	*end = '\0';
	return start;
}

void dns_servers_add(struct dns_servers *s, struct ip ip, uint16_t port)
{
	const struct address a = {ip_unmap(ip), port};

	for (size_t i = 0; i < s->n; i++)
		if (address_equal(&s->v[i], &a))
			return;
	if (s->n < DNS_SERVERS_MAX)
		s->v[s->n++] = a;
}

/** enum line_kind - Lines of resolv.conf that are of interest */
enum line_kind {
	LINE_RESOLVER, /* nameserver ADDRESS */
	LINE_FOUND,    /* msb-nameserver N ADDRESS */
	LINE_FIXED,    /* msb-fixed N */
};

/**
 * struct line - A line of resolv.conf
 * @kind:	kind
 * @n:		N
 * @ip:		ADDRESS
 */
struct line {
	enum line_kind kind;
	size_t n;
	struct ip ip;
};

static bool read_number(const char *text, size_t *ret)
{
	if (text[0] < '0' || text[0] > '9' || text[1])
		return false;
	*ret = (size_t)(text[0] - '0');
	return true;
}

static bool read_line(char *text, struct line *ret)
{
	const char *key = word(&text);
	const char *first = key ? word(&text) : NULL;
	const char *second = first ? word(&text) : NULL;

	if (!first)
		return false;
	ret->kind = LINE_RESOLVER;
	if (strcmp(key, "nameserver") == 0)
		return ip_parse(first, &ret->ip);
	ret->kind = LINE_FIXED;
	if (strcmp(key, "msb-fixed") == 0)
		return read_number(first, &ret->n);
	ret->kind = LINE_FOUND;
	return strcmp(key, "msb-nameserver") == 0 && second &&
	       read_number(first, &ret->n) && ip_parse(second, &ret->ip);
}

/* Read the next line that is of interest; false at the end of the text. */
static bool next_line(const char **text, struct line *ret)
{
	while (**text) {
		const size_t len = strcspn(*text, "\n");
		char buf[256];

		snprintf(buf, sizeof(buf), "%.*s", (int)(len < 255 ? len : 255),
			 *text);
		*text += len + ((*text)[len] == '\n');
		if (read_line(buf, ret))
			return true;
	}
	return false;
}

void dns_conf_resolvers(const char *text, struct dns_servers *ret)
{
	struct line line;

	ret->n = 0;
	while (next_line(&text, &line))
		if (line.kind == LINE_RESOLVER)
			dns_servers_add(ret, line.ip, DNS_PORT);
}

void dns_conf_found(const char *text, size_t host, struct dns_servers *ret)
{
	struct line line;

	ret->n = 0;
	while (next_line(&text, &line))
		if (line.kind == LINE_FOUND && line.n == host)
			dns_servers_add(ret, line.ip, 0);
}

bool dns_conf_fixed(const char *text, size_t host)
{
	struct line line;

	while (next_line(&text, &line))
		if (line.kind == LINE_FIXED && line.n == host)
			return true;
	return false;
}

void dns_conf_servers(const struct dns_conf *c, const char *text,
		      struct dns_servers *ret)
{
	ret->n = 0;
	if (!c->n_nameservers)
		dns_conf_resolvers(text, ret);
	for (size_t i = 0; i < c->n_nameservers; i++) {
		const struct config_nameserver *ns = &c->nameservers[i];
		struct dns_servers found;

		if (!ns->host) {
			dns_servers_add(ret, ns->ip, ns->port);
			continue;
		}
		dns_conf_found(text, i, &found);
		for (size_t k = 0; k < found.n; k++)
			dns_servers_add(ret, found.v[k].ip, ns->port);
	}
}

static bool names_deny(const struct dns_conf *c, struct dname name,
		       struct dns_verdict *ret)
{
	struct walk_denied denied;

	if (!walk_conf_denies(&c->walk, name, &denied))
		return false;
	*ret = (struct dns_verdict){
		.pointer = denied.pointer,
		.has_index = true,
		.index = denied.index,
	};
	return true;
}

struct dns_verdict dns_conf_query(const struct dns_conf *c, struct dname name,
				  uint8_t proto, struct ip resolver)
{
	const struct flow f = {
		.kind = FLOW_DNS,
		.proto = proto,
		.ip = resolver,
		.qname = name,
	};
	struct dns_verdict v;
	struct decision d;

	if (names_deny(c, name, &v))
		return v;
	d = eval_decide(&c->walk.policy, &f);
	return (struct dns_verdict){.allow = d.allow, .pointer = d.pointer};
}

struct dns_verdict dns_conf_alias(const struct dns_conf *c, struct dname name)
{
	struct dns_verdict v = {.allow = true, .pointer = ""};

	if (names_deny(c, name, &v))
		return v;
	v.allow = !eval_name_denied(&c->walk.policy, name, &v.pointer);
	return v;
}

static bool set_selects(const struct walk_pin_set *s, struct dname name,
			bool denied)
{
	struct policy_rule rule = {0};

	if (denied && s->names == CONFIG_TRUE)
		return true;
	for (size_t i = 0; i < s->n_dests; i++) {
		rule.dest = s->dests[i];
		if (eval_selects(&rule, name))
			return true;
	}
	return false;
}

size_t dns_conf_sets(const struct dns_conf *c, struct dname name,
		     uint16_t ret[DNS_SETS_OF_NAME])
{
	struct names_match m;
	bool denied = false, wanted = false;
	size_t n = 0;

	for (size_t i = 0; i < c->walk.n_pin_sets; i++)
		wanted |= c->walk.pin_sets[i].names == CONFIG_TRUE;
	if (wanted)
		denied = names_find(&c->walk.names, name, &m);
	for (size_t i = 0; i < c->walk.n_pin_sets; i++) {
		if (!set_selects(&c->walk.pin_sets[i], name, denied))
			continue;
		if (n == DNS_SETS_OF_NAME)
			return n + 1;
		ret[n++] = (uint16_t)i;
	}
	return n;
}

bool dns_conf_in_set(const struct dns_conf *c, uint16_t set, struct dname name)
{
	const struct walk_pin_set *s = &c->walk.pin_sets[set];
	struct names_match m;

	return set_selects(s, name,
			   s->names == CONFIG_TRUE &&
				   names_find(&c->walk.names, name, &m));
}

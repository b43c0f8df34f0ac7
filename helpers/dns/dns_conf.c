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

static void add_server(struct dns_servers *s, struct ip ip, uint16_t port)
{
	const struct address a = {ip_unmap(ip), port};

	for (size_t i = 0; i < s->n; i++)
		if (address_equal(&s->v[i], &a))
			return;
	if (s->n < DNS_SERVERS_MAX)
		s->v[s->n++] = a;
}

/**
 * struct line - A line of resolv.conf that has an address
 * @n:	-1 for "nameserver ADDRESS"; else N of "msb-nameserver N ADDRESS"
 * @ip:	the address
 */
struct line {
	long n;
	struct ip ip;
};

/* Read the next line that has an address; false at the end of the text. */
static bool next_line(const char **text, struct line *ret)
{
	while (**text) {
		const size_t len = strcspn(*text, "\n");
		char buf[256], *rest = buf, *key, *first, *second;

		snprintf(buf, sizeof(buf), "%.*s", (int)(len < 255 ? len : 255),
			 *text);
		*text += len + ((*text)[len] == '\n');
		key = word(&rest);
		first = key ? word(&rest) : NULL;
		if (!first)
			continue;
		ret->n = -1;
		if (strcmp(key, "nameserver") == 0 && ip_parse(first, &ret->ip))
			return true;
		second = word(&rest);
		if (strcmp(key, "msb-nameserver") != 0 || !second ||
		    first[0] < '0' || first[0] > '9' || first[1] ||
		    !ip_parse(second, &ret->ip))
			continue;
		ret->n = first[0] - '0';
		return true;
	}
	return false;
}

void dns_conf_servers(const struct dns_conf *c, const char *text,
		      struct dns_servers *ret)
{
	struct line line;
	const char *at;

	ret->n = 0;
	for (size_t i = 0; i < c->n_nameservers; i++) {
		const struct config_nameserver *ns = &c->nameservers[i];

		if (!ns->host) {
			add_server(ret, ns->ip, ns->port);
			continue;
		}
		for (at = text ? text : ""; next_line(&at, &line);)
			if (line.n == (long)i)
				add_server(ret, line.ip, ns->port);
	}
	for (at = text ? text : ""; !c->n_nameservers && next_line(&at, &line);)
		if (line.n < 0)
			add_server(ret, line.ip, DNS_PORT);
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

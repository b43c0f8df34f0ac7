/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dns_conf.c - dns.json, decoded: which names, which resolvers, which pins. */
#include "dns_conf.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "config_table.h"
#include "config_value.h"
#include "rebind.h"

#define COUNT(v)	 (sizeof(v) / sizeof(*(v)))
#define AT(type, member) offsetof(struct type, member)
#define FIELDS(v)	 (v), COUNT(v)

#define DNS_PORT 53

/* Ends in no name that a document could spell: nft's own limit. */
static bool read_set_name(struct field_ctx *c, const char *text, void *to)
{
	if (strlen(text) >= DNS_SET_NAME_MAX)
		return field_error(c, DIAG_NUMBER_RANGE, NULL,
				   "a set's name has at most %u characters",
				   DNS_SET_NAME_MAX - 1);
	return field_copy(c, text, to);
}

static bool read_selector(struct field_ctx *c, const char *text, void *to)
{
	struct config_dest *dest = to;
	ARENA(s);

	if (!config_read_dest(c, text, to))
		return false;
	if (dest->kind == CONFIG_DEST_NAME || dest->kind == CONFIG_DEST_SUFFIX)
		return true;
	return field_error(c, DIAG_DOMAIN_NAME, NULL,
			   "%s is no name and no suffix",
			   field_quote(&s, text));
}

static const struct field_word action_words[] = {
	{"allow", CONFIG_ALLOW, NULL},
	{"deny", CONFIG_DENY, NULL},
	{0},
};

static const struct field pin_set_fields[] = {
	{
		.name = "Set4",
		.kind = FIELD_TEXT,
		.flags = FIELD_REQUIRED,
		.offset = AT(dns_pin_set, set4),
		.read = read_set_name,
		.type = "a set's name as a string",
	},
	{
		.name = "Set6",
		.kind = FIELD_TEXT,
		.flags = FIELD_REQUIRED,
		.offset = AT(dns_pin_set, set6),
		.read = read_set_name,
		.type = "a set's name as a string",
	},
	{
		.name = "Destinations",
		.kind = FIELD_TEXT,
		.flags = FIELD_LIST,
		.offset = AT(dns_pin_set, dests),
		.count = AT(dns_pin_set, n_dests),
		.size = sizeof(struct config_dest),
		.read = read_selector,
		.type = "a name, or a suffix with a leading dot",
	},
	{
		.name = "Names",
		.kind = FIELD_BOOL,
		.offset = AT(dns_pin_set, names),
	},
};

static const struct field_object pin_set_object = {
	"PinSet", FIELDS(pin_set_fields), NULL, "A pair of sets of addresses."};

static const struct field dns_fields[] = {
	CONF_HEAD(struct dns_conf),
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
		.name = "Rules",
		.kind = FIELD_OBJECT,
		.flags = FIELD_LIST,
		.offset = AT(dns_conf, rules),
		.count = AT(dns_conf, n_rules),
		.size = sizeof(struct config_rule),
		.object = &config_objects[CONFIG_RULE],
	},
	{
		.name = "Pointers",
		.kind = FIELD_TEXT,
		.flags = FIELD_LIST,
		.offset = AT(dns_conf, pointers),
		.count = AT(dns_conf, n_pointers),
		.size = sizeof(const char *),
		.read = field_copy,
		.type = "a JSON pointer as a string",
	},
	{
		.name = "DefaultEgress",
		.kind = FIELD_WORD,
		.flags = FIELD_REQUIRED,
		.offset = AT(dns_conf, otherwise),
		.words = action_words,
	},
	{
		.name = "Names",
		.kind = FIELD_TEXT,
		.offset = AT(dns_conf, names_file),
		.read = field_copy,
		.type = "a file's name as a string",
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
	{
		.name = "Table",
		.kind = FIELD_TEXT,
		.offset = AT(dns_conf, table),
		.read = read_set_name,
		.type = "a table's name as a string",
	},
	{
		.name = "PinSets",
		.kind = FIELD_OBJECT,
		.flags = FIELD_LIST,
		.offset = AT(dns_conf, pin_sets),
		.count = AT(dns_conf, n_pin_sets),
		.size = sizeof(struct dns_pin_set),
		.object = &pin_set_object,
	},
};

static void check_dns(struct field_ctx *c, uint32_t set, void *to)
{
	struct dns_conf *d = to;

	(void)set;
	if (d->n_pin_sets > DNS_PIN_SETS_MAX)
		field_report(c, DIAG_ERROR, DIAG_NUMBER_RANGE, NULL,
			     "%zu pin sets are above %u", d->n_pin_sets,
			     DNS_PIN_SETS_MAX);
	if (d->n_pointers && d->n_pointers != d->n_rules)
		field_report(c, DIAG_ERROR, DIAG_NUMBER_RANGE, NULL,
			     "%zu pointers for %zu rules", d->n_pointers,
			     d->n_rules);
	if (!d->timeout_ms)
		d->timeout_ms = DNS_TIMEOUT_MS;
	if (!d->table)
		d->table = "msb";
}

static const struct field_object dns_object = {
	"dns.json", FIELDS(dns_fields), check_dns,
	"The configuration of msb-dnsd."};

/* The policy that eval_decide() is asked about: the egress walk alone. */
static bool make_policy(struct arena *a, struct dns_conf *c)
{
	struct diags d = {.arena = a, .file = "dns.json", .text = ""};
	struct config_rule *rules =
		arena_array(a, c->n_rules, struct config_rule);

	for (size_t i = 0; i < c->n_rules; i++) {
		rules[i] = c->rules[i];
		rules[i].direction = CONFIG_EGRESS;
		if (c->n_pointers)
			rules[i].pointer = c->pointers[i];
	}
	c->config = (struct config){
		.has_rules = true,
		.rules = rules,
		.n_rules = c->n_rules,
		.default_egress = c->otherwise,
		.pool4 = ip_prefix(c->gw4, 30),
		.pool6 = ip_prefix(c->gw6, 64),
	};
	if (!policy_lower(a, &d, &c->config, 0, &c->policy))
		return false;
	c->policy.slot.gw4 = c->gw4;
	c->policy.slot.gw6 = c->gw6;
	c->policy.dns = POLICY_DNS_HELPER;
	return true;
}

struct dns_conf *dns_conf_decode(struct arena *a, const char *text, size_t len,
				 char ret_reason[CONF_REASON_MAX])
{
	struct dns_conf *c = arena_new(a, struct dns_conf);

	if (!conf_decode(a, &dns_object, text, len, c, ret_reason))
		return NULL;
	if (!make_policy(a, c)) {
		snprintf(ret_reason, CONF_REASON_MAX,
			 "the rules make no policy");
		return NULL;
	}
	if (c->rebind != CONFIG_FALSE)
		c->local = rebind_local(a, &c->policy);
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
	struct names_match m;

	if (!names_find(&c->names, name, &m))
		return false;
	*ret = (struct dns_verdict){
		.pointer = m.suffix ? "/DenyDomainSuffixes" : "/DenyDomains",
		.has_index = true,
		.index = m.index,
	};
	return true;
}

bool dns_conf_is_gateway(const struct dns_conf *c, struct ip ip)
{
	return ip_equal(ip, c->gw4) || ip_equal(ip, c->gw6);
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
	d = eval_decide(&c->policy, &f);
	return (struct dns_verdict){.allow = d.allow, .pointer = d.pointer};
}

struct dns_verdict dns_conf_alias(const struct dns_conf *c, struct dname name)
{
	struct dns_verdict v = {.allow = true, .pointer = ""};

	if (names_deny(c, name, &v))
		return v;
	v.allow = !eval_name_denied(&c->policy, name, &v.pointer);
	return v;
}

static bool set_selects(const struct dns_pin_set *s, struct dname name,
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

	for (size_t i = 0; i < c->n_pin_sets; i++)
		wanted |= c->pin_sets[i].names == CONFIG_TRUE;
	if (wanted)
		denied = names_find(&c->names, name, &m);
	for (size_t i = 0; i < c->n_pin_sets; i++) {
		if (!set_selects(&c->pin_sets[i], name, denied))
			continue;
		if (n == DNS_SETS_OF_NAME)
			return n + 1;
		ret[n++] = (uint16_t)i;
	}
	return n;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shape.c - What every sandbox's table has around its walks. */
#include "shape.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "str.h"

/*
 * The chains around the walks are written down here a second time, as text, and
 * read by the same reader as the table: what must hold, whatever the document
 * says, is so small that two people can write it. The words in capitals are the
 * sandbox's:
 *
 *	GUEST4 GUEST6	its addresses		GW4 GW6	its gateway's
 *	STAMP		its generation		NS4 NS6	"ADDRESS:PORT" of the
 *						name servers that NAT serves
 */

#define ND \
	"icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } " \
	"ip6 hoplimit 255 accept"
#define ND_LINK "fe80::/10, ff02::1, ff02::1:ff00:0/104"

/** enum when - For which policies a line is there */
enum when {
	ALWAYS,
	DNS_NAT,
	DNS_NAT4,
	DNS_NAT6,
};

static const struct {
	enum when when;
	const char *text;
} lines[] = {
	{ALWAYS, "chain antispoof {"},
	{ALWAYS, "type filter hook prerouting priority raw; policy drop;"},
	{ALWAYS, "ip6 saddr ::ffff:0.0.0.0/96 drop"},
	{ALWAYS, "ip6 daddr ::ffff:0.0.0.0/96 drop"},
	{ALWAYS, "iifname \"uplink0\" accept"},
	{ALWAYS, "iifname \"guest0\" ip saddr GUEST4 accept"},
	{ALWAYS, "iifname \"guest0\" ip6 saddr GUEST6 accept"},
	{ALWAYS, "iifname \"guest0\" ip6 saddr { ::, fe80::/10 } " ND},
	{ALWAYS, "drop"},
	{ALWAYS, "}"},
	{ALWAYS, "chain judge {"},
	{ALWAYS, "type filter hook prerouting priority mangle; policy drop;"},
	{ALWAYS, "ct mark STAMP ct state established,related accept"},
	{ALWAYS, "ct state invalid drop"},
	{ALWAYS, "iifname \"guest0\" ip6 daddr { GW6, " ND_LINK " } " ND},
	{ALWAYS, "iifname \"uplink0\" ip6 daddr { " ND_LINK " } " ND},
	{ALWAYS, "ct state untracked drop"},
	{ALWAYS, "ct state related drop"},
	{ALWAYS, "iifname \"guest0\" ct direction original goto egress"},
	{ALWAYS, "iifname \"uplink0\" ct direction reply goto egress"},
	{ALWAYS, "iifname \"uplink0\" ct direction original goto ingress"},
	{ALWAYS, "iifname \"guest0\" ct direction reply goto ingress"},
	{ALWAYS, "}"},
	{ALWAYS, "chain egress {"},
	{ALWAYS, "}"},
	{ALWAYS, "chain ingress {"},
	{ALWAYS, "}"},
	{ALWAYS, "chain input {"},
	{ALWAYS, "type filter hook input priority filter; policy drop;"},
	{ALWAYS, ND},
	{ALWAYS, "iifname \"guest0\" ct mark STAMP accept"},
	{ALWAYS, "}"},
	{ALWAYS, "chain forward {"},
	{ALWAYS, "type filter hook forward priority filter; policy drop;"},
	{ALWAYS, "iifname \"guest0\" oifname \"uplink0\" ct mark STAMP accept"},
	{ALWAYS, "iifname \"uplink0\" oifname \"guest0\" ct mark STAMP accept"},
	{ALWAYS, "}"},
	{ALWAYS, "chain output {"},
	{ALWAYS, "type filter hook output priority filter; policy drop;"},
	{ALWAYS, ND},
	{ALWAYS, "oifname \"guest0\" ct state established,related accept"},
	{ALWAYS, "oifname \"uplink0\" ct mark STAMP ct state "
		 "established,related accept"},
	{ALWAYS, "}"},
	{DNS_NAT, "chain dns_nat {"},
	{DNS_NAT, "type nat hook prerouting priority dstnat; policy accept;"},
	{DNS_NAT4, "iifname \"guest0\" ip daddr GW4 meta l4proto { tcp, udp } "
		   "th dport 53 dnat ip to NS4"},
	{DNS_NAT6, "iifname \"guest0\" ip6 daddr GW6 meta l4proto { tcp, udp } "
		   "th dport 53 dnat ip6 to NS6"},
	{DNS_NAT, "}"},
};

#define N_LINES (sizeof(lines) / sizeof(lines[0]))

static bool refuse(struct lex_error *e, unsigned int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static bool refuse(struct lex_error *e, unsigned int line, const char *fmt, ...)
{
	va_list ap;

	*e = (struct lex_error){.line = line, .column = 1};
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return false;
}

bool shape_generation(const struct listing_table *t, uint32_t *ret,
		      struct lex_error *e)
{
	const struct listing_chain *c = listing_chain_named(t, "allow");
	const struct listing_rule *r = c && c->n ? &c->v[0] : NULL;

	if (!r || c->n != 1 || r->n != 2 || r->v[0].kind != LISTING_SET_MARK ||
	    r->v[0].key[0] != LISTING_KEY_CT_MARK ||
	    r->v[1].kind != LISTING_VERDICT_IS ||
	    r->v[1].verdict.word != LISTING_ACCEPT)
		return refuse(e, c ? c->line : 1,
			      "there is no chain \"allow\" that stamps and "
			      "accepts");
	/* The low bits are for helpers, and zero is a flow that was not judged.
	 */
	if (!r->v[0].number || r->v[0].number & 0xf)
		return refuse(e, r->line, "0x%08x is no generation",
			      r->v[0].number);
	*ret = r->v[0].number;
	return true;
}

static void put_words(struct str *s, const char *text, const struct policy *p,
		      uint32_t generation)
{
	const struct config_nameserver *ns4 = policy_nameserver(p, IP_V4);
	const struct config_nameserver *ns6 = policy_nameserver(p, IP_V6);
	const struct slot *slot = &p->slot;
	char ip[IP_TEXT_MAX];

	while (*text) {
		const size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ46");

		if (len == 6 && strncmp(text, "GUEST4", len) == 0)
			str_puts(s, ip_format(slot->guest4, ip));
		else if (len == 6 && strncmp(text, "GUEST6", len) == 0)
			str_puts(s, ip_format(slot->guest6, ip));
		else if (len == 3 && strncmp(text, "GW4", len) == 0)
			str_puts(s, ip_format(slot->gw4, ip));
		else if (len == 3 && strncmp(text, "GW6", len) == 0)
			str_puts(s, ip_format(slot->gw6, ip));
		else if (len == 5 && strncmp(text, "STAMP", len) == 0)
			str_printf(s, "0x%08x", generation);
		else if (len == 3 && strncmp(text, "NS4", len) == 0 && ns4)
			str_printf(s, "%s:%u", ip_format(ns4->ip, ip),
				   ns4->port);
		else if (len == 3 && strncmp(text, "NS6", len) == 0 && ns6)
			str_printf(s, "[%s]:%u", ip_format(ns6->ip, ip),
				   ns6->port);
		else
			str_append(s, text, len ? len : 1);
		text += len ? len : 1;
	}
}

static bool applies(enum when when, const struct policy *p)
{
	const bool nat = p->dns == POLICY_DNS_NAT;

	switch (when) {
	case ALWAYS:
		return true;
	case DNS_NAT:
		return nat;
	case DNS_NAT4:
		return nat && policy_nameserver(p, IP_V4);
	case DNS_NAT6:
		return nat && policy_nameserver(p, IP_V6);
	}
	return false;
}

/* The lines as a table: its chains are those that must be there. */
static bool expected(struct arena *a, const struct policy *p,
		     uint32_t generation, struct listing_table *ret,
		     struct lex_error *e)
{
	STR(text);
	size_t i;

	str_puts(&text, "table inet msb {\n");
	for (i = 0; i < N_LINES; i++) {
		if (!applies(lines[i].when, p))
			continue;
		put_words(&text, lines[i].text, p, generation);
		str_putc(&text, '\n');
	}
	str_puts(&text, "}\n");
	return listing_read(a, str_text(&text), ret, e);
}

static bool same_text(const char *x, const char *y)
{
	return (!x && !y) || (x && y && strcmp(x, y) == 0);
}

static bool same_value(const struct listing_value *x,
		       const struct listing_value *y)
{
	return x->lo == y->lo && x->hi == y->hi && same_text(x->name, y->name);
}

/* Sets that are written in rules: the same elements, in whatever order. */
static bool same_set(const struct listing_set *x, const struct listing_set *y)
{
	size_t i, j, k;

	if (!x || !y)
		return x == y;
	if (x->name || y->name)
		return same_text(x->name, y->name);
	if (x->n != y->n || x->n_types != y->n_types || x->map || y->map)
		return false;
	for (i = 0; i < x->n; i++) {
		for (j = 0; j < y->n; j++) {
			for (k = 0; k < x->n_types; k++)
				if (!same_value(&x->v[i].part[k],
						&y->v[j].part[k]))
					break;
			if (k == x->n_types)
				break;
		}
		if (j == y->n)
			return false;
	}
	return true;
}

static bool same_stmt(const struct listing_stmt *x,
		      const struct listing_stmt *y)
{
	return x->kind == y->kind && x->n_keys == y->n_keys &&
	       memcmp(x->key, y->key, sizeof(x->key)) == 0 &&
	       x->negate == y->negate && same_set(x->set, y->set) &&
	       x->verdict.word == y->verdict.word &&
	       same_text(x->verdict.chain, y->verdict.chain) &&
	       x->number == y->number && same_text(x->text, y->text);
}

/* The next statement that does more than to count. */
static const struct listing_stmt *effect(const struct listing_rule *r,
					 size_t *i)
{
	while (*i < r->n && r->v[*i].kind == LISTING_COUNTER)
		(*i)++;
	return *i < r->n ? &r->v[(*i)++] : NULL;
}

static bool same_rule(const struct listing_rule *x,
		      const struct listing_rule *y)
{
	const struct listing_stmt *p, *q;
	size_t i = 0, j = 0;

	do {
		p = effect(x, &i);
		q = effect(y, &j);
		if (p && q && !same_stmt(p, q))
			return false;
	} while (p && q);
	return !p && !q;
}

static bool check_chain(const struct listing_chain *want,
			const struct listing_table *t, struct lex_error *e)
{
	const struct listing_chain *c = listing_chain_named(t, want->name);
	size_t i;

	if (!c)
		return refuse(e, 1, "there is no chain %s", want->name);
	if (!c->base || strcmp(c->type, want->type) != 0 ||
	    strcmp(c->hook, want->hook) != 0 ||
	    strcmp(c->priority, want->priority) != 0)
		return refuse(e, c->line,
			      "chain %s is not of type %s at %s, priority %s",
			      c->name, want->type, want->hook, want->priority);
	if (c->drop != want->drop)
		return refuse(e, c->line, "the policy of chain %s is not %s",
			      c->name, want->drop ? "drop" : "accept");
	for (i = 0; i < c->n && i < want->n; i++)
		if (!same_rule(&c->v[i], &want->v[i]))
			return refuse(
				e, c->v[i].line,
				"rule %zu of chain %s is not what it must "
				"be",
				i + 1, c->name);
	if (c->n > want->n)
		return refuse(e, c->v[want->n].line,
			      "chain %s has a rule more than it must have",
			      c->name);
	if (c->n < want->n)
		return refuse(e, c->line,
			      "chain %s has %zu rules fewer than it must have",
			      c->name, want->n - c->n);
	return true;
}

bool shape_check(struct arena *a, const struct listing_table *t,
		 const struct policy *p, uint32_t generation,
		 struct lex_error *e)
{
	struct listing_table want;
	size_t i;

	if (!expected(a, p, generation, &want, e))
		return false;
	for (i = 0; i < t->n_chains; i++) {
		const struct listing_chain *c = &t->chains[i];
		const struct listing_chain *known =
			listing_chain_named(&want, c->name);

		if (c->base && (!known || !known->base))
			return refuse(e, c->line,
				      "chain %s is none that a sandbox has",
				      c->name);
	}
	for (i = 0; i < want.n_chains; i++)
		if (want.chains[i].base && !check_chain(&want.chains[i], t, e))
			return false;
	return true;
}

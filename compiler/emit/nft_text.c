/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nft_text.c - Tables as nft reads and lists them. */
#include "nft_text.h"

#include <arpa/inet.h>
#include <string.h>

/*
 * The text is what nft prints for the same objects, so that a ruleset can be
 * held against a listing by comparing bytes: tabs, one blank line between
 * objects, elements in columns, words for the values that nft has words for.
 */

/** struct words - Names that nft prints instead of a number */
struct words {
	unsigned int value;
	const char *name;
};

static const struct words proto_words[] = {
	{1, "icmp"}, {6, "tcp"}, {17, "udp"}, {58, "ipv6-icmp"}, {0, NULL},
};

static const struct words icmpv6_words[] = {
	{128, "echo-request"},
	{129, "echo-reply"},
	{135, "nd-neighbor-solicit"},
	{136, "nd-neighbor-advert"},
	{0, NULL},
};

static const struct words direction_words[] = {
	{NFT_CT_ORIGINAL, "original"},
	{NFT_CT_REPLY, "reply"},
	{0, NULL},
};

static const struct words status_words[] = {{NFT_STATUS_DNAT, "dnat"},
					    {0, NULL}};

static const struct words fib_words[] = {{NFT_FIB_LOCAL, "local"}, {0, NULL}};

static const struct words flag_words[] = {{NFT_FLAG_RST, "rst"}, {0, NULL}};

static const char *const unit_words[NFT_UNITS] = {
	[NFT_SECOND] = "second", [NFT_MINUTE] = "minute", [NFT_HOUR] = "hour",
	[NFT_DAY] = "day",	 [NFT_WEEK] = "week",
};

/* Bits of ct state in the order in which nft lists them. */
static const struct words state_words[] = {
	{NFT_CT_INVALID, "invalid"},	 {NFT_CT_ESTABLISHED, "established"},
	{NFT_CT_RELATED, "related"},	 {NFT_CT_NEW, "new"},
	{NFT_CT_UNTRACKED, "untracked"}, {0, NULL},
};

static void text_word(struct str *s, const struct words *words,
		      unsigned int value)
{
	for (; words->name; words++) {
		if (words->value == value) {
			str_puts(s, words->name);
			return;
		}
	}
	str_printf(s, "%u", value);
}

static void text_states(struct str *s, unsigned int states)
{
	const char *before = "";
	const struct words *w;

	for (w = state_words; w->name; w++) {
		if (states & w->value) {
			str_printf(s, "%s%s", before, w->name);
			before = ",";
		}
	}
}

/* nft writes the IPv4 half of a mapped prefix in dots, as inet_ntop does for
 * mapped addresses, but never "::" for their first 96 bits. */
static void text_ip(struct str *s, enum ip_family family,
		    const struct nft_elem *e)
{
	const struct ip_range r = {family, e->lo, e->hi};
	char text[IP_TEXT_MAX];

	str_puts(s, ip_range_format(r, text));
}

static void text_elem(struct str *s, enum nft_type type,
		      const struct nft_elem *e)
{
	const unsigned int value = (unsigned int)e->lo;

	switch (type) {
	case NFT_TYPE_IFNAME:
	case NFT_TYPE_OBJECT:
		str_printf(s, "\"%s\"", e->name);
		return;
	case NFT_TYPE_IPV4_ADDR:
		text_ip(s, IP_V4, e);
		return;
	case NFT_TYPE_IPV6_ADDR:
		text_ip(s, IP_V6, e);
		return;
	case NFT_TYPE_IFNAME_IPV4:
		str_printf(s, "\"%s\" . ", e->name);
		text_ip(s, IP_V4, e);
		return;
	case NFT_TYPE_IFNAME_IPV6:
		str_printf(s, "\"%s\" . ", e->name);
		text_ip(s, IP_V6, e);
		return;
	case NFT_TYPE_INET_PROTO:
		text_word(s, proto_words, value);
		return;
	case NFT_TYPE_ICMPV6_TYPE:
		text_word(s, icmpv6_words, value);
		return;
	case NFT_TYPE_CT_DIR:
		text_word(s, direction_words, value);
		return;
	case NFT_TYPE_CT_STATE:
		text_states(s, value);
		return;
	case NFT_TYPE_CT_STATUS:
		text_word(s, status_words, value);
		return;
	case NFT_TYPE_FIB_ADDRTYPE:
		text_word(s, fib_words, value);
		return;
	case NFT_TYPE_TCP_FLAG:
		text_word(s, flag_words, value);
		return;
	case NFT_TYPE_MARK:
		str_printf(s, "0x%08x", value);
		return;
	case NFT_TYPE_INET_SERVICE:
	case NFT_TYPE_INTEGER:
		str_printf(s, "%u", value);
		if (e->hi != e->lo)
			str_printf(s, "-%u", (unsigned int)e->hi);
		return;
	case NFT_TYPE_COUNT:
		return;
	}
}

/* How many elements of a named set nft puts on one line. */
static size_t elems_per_line(enum nft_type type)
{
	switch (type) {
	case NFT_TYPE_IPV4_ADDR:
		return 2;
	case NFT_TYPE_INET_SERVICE:
	case NFT_TYPE_INET_PROTO:
	case NFT_TYPE_MARK:
		return 5;
	case NFT_TYPE_IFNAME:
	case NFT_TYPE_IPV6_ADDR:
	case NFT_TYPE_CT_STATE:
	case NFT_TYPE_CT_DIR:
	case NFT_TYPE_ICMPV6_TYPE:
	case NFT_TYPE_INTEGER:
	case NFT_TYPE_IFNAME_IPV4:
	case NFT_TYPE_IFNAME_IPV6:
	case NFT_TYPE_CT_STATUS:
	case NFT_TYPE_FIB_ADDRTYPE:
	case NFT_TYPE_TCP_FLAG:
	case NFT_TYPE_OBJECT:
	case NFT_TYPE_COUNT:
		break;
	}
	return 1;
}

static void text_set(struct str *s, const struct nft_set *set)
{
	const size_t per_line = elems_per_line(set->type);
	size_t i;

	str_printf(s, "\tset %s {\n\t\ttype %s\n", set->name,
		   nft_type_words(set->type));
	if (set->dynamic)
		str_puts(s, "\t\tflags timeout\n");
	if (set->interval)
		str_puts(s, "\t\tflags interval\n");
	for (i = 0; i < set->n; i++) {
		if (!i)
			str_puts(s, "\t\telements = { ");
		else if (i % per_line)
			str_puts(s, ", ");
		else
			str_puts(s, ",\n\t\t\t     ");
		text_elem(s, set->type, &set->v[i]);
	}
	str_puts(s, set->n ? " }\n\t}\n" : "\t}\n");
}

/* Bytes as nft lists them: in the largest unit that divides them. */
static void text_bytes(struct str *s, uint64_t bytes)
{
	static const char *const units[] = {"bytes", "kbytes", "mbytes"};
	size_t i = 0;

	while (i < 2 && bytes && bytes % 1024 == 0) {
		bytes /= 1024;
		i++;
	}
	str_printf(s, "%llu %s", (unsigned long long)bytes, units[i]);
}

static void text_object(struct str *s, const struct nft_object *o)
{
	switch (o->kind) {
	case NFT_QUOTA_BYTES:
		str_printf(s, "\tquota %s {\n\t\tover ", o->name);
		text_bytes(s, o->rate);
		break;
	case NFT_LIMIT_BYTES:
		str_printf(s, "\tlimit %s {\n\t\trate over ", o->name);
		text_bytes(s, o->rate);
		str_printf(s, "/%s", unit_words[o->unit]);
		if (o->burst) {
			str_puts(s, " burst ");
			text_bytes(s, o->burst);
		}
		break;
	case NFT_LIMIT_PACKETS:
		str_printf(s,
			   "\tlimit %s {\n\t\trate over %llu/%s burst %u "
			   "packets",
			   o->name, (unsigned long long)o->rate,
			   unit_words[o->unit], o->burst);
		break;
	}
	str_puts(s, "\n\t}\n");
}

/* --- maps of published ports --- */

static void text_dnat_key(struct str *s, const struct nft_dnat_map *m,
			  const struct nft_dnat *e)
{
	char text[IP_TEXT_MAX];

	if (!m->wildcard)
		str_printf(s, "%s . ", ip_format(e->bind, text));
	text_word(s, proto_words, e->proto);
	str_printf(s, " . %u", e->port);
}

static void text_dnat_map(struct str *s, const struct nft_dnat_map *m)
{
	const int family = (int)m->family;
	char text[IP_TEXT_MAX];
	size_t i;

	str_printf(s, "\tmap %s {\n\t\ttype ", m->name);
	if (!m->wildcard)
		str_printf(s, "ipv%d_addr . ", family);
	str_printf(s, "inet_proto . inet_service : ipv%d_addr . inet_service\n",
		   family);
	for (i = 0; i < m->n; i++) {
		str_puts(s, i ? ",\n\t\t\t     " : "\t\telements = { ");
		text_dnat_key(s, m, &m->v[i]);
		str_printf(s, " : %s . %u", ip_format(m->v[i].to, text),
			   m->v[i].to_port);
	}
	str_puts(s, m->n ? " }\n\t}\n" : "\t}\n");
}

/* "dnat ip to ip daddr . meta l4proto . th dport map @published4" */
static void text_dnat_lookup(struct str *s, const struct nft_dnat_map *m)
{
	const char *ip = m->family == IP_V4 ? "ip" : "ip6";

	str_printf(s, "dnat %s to ", ip);
	if (!m->wildcard)
		str_printf(s, "%s daddr . ", ip);
	str_printf(s, "meta l4proto . th dport map @%s", m->name);
}

static void text_dnat_delete(struct str *s, const struct nft_table *t,
			     const struct nft_dnat_map *m)
{
	size_t i;

	for (i = 0; i < m->n; i++) {
		str_printf(s, "delete element inet %s %s { ", t->name, m->name);
		text_dnat_key(s, m, &m->v[i]);
		str_puts(s, " }\n");
	}
}

static void text_match(struct str *s, const struct nft_match *m)
{
	const enum nft_type type = nft_key_type(m->key);
	size_t i;

	str_puts(s, nft_key_words(m->key));
	str_puts(s, m->negate ? " != " : " ");
	if (m->set) {
		str_printf(s, "@%s ", m->set->name);
		return;
	}
	if (m->n > 1)
		str_puts(s, "{ ");
	for (i = 0; i < m->n; i++) {
		if (i)
			str_puts(s, ", ");
		text_elem(s, type, &m->v[i]);
	}
	str_puts(s, m->n > 1 ? " } " : " ");
}

static void text_verb(struct str *s, const struct nft_rule *r)
{
	char ip[IP_TEXT_MAX];

	switch (r->verb) {
	case NFT_ACCEPT:
		str_puts(s, "accept");
		return;
	case NFT_DROP:
		str_puts(s, "drop");
		return;
	case NFT_GOTO:
		str_printf(s, "goto %s", r->target);
		return;
	case NFT_MARK_ACCEPT:
		str_printf(s, "ct mark set 0x%08x accept", r->mark);
		return;
	case NFT_REJECT:
		str_puts(s, "reject");
		return;
	case NFT_RESET:
		str_puts(s, "reject with tcp reset");
		return;
	case NFT_DNAT4:
		str_printf(s, "dnat ip to %s:%u", ip_format(r->to, ip),
			   r->to_port);
		return;
	case NFT_DNAT6:
		str_printf(s, "dnat ip6 to [%s]:%u", ip_format(r->to, ip),
			   r->to_port);
		return;
	case NFT_MASQUERADE:
		str_puts(s, "masquerade");
		return;
	case NFT_JUMP:
		str_printf(s, "jump %s", r->target);
		return;
	case NFT_DNAT_MAP:
		text_dnat_lookup(s, r->map);
		return;
	case NFT_TPROXY_ACCEPT:
		str_printf(s, "tproxy to :%u meta mark set 0x%08x accept",
			   r->to_port, r->mark);
		return;
	case NFT_VMAP:
		str_printf(s, "%s vmap @%s", nft_key_words(r->key),
			   r->vmap->name);
		return;
	}
}

static void text_rule(struct str *s, const struct nft_rule *r)
{
	size_t i;

	str_puts(s, "\t\t");
	for (i = 0; i < r->n; i++)
		text_match(s, &r->match[i]);
	if (r->limit)
		str_printf(s, "limit rate %u/second burst %u packets ",
			   r->limit, NFT_LIMIT_BURST);
	if (r->counter)
		str_puts(s, "counter ");
	text_verb(s, r);
	if (r->comment)
		str_printf(s, " comment \"%s\"", r->comment);
	str_putc(s, '\n');
}

static void text_branch(struct str *s, const struct nft_vmap *m,
			const struct nft_branch *b)
{
	text_elem(s, m->type, &b->on);
	if (m->counter)
		str_puts(s, " counter");
	if (b->comment)
		str_printf(s, " comment \"%s\"", b->comment);
	if (b->target)
		str_printf(s, " : %s %s", b->verb == NFT_JUMP ? "jump" : "goto",
			   b->target);
	else
		str_puts(s, b->verb == NFT_DROP ? " : drop" : " : accept");
}

static void text_vmap(struct str *s, const struct nft_vmap *m)
{
	const size_t per_line = elems_per_line(m->type);
	size_t i;

	str_printf(s, "\tmap %s {\n\t\ttype %s : verdict\n", m->name,
		   nft_type_words(m->type));
	str_puts(s, "\t\tflags interval\n");
	if (m->counter)
		str_puts(s, "\t\tcounter\n");
	for (i = 0; i < m->n; i++) {
		if (!i)
			str_puts(s, "\t\telements = { ");
		else if (i % per_line)
			str_puts(s, ", ");
		else
			str_puts(s, ",\n\t\t\t     ");
		text_branch(s, m, &m->v[i]);
	}
	str_puts(s, m->n ? " }\n\t}\n" : "\t}\n");
}

static void text_chain(struct str *s, const struct nft_chain *c)
{
	size_t i;

	str_printf(s, "\tchain %s {\n", c->name);
	if (c->base)
		str_printf(s, "\t\ttype %s hook %s priority %s; policy %s;\n",
			   c->base->type, c->base->hook, c->base->priority,
			   c->base->drop ? "drop" : "accept");
	for (i = 0; i < c->n; i++)
		text_rule(s, &c->rules[i]);
	str_puts(s, "\t}\n");
}

void nft_text_table(struct str *s, const struct nft_table *t)
{
	const char *between = "";
	size_t i;

	str_printf(s, "table inet %s {\n", t->name);
	for (i = 0; i < t->n_objects; i++, between = "\n") {
		str_puts(s, between);
		text_object(s, &t->objects[i]);
	}
	for (i = 0; i < t->n_sets; i++, between = "\n") {
		str_puts(s, between);
		text_set(s, &t->sets[i]);
	}
	for (i = 0; i < t->n_maps; i++, between = "\n") {
		str_puts(s, between);
		text_dnat_map(s, &t->maps[i]);
	}
	for (i = 0; i < t->n_vmaps; i++, between = "\n") {
		str_puts(s, between);
		text_vmap(s, t->vmaps[i]);
	}
	for (i = 0; i < t->n_chains; i++, between = "\n") {
		str_puts(s, between);
		text_chain(s, &t->chains[i]);
	}
	str_puts(s, "}\n");
}

void nft_text_replace(struct str *s, const struct nft_table *t)
{
	/* Deleting what does not exist is an error: so it is made first. */
	str_printf(s, "table inet %s {\n}\ndelete table inet %s\n", t->name,
		   t->name);
	nft_text_table(s, t);
}

void nft_text_refresh(struct str *s, const struct nft_table *t)
{
	/* Flushing a table removes its rules, and leaves chains and sets. */
	str_printf(s, "table inet %s {\n}\nflush table inet %s\n", t->name,
		   t->name);
	nft_text_table(s, t);
}

void nft_text_withdraw(struct str *s, const struct nft_table *t)
{
	size_t i, j;

	for (i = 0; i < t->n_sets; i++) {
		for (j = 0; j < t->sets[i].n; j++) {
			str_printf(s, "delete element inet %s %s { ", t->name,
				   t->sets[i].name);
			text_elem(s, t->sets[i].type, &t->sets[i].v[j]);
			str_puts(s, " }\n");
		}
	}
	for (i = 0; i < t->n_maps; i++)
		text_dnat_delete(s, t, &t->maps[i]);
}

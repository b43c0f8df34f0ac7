/* SPDX-License-Identifier: GPL-2.0-or-later */
/* interpret.c - What emitted nftables objects do with one packet. */
#include "interpret.h"

#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * This is nftables as the kernel defines it, for the objects of nft.h, and
 * written from the kernel's documentation and sources alone: nothing here knows
 * why a rule was emitted. In particular:
 *
 *   - a key that the packet does not have ends the rule (NFT_BREAK), "!=" or
 *     not: ct keys of a packet without a flow, an IPv6 address of an IPv4
 *     packet. "ct state" is always there;
 *   - "ct state" is a bit mask: one common bit matches;
 *   - an accept ends its base chain only, the next base chain goes on; a drop
 *     ends everything; goto does not come back, so the end of its target is the
 *     end of what the last jump called, or the policy of the base chain;
 *   - chains of type nat see the first packet of a flow and no other;
 *   - a map without the key, and tproxy without a socket, end the rule;
 *   - what a set of elements with timeouts holds is said by the packet too;
 *   - "ct count over" is about the list with this flow in it; what the objects
 *     and the list hold is said by the packet.
 */

static void __attribute__((noreturn, format(printf, 1, 2)))
unknown(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("interpret: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	abort();
}

/** struct value - What a key yields: a number, a name, or both */
struct value {
	const char *name;
	ip_num num;
};

/** struct state - A packet on its way, and what was done to it */
struct state {
	const struct nft_table *table;
	const struct interpret_packet *p;
	struct interpret_result r;
	bool done;
};

static bool tracked(const struct interpret_packet *p)
{
	switch (p->ct_state) {
	case NFT_CT_INVALID:
	case NFT_CT_UNTRACKED:
		return false;
	case NFT_CT_ESTABLISHED:
	case NFT_CT_RELATED:
	case NFT_CT_NEW:
		return true;
	}
	unknown("ct state %d", (int)p->ct_state);
}

static bool address(struct ip ip, enum ip_family want, struct value *ret)
{
	ret->num = ip.num;
	return ip.family == want;
}

/* The value of a key; false if the packet has none. */
static bool key_value(const struct state *s, enum nft_key key, bool outgoing,
		      struct value *ret)
{
	const struct interpret_packet *p = s->p;

	*ret = (struct value){0};
	switch (key) {
	case NFT_IIFNAME:
		ret->name = p->iif;
		return true;
	case NFT_OIFNAME:
		if (!outgoing)
			unknown("oifname before there is a route");
		ret->name = p->oif;
		return true;
	case NFT_L4PROTO:
		ret->num = p->proto;
		return true;
	case NFT_CT_STATE:
		ret->num = p->ct_state;
		return true;
	case NFT_CT_DIRECTION:
		ret->num = p->ct_direction;
		return tracked(p);
	case NFT_CT_MARK:
	case NFT_CT_MARK_IS:
		ret->num = s->r.mark;
		return tracked(p);
	case NFT_CT_OWNER:
		ret->num = s->r.mark & 0xf;
		return tracked(p);
	case NFT_META_MARK:
		/* Only sockets of the gateway are marked before this. */
		ret->num = 0;
		return true;
	case NFT_CT_SADDR4:
		return address(p->ct_saddr, IP_V4, ret) && tracked(p);
	case NFT_CT_DADDR4:
		return address(p->ct_daddr, IP_V4, ret) && tracked(p);
	case NFT_CT_SADDR6:
		return address(p->ct_saddr, IP_V6, ret) && tracked(p);
	case NFT_CT_DADDR6:
		return address(p->ct_daddr, IP_V6, ret) && tracked(p);
	case NFT_CT_DPORT:
		ret->num = p->ct_dport;
		return tracked(p);
	case NFT_SADDR4:
		return address(p->saddr, IP_V4, ret);
	case NFT_DADDR4:
		return address(s->r.to, IP_V4, ret);
	case NFT_SADDR6:
		return address(p->saddr, IP_V6, ret);
	case NFT_DADDR6:
		return address(s->r.to, IP_V6, ret);
	case NFT_DPORT:
		if (!p->has_ports)
			unknown("th dport of protocol %u", p->proto);
		ret->num = s->r.to_port;
		return true;
	case NFT_ICMPV6_TYPE:
		ret->num = p->icmp_type;
		return p->proto == IPPROTO_ICMPV6;
	case NFT_HOPLIMIT:
		ret->num = p->hoplimit;
		return p->family == IP_V6;
	case NFT_IIFNAME_SADDR4:
		ret->name = p->iif;
		return address(p->saddr, IP_V4, ret);
	case NFT_IIFNAME_SADDR6:
		ret->name = p->iif;
		return address(p->saddr, IP_V6, ret);
	case NFT_CT_STATUS:
		ret->num = p->ct_status;
		return tracked(p);
	case NFT_FIB_DADDR:
		/* What is not local is said to be unicast. */
		ret->num = p->to_local ? NFT_FIB_LOCAL : 1;
		return true;
	case NFT_TCP_RST:
		ret->num = p->tcp_rst ? NFT_FLAG_RST : 0;
		return p->proto == IPPROTO_TCP;
	case NFT_CT_COUNT_OVER:
	case NFT_LIMIT:
	case NFT_QUOTA:
	case NFT_KEY_COUNT:
		break;
	}
	unknown("key %d", (int)key);
}

static bool elem_has(enum nft_type type, const struct nft_elem *e,
		     const struct value *v)
{
	switch (type) {
	case NFT_TYPE_IFNAME:
		if (!e->name)
			unknown("an interface without a name");
		return strcmp(e->name, v->name) == 0;
	case NFT_TYPE_IFNAME_IPV4:
	case NFT_TYPE_IFNAME_IPV6:
		if (!e->name)
			unknown("an interface without a name");
		return strcmp(e->name, v->name) == 0 && v->num >= e->lo &&
		       v->num <= e->hi;
	case NFT_TYPE_CT_STATE:
	case NFT_TYPE_CT_STATUS:
		return (e->lo & v->num) != 0;
	case NFT_TYPE_IPV4_ADDR:
	case NFT_TYPE_IPV6_ADDR:
	case NFT_TYPE_INET_PROTO:
	case NFT_TYPE_INET_SERVICE:
	case NFT_TYPE_MARK:
	case NFT_TYPE_CT_DIR:
	case NFT_TYPE_ICMPV6_TYPE:
	case NFT_TYPE_INTEGER:
	case NFT_TYPE_FIB_ADDRTYPE:
	case NFT_TYPE_TCP_FLAG:
		if (e->hi < e->lo)
			unknown("a range that ends before it starts");
		return v->num >= e->lo && v->num <= e->hi;
	case NFT_TYPE_OBJECT:
	case NFT_TYPE_COUNT:
		break;
	}
	unknown("type %d", (int)type);
}

/* --- expressions about state that the kernel keeps --- */

static void object_named(const struct nft_table *t, const char *name,
			 bool quota)
{
	size_t i;

	for (i = 0; i < t->n_objects; i++)
		if (strcmp(t->objects[i].name, name) == 0 &&
		    (t->objects[i].kind == NFT_QUOTA_BYTES) == quota)
			return;
	unknown("object %s is not in the table", name);
}

/* Whether @m is one of them; what it says is in @ret. */
static bool keeps_state(const struct state *s, const struct nft_match *m,
			bool *ret)
{
	if (m->key != NFT_CT_COUNT_OVER && m->key != NFT_LIMIT &&
	    m->key != NFT_QUOTA)
		return false;
	if (m->set || m->n != 1 || m->negate)
		unknown("an expression with state that is not simple");
	if (m->key == NFT_CT_COUNT_OVER) {
		*ret = s->p->ct_count > m->v[0].lo;
		return true;
	}
	object_named(s->table, m->v[0].name, m->key == NFT_QUOTA);
	*ret = s->p->exhausted;
	return true;
}

/* --- maps of published ports --- */

static const struct nft_dnat *dnat_find(const struct state *s,
					const struct nft_dnat_map *want)
{
	const struct nft_table *t = s->table;
	const struct nft_dnat_map *m = NULL;
	size_t i;

	for (i = 0; i < t->n_maps; i++)
		if (strcmp(t->maps[i].name, want->name) == 0)
			m = &t->maps[i];
	if (!m)
		unknown("map %s is not in the table", want->name);
	for (i = 0; i < m->n; i++) {
		const struct nft_dnat *e = &m->v[i];

		if (e->to.family != m->family ||
		    (i && nft_dnat_order(&m->v[i - 1], e) >= 0))
			unknown("map %s is not in order", m->name);
		if (s->p->family == m->family && e->proto == s->p->proto &&
		    e->port == s->r.to_port &&
		    (m->wildcard || ip_equal(e->bind, s->r.to)))
			return e;
	}
	return NULL;
}

/* The set of that name in the table, as the kernel would find it. */
static const struct nft_set *set_named(const struct nft_table *t,
				       const struct nft_set *want)
{
	size_t i;

	for (i = 0; i < t->n_sets; i++)
		if (strcmp(t->sets[i].name, want->name) == 0)
			return &t->sets[i];
	unknown("set %s is not in the table", want->name);
}

/* Whether the packet says that its pinned address is in a set. */
static bool in_dynamic(const struct interpret_packet *p,
		       const struct nft_set *set)
{
	const enum nft_type type = p->pinned.family == IP_V4
					   ? NFT_TYPE_IPV4_ADDR
					   : NFT_TYPE_IPV6_ADDR;
	size_t i;

	for (i = 0; i < p->n_sets; i++)
		if (strcmp(p->sets[i], set->name) == 0)
			return p->pinned.family && set->type == type;
	return false;
}

static bool match_holds(const struct state *s, const struct nft_match *m,
			bool outgoing)
{
	const enum nft_type type = nft_key_type(m->key);
	const struct nft_elem *v = m->v;
	size_t n = m->n, i;
	struct value value;
	bool found = false;

	if (keeps_state(s, m, &found))
		return found;
	if (m->set) {
		const struct nft_set *set = set_named(s->table, m->set);

		if (set->type != type)
			unknown("set %s has another type than its key",
				set->name);
		if (set->dynamic != m->set->dynamic ||
		    (set->dynamic && (set->n || set->interval)))
			unknown("set %s is of two kinds", set->name);
		if (set->dynamic) {
			found = in_dynamic(s->p, set);
			return key_value(s, m->key, outgoing, &value) &&
			       (found && value.num == s->p->pinned.num) !=
				       m->negate;
		}
		v = set->v;
		n = set->n;
	} else if (!n) {
		unknown("a match without a value");
	}
	if (!key_value(s, m->key, outgoing, &value))
		return false;
	for (i = 0; i < n && !found; i++) {
		if (m->set && !m->set->interval && v[i].lo != v[i].hi)
			unknown("a range in set %s, which holds values",
				m->set->name);
		found = elem_has(type, &v[i], &value);
	}
	return found != m->negate;
}

static const struct nft_chain *chain_named(const struct nft_table *t,
					   const char *name)
{
	size_t i;

	for (i = 0; i < t->n_chains; i++)
		if (strcmp(t->chains[i].name, name) == 0)
			return &t->chains[i];
	unknown("chain %s is not in the table", name);
}

/* What a verdict map says of a packet; NULL if nothing. */
static const struct nft_branch *
branch_of(const struct state *s, const struct nft_rule *r, bool outgoing)
{
	const struct nft_vmap *m = NULL;
	struct value value;
	size_t i;

	for (i = 0; i < s->table->n_vmaps; i++)
		if (strcmp(s->table->vmaps[i]->name, r->vmap->name) == 0)
			m = s->table->vmaps[i];
	if (!m)
		unknown("map %s is not in the table", r->vmap->name);
	if (m->type != nft_key_type(r->key))
		unknown("map %s has another type than its key", m->name);
	for (i = 1; i < m->n; i++)
		if (m->v[i].on.lo <= m->v[i - 1].on.hi)
			unknown("map %s has elements that overlap", m->name);
	if (!key_value(s, r->key, outgoing, &value))
		return NULL;
	for (i = 0; i < m->n; i++)
		if (elem_has(m->type, &m->v[i].on, &value))
			return &m->v[i];
	return NULL;
}

/** struct place - A rule in a chain */
struct place {
	const struct nft_chain *chain;
	size_t at;
};

/* The kernel's bound on calls (NFT_JUMP_STACK_SIZE). */
#define MAX_JUMPS 16

static void decide(struct state *s, enum interpret_fate fate)
{
	s->r.fate = fate;
	s->done = true;
}

/* Through one base chain: its end, or a verdict. */
static void run_base(struct state *s, const struct nft_chain *base)
{
	const char *hook = base->base->hook;
	const bool outgoing = strcmp(hook, "forward") == 0 ||
			      strcmp(hook, "output") == 0 ||
			      strcmp(hook, "postrouting") == 0;
	const bool nat = strcmp(base->base->type, "nat") == 0;
	const struct nft_chain *c = base;
	const struct nft_dnat *to;
	size_t i = 0, j, gotos = 0, jumps = 0;
	struct place stack[MAX_JUMPS];

	if (!nat && strcmp(base->base->type, "filter") != 0)
		unknown("chain type %s", base->base->type);
	if (nat && s->p->ct_state != NFT_CT_NEW)
		return;
	s->r.chain = base->name;
	for (;;) {
		const struct nft_branch *branch = NULL;
		const struct nft_rule *r;
		const char *target, *comment;
		enum nft_verb verb;

		if (i == c->n) {
			if (!jumps)
				break;
			c = stack[--jumps].chain;
			i = stack[jumps].at;
			continue;
		}
		r = &c->rules[i++];

		for (j = 0; j < r->n; j++)
			if (!match_holds(s, &r->match[j], outgoing))
				break;
		if (j < r->n)
			continue;
		/* What a flow gets must not depend on how many there are. */
		if (r->limit)
			unknown("a limit that a flow can reach");
		verb = r->verb;
		target = r->target;
		comment = r->comment;
		if (verb == NFT_VMAP) {
			branch = branch_of(s, r, outgoing);
			if (!branch)
				continue;
			verb = branch->verb;
			target = branch->target;
			comment = branch->comment;
		}
		if (comment && strlen(comment) > NFT_COMMENT_MAX)
			unknown("a comment that the kernel would not keep");
		if (comment && !nat)
			s->r.comment = comment;
		switch (verb) {
		case NFT_ACCEPT:
			return;
		case NFT_DROP:
			decide(s, INTERPRET_DROPPED);
			return;
		case NFT_JUMP:
			if (jumps == MAX_JUMPS)
				unknown("more jumps than the kernel follows");
			stack[jumps++] = (struct place){c, i};
			/* fall through */
		case NFT_GOTO:
			if (++gotos > 1000)
				unknown("chains that lead in a circle");
			c = chain_named(s->table, target);
			if (c->base)
				unknown("goto the base chain %s", c->name);
			i = 0;
			continue;
		case NFT_MARK_ACCEPT:
			if (!tracked(s->p))
				return;
			s->r.stamped = true;
			s->r.mark = r->mark;
			return;
		case NFT_REJECT:
			decide(s, INTERPRET_REJECTED);
			return;
		case NFT_RESET:
			/* nft itself adds "meta l4proto tcp" to it. */
			if (s->p->proto != IPPROTO_TCP)
				continue;
			decide(s, INTERPRET_RESET);
			return;
		case NFT_DNAT4:
		case NFT_DNAT6:
			if (!nat ||
			    s->p->family !=
				    (r->verb == NFT_DNAT4 ? IP_V4 : IP_V6))
				unknown("dnat outside of its place");
			s->r.translated = true;
			s->r.to = r->to;
			s->r.to_port = r->to_port;
			return;
		case NFT_DNAT_MAP:
			if (!nat)
				unknown("dnat outside of its place");
			to = dnat_find(s, r->map);
			if (!to)
				continue;
			s->r.translated = true;
			s->r.to = to->to;
			s->r.to_port = to->to_port;
			return;
		case NFT_TPROXY_ACCEPT:
			if (strcmp(hook, "prerouting") != 0 || nat ||
			    !s->p->has_ports)
				unknown("tproxy outside of its place");
			if (!s->p->listening)
				continue;
			s->r.steered = r->to_port;
			return;
		case NFT_MASQUERADE:
			unknown("masquerade at %s", base->base->hook);
		case NFT_VMAP:
			unknown("a map in map %s", r->vmap->name);
		}
	}
	if (base->base->drop) {
		s->r.comment = NULL;
		decide(s, INTERPRET_DROPPED);
	}
}

static int priority(const struct nft_base *b)
{
	static const struct {
		const char *name;
		int value;
	} names[] = {
		{"raw", -300},	       {"mangle - 10", -160}, {"mangle", -150},
		{"mangle + 10", -140}, {"dstnat", -100},      {"-100", -100},
		{"filter", 0},	       {"security", 50},      {"srcnat", 100},
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].name, b->priority) == 0)
			return names[i].value;
	unknown("priority %s", b->priority);
}

static void run_hook(struct state *s, const char *hook)
{
	const struct nft_chain *next;
	int at = -1000, best;
	size_t i;

	do {
		next = NULL;
		best = 0;
		for (i = 0; i < s->table->n_chains; i++) {
			const struct nft_chain *c = &s->table->chains[i];

			if (!c->base || strcmp(c->base->hook, hook) != 0)
				continue;
			if (next && priority(c->base) == best)
				unknown("two chains of one priority");
			if (priority(c->base) > at &&
			    (!next || priority(c->base) < best)) {
				next = c;
				best = priority(c->base);
			}
		}
		if (next)
			run_base(s, next);
		at = best;
	} while (next && !s->done);
}

struct interpret_result interpret(const struct nft_table *t,
				  const struct interpret_packet *p)
{
	struct state s = {
		.table = t,
		.p = p,
		.r = {.mark = p->ct_mark, .to = p->daddr, .to_port = p->dport},
	};
	enum interpret_route route = p->route;

	if (p->saddr.family != p->family || p->daddr.family != p->family)
		unknown("a packet of two families");
	if (route == INTERPRET_OUTPUT) {
		run_hook(&s, "output");
		if (!s.done)
			run_hook(&s, "postrouting");
		return s.r;
	}
	run_hook(&s, "prerouting");
	if (s.done)
		return s.r;
	/* Who translates sends the packet elsewhere than it was going. */
	if (s.r.translated)
		route = INTERPRET_FORWARD;
	if (s.r.steered)
		route = INTERPRET_INPUT;
	switch (route) {
	case INTERPRET_NOWHERE:
		break;
	case INTERPRET_INPUT:
		run_hook(&s, "input");
		break;
	case INTERPRET_FORWARD:
		run_hook(&s, "forward");
		if (!s.done)
			run_hook(&s, "postrouting");
		break;
	case INTERPRET_OUTPUT:
		unknown("a packet that comes in and does not");
	}
	return s.r;
}

const char *interpret_fate_name(enum interpret_fate fate)
{
	switch (fate) {
	case INTERPRET_ACCEPTED:
		return "accept";
	case INTERPRET_DROPPED:
		return "drop";
	case INTERPRET_REJECTED:
		return "reject";
	case INTERPRET_RESET:
		return "reset";
	}
	return "?";
}

const char *interpret_said(struct arena *a, const char *what,
			   const struct interpret_result *r)
{
	return arena_printf(a, "%s: the ruleset says %s (%s, chain %s%s)", what,
			    interpret_fate_name(r->fate),
			    r->comment ? r->comment : "no comment", r->chain,
			    r->stamped ? ", stamped" : "");
}

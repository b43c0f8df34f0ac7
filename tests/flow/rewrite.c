/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rewrite.c - Policies written differently compare equal; one box does not. */
#include <getopt.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "eval.h"
#include "generate.h"
#include "space.h"

/*
 * The walks of random documents are rewritten by steps that cannot change what
 * they mean: rules are split by address, port and protocol, neighbours are
 * joined or exchanged where that is safe, and rules are added that earlier ones
 * hide. The result must compare equal. Then one rule about a small box, with
 * the other verdict, is put in front: it must be found, nowhere outside of the
 * box, and each witness must have the verdicts that are claimed, by a walk from
 * rule to rule.
 */

/** struct rules - Rules of a walk that is being rewritten */
struct rules {
	struct arena *a;
	struct generator *g;
	const struct policy *p;
	struct policy_rule *v;
	size_t n;
	size_t cap;
};

static void add(struct rules *r, const struct policy_rule *rule)
{
	r->v = arena_grow(r->a, r->v, r->n, &r->cap, sizeof(*r->v));
	r->v[r->n++] = *rule;
}

static bool is_name(const struct policy_rule *r)
{
	return r->dest.kind == CONFIG_DEST_NAME ||
	       r->dest.kind == CONFIG_DEST_SUFFIX;
}

static bool percent(struct generator *g, unsigned int n)
{
	return generate_below(g, 100) < n;
}

/* The rule once for each range of what it is about, some of them in halves. */
static void split_addresses(struct rules *to, const struct policy_rule *r)
{
	const struct ip_range all[2] = {
		{IP_V4, 0, ip_max(IP_V4)},
		{IP_V6, 0, ip_max(IP_V6)},
	};
	struct ip_set set = ip_set_from(to->a, all, 2);
	size_t i;

	if (r->dest.kind == CONFIG_DEST_GROUP)
		set = group_set(to->a, r->dest.group, to->p->slot.gw4,
				to->p->slot.gw6);
	if (r->dest.kind == CONFIG_DEST_RANGE)
		set = ip_set_from(to->a, &r->dest.range, 1);
	for (i = 0; i < set.n; i++) {
		struct policy_rule part = *r;
		struct ip_range range = set.v[i];

		part.dest = (struct config_dest){
			.kind = CONFIG_DEST_RANGE,
			.range = range,
		};
		if (range.lo != range.hi && percent(to->g, 50)) {
			part.dest.range.hi =
				range.lo + (range.hi - range.lo) / 2;
			range.lo = part.dest.range.hi + 1;
			add(to, &part);
			part.dest.range = range;
		}
		add(to, &part);
	}
}

/* The rule once for each protocol that it names, in any order. */
static void split_protos(struct rules *to, const struct policy_rule *r)
{
	unsigned int bit;

	for (bit = CONFIG_ICMPV6; bit; bit >>= 1) {
		struct policy_rule part = *r;

		part.protos = bit;
		if (r->protos & bit)
			add(to, &part);
	}
}

/* The rule once for each of its port ranges, some of them in halves. */
static void split_ports(struct rules *to, const struct policy_rule *r)
{
	size_t i;

	for (i = r->n_ports; i-- > 0;) {
		struct config_ports *two =
			arena_array(to->a, 2, struct config_ports);
		struct policy_rule part = *r;

		two[0] = two[1] = r->ports[i];
		if (two[0].lo < two[0].hi) {
			two[0].hi = (uint16_t)(two[0].lo +
					       (two[0].hi - two[0].lo) / 2);
			two[1].lo = (uint16_t)(two[0].hi + 1);
		}
		part.n_ports = 1;
		part.ports = &two[1];
		add(to, &part);
		part.ports = &two[0];
		if (two[0].lo != two[1].lo)
			add(to, &part);
	}
}

static struct dname below(struct arena *a, struct dname name)
{
	uint8_t *wire = arena_array(a, name.len + 2u, uint8_t);

	wire[0] = 1;
	wire[1] = 'x';
	memcpy(wire + 2, name.wire, name.len);
	return (struct dname){wire, (uint8_t)(name.len + 2)};
}

static void rewrite_rule(struct rules *to, const struct policy_rule *r)
{
	const unsigned int way = generate_below(to->g, 6);

	if (way == 0 && !is_name(r))
		split_addresses(to, r);
	else if (way == 1 && r->protos)
		split_protos(to, r);
	else if (way == 2 && r->n_ports)
		split_ports(to, r);
	else
		add(to, r);
	/* What an earlier rule decides, no later one does. */
	if (!is_name(r) && percent(to->g, 10)) {
		struct policy_rule hidden = *r;

		hidden.allow = percent(to->g, 50);
		add(to, &hidden);
	}
	/* Nor does a name say anything new the second time, or below itself. */
	if (is_name(r) && percent(to->g, 20)) {
		struct policy_rule again = *r;

		if (again.dest.kind == CONFIG_DEST_SUFFIX) {
			again.dest.kind = CONFIG_DEST_NAME;
			again.dest.name = below(to->a, r->dest.name);
		}
		add(to, &again);
	}
}

/* The verdicts on flows with names, and on queries, must be the same too. */
static const char *check_names(struct arena *a, struct generator *g,
			       const struct policy *p,
			       enum policy_direction dir,
			       const struct policy_walk *walk)
{
	static const char *const texts[] = {
		"example.com",	   "www.example.com",	"example.net",
		"www.example.net", "a.www.example.net", "example.org",
		"ads.example.org", "other.example",
	};
	const unsigned int n = sizeof(texts) / sizeof(texts[0]);
	struct dname names[sizeof(texts) / sizeof(texts[0])];
	struct policy other = *p;
	unsigned int i;

	other.walk[dir] = *walk;
	for (i = 0; i < n; i++)
		if (dname_from_config(a, texts[i], &names[i]))
			return "a name of the test is none";
	for (i = 0; i < 40; i++) {
		struct flow f = generate_flow(a, g, p);
		const struct dname pins[2] = {names[generate_below(g, n)],
					      names[generate_below(g, n)]};

		f.pins = pins;
		f.n_pins = generate_below(g, 3);
		f.sni = names[generate_below(g, n)];
		f.qname = names[generate_below(g, n)];
		if (f.kind == FLOW_EGRESS && f.proto == IPPROTO_TCP &&
		    percent(g, 70))
			f.sni_kind = FLOW_SNI_NAME;
		if (f.kind == FLOW_EGRESS && percent(g, 30)) {
			f.kind = FLOW_DNS;
			f.proto = percent(g, 50) ? IPPROTO_TCP : IPPROTO_UDP;
			if (percent(g, 50))
				f.ip.family = 0;
		}
		if (eval(a, p, &f).allow != eval(a, &other, &f).allow)
			return arena_printf(a, "\"%s\" tells them apart",
					    flow_format(a, &f));
	}
	return NULL;
}

static bool may_exchange(const struct policy_rule *x,
			 const struct policy_rule *y)
{
	if (is_name(x) != is_name(y))
		return false;
	return x->allow == y->allow ||
	       (x->dest.kind == CONFIG_DEST_RANGE &&
		y->dest.kind == CONFIG_DEST_RANGE &&
		!ip_range_overlap(x->dest.range, y->dest.range));
}

/* Neighbours with the same destination and protocols become one rule. */
static bool join(struct arena *a, struct policy_rule *x,
		 const struct policy_rule *y)
{
	struct config_ports *ports;

	if (is_name(x) || x->allow != y->allow || x->protos != y->protos ||
	    x->n_ports != 1 || y->n_ports != 1 ||
	    memcmp(&x->dest, &y->dest, sizeof(x->dest)) != 0)
		return false;
	ports = arena_array(a, 2, struct config_ports);
	if (x->ports[0].hi < y->ports[0].lo) {
		ports[0] = x->ports[0];
		ports[1] = y->ports[0];
	} else if (y->ports[0].hi < x->ports[0].lo) {
		ports[0] = y->ports[0];
		ports[1] = x->ports[0];
	} else {
		return false;
	}
	x->n_ports = 2;
	if (ports[0].hi + 1 == ports[1].lo) {
		ports[0].hi = ports[1].hi;
		x->n_ports = 1;
	}
	x->ports = ports;
	return true;
}

static struct policy_walk rewrite(struct arena *a, struct generator *g,
				  const struct policy *p,
				  const struct policy_walk *walk)
{
	struct rules from = {.a = a, .g = g, .p = p, .v = NULL}, to = from;
	struct policy_walk ret = *walk;
	size_t i;

	for (i = 0; i < walk->n; i++)
		rewrite_rule(&from, &walk->rules[i]);
	for (i = 0; i + 1 < from.n; i++) {
		struct policy_rule *two = &from.v[i], swap = two[0];

		if (!may_exchange(&two[0], &two[1]) || percent(g, 50))
			continue;
		two[0] = two[1];
		two[1] = swap;
	}
	for (i = 0; i < from.n; i++)
		if (!to.n || !join(a, &to.v[to.n - 1], &from.v[i]))
			add(&to, &from.v[i]);
	ret.rules = to.v;
	ret.n = to.n;
	return ret;
}

/* The verdict on a flow without a name, asked of one rule after the other. */
static bool one_by_one(struct arena *a, const struct space *s, struct ip ip,
		       uint8_t proto, uint16_t port)
{
	struct space plain = *s;
	size_t i;

	plain.runs = arena_array(a, s->n_runs, struct space_run);
	for (i = 0; i < s->n_runs; i++) {
		plain.runs[i] = s->runs[i];
		plain.runs[i].flat = false;
	}
	return space_allows(&plain, space_lookup(&plain, ip, proto, port));
}

/* One rule, in front of the walk, that turns the verdict on @f. */
static struct policy_walk flip(struct arena *a, struct generator *g,
			       const struct policy_walk *walk,
			       const struct flow *f, bool verdict,
			       struct policy_rule *ret_rule)
{
	static const unsigned int bits[SPACE_CLASSES] = {CONFIG_TCP, CONFIG_UDP,
							 0, 0};
	const enum space_class class = space_class_of(f->ip.family, f->proto);
	const unsigned int whole = ip_bits(f->ip.family);
	struct policy_rule *v = arena_array(a, walk->n + 1, struct policy_rule);
	struct config_ports *ports = arena_new(a, struct config_ports);
	struct policy_walk ret = *walk;

	v[0] = (struct policy_rule){
		.allow = !verdict,
		.protos = bits[class],
		.pointer = "/flipped",
	};
	v[0].dest.kind = CONFIG_DEST_RANGE;
	v[0].dest.range = ip_prefix(f->ip, whole - generate_below(g, 4));
	if (class == SPACE_ICMP)
		v[0].protos = f->ip.family == IP_V4 ? CONFIG_ICMPV4
						    : CONFIG_ICMPV6;
	if (f->has_port && percent(g, 70)) {
		ports->lo = ports->hi = f->port;
		if (ports->hi < UINT16_MAX)
			ports->hi++;
		v[0].ports = ports;
		v[0].n_ports = 1;
	}
	if (walk->n)
		memcpy(&v[1], walk->rules, walk->n * sizeof(*v));
	ret.rules = v;
	ret.n = walk->n + 1;
	*ret_rule = v[0];
	return ret;
}

static bool in_box(const struct policy_rule *box, const struct space_change *c)
{
	static const unsigned int bits[SPACE_CLASSES] = {
		CONFIG_TCP, CONFIG_UDP, CONFIG_ICMPV4 | CONFIG_ICMPV6, 0};
	const struct ip_range *r = &box->dest.range;

	if (c->addrs.family != r->family || c->addrs.lo < r->lo ||
	    c->addrs.hi > r->hi)
		return false;
	if (c->dns)
		return true;
	if (box->protos && !(box->protos & bits[c->service.class]))
		return false;
	return !box->n_ports || (c->service.lo >= box->ports[0].lo &&
				 c->service.hi <= box->ports[0].hi);
}

static bool holds_flow(const struct space_change *c, const struct flow *f)
{
	return !c->names && ip_range_has(c->addrs, f->ip) &&
	       c->service.class == space_class_of(f->ip.family, f->proto) &&
	       (!f->has_port ||
		(f->port >= c->service.lo && f->port <= c->service.hi));
}

static const char *check_flip(struct arena *a, struct generator *g,
			      const struct policy *p, enum policy_direction dir,
			      const struct space *before)
{
	const bool dns = dir == POLICY_EGRESS;
	const struct flow f = generate_flow(a, g, p);
	const bool was = one_by_one(a, before, f.ip, f.proto, f.port);
	struct policy_rule box;
	const struct policy_walk walk =
		flip(a, g, &p->walk[dir], &f, was, &box);
	struct space_change *v;
	struct space after;
	bool found = false, all;
	size_t n, i;

	if (!space_build(a, &walk, &p->slot, SPACE_CUT, &after))
		return "the flipped walk is not flat";
	if (space_diff(a, before, &after, dns, 100000, &v, &n, &all) !=
		    SPACE_YES ||
	    !all || !n)
		return "the flipped box is not found";
	for (i = 0; i < n; i++) {
		uint8_t proto;
		uint16_t port;
		const struct ip ip =
			space_witness(v[i].addrs, v[i].service, &proto, &port);

		if (!in_box(&box, &v[i]))
			return "a change outside of the flipped box";
		found = found || holds_flow(&v[i], &f);
		if (v[i].names)
			continue;
		if (v[i].before_allow == v[i].after_allow ||
		    one_by_one(a, before, ip, proto, port) !=
			    v[i].before_allow ||
		    one_by_one(a, &after, ip, proto, port) !=
			    v[i].after_allow ||
		    space_allows(before, v[i].before) != v[i].before_allow ||
		    space_allows(&after, v[i].after) != v[i].after_allow)
			return "a witness that is none";
	}
	return found ? NULL : "the flow that was flipped is in no change";
}

static const char *check_walk(struct arena *a, struct generator *g,
			      const struct policy *p, enum policy_direction dir)
{
	const bool dns = dir == POLICY_EGRESS;
	const struct policy_walk one = rewrite(a, g, p, &p->walk[dir]);
	const struct policy_walk two = rewrite(a, g, p, &one);
	struct space x, y, z;
	const char *why;

	if (!space_build(a, &p->walk[dir], &p->slot, SPACE_CUT, &x) ||
	    !space_build(a, &one, &p->slot, SPACE_CUT, &y) ||
	    !space_build(a, &two, &p->slot, SPACE_CUT, &z))
		return "a walk is not flat";
	if (space_same(&x, &x, dns) != SPACE_YES)
		return "a walk is not the same as itself";
	if (space_same(&x, &y, dns) != SPACE_YES ||
	    space_same(&y, &x, dns) != SPACE_YES)
		return "a rewritten walk is not the same";
	if (space_same(&y, &z, dns) != SPACE_YES ||
	    space_same(&x, &z, dns) != SPACE_YES)
		return "a walk that was rewritten twice is not the same";
	why = check_names(a, g, p, dir, &two);
	return why ? why : check_flip(a, g, p, dir, &x);
}

static bool run(uint64_t seed)
{
	ARENA(a);
	struct generator g = {.state = seed};
	const char *text = generate_document(&a, &g), *why = NULL;
	enum policy_direction dir;
	struct compiled c;

	if (!document_compile(&a, "random", text, strlen(text), 0, "test", &c))
		why = "refused";
	for (dir = POLICY_EGRESS; !why && dir < POLICY_DIRECTIONS; dir++)
		why = check_walk(&a, &g, &c.policy, dir);
	if (why)
		printf("seed %llu: %s\n  document: %s\n",
		       (unsigned long long)seed, why, text);
	return !why;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"seed", required_argument, NULL, 's'},
		{"docs", required_argument, NULL, 'd'},
		{NULL, 0, NULL, 0},
	};
	uint64_t seed = 1, docs = 300, i, failed = 0;
	bool good = true;
	int c;

	while (good && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			good = document_number(optarg, UINT64_MAX, &seed);
		else if (c == 'd')
			good = document_number(optarg, 1000000, &docs);
		else
			good = false;
	}
	if (!good || optind != argc) {
		fputs("usage: rewrite [--seed N] [--docs N]\n", stderr);
		return 2;
	}
	for (i = 0; i < docs; i++)
		failed += !run(seed + i);
	printf("%llu passed, %llu failed\n",
	       (unsigned long long)(docs - failed), (unsigned long long)failed);
	return failed ? 1 : 0;
}

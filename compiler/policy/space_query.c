/* SPDX-License-Identifier: GPL-2.0-or-later */
/* space_query.c - Questions about one space: who decides what. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "space_store.h"

/* Whether a rule about addresses matches, asked of the rule itself. */
static bool rule_matches(const struct space *s, const struct policy_rule *r,
			 struct ip ip, enum space_class class, uint16_t port)
{
	ARENA(a);
	struct space_service *v;
	size_t n, i;

	switch (r->dest.kind) {
	case CONFIG_DEST_ANY:
		break;
	case CONFIG_DEST_GROUP:
		if (group_of(ip, s->gw4, s->gw6) != r->dest.group)
			return false;
		break;
	case CONFIG_DEST_RANGE:
		if (!ip_range_has(r->dest.range, ip))
			return false;
		break;
	case CONFIG_DEST_NAME:
	case CONFIG_DEST_SUFFIX:
		return false;
	}
	v = space_rule_services(&a, r, ip.family, &n);
	for (i = 0; i < n; i++)
		if (v[i].class == class && port >= v[i].lo && port <= v[i].hi)
			return true;
	return false;
}

uint32_t space_run_lookup(const struct space *s, size_t run, struct ip ip,
			  uint8_t proto, uint16_t port)
{
	const struct space_run *r = &s->runs[run];
	const struct space_cell *cell;
	enum space_class class;
	size_t i;

	ip = ip_unmap(ip);
	class = space_class_of(ip.family, proto);
	if (class != SPACE_TCP && class != SPACE_UDP)
		port = 0;
	if (r->flat) {
		cell = space_area_at(&r->area, ip);
		return space_profile_at(cell->profile, class, port);
	}
	for (i = r->first; i < r->end; i++)
		if (rule_matches(s, &s->walk->rules[i], ip, class, port))
			return (uint32_t)i;
	return SPACE_FALLS;
}

uint32_t space_lookup(const struct space *s, struct ip ip, uint8_t proto,
		      uint16_t port)
{
	size_t i;

	for (i = 0; i < s->n_runs; i++) {
		uint32_t rule = SPACE_FALLS;

		if (s->runs[i].first != s->runs[i].end)
			rule = space_run_lookup(s, i, ip, proto, port);
		if (rule != SPACE_FALLS)
			return rule;
	}
	return SPACE_FALLS;
}

bool space_allows(const struct space *s, uint32_t rule)
{
	return rule == SPACE_FALLS ? s->walk->default_allow
				   : s->walk->rules[rule].allow;
}

const char *space_pointer(const struct space *s, uint32_t rule)
{
	return rule == SPACE_FALLS ? s->walk->default_pointer
				   : s->walk->rules[rule].pointer;
}

const struct space_cell *space_cells_of(const struct space_run *run,
					struct ip_range r, size_t *ret_n)
{
	const struct ip lo = {r.family, r.lo}, hi = {r.family, r.hi};
	const struct space_cell *first = space_area_at(&run->area, lo);
	const struct space_cell *last = space_area_at(&run->area, hi);

	*ret_n = (size_t)(last - first) + 1;
	return first;
}

struct ip_set space_rule_ranges(struct arena *a, const struct space *s,
				uint32_t rule)
{
	const struct config_dest *dest = &s->walk->rules[rule].dest;
	const struct ip_range all[2] = {
		{IP_V4, 0, ip_max(IP_V4)},
		{IP_V6, 0, ip_max(IP_V6)},
	};

	switch (dest->kind) {
	case CONFIG_DEST_GROUP:
		return group_set(a, dest->group, s->gw4, s->gw6);
	case CONFIG_DEST_RANGE:
		return ip_set_from(a, &dest->range, 1);
	case CONFIG_DEST_ANY:
	case CONFIG_DEST_NAME:
	case CONFIG_DEST_SUFFIX:
		break;
	}
	return ip_set_from(a, all, 2);
}

struct space_service *space_rule_services(struct arena *a,
					  const struct policy_rule *r,
					  enum ip_family family, size_t *ret_n)
{
	const enum config_proto icmp = family == IP_V4 ? CONFIG_ICMPV4
						       : CONFIG_ICMPV6;
	const enum config_proto bits[SPACE_CLASSES] = {CONFIG_TCP, CONFIG_UDP,
						       icmp, 0};
	struct space_service *v = arena_array(a, 2 * r->n_ports + SPACE_CLASSES,
					      struct space_service);
	enum space_class c;
	size_t n = 0, i;

	for (c = 0; c < SPACE_CLASSES; c++) {
		if (r->protos && !(r->protos & bits[c]))
			continue;
		if (!r->n_ports)
			v[n++] = (struct space_service){c, 0, UINT16_MAX};
		for (i = 0; c < SPACE_ICMP && i < r->n_ports; i++)
			v[n++] = (struct space_service){c, r->ports[i].lo,
							r->ports[i].hi};
	}
	*ret_n = n;
	return v;
}

typedef bool box_fn(void *data, struct ip_range addrs,
		    struct space_service service, uint32_t rule);

/* Calls @fn for each part of what @rule matches, until it returns false. */
static bool each_box(const struct space *s, uint32_t rule, box_fn *fn,
		     void *data)
{
	ARENA(a);
	const struct ip_set set = space_rule_ranges(&a, s, rule);
	const struct policy_rule *r = &s->walk->rules[rule];
	struct space_service *services[2];
	size_t n_services[2], i, j, k, n;

	services[0] = space_rule_services(&a, r, IP_V4, &n_services[0]);
	services[1] = space_rule_services(&a, r, IP_V6, &n_services[1]);
	for (i = 0; i < set.n; i++) {
		const struct ip_range range = set.v[i];
		const size_t six = range.family == IP_V6;
		const struct space_cell *cell =
			space_cells_of(&s->runs[0], range, &n);

		for (j = 0; j < n; j++, cell++) {
			struct ip_range addrs = cell->addrs;

			if (addrs.lo < range.lo)
				addrs.lo = range.lo;
			if (addrs.hi > range.hi)
				addrs.hi = range.hi;
			for (k = 0; k < n_services[six]; k++) {
				const struct space_service *want =
					&services[six][k];
				struct space_cursor at = space_cursor(
					cell->profile, want->class, want->lo);
				struct space_span span;

				while (space_next(&at, &span) &&
				       span.lo <= want->hi) {
					struct space_service got = {
						want->class, span.lo, span.hi};

					if (got.lo < want->lo)
						got.lo = want->lo;
					if (got.hi > want->hi)
						got.hi = want->hi;
					if (!fn(data, addrs, got, span.rule))
						return false;
				}
			}
		}
	}
	return true;
}

/** struct boxes - A list of boxes that is being filled */
struct boxes {
	struct arena *a;
	struct space_box *v;
	size_t n;
	size_t cap;
	size_t max;
};

static bool boxes_add(void *data, struct ip_range addrs,
		      struct space_service service, uint32_t rule)
{
	struct boxes *b = data;

	if (b->n == b->max)
		return false;
	b->v = arena_grow(b->a, b->v, b->n, &b->cap, sizeof(*b->v));
	b->v[b->n++] = (struct space_box){addrs, service, rule};
	return true;
}

bool space_boxes(struct arena *a, const struct space *s, uint32_t rule,
		 size_t max, struct space_box **ret, size_t *ret_n)
{
	struct boxes b = {.a = a, .max = max};
	const bool all = each_box(s, rule, boxes_add, &b);

	*ret = b.v;
	*ret_n = b.n;
	return all;
}

/* Take steps from those that may still be made; none is left at 0. */
static void spend(size_t *work, size_t steps)
{
	*work -= steps < *work ? steps : *work;
}

/** struct deciders - Which rules were met; the last one is the default */
struct deciders {
	bool *met;
	size_t n;
	size_t *work;
};

static bool deciders_add(void *data, struct ip_range addrs,
			 struct space_service service, uint32_t rule)
{
	struct deciders *d = data;

	(void)addrs;
	(void)service;
	d->met[rule == SPACE_FALLS ? d->n : rule] = true;
	spend(d->work, 1);
	return true;
}

size_t space_deciders(struct arena *a, const struct space *s, uint32_t rule,
		      uint32_t **ret, size_t *work)
{
	ARENA(scratch);
	struct deciders d = {.n = s->walk->n, .work = work};
	size_t n = 0, i;

	spend(work, d.n / 4);
	d.met = arena_array(&scratch, d.n + 1, bool);
	each_box(s, rule, deciders_add, &d);
	for (i = 0; i <= d.n; i++)
		n += d.met[i];
	*ret = arena_array(a, n, uint32_t);
	for (i = 0, n = 0; i <= d.n; i++)
		if (d.met[i])
			(*ret)[n++] = i < d.n ? (uint32_t)i : SPACE_FALLS;
	return n;
}

/* Whether two rules can match the same flow, as far as addresses say. */
static bool may_meet(const struct space *s, const struct policy_rule *x,
		     const struct policy_rule *y)
{
	ARENA(a);
	const struct policy_rule *rule[2] = {x, y};
	struct ip_set set;
	size_t i, j;

	if (x->dest.kind == CONFIG_DEST_RANGE &&
	    y->dest.kind == CONFIG_DEST_RANGE)
		return ip_range_overlap(x->dest.range, y->dest.range);
	for (i = 0; i < 2; i++)
		if (rule[i]->dest.kind != CONFIG_DEST_RANGE &&
		    rule[i]->dest.kind != CONFIG_DEST_GROUP)
			return true;
	if (x->dest.kind == y->dest.kind)
		return x->dest.group == y->dest.group;
	for (i = 0; i < 2; i++) {
		if (rule[i]->dest.kind != CONFIG_DEST_GROUP)
			continue;
		set = group_set(&a, rule[i]->dest.group, s->gw4, s->gw6);
		for (j = 0; j < set.n; j++)
			if (ip_range_overlap(set.v[j], rule[!i]->dest.range))
				return true;
		return false;
	}
	return true;
}

/** struct seen - Whether a flow is judged otherwise without a rule */
struct seen {
	const struct space *s;
	uint32_t rule;
	size_t left;
	bool otherwise;
	size_t *work;
};

/* The first flow of a box that the rule decides, and who is next to. */
static bool seen_add(void *data, struct ip_range addrs,
		     struct space_service service, uint32_t rule)
{
	const struct ip ip = {addrs.family, addrs.lo};
	struct seen *v = data;
	const struct policy_walk *w = v->s->walk;
	uint32_t next = v->rule + 1;

	spend(v->work, 1);
	if (rule != v->rule)
		return *v->work > 0;
	while (next < w->n && !rule_matches(v->s, &w->rules[next], ip,
					    service.class, service.lo))
		next++;
	spend(v->work, 2 * (size_t)(next - v->rule));
	if (next == w->n)
		next = SPACE_FALLS;
	v->otherwise = space_allows(v->s, next) != space_allows(v->s, rule);
	return !v->otherwise && --v->left && *v->work;
}

/** SEEN_BOXES - Parts of a rule that are tried before all of it is compared */
#define SEEN_BOXES 4

/* More domain rules than this behind a rule are not compared for it alone. */
#define NOTHING_MAX_NAMES 256

/* Steps that a rule costs which meets another, in two spaces. */
#define MEETING 500

enum space_answer space_changes_nothing(const struct space *s,
					const struct slot *slot, uint32_t rule,
					bool dns, size_t *work)
{
	ARENA(a);
	const struct policy_walk *w = s->walk;
	struct seen seen = {
		.s = s, .rule = rule, .left = SEEN_BOXES, .work = work};
	const struct policy_rule *own = &w->rules[rule];
	struct policy_walk with = {.default_allow = w->default_allow}, without;
	struct policy_rule *met = NULL, *v;
	size_t names = 0, cap = 0, n = 0, place = 0, i;
	struct space x, y;

	each_box(s, rule, seen_add, &seen);
	if (seen.otherwise)
		return SPACE_NO;
	spend(work, w->n);
	/* A domain rule before it is asked first either way. */
	for (i = 0; i < w->n; i++) {
		const struct policy_rule *r = &w->rules[i];
		const bool name = r->dest.kind == CONFIG_DEST_NAME ||
				  r->dest.kind == CONFIG_DEST_SUFFIX;

		if (i == rule || (name && i < rule) || !may_meet(s, r, own))
			continue;
		names += name;
		place += i < rule;
		/* Few meet: making room for all would cost more than asking. */
		met = arena_grow(&a, met, n, &cap, sizeof(*met));
		met[n++] = *r;
	}
	spend(work, n * MEETING);
	if (names > NOTHING_MAX_NAMES || !*work)
		return SPACE_UNKNOWN;
	without = with;
	without.rules = met;
	without.n = n;
	/* Its place: behind those of the list that come before it. */
	v = arena_array(&a, n + 1, struct policy_rule);
	for (i = 0; i < n; i++)
		v[i + (i >= place)] = met[i];
	v[place] = *own;
	with.rules = v;
	with.n = n + 1;
	if (!space_build(&a, &with, slot, SPACE_CUT, &x) ||
	    !space_build(&a, &without, slot, SPACE_CUT, &y))
		return SPACE_UNKNOWN;
	spend(work, x.steps + y.steps);
	return space_same(&x, &y, dns);
}

struct ip space_witness(struct ip_range addrs, struct space_service service,
			uint8_t *ret_proto, uint16_t *ret_port)
{
	const struct ip ip = {addrs.family, addrs.lo};
	const bool v4 = addrs.family == IP_V4;
	/* SCTP: it has a name in no rule. */
	const uint8_t protos[SPACE_CLASSES] = {
		IPPROTO_TCP, IPPROTO_UDP, v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
		IPPROTO_SCTP};

	*ret_proto = protos[service.class];
	*ret_port = 0;
	if (service.class == SPACE_TCP || service.class == SPACE_UDP)
		*ret_port = service.lo || !service.hi ? service.lo : 1;
	return ip;
}

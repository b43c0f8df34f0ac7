/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lint_secrets.c - What is allowed where there are secrets, and is not read. */
#include <string.h>

#include "eval.h"
#include "lint_parts.h"
#include "str.h"

/*
 * A placeholder is looked for in TCP to port 80 and, where TLS is intercepted,
 * inside it. In what else the policy allows nobody looks. Which ports that are
 * is known from the normal form of the egress walk; a rule that allows a name
 * adds its own, as far as nothing before it decides them for all addresses.
 *
 * DNS is left out where it is msb-dnsd's: nothing but names and answers passes.
 */

#define PORTS 65536u
#define SHOWN 8u

/**
 * struct unread - What is not read of one protocol
 * @class:	SPACE_TCP or SPACE_UDP
 * @next:	the first port from each one on that would not be read; PORTS is
 *		"none"
 * @free:	likewise, those left out that are in @open already: a forest
 * @open:	ports that are allowed
 * @by:		by index in the walk with what always holds in front, the
 *		default last: whether it allows one of them
 * @work:	steps that are left
 */
struct unread {
	enum space_class class;
	uint32_t next[PORTS + 1];
	uint32_t free[PORTS + 1];
	bool open[PORTS];
	bool *by;
	size_t work;
};

static bool is_read(const struct policy *p, enum space_class class,
		    uint16_t port)
{
	return !port || (port == 53 && p->dns == POLICY_DNS_HELPER) ||
	       (class == SPACE_TCP && eval_takes(p, port));
}

static void begin(struct unread *u, const struct lint *l,
		  enum space_class class)
{
	uint32_t port;

	*u = (struct unread){.class = class, .work = LINT_WORK / 8};
	u->by = arena_array(l->a, l->side[POLICY_EGRESS].walk.n + 1, bool);
	u->next[PORTS] = u->free[PORTS] = PORTS;
	for (port = PORTS; port-- > 0;)
		u->free[port] = u->next[port] =
			is_read(l->p, class, (uint16_t)port) ? u->next[port + 1]
							     : port;
}

static uint32_t find(struct unread *u, uint32_t port)
{
	while (u->free[port] != port) {
		u->free[port] = u->free[u->free[port]];
		port = u->free[port];
	}
	return port;
}

/* Ports are allowed, by a rule of which this may be the first that is heard. */
static void allow(struct unread *u, uint32_t lo, uint32_t hi, size_t by)
{
	uint32_t port;

	if (u->next[lo] > hi)
		return;
	u->by[by] = true;
	for (port = find(u, lo); port <= hi; port = find(u, port)) {
		u->open[port] = true;
		u->free[port] = port + 1;
	}
}

static bool spend(struct unread *u, size_t steps)
{
	u->work -= steps < u->work ? steps : u->work;
	return u->work > 0;
}

/* One span of a profile: what allows it, if anything does. */
static void look_at(struct unread *u, const struct space *s, uint32_t lo,
		    uint32_t hi, uint32_t rule)
{
	if (space_allows(s, rule))
		allow(u, lo, hi, rule == SPACE_FALLS ? s->walk->n : rule);
}

/* A span that falls to the base. */
static bool look_below(struct unread *u, const struct space *s,
		       const struct space_ports *base, uint32_t lo, uint32_t hi)
{
	size_t first = 0, end = base->n;

	while (first < end) {
		const size_t mid = first + (end - first) / 2;

		if (base->v[mid].hi < lo)
			first = mid + 1;
		else
			end = mid;
	}
	for (; first < base->n && base->v[first].lo <= hi; first++) {
		const struct space_span *b = &base->v[first];

		look_at(u, s, b->lo > lo ? b->lo : lo, b->hi < hi ? b->hi : hi,
			b->rule);
		if (!spend(u, 1))
			return false;
	}
	return true;
}

static bool look_profile(struct unread *u, const struct space *s,
			 const struct space_profile *p)
{
	const struct space_ports *own = p->own[u->class];
	size_t i;

	for (i = 0; i < own->n; i++) {
		const struct space_span *v = &own->v[i];

		if (v->rule != SPACE_FALLS)
			look_at(u, s, v->lo, v->hi, v->rule);
		else if (!look_below(u, s, p->base[u->class], v->lo, v->hi))
			return false;
		if (!spend(u, 1))
			return false;
	}
	return true;
}

static bool look_addresses(struct unread *u, const struct lint *l)
{
	const struct space *s = &l->side[POLICY_EGRESS].space;
	bool *seen = arena_array(l->a, s->n_profiles, bool);
	size_t i;

	for (i = 0; i < s->runs[0].area.n; i++) {
		const struct space_profile *p = s->runs[0].area.v[i].profile;

		if (seen[p->number])
			continue;
		seen[p->number] = true;
		if (!look_profile(u, s, p))
			return false;
	}
	return true;
}

static void look_name(struct unread *u, const struct policy_rule *r, size_t by,
		      const bool *settled)
{
	const struct config_ports all = {1, PORTS - 1};
	const struct config_ports *v = r->n_ports ? r->ports : &all;
	size_t i;

	for (i = 0; i < (r->n_ports ? r->n_ports : 1); i++) {
		uint32_t lo = v[i].lo, hi;

		while (lo <= v[i].hi) {
			if (settled[lo]) {
				lo++;
				continue;
			}
			for (hi = lo; hi < v[i].hi && !settled[hi + 1]; hi++)
				;
			allow(u, lo, hi, by);
			lo = hi + 1;
		}
	}
}

static void settle(bool *settled, const struct policy_rule *r)
{
	const struct config_ports all = {1, PORTS - 1};
	const struct config_ports *v = r->n_ports ? r->ports : &all;
	size_t i;

	for (i = 0; i < (r->n_ports ? r->n_ports : 1); i++)
		memset(settled + v[i].lo, true, (size_t)v[i].hi - v[i].lo + 1);
}

/* Rules that allow names: they match where names are known. */
static bool look_names(struct unread *u, const struct lint *l)
{
	const struct policy_walk *w = &l->side[POLICY_EGRESS].walk;
	const unsigned int proto = u->class == SPACE_TCP ? CONFIG_TCP
							 : CONFIG_UDP;
	bool *settled = arena_array(l->a, PORTS, bool);
	size_t i;

	for (i = 0; i < w->n && l->p->dns == POLICY_DNS_HELPER; i++) {
		const struct policy_rule *r = &w->rules[i];

		if (r->protos && !(r->protos & proto))
			continue;
		if (lint_is_name(r) && r->allow)
			look_name(u, r, i, settled);
		else if (r->dest.kind == CONFIG_DEST_ANY)
			settle(settled, r);
		if (!spend(u, r->n_ports + 1))
			return false;
	}
	return true;
}

/* "80, 443 and 8000-9000", as far as there is room. */
static size_t put_ports(struct str *s, const struct unread *u)
{
	uint32_t port = 1, end;
	size_t n = 0;

	for (; port < PORTS; port = end + 1) {
		end = port;
		if (!u->open[port])
			continue;
		while (end + 1 < PORTS && u->open[end + 1])
			end++;
		if (n++ >= SHOWN)
			continue;
		str_printf(s, end > port ? "%s%u-%u" : "%s%u",
			   n > 1 ? ", " : "", port, end);
	}
	if (n > SHOWN)
		str_printf(s, " and %zu more", n - SHOWN);
	return n;
}

static const char *allowed_by(const struct policy_walk *w, size_t i)
{
	return i < w->n ? w->rules[i].pointer : w->default_pointer;
}

static void put_rules(struct str *s, const struct unread *u,
		      const struct policy_walk *w)
{
	const char *last = "";
	size_t i, n = 0;

	for (i = 0; i <= w->n; i++) {
		/* A preset's rules have one pointer. */
		if (!u->by[i] || strcmp(last, allowed_by(w, i)) == 0)
			continue;
		last = allowed_by(w, i);
		if (n++ < SHOWN)
			str_printf(s, "%s%s", n > 1 ? ", " : "", last);
	}
	if (n > SHOWN)
		str_printf(s, " and %zu more", n - SHOWN);
}

static bool any_intercepted(const struct policy *p, const struct unread *u)
{
	uint32_t port;

	for (port = u->next[0]; port < PORTS; port++)
		if (u->open[port] && eval_intercepts(p, (uint16_t)port))
			return true;
	return false;
}

static void look(struct lint *l, enum space_class class, const char *name,
		 enum diag_code code)
{
	struct unread *u = arena_new(l->a, struct unread);
	const char *hint = NULL;
	STR(ports);
	STR(rules);

	begin(u, l, class);
	if (!look_addresses(u, l) || !look_names(u, l)) {
		lint_bound(l, "/Secrets", "it is not asked what is not read");
		return;
	}
	if (!put_ports(&ports, u))
		return;
	put_rules(&rules, u, &l->side[POLICY_EGRESS].walk);
	if (class == SPACE_UDP && any_intercepted(l->p, u))
		hint = "with BlockQUIC true, no QUIC passes where TLS is "
		       "intercepted";
	else if (class == SPACE_TCP)
		hint = "allow what is needed alone, and intercept TLS where it "
		       "is";
	lint_add(
		l, DIAG_NOTE, code, "/Secrets", hint,
		"placeholders are not looked for in %s to port%s %s, allowed by "
		"%s",
		name, strpbrk(str_text(&ports), "-,") ? "s" : "",
		str_text(&ports), str_text(&rules));
}

static void look_bypass(struct lint *l)
{
	const struct config_tls *tls = &l->p->config->tls;
	char text[DNAME_TEXT_MAX];
	size_t i;
	STR(s);

	if (!tls->present || (tls->has_ports && !tls->n_ports) ||
	    !tls->n_bypass)
		return;
	for (i = 0; i < tls->n_bypass && i < SHOWN; i++)
		str_printf(&s, "%s%s%s", i ? ", " : "",
			   tls->bypass[i].wildcard ? "*." : "",
			   dname_format(tls->bypass[i].name, text));
	if (tls->n_bypass > SHOWN)
		str_printf(&s, " and %zu more", tls->n_bypass - SHOWN);
	lint_add(l, DIAG_NOTE, DIAG_LINT_UNREAD_BYPASS, "/TLS/Bypass", NULL,
		 "placeholders are not looked for in TLS with %s",
		 str_text(&s));
}

void lint_secrets(struct lint *l)
{
	if (!l->p->config->n_secrets)
		return;
	look_bypass(l);
	look(l, SPACE_TCP, "TCP", DIAG_LINT_UNREAD_TCP);
	look(l, SPACE_UDP, "UDP", DIAG_LINT_UNREAD_UDP);
}

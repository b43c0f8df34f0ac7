/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lint_bindings.c - Ports that are published in vain. */
#include "eval.h"
#include "group.h"
#include "lint_parts.h"

/* Peers that a binding can have: who is on the host for one on loopback. */
static struct ip_set peers(struct lint *l, const struct config_binding *b)
{
	const struct ip_range all = {b->bind.family, 0, ip_max(b->bind.family)};
	const struct slot *s = &l->p->slot;

	if (group_of(b->bind, s->gw4, s->gw6) != GROUP_LOOPBACK)
		return ip_set_from(l->a, &all, 1);
	return ip_set_family(group_set(l->a, GROUP_LOOPBACK, s->gw4, s->gw6),
			     b->bind.family);
}

/* A peer may have a name, which a rule allows. */
static bool names_may_allow(const struct lint *l,
			    const struct config_binding *b)
{
	const struct policy_walk *w = &l->p->walk[POLICY_INGRESS];
	size_t i, j;

	for (i = 0; i < w->n; i++) {
		const struct policy_rule *r = &w->rules[i];

		if (!lint_is_name(r) || !r->allow ||
		    (r->protos && !(r->protos & b->proto)))
			continue;
		if (!r->n_ports)
			return true;
		for (j = 0; j < r->n_ports; j++)
			if (b->guest_port >= r->ports[j].lo &&
			    b->guest_port <= r->ports[j].hi)
				return true;
	}
	return false;
}

static bool all_denied(struct lint *l, const struct config_binding *b)
{
	const struct space *s = &l->side[POLICY_INGRESS].space;
	const uint8_t proto = b->proto == CONFIG_TCP ? 6 : 17;
	const struct ip_set set = peers(l, b);
	size_t i, j, n;

	if (names_may_allow(l, b))
		return false;
	for (i = 0; i < set.n; i++) {
		const struct space_cell *c =
			space_cells_of(&s->runs[0], set.v[i], &n);

		for (j = 0; j < n; j++, c++) {
			const struct ip ip = {c->addrs.family, c->addrs.lo};

			if (space_allows(s, space_lookup(s, ip, proto,
							 b->guest_port)))
				return false;
		}
	}
	return true;
}

/* Why the host has no such address; NULL if it may have. */
static const char *nowhere(const struct lint *l, struct ip ip)
{
	const struct slot *s = &l->p->slot;

	if (ip_range_has(s->net4, ip) || ip_range_has(s->net6, ip))
		return "is in the sandbox's own network";
	if (ip_range_has(eval_uplink_net(), ip))
		return "is on the link between host and gateway";
	if (group_of(ip, s->gw4, s->gw6) == GROUP_MULTICAST ||
	    ip_equal(ip, ip4(255, 255, 255, 255)))
		return "is no address of one machine";
	if (ip.family == IP_V6 &&
	    group_of(ip, s->gw4, s->gw6) == GROUP_LINK_LOCAL)
		return "means nothing without an interface, which Bind cannot "
		       "name";
	return NULL;
}

static void look(struct lint *l, const struct config_binding *b)
{
	const char *why = nowhere(l, b->bind);
	char buf[IP_TEXT_MAX];

	if (why)
		lint_add(l, DIAG_WARNING, DIAG_LINT_BIND_NOWHERE, b->pointer,
			 "bind an address of the host, or 0.0.0.0 or ::",
			 "%s %s", ip_format(b->bind, buf), why);
	if (all_denied(l, b))
		lint_add(l, DIAG_WARNING, DIAG_LINT_PUBLISHED_DENIED,
			 b->pointer, NULL,
			 "ingress denies port %u to every peer that this "
			 "binding can have",
			 b->guest_port);
}

void lint_bindings(struct lint *l)
{
	const struct config *c = l->p->config;
	size_t i;

	for (i = 0; i < c->n_bindings && i < LINT_MAX_ITEMS; i++)
		look(l, &c->bindings[i]);
	if (i < c->n_bindings)
		lint_bound(l, c->bindings[i].pointer,
			   "no binding is asked whether ingress denies it");
}

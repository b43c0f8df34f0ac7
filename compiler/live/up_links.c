/* SPDX-License-Identifier: GPL-2.0-or-later */
/* up_links.c - The steps that make the links of a sandbox, and their routes. */
#include "up.h"

static int make_tap(struct up *u, const struct plan_link *l,
		    struct live_error *e)
{
	int ret;

	if (up_enter(u, PLAN_GATEWAY, e) < 0)
		return -1;
	ret = link_add_tap(u->sock[PLAN_GATEWAY], &l->end[0], l->mtu, e);
	up_leave(u);
	return ret;
}

int up_make_links(void *data, struct live_error *e)
{
	struct up *u = data;
	size_t i;

	for (i = 0; i < u->plan->n_links; i++) {
		const struct plan_link *l = &u->plan->links[i];
		const enum plan_ns far = l->end[1].ns;
		int ret;

		if (up_goes_on(u, e) < 0)
			return -1;
		if (up_skips(u, far))
			ret = make_tap(u, l, e);
		else
			ret = link_add_veth(u->sock[PLAN_GATEWAY], &l->end[0],
					    &l->end[1], u->ns[far], l->mtu, e);
		if (ret < 0)
			return -1;
		u->links[i] = true;
	}
	return 0;
}

void up_undo_links(void *data)
{
	struct up *u = data;
	struct live_error ignored;
	size_t i;

	for (i = u->plan->n_links; i--;)
		if (u->links[i])
			link_delete(u->sock[PLAN_GATEWAY],
				    u->plan->links[i].end[0].name, &ignored);
}

int up_make_addrs(void *data, struct live_error *e)
{
	struct up *u = data;
	size_t i;

	for (i = 0; i < u->plan->n_addrs; i++) {
		const struct plan_addr *addr = &u->plan->addrs[i];

		if (up_skips(u, addr->ns))
			continue;
		if (up_goes_on(u, e) < 0 ||
		    link_add_addr(u->sock[addr->ns], addr, e) < 0)
			return -1;
	}
	return 0;
}

static int raise_lo(struct up *u, enum plan_ns ns, bool *ret_changed,
		    struct live_error *e)
{
	uint8_t mac[6];
	bool is_up;

	if (up_goes_on(u, e) < 0)
		return -1;
	if (link_get(u->sock[ns], "lo", mac, &is_up) && is_up)
		return 0;
	if (link_set_up(u->sock[ns], "lo", true, e) < 0)
		return -1;
	*ret_changed = true;
	return 0;
}

int up_make_up(void *data, struct live_error *e)
{
	struct up *u = data;
	bool gateway_lo;
	size_t i, j;

	if (raise_lo(u, PLAN_GATEWAY, &gateway_lo, e) < 0)
		return -1;
	if (!up_skips(u, PLAN_GUEST) &&
	    raise_lo(u, PLAN_GUEST, &u->guest_lo, e) < 0)
		return -1;
	for (i = 0; i < u->plan->n_links; i++) {
		for (j = 0; j < 2; j++) {
			const struct plan_end *end = &u->plan->links[i].end[j];

			if (up_skips(u, end->ns))
				continue;
			if (up_goes_on(u, e) < 0 ||
			    link_set_up(u->sock[end->ns], end->name, true, e) <
				    0)
				return -1;
		}
	}
	return 0;
}

void up_undo_up(void *data)
{
	struct up *u = data;
	struct live_error ignored;

	if (u->guest_lo)
		link_set_up(u->sock[PLAN_GUEST], "lo", false, &ignored);
}

int up_make_neighbours(void *data, struct live_error *e)
{
	struct up *u = data;
	size_t i;

	for (i = 0; i < u->plan->n_neighbours; i++) {
		const struct plan_neighbour *n = &u->plan->neighbours[i];

		if (up_goes_on(u, e) < 0 ||
		    link_add_neighbour(u->sock[n->ns], n, e) < 0)
			return -1;
	}
	return 0;
}

int up_make_routes(void *data, struct live_error *e)
{
	struct up *u = data;
	size_t i;

	for (i = 0; i < u->plan->n_routes; i++) {
		const struct plan_route *route = &u->plan->routes[i];

		if (up_skips(u, route->ns))
			continue;
		if (up_goes_on(u, e) < 0 ||
		    link_add_route(u->sock[route->ns], route, e) < 0)
			return -1;
	}
	return 0;
}

int up_make_rules(void *data, struct live_error *e)
{
	struct up *u = data;
	size_t i;

	for (i = 0; i < u->plan->n_rules; i++) {
		const struct plan_rule *rule = &u->plan->rules[i];

		if (up_skips(u, rule->ns))
			continue;
		if (up_goes_on(u, e) < 0 ||
		    link_add_rule(u->sock[rule->ns], rule, e) < 0)
			return -1;
	}
	return 0;
}

/* A tap carries packets once a machine is attached to it. */
int up_make_running(void *data, struct live_error *e)
{
	struct up *u = data;
	size_t i, j;

	for (i = 0; i < u->plan->n_links; i++) {
		const struct plan_end *ends = u->plan->links[i].end;

		for (j = 0; j < 2 && !up_skips(u, ends[1].ns); j++)
			if (up_goes_on(u, e) < 0 ||
			    link_wait_running(u->sock[ends[j].ns], ends[j].name,
					      e) < 0)
				return -1;
	}
	return 0;
}

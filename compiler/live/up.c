/* SPDX-License-Identifier: GPL-2.0-or-later */
/* up.c - Making sandboxes. */
#include "up.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "conntrack.h"
#include "netns.h"
#include "nft_text.h"
#include "str.h"

/*
 * Theory of operation
 *
 * A sandbox is made in steps, and each step has its undo. What a step has made
 * so far is noted in struct up as it happens, never what it is about to make:
 * so when something fails, the undos of the steps that were begun run backwards
 * and each removes exactly what is ours, also of a step that failed half-way.
 *
 * The steps are in an order in which nothing is open at any moment. The tables
 * come first: the gateway's, whose chains drop by default, is in force before
 * there is an interface in the gateway, and the sandbox's elements are in the
 * host's table before there is an uplink. Links are born down, with their final
 * names in their final namespaces. The guest's default routes are the last.
 *
 * The name in the state directory is the first thing made and the last removed.
 * A process that is killed in between leaves a record that says "not ready" and
 * has no owner; "down" removes it, as does the next "up" or "run" on its way.
 * One lock of the machine is held from the choice of the slot until the routes
 * are there, because that is how other states see that the slot is taken.
 */

int up_goes_on(struct up *u, struct live_error *e)
{
	return change_goes_on(&u->change, e);
}

int up_enter(struct up *u, enum plan_ns ns, struct live_error *e)
{
	return netns_enter(u->ns[ns], e);
}

void up_leave(struct up *u)
{
	netns_return(u->ns[PLAN_HOST]);
}

bool up_skips(const struct up *u, enum plan_ns ns)
{
	return ns == PLAN_GUEST && u->ns[PLAN_GUEST] < 0;
}

static int make_state(void *data, struct live_error *e)
{
	struct up *u = data;
	const struct compiled *c = &u->sb->compiled;
	struct state_file *files;
	size_t n;
	ARENA(a);

	u->leases = lease_names(u->arena, &u->plan->policy->slot, &c->config);
	files = sandbox_files(&a, c, &u->sb->certs, u->req->doc, &u->leases,
			      &n);
	if (up_goes_on(u, e) < 0)
		return -1;
	u->sb->owner = state_add(u->state, &u->sb->record, files, n, e);
	u->in_state = u->sb->owner >= 0;
	if (!u->in_state || up_goes_on(u, e) < 0)
		return -1;
	return lease_take(u->state, u->plan->name, &u->leases, e);
}

static void undo_state(void *data)
{
	struct live_error ignored;
	struct up *u = data;

	if (u->in_state) {
		state_remove(u->state, u->plan->name, &ignored);
		lease_release(u->state, u->plan->name, &u->leases, NULL);
		state_unshare(u->state);
	}
	if (u->sb->owner >= 0)
		close(u->sb->owner);
	u->sb->owner = -1;
}

static int make_netns(void *data, struct live_error *e)
{
	struct up *u = data;
	if (up_goes_on(u, e) < 0)
		return -1;
	u->ns[PLAN_GATEWAY] = netns_create(u->plan->netns, e);
	if (u->ns[PLAN_GATEWAY] < 0)
		return -1;
	u->has_netns = true;
	if (up_enter(u, PLAN_GATEWAY, e) < 0)
		return -1;
	u->sock[PLAN_GATEWAY] = link_open(e);
	if (u->sock[PLAN_GATEWAY])
		u->rules[PLAN_GATEWAY] = ruleset_open(e);
	up_leave(u);
	return u->rules[PLAN_GATEWAY] ? 0 : -1;
}

static void undo_netns(void *data)
{
	struct up *u = data;
	struct live_error ignored;

	if (u->has_netns)
		netns_delete(u->plan->netns, &ignored);
}

static int set_one(struct up *u, const struct plan_sysctl *s,
		   struct live_error *e)
{
	char now[SYSCTL_MAX];

	if (!s->keep)
		return sysctl_write(u->settings, s->key, s->value, e);
	if (sysctl_read(u->settings, s->key, now, e) < 0)
		return -1;
	if (strcmp(now, s->value) == 0)
		return 0;
	if (u->n_kept == sizeof(u->kept_key) / sizeof(u->kept_key[0]))
		return live_system(e, "too many settings of the host");
	if (sysctl_write(u->settings, s->key, s->value, e) < 0)
		return -1;
	u->kept_key[u->n_kept] = s->key;
	memcpy(u->kept_value[u->n_kept++], now, sizeof(now));
	u->sb->record.forwarding = true;
	return 0;
}

static int set_all(struct up *u, bool with_link, struct live_error *e)
{
	size_t i;
	int ret;

	for (i = 0; i < u->plan->n_sysctls; i++) {
		const struct plan_sysctl *s = &u->plan->sysctls[i];

		if (!!s->link != with_link || up_skips(u, s->ns))
			continue;
		if (up_goes_on(u, e) < 0 || up_enter(u, s->ns, e) < 0)
			return -1;
		ret = set_one(u, s, e);
		up_leave(u);
		if (ret < 0)
			return -1;
	}
	return 0;
}

static int make_settings(void *data, struct live_error *e)
{
	struct up *u = data;

	u->settings = sysctl_open();
	if (u->settings < 0)
		return live_errno(e, errno, "open /proc/sys");
	return set_all(u, false, e);
}

static void undo_settings(void *data)
{
	struct up *u = data;
	struct live_error ignored;

	while (u->n_kept--)
		sysctl_write(u->settings, u->kept_key[u->n_kept],
			     u->kept_value[u->n_kept], &ignored);
}

static int make_table(void *data, struct live_error *e)
{
	struct up *u = data;
	STR(text);

	/* The namespace is new: there is nothing to replace. */
	nft_text_table(&text, &u->plan->sandbox);
	if (up_goes_on(u, e) < 0)
		return -1;
	return ruleset_load(u->rules[PLAN_GATEWAY], str_text(&text), e);
}

static int make_host_table(void *data, struct live_error *e)
{
	struct up *u = data;
	const struct artefact *text =
		compile_artefact(&u->sb->compiled, "host.nft");

	if (up_goes_on(u, e) < 0 ||
	    ruleset_load(u->rules[PLAN_HOST], text->text, e) < 0)
		return -1;
	u->host_table = true;
	return 0;
}

static void undo_host_table(void *data)
{
	struct live_error ignored;
	struct up *u = data;

	if (u->host_table)
		change_leave_host(u->state, u->plan->name, u->rules[PLAN_HOST],
				  &ignored);
}

static int make_link_settings(void *data, struct live_error *e)
{
	struct up *u = data;
	return set_all(u, true, e);
}

static int make_helper(struct up *u, enum supervisor_kind kind, int names,
		       struct live_error *e)
{
	int channel, ret;

	if (up_goes_on(u, e) < 0 || up_enter(u, PLAN_GATEWAY, e) < 0)
		return -1;
	/* Also where no flow is steered yet: a later document may want it. */
	ret = helpers_open_gateway(&u->sockets, kind, e);
	up_leave(u);
	if (ret < 0 || up_goes_on(u, e) < 0)
		return -1;
	channel = supervisor_start(u->state, u->plan->name, kind,
				   u->ns[PLAN_GATEWAY], u->req->helpers, e);
	if (channel < 0)
		return -1;
	ret = up_goes_on(u, e);
	if (ret == 0)
		ret = helpers_prepare(channel, kind, &u->sb->compiled,
				      &u->sockets, names, e);
	if (ret == 0)
		ret = up_goes_on(u, e);
	if (ret == 0)
		ret = supervisor_commit(channel, e);
	close(channel);
	return ret;
}

static int make_helpers(void *data, struct live_error *e)
{
	enum supervisor_kind kind;
	struct up *u = data;
	int names, ret;

	ret = sandbox_share_names(u->state, &u->sb->compiled, &names, e);
	for (kind = 0; kind < SUPERVISOR_KINDS && ret == 0; kind++)
		if (plan_needs(u->plan, supervisor_helper(kind)))
			ret = make_helper(u, kind, names, e);
	if (names >= 0)
		close(names);
	return ret;
}

static void undo_helpers(void *data)
{
	enum supervisor_kind kind;
	struct live_error ignored;
	struct up *u = data;

	for (kind = 0; kind < SUPERVISOR_KINDS; kind++)
		supervisor_stop(u->state, u->plan->name, kind, &ignored);
}

/* Peers that sent before there was anything to send to. */
static int make_flows(void *data, struct live_error *e)
{
	struct up *u = data;
	const struct config *config = u->plan->policy->config;
	const struct config_binding **v =
		arena_array(u->arena, config->n_bindings + 1,
			    const struct config_binding *);
	const struct conntrack_change c = {
		.slot = &u->plan->policy->slot,
		.v = v,
		.n = config->n_bindings,
		.all = true,
	};
	size_t i;

	for (i = 0; i < c.n; i++)
		v[i] = &config->bindings[i];
	return up_goes_on(u, e) < 0 ? -1
				    : conntrack_forget(&c, u->ns[PLAN_HOST],
						       u->ns[PLAN_GATEWAY], e);
}

static int make_ready(void *data, struct live_error *e)
{
	struct up *u = data;

	u->sb->record.ready = true;
	if (up_goes_on(u, e) < 0)
		return -1;
	return state_update(u->state, &u->sb->record, e);
}

/* Addresses, neighbours, routes and rules need no undo: they go with the links
 * and the namespace. */
static const struct change_step steps[] = {
	{"write the state", make_state, undo_state},
	{"make the gateway namespace", make_netns, undo_netns},
	{"change kernel settings", make_settings, undo_settings},
	{"load the sandbox's table", make_table, NULL},
	{"add to the host's table", make_host_table, undo_host_table},
	{"make links", up_make_links, up_undo_links},
	{"change settings of links", make_link_settings, NULL},
	{"add addresses", up_make_addrs, NULL},
	{"set links up", up_make_up, up_undo_up},
	{"add neighbours", up_make_neighbours, NULL},
	{"add routes", up_make_routes, NULL},
	{"add routing rules", up_make_rules, NULL},
	{"start the helpers", make_helpers, undo_helpers},
	{"end flows of ports that change", make_flows, NULL},
	{"wait for the links", up_make_running, NULL},
	{"finish the record", make_ready, NULL},
};

static void up_close(struct up *u)
{
	enum plan_ns ns;

	helpers_close(&u->sockets);
	if (u->settings >= 0)
		close(u->settings);
	ruleset_close(u->rules[PLAN_HOST]);
	ruleset_close(u->rules[PLAN_GATEWAY]);
	for (ns = PLAN_HOST; ns <= PLAN_GUEST; ns++) {
		link_close(u->sock[ns]);
		if (u->ns[ns] >= 0)
			close(u->ns[ns]);
	}
}

int sandbox_up(struct arena *a, struct state *s,
	       const struct sandbox_request *req, struct sandbox *ret,
	       struct live_error *e)
{
	struct up u = {
		.arena = a,
		.req = req,
		.state = s,
		.sb = ret,
		.ns = {-1, -1, -1},
		.settings = -1,
	};
	int rc = -1;

	helpers_init(a, &u.sockets, 0);
	memset(ret, 0, sizeof(*ret));
	ret->owner = -1;
	if (sandbox_privileged(e) < 0 ||
	    change_begin(&u.change, s, req->fail_at, e) < 0)
		return -1;
	u.ns[PLAN_HOST] = netns_open_self(e);
	if (u.ns[PLAN_HOST] >= 0 && up_prepare(&u, e) == 0)
		rc = change_make(steps, sizeof(steps) / sizeof(steps[0]), &u,
				 e);
	state_unlock(s);
	up_close(&u);
	change_end(&u.change);
	return rc;
}

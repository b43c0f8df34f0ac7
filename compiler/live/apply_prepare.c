/* SPDX-License-Identifier: GPL-2.0-or-later */
/* apply_prepare.c - What must hold before a policy is replaced. */
#include <string.h>

#include "apply.h"
#include "conntrack.h"
#include "exit_info.h"
#include "netns.h"
#include "nft_text.h"
#include "nft_update.h"
#include "str.h"
#include "udiff.h"

/* What the guest was cut off for, no other document makes undone. */
static int refuse_terminated(const struct apply *p, struct live_error *e)
{
	char time[EXIT_TIME_MAX];
	struct exit_info info;

	if (!exit_read(p->state, p->arena, p->req->name, &info))
		return 0;
	exit_time(&info, time);
	return live_refuse(e,
			   "sandbox %s was terminated%s%s (%s): remove it, and "
			   "make it again",
			   p->req->name, *time ? " at " : "", time,
			   info.reason);
}

static int read_before(struct apply *p, struct live_error *e)
{
	const char *name = p->req->name;
	struct diags d = {.arena = p->arena, .file = "config.json"};
	struct live_error ignored;
	const char *leases;
	size_t len;

	if (!state_has(p->state, name))
		return live_refuse(e, "there is no sandbox %s (state %s)", name,
				   p->state->path);
	if (state_get(p->state, name, &p->record, e) < 0)
		return -1;
	if (!p->record.ready || (p->record.run && !state_owned(p->state, name)))
		return live_refuse(e,
				   "sandbox %s is what a process that was "
				   "killed has left: remove it",
				   name);
	if (refuse_terminated(p, e) < 0)
		return -1;
	d.text = state_read(p->state, p->arena, name, "config.json", &d.len, e);
	leases = state_read(p->state, p->arena, name, STATE_LEASES, &len, e);
	p->host_before =
		state_read(p->state, p->arena, name, "host.nft", &len, e);
	p->withdraw_before = state_read(p->state, p->arena, name,
					"host-withdraw.nft", &len, e);
	if (!d.text || !leases || !p->host_before || !p->withdraw_before)
		return -1;
	if (!config_read(p->arena, &d, &p->before))
		return live_refuse(e,
				   "the document that is kept of sandbox %s "
				   "cannot be read by this version: remove the "
				   "sandbox, and make it again",
				   name);
	p->had = lease_parse(p->arena, leases);
	p->killed_before = state_read(p->state, p->arena, name, CHANGE_NEXT,
				      &len, &ignored);
	return 0;
}

static bool same_range(struct ip_range a, struct ip_range b)
{
	return a.family == b.family && a.lo == b.lo && a.hi == b.hi;
}

static int compile_new(struct apply *p, struct live_error *e)
{
	const struct compile_request creq = {p->req->name, p->record.slot};
	const struct config *new = &p->ret->compiled.config;
	struct diags first = *p->req->doc;
	struct config config;

	/* A pool without the slot is refused as a pool that differs. */
	if (config_read(p->arena, &first, &config) &&
	    (!same_range(config.pool4, p->before.pool4) ||
	     !same_range(config.pool6, p->before.pool6)))
		return live_refuse(
			e,
			"%s of a running sandbox cannot be changed: remove "
			"the sandbox, and make it again",
			same_range(config.pool4, p->before.pool4) ? "IPv6Pool"
								  : "IPv4Pool");
	if (!compile(p->arena, p->req->doc, &creq, &p->ret->compiled)) {
		e->kind = LIVE_DOCUMENT;
		return -1;
	}
	p->want = lease_names(p->arena, &p->ret->compiled.policy.slot, new);
	return 0;
}

/* The union, so that whoever comes after a killed process knows all. */
static void unite_leases(struct apply *p)
{
	struct lease_names *to = &p->both;
	size_t i;

	to->v = arena_alloc(p->arena, p->had.n + p->want.n, sizeof(*to->v));
	for (i = 0; i < p->had.n; i++)
		memcpy(to->v[to->n++], p->had.v[i], LEASE_MAX);
	for (i = 0; i < p->want.n; i++)
		if (!lease_has(&p->had, p->want.v[i]))
			memcpy(to->v[to->n++], p->want.v[i], LEASE_MAX);
}

static int open_kernel(struct apply *p, struct live_error *e)
{
	p->ns[PLAN_HOST] = netns_open_self(e);
	if (p->ns[PLAN_HOST] < 0)
		return -1;
	if (!netns_exists(p->record.netns))
		return live_refuse(e,
				   "the network namespace %s is gone: remove "
				   "the sandbox, and make it again",
				   p->record.netns);
	p->ns[PLAN_GATEWAY] = netns_open(p->record.netns, e);
	p->rules[PLAN_HOST] = ruleset_open(e);
	if (p->ns[PLAN_GATEWAY] < 0 || !p->rules[PLAN_HOST] ||
	    netns_enter(p->ns[PLAN_GATEWAY], e) < 0)
		return -1;
	p->rules[PLAN_GATEWAY] = ruleset_open(e);
	netns_return(p->ns[PLAN_HOST]);
	return p->rules[PLAN_GATEWAY] ? 0 : -1;
}

/* Flows that the old table has counted and the new one cannot. */
static int count_open(struct apply *p, const char *listing,
		      struct live_error *e)
{
	const struct plan *plan = apply_plan(p);
	int ret;

	p->record.open = 0;
	if (!plan->policy->config->has_max_connections ||
	    nft_update_keeps(&plan->sandbox, listing))
		return 0;
	if (netns_enter(p->ns[PLAN_GATEWAY], e) < 0)
		return -1;
	ret = conntrack_open(&plan->policy->slot, &p->record.open, e);
	netns_return(p->ns[PLAN_HOST]);
	if (ret == 0)
		plan_cap_open(&p->ret->compiled.plan, p->record.open);
	return ret;
}

/* Writes the transaction that leads to the new table, and the one back. */
static int write_updates(struct apply *p, struct live_error *e)
{
	const struct nft_table *t = &apply_plan(p)->sandbox;
	const char *listing;
	STR(between);
	STR(table);
	STR(text);

	if (ruleset_text(p->rules[PLAN_GATEWAY], p->arena, "msb", &listing, e) <
		    0 ||
	    count_open(p, listing, e) < 0)
		return -1;
	nft_update_bridge(&between, &text, t, listing);
	p->then = arena_strndup(p->arena, str_text(&text), text.len);
	str_free(&text);
	nft_update(&text, t, str_text(&between), listing);
	p->update = arena_strndup(p->arena, str_text(&text), text.len);
	str_free(&text);
	nft_text_table(&table, t);
	nft_update(&text, t, listing, str_text(&table));
	p->back = arena_strndup(p->arena, str_text(&text), text.len);
	return 0;
}

static int check_updates(struct apply *p, struct live_error *e)
{
	int ret;
	STR(text);

	if (netns_enter(p->ns[PLAN_GATEWAY], e) < 0)
		return -1;
	ret = ruleset_check(p->update, e);
	netns_return(p->ns[PLAN_HOST]);
	if (ret < 0)
		return live_while(e, "check the sandbox's table");
	str_printf(&text, "%s%s%s", p->host_before, p->withdraw_before,
		   apply_host_text(p));
	if (ruleset_check(str_text(&text), e) < 0)
		return live_while(e, "check the host's table");
	return 0;
}

/* What becomes of a helper: one that is gone is replaced. One that is there and
 * does not answer has the sockets that another would need. */
static int choose(struct apply *p, enum supervisor_kind kind,
		  enum apply_helpers *ret, struct live_error *e)
{
	const char *const helper = supervisor_helper(kind), *words;
	const bool wanted = plan_needs(apply_plan(p), helper);
	const enum supervisor_health health = supervisor_status(
		p->state, p->arena, p->req->name, kind, &words, -1);
	pid_t pid;

	if (health == SUPERVISOR_NONE)
		*ret = wanted ? APPLY_HELPERS_START : APPLY_HELPERS_NONE;
	else if (!wanted)
		*ret = APPLY_HELPERS_STOP;
	else if (health == SUPERVISOR_ALIVE && !p->killed_before)
		*ret = APPLY_HELPERS_RELOAD;
	else
		*ret = APPLY_HELPERS_START;
	pid = health == SUPERVISOR_MUTE && wanted
		      ? supervisor_process(p->state, p->req->name, kind)
		      : 0;
	if (pid)
		return live_system(e,
				   "%s does not answer: apply again, and if "
				   "that is of no use, end process %d first, "
				   "the msb-supervised that keeps it",
				   helper, (int)pid);
	return 0;
}

static int choose_helpers(struct apply *p, struct live_error *e)
{
	enum supervisor_kind kind;

	for (kind = 0; kind < SUPERVISOR_KINDS; kind++)
		if (choose(p, kind, &p->ret->helpers[kind], e) < 0)
			return -1;
	return 0;
}

static int open_bindings(struct apply *p, struct live_error *e)
{
	const bool kept = p->ret->helpers[SUPERVISOR_RELAY] ==
			  APPLY_HELPERS_RELOAD;
	const struct config *new = &p->ret->compiled.config;
	const struct config *own = kept ? &p->before : NULL;
	size_t i;

	helpers_init(p->arena, &p->sockets, new->n_bindings);
	for (i = 0; i < new->n_bindings; i++) {
		const struct config_binding *b = &new->bindings[i];
		int *const fd = &p->sockets.relay.binding[i];

		if (listen_find(own, b))
			continue;
		*fd = listen_open(p->state, p->req->name, b, &p->before, e);
		if (*fd < 0)
			return -1;
	}
	return 0;
}

/* Opens what the helpers do not have. */
static int open_sockets(struct apply *p, struct live_error *e)
{
	enum supervisor_kind kind;
	int ret = 0;

	if (open_bindings(p, e) < 0 ||
	    helpers_open_files(&p->sockets, &p->ret->compiled, p->state,
			       p->req->helpers, p->req->dry, e) < 0 ||
	    guest_certs_read(p->arena, &p->ret->compiled,
			     p->sockets.fd[SUPERVISOR_TLS][TLS_CA_CERT],
			     p->req->helpers, &p->ret->certs, e) < 0)
		return -1;
	/* A supervisor has the gateway's sockets from its start on. */
	for (kind = 0; kind < SUPERVISOR_KINDS && ret == 0; kind++) {
		if (p->ret->helpers[kind] != APPLY_HELPERS_START)
			continue;
		if (netns_enter(p->ns[PLAN_GATEWAY], e) < 0)
			return -1;
		ret = helpers_open_gateway(&p->sockets, kind, e);
		netns_return(p->ns[PLAN_HOST]);
	}
	return ret;
}

static size_t bindings_only_in(struct arena *a, const struct config *in,
			       const struct config *not_in,
			       const struct config_binding ***ret)
{
	size_t i, n = 0;

	*ret = arena_array(a, in->n_bindings, const struct config_binding *);
	for (i = 0; i < in->n_bindings; i++) {
		const struct config_binding *b = &in->bindings[i];
		const struct config_binding *other = listen_find(not_in, b);

		if (!other || other->guest_port != b->guest_port)
			(*ret)[n++] = b;
	}
	return n;
}

static int report(struct apply *p, struct live_error *e)
{
	static const char *const files[] = {"sandbox.nft", "host.nft"};
	const struct config *new = &p->ret->compiled.config;
	size_t i, len;
	STR(diff);

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const char *was = state_read(p->state, p->arena, p->req->name,
					     files[i], &len, e);

		if (!was)
			return -1;
		udiff(&diff, files[i], was,
		      compile_artefact(&p->ret->compiled, files[i])->text);
	}
	p->ret->diff = arena_strndup(p->arena, str_text(&diff), diff.len);
	p->ret->n_added =
		bindings_only_in(p->arena, new, &p->before, &p->ret->added);
	p->ret->n_removed =
		bindings_only_in(p->arena, &p->before, new, &p->ret->removed);
	return 0;
}

/* What a killed "apply" has left is brought back to what the state says. */
static int settle(struct apply *p, struct live_error *e)
{
	enum supervisor_kind kind;

	if (!p->killed_before)
		return 0;
	if (p->req->dry)
		return live_refuse(
			e,
			"an \"apply\" to sandbox %s was killed: what "
			"a next one changes is not known before",
			p->req->name);
	if (change_host(p->state, p->req->name, p->rules[PLAN_HOST],
			p->host_before, e) < 0)
		return live_while(e, "settle the host's table");
	for (kind = 0; kind < SUPERVISOR_KINDS; kind++)
		if (supervisor_stop(p->state, p->req->name, kind, e) < 0)
			return -1;
	state_drop(p->state, p->req->name, CHANGE_NEXT);
	return 0;
}

int apply_prepare(struct apply *p, struct live_error *e)
{
	if (read_before(p, e) < 0 || compile_new(p, e) < 0)
		return -1;
	unite_leases(p);
	if (open_kernel(p, e) < 0 || settle(p, e) < 0)
		return -1;
	p->held = supervisor_hold(p->state, p->req->name);
	if (write_updates(p, e) < 0 || choose_helpers(p, e) < 0)
		return -1;
	return open_sockets(p, e) < 0 || check_updates(p, e) < 0 ? -1
								 : report(p, e);
}

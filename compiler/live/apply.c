/* SPDX-License-Identifier: GPL-2.0-or-later */
/* apply.c - Replacing the policy of a running sandbox. */
#include "apply.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conntrack.h"
#include "nft_text.h"
#include "str.h"

/*
 * Theory of operation
 *
 * What can be refused is refused before anything is changed: the document is
 * compiled for the sandbox's own slot, the sockets of new bindings are opened,
 * and the kernel is asked whether it would take both transactions. What follows
 * is a list of steps with undos, as for "up".
 *
 * Each of the three that judge packets changes at one instant: the gateway's
 * table and the host's table in a transaction each, the helpers by "commit".
 * The helpers are first, in so far as they let flows that will be denied stand
 * still before the tables change, and last, in so far as new ones begin when
 * the tables are there. A new binding leads nowhere until both tables know it,
 * one that is taken away is dead once the first of them does not. So whatever
 * step is between, nothing is open that neither policy allows.
 *
 * The state is exchanged as a whole. While a change is on its way each of the
 * two directories says, beside what it is, what the other is: what "apply" left
 * when it was killed is then known to whoever comes next, see change_host().
 */

static int goes_on(struct apply *p, struct live_error *e)
{
	return change_goes_on(&p->change, e);
}

static int write_leases(struct apply *p, const struct lease_names *l,
			struct live_error *e)
{
	struct state_file file = {.path = STATE_LEASES};
	size_t i;
	STR(text);

	for (i = 0; i < l->n; i++)
		str_printf(&text, "%s\n", l->v[i]);
	file.text = str_text(&text);
	file.len = text.len;
	return state_write(p->state, p->req->name, &file, e);
}

static int make_leases(void *data, struct live_error *e)
{
	struct apply *p = data;

	if (goes_on(p, e) < 0 || write_leases(p, &p->both, e) < 0)
		return -1;
	p->leased = true;
	return goes_on(p, e) < 0
		       ? -1
		       : lease_take(p->state, p->req->name, &p->both, e);
}

static void undo_leases(void *data)
{
	struct live_error ignored;
	struct apply *p = data;

	if (!p->leased)
		return;
	lease_release(p->state, p->req->name, &p->both, &p->had);
	write_leases(p, &p->had, &ignored);
}

static int make_helper(struct apply *p, enum supervisor_kind kind, int names,
		       struct live_error *e)
{
	const char *name = p->req->name;
	int *const channel = &p->channel[kind];

	switch (p->ret->helpers[kind]) {
	case APPLY_HELPERS_NONE:
	case APPLY_HELPERS_STOP:
		return 0;
	case APPLY_HELPERS_RELOAD:
		if (goes_on(p, e) < 0)
			return -1;
		*channel = supervisor_connect(p->state, name, kind, e);
		break;
	case APPLY_HELPERS_START:
		if (goes_on(p, e) < 0 ||
		    supervisor_stop(p->state, name, kind, e) < 0)
			return -1;
		*channel = supervisor_start(p->state, name, kind,
					    p->ns[PLAN_GATEWAY],
					    p->req->helpers, e);
		break;
	}
	if (*channel < 0 || goes_on(p, e) < 0)
		return -1;
	return helpers_prepare(*channel, kind, &p->ret->compiled, &p->sockets,
			       names, e);
}

static int make_helpers(void *data, struct live_error *e)
{
	enum supervisor_kind kind;
	struct apply *p = data;
	int names, ret;

	ret = sandbox_share_names(p->state, &p->ret->compiled, &names, e);
	for (kind = 0; kind < SUPERVISOR_KINDS && ret == 0; kind++)
		ret = make_helper(p, kind, names, e);
	if (names >= 0)
		close(names);
	return ret;
}

static void undo_helper(struct apply *p, enum supervisor_kind kind)
{
	struct live_error ignored;

	/* Closing the channel is what takes a prepared configuration back. */
	if (p->channel[kind] >= 0)
		close(p->channel[kind]);
	p->channel[kind] = -1;
	if (p->ret->helpers[kind] != APPLY_HELPERS_START)
		return;
	supervisor_stop(p->state, p->req->name, kind, &ignored);
	supervisor_drop(p->state, p->req->name, kind);
}

static void undo_helpers(void *data)
{
	enum supervisor_kind kind;

	for (kind = 0; kind < SUPERVISOR_KINDS; kind++)
		undo_helper(data, kind);
}

static struct state_file text_file(const char *path, const char *text)
{
	return (struct state_file){
		.path = path, .text = text, .len = strlen(text)};
}

static int note(struct apply *p, const char *path, const char *text,
		struct live_error *e)
{
	const struct state_file file = text_file(path, text);

	return goes_on(p, e) < 0
		       ? -1
		       : state_write(p->state, p->req->name, &file, e);
}

static int make_state(void *data, struct live_error *e)
{
	struct apply *p = data;
	struct state_file *files, *all;
	const char *withdraw;
	size_t n;
	STR(text);

	nft_text_withdraw(&text, &apply_plan(p)->host);
	withdraw = arena_strndup(p->arena, str_text(&text), text.len);
	files = sandbox_files(p->arena, &p->ret->compiled, &p->ret->certs,
			      p->req->doc, &p->both, &n);
	all = arena_array(p->arena, n + 2, struct state_file);
	memcpy(all, files, n * sizeof(*all));
	all[n++] = text_file(CHANGE_NEXT, p->host_before);
	all[n++] = text_file(CHANGE_NEXT_WITHDRAW, p->withdraw_before);
	snprintf(p->record.file, sizeof(p->record.file), "%s",
		 p->req->doc->file);
	if (goes_on(p, e) < 0 ||
	    state_stage(p->state, &p->record, all, n, e) < 0)
		return -1;
	p->staged = true;
	p->noted = true;
	if (note(p, CHANGE_NEXT_WITHDRAW, withdraw, e) < 0)
		return -1;
	return note(p, CHANGE_NEXT, apply_host_text(p), e);
}

static void undo_state(void *data)
{
	struct apply *p = data;

	if (p->noted) {
		state_drop(p->state, p->req->name, CHANGE_NEXT);
		state_drop(p->state, p->req->name, CHANGE_NEXT_WITHDRAW);
	}
	if (p->staged)
		state_unstage(p->state, p->req->name);
}

static int make_table(void *data, struct live_error *e)
{
	struct apply *p = data;

	if (goes_on(p, e) < 0 ||
	    ruleset_load(p->rules[PLAN_GATEWAY], p->update, e) < 0)
		return -1;
	p->loaded = true;
	if (!p->then[0])
		return 0;
	/* What the old table has judged has passed by the time that a second
	 * transaction takes. */
	if (goes_on(p, e) < 0)
		return -1;
	return ruleset_load(p->rules[PLAN_GATEWAY], p->then, e);
}

static void undo_table(void *data)
{
	struct live_error ignored;
	struct apply *p = data;

	if (p->loaded)
		ruleset_load(p->rules[PLAN_GATEWAY], p->back, &ignored);
}

static int make_host_table(void *data, struct live_error *e)
{
	struct apply *p = data;

	if (goes_on(p, e) < 0 ||
	    change_host(p->state, p->req->name, p->rules[PLAN_HOST],
			apply_host_text(p), e) < 0)
		return -1;
	p->host_loaded = true;
	return 0;
}

static void undo_host_table(void *data)
{
	struct live_error ignored;
	struct apply *p = data;

	if (p->host_loaded)
		change_host(p->state, p->req->name, p->rules[PLAN_HOST],
			    p->host_before, &ignored);
}

static int make_exchange(void *data, struct live_error *e)
{
	struct apply *p = data;

	if (goes_on(p, e) < 0 || state_exchange(p->state, p->req->name, e) < 0)
		return -1;
	p->exchanged = true;
	return 0;
}

static void undo_exchange(void *data)
{
	struct live_error ignored;
	struct apply *p = data;

	if (p->exchanged)
		state_exchange(p->state, p->req->name, &ignored);
}

static int make_flows(void *data, struct live_error *e)
{
	struct apply *p = data;
	const struct applied *r = p->ret;
	const struct config_binding **v =
		arena_array(p->arena, r->n_added + r->n_removed + 1,
			    const struct config_binding *);
	const struct conntrack_change c = {
		.slot = &apply_plan(p)->policy->slot,
		.v = v,
		.n = r->n_added + r->n_removed,
	};
	size_t i;

	for (i = 0; i < r->n_added; i++)
		v[i] = r->added[i];
	for (i = 0; i < r->n_removed; i++)
		v[r->n_added + i] = r->removed[i];
	return goes_on(p, e) < 0 ? -1
				 : conntrack_forget(&c, p->ns[PLAN_HOST],
						    p->ns[PLAN_GATEWAY], e);
}

static int commit(struct apply *p, enum supervisor_kind kind,
		  struct live_error *e)
{
	struct live_error ignored;

	switch (p->ret->helpers[kind]) {
	case APPLY_HELPERS_NONE:
		break;
	case APPLY_HELPERS_START:
	case APPLY_HELPERS_RELOAD:
		if (supervisor_commit(p->channel[kind], e) == 0)
			return 0;
		/* Which of the two it has now, nobody knows: so neither. */
		supervisor_stop(p->state, p->req->name, kind, &ignored);
		return -1;
	case APPLY_HELPERS_STOP:
		return supervisor_stop(p->state, p->req->name, kind, e);
	}
	return 0;
}

/* If the second one fails, the first is where nobody can lead it back from:
 * then it is ended, as one that failed itself. */
static int make_commit(void *data, struct live_error *e)
{
	enum supervisor_kind kind, done;
	struct live_error ignored;
	struct apply *p = data;

	if (goes_on(p, e) < 0)
		return -1;
	for (kind = 0; kind < SUPERVISOR_KINDS; kind++) {
		if (commit(p, kind, e) == 0)
			continue;
		for (done = 0; done < kind; done++)
			if (p->ret->helpers[done] != APPLY_HELPERS_NONE)
				supervisor_stop(p->state, p->req->name, done,
						&ignored);
		return -1;
	}
	return 0;
}

static const struct change_step steps[] = {
	{"lease ports", make_leases, undo_leases},
	{"prepare the helpers", make_helpers, undo_helpers},
	{"write the state", make_state, undo_state},
	{"load the sandbox's table", make_table, undo_table},
	{"change the host's table", make_host_table, undo_host_table},
	{"exchange the state", make_exchange, undo_exchange},
	{"end flows of ports that change", make_flows, NULL},
	{"put the helpers in force", make_commit, NULL},
};

/* The change is made; what is left over of the old is put away. */
static void finish(struct apply *p)
{
	struct live_error ignored;
	const char *name = p->req->name;
	enum supervisor_kind kind;

	for (kind = 0; kind < SUPERVISOR_KINDS; kind++)
		if (p->ret->helpers[kind] == APPLY_HELPERS_STOP)
			supervisor_drop(p->state, name, kind);
	lease_release(p->state, name, &p->both, &p->want);
	write_leases(p, &p->want, &ignored);
	state_unstage(p->state, name);
	state_drop(p->state, name, CHANGE_NEXT);
	state_drop(p->state, name, CHANGE_NEXT_WITHDRAW);
}

int sandbox_apply(struct arena *a, struct state *s,
		  const struct apply_request *req, struct applied *ret,
		  struct live_error *e)
{
	struct apply p = {
		.arena = a,
		.req = req,
		.state = s,
		.ret = ret,
		.ns = {-1, -1},
		.held = -1,
	};
	enum supervisor_kind kind;
	int rc = -1;
	size_t i;

	helpers_init(a, &p.sockets, 0);
	for (kind = 0; kind < SUPERVISOR_KINDS; kind++)
		p.channel[kind] = -1;
	memset(ret, 0, sizeof(*ret));
	if (sandbox_privileged(e) < 0 ||
	    change_begin(&p.change, s, req->fail_at, e) < 0)
		return -1;
	if (apply_prepare(&p, e) == 0)
		rc = 0;
	if (rc == 0 && !req->dry) {
		rc = change_make(steps, sizeof(steps) / sizeof(steps[0]), &p,
				 e);
		if (rc == 0)
			finish(&p);
	}
	supervisor_release(p.held);
	state_unshare(s);
	state_unlock(s);
	helpers_close(&p.sockets);
	for (kind = 0; kind < SUPERVISOR_KINDS; kind++)
		if (p.channel[kind] >= 0)
			close(p.channel[kind]);
	for (i = 0; i < 2; i++) {
		ruleset_close(p.rules[i]);
		if (p.ns[i] >= 0)
			close(p.ns[i]);
	}
	change_end(&p.change);
	return rc;
}

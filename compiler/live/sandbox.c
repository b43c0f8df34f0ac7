/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sandbox.c - Making sandboxes in the kernel, and removing them. */
#include "sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lease.h"
#include "link.h"
#include "netns.h"
#include "nft_text.h"
#include "ruleset.h"
#include "sysctl.h"

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
 * Removing needs no memory of what was made: both links have an end in the
 * gateway's namespace and die with it, and elements are withdrawn from the
 * host's table by adding and deleting them in one transaction, which works
 * whether they were there or not.
 *
 * One lock of the machine is held from the choice of the slot until the routes
 * are there, because that is how other states see that the slot is taken.
 */

/** struct up - A sandbox in the making: what was made so far */
struct up {
	const struct sandbox_request *req;
	struct state *state;
	struct plan *plan;
	struct sandbox *sb;
	unsigned int ops;
	int ns[3];
	struct link_sock *sock[3];
	bool in_state;
	bool has_leases;
	bool has_netns;
	bool host_table;
	bool guest_lo;
	bool links[STATE_LINKS];
	const char *kept_key[4];
	char kept_value[4][SYSCTL_MAX];
	size_t n_kept;
};

static const int held_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

#define N_HELD (sizeof(held_signals) / sizeof(held_signals[0]))

/* Called before each operation: a signal that came in ends the work here, and
 * so does the fault that a test asked for. */
static int up_goes_on(struct up *u, struct live_error *e)
{
	sigset_t pending;
	size_t i;

	if (++u->ops == u->req->fail_at)
		return live_system(e, "fault injected at operation %u", u->ops);
	if (sigpending(&pending) == 0)
		for (i = 0; i < N_HELD; i++)
			if (sigismember(&pending, held_signals[i]))
				return live_system(
					e, "interrupted by SIG%s",
					sigabbrev_np(held_signals[i]));
	return 0;
}

static int up_enter(struct up *u, enum plan_ns ns, struct live_error *e)
{
	return netns_enter(u->ns[ns], e);
}

static void up_leave(struct up *u)
{
	netns_return(u->ns[PLAN_HOST]);
}

/* With a tap there is no guest namespace, and nothing to do there. */
static bool up_skips(const struct up *u, enum plan_ns ns)
{
	return ns == PLAN_GUEST && u->ns[PLAN_GUEST] < 0;
}

/* --- steps --- */

static int make_state(struct up *u, struct live_error *e)
{
	const struct compiled *c = &u->sb->compiled;
	const struct diags *doc = u->req->doc;
	struct state_file *files;
	size_t i;
	STR(withdraw);
	ARENA(a);

	if (up_goes_on(u, e) < 0 ||
	    lease_take(u->state, u->plan->name, &u->plan->policy->slot, e) < 0)
		return -1;
	u->has_leases = true;
	nft_text_withdraw(&withdraw, &u->plan->host);
	files = arena_array(&a, c->n_files + 2, struct state_file);
	for (i = 0; i < c->n_files; i++)
		files[i] = (struct state_file){
			c->files[i].path, c->files[i].text, c->files[i].len};
	files[i++] = (struct state_file){"host-withdraw.nft",
					 str_text(&withdraw), withdraw.len};
	files[i++] = (struct state_file){"config.json", doc->text, doc->len};
	if (up_goes_on(u, e) < 0)
		return -1;
	u->sb->owner = state_add(u->state, &u->sb->record, files, i, e);
	u->in_state = u->sb->owner >= 0;
	return u->in_state ? 0 : -1;
}

static void undo_state(struct up *u)
{
	struct live_error ignored;

	if (u->in_state)
		state_remove(u->state, u->plan->name, &ignored);
	if (u->has_leases)
		lease_release(u->state, u->plan->name, &ignored);
	if (u->sb->owner >= 0)
		close(u->sb->owner);
	u->sb->owner = -1;
}

static int make_netns(struct up *u, struct live_error *e)
{
	if (up_goes_on(u, e) < 0)
		return -1;
	u->ns[PLAN_GATEWAY] = netns_create(u->plan->netns, e);
	if (u->ns[PLAN_GATEWAY] < 0)
		return -1;
	u->has_netns = true;
	if (up_enter(u, PLAN_GATEWAY, e) < 0)
		return -1;
	u->sock[PLAN_GATEWAY] = link_open(e);
	up_leave(u);
	return u->sock[PLAN_GATEWAY] ? 0 : -1;
}

static void undo_netns(struct up *u)
{
	struct live_error ignored;

	if (u->has_netns)
		netns_delete(u->plan->netns, &ignored);
}

static int set_one(struct up *u, const struct plan_sysctl *s,
		   struct live_error *e)
{
	char now[SYSCTL_MAX];

	if (!s->keep)
		return sysctl_write(s->key, s->value, e);
	if (sysctl_read(s->key, now, e) < 0)
		return -1;
	if (strcmp(now, s->value) == 0)
		return 0;
	if (u->n_kept == sizeof(u->kept_key) / sizeof(u->kept_key[0]))
		return live_system(e, "too many settings of the host");
	if (sysctl_write(s->key, s->value, e) < 0)
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

static int make_settings(struct up *u, struct live_error *e)
{
	return set_all(u, false, e);
}

static void undo_settings(struct up *u)
{
	struct live_error ignored;

	while (u->n_kept--)
		sysctl_write(u->kept_key[u->n_kept], u->kept_value[u->n_kept],
			     &ignored);
}

static int make_table(struct up *u, struct live_error *e)
{
	const struct artefact *text =
		compile_artefact(&u->sb->compiled, "sandbox.nft");
	int ret;

	if (up_goes_on(u, e) < 0 || up_enter(u, PLAN_GATEWAY, e) < 0)
		return -1;
	ret = ruleset_load(text->text, e);
	up_leave(u);
	return ret;
}

static int make_host_table(struct up *u, struct live_error *e)
{
	const struct artefact *text =
		compile_artefact(&u->sb->compiled, "host.nft");

	if (up_goes_on(u, e) < 0 || ruleset_load(text->text, e) < 0)
		return -1;
	u->host_table = true;
	return 0;
}

/* Takes a sandbox's elements out of the host's table, and the table away after
 * the last one. @refresh adds them, @withdraw deletes them. */
static int host_table_leave(const char *table, const char *refresh,
			    const char *withdraw, struct live_error *e)
{
	size_t left;
	bool has;
	STR(text);

	if (ruleset_has_table(table, &has, e) < 0)
		return -1;
	if (!has)
		return 0;
	str_puts(&text, refresh);
	str_puts(&text, withdraw);
	if (ruleset_load(str_text(&text), e) < 0 ||
	    ruleset_elements(table, &left, e) < 0)
		return -1;
	if (left)
		return 0;
	str_free(&text);
	str_printf(&text, "delete table inet %s\n", table);
	return ruleset_load(str_text(&text), e);
}

static void undo_host_table(struct up *u)
{
	struct live_error ignored;
	STR(refresh);
	STR(withdraw);

	if (!u->host_table)
		return;
	nft_text_refresh(&refresh, &u->plan->host);
	nft_text_withdraw(&withdraw, &u->plan->host);
	host_table_leave(u->plan->host.name, str_text(&refresh),
			 str_text(&withdraw), &ignored);
}

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

static int make_links(struct up *u, struct live_error *e)
{
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

static void undo_links(struct up *u)
{
	struct live_error ignored;
	size_t i;

	for (i = u->plan->n_links; i--;)
		if (u->links[i])
			link_delete(u->sock[PLAN_GATEWAY],
				    u->plan->links[i].end[0].name, &ignored);
}

static int make_link_settings(struct up *u, struct live_error *e)
{
	return set_all(u, true, e);
}

static int make_addrs(struct up *u, struct live_error *e)
{
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

static int make_up(struct up *u, struct live_error *e)
{
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

static void undo_up(struct up *u)
{
	struct live_error ignored;

	if (u->guest_lo)
		link_set_up(u->sock[PLAN_GUEST], "lo", false, &ignored);
}

static int make_neighbours(struct up *u, struct live_error *e)
{
	size_t i;

	for (i = 0; i < u->plan->n_neighbours; i++) {
		const struct plan_neighbour *n = &u->plan->neighbours[i];

		if (up_goes_on(u, e) < 0 ||
		    link_add_neighbour(u->sock[n->ns], n, e) < 0)
			return -1;
	}
	return 0;
}

static int make_routes(struct up *u, struct live_error *e)
{
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

static int make_rules(struct up *u, struct live_error *e)
{
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

static int make_ready(struct up *u, struct live_error *e)
{
	u->sb->record.ready = true;
	if (up_goes_on(u, e) < 0)
		return -1;
	return state_update(u->state, &u->sb->record, e);
}

/* Addresses, neighbours, routes and rules need no undo: they go with the links
 * and the namespace. */
static const struct {
	const char *what;
	int (*make)(struct up *u, struct live_error *e);
	void (*undo)(struct up *u);
} steps[] = {
	{"write the state", make_state, undo_state},
	{"make the gateway namespace", make_netns, undo_netns},
	{"change kernel settings", make_settings, undo_settings},
	{"load the sandbox's table", make_table, NULL},
	{"add to the host's table", make_host_table, undo_host_table},
	{"make links", make_links, undo_links},
	{"change settings of links", make_link_settings, NULL},
	{"add addresses", make_addrs, NULL},
	{"set links up", make_up, undo_up},
	{"add neighbours", make_neighbours, NULL},
	{"add routes", make_routes, NULL},
	{"add routing rules", make_rules, NULL},
	{"finish the record", make_ready, NULL},
};

#define N_STEPS (sizeof(steps) / sizeof(steps[0]))

static int up_make(struct up *u, struct live_error *e)
{
	size_t i;

	for (i = 0; i < N_STEPS; i++)
		if (steps[i].make(u, e) < 0)
			break;
	if (i == N_STEPS)
		return 0;
	live_while(e, steps[i].what);
	do
		if (steps[i].undo)
			steps[i].undo(u);
	while (i--);
	return -1;
}

/* --- what must hold before anything is made --- */

int sandbox_privileged(struct live_error *e)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = {{0}};
	const uint32_t need = 1u << CAP_NET_ADMIN | 1u << CAP_SYS_ADMIN;

	if (syscall(SYS_capget, &head, data) < 0)
		return live_errno(e, errno, "read capabilities");
	if ((data[0].effective & need) != need)
		return live_errno(e, EPERM,
				  "CAP_NET_ADMIN and CAP_SYS_ADMIN are needed "
				  "(root has them)");
	return 0;
}

/* A guest namespace must be one that is nobody else's: the host's would lose
 * its default route, another sandbox's gateway its isolation. */
static int check_guest(struct up *u, struct live_error *e)
{
	const int guest = u->ns[PLAN_GUEST];
	struct live_error ignored;
	const char **names;
	size_t i, n;
	ARENA(a);

	if (netns_same(guest, u->ns[PLAN_HOST]))
		return live_refuse(e, "the guest's namespace is the host's: "
				      "give the guest one of its own");
	if (state_list(u->state, &a, &names, &n, e) < 0)
		return -1;
	for (i = 0; i < n; i++) {
		int fd = netns_open(arena_printf(&a, "msb-%s", names[i]),
				    &ignored);
		const bool same = fd >= 0 && netns_same(fd, guest);

		if (fd >= 0)
			close(fd);
		if (same)
			return live_refuse(e,
					   "the guest's namespace is the "
					   "gateway of sandbox %s",
					   names[i]);
	}
	return 0;
}

static int open_guest(struct up *u, struct live_error *e)
{
	const struct sandbox_request *req = u->req;

	if (!req->guest && req->guest_fd < 0)
		return 0;
	u->ns[PLAN_GUEST] = req->guest_fd >= 0 ? dup(req->guest_fd)
					       : netns_open(req->guest, e);
	if (u->ns[PLAN_GUEST] < 0)
		return req->guest_fd >= 0 ? live_errno(e, errno, "dup") : -1;
	if (check_guest(u, e) < 0 || up_enter(u, PLAN_GUEST, e) < 0)
		return -1;
	u->sock[PLAN_GUEST] = link_open(e);
	up_leave(u);
	return u->sock[PLAN_GUEST] ? 0 : -1;
}

/* Chooses the slot and compiles for it. */
static int up_compile(struct arena *a, struct up *u, struct live_error *e)
{
	struct compile_request creq = {u->req->name, u->req->slot, false};
	struct lease_request lreq = {
		.fixed = u->req->fixed,
		.slot = u->req->slot,
	};
	struct diags first = *u->req->doc;
	struct link_route *routes;
	struct config config;

	if (!config_read(a, &first, &config)) {
		*u->req->doc = first;
		e->kind = LIVE_DOCUMENT;
		return -1;
	}
	lreq.pool4 = config.pool4;
	lreq.pool6 = config.pool6;
	if (link_routes(u->sock[PLAN_HOST], a, &routes, &lreq.n_routes, e) < 0)
		return -1;
	lreq.routes = routes;
	/* A slot outside the pools is for the compiler to refuse. */
	if (!lreq.fixed || lreq.slot < pool_slots(lreq.pool4, lreq.pool6))
		if (lease_find(u->state, &lreq, &creq.slot, e) < 0)
			return -1;
	if (!compile(a, u->req->doc, &creq, &u->sb->compiled)) {
		e->kind = LIVE_DOCUMENT;
		return -1;
	}
	u->plan = &u->sb->compiled.plan;
	return 0;
}

/* No interface that is to be made may be there. */
static int check_links(struct up *u, struct live_error *e)
{
	static const char *const where[] = {
		[PLAN_HOST] = "the host",
		[PLAN_GATEWAY] = "the gateway namespace",
		[PLAN_GUEST] = "the guest's namespace",
	};
	size_t i, j;

	for (i = 0; i < u->plan->n_links; i++) {
		for (j = 0; j < 2; j++) {
			const struct plan_end *end = &u->plan->links[i].end[j];

			if (u->sock[end->ns] &&
			    link_index(u->sock[end->ns], end->name))
				return live_refuse(e,
						   "there is an interface %s "
						   "in %s already",
						   end->name, where[end->ns]);
		}
	}
	return 0;
}

static void up_record(struct up *u)
{
	struct state_record *r = &u->sb->record;
	const struct sandbox_request *req = u->req;
	size_t i, j;

	r->slot = u->plan->policy->slot.number;
	r->run = req->run;
	r->created = time(NULL);
	snprintf(r->name, sizeof(r->name), "%s", req->name);
	snprintf(r->guest, sizeof(r->guest), "%s",
		 req->run     ? "run"
		 : req->guest ? req->guest
			      : "tap");
	snprintf(r->netns, sizeof(r->netns), "%s", u->plan->netns);
	snprintf(r->uplink, sizeof(r->uplink), "%s", u->plan->uplink);
	snprintf(r->file, sizeof(r->file), "%s", req->doc->file);
	for (i = 0; i < u->plan->n_links && i < STATE_LINKS; i++) {
		snprintf(r->links[i], sizeof(r->links[i]), "%s",
			 u->plan->links[i].end[0].name);
		for (j = 0; j < 2; j++)
			if (u->plan->links[i].end[j].ns == PLAN_HOST)
				memcpy(r->uplink_mac,
				       u->plan->links[i].end[j].mac, 6);
	}
}

static int up_prepare(struct arena *a, struct up *u, struct live_error *e)
{
	const char *netns = arena_printf(a, "msb-%s", u->req->name);

	if (state_has(u->state, u->req->name))
		return live_refuse(e, "sandbox %s exists already (state %s)",
				   u->req->name, u->state->path);
	if (netns_exists(netns))
		return live_refuse(e,
				   "network namespace %s exists already, but "
				   "state %s has no sandbox %s: it may be "
				   "another state's",
				   netns, u->state->path, u->req->name);
	u->sock[PLAN_HOST] = link_open(e);
	if (!u->sock[PLAN_HOST] || open_guest(u, e) < 0 ||
	    up_compile(a, u, e) < 0 || check_links(u, e) < 0)
		return -1;
	up_record(u);
	return 0;
}

static int down_locked(struct state *s, const char *name, struct live_error *e);

/* What processes that were killed have left behind. One that cannot be removed
 * now stays for "down", which says why. */
static void reap(struct state *s)
{
	struct live_error ignored;
	struct state_record r;
	const char **names;
	size_t i, n;
	ARENA(a);

	if (state_list(s, &a, &names, &n, &ignored) < 0)
		return;
	for (i = 0; i < n; i++)
		if (state_get(s, names[i], &r, &ignored) == 0 &&
		    (r.run || !r.ready) && !state_owned(s, names[i]))
			down_locked(s, names[i], &ignored);
}

static void up_close(struct up *u)
{
	enum plan_ns ns;

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
		.req = req,
		.state = s,
		.sb = ret,
		.ns = {-1, -1, -1},
	};
	sigset_t held, before;
	size_t i;
	int rc = -1;

	memset(ret, 0, sizeof(*ret));
	ret->owner = -1;
	if (sandbox_privileged(e) < 0)
		return -1;
	sigemptyset(&held);
	for (i = 0; i < N_HELD; i++)
		sigaddset(&held, held_signals[i]);
	/* The lock may take its time, and nothing is made yet: until it is
	 * there, a signal does what it does. */
	sigprocmask(SIG_UNBLOCK, &held, &before);
	if (state_lock(s, e) < 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		return -1;
	}
	sigprocmask(SIG_BLOCK, &held, NULL);
	reap(s);
	u.ns[PLAN_HOST] = netns_open_self(e);
	if (u.ns[PLAN_HOST] >= 0 && up_prepare(a, &u, e) == 0)
		rc = up_make(&u, e);
	up_close(&u);
	state_unlock(s);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}

/* --- down --- */

/* Links before the namespace: somebody may keep that alive. */
static int down_gateway(const struct state_record *r, int host,
			struct live_error *e)
{
	struct live_error ignored;
	struct link_sock *sock;
	int fd, ret = 0;
	size_t i;

	if (!netns_exists(r->netns))
		return 0;
	fd = netns_open(r->netns, &ignored);
	if (fd >= 0 && netns_enter(fd, e) == 0) {
		sock = link_open(e);
		netns_return(host);
		if (!sock)
			ret = -1;
		for (i = 0; sock && i < STATE_LINKS; i++)
			if (r->links[i][0] &&
			    link_delete(sock, r->links[i], e) < 0)
				ret = -1;
		link_close(sock);
	}
	if (fd >= 0)
		close(fd);
	if (netns_delete(r->netns, e) < 0)
		ret = -1;
	return ret;
}

/* An uplink can outlive the name of its gateway namespace. That it is ours is
 * seen by its MAC address. */
static int down_uplink(const struct state_record *r, struct live_error *e)
{
	struct link_sock *sock = link_open(e);
	uint8_t mac[6];
	bool is_up;
	int ret = 0;

	if (!sock)
		return -1;
	if (r->uplink[0] && link_get(sock, r->uplink, mac, &is_up) &&
	    memcmp(mac, r->uplink_mac, sizeof(mac)) == 0)
		ret = link_delete(sock, r->uplink, e);
	link_close(sock);
	return ret;
}

static int down_host_table(struct state *s, const char *name,
			   struct live_error *e)
{
	const char *refresh, *withdraw;
	size_t len;
	ARENA(a);

	refresh = state_read(s, &a, name, "host.nft", &len, e);
	if (!refresh)
		return -1;
	withdraw = state_read(s, &a, name, "host-withdraw.nft", &len, e);
	if (!withdraw)
		return -1;
	return host_table_leave("msb", refresh, withdraw, e);
}

static int down_locked(struct state *s, const char *name, struct live_error *e)
{
	struct live_error errors[3];
	struct state_record r;
	size_t n = 0;
	int host;

	if (state_get(s, name, &r, e) < 0)
		return -1;
	host = netns_open_self(e);
	if (host < 0)
		return -1;
	/* The links first: while there is an uplink, the host's table must
	 * know it. */
	if (down_gateway(&r, host, &errors[n]) < 0)
		n++;
	if (down_uplink(&r, &errors[n]) < 0)
		n++;
	if (!n && down_host_table(s, name, &errors[n]) < 0)
		n++;
	close(host);
	if (n) {
		*e = errors[0];
		return -1;
	}
	if (state_remove(s, name, e) < 0)
		return -1;
	return lease_release(s, name, e);
}

int sandbox_down(struct state *s, const char *name, bool owned,
		 struct live_error *e)
{
	int ret = -1;

	if (sandbox_privileged(e) < 0 || state_lock(s, e) < 0)
		return -1;
	if (!state_has(s, name))
		live_refuse(e, "there is no sandbox %s (state %s)", name,
			    s->path);
	else if (!owned && state_owned(s, name))
		live_refuse(e,
			    "sandbox %s belongs to a \"run\" whose command "
			    "is still running",
			    name);
	else
		ret = down_locked(s, name, e);
	state_unlock(s);
	return ret;
}

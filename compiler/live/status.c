/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status.c - What a sandbox is like now. */
#include "status.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "binding.h"
#include "change.h"
#include "link.h"
#include "netns.h"
#include "sysctl.h"

static const char *const directions[POLICY_DIRECTIONS] = {
	[POLICY_EGRESS] = "egress",
	[POLICY_INGRESS] = "ingress",
};

const char *status_health_name(enum status_health health)
{
	static const char *const names[] = {
		[STATUS_OK] = "ok",
		[STATUS_RUNNING] = "running",
		[STATUS_LEFTOVER] = "leftover",
		[STATUS_BROKEN] = "broken",
		[STATUS_TERMINATED] = "terminated",
	};

	return names[health];
}

const char *status_dns(enum policy_dns dns)
{
	static const char *const names[] = {
		[POLICY_DNS_NONE] = "none",
		[POLICY_DNS_NAT] = "nat",
		[POLICY_DNS_HELPER] = "helper",
	};

	return names[dns];
}

const char *status_served(const struct config_binding *b)
{
	if (binding_is_loopback(b))
		return "relay";
	return binding_is_wildcard(b) ? "dnat, relay" : "dnat";
}

const char *status_helpers(enum supervisor_health helpers)
{
	static const char *const names[] = {
		[SUPERVISOR_NONE] = "none",
		[SUPERVISOR_DEAD] = "dead",
		[SUPERVISOR_MUTE] = "dead",
		[SUPERVISOR_ALIVE] = "alive",
	};

	return names[helpers];
}

const char *status_policy(struct arena *a, const struct policy *p)
{
	static const char *const presets[] = {
		[CONFIG_PRESET_UNSET] = "public-only",
		[CONFIG_PRESET_NONE] = "none",
		[CONFIG_PRESET_PUBLIC_ONLY] = "public-only",
		[CONFIG_PRESET_ALLOW_ALL] = "allow-all",
		[CONFIG_PRESET_NON_LOCAL] = "non-local",
	};
	const struct config *c = p->config;
	const bool own = c->has_rules ||
			 c->default_egress != CONFIG_ACTION_UNSET ||
			 c->default_ingress != CONFIG_ACTION_UNSET;
	const size_t denied = c->deny_domains.n + c->deny_suffixes.n;
	const char *words = presets[c->policy];

	if (own)
		words = arena_printf(
			a, "%zu rule%s, egress %s, ingress %s", c->n_rules,
			c->n_rules == 1 ? "" : "s",
			p->walk[POLICY_EGRESS].default_allow ? "allow" : "deny",
			p->walk[POLICY_INGRESS].default_allow ? "allow"
							      : "deny");
	if (!denied)
		return words;
	return arena_printf(a, "%s, %zu denied name%s", words, denied,
			    denied == 1 ? "" : "s");
}

/* A rule's place in the walks, by direction and pointer. */
static int by_place(const void *a, const void *b)
{
	const struct status_hits *x = *(struct status_hits *const *)a;
	const struct status_hits *y = *(struct status_hits *const *)b;
	int order = strcmp(x->direction, y->direction);

	return order ? order : strcmp(x->pointer, y->pointer);
}

static size_t hits_of_walk(struct arena *a, const struct policy *p,
			   enum policy_direction dir, struct status_hits *v)
{
	const struct policy_walk *w = &p->walk[dir];
	size_t i, n = 0;

	for (i = 0; i < w->n; i++) {
		const struct policy_rule *r = &w->rules[i];

		/* Rules of a preset share a pointer, and so their hits. */
		if (n && strcmp(v[n - 1].pointer, r->pointer) == 0) {
			v[n - 1].words = NULL;
			continue;
		}
		v[n++] = (struct status_hits){
			.direction = directions[dir],
			.pointer = r->pointer,
			.words = policy_rule_words(a, r, dir),
		};
	}
	v[n++] = (struct status_hits){
		.direction = directions[dir],
		.pointer = w->default_pointer,
		.words = w->default_allow ? "default allow" : "default deny",
	};
	return n;
}

/* The direction of a walk's chain, or of what the walk leads to: "egress4_7" is
 * egress; else the name itself. */
static const char *direction_of(const char *chain)
{
	enum policy_direction dir;

	for (dir = POLICY_EGRESS; dir < POLICY_DIRECTIONS; dir++) {
		const size_t len = strlen(directions[dir]);

		if (strncmp(chain, directions[dir], len) == 0)
			return directions[dir];
	}
	return chain;
}

/* Puts each count where its rule is; what belongs to no rule goes behind. */
static void hits_fill(struct arena *a, struct status *st,
		      const struct ruleset_count *counts, size_t n_counts)
{
	const struct policy *p = &st->compiled->policy;
	size_t room = p->walk[POLICY_EGRESS].n + p->walk[POLICY_INGRESS].n + 2;
	struct status_hits *v =
		arena_array(a, room + n_counts, struct status_hits);
	struct status_hits **sorted;
	size_t i, known, n;

	known = hits_of_walk(a, p, POLICY_EGRESS, v);
	known += hits_of_walk(a, p, POLICY_INGRESS, v + known);
	sorted = arena_array(a, known, struct status_hits *);
	for (i = 0; i < known; i++)
		sorted[i] = &v[i];
	qsort(sorted, known, sizeof(struct status_hits *), by_place);
	for (i = 0, n = known; i < n_counts; i++) {
		struct status_hits key = {
			.direction = direction_of(counts[i].chain),
			.pointer = counts[i].comment,
		};
		struct status_hits *const at = &key;
		struct status_hits **found =
			bsearch(&at, sorted, known,
				sizeof(struct status_hits *), by_place);
		struct status_hits *to = found ? *found : NULL;
		size_t j;

		for (j = known; !to && j < n; j++)
			if (strcmp(v[j].pointer, key.pointer) == 0)
				to = &v[j];
		if (!to) {
			to = &v[n++];
			to->direction = "";
			to->pointer = key.pointer;
		}
		to->packets += counts[i].packets;
		to->bytes += counts[i].bytes;
	}
	st->hits = v;
	st->n_hits = n;
}

/* Looks into the gateway namespace; @st->missing says what is not there. */
static int look_inside(struct arena *a, struct status *st, bool counters,
		       struct live_error *e)
{
	int host = netns_open_self(e), gw = -1, ret = -1;
	struct ruleset_count *counts = NULL;
	struct link_sock *sock = NULL;
	struct ruleset *rules = NULL;
	size_t i, n_counts = 0;
	bool has = false;

	if (host < 0)
		return -1;
	gw = netns_open(st->record.netns, e);
	if (gw < 0) {
		st->missing = arena_printf(a, "network namespace %s",
					   st->record.netns);
		ret = e->kind == LIVE_REFUSED ? 0 : -1;
		goto out;
	}
	if (netns_enter(gw, e) < 0)
		goto out;
	sock = link_open(e);
	rules = sock ? ruleset_open(e) : NULL;
	netns_return(host);
	if (rules && ruleset_has_table(rules, "msb", &has, e) == 0)
		ret = has && counters ? ruleset_counts(rules, a, "msb", &counts,
						       &n_counts, e)
				      : 0;
	for (i = 0; sock && i < STATE_LINKS; i++)
		if (st->record.links[i][0] &&
		    !link_index(sock, st->record.links[i]))
			st->missing = arena_printf(a, "interface %s of %s",
						   st->record.links[i],
						   st->record.netns);
	if (!has)
		st->missing = arena_printf(a, "table inet msb of %s",
					   st->record.netns);
	if (ret == 0 && counters && st->compiled)
		hits_fill(a, st, counts, n_counts);
out:
	ruleset_close(rules);
	link_close(sock);
	if (gw >= 0)
		close(gw);
	close(host);
	return ret;
}

int status_listing(struct arena *a, const struct state *s,
		   const struct state_record *r, const char **ret,
		   struct live_error *e)
{
	int host = netns_open_self(e), gw, held, rc = -1;

	if (host < 0)
		return -1;
	gw = netns_open(r->netns, e);
	held = supervisor_hold(s, r->name);
	if (gw >= 0 && netns_enter(gw, e) == 0) {
		rc = ruleset_look(NULL, a, NULL, ret, e);
		netns_return(host);
	}
	supervisor_release(held);
	if (gw >= 0)
		close(gw);
	close(host);
	return rc;
}

/* Forwarding is the host's, and others turn it off as well. Of what cannot be
 * read nothing is known. */
static void look_at_forwarding(struct arena *a, struct status *st)
{
	const char *const keys[] = {
		arena_printf(a, "net/ipv4/conf/%s/forwarding",
			     st->record.uplink),
		"net/ipv6/conf/all/forwarding",
	};
	const int dir = sysctl_open();
	struct live_error ignored;
	char now[SYSCTL_MAX];
	size_t i;

	for (i = 0; dir >= 0 && i < 2 && !st->missing; i++)
		if (sysctl_read(dir, keys[i], now, &ignored) == 0 &&
		    strcmp(now, "0") == 0)
			st->missing = arena_printf(
				a, "IP forwarding of the host (%s is 0)",
				keys[i]);
	if (dir >= 0)
		close(dir);
}

static int look_outside(struct arena *a, struct status *st,
			struct live_error *e)
{
	struct link_sock *sock = link_open(e);
	struct ruleset *rules;
	bool has, in_set = false;
	int ret;

	if (!sock)
		return -1;
	if (!link_index(sock, st->record.uplink))
		st->missing = arena_printf(a, "interface %s of the host",
					   st->record.uplink);
	link_close(sock);
	rules = ruleset_open(e);
	if (!rules)
		return -1;
	ret = ruleset_has_table(rules, "msb", &has, e);
	if (ret == 0 && !has)
		st->missing = "table inet msb of the host";
	/* The table may have come back without us: somebody flushed it, and
	 * then another sandbox was made. */
	if (ret == 0 && has)
		ret = ruleset_set_has(rules, "msb", "uplinks",
				      st->record.uplink, &in_set, e);
	ruleset_close(rules);
	if (ret == 0 && has && !in_set)
		st->missing = arena_printf(a,
					   "element %s of set uplinks in table "
					   "inet msb of the host",
					   st->record.uplink);
	return ret;
}

/* Whether the helpers are there that should be; what a killed "apply" has left
 * is of two documents, whatever it looks like. */
static void look_at_helper(struct arena *a, const struct state *s,
			   enum supervisor_kind kind, int list,
			   struct status *st)
{
	const char *helper = supervisor_helper(kind);

	st->helpers[kind] = supervisor_status(s, a, st->record.name, kind,
					      &st->helper_words[kind], list);
	if (st->helpers[kind] != SUPERVISOR_NONE)
		st->supervisors[kind] =
			supervisor_process(s, st->record.name, kind);
	/* What they are in, and what leads to them, comes first. */
	if (st->missing || !st->record.ready || !st->compiled ||
	    !plan_needs(&st->compiled->plan, helper) ||
	    st->helpers[kind] == SUPERVISOR_ALIVE)
		return;
	if (st->helpers[kind] == SUPERVISOR_MUTE)
		st->missing = arena_printf(a, "an answer of %s", helper);
	else
		st->missing = arena_printf(a,
					   "msb-supervised, which keeps %s: "
					   "apply the document again",
					   helper);
}

/* What was written to a file of ours. */
static const char *read_back(struct arena *a, int fd)
{
	const off_t len = lseek(fd, 0, SEEK_END);
	char *text;
	ssize_t n;

	if (len <= 0)
		return "";
	text = arena_alloc(a, (size_t)len + 1, 1);
	n = pread(fd, text, (size_t)len, 0);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* Whether an "apply" was killed, and is not only at it. */
static bool was_interrupted(struct arena *a, const struct state *s,
			    const struct status *st)
{
	struct live_error ignored;
	size_t len;
	bool busy;
	int held = state_quiet(&busy);
	const bool next =
		state_read(s, a, st->record.name, CHANGE_NEXT, &len, &ignored);

	if (held >= 0)
		close(held);
	return next && !busy;
}

static void look_at_helpers(struct arena *a, const struct state *s,
			    bool counters, struct status *st)
{
	const int list = counters ? memfd_create("pins", MFD_CLOEXEC) : -1;
	enum supervisor_kind kind;

	for (kind = 0; kind < SUPERVISOR_KINDS; kind++)
		look_at_helper(a, s, kind, kind == SUPERVISOR_DNS ? list : -1,
			       st);
	st->pins = list < 0 ? "" : read_back(a, list);
	if (list >= 0)
		close(list);
	if (netns_exists(st->record.netns) && was_interrupted(a, s, st))
		st->missing = "the end of an interrupted \"apply\": apply "
			      "again";
}

static void status_compile(struct arena *a, const struct state *s,
			   struct status *st)
{
	struct compile_request req = {st->record.name, st->record.slot};
	struct compiled *c = arena_new(a, struct compiled);
	struct diags d = {.arena = a, .file = st->record.file};
	struct live_error ignored;

	d.text = state_read(s, a, st->record.name, "config.json", &d.len,
			    &ignored);
	if (d.text && compile(a, &d, &req, c))
		st->compiled = c;
}

int status_read(struct arena *a, const struct state *s, const char *name,
		bool counters, struct status *ret, struct live_error *e)
{
	struct status st = {.health = STATUS_OK};
	int held, rc;
	bool owned;

	if (state_get(s, name, &st.record, e) < 0)
		return -1;
	status_compile(a, s, &st);
	if (look_outside(a, &st, e) < 0)
		return -1;
	/* Settings cost milliseconds where there are many namespaces: a list of
	 * a thousand sandboxes goes without. */
	if (counters)
		look_at_forwarding(a, &st);
	held = counters ? supervisor_hold(s, name) : -1;
	rc = look_inside(a, &st, counters, e);
	supervisor_release(held);
	if (rc < 0)
		return -1;
	look_at_helpers(a, s, counters, &st);
	owned = state_owned(s, name);
	if (st.missing)
		st.health = STATUS_BROKEN;
	if (st.record.run && owned)
		st.health = st.missing ? STATUS_BROKEN : STATUS_RUNNING;
	else if ((st.record.run || !st.record.ready) && !owned)
		st.health = STATUS_LEFTOVER;
	if (exit_read(s, a, name, &st.exit) && st.health != STATUS_LEFTOVER)
		st.health = STATUS_TERMINATED;
	*ret = st;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* up_prepare.c - What must hold before a sandbox is made. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "netns.h"
#include "up.h"

/* The MAC address of the gateway's end of an uplink tells its slot. */
static bool is_gateway(const uint8_t mac[6], uint32_t *ret_slot)
{
	*ret_slot = (uint32_t)mac[3] << 8 | mac[4];
	return mac[0] == 0x02 && mac[1] == 0x6d && mac[2] == 0x73 &&
	       mac[5] == 0x03;
}

/* A guest namespace must be one that is nobody else's: the host's would lose
 * its default route, another sandbox's gateway its isolation. */
static int check_guest(struct up *u, struct live_error *e)
{
	char owner[PLAN_NAME_MAX + 1];
	uint8_t mac[6];
	uint32_t slot;
	bool is_up;

	if (netns_same(u->ns[PLAN_GUEST], u->ns[PLAN_HOST]))
		return live_refuse(e, "the guest's namespace is the host's: "
				      "give the guest one of its own");
	if (!link_get(u->sock[PLAN_GUEST], "uplink0", mac, &is_up) ||
	    !is_gateway(mac, &slot))
		return 0;
	lease_owner_of_slot(u->state, slot, owner);
	return live_refuse(e,
			   "the guest's namespace is the gateway of sandbox %s",
			   owner[0] ? owner : "of another state");
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
	if (netns_enter(u->ns[PLAN_GUEST], e) < 0)
		return -1;
	u->sock[PLAN_GUEST] = link_open(e);
	netns_return(u->ns[PLAN_HOST]);
	return u->sock[PLAN_GUEST] ? check_guest(u, e) : -1;
}

/* Chooses the slot and compiles for it. */
static int up_compile(struct up *u, struct live_error *e)
{
	struct arena *a = u->arena;
	struct compile_request creq = {u->req->name, u->req->slot};
	struct lease_request lreq = {
		.fixed = u->req->fixed,
		.slot = u->req->slot,
		.host = u->sock[PLAN_HOST],
	};
	struct diags first = *u->req->doc;
	struct config config;

	if (!config_read(a, &first, &config)) {
		*u->req->doc = first;
		e->kind = LIVE_DOCUMENT;
		return -1;
	}
	lreq.pool4 = config.pool4;
	lreq.pool6 = config.pool6;
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

/* The sockets come before everything else: a port that is taken is a refusal,
 * and nothing has been changed. */
static int open_sockets(struct up *u, struct live_error *e)
{
	const struct config *config = &u->sb->compiled.config;
	size_t i;

	helpers_init(u->arena, &u->sockets, config->n_bindings);
	for (i = 0; i < config->n_bindings; i++) {
		u->sockets.relay.binding[i] = listen_open(
			u->state, u->req->name, &config->bindings[i], NULL, e);
		if (u->sockets.relay.binding[i] < 0)
			return -1;
	}
	if (helpers_open_files(&u->sockets, &u->sb->compiled, u->state,
			       u->req->helpers, false, e) < 0)
		return -1;
	return guest_certs_read(u->arena, &u->sb->compiled,
				u->sockets.fd[SUPERVISOR_TLS][TLS_CA_CERT],
				u->req->helpers, &u->sb->certs, e);
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

int up_prepare(struct up *u, struct live_error *e)
{
	const char *netns = arena_printf(u->arena, "msb-%s", u->req->name);

	if (state_has(u->state, u->req->name))
		return live_refuse(
			e, "sandbox %s exists already (state %s)%s",
			u->req->name, u->state->path,
			netns_exists(netns)
				? ""
				: ", but its network namespace is gone: "
				  "\"down\" removes what is left of it");
	if (netns_exists(netns))
		return live_refuse(e,
				   "network namespace %s exists already, but "
				   "state %s has no sandbox %s: it may be "
				   "another state's",
				   netns, u->state->path, u->req->name);
	u->sock[PLAN_HOST] = link_open(e);
	u->rules[PLAN_HOST] = ruleset_open(e);
	if (!u->sock[PLAN_HOST] || !u->rules[PLAN_HOST] ||
	    open_guest(u, e) < 0 || up_compile(u, e) < 0 ||
	    check_links(u, e) < 0 || open_sockets(u, e) < 0)
		return -1;
	up_record(u);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* up.h - A sandbox in the making; private to up*.c. */
#ifndef MSB_UP_H
#define MSB_UP_H

#include "change.h"
#include "helpers.h"
#include "lease.h"
#include "link.h"
#include "sandbox.h"
#include "sysctl.h"

/**
 * struct up - A sandbox in the making: what was made so far
 * @arena:	for everything below
 * @req:	request
 * @state:	state, locked
 * @plan:	what it is to be
 * @sb:		the sandbox
 * @change:	operations so far
 * @leases:	what it leases
 * @ns:		namespaces, by enum plan_ns; -1: not there
 * @settings:	directory of sysctl_open()
 * @sock:	rtnetlink of each
 * @rules:	nftables of the host's and the gateway's
 * @sockets:	sockets for its helpers
 * @in_state:	it is in the state
 * @has_netns:	the gateway's namespace has its name
 * @host_table:	its elements are in the host's table
 * @guest_lo:	lo of the guest was set up
 * @links:	links that were made
 * @kept_key:	settings of the host that were changed
 * @kept_value:	what they were
 * @n_kept:	how many
 */
struct up {
	struct arena *arena;
	const struct sandbox_request *req;
	struct state *state;
	struct plan *plan;
	struct sandbox *sb;
	struct change change;
	struct lease_names leases;
	int ns[3];
	int settings;
	struct link_sock *sock[3];
	struct ruleset *rules[2];
	struct helper_sockets sockets;
	bool in_state;
	bool has_netns;
	bool host_table;
	bool guest_lo;
	bool links[STATE_LINKS];
	const char *kept_key[4];
	char kept_value[4][SYSCTL_MAX];
	size_t n_kept;
};

/**
 * up_prepare() - All that can be refused before anything is made
 * @u:		sandbox to be; the host's namespace is open
 * @e:		error
 *
 * Return: 0, -1 on failure
 */
int up_prepare(struct up *u, struct live_error *e);

/** up_goes_on() - Begin the next operation: 0, -1 if it is not to be done */
int up_goes_on(struct up *u, struct live_error *e);

/** up_enter() - Go to a namespace; 0, -1 on failure */
int up_enter(struct up *u, enum plan_ns ns, struct live_error *e);

/** up_leave() - Come back */
void up_leave(struct up *u);

/** up_skips() - Whether there is nothing to do in a namespace: with a tap there
 * is no guest's
 */
bool up_skips(const struct up *u, enum plan_ns ns);

/* The steps that make the links and their routes, and their undos: see struct
 * change_step. Each is given a struct up.
 */

/** up_make_links() - Links, born down, with their final names */
int up_make_links(void *data, struct live_error *e);

/** up_undo_links() - Delete those that were made */
void up_undo_links(void *data);

/** up_make_addrs() - Their addresses */
int up_make_addrs(void *data, struct live_error *e);

/** up_make_up() - Set them up, and lo */
int up_make_up(void *data, struct live_error *e);

/** up_undo_up() - Set the guest's lo down, if it was */
void up_undo_up(void *data);

/** up_make_neighbours() - Neighbours that are known for good */
int up_make_neighbours(void *data, struct live_error *e);

/** up_make_routes() - Routes */
int up_make_routes(void *data, struct live_error *e);

/** up_make_rules() - Routing rules */
int up_make_rules(void *data, struct live_error *e);

/** up_make_running() - Wait until the links carry packets */
int up_make_running(void *data, struct live_error *e);

#endif

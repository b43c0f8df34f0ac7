/* SPDX-License-Identifier: GPL-2.0-or-later */
/* apply.h - A change of a policy in the making; private to apply*.c. */
#ifndef MSB_APPLY_H
#define MSB_APPLY_H

#include "change.h"
#include "helpers.h"
#include "lease.h"
#include "sandbox.h"

/**
 * struct apply - A change in the making: what was done so far
 * @arena:	for everything below
 * @req:	request
 * @state:	state, locked
 * @ret:	what is compiled, and what will be reported
 * @change:	operations so far
 * @record:	the sandbox's record
 * @before:	the document in force
 * @had:	leases now
 * @want:	leases of the new document
 * @both:	all of them
 * @ns:		host's and gateway's namespace, by enum plan_ns
 * @rules:	nftables of both
 * @host_before: transaction that adds what the host's table has now
 * @withdraw_before: transaction that deletes it
 * @update:	transaction that makes the gateway's table the new one, which
 *		knows the old stamps too
 * @then:	transaction after which it does not; "" if there is none
 * @back:	transaction that leads back
 * @sockets:	sockets that the helpers do not have yet
 * @channel:	to each supervisor, while something is prepared; else -1
 * @held:	channel that has msb-dnsd leave the ruleset alone; else -1
 * @killed_before: an "apply" was killed, and this one settles what it left
 * @leased:	leases were written
 * @noted:	files about the change were written
 * @staged:	the new state lies aside
 * @loaded:	the gateway's table is the new one
 * @host_loaded: the host's table is the new one
 * @exchanged:	the state is the new one
 */
struct apply {
	struct arena *arena;
	const struct apply_request *req;
	struct state *state;
	struct applied *ret;
	struct change change;
	struct state_record record;
	struct config before;
	struct lease_names had;
	struct lease_names want;
	struct lease_names both;
	int ns[2];
	struct ruleset *rules[2];
	const char *host_before;
	const char *withdraw_before;
	const char *update;
	const char *then;
	const char *back;
	struct helper_sockets sockets;
	int channel[SUPERVISOR_KINDS];
	int held;
	bool killed_before;
	bool leased;
	bool noted;
	bool staged;
	bool loaded;
	bool host_loaded;
	bool exchanged;
};

/** apply_plan() - The new plan */
static inline const struct plan *apply_plan(const struct apply *p)
{
	return &p->ret->compiled.plan;
}

/** apply_host_text() - Transaction that adds to the host's table */
static inline const char *apply_host_text(const struct apply *p)
{
	return compile_artefact(&p->ret->compiled, "host.nft")->text;
}

/**
 * apply_prepare() - All that can be refused before anything is changed
 * @p:		change, locked
 * @e:		error
 *
 * But for what a killed "apply" has left, which is settled. Fills in the
 * report.
 *
 * Return: 0, -1 on failure
 */
int apply_prepare(struct apply *p, struct live_error *e);

#endif

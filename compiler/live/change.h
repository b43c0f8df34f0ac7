/* SPDX-License-Identifier: GPL-2.0-or-later */
/* change.h - What making, replacing and removing a sandbox have in common. */
#ifndef MSB_CHANGE_H
#define MSB_CHANGE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "ruleset.h"
#include "state.h"

/**
 * struct change - Operations, until a signal or a fault ends them
 * @fail_at:	for tests: the operation that fails, counted from 1; 0 is none
 * @ops:	operations so far
 * @before:	signal mask to go back to
 */
struct change {
	unsigned int fail_at;
	unsigned int ops;
	sigset_t before;
};

/**
 * change_begin() - Take the lock, and hold back what would end the process
 * @c:		filled in on success
 * @s:		state, which is locked then
 * @fail_at:	as in struct change
 * @e:		error
 *
 * SIGINT, SIGTERM, SIGHUP and SIGQUIT: what is half done is undone first. While
 * the lock is waited for they are let through, even if the caller blocks them.
 * What processes that were killed have left is removed.
 *
 * Return: 0, -1 on failure
 */
int change_begin(struct change *c, struct state *s, unsigned int fail_at,
		 struct live_error *e);

/**
 * change_goes_on() - Count an operation that is about to be done
 *
 * Return: 0; -1 if a signal came in, or a test wants this one to fail
 */
int change_goes_on(struct change *c, struct live_error *e);

/** change_end() - Let signals through again */
void change_end(struct change *c);

/**
 * struct change_step - A step, and its undo
 * @what:	what it does, for messages
 * @make:	does it; notes what it has made as it is made
 * @undo:	removes what was made of it, also of a step that failed; or NULL
 */
struct change_step {
	const char *what;
	int (*make)(void *data, struct live_error *e);
	void (*undo)(void *data);
};

/**
 * change_make() - Do all steps
 * @steps:	steps
 * @n:		how many
 * @data:	for their functions
 * @e:		error; its text names the step that failed
 *
 * Return: 0; -1 on failure, and the undos of the steps that were begun have run
 * backwards
 */
int change_make(const struct change_step *steps, size_t n, void *data,
		struct live_error *e);

/**
 * CHANGE_NEXT, CHANGE_NEXT_WITHDRAW - Files of a change of the host's table
 *
 * While they are there, the host's table may have the elements of these as well
 * as those of "host.nft", and a supervisor either's configuration. They are
 * left only where "apply" was killed.
 */
#define CHANGE_NEXT	     "next-host.nft"
#define CHANGE_NEXT_WITHDRAW "next-host-withdraw.nft"

/**
 * change_host() - Replace a sandbox's elements in the host's table
 * @s:		state, locked
 * @name:	sandbox: its files say which elements there may be
 * @host:	nftables of the host's namespace
 * @then:	transaction that adds the new ones; "" if there are none
 * @e:		error
 *
 * All of it is one transaction.
 *
 * Return: 0, -1 if nothing was changed
 */
int change_host(const struct state *s, const char *name, struct ruleset *host,
		const char *then, struct live_error *e);

/**
 * change_leave_host() - Take a sandbox's elements out of the host's table
 * @s:		state, locked
 * @name:	sandbox
 * @host:	nftables of the host's namespace
 * @e:		error
 *
 * The table goes with the last sandbox of this machine.
 *
 * Return: 0, -1 on failure
 */
int change_leave_host(const struct state *s, const char *name,
		      struct ruleset *host, struct live_error *e);

/**
 * change_put_away() - Finish what a killed process was removing or adding
 * @s:	state, locked
 *
 * What lies aside goes, and the leases of sandboxes that are no more.
 */
void change_put_away(struct state *s);

/** change_remove() - What sandbox_down() does, with the lock held */
int change_remove(struct state *s, const char *name, struct live_error *e);

#endif

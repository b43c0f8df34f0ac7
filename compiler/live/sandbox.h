/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sandbox.h - Making sandboxes in the kernel, and removing them. */
#ifndef MSB_SANDBOX_H
#define MSB_SANDBOX_H

#include "compile.h"
#include "state.h"

/**
 * struct sandbox_request - A sandbox to make
 * @name:	valid name
 * @doc:	the document; receives its diagnostics
 * @fixed:	whether it must be @slot
 * @slot:	slot, if @fixed
 * @guest:	the guest's namespace as netns_open() takes it; NULL: a tap
 * @guest_fd:	if not negative, the guest's namespace, whatever @guest says
 * @run:	it is thrown away when the owner goes
 * @fail_at:	for tests: the operation that fails, counted from 1; 0 is none
 */
struct sandbox_request {
	const char *name;
	struct diags *doc;
	bool fixed;
	uint32_t slot;
	const char *guest;
	int guest_fd;
	bool run;
	unsigned int fail_at;
};

/**
 * struct sandbox - A sandbox that was made
 * @record:	what the state directory keeps of it
 * @compiled:	what it was made of
 * @owner:	descriptor that owns it, see state_add()
 */
struct sandbox {
	struct state_record record;
	struct compiled compiled;
	int owner;
};

/**
 * sandbox_privileged() - Whether this process may change networks at all
 * @e:		error that says what is missing
 *
 * Return: 0, -1 if it may not
 */
int sandbox_privileged(struct live_error *e);

/**
 * sandbox_up() - Make a sandbox
 * @a:		arena for @ret
 * @s:		state directory, not locked
 * @req:	request
 * @ret:	sandbox; set on success; must not be moved
 * @e:		error; its text names the step that failed
 *
 * SIGINT, SIGTERM, SIGHUP and SIGQUIT are held back meanwhile: one that comes
 * in makes the call fail. Only while it waits for the lock of the machine they
 * are let through, even if the caller blocks them.
 *
 * Return: 0; -1 on failure, and everything is as it was
 */
int sandbox_up(struct arena *a, struct state *s,
	       const struct sandbox_request *req, struct sandbox *ret,
	       struct live_error *e);

/**
 * sandbox_down() - Remove a sandbox, or what is left of it
 * @s:		state directory, not locked
 * @name:	name
 * @owned:	whether the caller is its owner
 * @e:		error; the first, if there are several
 *
 * Whatever can be removed is; if anything could not, the sandbox stays listed.
 *
 * Return: 0, -1 on failure
 */
int sandbox_down(struct state *s, const char *name, bool owned,
		 struct live_error *e);

#endif

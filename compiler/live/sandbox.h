/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sandbox.h - Making sandboxes in the kernel, and removing them. */
#ifndef MSB_SANDBOX_H
#define MSB_SANDBOX_H

#include "compile.h"
#include "guest_certs.h"
#include "lease.h"
#include "state.h"
#include "supervisor.h"

/**
 * struct sandbox_request - A sandbox to make
 * @name:	valid name
 * @doc:	the document; receives its diagnostics
 * @fixed:	whether it must be @slot
 * @slot:	slot, if @fixed
 * @guest:	the guest's namespace as netns_open() takes it; NULL: a tap
 * @guest_fd:	if not negative, the guest's namespace, whatever @guest says
 * @run:	it is thrown away when the owner goes
 * @helpers:	directory of the helpers, NULL for the one they are installed in
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
	const char *helpers;
	unsigned int fail_at;
};

/**
 * struct sandbox - A sandbox that was made
 * @record:	what the state directory keeps of it
 * @compiled:	what it was made of
 * @certs:	what its guest is given to trust
 * @owner:	descriptor that owns it, see state_add()
 */
struct sandbox {
	struct state_record record;
	struct compiled compiled;
	struct guest_certs certs;
	int owner;
};

/**
 * sandbox_privileged() - Whether this process may change networks at all
 * @e:		error that says what is missing
 *
 * Return: 0, -1 if it may not
 */
int sandbox_privileged(struct live_error *e);

/** sandbox_file() - An artefact as a file of the state directory */
struct state_file sandbox_file(const struct compiled *c,
			       const struct artefact *f);

/**
 * sandbox_share_names() - Open the table of denied names
 * @s:		state, locked
 * @c:		what is compiled
 * @ret:	descriptor; -1 if there is none. Set in any case
 * @e:		error
 *
 * Return: 0, -1 on failure
 */
int sandbox_share_names(struct state *s, const struct compiled *c, int *ret,
			struct live_error *e);

/**
 * sandbox_files() - What the state directory keeps of a sandbox
 * @a:		arena for the list
 * @c:		what it is made of
 * @certs:	what its guest is given to trust
 * @doc:	its document
 * @leases:	what it has leased
 * @ret_n:	how many files
 */
struct state_file *sandbox_files(struct arena *a, const struct compiled *c,
				 const struct guest_certs *certs,
				 const struct diags *doc,
				 const struct lease_names *leases,
				 size_t *ret_n);

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

/** enum apply_helpers - What becomes of a sandbox's helpers */
enum apply_helpers {
	APPLY_HELPERS_NONE,
	APPLY_HELPERS_START,
	APPLY_HELPERS_RELOAD,
	APPLY_HELPERS_STOP,
};

/**
 * struct apply_request - A document to put in force
 * @name:	sandbox
 * @doc:	the document; receives its diagnostics
 * @dry:	only say what would change, and ask the kernel whether it would
 *		take it
 * @helpers:	directory of the helpers, NULL for the one they are installed in
 * @fail_at:	for tests: the operation that fails, counted from 1; 0 is none
 */
struct apply_request {
	const char *name;
	struct diags *doc;
	bool dry;
	const char *helpers;
	unsigned int fail_at;
};

/**
 * struct applied - What changed, or would change
 * @compiled:	what the sandbox is made of now
 * @certs:	what its guest is given to trust now
 * @diff:	the rulesets before and after, as a unified diff; "" if they are
 *		the same
 * @added:	bindings that were not there before
 * @n_added:	how many
 * @removed:	bindings that are no more
 * @n_removed:	how many
 * @helpers:	what became of each helper
 */
struct applied {
	struct compiled compiled;
	struct guest_certs certs;
	const char *diff;
	const struct config_binding **added;
	size_t n_added;
	const struct config_binding **removed;
	size_t n_removed;
	enum apply_helpers helpers[SUPERVISOR_KINDS];
};

/**
 * sandbox_apply() - Replace the policy of a running sandbox
 * @a:		arena for @ret
 * @s:		state directory, not locked
 * @req:	request
 * @ret:	what changed; set on success; must not be moved
 * @e:		error; its text names the step that failed
 *
 * From the next packet on the new document is in force, for flows that are open
 * too. Signals are held back as by sandbox_up().
 *
 * Return: 0; -1 on failure, and everything is as it was
 */
int sandbox_apply(struct arena *a, struct state *s,
		  const struct apply_request *req, struct applied *ret,
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status.h - What a sandbox is like now. */
#ifndef MSB_STATUS_H
#define MSB_STATUS_H

#include "compile.h"
#include "exit_info.h"
#include "ruleset.h"
#include "state.h"
#include "supervisor.h"

/** enum status_health - Whether a sandbox is whole */
enum status_health {
	STATUS_OK,
	STATUS_RUNNING,
	STATUS_LEFTOVER,
	STATUS_BROKEN,
	STATUS_TERMINATED,
};

/**
 * struct status_hits - What a rule of the document has decided
 * @direction:	"egress" or "ingress"; "" for what holds in either
 * @pointer:	JSON pointer, or "always:..."
 * @words:	the rule in words, or NULL
 * @packets:	packets; a flow that is allowed counts its first alone
 * @bytes:	bytes
 */
struct status_hits {
	const char *direction;
	const char *pointer;
	const char *words;
	uint64_t packets;
	uint64_t bytes;
};

/**
 * struct status - What a sandbox is like
 * @record:	what the state directory says
 * @health:	STATUS_OK; STATUS_RUNNING: a "run" with its command alive;
 *		STATUS_LEFTOVER: its owner was killed; STATUS_BROKEN: something
 *		is missing; STATUS_TERMINATED: its links are down for good
 * @missing:	what, in words, or NULL
 * @exit:	of STATUS_TERMINATED: when and why; else its reason is NULL
 * @compiled:	what it is made of, compiled again; NULL if the document that
 *		is kept cannot be compiled
 * @helpers:	whether the sandbox has each helper, and whether it answers
 * @supervisors: their processes, 0 unless alive
 * @helper_words: what its supervisor says of it, "" unless it is alive
 * @pins:	addresses that are pinned, as msb-dnsd lists them: an object of
 *		JSON a line; of status_read() with counters only, else ""
 * @hits:	in the order of the walks, then what holds always; of
 *		status_read() only
 * @n_hits:	how many
 */
struct status {
	struct state_record record;
	enum status_health health;
	const char *missing;
	struct exit_info exit;
	const struct compiled *compiled;
	enum supervisor_health helpers[SUPERVISOR_KINDS];
	pid_t supervisors[SUPERVISOR_KINDS];
	const char *helper_words[SUPERVISOR_KINDS];
	const char *pins;
	const struct status_hits *hits;
	size_t n_hits;
};

/** status_health_name() - "ok", "running", "leftover", "broken", "terminated"
 */
const char *status_health_name(enum status_health health);

/**
 * status_read() - Look at a sandbox
 * @a:		arena for @ret
 * @s:		state
 * @name:	sandbox
 * @counters:	whether to read the counters too
 * @ret:	status; set on success
 * @e:		error
 *
 * Return: 0, -1 on failure
 */
int status_read(struct arena *a, const struct state *s, const char *name,
		bool counters, struct status *ret, struct live_error *e);

/**
 * status_listing() - What the kernel has in the gateway namespace
 * @a:		arena for the text
 * @s:		state
 * @r:		sandbox
 * @ret:	listing of all its tables: another than inet msb is somebody
 *		else's, and can change what ours has judged; set on success
 * @e:		error
 *
 * Return: 0, -1 on failure
 */
int status_listing(struct arena *a, const struct state *s,
		   const struct state_record *r, const char **ret,
		   struct live_error *e);

/** status_policy() - A policy in a few words: "3 rules, egress deny, ..." */
const char *status_policy(struct arena *a, const struct policy *p);

/** status_served() - How a binding is served: "dnat", "relay", "dnat, relay" */
const char *status_served(const struct config_binding *b);

/** status_helpers() - "none", "dead" or "alive" */
const char *status_helpers(enum supervisor_health helpers);

/** status_dns() - How DNS is served, in one word: "none", "nat", "helper" */
const char *status_dns(enum policy_dns dns);

#endif

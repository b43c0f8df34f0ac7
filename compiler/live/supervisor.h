/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor.h - Talking to the supervisors of a sandbox's helpers. */
#ifndef MSB_SUPERVISOR_H
#define MSB_SUPERVISOR_H

#include "channel.h"
#include "compile.h"
#include "state.h"

/** enum supervisor_kind - Helpers, each of which has a supervisor of its own */
enum supervisor_kind {
	SUPERVISOR_DNS,
	SUPERVISOR_RELAY,
	SUPERVISOR_TLS,
	SUPERVISOR_KINDS,
};

/**
 * enum supervisor_health - What supervisor_status() says of a supervisor
 * @SUPERVISOR_NONE:	there is none
 * @SUPERVISOR_DEAD:	there was one, and its sockets are free
 * @SUPERVISOR_MUTE:	it, or its helper, does not answer
 * @SUPERVISOR_ALIVE:	it has answered
 */
enum supervisor_health {
	SUPERVISOR_NONE,
	SUPERVISOR_DEAD,
	SUPERVISOR_MUTE,
	SUPERVISOR_ALIVE,
};

/** supervisor_helper() - Its helper's name: "msb-dnsd" */
const char *supervisor_helper(enum supervisor_kind kind);

/** supervisor_config() - Its artefact's name: "dns.json" */
const char *supervisor_config(enum supervisor_kind kind);

/**
 * struct supervisor_keys - How a helper is called in reports (JSON)
 * @health:	key of whether it is there
 * @words:	key of what it says of itself
 * @process:	key of which process its supervisor is
 */
struct supervisor_keys {
	const char *health;
	const char *words;
	const char *process;
};

/** supervisor_keys() - Its keys */
struct supervisor_keys supervisor_keys(enum supervisor_kind kind);

/**
 * supervisor_process() - Which process the supervisor is
 *
 * Return: its number; 0 if there is none that is alive
 */
pid_t supervisor_process(const struct state *s, const char *name,
			 enum supervisor_kind kind);

/** supervisor_drop() - Remove the files of one that has ended */
void supervisor_drop(struct state *s, const char *name,
		     enum supervisor_kind kind);

/**
 * supervisor_start() - Start one; it has no configuration yet
 * @s:		state, locked
 * @name:	sandbox, which is in the state
 * @kind:	of which helper
 * @gateway:	descriptor of the gateway's namespace
 * @helpers:	directory of the helpers, NULL for the one they are installed in
 * @e:		error
 *
 * It does not end with this process, and is in the network namespace that this
 * process is in.
 *
 * Return: channel to it, -1 on failure
 */
int supervisor_start(struct state *s, const char *name,
		     enum supervisor_kind kind, int gateway,
		     const char *helpers, struct live_error *e);

/**
 * supervisor_connect() - Connect to a running one
 * @s:		state
 * @name:	sandbox
 * @kind:	of which helper
 * @e:		error
 *
 * Return: channel to it; -1 if there is none that answers
 */
int supervisor_connect(const struct state *s, const char *name,
		       enum supervisor_kind kind, struct live_error *e);

/**
 * struct supervisor_fds - Descriptors on their way to a supervisor
 * @v:		each with the number that it has in SOCKETS; one that is -1 is
 *		left out
 * @n:		how many
 */
struct supervisor_fds {
	const struct supervisor_fd {
		size_t index;
		int fd;
	} * v;
	size_t n;
};

/**
 * supervisor_prepare() - Hand over a configuration and its sockets
 * @channel:	channel
 * @conf:	the helper's file
 * @fds:	what it does not have yet
 * @e:		error, with its own words if it refuses
 *
 * Flows that the configuration denies stand still from here on, all others go
 * on. Closing the channel takes it back.
 *
 * Return: 0, -1 on failure
 */
int supervisor_prepare(int channel, const struct artefact *conf,
		       const struct supervisor_fds *fds, struct live_error *e);

/** supervisor_commit() - Put what was prepared in force; 0, -1 on failure */
int supervisor_commit(int channel, struct live_error *e);

/**
 * supervisor_stop() - End a supervisor and its helper
 * @s:		state
 * @name:	sandbox
 * @kind:	of which helper
 * @e:		error
 *
 * Return: 0, also if there is none; -1 if it does not end
 */
int supervisor_stop(const struct state *s, const char *name,
		    enum supervisor_kind kind, struct live_error *e);

/**
 * supervisor_status() - Ask how its helper is
 * @s:		state
 * @a:		arena for @ret
 * @name:	sandbox
 * @kind:	of which helper
 * @ret:	its own words, "" unless it is alive
 * @list:	a file that it may write more to, or -1
 */
enum supervisor_health supervisor_status(const struct state *s, struct arena *a,
					 const char *name,
					 enum supervisor_kind kind,
					 const char **ret, int list);

/**
 * supervisor_watch() - Ask to be told when a sandbox is terminated
 * @s:		state
 * @name:	sandbox
 * @ret_reason:	why it was, "" if it was not; set on success
 *
 * Return: channel to msb-tlsd's supervisor, to be closed; -1 if there is none
 * that answers
 */
int supervisor_watch(const struct state *s, const char *name,
		     char ret_reason[CHANNEL_TEXT_MAX]);

/**
 * supervisor_watched() - Read what comes on the channel of supervisor_watch()
 * @channel:	channel, on which something has come
 * @ret_reason:	why it was terminated; set if it was
 *
 * Return: 1 if it was terminated, 0 if nothing came, -1 if there will be
 * nothing
 */
int supervisor_watched(int channel, char ret_reason[CHANNEL_TEXT_MAX]);

/**
 * supervisor_hold() - Have its helper leave the ruleset alone
 * @s:		state
 * @name:	sandbox
 *
 * A listing begins anew when the ruleset changes meanwhile, and msb-dnsd
 * changes it as often as the guest resolves names. This is for as long as the
 * channel is open, CHANNEL_HOLD_MS at most.
 *
 * Return: channel, to be closed; -1 if there is nothing to be held
 */
int supervisor_hold(const struct state *s, const char *name);

/** supervisor_release() - Let it go on; @channel may be -1 */
void supervisor_release(int channel);

#endif

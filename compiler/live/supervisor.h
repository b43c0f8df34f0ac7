/* SPDX-License-Identifier: GPL-2.0-or-later */
/* supervisor.h - Talking to the supervisor of a sandbox's helpers. */
#ifndef MSB_SUPERVISOR_H
#define MSB_SUPERVISOR_H

#include "listen.h"
#include "state.h"

/** SUPERVISOR_ALIVE - What supervisor_status() says of a supervisor */
enum supervisor_health {
	SUPERVISOR_NONE,
	SUPERVISOR_DEAD,
	SUPERVISOR_ALIVE,
};

/**
 * supervisor_start() - Start one; it has no configuration yet
 * @s:		state, locked
 * @name:	sandbox, which is in the state
 * @gateway:	descriptor of the gateway's namespace
 * @helpers:	directory of the helpers, NULL for the one they are installed in
 * @e:		error
 *
 * It does not end with this process, and is in the network namespace that this
 * process is in.
 *
 * Return: channel to it, -1 on failure
 */
int supervisor_start(struct state *s, const char *name, int gateway,
		     const char *helpers, struct live_error *e);

/**
 * supervisor_connect() - Connect to a running one
 * @s:		state
 * @name:	sandbox
 * @e:		error
 *
 * Return: channel to it; -1 if there is none that answers
 */
int supervisor_connect(const struct state *s, const char *name,
		       struct live_error *e);

/**
 * supervisor_prepare() - Hand over a configuration and its sockets
 * @channel:	channel
 * @text:	relay.json
 * @len:	bytes
 * @sockets:	sockets that it does not have yet
 * @e:		error, with its own words if it refuses
 *
 * Flows that the configuration denies stand still from here on, all others go
 * on. Closing the channel takes it back.
 *
 * Return: 0, -1 on failure
 */
int supervisor_prepare(int channel, const char *text, size_t len,
		       const struct listen_sockets *sockets,
		       struct live_error *e);

/** supervisor_commit() - Put what was prepared in force; 0, -1 on failure */
int supervisor_commit(int channel, struct live_error *e);

/**
 * supervisor_stop() - End a supervisor and its helpers
 * @s:		state
 * @name:	sandbox
 * @e:		error
 *
 * Return: 0, also if there is none; -1 if it does not end
 */
int supervisor_stop(const struct state *s, const char *name,
		    struct live_error *e);

/**
 * supervisor_status() - Ask how its helpers are
 * @s:		state
 * @a:		arena for @ret
 * @name:	sandbox
 * @ret:	its own words, "" unless it is alive
 */
enum supervisor_health supervisor_status(const struct state *s, struct arena *a,
					 const char *name, const char **ret);

#endif

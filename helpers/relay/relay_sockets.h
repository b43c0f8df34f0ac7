/* SPDX-License-Identifier: GPL-2.0-or-later */
/* relay_sockets.h - The sockets that belong to one configuration.
 *
 * The supervisor and its worker keep them alike: a socket is known by its
 * number, its index in Listeners or, behind these, one of enum relay_gateway.
 * While a configuration is prepared, two sets share the sockets of listeners
 * that both have.
 */
#ifndef MSB_RELAY_SOCKETS_H
#define MSB_RELAY_SOCKETS_H

#include "channel.h"
#include "relay_conf.h"

/** enum relay_gateway - Sockets of the gateway's namespace, after Listeners */
enum relay_gateway {
	RELAY_STEER_TCP4,
	RELAY_STEER_TCP6,
	RELAY_STEER_UDP4,
	RELAY_STEER_UDP6,
	RELAY_ICMP4,
	RELAY_ICMP6,
	RELAY_GATEWAY_COUNT,
};

/**
 * struct relay_sockets - The sockets of a configuration
 * @conf:	configuration; NULL: there is none, and no socket
 * @fd:		one for each listener, then one for each enum relay_gateway;
 *		-1: not there
 * @n:		how many places @fd has
 */
struct relay_sockets {
	const struct relay_conf *conf;
	int *fd;
	size_t n;
};

/**
 * relay_sockets_begin() - Make the set of a new configuration
 * @a:		arena of the configuration
 * @conf:	configuration
 * @old:	set in force, whose sockets are taken over where they fit
 * @all:	also those that @old does not use: a supervisor keeps them, a
 *		worker is sent them when they are wanted
 */
struct relay_sockets relay_sockets_begin(struct arena *a,
					 const struct relay_conf *conf,
					 const struct relay_sockets *old,
					 bool all);

/**
 * relay_sockets_put() - Put the sockets of a SOCKETS message in their places
 * @s:		set
 * @m:		message
 * @fds:	its descriptors: they belong to the set, or are closed
 *
 * Return: NULL; else why the message is refused
 */
const char *relay_sockets_put(struct relay_sockets *s,
			      const struct channel_msg *m, int fds[CHANNEL_MAX])
	__attribute__((warn_unused_result));

/**
 * relay_sockets_check() - Whether all that are needed are there
 * @s:		set
 * @reserved:	whether those count that are only kept
 * @ret_reason:	on failure, which one is missing
 */
bool relay_sockets_check(const struct relay_sockets *s, bool reserved,
			 char ret_reason[CONF_REASON_MAX])
	__attribute__((warn_unused_result));

/** relay_sockets_close() - Close those that @kept does not have; may be NULL */
void relay_sockets_close(struct relay_sockets *s,
			 const struct relay_sockets *kept);

/**
 * relay_sockets_send() - Send a configuration to a worker
 * @channel:	channel to the worker
 * @file:	descriptor of relay.json
 * @s:		the configuration's set
 * @held:	set that the worker has already; NULL: it has none
 *
 * Sends PREPARE, SOCKETS as often as need be, and READY; sockets that are only
 * kept stay here.
 *
 * Return: 0; -1 and errno
 */
int relay_sockets_send(int channel, int file, const struct relay_sockets *s,
		       const struct relay_sockets *held)
	__attribute__((warn_unused_result));

#endif

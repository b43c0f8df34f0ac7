/* SPDX-License-Identifier: GPL-2.0-or-later */
/* relay_conf.h - relay.json, decoded: what is relayed, and for whom. */
#ifndef MSB_RELAY_CONF_H
#define MSB_RELAY_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "config.h"
#include "policy.h"

/** RELAY_LISTENERS_MAX - Listeners that one configuration may have */
#define RELAY_LISTENERS_MAX 4096

/** RELAY_CONNECTIONS_MAX - What Limits.Connections may be at most */
#define RELAY_CONNECTIONS_MAX 16384

/** RELAY_FLOWS_MAX - What Limits.Flows may be at most */
#define RELAY_FLOWS_MAX 16384

/** RELAY_CONNECTIONS - Limits.Connections, unless set */
#define RELAY_CONNECTIONS 4096

/** RELAY_FLOWS - Limits.Flows, unless set */
#define RELAY_FLOWS 4096

/** RELAY_CONNECT_MS - Limits.ConnectMs, unless set */
#define RELAY_CONNECT_MS 10000

/** RELAY_IDLE_MS - Limits.IdleMs, unless set */
#define RELAY_IDLE_MS 60000

/** RELAY_IDLE_BOTH_MS - Limits.IdleBothMs, unless set */
#define RELAY_IDLE_BOTH_MS 180000

/** RELAY_TIME_MAX_MS - What these may be at most: a day */
#define RELAY_TIME_MAX_MS 86400000

/**
 * enum relay_serve - What a listener is for
 * @RELAY_SERVE:	connections are accepted, and relayed to the guest
 * @RELAY_RESERVE:	the socket is only kept, so that nobody else has the
 *			port: the ruleset serves it
 */
enum relay_serve {
	RELAY_SERVE_UNSET,
	RELAY_SERVE,
	RELAY_RESERVE,
};

/**
 * struct relay_listener - One listening socket of the host's namespace
 * @binding:	address, ports and protocol; its pointer is that of the
 *		document that was compiled
 * @serve:	what it is for
 */
struct relay_listener {
	struct config_binding binding;
	enum relay_serve serve;
};

/**
 * struct relay_rules - Rules of one direction
 * @v:		rules, as a NetworkConfig has them
 * @n:		how many
 * @otherwise:	what happens to a flow that none matches
 */
struct relay_rules {
	const struct config_rule *v;
	size_t n;
	enum config_action otherwise;
};

/**
 * struct relay_conf - relay.json
 * @version:	1
 * @name:	the sandbox's name
 * @generation:	of the ruleset that it belongs to, for people
 * @gw4:	gateway's address on the guest's link
 * @gw6:	likewise
 * @guest4:	guest's address
 * @guest6:	likewise
 * @listeners:	listeners
 * @n_listeners: how many, at most RELAY_LISTENERS_MAX
 * @ingress:	rules about peers on the host's loopback
 * @has_host:	whether flows to the gateway are relayed to the host at all
 * @host:	rules about these
 * @host_port:	port of the steering sockets
 * @connections: TCP connections that are relayed at one time
 * @flows:	UDP flows likewise
 * @connect_ms:	time that a connection has to come about
 * @idle_ms:	idle time after which a UDP flow ends
 * @idle_both_ms: the same, once both sides have spoken
 * @config:	for @policy
 * @policy:	what eval() is asked about; its walks are @ingress and @host
 */
struct relay_conf {
	uint32_t version;
	const char *name;
	const char *generation;
	struct ip gw4;
	struct ip gw6;
	struct ip guest4;
	struct ip guest6;
	const struct relay_listener *listeners;
	size_t n_listeners;
	struct relay_rules ingress;
	bool has_host;
	struct relay_rules host;
	uint16_t host_port;
	uint32_t connections;
	uint32_t flows;
	uint32_t connect_ms;
	uint32_t idle_ms;
	uint32_t idle_both_ms;
	struct config config;
	struct policy policy;
};

/**
 * relay_conf_decode() - Decode and check a configuration
 * @a:		arena that holds the result
 * @text:	JSON
 * @len:	bytes
 * @ret_reason:	on failure, why
 *
 * Return: the configuration, NULL if it is refused
 */
const struct relay_conf *relay_conf_decode(struct arena *a, const char *text,
					   size_t len,
					   char ret_reason[CONF_REASON_MAX])
	__attribute__((warn_unused_result));

/**
 * relay_conf_read() - The same, from a file
 * @fd:	descriptor, which stays open
 */
const struct relay_conf *relay_conf_read(struct arena *a, int fd,
					 char ret_reason[CONF_REASON_MAX])
	__attribute__((warn_unused_result));

/**
 * relay_conf_ingress() - Whether a peer may reach a published guest port
 * @c:		configuration
 * @proto:	IPPROTO_TCP or IPPROTO_UDP
 * @peer:	the peer's address, not IPv4-mapped
 * @guest_port:	port
 */
bool relay_conf_ingress(const struct relay_conf *c, int proto, struct ip peer,
			uint16_t guest_port);

/**
 * relay_conf_host() - Whether the guest may reach a port of the host
 * @c:		configuration
 * @proto:	IPPROTO_TCP or IPPROTO_UDP
 * @family:	of the gateway address that the flow is to
 * @port:	port
 */
bool relay_conf_host(const struct relay_conf *c, int proto,
		     enum ip_family family, uint16_t port);

/**
 * relay_conf_find() - The listener that would have the same socket
 * @c:	configuration
 * @l:	listener of another one
 *
 * Return: its index; c->n_listeners if there is none
 */
size_t relay_conf_find(const struct relay_conf *c,
		       const struct relay_listener *l);

#endif

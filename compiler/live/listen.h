/* SPDX-License-Identifier: GPL-2.0-or-later */
/* listen.h - The sockets that a sandbox's helpers are given. */
#ifndef MSB_LISTEN_H
#define MSB_LISTEN_H

#include "config.h"
#include "dns_fd.h"
#include "live_error.h"
#include "state.h"
#include "tls_fd.h"

/** LISTEN_GATEWAY - Sockets of the gateway's namespace */
#define LISTEN_GATEWAY 6

/**
 * struct listen_sockets - Sockets of one document
 * @binding:	for each binding its socket, -1 where a supervisor has it
 * @n:		number of bindings
 * @gateway:	steering for TCP over IPv4, IPv6, for UDP over IPv4, IPv6, raw
 *		ICMP and ICMPv6; -1: not there
 */
struct listen_sockets {
	int *binding;
	size_t n;
	int gateway[LISTEN_GATEWAY];
};

/** listen_init() - No socket yet, room for @n bindings */
void listen_init(struct arena *a, struct listen_sockets *s, size_t n);

/** listen_same() - Whether two bindings can share one socket */
bool listen_same(const struct config_binding *a,
		 const struct config_binding *b);

/** listen_find() - The binding of @c that can share the socket of @b, or NULL
 */
const struct config_binding *listen_find(const struct config *c,
					 const struct config_binding *b);

/**
 * listen_open() - Bind one published port
 * @state:	state, for whose sandbox has the port
 * @name:	sandbox
 * @b:		binding
 * @own:	bindings that the sandbox has now, or NULL
 * @e:		error; refused, with the owner's name, if the port is taken
 *
 * What is relayed listens; the rest is only bound, so that nobody else has it.
 * The network namespace is the one that the process is in.
 *
 * Return: descriptor, -1 on failure
 */
int listen_open(const struct state *state, const char *name,
		const struct config_binding *b, const struct config *own,
		struct live_error *e);

/**
 * listen_open_gateway() - Open the sockets of the gateway's namespace
 * @s:		receives them
 * @port:	port of the steering sockets
 * @e:		error
 *
 * The network namespace is the one that the process is in.
 *
 * Return: 0, -1 on failure
 */
int listen_open_gateway(struct listen_sockets *s, uint16_t port,
			struct live_error *e);

/**
 * listen_open_dns() - Open msb-dnsd's sockets of the gateway's namespace
 * @ret:	receives them, by enum dns_fd
 * @e:		error
 *
 * As listen_open_gateway().
 */
int listen_open_dns(int ret[DNS_FD_COUNT], struct live_error *e);

/**
 * listen_open_tls() - Open msb-tlsd's sockets of the gateway's namespace
 * @ret:	receives them, by enum tls_fd
 * @port:	port of the listeners
 * @e:		error
 *
 * As listen_open_gateway().
 */
int listen_open_tls(int ret[TLS_FD_COUNT], uint16_t port, struct live_error *e);

/** listen_close() - Close what is open */
void listen_close(struct listen_sockets *s);

#endif

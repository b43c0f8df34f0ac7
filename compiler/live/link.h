/* SPDX-License-Identifier: GPL-2.0-or-later */
/* link.h - Interfaces, addresses, routes and routing rules, over rtnetlink. */
#ifndef MSB_LINK_H
#define MSB_LINK_H

#include <stdbool.h>

#include "live_error.h"
#include "plan.h"

/** struct link_sock - An rtnetlink socket of one namespace; private */
struct link_sock;

/**
 * link_open() - Open a socket in the namespace that the process is in
 * @e:	error
 *
 * The socket stays in that namespace wherever the process goes.
 *
 * Return: socket, NULL on failure
 */
struct link_sock *link_open(struct live_error *e);

/** link_close() - Release a socket; NULL is nothing */
void link_close(struct link_sock *s);

/** link_index() - Index of an interface; 0 if there is none */
unsigned int link_index(struct link_sock *s, const char *name);

/**
 * link_name() - Name of an interface
 * @s:		socket
 * @index:	its index; 0 is no interface
 * @ret:	set to its name, "" if it has gone
 */
void link_name(struct link_sock *s, unsigned int index, char ret[16]);

/**
 * link_get() - Look at an interface
 * @s:		socket
 * @name:	interface
 * @ret_mac:	its MAC address; zeros if it has none; set on success
 * @ret_up:	whether it is set up; set on success
 *
 * Return: true if there is such an interface
 */
bool link_get(struct link_sock *s, const char *name, uint8_t ret_mac[6],
	      bool *ret_up);

/**
 * link_wait_running() - Wait until an interface that is up carries packets
 * @s:		socket
 * @name:	interface
 * @e:		error
 *
 * An interface that is set up before its peer gets its queue from a worker of
 * the kernel a moment later (net/core/link_watch.c); until then it drops what
 * is sent, and has no IPv6.
 *
 * Return: 0; -1 if that took longer than ten seconds
 */
int link_wait_running(struct link_sock *s, const char *name,
		      struct live_error *e);

/**
 * link_add_veth() - Make a pair; both ends are down
 * @s:		namespace of the first end
 * @near:	first end
 * @far:	second end
 * @far_ns:	descriptor of the second end's namespace
 * @mtu:	MTU of both
 * @e:		error; refused if a name is taken
 *
 * Each end has its name, MAC address and MTU from birth.
 *
 * Return: 0, -1 on failure
 */
int link_add_veth(struct link_sock *s, const struct plan_end *near,
		  const struct plan_end *far, int far_ns, uint32_t mtu,
		  struct live_error *e);

/**
 * link_add_tap() - Make a tap that stays; it is down
 * @s:		namespace, which the process must be in
 * @end:	name and MAC address
 * @mtu:	MTU
 * @e:		error
 *
 * Return: 0, -1 on failure
 */
int link_add_tap(struct link_sock *s, const struct plan_end *end, uint32_t mtu,
		 struct live_error *e);

/** link_delete() - Delete an interface; 0 also if there is none */
int link_delete(struct link_sock *s, const char *name, struct live_error *e);

/** link_set_up() - Set an interface up or down */
int link_set_up(struct link_sock *s, const char *name, bool up,
		struct live_error *e);

/** link_add_addr() - Give an interface an address, usable at once */
int link_add_addr(struct link_sock *s, const struct plan_addr *addr,
		  struct live_error *e);

/** link_add_neighbour() - Tell an interface a neighbour, for good */
int link_add_neighbour(struct link_sock *s, const struct plan_neighbour *n,
		       struct live_error *e);

/** link_add_route() - Add a route; refused if there is one like it */
int link_add_route(struct link_sock *s, const struct plan_route *route,
		   struct live_error *e);

/** link_add_rule() - Add a policy routing rule */
int link_add_rule(struct link_sock *s, const struct plan_rule *rule,
		  struct live_error *e);

/**
 * struct link_route - A route that the kernel has
 * @dst:	destination
 * @link:	interface, "" if there is none
 */
struct link_route {
	struct ip_range dst;
	char link[16];
};

/**
 * link_route_to() - Find the route by which an address is reached
 * @s:		socket
 * @ip:		address
 * @ret:	route, of any table that the kernel looks into, local addresses
 *		included; set if there is one
 * @e:		error
 *
 * Return: 1 if there is one, 0 if there is none, -1 on failure
 */
int link_route_to(struct link_sock *s, struct ip ip, struct link_route *ret,
		  struct live_error *e);

#endif

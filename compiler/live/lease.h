/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lease.h - Which sandbox has which slot, networks and ports. */
#ifndef MSB_LEASE_H
#define MSB_LEASE_H

#include "config.h"
#include "link.h"
#include "pool.h"
#include "state.h"

/**
 * struct lease_request - A slot to look for
 * @pool4:	IPv4 pool
 * @pool6:	IPv6 pool
 * @fixed:	whether it must be @slot
 * @slot:	slot, below pool_slots(), if @fixed
 * @host:	socket of the host's namespace, for its routes
 */
struct lease_request {
	struct ip_range pool4;
	struct ip_range pool6;
	bool fixed;
	uint32_t slot;
	struct link_sock *host;
};

/**
 * lease_find() - Find a slot that is free
 * @s:		state, locked
 * @req:	request
 * @ret_slot:	slot; set on success
 * @e:		error; refused with the reason if there is none
 *
 * A slot is free if nobody has its number or one of its networks, and the host
 * routes no address of these by anything but a route to half of all addresses
 * or more. Without @fixed it is the lowest.
 *
 * Return: 0, -1 on failure
 */
int lease_find(struct state *s, const struct lease_request *req,
	       uint32_t *ret_slot, struct live_error *e);

/** LEASE_MAX - Room for a lease's name, with NUL */
#define LEASE_MAX 80

/** struct lease_names - Names of leases */
struct lease_names {
	char (*v)[LEASE_MAX];
	size_t n;
};

/**
 * lease_names() - Everything that a sandbox leases
 * @a:		arena for the list
 * @slot:	its slot
 * @config:	its document: the ports that it publishes
 */
struct lease_names lease_names(struct arena *a, const struct slot *slot,
			       const struct config *config);

/** lease_parse() - Names of leases from their file's text */
struct lease_names lease_parse(struct arena *a, const char *text);

/** lease_has() - Whether @name is one of @l */
bool lease_has(const struct lease_names *l, const char *name);

/**
 * lease_take() - Lease what a sandbox does not have yet
 * @s:		state, locked
 * @name:	sandbox
 * @l:		leases
 * @e:		error; refused with the reason if one is another's
 *
 * Return: 0; -1 on failure, and what was taken so far is for lease_release()
 */
int lease_take(struct state *s, const char *name, const struct lease_names *l,
	       struct live_error *e);

/**
 * lease_release() - Take back what a sandbox has leased
 * @s:		state, locked
 * @name:	sandbox
 * @l:		leases; those that are not @name's stay
 * @but:	leases that stay too, or NULL
 */
void lease_release(struct state *s, const char *name,
		   const struct lease_names *l, const struct lease_names *but);

/** lease_release_all() - Give back whatever @name has, if no list says what */
void lease_release_all(struct state *s, const char *name);

/**
 * lease_owner_of_slot() - Which sandbox has a slot
 * @s:		state
 * @slot:	slot
 * @ret:	its name, "" if none of this state has it
 */
void lease_owner_of_slot(const struct state *s, uint32_t slot,
			 char ret[PLAN_NAME_MAX + 1]);

/**
 * lease_owner_of_binding() - Which sandbox has leased exactly this port of this
 * address
 * @s:		state
 * @b:		binding
 * @ret:	its name, "" if none of this state has it
 */
void lease_owner_of_binding(const struct state *s,
			    const struct config_binding *b,
			    char ret[PLAN_NAME_MAX + 1]);

/**
 * lease_owner_of_port() - Which other sandbox has a port that a binding needs
 * @s:		state
 * @name:	the sandbox that has the binding
 * @b:		binding
 * @ret:	name of the other, "" if none of this state has it
 *
 * The unspecified address needs the port of every address.
 */
void lease_owner_of_port(const struct state *s, const char *name,
			 const struct config_binding *b,
			 char ret[PLAN_NAME_MAX + 1]);

/** lease_count() - How many slots are leased */
uint32_t lease_count(const struct state *s);

#endif

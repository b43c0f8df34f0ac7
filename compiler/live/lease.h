/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lease.h - Which sandbox has which slot and networks. */
#ifndef MSB_LEASE_H
#define MSB_LEASE_H

#include "link.h"
#include "pool.h"
#include "state.h"

/**
 * struct lease_request - A slot to look for
 * @pool4:	IPv4 pool
 * @pool6:	IPv6 pool
 * @fixed:	whether it must be @slot
 * @slot:	slot, below pool_slots(), if @fixed
 * @routes:	routes of the host
 * @n_routes:	how many
 */
struct lease_request {
	struct ip_range pool4;
	struct ip_range pool6;
	bool fixed;
	uint32_t slot;
	const struct link_route *routes;
	size_t n_routes;
};

/**
 * lease_find() - Find a slot that is free
 * @s:		state, locked
 * @req:	request
 * @ret_slot:	slot; set on success
 * @e:		error; refused with the reason if there is none
 *
 * Leases of sandboxes that are no more are taken back first. A slot is free if
 * nobody has its number or one of its networks, and no route of the host but
 * those to half of all addresses or more overlaps them.
 *
 * Return: 0, -1 on failure
 */
int lease_find(struct state *s, const struct lease_request *req,
	       uint32_t *ret_slot, struct live_error *e);

/** lease_take() - Lease a slot that lease_find() found; 0, -1 on failure */
int lease_take(struct state *s, const char *name, const struct slot *slot,
	       struct live_error *e);

/** lease_release() - Take back what a sandbox has leased; 0, -1 on failure */
int lease_release(struct state *s, const char *name, struct live_error *e);

/** lease_count() - How many slots are leased */
uint32_t lease_count(const struct state *s);

#endif

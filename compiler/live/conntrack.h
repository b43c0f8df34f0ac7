/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conntrack.h - Flows that are open. */
#ifndef MSB_CONNTRACK_H
#define MSB_CONNTRACK_H

#include <stdint.h>

#include "live_error.h"
#include "pool.h"

/**
 * conntrack_open() - Count the flows that a guest has opened and are not over
 * @slot:	the guest's addresses
 * @ret:	TCP and UDP flows that a policy has allowed, but for those to
 *port 53 of the gateway; set on success
 * @e:		error
 *
 * The network namespace is the one that the process is in.
 *
 * Return: 0, -1 on failure
 */
int conntrack_open(const struct slot *slot, uint32_t *ret,
		   struct live_error *e);

#endif

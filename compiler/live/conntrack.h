/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conntrack.h - Flows that are open. */
#ifndef MSB_CONNTRACK_H
#define MSB_CONNTRACK_H

#include <stdint.h>

#include "config.h"
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

/**
 * struct conntrack_change - Published ports that are added, or taken away
 * @slot:	the guest's addresses
 * @v:		these bindings
 * @n:		number of them
 * @all:	the guest is new: what the host's table knows of its address is
 *		of one before
 */
struct conntrack_change {
	const struct slot *slot;
	const struct config_binding *const *v;
	size_t n;
	bool all;
};

/**
 * conntrack_forget() - End the flows that such a change leaves behind
 * @c:		change, which the host's table knows already
 * @home:	descriptor of the host's namespace, which the process is in
 * @gateway:	descriptor of the gateway's
 * @e:		error
 *
 * The kernel looks up where a flow is to go once, with its first packet. So a
 * flow that came by a port taken away goes on, if the guest may still be
 * reached at that port by another; and a peer that sends UDP to a port before
 * it is published is not heard for as long as it does. Their next packet is a
 * first one again.
 *
 * Return: 0, -1 on failure
 */
int conntrack_forget(const struct conntrack_change *c, int home, int gateway,
		     struct live_error *e);

#endif

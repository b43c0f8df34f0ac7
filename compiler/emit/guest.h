/* SPDX-License-Identifier: GPL-2.0-or-later */
/* guest.h - The files that a guest is to find. */
#ifndef MSB_GUEST_H
#define MSB_GUEST_H

#include "plan.h"
#include "str.h"

/** GUEST_HOST_ALIAS - The name of the host, as the guest knows it */
#define GUEST_HOST_ALIAS "host.microsandbox.internal"

/** guest_resolv_conf() - resolv.conf: the gateway serves DNS */
void guest_resolv_conf(struct str *s, const struct plan *p);

/** guest_hosts() - hosts: localhost and the host's alias */
void guest_hosts(struct str *s, const struct plan *p);

/**
 * guest_network() - network: the guest's interface, as shell assignments
 *
 * KEY='value' lines that a POSIX shell can source.
 */
void guest_network(struct str *s, const struct plan *p);

#endif

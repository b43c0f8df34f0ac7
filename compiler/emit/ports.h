/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ports.h - ports.json: published ports, and how each is served. */
#ifndef MSB_PORTS_H
#define MSB_PORTS_H

#include "plan.h"
#include "str.h"

/**
 * ports_json() - ports.json: one object for each binding, in input order
 *
 * "bind", "protocol" and "host_port" are what it occupies on the host;
 * "guest4", "guest6" and "guest_port" where it leads, with an address of each
 * family that it serves; "served" by what: "dnat" (host.nft), "relay"
 * (msb-relayd). "pointer" is its place in the document.
 */
void ports_json(struct str *s, const struct plan *p);

#endif

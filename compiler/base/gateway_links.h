/* SPDX-License-Identifier: GPL-2.0-or-later */
/* gateway_links.h - The names of a gateway's two links. */
#ifndef MSB_GATEWAY_LINKS_H
#define MSB_GATEWAY_LINKS_H

/** GATEWAY_GUEST_LINK - The gateway's interface to the guest */
#define GATEWAY_GUEST_LINK "guest0"

/** GATEWAY_UPLINK_LINK - The gateway's interface to the host */
#define GATEWAY_UPLINK_LINK "uplink0"

#endif

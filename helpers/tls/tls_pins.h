/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls_pins.h - What is pinned, asked of the kernel for judge.h. */
#ifndef MSB_TLS_PINS_H
#define MSB_TLS_PINS_H

#include "judge.h"

/**
 * struct tls_pins - Whom to ask
 * @fd:		NETLINK_NETFILTER socket of the gateway's namespace
 * @loaded:	configuration whose sets the kernel has
 *
 * A configuration that is prepared may have sets that are not there yet. What
 * will be in them is told by the names of what is in the others.
 */
struct tls_pins {
	int fd;
	const struct tls_conf *loaded;
};

/** tls_pins_get() - A @get function of struct judge; @context is the struct
 * tls_pins
 */
int tls_pins_get(void *context, const struct walk_pin_set *set, struct ip ip,
		 struct judge_pin *ret);

#endif

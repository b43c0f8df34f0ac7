/* SPDX-License-Identifier: GPL-2.0-or-later */
/* helper_conf.h - The files that helpers read. */
#ifndef MSB_HELPER_CONF_H
#define MSB_HELPER_CONF_H

#include "plan.h"
#include "str.h"

/** HELPER_CONF_VERSION - Version of the format of helpers' files */
#define HELPER_CONF_VERSION 1u

/**
 * helper_conf_relay() - relay.json: all that msb-relayd knows
 *
 * Walks are cut down to the rules that can match what the relay sees: a
 * client of the host's loopback, a port of the gateway.
 */
void helper_conf_relay(struct str *s, const struct plan *p);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* port_owner.h - Which process has a port. */
#ifndef MSB_PORT_OWNER_H
#define MSB_PORT_OWNER_H

#include <stddef.h>

#include "config.h"

/**
 * port_owner() - Say which process has a port that a binding needs
 * @b:		binding
 * @ret:	"nginx (process 812)", or words for one that cannot be found
 * @size:	room at @ret
 *
 * The network namespace is the one that the process is in.
 */
void port_owner(const struct config_binding *b, char *ret, size_t size);

#endif

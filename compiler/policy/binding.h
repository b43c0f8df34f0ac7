/* SPDX-License-Identifier: GPL-2.0-or-later */
/* binding.h - What a published port occupies on the host. */
#ifndef MSB_BINDING_H
#define MSB_BINDING_H

#include <stdbool.h>

#include "config.h"

/** binding_is_loopback() - Bound to 127.0.0.0/8 or ::1 */
bool binding_is_loopback(const struct config_binding *b);

/** binding_is_wildcard() - Bound to 0.0.0.0 or :: */
bool binding_is_wildcard(const struct config_binding *b);

#endif

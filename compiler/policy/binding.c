/* SPDX-License-Identifier: GPL-2.0-or-later */
/* binding.c - What a published port occupies on the host. */
#include "binding.h"

bool binding_is_loopback(const struct config_binding *b)
{
	return group_of(b->bind, (struct ip){0}, (struct ip){0}) ==
	       GROUP_LOOPBACK;
}

bool binding_is_wildcard(const struct config_binding *b)
{
	return !b->bind.num;
}

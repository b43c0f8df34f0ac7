/* SPDX-License-Identifier: GPL-2.0-or-later */
/* group.h - The destination groups: a partition of all addresses. */
#ifndef MSB_GROUP_H
#define MSB_GROUP_H

#include <stdbool.h>

#include "arena.h"
#include "ip.h"

/**
 * enum group - Destination groups, in the order in which they are tested
 *
 * GROUP_NONE holds the unspecified addresses. It is no destination that a rule
 * can name.
 */
enum group {
	GROUP_NONE,
	GROUP_HOST,
	GROUP_METADATA,
	GROUP_LOOPBACK,
	GROUP_PRIVATE,
	GROUP_LINK_LOCAL,
	GROUP_MULTICAST,
	GROUP_PUBLIC,
	GROUP_COUNT,
};

/** group_name() - The word in a document: "link-local"; "none" for GROUP_NONE
 */
const char *group_name(enum group g);

/**
 * group_from_name() - The group that a document names
 * @name:	exactly as group_name() spells it
 * @ret:	group; set on success
 *
 * Return: true if @name is a group that a rule can name
 */
bool group_from_name(const char *name, enum group *ret);

/** group_summary() - One line for the manual: what the group holds */
const char *group_summary(enum group g);

/**
 * group_of() - The group of an address
 * @ip:		address; IPv4-mapped ones are read as IPv4
 * @gw4:	the sandbox's IPv4 gateway address
 * @gw6:	the sandbox's IPv6 gateway address
 */
enum group group_of(struct ip ip, struct ip gw4, struct ip gw6);

/**
 * group_set() - All addresses of a group
 * @a:		arena for the set
 * @g:		group
 * @gw4:	the sandbox's IPv4 gateway address
 * @gw6:	the sandbox's IPv6 gateway address
 *
 * Return: both families. IPv4-mapped IPv6 addresses are in GROUP_PUBLIC here,
 * as numbers; whoever looks an address up unmaps it first.
 */
struct ip_set group_set(struct arena *a, enum group g, struct ip gw4,
			struct ip gw6);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* region.h - Sets of flows: addresses by protocols by ports. */
#ifndef MSB_REGION_H
#define MSB_REGION_H

#include "listing.h"
#include "policy.h"

/**
 * struct region - A product of three sets
 * @addrs:	destinations (ingress: peers)
 * @protos:	IP protocol numbers, as bits
 * @ports:	ports, ascending, disjoint, not adjacent
 * @n_ports:	number of ranges
 * @any_port:	every port, and protocols without any; then @ports is not set
 */
struct region {
	struct ip_set addrs;
	uint64_t protos[4];
	const struct config_ports *ports;
	size_t n_ports;
	bool any_port;
};

/**
 * struct region_rule - A region, and what becomes of it unless it was decided
 * before
 * @region:	region
 * @allow:	whether it is allowed
 * @helper:	whether a helper decides instead; then @allow does not count
 * @pointer:	what says so
 */
struct region_rule {
	struct region region;
	bool allow;
	bool helper;
	const char *pointer;
};

/** region_all() - Every flow */
void region_all(struct arena *a, struct region *ret);

/**
 * region_narrow() - Keep what a key has in, or out of, a list of elements
 * @a:		arena
 * @r:		region; narrowed
 * @dir:	direction: which addresses of a flow are looked at
 * @key:	key
 * @v:		elements
 * @n:		number of elements
 * @part:	part of the elements that belongs to the key
 * @negate:	keep what is out of it. What has no such key is not kept
 *
 * Return: false if the key says nothing about a flow of that direction
 */
bool region_narrow(struct arena *a, struct region *r, enum policy_direction dir,
		   enum listing_key key, const struct listing_elem *v, size_t n,
		   size_t part, bool negate)
	__attribute__((warn_unused_result));

/** region_empty() - Whether no flow is in it */
bool region_empty(const struct region *r);

/**
 * region_whole() - Whether rules of a document can tell it from the rest
 *
 * They know TCP, UDP, the ICMP of each family, and all others as one; and ports
 * of TCP and UDP alone.
 */
bool region_whole(const struct region *r);

/**
 * region_rules_lower() - An ordered list of regions as a walk
 * @a:		arena
 * @v:		regions, each by region_whole(); together they hold every flow
 * @n:		number of regions
 * @helpers:	whether what helpers decide is taken for allowed, or for denied
 * @ret:	walk
 */
void region_rules_lower(struct arena *a, const struct region_rule *v, size_t n,
			bool helpers, struct policy_walk *ret);

#endif

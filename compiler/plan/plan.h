/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plan.h - Where everything goes: namespaces, links, addresses, tables. */
#ifndef MSB_PLAN_H
#define MSB_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "cost.h"
#include "diag.h"
#include "nft.h"
#include "pins.h"
#include "policy.h"

/** PLAN_NAME_MAX - Characters of the longest sandbox name */
#define PLAN_NAME_MAX 32

/** PLAN_MTU - MTU of every link of a sandbox */
#define PLAN_MTU 1500u

/** PLAN_DNSD - Program that serves DNS */
#define PLAN_DNSD "msb-dnsd"

/** PLAN_TLSD - Program that reads the names of TLS flows, and intercepts them
 */
#define PLAN_TLSD "msb-tlsd"

/** PLAN_RELAYD - Program that carries flows from and to the host's loopback */
#define PLAN_RELAYD "msb-relayd"

/** PLAN_TLSD - Program that carries TCP flows whose names must be read */
#define PLAN_TLSD "msb-tlsd"

/** PLAN_MAX_BINDINGS - Published ports of a sandbox: each is a socket of
 * msb-relayd
 */
#define PLAN_MAX_BINDINGS 1024u

/** enum plan_ns - The namespaces that a plan speaks of */
enum plan_ns {
	PLAN_HOST,
	PLAN_GATEWAY,
	PLAN_GUEST,
};

/**
 * struct plan_end - One end of a veth pair
 * @ns:		namespace it is in
 * @name:	interface name, at most 15 characters
 * @mac:	MAC address
 */
struct plan_end {
	enum plan_ns ns;
	const char *name;
	uint8_t mac[6];
};

/**
 * struct plan_link - A veth pair
 * @end:	its two ends; @end[0] is in the gateway namespace
 * @mtu:	MTU of both ends
 * @guest:	whether this is the link to the guest; with a tap instead of a
 *		guest namespace, @end[0] is the tap and there is no @end[1]
 */
struct plan_link {
	struct plan_end end[2];
	uint32_t mtu;
	bool guest;
};

/**
 * struct plan_addr - An address of an interface
 * @ns:		namespace
 * @link:	interface
 * @ip:		address
 * @len:	prefix length; the kernel's prefix route is wanted unless it is
 *		the length of the whole address
 */
struct plan_addr {
	enum plan_ns ns;
	const char *link;
	struct ip ip;
	unsigned int len;
};

/**
 * struct plan_neighbour - The hardware address behind an address, for good
 * @ns:		namespace
 * @link:	interface
 * @ip:		address of the neighbour
 * @mac:	its MAC address
 */
struct plan_neighbour {
	enum plan_ns ns;
	const char *link;
	struct ip ip;
	uint8_t mac[6];
};

/**
 * struct plan_route - A route
 * @ns:		namespace
 * @local:	type "local" instead of "unicast"
 * @dst:	destination prefix; everything for a default route
 * @via:	next hop, reachable on @link whatever the other routes say
 *		("onlink"); family 0 if there is none
 * @link:	interface
 * @table:	routing table; 254 is main
 */
struct plan_route {
	enum plan_ns ns;
	bool local;
	struct ip_range dst;
	struct ip via;
	const char *link;
	uint32_t table;
};

/**
 * struct plan_rule - A policy routing rule: packets with a mark use a table
 * @ns:		namespace
 * @family:	address family
 * @priority:	priority
 * @fwmark:	packet mark, compared in full
 * @table:	routing table
 */
struct plan_rule {
	enum plan_ns ns;
	enum ip_family family;
	uint32_t priority;
	uint32_t fwmark;
	uint32_t table;
};

/**
 * struct plan_sysctl - A kernel setting
 * @ns:		namespace in which it is set
 * @key:	path below /proc/sys
 * @value:	value to write
 * @link:	interface that must exist before, or NULL
 * @keep:	the setting belongs to the host: written only if it is
 * different, and not taken back when the sandbox goes
 */
struct plan_sysctl {
	enum plan_ns ns;
	const char *key;
	const char *value;
	const char *link;
	bool keep;
};

/**
 * struct plan_helper - A process that the sandbox needs
 * @name:	program
 * @config:	artefact that it reads
 * @reason:	why it is needed, as a clause
 */
struct plan_helper {
	const char *name;
	const char *config;
	const char *reason;
};

/**
 * enum plan_reason - Why a run of rules was printed as it was
 * @PLAN_FEW:		in order: that costs no more than COST_CHEAP
 * @PLAN_DEARER:	in order: maps would cost as much or more
 * @PLAN_NO_MAP:	in order: its boxes are not known, as making them would
 *			exceed the bound of space_build()
 * @PLAN_TOO_MANY:	in order: the maps would be too many, or too large
 * @PLAN_MAP:		maps on the address: they cost less
 */
enum plan_reason {
	PLAN_FEW,
	PLAN_DEARER,
	PLAN_NO_MAP,
	PLAN_TOO_MANY,
	PLAN_MAP,
};

/**
 * struct plan_choice - How a run of neighbouring rules about addresses was
 * printed
 * @dir:	walk
 * @first:	index of its first rule in the walk
 * @end:	index behind its last rule
 * @reason:	which way, and why
 * @in_order:	bound of what a flow pays for the rules one after the other
 * @mapped:	bound of what it pays with maps; 0 if that is not known
 * @maps:	PLAN_MAP: verdict maps
 * @elements:	PLAN_MAP: elements of those maps
 * @chains:	PLAN_MAP: chains that they lead to
 */
struct plan_choice {
	enum policy_direction dir;
	size_t first;
	size_t end;
	enum plan_reason reason;
	struct cost in_order;
	struct cost mapped;
	size_t maps;
	size_t elements;
	size_t chains;
};

/**
 * struct plan - A sandbox, ready to be printed or made
 * @name:	name of the sandbox, NULL-free, valid
 * @policy:	what it obeys
 * @netns:	name of the gateway namespace: "msb-NAME"
 * @uplink:	name of the host's end of the uplink
 * @generation:	policy generation: the ct mark of flows that it has allowed; the
 *		low four bits are zero, the value is not
 * @links:	veth pairs
 * @n_links:	number of pairs
 * @addrs:	addresses
 * @n_addrs:	number of addresses
 * @neighbours:	neighbours that need not be asked for
 * @n_neighbours: number of neighbours
 * @routes:	routes
 * @n_routes:	number of routes
 * @rules:	policy routing
 * @n_rules:	number of rules
 * @sysctls:	settings, in the order in which they are written
 * @n_sysctls:	number of settings
 * @helpers:	processes
 * @n_helpers:	number of processes; mostly none
 * @host_egress: whether flows to the gateway go on to the host, by msb-relayd
 * @sandbox:	table inet msb of the gateway namespace
 * @host:	table inet msb of the host namespace: fixed rules, and this
 *		sandbox's elements
 * @pins:	sets of @sandbox that msb-dnsd fills
 * @n_pins:	how many pairs
 * @names:	DenyDomains and DenyDomainSuffixes for helpers: a file, see
 *		names.h; NULL if there are none, or nobody to read them
 * @names_len:	bytes of @names
 * @names_file:	its name: "names-HASH.bin". The same name stands for the same
 *		bytes, unless somebody wanted it otherwise
 * @choices:	how the walks were printed: runs that have rules, in order
 * @n_choices:	number of runs
 *
 * The order to make it in, so that nothing is open at any moment: gateway
 * namespace, settings without a link, @sandbox, @host, links (down), settings
 * with a link, addresses, links up, neighbours, routes, policy routing.
 */
struct plan {
	const char *name;
	const struct policy *policy;
	const char *netns;
	const char *uplink;
	uint32_t generation;
	struct plan_link *links;
	size_t n_links;
	struct plan_addr *addrs;
	size_t n_addrs;
	struct plan_neighbour *neighbours;
	size_t n_neighbours;
	struct plan_route *routes;
	size_t n_routes;
	struct plan_rule *rules;
	size_t n_rules;
	struct plan_sysctl *sysctls;
	size_t n_sysctls;
	struct plan_helper *helpers;
	size_t n_helpers;
	bool host_egress;
	struct nft_table sandbox;
	struct nft_table host;
	struct pin_pair *const *pins;
	size_t n_pins;
	const void *names;
	size_t names_len;
	const char *names_file;
	const struct plan_choice *choices;
	size_t n_choices;
};

/** struct plan_cost - What a packet pays at most for its policy, beside what
 * forwarding it costs without any rule
 * @established: of a flow that was allowed
 * @fresh:	the first packet of a flow
 */
struct plan_cost {
	struct cost established;
	struct cost fresh;
};

/** plan_cost() - The bound of a direction */
struct plan_cost plan_cost(const struct plan *p, enum policy_direction dir);

/** plan_needs() - Whether a helper is among the processes of a plan */
bool plan_needs(const struct plan *p, const char *helper);

/** plan_name_valid() - Whether @name is 1 to 32 of a-z, 0-9 and "-" */
bool plan_name_valid(const char *name);

/**
 * plan_make() - Place a policy
 * @a:		arena for the plan
 * @d:		receives errors and warnings
 * @policy:	policy; must live as long as the plan
 * @name:	valid sandbox name
 * @ret:	plan; set on success
 *
 * Return: true; false if the ruleset would be too large, or the ports too many
 */
bool plan_make(struct arena *a, struct diags *d, const struct policy *policy,
	       const char *name, struct plan *ret)
	__attribute__((warn_unused_result));

/**
 * plan_cap_open() - Let flows that are open already count against the cap
 * @p:		plan whose chain "cap" is about to replace another
 * @open:	TCP and UDP flows of the guest, stamped and not over, but for
 *		those to port 53 of the gateway
 *
 * The kernel's list goes with the rule, and cannot be made again: the cap is
 * lower by @open until the rule is replaced again. Not to be called while the
 * chain is kept, because its list has those flows.
 */
void plan_cap_open(struct plan *p, uint32_t open);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tables.h - How the two tables of a sandbox are built. */
#ifndef MSB_TABLES_H
#define MSB_TABLES_H

#include "binding.h"
#include "gateway_links.h"
#include "nft.h"
#include "pins.h"
#include "plan.h"
#include "policy.h"
#include "space.h"

/** TABLES_MAX_RULES - Rules of the largest sandbox table that is made */
#define TABLES_MAX_RULES 500000u

/**
 * struct group_sets - The named sets that hold the groups of a table
 * @a:		arena
 * @gw4:	IPv4 gateway: group host
 * @gw6:	IPv6 gateway: group host
 * @sets:	sets made so far; each stays where it is
 * @n:		how many
 * @made:	set of each group and family, NULL until a rule needs it
 * @ranges:	addresses of each group, valid once @known is set
 * @known:	whether @ranges was computed
 *
 * A group is made into a set the first time that a rule names it, one set a
 * family, so a table has the sets that it uses and no others.
 */
struct group_sets {
	struct arena *a;
	struct ip gw4;
	struct ip gw6;
	struct nft_set *sets;
	size_t n;
	const struct nft_set *made[GROUP_COUNT][2];
	struct ip_set ranges[GROUP_COUNT];
	bool known[GROUP_COUNT];
};

/** GROUP_SETS_MAX - Room for the sets of all groups in both families */
#define GROUP_SETS_MAX (2 * GROUP_COUNT)

/**
 * struct walk_ends - Where the verdicts of a walk lead
 * @allow:	chain for what it allows; NULL: dropped
 * @deny:	chain for what it denies; NULL: dropped
 */
struct walk_ends {
	const char *allow;
	const char *deny;
};

/** walk_plain - What is allowed goes to TABLE_ALLOW, what is denied is dropped
 */
extern const struct walk_ends walk_plain;

/** walk_end() - What becomes of what a walk allows or denies: a verb, a target
 * and a comment
 */
struct nft_branch walk_end(const struct walk_ends *ends, bool allow,
			   const char *pointer);

/**
 * walk_rules() - Print rules of a walk into a chain, one after the other
 * @a:		arena
 * @g:		group sets of the table
 * @ends:	where their verdicts lead
 * @walk:	walk
 * @first:	index of the first rule
 * @end:	index behind the last rule
 * @dir:	which walk it is: the peer is the destination of an egress flow
 *		and the source of an ingress flow
 * @chain:	chain to append to
 *
 * Rules about names are left out: they match what only helpers know.
 *
 * Return: false if the chain would be too large
 */
bool walk_rules(struct arena *a, struct group_sets *g,
		const struct walk_ends *ends, const struct policy_walk *walk,
		size_t first, size_t end, enum policy_direction dir,
		struct nft_chain *chain) __attribute__((warn_unused_result));

/**
 * walk_pinned() - Print a rule about names into a chain, for addresses that are
 * pinned to them
 * @a:		arena
 * @ends:	where its verdict leads
 * @r:		rule; its destination does not count
 * @pins:	the addresses
 * @dir:	which walk
 * @chain:	chain to append to
 */
void walk_pinned(struct arena *a, const struct walk_ends *ends,
		 const struct policy_rule *r, const struct pin_pair *pins,
		 enum policy_direction dir, struct nft_chain *chain);

/** WALK_MAX_MAPS - Verdict maps of one table: the kernel searches all of them
 * for each name
 */
#define WALK_MAX_MAPS 1000u

/**
 * struct walk_maps - Verdict maps of a table, and the chains that they lead to
 * @vmaps:	maps
 * @n_vmaps:	how many
 * @cap_vmaps:	room for how many
 * @chains:	chains
 * @n_chains:	how many
 * @cap_chains:	room for how many
 * @n_rules:	rules in all those chains
 * @n_elements:	elements of all those maps
 * @label:	what the names of maps start with, NULL for the walk's name
 */
struct walk_maps {
	const struct nft_vmap **vmaps;
	size_t n_vmaps;
	size_t cap_vmaps;
	struct nft_chain *chains;
	size_t n_chains;
	size_t cap_chains;
	size_t n_rules;
	size_t n_elements;
	const char *label;
};

/**
 * walk_map() - Print a run of a walk as maps on the address
 * @a:		arena
 * @m:		maps of the table
 * @ends:	where verdicts lead
 * @s:		walk, decomposed
 * @run:	index of the run; flat
 * @dir:	which walk it is
 * @chain:	chain to append to; what the run does not decide falls through
 *
 * Return: false if it would be too large; @m and @chain are of no use then
 */
bool walk_map(struct arena *a, struct walk_maps *m,
	      const struct walk_ends *ends, const struct space *s, size_t run,
	      enum policy_direction dir, struct nft_chain *chain)
	__attribute__((warn_unused_result));

/**
 * struct walk_build - What a walk is printed into
 * @groups:	group sets of the table
 * @maps:	verdict maps of the table
 * @pins:	sets of pinned addresses of the table
 * @ends:	where verdicts of rules about addresses lead
 * @sni:	first rule about names whose TCP flows may be msb-tlsd's; NULL
 *		if there is none
 * @choices:	how each run of rules was printed
 * @n_choices:	how many
 * @cap_choices: room for how many
 */
struct walk_build {
	struct group_sets groups;
	struct walk_maps maps;
	struct pins pins;
	const struct walk_ends *ends;
	const struct policy_rule *sni;
	struct plan_choice *choices;
	size_t n_choices;
	size_t cap_choices;
};

/**
 * walk_print() - Print a walk into a chain, each run of it the cheaper way
 * @a:		arena
 * @b:		where to
 * @p:		policy
 * @dir:	which walk
 * @chain:	chain to append to
 *
 * Return: false if it would be too large
 */
bool walk_print(struct arena *a, struct walk_build *b, const struct policy *p,
		enum policy_direction dir, struct nft_chain *chain)
	__attribute__((warn_unused_result));

/**
 * walk_run() - Print a run of rules about addresses the cheaper way
 * @a:		arena
 * @b:		where to
 * @s:		walk, decomposed
 * @run:	index of the run
 * @choice:	its @dir says which walk; receives how it was printed
 * @chain:	chain to append to
 *
 * Return: false if it would be too large
 */
bool walk_run(struct arena *a, struct walk_build *b, const struct space *s,
	      size_t run, struct plan_choice *choice, struct nft_chain *chain)
	__attribute__((warn_unused_result));

/** TABLE_NEEDS_TLSD - Comment of flows that are reset as nobody takes them */
#define TABLE_NEEDS_TLSD "needs msb-tlsd"

/** TABLE_NEEDS_RELAYD - The same of flows that are the relay's */
#define TABLE_NEEDS_RELAYD "needs msb-relayd"

/** TABLE_NEEDS_DNSD - Comment of queries that are dropped as nobody takes them
 */
#define TABLE_NEEDS_DNSD "needs msb-dnsd"

/**
 * struct tail - The rest of a walk, for TCP flows of one state
 * @target:	chain where all of them go; NULL: they are dropped
 * @comment:	why; NULL: the chain says more
 */
struct tail {
	const char *target;
	const char *comment;
};

/**
 * struct name_group - Rules about names that are the same but for the names
 * @first:	index of the first of them
 * @end:	index behind the last
 * @behind:	index behind the rules about addresses that follow them
 * @pins:	addresses pinned to their names, or NULL
 * @depends:	TCP flows that they are about depend on the server's name
 * @taken:	@depends: but none of those flows comes here any more
 * @tail:	@depends and not @taken: what follows, for those flows
 */
struct name_group {
	size_t first;
	size_t end;
	size_t behind;
	const struct pin_pair *pins;
	bool depends;
	bool taken;
	struct tail tail;
};

/**
 * walk_groups() - Find the groups of a walk, and print what follows each
 * @a:		arena for the groups
 * @b:		where to: chains of their own, and sets
 * @p:		policy
 * @dir:	which walk
 * @ret:	groups, in order; set on success
 * @ret_n:	how many
 *
 * Return: false if it would be too large
 */
bool walk_groups(struct arena *a, struct walk_build *b, const struct policy *p,
		 enum policy_direction dir, struct name_group **ret,
		 size_t *ret_n) __attribute__((warn_unused_result));

/**
 * walk_group() - Print a group of rules about names
 * @a:		arena
 * @b:		where to
 * @p:		policy
 * @dir:	which walk
 * @group:	group
 * @chain:	chain to append to
 */
void walk_group(struct arena *a, struct walk_build *b, const struct policy *p,
		enum policy_direction dir, const struct name_group *group,
		struct nft_chain *chain);

/** walk_peer_key() - What holds the peer's address: of the flow, as it was
 * opened
 */
enum nft_key walk_peer_key(enum policy_direction dir, enum ip_family family);

/** TABLE_WALK() - Chain of a walk; what the walk leads to starts with its name
 */
#define TABLE_WALK(dir) ((dir) == POLICY_EGRESS ? "egress" : "ingress")

/** TABLE_OWNER_MASK - The bits of a stamp that say who carries the flow */
#define TABLE_OWNER_MASK 0xfu

/** TABLE_OWNER_RELAY - Carried by msb-relayd; 0 is the kernel */
#define TABLE_OWNER_RELAY 1u

/** TABLE_OWNER_DNS - Carried by msb-dnsd */
#define TABLE_OWNER_DNS 2u

/** TABLE_OWNER_TLS - Carried by msb-tlsd */
#define TABLE_OWNER_TLS 3u

/** TABLE_OWNER_DIAL - Opened by msb-tlsd, to a server that the guest dialled */
#define TABLE_OWNER_DIAL 4u

/** TABLE_STEER_PORT - Port of msb-relayd's transparent sockets in the gateway
 * namespace; below its net.ipv4.ip_local_port_range
 */
#define TABLE_STEER_PORT 61440u

/** TABLE_DNS_PORT - Port of msb-dnsd's transparent sockets: answers come from
 * the port that was asked
 */
#define TABLE_DNS_PORT 53u

/** TABLE_TLS_PORT - Port of msb-tlsd's transparent sockets, likewise */
#define TABLE_TLS_PORT 61441u

/** TABLE_STEER_MARK - Mark of packets that a local socket is to get */
#define TABLE_STEER_MARK 1u

/** TABLE_DIAL_MARK - Mark of the sockets that msb-tlsd reaches servers by; only
 * who has CAP_NET_ADMIN can give a socket a mark
 */
#define TABLE_DIAL_MARK 2u

/** TABLE_GUEST_LINK - The gateway's interface to the guest */
#define TABLE_GUEST_LINK GATEWAY_GUEST_LINK

/** TABLE_UPLINK_LINK - The gateway's interface to the host */
#define TABLE_UPLINK_LINK GATEWAY_UPLINK_LINK

/** TABLE_ALLOW - Chain that stamps a flow with the generation and accepts it */
#define TABLE_ALLOW "allow"

/** TABLE_NAMED - Chain that hands a flow to msb-tlsd: what becomes of it
 * depends on the name in its ClientHello
 */
#define TABLE_NAMED "named"

/** LIMITS_MAX - Objects, and chains, that the limits of a sandbox need */
#define LIMITS_MAX_OBJECTS 8
#define LIMITS_MAX_CHAINS  2

/**
 * struct limits - What RateLimiter becomes
 * @objects:	named objects
 * @n_objects:	how many
 * @chains:	base chains of their own, whose accept ends nothing but them
 * @n_chains:	how many
 */
struct limits {
	struct nft_object objects[LIMITS_MAX_OBJECTS];
	size_t n_objects;
	struct nft_chain chains[LIMITS_MAX_CHAINS];
	size_t n_chains;
};

/** limit_rules() - Objects and chains for the rate limits of a document */
void limit_rules(struct arena *a, const struct config *config,
		 struct limits *ret);

/**
 * sandbox_table() - Table of the gateway namespace, its generation still zero
 * @a:		arena
 * @p:		policy
 * @steer:	whether flows to the gateway are steered to msb-relayd
 * @ret:	table
 * @ret_build:	how its walks were printed
 *
 * Return: false if it would be too large; @ret_build->pins.full says whether it
 * is the sets that are too many
 */
bool sandbox_table(struct arena *a, const struct policy *p, bool steer,
		   struct nft_table *ret, struct walk_build *ret_build)
	__attribute__((warn_unused_result));

/**
 * sandbox_table_open() - Lower the cap by the flows that are open already
 * @t:		table that sandbox_table() made
 * @open:	how many
 */
void sandbox_table_open(struct nft_table *t, uint32_t open);

/**
 * host_table() - Table of the host's namespace
 * @a:		arena
 * @p:		policy: the sandbox's addresses and published ports
 * @uplink:	name of the host's end of its uplink
 * @ret:	table: fixed rules, one element a sandbox or published port
 */
void host_table(struct arena *a, const struct policy *p, const char *uplink,
		struct nft_table *ret);

/**
 * table_generation() - Number that stands for the contents of a table
 * @t:	table with generation zero
 *
 * Return: a hash of everything in it; the low four bits are zero, the whole is
 * not
 */
uint32_t table_generation(const struct nft_table *t);

/** table_stamp() - Put the generation wherever a table has one */
void table_stamp(struct nft_table *t, uint32_t generation);

#endif

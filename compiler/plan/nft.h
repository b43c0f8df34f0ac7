/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nft.h - The nftables objects that are emitted, and no others. */
#ifndef MSB_NFT_H
#define MSB_NFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "ip.h"

/**
 * enum nft_type - What a key yields and a set holds
 */
enum nft_type {
	NFT_TYPE_IFNAME,
	NFT_TYPE_IPV4_ADDR,
	NFT_TYPE_IPV6_ADDR,
	NFT_TYPE_INET_PROTO,
	NFT_TYPE_INET_SERVICE,
	NFT_TYPE_MARK,
	NFT_TYPE_CT_STATE,
	NFT_TYPE_CT_DIR,
	NFT_TYPE_ICMPV6_TYPE,
	NFT_TYPE_INTEGER,
	NFT_TYPE_IFNAME_IPV4,
	NFT_TYPE_IFNAME_IPV6,
	NFT_TYPE_CT_STATUS,
	NFT_TYPE_FIB_ADDRTYPE,
	NFT_TYPE_TCP_FLAG,
	NFT_TYPE_OBJECT,
	NFT_TYPE_COUNT,
};

/**
 * NFT_KEYS() - What a rule can look at: enum tail, nft's words, type
 *
 * The "ct original" keys are the addresses and ports with which the flow was
 * opened, whichever of its packets is looked at and whatever NAT did to it.
 *
 * CT_MARK is the stamp of the policy, CT_MARK_IS the number that it says,
 * CT_OWNER the bits of a stamp, of whatever policy, that say who carries it.
 * META_MARK is the mark of the packet, or of the socket that it comes from.
 *
 * CT_COUNT_OVER, LIMIT and QUOTA look at state that the kernel keeps: how many
 * flows a rule has counted, how much an object has left. An expression that is
 * not reached takes nothing from what follows it.
 *
 * The generation of a table has their numbers in it: new ones go to the end.
 */
#define NFT_KEYS(X) \
	X(IIFNAME, "iifname", IFNAME) \
	X(OIFNAME, "oifname", IFNAME) \
	X(L4PROTO, "meta l4proto", INET_PROTO) \
	X(CT_STATE, "ct state", CT_STATE) \
	X(CT_DIRECTION, "ct direction", CT_DIR) \
	X(CT_MARK, "ct mark", MARK) \
	X(CT_SADDR4, "ct original ip saddr", IPV4_ADDR) \
	X(CT_DADDR4, "ct original ip daddr", IPV4_ADDR) \
	X(CT_SADDR6, "ct original ip6 saddr", IPV6_ADDR) \
	X(CT_DADDR6, "ct original ip6 daddr", IPV6_ADDR) \
	X(CT_DPORT, "ct original proto-dst", INET_SERVICE) \
	X(SADDR4, "ip saddr", IPV4_ADDR) \
	X(DADDR4, "ip daddr", IPV4_ADDR) \
	X(SADDR6, "ip6 saddr", IPV6_ADDR) \
	X(DADDR6, "ip6 daddr", IPV6_ADDR) \
	X(DPORT, "th dport", INET_SERVICE) \
	X(ICMPV6_TYPE, "icmpv6 type", ICMPV6_TYPE) \
	X(HOPLIMIT, "ip6 hoplimit", INTEGER) \
	X(IIFNAME_SADDR4, "iifname . ip saddr", IFNAME_IPV4) \
	X(IIFNAME_SADDR6, "iifname . ip6 saddr", IFNAME_IPV6) \
	X(CT_STATUS, "ct status", CT_STATUS) \
	X(CT_MARK_IS, "ct mark", MARK) \
	X(FIB_DADDR, "fib daddr type", FIB_ADDRTYPE) \
	X(TCP_RST, "tcp flags & rst ==", TCP_FLAG) \
	X(CT_COUNT_OVER, "ct count over", INTEGER) \
	X(LIMIT, "limit name", OBJECT) \
	X(QUOTA, "quota name", OBJECT) \
	X(CT_OWNER, "ct mark & 0x0000000f ==", MARK) \
	X(META_MARK, "meta mark", MARK)

/** enum nft_key - Keys, by NFT_KEYS() */
enum nft_key {
#define NFT_ENUM(id, words, type) NFT_##id,
	NFT_KEYS(NFT_ENUM)
#undef NFT_ENUM
		NFT_KEY_COUNT,
};

/** enum nft_ct_state - Bits of "ct state", as the kernel numbers them */
enum nft_ct_state {
	NFT_CT_INVALID = 1,
	NFT_CT_ESTABLISHED = 2,
	NFT_CT_RELATED = 4,
	NFT_CT_NEW = 8,
	NFT_CT_UNTRACKED = 64,
};

/** enum nft_ct_status - Bits of "ct status", as the kernel numbers them */
enum nft_ct_status {
	NFT_STATUS_DNAT = 32,
};

/** NFT_FIB_LOCAL - Value of "fib daddr type" of the host's own addresses */
#define NFT_FIB_LOCAL 2u

/** NFT_FLAG_RST - The bit of "tcp flags" that ends a connection */
#define NFT_FLAG_RST 4u

/** enum nft_ct_direction - Values of "ct direction" */
enum nft_ct_direction {
	NFT_CT_ORIGINAL,
	NFT_CT_REPLY,
};

/**
 * struct nft_elem - A value, a range of values, or a concatenation
 * @name:	name of an interface or object, for types that have one
 * @lo:		value, or the first of a range
 * @hi:		last of the range; equal to @lo for a single value
 */
struct nft_elem {
	const char *name;
	ip_num lo;
	ip_num hi;
};

/**
 * struct nft_set - A named set
 * @name:	name, unique in its table
 * @type:	type of its elements
 * @interval:	"flags interval": elements may be ranges
 * @dynamic:	"flags timeout": a helper puts elements in, which live for a
 *		time. An update of the table keeps them. It has no "size": the
 *		kernel would make room for as many at once (nft_rhash_init()),
 *		1 MiB for 32,768; whoever puts them in keeps count
 * @v:		elements; of an interval set ascending, disjoint, not adjacent;
 *		none if it is @dynamic
 * @n:		number of elements
 */
struct nft_set {
	const char *name;
	enum nft_type type;
	bool interval;
	bool dynamic;
	const struct nft_elem *v;
	size_t n;
};

/** enum nft_object_kind - Kinds of named objects */
enum nft_object_kind {
	NFT_LIMIT_BYTES,
	NFT_LIMIT_PACKETS,
	NFT_QUOTA_BYTES,
};

/** enum nft_unit - Time in which a limit refills its rate */
enum nft_unit {
	NFT_SECOND,
	NFT_MINUTE,
	NFT_HOUR,
	NFT_DAY,
	NFT_WEEK,
	NFT_UNITS,
};

/**
 * struct nft_object - A named limit or quota, which keeps its state while the
 * rules that use it are replaced
 * @name:	name, unique in its table among objects of its kind
 * @kind:	kind
 * @rate:	limits: bytes or packets in each @unit, "over": it matches what
 *		exceeds them. NFT_QUOTA_BYTES: bytes, "over": it matches once
 *		they are used up
 * @unit:	limits: unit
 * @burst:	limits: packets that the bucket holds; bytes that it holds on
 *		top of @rate
 */
struct nft_object {
	const char *name;
	enum nft_object_kind kind;
	uint64_t rate;
	enum nft_unit unit;
	uint32_t burst;
};

/**
 * struct nft_dnat - A published port: one element of a map
 * @bind:	address that is translated; unused in a wildcard map
 * @proto:	IP protocol
 * @port:	port that is translated
 * @to:		address that it becomes
 * @to_port:	port that it becomes
 */
struct nft_dnat {
	struct ip bind;
	uint8_t proto;
	uint16_t port;
	struct ip to;
	uint16_t to_port;
};

/**
 * struct nft_dnat_map - A named map from published ports to where they lead
 * @name:	name, unique among sets and maps
 * @family:	family of addresses on both sides
 * @wildcard:	keys are protocol and port; else address, protocol and port
 * @v:		elements, in the order in which nft lists them:
 *		nft_dnat_order()
 * @n:		number of elements
 *
 * A key that leads elsewhere already makes the kernel refuse the transaction:
 * two sandboxes cannot have the same port, whoever started them.
 */
struct nft_dnat_map {
	const char *name;
	enum ip_family family;
	bool wildcard;
	struct nft_dnat *v;
	size_t n;
};

/**
 * struct nft_match - One expression that a packet must satisfy
 * @key:	what is looked at
 * @negate:	"!="
 * @set:	named set to look it up in, or NULL
 * @v:		if @set is NULL: the values, one or an anonymous set of several,
 *		ascending. CT_STATE has one value, a set of enum nft_ct_state
 * @n:		number of values at @v
 *
 * A key that the packet does not have (an IPv6 address in an IPv4 packet)
 * makes the rule not match, negated or not.
 */
struct nft_match {
	enum nft_key key;
	bool negate;
	const struct nft_set *set;
	const struct nft_elem *v;
	size_t n;
};

/** enum nft_verb - What a rule does with a packet that matches */
enum nft_verb {
	NFT_ACCEPT,
	NFT_DROP,
	NFT_GOTO,
	NFT_MARK_ACCEPT,
	NFT_REJECT,
	NFT_RESET,
	NFT_DNAT4,
	NFT_DNAT6,
	NFT_MASQUERADE,
	NFT_JUMP,
	NFT_DNAT_MAP,
	NFT_TPROXY_ACCEPT,
	NFT_VMAP,
};

/**
 * struct nft_rule - A rule
 * @match:	expressions, in order
 * @n:		number of expressions
 * @limit:	packets a second that match, after NFT_LIMIT_BURST of them at
 *		once; 0: all. More do not match
 * @counter:	count packets and bytes
 * @verb:	what to do. NFT_REJECT answers port unreachable, NFT_RESET with
 *		a TCP reset; NFT_MARK_ACCEPT stamps the flow, then accepts;
 *		NFT_TPROXY_ACCEPT hands the packet to a local socket with
 *		another address, if there is one: else the next rule is asked;
 *		NFT_VMAP does what @vmap says of @key, or nothing if it says
 *		nothing
 * @target:	NFT_GOTO, NFT_JUMP: name of the chain
 * @mark:	NFT_MARK_ACCEPT: value of ct mark; NFT_TPROXY_ACCEPT: of the
 *		packet's mark
 * @to:		NFT_DNAT4, NFT_DNAT6: address
 * @to_port:	NFT_DNAT4, NFT_DNAT6, NFT_TPROXY_ACCEPT: port
 * @map:	NFT_DNAT_MAP: where to look up what the packet's destination
 *		becomes; without an element there the next rule is asked
 * @key:	NFT_VMAP: what is looked up
 * @vmap:	NFT_VMAP: where
 * @comment:	at most NFT_COMMENT_MAX bytes, or NULL
 */
struct nft_rule {
	const struct nft_match *match;
	size_t n;
	uint32_t limit;
	bool counter;
	enum nft_verb verb;
	const char *target;
	uint32_t mark;
	struct ip to;
	uint16_t to_port;
	const struct nft_dnat_map *map;
	enum nft_key key;
	const struct nft_vmap *vmap;
	const char *comment;
};

/**
 * struct nft_branch - One element of a verdict map
 * @on:		values that it is for
 * @verb:	NFT_ACCEPT, NFT_DROP, NFT_GOTO or NFT_JUMP
 * @target:	NFT_GOTO, NFT_JUMP: name of the chain
 * @comment:	at most NFT_COMMENT_MAX bytes, or NULL
 */
struct nft_branch {
	struct nft_elem on;
	enum nft_verb verb;
	const char *target;
	const char *comment;
};

/**
 * struct nft_vmap - A named verdict map, "flags interval"
 * @name:	name, unique among the sets and maps of its table
 * @type:	type of its keys
 * @counter:	whether each element counts packets and bytes
 * @v:		elements, ascending, disjoint
 * @n:		number of elements
 */
struct nft_vmap {
	const char *name;
	enum nft_type type;
	bool counter;
	const struct nft_branch *v;
	size_t n;
};

/** NFT_LIMIT_BURST - Packets that may come at once where a rule has a limit */
#define NFT_LIMIT_BURST 10u

/** NFT_COMMENT_MAX - Longest comment that the kernel keeps (NFT_USERDATA) */
#define NFT_COMMENT_MAX 127

/**
 * struct nft_base - What makes a chain a base chain
 * @type:	"filter" or "nat"
 * @hook:	"prerouting", "input", "forward", "output", "postrouting"
 * @priority:	as nft lists it for @hook: "raw", "mangle + 10", "-100", ...
 * @drop:	policy drop; else policy accept
 */
struct nft_base {
	const char *type;
	const char *hook;
	const char *priority;
	bool drop;
};

/**
 * struct nft_chain - A chain
 * @name:	name, unique in its table and no keyword of nft
 * @base:	NULL for a chain that is only a target
 * @keep:	its rules keep state: an update leaves them in place if they are
 *		the same
 * @judged:	its rules only look at stamps, of packets that another chain has
 *		judged before: while an update takes place they know the old
 *		stamps too
 * @rules:	rules, in order
 * @n:		number of rules
 * @cap:	private to nft_chain_add()
 */
struct nft_chain {
	const char *name;
	const struct nft_base *base;
	bool keep;
	bool judged;
	struct nft_rule *rules;
	size_t n;
	size_t cap;
};

/**
 * struct nft_table - A table of family inet
 * @name:	name
 * @objects:	limits and quotas, quotas first, which is how nft lists them
 * @n_objects:	number of objects
 * @sets:	named sets, in the order of creation, which nft lists
 * @n_sets:	number of sets
 * @maps:	maps of published ports, created after the sets
 * @n_maps:	number of maps
 * @vmaps:	verdict maps, likewise, behind the sets
 * @n_vmaps:	number of verdict maps
 * @chains:	chains, likewise
 * @n_chains:	number of chains
 */
struct nft_table {
	const char *name;
	const struct nft_object *objects;
	size_t n_objects;
	struct nft_set *sets;
	size_t n_sets;
	struct nft_dnat_map *maps;
	size_t n_maps;
	const struct nft_vmap **vmaps;
	size_t n_vmaps;
	struct nft_chain *chains;
	size_t n_chains;
};

/** nft_chain_add() - Append a copy of @rule, its expressions included */
void nft_chain_add(struct arena *a, struct nft_chain *c,
		   const struct nft_rule *rule);

/** nft_dnat_order() - For qsort: elements as nft lists them */
int nft_dnat_order(const void *x, const void *y);

/** nft_unit_seconds() - A unit in seconds */
uint64_t nft_unit_seconds(enum nft_unit unit);

/** nft_key_words() - A key as nft spells it */
const char *nft_key_words(enum nft_key key);

/** nft_key_type() - The type that a key yields */
enum nft_type nft_key_type(enum nft_key key);

/** nft_type_words() - A type as a set declares it: "ifname . ipv4_addr" */
const char *nft_type_words(enum nft_type type);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* listing.h - A ruleset as its text says it: what nft lists, and we print. */
#ifndef MSB_LISTING_H
#define MSB_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "ip.h"
#include "lex.h"

/*
 * The language is that part of nft's which our rulesets use. Whatever else a
 * text has is an error with its place: a reader that skips what it does not
 * know proves nothing.
 */

/** enum listing_type - What a value is */
enum listing_type {
	LISTING_IFNAME,
	LISTING_IPV4,
	LISTING_IPV6,
	LISTING_PROTO,
	LISTING_SERVICE,
	LISTING_MARK,
	LISTING_CT_STATE,
	LISTING_CT_DIR,
	LISTING_ICMPV6_TYPE,
	LISTING_NUMBER,
	LISTING_VERDICT,
	LISTING_TYPE_COUNT,
};

/**
 * LISTING_KEYS() - What a rule can look at: enum tail, words, type
 */
#define LISTING_KEYS(X) \
	X(IIFNAME, "iifname", IFNAME) \
	X(OIFNAME, "oifname", IFNAME) \
	X(L4PROTO, "meta l4proto", PROTO) \
	X(META_MARK, "meta mark", MARK) \
	X(CT_STATE, "ct state", CT_STATE) \
	X(CT_DIRECTION, "ct direction", CT_DIR) \
	X(CT_MARK, "ct mark", MARK) \
	X(CT_SADDR4, "ct original ip saddr", IPV4) \
	X(CT_DADDR4, "ct original ip daddr", IPV4) \
	X(CT_SADDR6, "ct original ip6 saddr", IPV6) \
	X(CT_DADDR6, "ct original ip6 daddr", IPV6) \
	X(CT_DPORT, "ct original proto-dst", SERVICE) \
	X(SADDR4, "ip saddr", IPV4) \
	X(DADDR4, "ip daddr", IPV4) \
	X(SADDR6, "ip6 saddr", IPV6) \
	X(DADDR6, "ip6 daddr", IPV6) \
	X(HOPLIMIT, "ip6 hoplimit", NUMBER) \
	X(DPORT, "th dport", SERVICE) \
	X(TCP_DPORT, "tcp dport", SERVICE) \
	X(UDP_DPORT, "udp dport", SERVICE) \
	X(ICMPV6_TYPE, "icmpv6 type", ICMPV6_TYPE)

/** enum listing_key - Keys, by LISTING_KEYS() */
enum listing_key {
#define LISTING_ENUM(id, words, type) LISTING_KEY_##id,
	LISTING_KEYS(LISTING_ENUM)
#undef LISTING_ENUM
		LISTING_KEY_COUNT,
};

/** LISTING_PARTS - Most parts of a concatenation */
#define LISTING_PARTS 4

/** enum listing_word - Verdicts */
enum listing_word {
	LISTING_ACCEPT,
	LISTING_DROP,
	LISTING_RETURN,
	LISTING_GOTO,
	LISTING_JUMP,
};

/**
 * struct listing_verdict - What becomes of a packet
 * @word:	verdict
 * @chain:	LISTING_GOTO, LISTING_JUMP: name of the chain
 */
struct listing_verdict {
	enum listing_word word;
	const char *chain;
};

/**
 * struct listing_value - A value or a range of values
 * @lo:		first; of a ct state the set of its bits; 0 for a name
 * @hi:		last
 * @name:	LISTING_IFNAME: name, a "*" at its end included
 */
struct listing_value {
	ip_num lo;
	ip_num hi;
	const char *name;
};

/**
 * struct listing_elem - An element of a set or map
 * @part:	its value, one for each part of the key
 * @verdict:	of a verdict map: what it maps to
 * @data:	of another map: what it maps to, one for each part
 * @comment:	comment, or NULL
 * @timed:	whether it has a timeout: the kernel, not the text, decides how
 *		long it is there
 * @line:	line of the text
 */
struct listing_elem {
	struct listing_value part[LISTING_PARTS];
	struct listing_verdict verdict;
	struct listing_value data[LISTING_PARTS];
	const char *comment;
	bool timed;
	unsigned int line;
};

/**
 * struct listing_set - A set or map, named or written in a rule
 * @name:	name; NULL for one in a rule
 * @map:	whether it is a map
 * @type:	types of the key's parts
 * @n_types:	number of parts
 * @data:	of a map: types of the data's parts; LISTING_VERDICT is alone
 * @n_data:	number of parts
 * @interval:	"flags interval"
 * @dynamic:	whether packets or other programs add elements: it has a
 *		timeout, or "flags dynamic"
 * @size:	"size", 0 if there is none
 * @v:		elements
 * @n:		number of elements
 * @line:	line of the text
 */
struct listing_set {
	const char *name;
	bool map;
	enum listing_type type[LISTING_PARTS];
	size_t n_types;
	enum listing_type data[LISTING_PARTS];
	size_t n_data;
	bool interval;
	bool dynamic;
	uint64_t size;
	const struct listing_elem *v;
	size_t n;
	unsigned int line;
};

/**
 * enum listing_kind - What a statement does
 * @LISTING_MATCH:	goes on if the key is in @set, or, if @negate, is not
 * @LISTING_VERDICT_IS:	decides
 * @LISTING_VMAP:	decides by the key's element in @set; goes on if none
 * @LISTING_COUNTER:	counts
 * @LISTING_SET_MARK:	sets ct mark or meta mark, @key, to @number
 * @LISTING_REJECT:	answers port unreachable, drops
 * @LISTING_RESET:	answers with a TCP reset, drops
 * @LISTING_NAT:	translates; @text says how
 * @LISTING_OTHER:	does something that is no part of a walk's meaning, or
 *			goes on only sometimes; @text is the statement
 */
enum listing_kind {
	LISTING_MATCH,
	LISTING_VERDICT_IS,
	LISTING_VMAP,
	LISTING_COUNTER,
	LISTING_SET_MARK,
	LISTING_REJECT,
	LISTING_RESET,
	LISTING_NAT,
	LISTING_OTHER,
};

/**
 * struct listing_stmt - One statement of a rule
 * @kind:	what it does
 * @key:	parts of the key
 * @n_keys:	number of parts
 * @negate:	"!="
 * @set:	what the key is held against
 * @verdict:	LISTING_VERDICT_IS: verdict
 * @number:	LISTING_SET_MARK: value
 * @text:	LISTING_NAT, LISTING_OTHER: the words, each with one blank
 *		between
 */
struct listing_stmt {
	enum listing_kind kind;
	enum listing_key key[LISTING_PARTS];
	size_t n_keys;
	bool negate;
	const struct listing_set *set;
	struct listing_verdict verdict;
	uint32_t number;
	const char *text;
};

/**
 * struct listing_rule - One rule
 * @v:		statements
 * @n:		number of statements
 * @comment:	comment, or NULL
 * @line:	line of the text
 */
struct listing_rule {
	const struct listing_stmt *v;
	size_t n;
	const char *comment;
	unsigned int line;
};

/**
 * struct listing_chain - One chain
 * @name:	name
 * @base:	whether it has the members below
 * @type:	"filter", "nat" or "route"
 * @hook:	"prerouting", ...
 * @priority:	as it is written: "mangle", "filter + 10", "-150"
 * @drop:	policy drop
 * @v:		rules
 * @n:		number of rules
 * @line:	line of the text
 */
struct listing_chain {
	const char *name;
	bool base;
	const char *type;
	const char *hook;
	const char *priority;
	bool drop;
	const struct listing_rule *v;
	size_t n;
	unsigned int line;
};

/**
 * struct listing_object - A named limit, quota or counter
 * @kind:	"limit", "quota", "counter"
 * @name:	name
 * @text:	what it says, each word with one blank between
 */
struct listing_object {
	const char *kind;
	const char *name;
	const char *text;
};

/**
 * struct listing_table - One table of family inet
 * @name:	name
 * @sets:	sets and maps
 * @n_sets:	number of sets and maps
 * @objects:	named objects
 * @n_objects:	number of objects
 * @chains:	chains
 * @n_chains:	number of chains
 * @by_name:	the chains, ascending by name
 */
struct listing_table {
	const char *name;
	const struct listing_set *const *sets;
	size_t n_sets;
	const struct listing_object *objects;
	size_t n_objects;
	const struct listing_chain *chains;
	size_t n_chains;
	const struct listing_chain *const *by_name;
};

/**
 * listing_read() - Read the table of a ruleset
 * @a:		arena for the result
 * @text:	listing of one table of family inet, or a file of ours: an empty
 *		table, "delete table" or "flush table", and the table
 * @ret:	table; set on success
 * @e:		error; set on failure
 *
 * Every name that is used must be declared.
 *
 * Return: true if all of the text was understood
 */
bool listing_read(struct arena *a, const char *text, struct listing_table *ret,
		  struct lex_error *e) __attribute__((warn_unused_result));

/** listing_chain_named() - The chain with a name, or NULL */
const struct listing_chain *listing_chain_named(const struct listing_table *t,
						const char *name);

/** listing_set_named() - The set or map with a name, or NULL */
const struct listing_set *listing_set_named(const struct listing_table *t,
					    const char *name);

/** listing_key_type() - The type of a key */
enum listing_type listing_key_type(enum listing_key key);

#endif

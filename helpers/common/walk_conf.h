/* SPDX-License-Identifier: GPL-2.0-or-later */
/* walk_conf.h - The egress walk of a sandbox, and its sets of addresses, as
 * helpers are told of them.
 *
 * It is what dns.json and tls.json have in common.
 */
#ifndef MSB_WALK_CONF_H
#define MSB_WALK_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "config.h"
#include "config_table.h"
#include "names.h"
#include "policy.h"

/** WALK_PIN_SETS_MAX - Pairs of pin sets that a configuration may have */
#define WALK_PIN_SETS_MAX 1024

/** WALK_SET_NAME_MAX - Room for a set's name, with NUL (NFT_SET_MAXNAMELEN) */
#define WALK_SET_NAME_MAX 64

/**
 * struct walk_pin_set - A pair of sets in the ruleset
 * @set4:	set of IPv4 addresses
 * @set6:	set of IPv6 addresses
 * @dests:	names and suffixes: whoever resolves such a name has its
 *		addresses put there
 * @n_dests:	how many
 * @names:	the table of denied names counts as well
 */
struct walk_pin_set {
	const char *set4;
	const char *set6;
	const struct config_dest *dests;
	size_t n_dests;
	enum config_bool names;
};

/**
 * struct walk_conf - What configurations with a walk begin with
 * @version:	1
 * @name:	the sandbox's name
 * @generation:	of the ruleset that it belongs to, for people
 * @gw4:	gateway's address on the guest's link
 * @gw6:	likewise
 * @guest4:	guest's address
 * @guest6:	likewise
 * @rules:	the egress walk, without what @names_file holds
 * @n_rules:	how many
 * @pointers:	where each of them comes from
 * @n_pointers:	as many as there are rules, or none
 * @otherwise:	what happens to what none matches
 * @names_file:	name of the table of denied names; NULL: there is none
 * @names:	the table; empty until it is there
 * @table:	table (inet) of the pin sets
 * @pin_sets:	the sets
 * @n_pin_sets:	how many
 * @config:	for @policy
 * @policy:	what eval_decide() is asked about: the egress walk alone
 *
 * It is the first member of what embeds it.
 */
struct walk_conf {
	uint32_t version;
	const char *name;
	const char *generation;
	struct ip gw4;
	struct ip gw6;
	struct ip guest4;
	struct ip guest6;
	const struct config_rule *rules;
	size_t n_rules;
	const char *const *pointers;
	size_t n_pointers;
	enum config_action otherwise;
	const char *names_file;
	struct names names;
	const char *table;
	const struct walk_pin_set *pin_sets;
	size_t n_pin_sets;
	struct config config;
	struct policy policy;
};

extern const struct field_word walk_conf_actions[];
extern const struct field_object walk_conf_pin_set;

/** walk_conf_read_set() - Read a set's or a table's name: a @read function */
bool walk_conf_read_set(struct field_ctx *c, const char *text, void *to);

/**
 * WALK_CONF_FIELDS - The rows of a struct walk_conf, for the table of a struct
 * that begins with one
 */
/* clang-format off */
#define WALK_CONF_FIELDS \
	CONF_HEAD(struct walk_conf), \
	{ \
		.name = "Rules", \
		.kind = FIELD_OBJECT, \
		.flags = FIELD_LIST, \
		.offset = offsetof(struct walk_conf, rules), \
		.count = offsetof(struct walk_conf, n_rules), \
		.size = sizeof(struct config_rule), \
		.object = &config_objects[CONFIG_RULE], \
	}, \
	{ \
		.name = "Pointers", \
		.kind = FIELD_TEXT, \
		.flags = FIELD_LIST, \
		.offset = offsetof(struct walk_conf, pointers), \
		.count = offsetof(struct walk_conf, n_pointers), \
		.size = sizeof(const char *), \
		.read = field_copy, \
		.type = "a JSON pointer as a string", \
	}, \
	{ \
		.name = "DefaultEgress", \
		.kind = FIELD_WORD, \
		.flags = FIELD_REQUIRED, \
		.offset = offsetof(struct walk_conf, otherwise), \
		.words = walk_conf_actions, \
	}, \
	{ \
		.name = "Names", \
		.kind = FIELD_TEXT, \
		.offset = offsetof(struct walk_conf, names_file), \
		.read = field_copy, \
		.type = "a file's name as a string", \
	}, \
	{ \
		.name = "Table", \
		.kind = FIELD_TEXT, \
		.offset = offsetof(struct walk_conf, table), \
		.read = walk_conf_read_set, \
		.type = "a table's name as a string", \
	}, \
	{ \
		.name = "PinSets", \
		.kind = FIELD_OBJECT, \
		.flags = FIELD_LIST, \
		.offset = offsetof(struct walk_conf, pin_sets), \
		.count = offsetof(struct walk_conf, n_pin_sets), \
		.size = sizeof(struct walk_pin_set), \
		.object = &walk_conf_pin_set, \
	}
/* clang-format on */

/** walk_conf_check() - Check what was decoded, and set what was left out */
void walk_conf_check(struct field_ctx *c, struct walk_conf *w);

/**
 * walk_conf_lower() - Make the policy
 * @a:	arena
 * @w:	what was decoded; its @config and @policy are filled in. What the
 *	caller has set of @config beside the rules stays
 *
 * Return: false, with a reason, if the rules make none
 */
bool walk_conf_lower(struct arena *a, struct walk_conf *w,
		     char ret_reason[CONF_REASON_MAX])
	__attribute__((warn_unused_result));

/** walk_conf_is_gateway() - Whether @ip is one of the gateway's addresses */
bool walk_conf_is_gateway(const struct walk_conf *w, struct ip ip);

/**
 * struct walk_denied - What denies a name that is in the table
 * @pointer:	"/DenyDomains" or "/DenyDomainSuffixes"
 * @index:	its place there
 */
struct walk_denied {
	const char *pointer;
	uint32_t index;
};

/** walk_conf_denies() - Whether a name is in the table; what denies it is set
 * if so
 */
bool walk_conf_denies(const struct walk_conf *w, struct dname name,
		      struct walk_denied *ret);

#endif

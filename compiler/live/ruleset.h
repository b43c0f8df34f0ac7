/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ruleset.h - nftables of the namespace that the process is in. */
#ifndef MSB_RULESET_H
#define MSB_RULESET_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "live_error.h"

/**
 * ruleset_load() - Run a text as one transaction
 * @text:	text, as "nft -f" reads it
 * @e:		error; its text holds nft's own words
 *
 * Return: 0, -1 if nothing was changed
 */
int ruleset_load(const char *text, struct live_error *e);

/** ruleset_check() - Ask the kernel whether it would take a text; 0 or -1 */
int ruleset_check(const char *text, struct live_error *e);

/**
 * ruleset_has_table() - Ask whether there is a table of family inet
 * @name:	name of the table
 * @ret:	whether there is; set on success
 * @e:		error
 *
 * Return: 0, -1 on failure
 */
int ruleset_has_table(const char *name, bool *ret, struct live_error *e);

/**
 * ruleset_text() - List a table of family inet as nft prints it
 * @a:		arena for the text
 * @table:	name of the table
 * @ret:	text, without the state of counters; set on success
 * @e:		error
 *
 * Return: 0, -1 on failure
 */
int ruleset_text(struct arena *a, const char *table, const char **ret,
		 struct live_error *e);

/**
 * struct ruleset_count - What one rule, or element of a map, has counted
 * @chain:	chain of the rule, or name of the map
 * @comment:	comment of the rule or element
 * @packets:	packets
 * @bytes:	bytes
 *
 * Neighbours with the same chain and comment are counted together.
 */
struct ruleset_count {
	const char *chain;
	const char *comment;
	uint64_t packets;
	uint64_t bytes;
};

/**
 * ruleset_counts() - Read the counters of a table of family inet
 * @a:		arena for the list
 * @table:	name of the table
 * @ret:	counts, in the order in which the table lists them; set on
 *		success
 * @ret_n:	how many; set on success
 * @e:		error
 *
 * Return: 0, -1 on failure
 */
int ruleset_counts(struct arena *a, const char *table,
		   struct ruleset_count **ret, size_t *ret_n,
		   struct live_error *e);

/**
 * ruleset_elements() - Count the elements of all sets of a table
 * @table:	name of a table of family inet
 * @ret:	number of elements; set on success
 * @e:		error
 *
 * Return: 0, -1 on failure
 */
int ruleset_elements(const char *table, size_t *ret, struct live_error *e);

/**
 * ruleset_set_has() - Whether a set of interface names has one
 * @table:	table of family inet, which must be there
 * @set:	set in it; one that is not there has none
 * @name:	interface
 * @ret:	set on success
 * @e:		error
 *
 * Return: 0, -1 on failure
 */
int ruleset_set_has(const char *table, const char *set, const char *name,
		    bool *ret, struct live_error *e);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ruleset.h - nftables of a namespace. */
#ifndef MSB_RULESET_H
#define MSB_RULESET_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "live_error.h"

/** struct ruleset - nftables of one namespace; private */
struct ruleset;

/**
 * ruleset_open() - Open nftables of the namespace that the process is in
 * @e:	error
 *
 * It stays that namespace's wherever the process goes.
 *
 * Return: ruleset, NULL on failure
 */
struct ruleset *ruleset_open(struct live_error *e);

/** ruleset_close() - Release; NULL is nothing */
void ruleset_close(struct ruleset *r);

/**
 * ruleset_load() - Run a text as one transaction
 * @r:		ruleset
 * @text:	text, as "nft -f" reads it
 * @e:		error; its text holds nft's own words
 *
 * Return: 0, -1 if nothing was changed
 */
int ruleset_load(struct ruleset *r, const char *text, struct live_error *e);

/**
 * ruleset_check() - Ask the kernel whether it would take a text
 * @text:	text
 * @e:		error
 *
 * The namespace is the one that the process is in.
 *
 * Return: 0, -1 if it would not
 */
int ruleset_check(const char *text, struct live_error *e);

/**
 * ruleset_has_table() - Ask whether there is a table of family inet
 * @r:		ruleset
 * @name:	name of the table
 * @ret:	whether there is; set on success
 * @e:		error
 *
 * Return: 0, -1 on failure
 */
int ruleset_has_table(struct ruleset *r, const char *name, bool *ret,
		      struct live_error *e);

/**
 * ruleset_text() - List a table of family inet, without what it has counted
 * @r:		ruleset
 * @a:		arena for the text
 * @table:	name of the table; NULL: all tables of all families
 * @ret:	what "nft -s list table" or "list ruleset" prints, "" if there
 *is none; set on success
 * @e:		error
 *
 * Return: 0, -1 on failure
 */
int ruleset_text(struct ruleset *r, struct arena *a, const char *table,
		 const char **ret, struct live_error *e);

/**
 * ruleset_look() - ruleset_text() of the namespace that the process is in now
 * @load:	a text to load before, or NULL
 *
 * For one look; the other arguments are those of ruleset_text().
 */
int ruleset_look(const char *load, struct arena *a, const char *table,
		 const char **ret, struct live_error *e);

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
 * @r:		ruleset
 * @a:		arena for the list
 * @table:	name of the table
 * @ret:	counts, in the order in which the table lists them; set on
 *		success
 * @ret_n:	how many; set on success
 * @e:		error
 *
 * Return: 0, -1 on failure
 */
int ruleset_counts(struct ruleset *r, struct arena *a, const char *table,
		   struct ruleset_count **ret, size_t *ret_n,
		   struct live_error *e);

/**
 * ruleset_elements() - Count the elements of all sets and maps of a table
 * @r:		ruleset
 * @table:	name of a table of family inet
 * @ret:	number of elements; set on success
 * @e:		error
 *
 * Return: 0, -1 on failure
 */
int ruleset_elements(struct ruleset *r, const char *table, size_t *ret,
		     struct live_error *e);

/**
 * ruleset_set_has() - Whether a set of interface names has one
 * @r:		ruleset
 * @table:	table of family inet
 * @set:	set in it; one that is not there has none
 * @name:	interface
 * @ret:	set on success
 * @e:		error
 *
 * Return: 0, -1 on failure
 */
int ruleset_set_has(struct ruleset *r, const char *table, const char *set,
		    const char *name, bool *ret, struct live_error *e);

#endif

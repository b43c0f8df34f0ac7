/* SPDX-License-Identifier: GPL-2.0-or-later */
/* space_names.h - What domain rules leave open, as numbers that can be
 * compared.
 */
#ifndef MSB_SPACE_NAMES_H
#define MSB_SPACE_NAMES_H

#include "policy.h"
#include "space_store.h"

/** SPACE_DENY - Value: denied, whatever the name */
#define SPACE_DENY 0u

/** SPACE_ALLOW - Value: allowed, whatever the name */
#define SPACE_ALLOW 1u

/**
 * struct space_name - Names that a domain rule matches
 * @name:	name
 * @exact:	the name itself
 * @below:	every name below it
 */
struct space_name {
	struct dname name;
	bool exact;
	bool below;
};

/**
 * struct space_step - A value: names are asked about, and then another value
 * @allow:	verdict of a flow whose name is among @v; that of SPACE_DENY and
 *		SPACE_ALLOW is the value itself
 * @v:		names: sorted, each once, none that another one covers
 * @n:		number of names
 * @next:	value of every other flow. Never a step of the same verdict, nor
 *		the end with the same verdict
 * @number:	the value
 */
struct space_step {
	bool allow;
	const struct space_name *v;
	size_t n;
	uint32_t next;
	uint32_t number;
};

/**
 * struct space_values - Values, each kept once
 * @a:		arena
 * @store:	where steps are counted
 * @v:		values by number
 * @n:		how many
 * @cap:	private
 * @table:	private
 */
struct space_values {
	struct arena *a;
	struct space_store *store;
	struct space_step **v;
	size_t n;
	size_t cap;
	struct space_table table;
};

/** space_values_init() - The two ends, and nothing else */
void space_values_init(struct space_values *s, struct arena *a,
		       struct space_store *store);

/**
 * space_values_push() - Ask about the names of some rules first
 * @s:		values
 * @rules:	neighbouring domain rules of one verdict
 * @n:		number of rules
 * @value:	what holds if none matches
 *
 * Return: value
 */
uint32_t space_values_push(struct space_values *s,
			   const struct policy_rule *rules, size_t n,
			   uint32_t value);

/** space_values_end() - SPACE_ALLOW or SPACE_DENY: what holds without a name */
uint32_t space_values_end(const struct space_values *s, uint32_t value);

#endif

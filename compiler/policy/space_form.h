/* SPDX-License-Identifier: GPL-2.0-or-later */
/* space_form.h - A walk as one area of values, however it was written. */
#ifndef MSB_SPACE_FORM_H
#define MSB_SPACE_FORM_H

#include "space_names.h"
#include "space_store.h"

/**
 * struct space_pairing - How two areas are laid over each other
 * @store:	store of what is made
 * @values:	values
 * @fn:		what becomes of two values at a port
 * @walk:	whose rules are turned into verdicts
 * @names:	neighbouring domain rules that are put in front
 * @n_names:	how many
 * @memo:	pairs of lists that were combined, and what they became
 * @pairs:	pairs of values that differ, and their numbers
 * @pair:	the same, by number, from 1
 * @n_pairs:	how many
 * @cap_pairs:	private
 */
struct space_pairing {
	struct space_store *store;
	struct space_values *values;
	uint32_t (*fn)(struct space_pairing *p, uint32_t x, uint32_t y);
	const struct policy_walk *walk;
	const struct policy_rule *names;
	size_t n_names;
	struct space_table memo;
	struct space_table pairs;
	uint32_t (*pair)[2];
	size_t n_pairs;
	size_t cap_pairs;
};

/**
 * space_overlay() - Lay one area over another
 * @p:		how
 * @x:		upper area: of rules' verdicts, with bases, or of values
 * @y:		lower area, of values
 *
 * Return: area whose profiles have no base
 */
struct space_area space_overlay(struct space_pairing *p,
				const struct space_area *x,
				const struct space_area *y);

/**
 * space_form() - A walk as one area of values
 * @s:		space of the walk, flat
 * @store:	store of what is made; one for walks that are compared
 * @values:	values, likewise
 * @dns:	whether it is about queries instead of flows
 */
struct space_area space_form(const struct space *s, struct space_store *store,
			     struct space_values *values, bool dns);

#endif

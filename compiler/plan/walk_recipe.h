/* SPDX-License-Identifier: GPL-2.0-or-later */
/* walk_recipe.h - What the chain of a profile has to say, and in which order.
 */
#ifndef MSB_WALK_RECIPE_H
#define MSB_WALK_RECIPE_H

#include "space.h"

/**
 * enum recipe_way - How a profile is printed
 * @RECIPE_ALONE:	all of it
 * @RECIPE_BEFORE:	what its base decides otherwise, or not at all; then
 *			"goto" the base
 * @RECIPE_BEHIND:	"jump" to its base; then what that leaves open
 */
enum recipe_way {
	RECIPE_ALONE,
	RECIPE_BEFORE,
	RECIPE_BEHIND,
};

/**
 * struct recipe_list - What a chain says of one protocol class
 * @v:		ports, ascending, each with the rule that decides
 * @n:		number of ranges
 * @rest:	rule that decides all other ports, or SPACE_FALLS
 */
struct recipe_list {
	struct space_span *v;
	size_t n;
	uint32_t rest;
};

/**
 * struct recipe - A profile, ready to be printed
 * @way:	way
 * @by:		by protocol class
 * @rest:	rule that decides everything else, or SPACE_FALLS
 * @size:	rules and elements that it takes
 */
struct recipe {
	enum recipe_way way;
	struct recipe_list by[SPACE_CLASSES];
	uint32_t rest;
	size_t size;
};

/**
 * walk_recipe() - The shortest way to print a profile
 * @a:		arena for the lists
 * @walk:	walk whose rules decide
 * @p:		profile
 * @base:	profile of its base; @p itself if it is one
 */
struct recipe walk_recipe(struct arena *a, const struct policy_walk *walk,
			  const struct space_profile *p,
			  const struct space_profile *base);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* listing_parse.h - The parts of the reader of listings, one file each. */
#ifndef MSB_LISTING_PARSE_H
#define MSB_LISTING_PARSE_H

#include "listing.h"
#include "str.h"

/**
 * struct parse - A listing being read
 * @l:		its words
 * @sets:	sets and maps so far; each stays where it is
 * @n_sets:	how many
 * @cap_sets:	room for how many
 * @words:	words of the statement that is being read, one blank between
 */
struct parse {
	struct lex l;
	const struct listing_set **sets;
	size_t n_sets;
	size_t cap_sets;
	struct str words;
};

/** parse_value() - Take a value of @type */
struct listing_value parse_value(struct parse *p, enum listing_type type);

/** parse_type() - Take the name of a type, "ipv4_addr" */
enum listing_type parse_type(struct parse *p);

/** parse_verdict() - Take a verdict, if one is next */
bool parse_verdict(struct parse *p, struct listing_verdict *ret);

/**
 * parse_elements() - Take "{ ELEMENT, ... }"
 * @p:		listing
 * @set:	its types; receives the elements
 */
void parse_elements(struct parse *p, struct listing_set *set);

/** parse_set() - Take a set or map, from behind "set" or "map" */
const struct listing_set *parse_set(struct parse *p, bool map);

/** parse_set_ref() - Take "@NAME"; the set must have been declared */
const struct listing_set *parse_set_ref(struct parse *p);

/** parse_rule() - Take a rule, to the end of its line */
struct listing_rule parse_rule(struct parse *p);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rule_text.h - Rules in the language of the document, for helpers. */
#ifndef MSB_RULE_TEXT_H
#define MSB_RULE_TEXT_H

#include "policy.h"
#include "str.h"

/**
 * struct rule_text - A list of rules being printed
 * @s:		receives the text
 * @dir:	direction that all of them have
 * @before:	line break and indentation in front of each rule
 * @n:		how many there are
 */
struct rule_text {
	struct str *s;
	enum policy_direction dir;
	const char *before;
	size_t n;
};

/**
 * rule_text() - Print one rule, the separator from the one before included
 * @l:		list
 * @allow:	action
 * @dest:	Destination; NULL is any
 * @protos:	set of enum config_proto; 0 is any
 * @ports:	ports
 * @n_ports:	number of ranges; 0 is any port
 */
void rule_text(struct rule_text *l, bool allow, const char *dest,
	       unsigned int protos, const struct config_ports *ports,
	       size_t n_ports);

/** rule_text_action() - "allow" or "deny" */
const char *rule_text_action(bool allow);

#endif

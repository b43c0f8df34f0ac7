/* SPDX-License-Identifier: GPL-2.0-or-later */
/* record.h - The record of a sandbox, as text. */
#ifndef MSB_RECORD_H
#define MSB_RECORD_H

#include "state.h"
#include "str.h"

/** record_print() - Append a record: a key and a value on each line */
void record_print(struct str *s, const struct state_record *r);

/**
 * record_parse() - Read a record
 * @text:	text
 * @name:	sandbox that it must be of
 * @ret:	record; set on success
 *
 * Return: true; false if it is damaged
 */
bool record_parse(const char *text, const char *name, struct state_record *ret)
	__attribute__((warn_unused_result));

#endif

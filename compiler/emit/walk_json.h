/* SPDX-License-Identifier: GPL-2.0-or-later */
/* walk_json.h - The egress walk and its sets of addresses, for helpers.
 *
 * What dns.json and tls.json have in common; helpers/common/walk_conf.h is
 * where it is read.
 */
#ifndef MSB_WALK_JSON_H
#define MSB_WALK_JSON_H

#include "plan.h"
#include "str.h"

/**
 * walk_json_begin() - Begin a helper's file
 * @s:		receives the text
 * @p:		plan
 * @version:	version of the format
 *
 * Name, addresses, the walk, and which file has the denied names.
 */
void walk_json_begin(struct str *s, const struct plan *p, unsigned int version);

/** walk_json_bool() - Print a member of the top-level object */
void walk_json_bool(struct str *s, const char *key, bool value);

/** walk_json_end() - End it: the pin sets */
void walk_json_end(struct str *s, const struct plan *p);

#endif

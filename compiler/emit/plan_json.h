/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plan_json.h - The plan for whoever makes sandboxes without "up". */
#ifndef MSB_PLAN_JSON_H
#define MSB_PLAN_JSON_H

#include "plan.h"
#include "str.h"

/** PLAN_JSON_VERSION - Changed when a reader of plan.json must be */
#define PLAN_JSON_VERSION 1

/**
 * plan_json() - plan.json
 * @s:		receives the text
 * @p:		plan
 * @files:	paths of all artefacts, ascending
 * @n_files:	how many
 */
void plan_json(struct str *s, const struct plan *p, const char *const *files,
	       size_t n_files);

/** plan_dns_name() - A DNS mode as a word: "none", "nat", "helper" */
const char *plan_dns_name(enum policy_dns dns);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lint_parts.h - The parts of lint, one file each. */
#ifndef MSB_LINT_PARTS_H
#define MSB_LINT_PARTS_H

#include "lint.h"
#include "space.h"

/**
 * struct lint_side - One direction
 * @walk:	its walk, with what holds always in front
 * @first:	index of the policy's first rule in it
 * @space:	@walk without its domain rules
 * @own:	the policy's walk alone, likewise: what it says of a rule is
 *		said first
 */
struct lint_side {
	struct policy_walk walk;
	size_t first;
	struct space space;
	struct space own;
};

/**
 * struct lint - A document that is looked at
 * @a:		arena for scratch
 * @d:		receives the findings
 * @p:		policy
 * @side:	by direction
 * @never:	by index in the policy's egress walk: said to match never
 * @work:	steps that questions about rules may still take
 * @counts:	how many of each
 */
struct lint {
	struct arena *a;
	struct diags *d;
	const struct policy *p;
	struct lint_side side[POLICY_DIRECTIONS];
	bool *never;
	size_t work;
	struct lint_counts *counts;
};

/** lint_add() - Add a finding; @pointer and @hint as for diag_add() */
void lint_add(struct lint *l, enum diag_level level, enum diag_code code,
	      const char *pointer, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));

/** lint_bound() - Say that what is from @pointer on was not asked about */
void lint_bound(struct lint *l, const char *pointer, const char *what);

/** lint_is_name() - Whether a rule is about a name */
bool lint_is_name(const struct policy_rule *r);

/** lint_rules() - Rules that never match, or match in vain */
void lint_rules(struct lint *l);

/** lint_names() - Names that never resolve, and suffixes that are too wide */
void lint_names(struct lint *l);

/** lint_bindings() - Ports that are published in vain */
void lint_bindings(struct lint *l);

/** lint_secrets() - What is allowed where there are secrets, and is not read */
void lint_secrets(struct lint *l);

/** lint_suffix_is_public() - Whether anybody can register names below it */
bool lint_suffix_is_public(const char *name);

#endif

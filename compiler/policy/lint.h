/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lint.h - What is odd about a document that is good. */
#ifndef MSB_LINT_H
#define MSB_LINT_H

#include "diag.h"
#include "policy.h"

/** LINT_MAX_RULES - Rules of a walk that are asked about each other; about
 * those behind them less is said
 */
#define LINT_MAX_RULES 4096u

/**
 * struct lint_counts - How many findings there were
 * @of:	of each code, those that were not kept included
 */
struct lint_counts {
	size_t of[DIAG_CODE_COUNT];
};

/**
 * lint() - Look for what its author may not have meant
 * @d:		receives warnings and notes, with codes from LINT_CODES()
 * @p:		policy
 * @counts:	receives their numbers
 *
 * Pure: it asks no name server, and the public suffixes are those that libpsl
 * was built with.
 */
void lint(struct diags *d, const struct policy *p, struct lint_counts *counts);

#endif

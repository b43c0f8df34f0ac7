/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lint.h - What is odd about a document that is good. */
#ifndef MSB_LINT_H
#define MSB_LINT_H

#include "diag.h"
#include "policy.h"

/** LINT_WORK - Steps that questions about rules may take, some nanoseconds
 * each. 10,000 prefixes with ports take two thirds of them
 */
#define LINT_WORK 400000000u

/** LINT_MAX_ITEMS - Bindings that are asked about, and names that are queried
 */
#define LINT_MAX_ITEMS 4096u

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

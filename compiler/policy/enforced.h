/* SPDX-License-Identifier: GPL-2.0-or-later */
/* enforced.h - Which fields this version understands but does not enforce. */
#ifndef MSB_ENFORCED_H
#define MSB_ENFORCED_H

#include "diag.h"
#include "policy.h"

/**
 * enforced_check() - Report every field that would not be enforced
 * @d:		receives one diagnostic of kind DIAG_NOT_ENFORCED for each
 * @policy:	policy
 * @level:	DIAG_ERROR to refuse the document, DIAG_NOTE to tell only
 *
 * A field whose value is what would happen anyway is enforced.
 */
void enforced_check(struct diags *d, const struct policy *policy,
		    enum diag_level level);

#endif

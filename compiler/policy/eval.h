/* SPDX-License-Identifier: GPL-2.0-or-later */
/* eval.h - What a policy means: the reference verdict of one flow. */
#ifndef MSB_EVAL_H
#define MSB_EVAL_H

#include <stdbool.h>

#include "arena.h"
#include "flow.h"
#include "policy.h"

/**
 * struct verdict - The answer
 * @allow:	whether the flow is allowed
 * @pointer:	what decided: a rule's pointer, a default's pointer, or
 *		"always:..." for what holds whatever the rules say
 * @words:	that rule in words
 * @note:	what the reader should know besides, or NULL
 */
struct verdict {
	bool allow;
	const char *pointer;
	const char *words;
	const char *note;
};

/**
 * eval() - Judge one flow
 * @a:		arena for the text of the answer
 * @p:		policy
 * @f:		flow
 *
 * Pure: no clock, no state. It is what the emitted ruleset and the helpers are
 * held against.
 */
struct verdict eval(struct arena *a, const struct policy *p,
		    const struct flow *f);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* settings.h - What a document says besides its walks, as text. */
#ifndef MSB_SETTINGS_H
#define MSB_SETTINGS_H

#include "policy.h"

/**
 * struct setting - One thing that a document settles
 * @pointer:	where it is set, or would be
 * @value:	what it is, defaults filled in; documents that mean the same
 *		have the same text
 */
struct setting {
	const char *pointer;
	const char *value;
};

/**
 * settings_list() - All settings of a policy
 * @a:		arena for the list
 * @p:		policy
 * @ret_n:	how many: the same number for each policy, in the same order
 *
 * Rules, defaults and names to deny are no settings: they are the walks. What
 * has no order in the document's meaning is sorted.
 */
const struct setting *settings_list(struct arena *a, const struct policy *p,
				    size_t *ret_n);

#endif

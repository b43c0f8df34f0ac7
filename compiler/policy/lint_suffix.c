/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lint_suffix.c - The public suffix list, as libpsl has it built in. */
#include <libpsl.h>

#include "lint_parts.h"

bool lint_suffix_is_public(const char *name)
{
	const psl_ctx_t *psl = psl_builtin();

	/* A top-level domain that the list does not have is a private one: its
	 * owner alone registers names there. */
	return psl && psl_is_public_suffix2(
			      psl, name, PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE);
}

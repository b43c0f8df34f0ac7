/* SPDX-License-Identifier: GPL-2.0-or-later */
/* enforced.c - Which fields this version understands but does not enforce. */
#include "enforced.h"

static void not_enforced(struct diags *d, enum diag_level level,
			 const char *pointer, const char *needs)
{
	diag_add(d, level, DIAG_NOT_ENFORCED, DIAG_AT_KEY, pointer, NULL,
		 "not enforced by this version: it needs %s", needs);
}

void enforced_check(struct diags *d, const struct policy *p,
		    enum diag_level level)
{
	const struct config *c = p->config;

	if (c->on_secret_violation)
		not_enforced(d, level, "/OnSecretViolation", "msb-tlsd");
	if (c->n_secrets)
		not_enforced(d, level, "/Secrets", "msb-tlsd");
}

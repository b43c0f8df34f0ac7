/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli_live.h - What the subcommands that change the kernel have in common. */
#ifndef MSB_CLI_LIVE_H
#define MSB_CLI_LIVE_H

#include "diag.h"
#include "live_error.h"

/**
 * cli_live_error() - Say why a sandbox could not be made or removed
 * @e:	error
 * @d:	diagnostics of the document, printed first; may be NULL
 *
 * Return: exit status
 */
int cli_live_error(const struct live_error *e, struct diags *d);

#endif

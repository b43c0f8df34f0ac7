/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli_live.h - What the subcommands that change the kernel have in common. */
#ifndef MSB_CLI_LIVE_H
#define MSB_CLI_LIVE_H

#include "diag.h"
#include "guest_certs.h"
#include "live_error.h"
#include "str.h"

/**
 * cli_live_error() - Say why a sandbox could not be made or removed
 * @e:	error
 * @d:	diagnostics of the document, printed first; may be NULL
 *
 * Return: exit status
 */
int cli_live_error(const struct live_error *e, struct diags *d);

/** cli_certs_text() - Print how many CAs of the host a guest trusts */
void cli_certs_text(const struct guest_certs *c);

/** cli_certs_json() - Append them as a member host_cas, null if it does not */
void cli_certs_json(struct str *s, const struct guest_certs *c);

#endif

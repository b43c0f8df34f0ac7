/* SPDX-License-Identifier: GPL-2.0-or-later */
/* proof.c - What a prover found, for people. */
#include "proof.h"

#include <stdio.h>

#include "cli.h"

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

int cli_proof(const char *what, const char *text, const struct prove_result *r)
{
	ARENA(a);

	switch (r->outcome) {
	case PROVE_SAME:
		printf("%s: proved: egress %zu address range%s, ingress %zu\n",
		       what, r->cells[POLICY_EGRESS],
		       plural(r->cells[POLICY_EGRESS]),
		       r->cells[POLICY_INGRESS]);
		return CLI_YES;
	case PROVE_DIFFERS:
		printf("%s: not proved: %s: the document says %s by %s, %s "
		       "says %s by %s\n",
		       what, flow_format(&a, &r->flow),
		       r->allow ? "allow" : "deny", r->pointer, text,
		       r->allow ? "deny" : "allow", r->comment);
		return CLI_NO;
	case PROVE_UNKNOWN:
		printf("%s: not proved: %s:%u:%u: %s\n", what, text,
		       r->error.line, r->error.column, r->error.text);
		return CLI_NO;
	case PROVE_BOUND:
		printf("%s: not proved: the policy is too large to be "
		       "compared\n",
		       what);
		return CLI_SYSTEM;
	}
	return CLI_SYSTEM;
}

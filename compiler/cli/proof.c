/* SPDX-License-Identifier: GPL-2.0-or-later */
/* proof.c - What a prover found, for people. */
#include "proof.h"

#include <stdio.h>
#include <string.h>

#include "cli.h"

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static const char *verdict(bool allow)
{
	return allow ? "allow" : "deny";
}

static bool has_helpers(const struct prove_result *r)
{
	return r->helpers[POLICY_EGRESS] || r->helpers[POLICY_INGRESS];
}

static void print_text(const char *what, const char *text,
		       const struct prove_result *r)
{
	ARENA(a);

	switch (r->outcome) {
	case PROVE_SAME:
		printf("%s: proved: egress %zu address range%s, ingress %zu%s\n",
		       what, r->cells[POLICY_EGRESS],
		       plural(r->cells[POLICY_EGRESS]),
		       r->cells[POLICY_INGRESS],
		       has_helpers(r) ? "; helpers decide a part" : "");
		return;
	case PROVE_DIFFERS:
		printf("%s: not proved: %s: the document says %s by %s, %s "
		       "says %s by %s\n",
		       what, flow_format(&a, &r->flow), verdict(r->allow),
		       r->pointer, text, verdict(!r->allow), r->comment);
		return;
	case PROVE_UNKNOWN:
		printf("%s: not proved: %s:%u:%u: %s\n", what, text,
		       r->error.line, r->error.column, r->error.text);
		return;
	case PROVE_BOUND:
		printf("%s: not proved: the policy is too large to be "
		       "compared\n",
		       what);
		return;
	}
}

static void put_text(struct str *s, const char *key, const char *value)
{
	str_printf(s, ", \"%s\": ", key);
	str_json(s, value, strlen(value));
}

static void put_json(struct str *s, const char *what,
		     const struct prove_result *r)
{
	static const char *const outcomes[] = {
		[PROVE_SAME] = "proved",
		[PROVE_DIFFERS] = "differs",
		[PROVE_UNKNOWN] = "not-understood",
		[PROVE_BOUND] = "too-large",
	};
	ARENA(a);

	str_puts(s, "{\"name\": ");
	str_json(s, what, strlen(what));
	put_text(s, "outcome", outcomes[r->outcome]);
	if (r->outcome == PROVE_SAME) {
		str_printf(s, ", \"helpers\": %s",
			   has_helpers(r) ? "true" : "false");
	} else if (r->outcome == PROVE_DIFFERS) {
		put_text(s, "flow", flow_format(&a, &r->flow));
		put_text(s, "verdict", verdict(r->allow));
		put_text(s, "pointer", r->pointer);
		put_text(s, "ruleset_verdict", verdict(!r->allow));
		put_text(s, "ruleset_comment", r->comment);
	} else if (r->outcome == PROVE_UNKNOWN) {
		str_printf(s, ", \"line\": %u, \"column\": %u", r->error.line,
			   r->error.column);
		put_text(s, "message", r->error.text);
	}
	str_putc(s, '}');
}

int cli_proof(const char *what, const char *text, const struct prove_result *r,
	      struct str *json)
{
	if (json)
		put_json(json, what, r);
	else
		print_text(what, text, r);
	if (r->outcome == PROVE_BOUND)
		return CLI_SYSTEM;
	return r->outcome == PROVE_SAME ? CLI_YES : CLI_NO;
}

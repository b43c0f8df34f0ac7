/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_lint.c - "msb-netc lint": what is odd about a document that is good. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "compile.h"
#include "lint.h"
#include "str.h"

/* The codes that there are, with commas between. */
static const char *all_codes(struct arena *a)
{
	int code;
	STR(s);

	for (code = DIAG_LINT_FIRST; code < DIAG_CODE_COUNT; code++)
		str_printf(&s, "%s%s", code == DIAG_LINT_FIRST ? "" : ", ",
			   diag_code_name((enum diag_code)code));
	return arena_strdup(a, str_text(&s));
}

/* Mark the codes of a list "CODE,CODE"; false after saying which is none. Who
 * gives an empty list has lost the codes, and would deny nothing. */
static bool read_codes(const struct cli_args *args, const char *list,
		       bool marked[DIAG_CODE_COUNT])
{
	ARENA(a);
	bool more;

	do {
		const size_t len = strcspn(list, ",");
		int code;

		for (code = DIAG_LINT_FIRST; code < DIAG_CODE_COUNT; code++) {
			const char *name = diag_code_name((enum diag_code)code);

			if (strlen(name) == len && !strncmp(name, list, len))
				break;
		}
		if (code == DIAG_CODE_COUNT) {
			cli_usage(args,
				  "\"%.*s\" is no code of lint; those are %s",
				  (int)len, list, all_codes(&a));
			return false;
		}
		marked[code] = true;
		more = list[len] == ',';
		list += len + more;
	} while (more);
	return true;
}

static int run(const struct cli_args *args)
{
	ARENA(a);
	const char *deny = cli_value(args, "deny");
	bool denied[DIAG_CODE_COUNT] = {false};
	struct lint_counts counts;
	struct policy policy;
	struct config config;
	int operand = 0, rc, code;
	struct diags d;
	uint32_t slot;
	STR(out);

	rc = cli_slot(args, &slot);
	if (rc != CLI_YES)
		return rc;
	if (deny && !read_codes(args, deny, denied))
		return CLI_USAGE;
	rc = cli_read_config(&a, args, &operand, &d);
	if (rc != CLI_YES)
		return rc;
	if (operand < args->argc)
		return cli_usage(args, "one document at a time");
	if (!compile_policy(&a, &d, slot, &config, &policy)) {
		cli_diags(&d);
		return CLI_USAGE;
	}
	lint(&d, &policy, &counts);
	if (cli_has(args, "json")) {
		diags_json(&d, &out);
		str_putc(&out, '\n');
	} else {
		diags_print(&d, &out);
	}
	fputs(str_text(&out), stdout);
	if (!deny)
		return d.count[DIAG_WARNING] ? CLI_NO : CLI_YES;
	for (code = 0; code < DIAG_CODE_COUNT; code++)
		if (denied[code] && counts.of[code])
			return CLI_NO;
	return CLI_YES;
}

static const struct cli_option options[] = {
	{"deny", 0, "CODE,...", "@lint",
	 "exit with 1 for these findings alone"},
	CLI_OPT_SLOT,
	CLI_OPT_PRESET,
	CLI_OPT_JSON,
	CLI_OPT_HELP,
	{0},
};

const struct cli_command cmd_lint = {
	.name = "lint",
	.operands = "CONFIG",
	.complete = {"@file"},
	.summary = "tell what a document says in vain, or hardly means",
	.details =
		"Rules that never match or change nothing, names that never "
		"resolve, ports\nthat are published in vain, and what nobody "
		"reads where there are secrets:\nthe findings go to standard "
		"output, with a code each. The exit status is 1\nif there is a "
		"warning; notes do not count. With --deny it is 1 if there is\na "
		"finding with one of the codes, a note or not.",
	.options = options,
	.run = run,
};

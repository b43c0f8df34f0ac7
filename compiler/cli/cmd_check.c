/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_check.c - "msb-netc check": what is wrong with documents. */
#include <stdio.h>

#include "cli.h"
#include "compile.h"
#include "proof.h"
#include "str.h"

/* A document is good if it compiles; what it becomes is not printed. */
static bool check_one(struct arena *a, struct diags *d)
{
	struct policy policy;
	struct config config;
	struct plan plan;
	const bool good = compile_policy(a, d, 0, &config, &policy) &&
			  plan_make(a, d, &policy, "sandbox", &plan);

	diags_sort(d);
	return good;
}

/* Compile one document, and hold what was printed against it. */
static int prove_one(struct arena *a, struct diags *d, struct str *json)
{
	const struct compile_request req = {.name = "sandbox"};
	struct prove_result result;
	struct compiled c;
	const bool good = compile(a, d, &req, &c);

	fflush(stdout);
	cli_diags(d);
	if (!good && json)
		str_puts(json, "null");
	if (!good)
		return CLI_NO;
	prove(a, &c.policy, compile_artefact(&c, "sandbox.nft")->text, &result);
	return cli_proof(d->file, "sandbox.nft", &result, json);
}

static int run(const struct cli_args *args)
{
	const bool json = cli_has(args, "json");
	int operand = 0, rc = CLI_YES;
	bool first = true;
	STR(out);

	if (args->argc && cli_value(args, "preset"))
		return cli_usage(args, "a preset, or documents");
	do {
		ARENA(a);
		struct diags d;
		int read = cli_read_config(&a, args, &operand, &d);

		if (read != CLI_YES)
			return read;
		if (cli_has(args, "prove")) {
			if (json)
				str_puts(&out, first ? "[" : ",\n ");
			first = false;
			read = prove_one(&a, &d, json ? &out : NULL);
			rc = read > rc ? read : rc;
			continue;
		}
		if (!check_one(&a, &d))
			rc = CLI_NO;
		if (json) {
			str_puts(&out, first ? "[" : ",\n ");
			diags_json(&d, &out);
		} else {
			cli_diags(&d);
		}
		first = false;
	} while (operand < args->argc);
	if (json) {
		str_puts(&out, "]\n");
		fputs(str_text(&out), stdout);
	}
	return rc;
}

static const struct cli_option options[] = {
	{"prove", 0, NULL, NULL, "compile, and prove what the ruleset does"},
	CLI_OPT_PRESET,
	CLI_OPT_JSON,
	CLI_OPT_HELP,
	{0},
};

const struct cli_command cmd_check = {
	.name = "check",
	.operands = "CONFIG...",
	.complete = {"@file"},
	.summary = "tell what is wrong with documents, and where",
	.details =
		"Exits with 0 if all documents are good, with 1 if one is "
		"refused.\nErrors, warnings and notes go to standard error; "
		"with --json, one list of\nthem for each document goes to "
		"standard output.\nWith --prove the ruleset of each document is "
		"read back from its text, and the\nexit status is 1 if there is a "
		"flow that it does not judge as the document does.",
	.options = options,
	.run = run,
};

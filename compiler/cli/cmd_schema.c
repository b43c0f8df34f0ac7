/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_schema.c - "msb-netc schema": the input language as a JSON Schema. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "config_table.h"
#include "str.h"

static int run(const struct cli_args *args)
{
	const char *name = args->argc ? args->argv[0] : "network-config";
	STR(text);

	if (args->argc > 1)
		return cli_usage(args, "one schema at a time");
	if (strcmp(name, "network-config") != 0) {
		cli_error("no schema \"%s\": there is network-config", name);
		return CLI_NO;
	}
	config_schema(&text);
	fputs(str_text(&text), stdout);
	return CLI_YES;
}

static const struct cli_option options[] = {
	CLI_OPT_HELP,
	{0},
};

const struct cli_command cmd_schema = {
	.name = "schema",
	.operands = "[NAME]",
	.complete = {"network-config"},
	.summary = "print the JSON Schema of the documents",
	.details = "NAME is network-config, which is also what is printed "
		   "without it.",
	.options = options,
	.run = run,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_ca.c - "msb-netc ca": the CA that signs for sandboxes of one state. */
#include <stdio.h>
#include <string.h>

#include "ca.h"
#include "cli.h"
#include "cli_live.h"

/** struct word - What can be done, and the two forms of it */
struct word {
	const char *name;
	const char *option;
	enum ca_action plain;
	enum ca_action other;
};

static const struct word words[] = {
	{"print", "json", CA_PRINT, CA_PRINT_JSON},
	{"export", "der", CA_EXPORT, CA_EXPORT_DER},
	{"rotate", "json", CA_ROTATE, CA_ROTATE_JSON},
};

#define COUNT (sizeof(words) / sizeof(words[0]))

static int run(const struct cli_args *args)
{
	const char *path = cli_value(args, "state");
	const char *name = args->argc ? args->argv[0] : words[0].name;
	const char *other;
	const struct word *w = words;
	enum ca_action action;
	struct live_error e;
	struct state state;
	int rc;

	if (args->argc > 1)
		return cli_usage(args, "one thing at a time");
	while (w < words + COUNT && strcmp(w->name, name) != 0)
		w++;
	if (w == words + COUNT)
		return cli_usage(args,
				 "\"%s\" is none of print, export and rotate",
				 name);
	action = cli_has(args, w->option) ? w->other : w->plain;
	other = strcmp(w->option, "der") == 0 ? "json" : "der";
	if (cli_has(args, other))
		return cli_usage(args, "--%s does not go with %s", other, name);
	if (state_open(&state, path ? path : STATE_DEFAULT, action >= CA_EXPORT,
		       &e) < 0)
		return cli_live_error(&e, NULL);
	rc = ca_act(&state, action, cli_value(args, "helpers"), &e);
	state_close(&state);
	return rc < 0 ? cli_live_error(&e, NULL) : CLI_YES;
}

static const struct cli_option options[] = {
	{"der", 0, NULL, NULL, "export DER, not PEM"},
	CLI_OPT_HELPERS,
	CLI_OPT_STATE,
	CLI_OPT_JSON,
	CLI_OPT_HELP,
	{0},
};

const struct cli_command cmd_ca = {
	.name = "ca",
	.operands = "[print|export|rotate]",
	.complete = {"print export rotate"},
	.summary = "show, export or replace the CA of TLS interception",
	.details =
		"It is the CA that signs for every sandbox of the state "
		"directory whose\ndocument names no other. \"export\" writes "
		"its certificate, for guests to trust,\nand makes the CA if "
		"there is none yet. \"rotate\" makes another one; a sandbox\n"
		"uses it from its next \"up\" or \"apply\" on. The one before "
		"is kept as ca.old.",
	.options = options,
	.run = run,
};

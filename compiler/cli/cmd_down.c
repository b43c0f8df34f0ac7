/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_down.c - "msb-netc down": remove a sandbox. */
#include "cli.h"
#include "cli_live.h"
#include "plan.h"
#include "sandbox.h"

static int run(const struct cli_args *args)
{
	const char *path = cli_value(args, "state");
	struct live_error e;
	struct state state;
	int rc;

	if (args->argc != 1)
		return cli_usage(args, "the name of one sandbox is wanted");
	if (!plan_name_valid(args->argv[0]))
		return cli_usage(args, "\"%s\" is no name of a sandbox",
				 args->argv[0]);
	if (sandbox_privileged(&e) < 0 ||
	    state_open(&state, path ? path : STATE_DEFAULT, false, &e) < 0)
		return cli_live_error(&e, NULL);
	rc = sandbox_down(&state, args->argv[0], false, &e);
	state_close(&state);
	return rc < 0 ? cli_live_error(&e, NULL) : CLI_YES;
}

static const struct cli_option options[] = {
	CLI_OPT_STATE,
	CLI_OPT_HELP,
	{0},
};

const struct cli_command cmd_down = {
	.name = "down",
	.operands = "NAME",
	.complete = {"@sandbox"},
	.summary = "remove a sandbox",
	.details =
		"Also what an interrupted \"up\" or \"run\" has left behind, "
		"and what was\nterminated. The guest's namespace stays; its "
		"eth0 goes.",
	.options = options,
	.run = run,
};

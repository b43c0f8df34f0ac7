/* SPDX-License-Identifier: GPL-2.0-or-later */
/* main.c - The table of subcommands, and the way from a word to its row. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "guest_trust.h"
#include "str.h"

const struct cli_command *const cli_commands[] = {
	&cmd_apply,  &cmd_ca,	   &cmd_check, &cmd_compile, &cmd_diff,
	&cmd_down,   &cmd_explain, &cmd_lint,  &cmd_presets, &cmd_run,
	&cmd_schema, &cmd_status,  &cmd_test,  &cmd_up,	     NULL,
};

static void usage(FILE *out)
{
	size_t i;

	fprintf(out, "Usage: msb-netc COMMAND [OPTION...] [OPERAND...]\n\n"
		     "Compile sandbox network policies into nftables rulesets, "
		     "and put them in force.\n\nCommands:\n");
	for (i = 0; cli_commands[i]; i++)
		fprintf(out, "  %-9s %s\n", cli_commands[i]->name,
			cli_commands[i]->summary);
	fprintf(out, "\n\"msb-netc COMMAND --help\" tells more; so do "
		     "msb-netc(1), msb-netc.json(5),\nmsb-netc-policy(7) and "
		     "msb-netc-review(7).\n");
}

/* Standard output is a report: one that was not written is a failure. */
static int finish(int status)
{
	if (fflush(stdout) || ferror(stdout)) {
		cli_error("cannot write to standard output");
		return CLI_SYSTEM;
	}
	return status;
}

int main(int argc, char **argv)
{
	const struct cli_command *command;
	struct cli_args args;
	int rc;

	if (argc < 2) {
		usage(stderr);
		return CLI_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		usage(stdout);
		return finish(CLI_YES);
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("msb-netc %s\n", MSB_VERSION);
		return finish(CLI_YES);
	}
	if (strcmp(argv[1], "--bash-completion") == 0) {
		cli_bash_completion();
		return finish(CLI_YES);
	}
	if (strcmp(argv[1], "--man-commands") == 0) {
		cli_manual();
		return finish(CLI_YES);
	}
	if (strcmp(argv[1], "--man-variables") == 0) {
		STR(s);

		guest_variables_manual(&s);
		fputs(str_text(&s), stdout);
		return finish(CLI_YES);
	}
	command = cli_command(argv[1]);
	if (!command) {
		cli_error("unknown command \"%s\"", argv[1]);
		usage(stderr);
		return CLI_USAGE;
	}
	rc = cli_parse(command, argc - 2, argv + 2, &args);
	if (rc != CLI_YES)
		return rc;
	if (cli_has(&args, "help")) {
		cli_help(command);
		return finish(CLI_YES);
	}
	return finish(command->run(&args));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli.h - What every subcommand has: its row in the table, its way to read. */
#ifndef MSB_CLI_H
#define MSB_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "diag.h"

/** enum cli_exit - Exit statuses of every subcommand */
enum cli_exit {
	CLI_YES = 0,
	CLI_NO = 1,
	CLI_USAGE = 2,
	CLI_SYSTEM = 3,
};

/**
 * struct cli_option - One option of a subcommand
 * @name:	long name without the dashes
 * @letter:	short form, or 0
 * @arg:	name of its argument in the usage ("DIR"), NULL if it has none
 * @words:	what the argument, or what follows an option without one, can
 *		be, for completion: words separated by blanks, "@file", "@dir",
 *		"@command", "@sandbox", "@preset", "@netns", "@lint" or NULL
 * @help:	one line
 */
struct cli_option {
	const char *name;
	char letter;
	const char *arg;
	const char *words;
	const char *help;
};

/**
 * struct cli_args - A parsed command line
 * @command:	the subcommand
 * @value:	by index into @command->options: the argument, "" for an option
 *		without one, NULL if it was not given; the last one counts
 * @argv:	what is left: operands, NULL-terminated
 * @argc:	how many
 */
struct cli_args {
	const struct cli_command *command;
	const char *value[12];
	char **argv;
	int argc;
};

/**
 * struct cli_command - One subcommand
 * @name:	name
 * @operands:	operands, for the usage: "CONFIG..."
 * @complete:	what the operands can be, in order, as in struct cli_option;
 *		the last one repeats
 * @summary:	one line
 * @details:	more for --help, or NULL
 * @options:	options, up to a row without a name
 * @run:	does it; returns an enum cli_exit, or a command's exit status
 * @rest:	the operands behind the document are another command: nothing
 *		from the first of them on is an option of ours
 */
struct cli_command {
	const char *name;
	const char *operands;
	const char *complete[3];
	const char *summary;
	const char *details;
	const struct cli_option *options;
	int (*run)(const struct cli_args *args);
	bool rest;
};

/** cli_commands - All subcommands, ascending by name, up to NULL */
extern const struct cli_command *const cli_commands[];

/** cli_command() - The subcommand with a name, or NULL */
const struct cli_command *cli_command(const char *name);

/**
 * cli_parse() - Read what follows the subcommand
 * @command:	subcommand
 * @argc:	words
 * @argv:	words, NULL-terminated; operands are moved to its front
 * @ret:	command line; set on success
 *
 * Return: CLI_YES, or CLI_USAGE after saying why
 */
int cli_parse(const struct cli_command *command, int argc, char **argv,
	      struct cli_args *ret);

/** cli_help() - Print the help of one subcommand on standard output */
void cli_help(const struct cli_command *command);

/** cli_bash_completion() - Print the completion script for bash */
void cli_bash_completion(void);

/** cli_manual() - Print the subcommands and their options as mdoc source */
void cli_manual(void);

/** cli_value() - Value of the option @name; NULL if it was not given */
const char *cli_value(const struct cli_args *args, const char *name);

/** cli_has() - Whether the option @name was given */
bool cli_has(const struct cli_args *args, const char *name);

/**
 * cli_slot() - The --slot option
 * @args:	command line
 * @ret_slot:	0 if it was not given
 *
 * Return: CLI_YES, or CLI_USAGE after saying why
 */
int cli_slot(const struct cli_args *args, uint32_t *ret_slot);

/** cli_usage() - Say what is wrong with the command line; returns CLI_USAGE */
int cli_usage(const struct cli_args *args, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** cli_error() - Print "msb-netc: MESSAGE" on standard error */
void cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/**
 * cli_read_config() - Read the document that a command line names
 * @a:		arena for the text
 * @args:	command line: with --preset the preset counts, else the operand
 *		at *@operand, which is advanced; "-" is standard input
 * @operand:	index into @args->argv
 * @ret:	diagnostics, empty, with file name and text set
 *
 * Return: CLI_YES, or CLI_USAGE after saying why
 */
int cli_read_config(struct arena *a, const struct cli_args *args, int *operand,
		    struct diags *ret);

/**
 * cli_read_file() - Read a whole file
 * @a:		arena for the text
 * @path:	path, "-" for standard input
 * @ret_text:	contents, NUL-terminated
 * @ret_len:	bytes; reading stops past CONFIG_MAX_BYTES
 *
 * Return: CLI_YES, or CLI_USAGE after saying why
 */
int cli_read_file(struct arena *a, const char *path, const char **ret_text,
		  size_t *ret_len);

/** cli_diags() - Print diagnostics on standard error, if there are any */
void cli_diags(struct diags *d);

/** cli_diags_json() - Append diagnostics as the value of a member */
void cli_diags_json(struct diags *d, struct str *out);

/* Options that several subcommands have, as rows for their tables. */
#define CLI_OPT_PRESET \
	{ \
		"preset", 0, "NAME", "@preset", \
			"use a preset instead of a document" \
	}
#define CLI_OPT_SLOT \
	{ \
		"slot", 0, "N", NULL, "slot in the address pools, 0 to 65535" \
	}
#define CLI_OPT_JSON \
	{ \
		"json", 0, NULL, NULL, "report as JSON" \
	}
#define CLI_OPT_HELPERS \
	{ \
		"helpers", 0, "DIR", "@dir", \
			"directory of the helpers, if not where installed" \
	}
#define CLI_OPT_STATE \
	{ \
		"state", 0, "DIR", "@dir", \
			"state directory (default /run/msb-netc)" \
	}
#define CLI_OPT_HELP \
	{ \
		"help", 'h', NULL, NULL, "print this help" \
	}

/* The subcommands: each cmd_*.c holds one or a few that belong together. */
extern const struct cli_command cmd_apply, cmd_ca, cmd_check, cmd_compile,
	cmd_diff, cmd_down, cmd_explain, cmd_lint, cmd_presets, cmd_run,
	cmd_schema, cmd_status, cmd_test, cmd_up;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* args.c - Command lines, read by the table of subcommands. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define MAX_OPTIONS \
	(sizeof(((struct cli_args *)NULL)->value) / sizeof(const char *))

const struct cli_command *cli_command(const char *name)
{
	size_t i;

	for (i = 0; cli_commands[i]; i++)
		if (strcmp(cli_commands[i]->name, name) == 0)
			return cli_commands[i];
	return NULL;
}

static size_t option_count(const struct cli_command *c)
{
	size_t n = 0;

	while (c->options[n].name)
		n++;
	assert(n <= MAX_OPTIONS);
	return n;
}

/* Index of the option that @word starts with, "--name" or "-x"; -1 if none. */
static int option_find(const struct cli_command *c, const char *word)
{
	size_t n = option_count(c), i;

	for (i = 0; i < n; i++) {
		const struct cli_option *o = &c->options[i];
		const size_t len = strlen(o->name);

		if (strncmp(word, "--", 2) == 0) {
			if (strncmp(word + 2, o->name, len) == 0 &&
			    (!word[2 + len] || word[2 + len] == '='))
				return (int)i;
		} else if (o->letter && word[1] == o->letter) {
			return (int)i;
		}
	}
	return -1;
}

/* The argument that is written in the same word, or NULL. */
static const char *option_attached(const char *word)
{
	const char *equals;

	if (strncmp(word, "--", 2) != 0)
		return word[2] ? word + 2 : NULL;
	equals = strchr(word, '=');
	return equals ? equals + 1 : NULL;
}

int cli_parse(const struct cli_command *command, int argc, char **argv,
	      struct cli_args *ret)
{
	struct cli_args args = {.command = command, .argv = argv};
	int i, inputs = 0;
	bool options = true;

	for (i = 0; i < argc; i++) {
		char *word = argv[i];
		const char *attached;
		int found;

		if (options && strcmp(word, "--") == 0) {
			options = false;
			continue;
		}
		if (!options || word[0] != '-' || !word[1]) {
			args.argv[args.argc++] = word;
			/* The words of a command are its own. */
			if (command->rest &&
			    (args.argc > 1 || cli_has(&args, "preset")))
				options = false;
			continue;
		}
		found = option_find(command, word);
		if (found < 0)
			return cli_usage(&args, "unknown option \"%s\"", word);
		attached = option_attached(word);
		if (!command->options[found].arg) {
			if (attached)
				return cli_usage(&args,
						 "option --%s has no argument",
						 command->options[found].name);
			args.value[found] = "";
		} else if (attached) {
			args.value[found] = attached;
		} else if (i + 1 < argc) {
			args.value[found] = argv[++i];
		} else {
			return cli_usage(&args, "option --%s needs %s",
					 command->options[found].name,
					 command->options[found].arg);
		}
	}
	args.argv[args.argc] = NULL;
	for (i = 0; i < args.argc && !command->rest; i++)
		inputs += strcmp(args.argv[i], "-") == 0;
	if (inputs > 1)
		return cli_usage(&args, "\"-\", standard input, can be read "
					"once");
	*ret = args;
	return CLI_YES;
}

const char *cli_value(const struct cli_args *args, const char *name)
{
	size_t n = option_count(args->command), i;

	for (i = 0; i < n; i++)
		if (strcmp(args->command->options[i].name, name) == 0)
			return args->value[i];
	return NULL;
}

bool cli_has(const struct cli_args *args, const char *name)
{
	return cli_value(args, name) != NULL;
}

int cli_slot(const struct cli_args *args, uint32_t *ret_slot)
{
	const char *text = cli_value(args, "slot"), *p = text;
	uint32_t slot = 0;

	if (!text) {
		*ret_slot = 0;
		return CLI_YES;
	}
	for (; *p >= '0' && *p <= '9' && slot <= 65535; p++)
		slot = slot * 10 + (uint32_t)(*p - '0');
	if (p == text || *p || slot > 65535 || (text[0] == '0' && text[1]))
		return cli_usage(args,
				 "\"%s\" is no slot: write a number from 0 to "
				 "65535",
				 text);
	*ret_slot = slot;
	return CLI_YES;
}

int cli_usage(const struct cli_args *args, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "msb-netc %s: ", args->command->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nTry \"msb-netc %s --help\".\n", args->command->name);
	return CLI_USAGE;
}

void cli_error(const char *fmt, ...)
{
	va_list ap;

	fputs("msb-netc: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void cli_help(const struct cli_command *c)
{
	const struct cli_option *o;

	printf("Usage: msb-netc %s [OPTION...]%s%s\n\n%s.\n", c->name,
	       *c->operands ? " " : "", c->operands, c->summary);
	if (c->details)
		printf("\n%s\n", c->details);
	printf("\nOptions:\n");
	for (o = c->options; o->name; o++) {
		char left[40];

		snprintf(left, sizeof(left), "%c%c%c --%s%s%s",
			 o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
			 o->letter ? ',' : ' ', o->name, o->arg ? " " : "",
			 o->arg ? o->arg : "");
		printf("  %-24s %s\n", left, o->help);
	}
}

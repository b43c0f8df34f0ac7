/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_presets.c - "msb-netc presets": the presets, and their documents. */
#include <stdio.h>

#include "cli.h"
#include "preset.h"
#include "str.h"

#include <string.h>

static void print_json(void)
{
	STR(s);
	size_t i;

	str_putc(&s, '[');
	for (i = 0; i < PRESET_COUNT; i++) {
		const char *summary =
			preset_summary((enum config_preset)(i + 1));

		str_printf(&s, "%s\n\t{\"name\": \"%s\", \"summary\": ",
			   i ? "," : "", presets[i].name);
		str_json(&s, summary, strlen(summary));
		str_putc(&s, '}');
	}
	str_puts(&s, "\n]\n");
	fputs(str_text(&s), stdout);
}

static int run(const struct cli_args *args)
{
	const struct preset *preset;
	size_t i;

	if (args->argc > 1)
		return cli_usage(args, "one preset at a time");
	if (args->argc == 1) {
		preset = preset_by_name(args->argv[0]);
		if (!preset) {
			cli_error("no preset \"%s\": \"msb-netc presets\" "
				  "lists them",
				  args->argv[0]);
			return CLI_NO;
		}
		fputs(preset->text, stdout);
		return CLI_YES;
	}
	if (cli_has(args, "json")) {
		print_json();
		return CLI_YES;
	}
	for (i = 0; i < PRESET_COUNT; i++) {
		if (cli_has(args, "names"))
			printf("%s\n", presets[i].name);
		else
			printf("%-12s %s\n", presets[i].name,
			       preset_summary((enum config_preset)(i + 1)));
	}
	return CLI_YES;
}

static const struct cli_option options[] = {
	{"names", 0, NULL, NULL, "print the names alone"},
	CLI_OPT_JSON,
	CLI_OPT_HELP,
	{0},
};

const struct cli_command cmd_presets = {
	.name = "presets",
	.operands = "[NAME]",
	.complete = {"@preset"},
	.summary = "list the presets, or print one as a document",
	.options = options,
	.run = run,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* completion.c - The completion script for bash, from the table. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

/* How bash completes what the table calls @what; "" if it does not. */
static void print_source(const char *what)
{
	if (!what)
		fputs("COMPREPLY=()", stdout);
	else if (strcmp(what, "@file") == 0)
		fputs("COMPREPLY=($(compgen -f -- \"$cur\"))", stdout);
	else if (strcmp(what, "@dir") == 0)
		fputs("COMPREPLY=($(compgen -d -- \"$cur\"))", stdout);
	else if (strcmp(what, "@sandbox") == 0)
		fputs("COMPREPLY=($(compgen -W \"$(_msb_netc_sandboxes)\" -- "
		      "\"$cur\"))",
		      stdout);
	else if (strcmp(what, "@preset") == 0)
		fputs("COMPREPLY=($(compgen -W \"$(msb-netc presets "
		      "--names 2>/dev/null)\" -- \"$cur\"))",
		      stdout);
	else
		printf("COMPREPLY=($(compgen -W \"%s\" -- \"$cur\"))", what);
}

static void print_options(const struct cli_command *c)
{
	const struct cli_option *o;

	for (o = c->options; o->name; o++) {
		if (!o->arg)
			continue;
		printf("\t%s:--%s", c->name, o->name);
		if (o->letter)
			printf("|%s:-%c", c->name, o->letter);
		fputs(")\n\t\t", stdout);
		print_source(o->words);
		fputs("\n\t\treturn ;;\n", stdout);
	}
}

void cli_bash_completion(void)
{
	size_t i, j;

	fputs("# bash completion for msb-netc, printed by \"msb-netc "
	      "--bash-completion\"\n\n"
	      "_msb_netc_sandboxes()\n{\n"
	      "\tlocal dir=/run/msb-netc i\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\t[ \"${COMP_WORDS[i]}\" = --state ] && "
	      "dir=${COMP_WORDS[i + 1]}\n"
	      "\tdone\n"
	      "\tmsb-netc status --names --state \"$dir\" 2>/dev/null\n}\n\n"
	      "_msb_netc()\n{\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]}\n"
	      "\tlocal prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	      "\tlocal cmd=${COMP_WORDS[1]} n=0 i\n"
	      "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
	      "\t\tCOMPREPLY=($(compgen -W \"",
	      stdout);
	for (i = 0; cli_commands[i]; i++)
		printf("%s ", cli_commands[i]->name);
	fputs("--help --version\" -- \"$cur\"))\n\t\treturn\n\tfi\n"
	      "\tcase $cmd:$prev in\n",
	      stdout);
	for (i = 0; cli_commands[i]; i++)
		print_options(cli_commands[i]);
	fputs("\tesac\n\tif [[ $cur == -* ]]; then\n\t\tcase $cmd in\n",
	      stdout);
	for (i = 0; cli_commands[i]; i++) {
		const struct cli_option *o = cli_commands[i]->options;

		printf("\t\t%s) COMPREPLY=($(compgen -W \"",
		       cli_commands[i]->name);
		for (; o->name; o++)
			printf("--%s%s", o->name, o[1].name ? " " : "");
		fputs("\" -- \"$cur\")) ;;\n", stdout);
	}
	fputs("\t\tesac\n\t\treturn\n\tfi\n"
	      "\tfor ((i = 2; i < COMP_CWORD; i++)); do\n"
	      "\t\t[[ ${COMP_WORDS[i]} == -* ]] || n=$((n + 1))\n\tdone\n"
	      "\tcase $cmd:$n in\n",
	      stdout);
	for (i = 0; cli_commands[i]; i++) {
		for (j = 0; j < 3 && cli_commands[i]->complete[j]; j++) {
			const bool last = j == 2 ||
					  !cli_commands[i]->complete[j + 1];

			printf("\t%s:%s)\n\t\t", cli_commands[i]->name,
			       last ? "*"
			       : j  ? "1"
				    : "0");
			print_source(cli_commands[i]->complete[j]);
			fputs(" ;;\n", stdout);
		}
	}
	fputs("\tesac\n}\ncomplete -o filenames -F _msb_netc msb-netc\n",
	      stdout);
}

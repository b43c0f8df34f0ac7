/* SPDX-License-Identifier: GPL-2.0-or-later */
/* completion.c - The completion script for bash, from the table. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "diag.h"

/** struct source - How bash completes what the table calls @what */
struct source {
	const char *what;
	const char *compgen;
};

static const struct source sources[] = {
	{"@file", "-f"},
	{"@dir", "-d"},
	{"@command", "-c"},
	{"@sandbox", "-W \"$(_msb_netc_sandboxes)\""},
	{"@preset", "-W \"$(msb-netc presets --names 2>/dev/null)\""},
	/* A gateway's namespace is no guest's. */
	{"@netns", "-f -W \"$(ls -I 'msb-*' /run/netns 2>/dev/null)\""},
};

static void print_lint_codes(void)
{
	int code;

	for (code = DIAG_LINT_FIRST; code < DIAG_CODE_COUNT; code++)
		printf("%s%s", code == DIAG_LINT_FIRST ? "" : " ",
		       diag_code_name((enum diag_code)code));
}

static void print_source(const char *what)
{
	size_t i;

	if (!what) {
		fputs("COMPREPLY=()", stdout);
		return;
	}
	fputs("COMPREPLY=($(compgen ", stdout);
	for (i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		if (strcmp(what, sources[i].what) == 0)
			break;
	if (i < sizeof(sources) / sizeof(sources[0])) {
		fputs(sources[i].compgen, stdout);
	} else if (strcmp(what, "@lint") == 0) {
		fputs("-W \"", stdout);
		print_lint_codes();
		putchar('"');
	} else {
		printf("-W \"%s\"", what);
	}
	fputs(" -- \"$cur\"))", stdout);
}

static void print_option(const struct cli_command *c,
			 const struct cli_option *o)
{
	printf("\t%s:--%s", c->name, o->name);
	if (o->letter)
		printf("|%s:-%c", c->name, o->letter);
	fputs(")\n\t\t", stdout);
}

/* What comes behind an option. */
static void print_options(const struct cli_command *c)
{
	const struct cli_option *o;

	for (o = c->options; o->name; o++) {
		if (!o->arg && !o->words)
			continue;
		print_option(c, o);
		print_source(o->words);
		fputs("\n\t\treturn ;;\n", stdout);
	}
}

/* Which words are no operands. A preset takes a document's place; where that is
 * not the first operand, what it completes is clear without. */
static void print_skips(const struct cli_command *c)
{
	const bool first = c->complete[0] &&
			   strcmp(c->complete[0], "@file") == 0;
	const struct cli_option *o;

	for (o = c->options; o->name; o++) {
		if (!o->arg)
			continue;
		putchar('\t');
		print_option(c, o);
		fputs("\ti=$((i + 1))\n"
		      "\t\t\t[ \"${COMP_WORDS[i]}\" = = ] && i=$((i + 1))\n",
		      stdout);
		if (first && strcmp(o->name, "preset") == 0)
			fputs("\t\t\tn=$((n + 1))\n", stdout);
		fputs("\t\t\t;;\n", stdout);
	}
}

static void print_operands(const struct cli_command *c)
{
	size_t j;

	for (j = 0; j < 3 && c->complete[j]; j++) {
		const bool last = j == 2 || !c->complete[j + 1];

		printf("\t%s:%s)\n\t\t", c->name, last ? "*" : j ? "1" : "0");
		print_source(c->complete[j]);
		fputs(" ;;\n", stdout);
	}
}

static void print_names(const struct cli_command *c)
{
	const struct cli_option *o;

	printf("\t\t%s) COMPREPLY=($(compgen -W \"", c->name);
	for (o = c->options; o->name; o++)
		printf("--%s%s", o->name, o[1].name ? " " : "");
	fputs("\" -- \"$cur\")) ;;\n", stdout);
}

void cli_bash_completion(void)
{
	size_t i;

	fputs("# bash completion for msb-netc, printed by \"msb-netc "
	      "--bash-completion\"\n\n"
	      "_msb_netc_sandboxes()\n{\n"
	      "\tlocal dir=/run/msb-netc i\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\t[ \"${COMP_WORDS[i]}\" = --state ] || continue\n"
	      "\t\tdir=${COMP_WORDS[i + 1]}\n"
	      "\t\t[ \"$dir\" = = ] && dir=${COMP_WORDS[i + 2]}\n"
	      "\tdone\n"
	      "\tmsb-netc status --names --state \"$dir\" 2>/dev/null\n}\n\n"
	      "_msb_netc()\n{\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]}\n"
	      "\tlocal prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	      "\tlocal cmd=${COMP_WORDS[1]} n=0 i rest=\n"
	      "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
	      "\t\tCOMPREPLY=($(compgen -W \"",
	      stdout);
	for (i = 0; cli_commands[i]; i++)
		printf("%s ", cli_commands[i]->name);
	/* "=" is a word of its own, mostly. */
	fputs("--help --version\" -- \"$cur\"))\n\t\treturn\n\tfi\n"
	      "\tif [ \"$cur\" = = ]; then\n"
	      "\t\tcur=\n"
	      "\telif [ \"$prev\" = = ]; then\n"
	      "\t\tprev=${COMP_WORDS[COMP_CWORD - 2]}\n"
	      "\tfi\n"
	      "\tfor ((i = 2; i < COMP_CWORD; i++)); do\n"
	      "\t\tcase $cmd:${COMP_WORDS[i]} in\n",
	      stdout);
	for (i = 0; cli_commands[i]; i++)
		print_skips(cli_commands[i]);
	fputs("\t\t*:--)\n\t\t\trest=1 ;;\n"
	      "\t\t*:-?*)\n\t\t\t;;\n"
	      "\t\t*)\n\t\t\tn=$((n + 1)) ;;\n"
	      "\t\tesac\n\tdone\n"
	      "\tcase $cmd:${rest:-$prev} in\n",
	      stdout);
	for (i = 0; cli_commands[i]; i++)
		print_options(cli_commands[i]);
	fputs("\tesac\n\tif [[ $cur == -* && -z $rest ]]; then\n"
	      "\t\tcase $cmd in\n",
	      stdout);
	for (i = 0; cli_commands[i]; i++)
		print_names(cli_commands[i]);
	fputs("\t\tesac\n\t\treturn\n\tfi\n"
	      "\tcase $cmd:$n in\n",
	      stdout);
	for (i = 0; cli_commands[i]; i++)
		print_operands(cli_commands[i]);
	fputs("\tesac\n}\ncomplete -o filenames -F _msb_netc msb-netc\n",
	      stdout);
}

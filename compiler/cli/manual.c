/* SPDX-License-Identifier: GPL-2.0-or-later */
/* manual.c - The subcommands as a part of the manual, in mdoc. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

static bool ends_sentence(const char *text, size_t len)
{
	return len > 2 && text[0] == '.' && text[1] == ' ' && text[2] >= 'A' &&
	       text[2] <= 'Z';
}

/* Print text that is no macro and no escape, whatever it holds. */
static void put_plain(const char *text, size_t len)
{
	size_t i;

	if (len && (text[0] == '.' || text[0] == '\''))
		fputs("\\&", stdout);
	for (i = 0; i < len; i++) {
		if (text[i] == '\\')
			fputs("\\e", stdout);
		else if (text[i] == '-')
			fputs("\\-", stdout);
		else if (text[i] == '"')
			fputs("\\(dq", stdout);
		else
			putchar(text[i]);
		/* In mdoc a sentence starts on a line of its own. */
		if (ends_sentence(text + i, len - i)) {
			putchar('\n');
			i++;
		}
	}
}

/* A line of help as a sentence. */
static void put_sentence(const char *text)
{
	const char first = text[0];

	if (first >= 'a' && first <= 'z')
		putchar(first - 'a' + 'A');
	else
		put_plain(text, 1);
	put_plain(text + 1, strlen(text + 1));
	fputs(".\n", stdout);
}

/* Operands as the usage has them: "[NAME]", "CONFIG...", "--". */
static void put_operands(const char *operands)
{
	while (*operands) {
		size_t len = strcspn(operands, " ");
		const char *word = operands;

		operands += len + strspn(operands + len, " ");
		if (len > 2 && word[0] == '[' && word[len - 1] == ']') {
			fputs(".Op Ar ", stdout);
			word++;
			len -= 2;
		} else if (len == 2 && memcmp(word, "--", 2) == 0) {
			fputs(".Fl -\n", stdout);
			continue;
		} else {
			fputs(".Ar ", stdout);
		}
		put_plain(word, len);
		putchar('\n');
	}
}

/* Paragraphs are filled; lines that start with a blank are kept as they are. */
static void put_details(const char *text)
{
	bool literal = false;

	fputs(".Pp\n", stdout);
	while (*text) {
		const size_t len = strcspn(text, "\n");

		if ((len && *text == ' ') != literal) {
			literal = !literal;
			fputs(literal ? ".Bd -literal\n" : ".Ed\n.Pp\n",
			      stdout);
		}
		put_plain(text, len);
		putchar('\n');
		text += len + (text[len] == '\n');
	}
	if (literal)
		fputs(".Ed\n", stdout);
}

static void put_options(const struct cli_option *o)
{
	fputs(".Bl -tag -width Ds\n", stdout);
	for (; o->name; o++) {
		fputs(".It ", stdout);
		if (o->letter)
			printf("Fl %c , ", o->letter);
		printf("Fl Fl %s%s%s\n", o->name, o->arg ? " Ar " : "",
		       o->arg ? o->arg : "");
		put_sentence(o->help);
	}
	fputs(".El\n", stdout);
}

void cli_manual(void)
{
	size_t i;

	for (i = 0; cli_commands[i]; i++) {
		const struct cli_command *c = cli_commands[i];

		printf(".Ss %s\n.Nm\n.Cm %s\n.Op Ar option ...\n", c->name,
		       c->name);
		put_operands(c->operands);
		fputs(".Pp\n", stdout);
		put_sentence(c->summary);
		if (c->details)
			put_details(c->details);
		put_options(c->options);
	}
}

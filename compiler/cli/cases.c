/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cases.c - Files of flows with the verdicts that they are to get. */
#include "cases.h"

#include <string.h>

#include "cli.h"

static int cases_file(struct arena *a, const char *path, unsigned int depth,
		      struct cases *c);

static struct cases_case *cases_add(struct arena *a, struct cases *c,
				    const char *file, unsigned long line)
{
	c->v = arena_grow(a, c->v, c->n, &c->cap, sizeof(*c->v));
	c->v[c->n] = (struct cases_case){.file = file, .line = line};
	return &c->v[c->n++];
}

/* What follows the word "include", without blanks around it; NULL if the line
 * is no such directive. */
static char *include_path(char *text)
{
	static const char word[] = "include";
	const size_t len = sizeof(word) - 1;
	char *end;

	text += strspn(text, " \t");
	if (strncmp(text, word, len) != 0 || !strchr(" \t\r", text[len]))
		return NULL;
	text += len;
	text += strspn(text, " \t\r");
	end = text + strlen(text);
	while (end > text && strchr(" \t\r", end[-1]))
		*--end = '\0';
	return text;
}

static const char *beside(struct arena *a, const char *file, const char *path)
{
	const char *slash = strrchr(file, '/');

	if (path[0] == '/' || !slash)
		return path;
	return arena_printf(a, "%.*s/%s", (int)(slash - file), file, path);
}

/* Files that include each other would have no end, and one that many others
 * include many times could have millions of lines. */
static const char *include_refused(const char *path, unsigned int depth,
				   const struct cases *c)
{
	if (!*path)
		return "\"include\" needs the path of a file";
	if (depth + 1 >= CASES_MAX_DEPTH)
		return "files include each other more than 8 deep";
	if (c->files >= CASES_MAX_FILES)
		return "more than 1000 files are included";
	return NULL;
}

static int cases_line(struct arena *a, const char *file, unsigned long line,
		      unsigned int depth, char *text, struct cases *c)
{
	struct cases_case *one;
	const char *path, *why;

	text[strcspn(text, "#")] = '\0';
	if (!text[strspn(text, " \t\r")])
		return CLI_YES;
	path = include_path(text);
	if (!path) {
		one = cases_add(a, c, file, line);
		one->why = flow_parse_case(a, text, &one->c);
		return CLI_YES;
	}
	why = include_refused(path, depth, c);
	if (why) {
		cli_error("%s:%lu: %s", file, line, why);
		return CLI_USAGE;
	}
	return cases_file(a, beside(a, file, path), depth + 1, c);
}

static int cases_file(struct arena *a, const char *path, unsigned int depth,
		      struct cases *c)
{
	unsigned long number = 0;
	const char *text;
	char *rest, *line;
	size_t len;
	int rc;

	c->files++;
	rc = cli_read_file(a, path, &text, &len);
	if (rc != CLI_YES)
		return rc;
	if (strlen(text) != len) {
		cli_error("%s is not text", path);
		return CLI_USAGE;
	}
	rest = arena_strndup(a, text, len);
	while (rc == CLI_YES && (line = strsep(&rest, "\n")))
		rc = cases_line(a, path, ++number, depth, line, c);
	return rc;
}

int cases_read(struct arena *a, const char *path, struct cases *c)
{
	return cases_file(a, path, 0, c);
}

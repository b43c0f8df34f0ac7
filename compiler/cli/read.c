/* SPDX-License-Identifier: GPL-2.0-or-later */
/* read.c - Reading the documents that a command line names. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "config.h"
#include "preset.h"
#include "str.h"

/* Read @fd to its end, or one byte past the largest document. */
static int read_all(int fd, struct str *ret)
{
	char buf[65536];
	ssize_t n;

	do {
		n = read(fd, buf, sizeof(buf));
		if (n > 0)
			str_append(ret, buf, (size_t)n);
	} while ((n > 0 || (n < 0 && errno == EINTR)) &&
		 ret->len <= CONFIG_MAX_BYTES);
	return n < 0 ? -errno : 0;
}

int cli_read_file(struct arena *a, const char *path, const char **ret_text,
		  size_t *ret_len)
{
	const bool standard = strcmp(path, "-") == 0;
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	STR(text);
	int rc;

	if (fd < 0) {
		cli_error("cannot open %s: %s", path, strerror(errno));
		return CLI_USAGE;
	}
	rc = read_all(fd, &text);
	if (!standard)
		close(fd);
	if (rc) {
		cli_error("cannot read %s: %s", path, strerror(-rc));
		return CLI_USAGE;
	}
	*ret_text = arena_strndup(a, str_text(&text), text.len);
	*ret_len = text.len;
	return CLI_YES;
}

int cli_read_config(struct arena *a, const struct cli_args *args, int *operand,
		    struct diags *ret)
{
	const char *name = cli_value(args, "preset");
	struct diags d = {.arena = a};
	int rc;

	if (name) {
		if (!preset_by_name(name))
			return cli_usage(args,
					 "no preset \"%s\": \"msb-netc "
					 "presets\" lists them",
					 name);
		/* The document that asks for it, so that it is told apart from
		 * one that spells the same rules out. */
		d.file = arena_printf(a, "preset:%s", name);
		d.text = arena_printf(a, "{\"Policy\": \"%s\"}\n", name);
		d.len = strlen(d.text);
	} else {
		if (*operand >= args->argc)
			return cli_usage(args, "a document is missing: a path, "
					       "\"-\" or --preset NAME");
		d.file = args->argv[(*operand)++];
		rc = cli_read_file(a, d.file, &d.text, &d.len);
		if (rc != CLI_YES)
			return rc;
	}
	*ret = d;
	return CLI_YES;
}

void cli_diags_json(struct diags *d, struct str *out)
{
	diags_sort(d);
	diags_json(d, out);
	/* The list ends its line; the object that holds it goes on. */
	while (out->len && out->data[out->len - 1] == '\n')
		out->data[--out->len] = '\0';
}

void cli_diags(struct diags *d)
{
	STR(text);

	diags_sort(d);
	diags_print(d, &text);
	fputs(str_text(&text), stderr);
}

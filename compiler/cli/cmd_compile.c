/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_compile.c - "msb-netc compile": a document into a directory. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "compile.h"
#include "cost_text.h"

/* Directories of a path below @dir, made as needed. */
static int make_parents(int dir, const char *path)
{
	char parent[256];
	const char *slash = strchr(path, '/');

	for (; slash; slash = strchr(slash + 1, '/')) {
		snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path),
			 path);
		if (mkdirat(dir, parent, 0755) && errno != EEXIST)
			return -errno;
	}
	return 0;
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* A file is there as a whole or as it was: written aside, then renamed. */
static int write_file(struct arena *a, int dir, const struct artefact *file)
{
	const char *aside = arena_printf(a, "%s.new", file->path);
	int rc = make_parents(dir, file->path), fd;

	if (rc)
		return rc;
	fd = openat(dir, aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	rc = write_all(fd, file->text, file->len);
	if (close(fd) && !rc)
		rc = -errno;
	if (!rc && renameat(dir, aside, dir, file->path))
		rc = -errno;
	if (rc)
		unlinkat(dir, aside, 0);
	return rc;
}

static bool is_written(const struct compiled *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->n_files; i++)
		if (strcmp(c->files[i].path, name) == 0)
			return true;
	return false;
}

/* Whether it is a file that some documents have, and others have not. */
static bool is_optional(const char *name)
{
	static const char *const names[] = {"ports.json", "relay.json",
					    "dns.json", "tls.json"};
	static const char before[] = "names-", behind[] = ".bin";
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	if (strncmp(name, before, strlen(before)) != 0)
		return false;
	name += strlen(before);
	return strcmp(name + strspn(name, "0123456789abcdef"), behind) == 0;
}

/* What another document had in the same directory would be taken for ours. */
static void remove_others(int dir, const struct compiled *c)
{
	int own = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = own < 0 ? NULL : fdopendir(own);
	struct dirent *entry;

	if (!list && own >= 0)
		close(own);
	while (list && (entry = readdir(list)))
		if (is_optional(entry->d_name) && !is_written(c, entry->d_name))
			unlinkat(dir, entry->d_name, 0);
	if (list)
		closedir(list);
}

static int write_dir(struct arena *a, const char *path,
		     const struct compiled *c)
{
	int dir, rc = 0;
	bool again;
	size_t i;

	if (mkdir(path, 0755) && errno != EEXIST) {
		cli_error("cannot make %s: %s", path, strerror(errno));
		return CLI_SYSTEM;
	}
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		cli_error("cannot open %s: %s", path, strerror(errno));
		return CLI_SYSTEM;
	}
	/* Only where we have been before: it may be anybody's directory. */
	again = faccessat(dir, "sandbox.nft", F_OK, 0) == 0 &&
		faccessat(dir, "plan.json", F_OK, 0) == 0;
	for (i = 0; i < c->n_files && !rc; i++)
		rc = write_file(a, dir, &c->files[i]);
	if (again && !rc)
		remove_others(dir, c);
	close(dir);
	if (rc) {
		cli_error("cannot write %s/%s: %s", path, c->files[i - 1].path,
			  strerror(-rc));
		return CLI_SYSTEM;
	}
	return CLI_YES;
}

static void print_cost(const struct plan *p, bool json)
{
	STR(s);

	if (json)
		cost_json(&s, p);
	else
		cost_text(&s, p);
	fputs(str_text(&s), stdout);
}

static int run(const struct cli_args *args)
{
	ARENA(a);
	const bool cost = cli_has(args, "cost");
	struct compile_request req = {.name = "sandbox"};
	const char *dir = cli_value(args, "output");
	const struct artefact *sandbox;
	struct compiled compiled;
	int operand = 0, rc;
	struct diags d;
	bool good;

	rc = cli_slot(args, &req.slot);
	if (rc != CLI_YES)
		return rc;
	if (cli_has(args, "name"))
		req.name = cli_value(args, "name");
	if (!plan_name_valid(req.name))
		return cli_usage(args,
				 "\"%s\" is no name: write 1 to %d characters "
				 "of a-z, 0-9 and \"-\"",
				 req.name, PLAN_NAME_MAX);
	if (cli_has(args, "json") && !cost)
		return cli_usage(args, "--json goes with --cost");
	rc = cli_read_config(&a, args, &operand, &d);
	if (rc != CLI_YES)
		return rc;
	if (operand < args->argc)
		return cli_usage(args, "one document at a time");
	good = compile(&a, &d, &req, &compiled);
	cli_diags(&d);
	if (!good)
		return CLI_NO;
	if (cost)
		print_cost(&compiled.plan, cli_has(args, "json"));
	if (dir)
		return write_dir(&a, dir, &compiled);
	if (cost)
		return CLI_YES;
	sandbox = compile_artefact(&compiled, "sandbox.nft");
	fwrite(sandbox->text, 1, sandbox->len, stdout);
	return CLI_YES;
}

static const struct cli_option options[] = {
	{"output", 'o', "DIR", "@dir", "write all artefacts below DIR"},
	{"cost", 0, NULL, NULL, "tell what a packet pays at most"},
	{"name", 0, "NAME", NULL, "name of the sandbox (default \"sandbox\")"},
	CLI_OPT_SLOT,
	CLI_OPT_PRESET,
	CLI_OPT_JSON,
	CLI_OPT_HELP,
	{0},
};

const struct cli_command cmd_compile = {
	.name = "compile",
	.operands = "CONFIG",
	.complete = {"@file"},
	.summary = "compile a document into rulesets and a plan",
	.details =
		"Without --output the ruleset of the sandbox is printed. With "
		"it, DIR\ngets sandbox.nft, host.nft, plan.json and guest/, and "
		"ports.json, relay.json,\ndns.json, tls.json and names-*.bin "
		"where the sandbox needs them.\n"
		"--cost tells, for each direction, what the policy costs the "
		"first packet\nof a flow and every other packet at most, on "
		"top of forwarding it without\nrules, and how each run of "
		"rules was printed and why.\n"
		"CONFIG is a path, or \"-\" for standard input. The same "
		"document gives\nthe same bytes, always.",
	.options = options,
	.run = run,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_diff.c - "msb-netc diff": how two policies differ, in text and meaning.
 */
#include "diff.h"

/* Two documents are equal if they mean the same. Of a directory the ruleset's
 * walks alone are understood, so everything else must be the same text. */
static bool is_equal(const struct diff_side *x, const struct diff_side *y,
		     const struct diff_report *r, const struct differ *d)
{
	return d->same && ((x->document && y->document) || !r->n_texts);
}

static int run(const struct cli_args *args)
{
	ARENA(a);
	const bool semantic = cli_has(args, "semantic");
	struct diff_report r = {.json = cli_has(args, "json")};
	struct diff_side *x = arena_new(&a, struct diff_side);
	struct diff_side *y = arena_new(&a, struct diff_side);
	struct differ d;
	bool meaning, equal;
	uint32_t slot;
	int rc;

	if (cli_has(args, "live"))
		return diff_live(args);
	if (args->argc != 2)
		return cli_usage(args,
				 "two sides are compared, each a document, "
				 "\"preset:NAME\" or a directory that "
				 "\"compile\" wrote");
	/* Of a directory the ruleset alone is known: then of a document too. */
	meaning = semantic && !diff_is_directory(args->argv[0]) &&
		  !diff_is_directory(args->argv[1]);
	rc = cli_slot(args, &slot);
	if (rc == CLI_YES)
		rc = diff_side_read(&a, args->argv[0], slot, meaning, x);
	if (rc == CLI_YES)
		rc = diff_side_read(&a, args->argv[1], slot, meaning, y);
	if (rc == CLI_YES)
		rc = diff_meaning(&a, x, y, &d);
	if (rc != CLI_YES)
		return rc;
	if (!semantic)
		diff_texts(&a, x, y, &r);
	equal = is_equal(x, y, &r, &d);
	diff_print(&r, &d, equal);
	str_free(&r.text);
	return equal ? CLI_YES : CLI_NO;
}

static const struct cli_option options[] = {
	{"semantic", 0, NULL, NULL, "compare what they mean alone"},
	{"live", 0, NULL, "@sandbox",
	 "compare a sandbox with what it should be"},
	CLI_OPT_SLOT,
	CLI_OPT_STATE,
	CLI_OPT_JSON,
	CLI_OPT_HELP,
	{0},
};

const struct cli_command cmd_diff = {
	.name = "diff",
	.operands = "A B",
	.complete = {"@file"},
	.summary = "tell how two policies differ, in text and in meaning",
	.details =
		"A and B are documents, \"preset:NAME\", or directories that "
		"\"compile\" wrote.\nFirst come the differences of their "
		"artefacts as diff -u has them, then the\nflows whose verdict "
		"changes, each with an example and what decides it before\nand "
		"after, then rules about names, and settings. Documents that mean "
		"the\nsame are equal, however they are written. The exit status is "
		"0 if they are\nequal, 1 if they differ, and 2 if that cannot be "
		"told.\n"
		"With --live, \"diff --live NAME [CONFIG]\", the rulesets of a "
		"running sandbox are\ncompared with those of its document, or of "
		"CONFIG, as the same nft lists them.",
	.options = options,
	.run = run,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_test.c - "msb-netc test": many flows with their expected verdicts. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "compile.h"
#include "eval.h"
#include "str.h"

/**
 * struct run - One call of the command
 * @policy:	what the flows are judged by
 * @json:	report as JSON
 * @report:	JSON report so far
 * @passed:	flows that got the expected verdict
 * @failed:	flows that did not
 * @broken:	lines that are no flow with a verdict
 */
struct run {
	const struct policy *policy;
	bool json;
	struct str report;
	unsigned long passed;
	unsigned long failed;
	unsigned long broken;
};

static void report_failure(struct run *r, const char *file, unsigned long line,
			   const struct flow *f, const char *expected,
			   const struct verdict *v)
{
	ARENA(a);
	const char *flow = flow_format(&a, f);

	if (!r->json) {
		printf("%s:%lu: %s: expected %s, got %s by %s: %s\n", file,
		       line, flow, expected, v->allow ? "allow" : "deny",
		       v->pointer, v->words);
		return;
	}
	str_puts(&r->report, r->failed > 1 ? ",\n\t{" : "\n\t{");
	str_puts(&r->report, "\"file\": ");
	str_json(&r->report, file, strlen(file));
	str_printf(&r->report, ", \"line\": %lu, \"flow\": ", line);
	str_json(&r->report, flow, strlen(flow));
	str_printf(&r->report,
		   ", \"expected\": \"%s\", \"verdict\": \"%s\", "
		   "\"pointer\": ",
		   expected, v->allow ? "allow" : "deny");
	str_json(&r->report, v->pointer, strlen(v->pointer));
	str_puts(&r->report, ", \"rule\": ");
	str_json(&r->report, v->words, strlen(v->words));
	str_putc(&r->report, '}');
}

static void test_line(struct run *r, const char *file, unsigned long number,
		      char *text)
{
	ARENA(a);
	enum flow_expect expect;
	struct verdict v;
	const char *why;
	struct flow f;

	text[strcspn(text, "#")] = '\0';
	if (!text[strspn(text, " \t\r")])
		return;
	why = flow_parse(&a, text, &f, &expect);
	if (!why && expect == FLOW_EXPECT_NOTHING)
		why = "the line must end in the expected verdict, allow or "
		      "deny";
	if (why) {
		fprintf(stderr, "%s:%lu: error: %s\n", file, number, why);
		r->broken++;
		return;
	}
	v = eval(&a, r->policy, &f);
	if (v.allow == (expect == FLOW_EXPECT_ALLOW)) {
		r->passed++;
		return;
	}
	r->failed++;
	report_failure(r, file, number, &f,
		       expect == FLOW_EXPECT_ALLOW ? "allow" : "deny", &v);
}

static int test_file(struct run *r, const char *path)
{
	ARENA(a);
	unsigned long number = 0;
	const char *text;
	char *rest, *line;
	size_t len;
	int rc;

	rc = cli_read_file(&a, path, &text, &len);
	if (rc != CLI_YES)
		return rc;
	if (strlen(text) != len) {
		cli_error("%s is not text", path);
		return CLI_USAGE;
	}
	rest = arena_strndup(&a, text, len);
	while ((line = strsep(&rest, "\n")))
		test_line(r, path, ++number, line);
	return CLI_YES;
}

static int run(const struct cli_args *args)
{
	ARENA(a);
	struct policy policy;
	struct run r = {.policy = &policy, .json = cli_has(args, "json")};
	struct config config;
	int operand = 0, rc;
	struct diags d;
	uint32_t slot;

	rc = cli_slot(args, &slot);
	if (rc == CLI_YES)
		rc = cli_read_config(&a, args, &operand, &d);
	if (rc != CLI_YES)
		return rc;
	if (operand == args->argc)
		return cli_usage(args, "a file with flows is missing");
	if (!compile_policy(&a, &d, slot, &config, &policy)) {
		cli_diags(&d);
		return CLI_USAGE;
	}
	cli_diags(&d);
	for (; operand < args->argc && rc == CLI_YES; operand++)
		rc = test_file(&r, args->argv[operand]);
	if (rc == CLI_YES && r.json)
		printf("{\"passed\": %lu, \"failed\": %lu, \"failures\": "
		       "[%s%s]}\n",
		       r.passed, r.failed, str_text(&r.report),
		       r.failed ? "\n" : "");
	else if (rc == CLI_YES)
		printf("%lu passed, %lu failed\n", r.passed, r.failed);
	str_free(&r.report);
	if (rc != CLI_YES)
		return rc;
	if (r.broken)
		return CLI_USAGE;
	return r.failed ? CLI_NO : CLI_YES;
}

static const struct cli_option options[] = {
	CLI_OPT_SLOT, CLI_OPT_PRESET, CLI_OPT_JSON, CLI_OPT_HELP, {0},
};

const struct cli_command cmd_test = {
	.name = "test",
	.operands = "CONFIG CASES...",
	.complete = {"@file"},
	.summary = "hold a policy against files of flows and verdicts",
	.details = "Each line of CASES is a flow as for \"explain\", followed "
		   "by \"allow\" or\n\"deny\"; \"#\" starts a comment.",
	.options = options,
	.run = run,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_test.c - "msb-netc test": many flows with their expected verdicts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "cli.h"
#include "compile.h"
#include "eval.h"
#include "str.h"

/**
 * struct rule_use - Whether the cases tell a rule of the document apart
 * @pointer:	rule
 * @words:	the rule in words
 * @place:	its place in the walks
 * @used:	whether it decided a case
 */
struct rule_use {
	const char *pointer;
	const char *words;
	size_t place;
	bool used;
};

/**
 * struct run - One call of the command
 * @policy:	what the flows are judged by
 * @rules:	rules of both walks, each pointer once, ascending by pointer
 * @n_rules:	how many
 * @n_unused:	how many of them decided no case
 * @passed:	flows that got the expected verdict, from the expected rule
 * @failed:	flows that did not
 * @broken:	lines that are no flow with a verdict
 */
struct run {
	const struct policy *policy;
	struct rule_use *rules;
	size_t n_rules;
	size_t n_unused;
	unsigned long passed;
	unsigned long failed;
	unsigned long broken;
};

/**
 * struct form - One way to report
 * @begin:	before the first case; NULL for nothing
 * @passed:	a case that passed, likewise
 * @failed:	a case that failed
 * @broken:	a line that is no case; standard error has been told
 * @end:	behind the last case
 */
struct form {
	void (*begin)(void);
	void (*passed)(const struct run *r, const struct cases_case *c);
	void (*failed)(const struct run *r, const struct cases_case *c,
		       const struct verdict *v);
	void (*broken)(const struct run *r, const struct cases_case *c);
	void (*end)(const struct run *r, bool unused);
};

static const char *verdict_word(bool allow)
{
	return allow ? "allow" : "deny";
}

static int by_pointer(const void *x, const void *y)
{
	const struct rule_use *a = x, *b = y;

	return strcmp(a->pointer, b->pointer);
}

static int by_pointer_then_place(const void *x, const void *y)
{
	const struct rule_use *a = x, *b = y;
	const int order = by_pointer(x, y);

	return order ? order : (a->place > b->place) - (a->place < b->place);
}

static int by_place(const void *x, const void *y)
{
	const struct rule_use *a = x, *b = y;

	return (a->place > b->place) - (a->place < b->place);
}

/* A rule of both directions is one rule of the document; so are the rules of a
 * preset, which have one pointer. */
static void rules_list(struct arena *a, struct run *r)
{
	const struct policy_walk *walk = r->policy->walk;
	size_t n = 0, i, j;
	enum policy_direction dir;

	r->rules = arena_array(a,
			       walk[POLICY_EGRESS].n + walk[POLICY_INGRESS].n,
			       struct rule_use);
	for (dir = POLICY_EGRESS; dir < POLICY_DIRECTIONS; dir++)
		for (i = 0; i < walk[dir].n; i++, n++)
			r->rules[n] = (struct rule_use){
				.pointer = walk[dir].rules[i].pointer,
				.words = policy_rule_words(
					a, &walk[dir].rules[i], dir),
				.place = n,
			};
	if (!n)
		return;
	qsort(r->rules, n, sizeof(*r->rules), by_pointer_then_place);
	for (i = 1, j = 0; i < n; i++)
		if (by_pointer(&r->rules[i], &r->rules[j]) != 0)
			r->rules[++j] = r->rules[i];
	r->n_rules = r->n_unused = j + 1;
}

static void rules_used(struct run *r, const char *pointer)
{
	const struct rule_use key = {.pointer = pointer};
	struct rule_use *found = NULL;

	if (r->n_rules)
		found = bsearch(&key, r->rules, r->n_rules, sizeof(key),
				by_pointer);
	if (found && !found->used) {
		found->used = true;
		r->n_unused--;
	}
}

static void text_failed(const struct run *r, const struct cases_case *c,
			const struct verdict *v)
{
	ARENA(a);

	(void)r;
	printf("%s:%lu: %s: expected %s%s%s, got %s by %s: %s\n", c->file,
	       c->line, flow_format(&a, &c->c.flow),
	       verdict_word(c->c.expect == FLOW_EXPECT_ALLOW),
	       c->c.pointer ? " by " : "", c->c.pointer ? c->c.pointer : "",
	       verdict_word(v->allow), v->pointer, v->words);
}

static void text_end(const struct run *r, bool unused)
{
	size_t i;

	for (i = 0; unused && i < r->n_rules; i++)
		if (!r->rules[i].used)
			printf("no case: %s: %s\n", r->rules[i].pointer,
			       r->rules[i].words);
	if (unused)
		printf("%zu of %zu rules decided a case\n",
		       r->n_rules - r->n_unused, r->n_rules);
	printf("%lu passed, %lu failed\n", r->passed, r->failed);
}

static void json_member(struct str *s, const char *key, const char *value)
{
	str_printf(s, "\"%s\": ", key);
	if (value)
		str_json(s, value, strlen(value));
	else
		str_puts(s, "null");
}

static void json_begin(void)
{
	fputs("{\"failures\": [", stdout);
}

static void json_failed(const struct run *r, const struct cases_case *c,
			const struct verdict *v)
{
	ARENA(a);
	STR(s);

	str_puts(&s, r->failed > 1 ? ",\n\t{" : "\n\t{");
	json_member(&s, "file", c->file);
	str_printf(&s, ", \"line\": %lu, ", c->line);
	json_member(&s, "flow", flow_format(&a, &c->c.flow));
	str_printf(&s, ", \"expected\": \"%s\", ",
		   verdict_word(c->c.expect == FLOW_EXPECT_ALLOW));
	json_member(&s, "expected_pointer", c->c.pointer);
	str_printf(&s, ", \"verdict\": \"%s\", ", verdict_word(v->allow));
	json_member(&s, "pointer", v->pointer);
	str_puts(&s, ", ");
	json_member(&s, "rule", v->words);
	str_putc(&s, '}');
	fputs(str_text(&s), stdout);
}

static void json_end(const struct run *r, bool unused)
{
	const char *before = "";
	size_t i;
	STR(s);

	(void)unused;
	str_printf(&s, "%s], \"passed\": %lu, \"failed\": %lu,\n",
		   r->failed ? "\n" : "", r->passed, r->failed);
	str_printf(&s, "\t\"rules\": %zu, \"unused\": [", r->n_rules);
	for (i = 0; i < r->n_rules; i++) {
		if (r->rules[i].used)
			continue;
		str_puts(&s, before);
		str_json(&s, r->rules[i].pointer, strlen(r->rules[i].pointer));
		before = ", ";
	}
	str_puts(&s, "]}\n");
	fputs(str_text(&s), stdout);
}

static void tap_begin(void)
{
	fputs("TAP version 13\n", stdout);
}

/* "ok 3 - FILE:LINE TEXT"; a "#" would begin a directive. */
static void tap_line(const struct run *r, const struct cases_case *c, bool ok,
		     const char *text)
{
	printf("%sok %lu - %s:%lu ", ok ? "" : "not ",
	       r->passed + r->failed + r->broken, c->file, c->line);
	for (; *text; text++) {
		if (*text == '#')
			putchar('\\');
		putchar(*text);
	}
	putchar('\n');
}

static void tap_passed(const struct run *r, const struct cases_case *c)
{
	ARENA(a);

	tap_line(r, c, true, flow_format(&a, &c->c.flow));
}

static void tap_failed(const struct run *r, const struct cases_case *c,
		       const struct verdict *v)
{
	ARENA(a);
	STR(s);

	tap_line(r, c, false, flow_format(&a, &c->c.flow));
	/* YAML takes a JSON string for what it is. */
	str_printf(&s, "  ---\n  expected: \"%s%s%s\"\n  got: \"%s by %s\"\n",
		   verdict_word(c->c.expect == FLOW_EXPECT_ALLOW),
		   c->c.pointer ? " by " : "", c->c.pointer ? c->c.pointer : "",
		   verdict_word(v->allow), v->pointer);
	str_puts(&s, "  rule: ");
	str_json(&s, v->words, strlen(v->words));
	str_puts(&s, "\n  ...\n");
	fputs(str_text(&s), stdout);
}

static void tap_broken(const struct run *r, const struct cases_case *c)
{
	tap_line(r, c, false, c->why);
}

static void tap_end(const struct run *r, bool unused)
{
	size_t i;

	for (i = 0; unused && i < r->n_rules; i++)
		if (!r->rules[i].used)
			printf("# no case: %s: %s\n", r->rules[i].pointer,
			       r->rules[i].words);
	printf("# %zu of %zu rules decided a case\n", r->n_rules - r->n_unused,
	       r->n_rules);
	printf("1..%lu\n", r->passed + r->failed + r->broken);
}

static const struct form text_form = {
	.failed = text_failed,
	.end = text_end,
};

static const struct form json_form = {
	.begin = json_begin,
	.failed = json_failed,
	.end = json_end,
};

static const struct form tap_form = {
	.begin = tap_begin,
	.passed = tap_passed,
	.failed = tap_failed,
	.broken = tap_broken,
	.end = tap_end,
};

static void test_case(struct run *r, const struct form *form,
		      const struct cases_case *c)
{
	ARENA(a);
	struct verdict v;

	if (c->why) {
		fprintf(stderr, "%s:%lu: error: %s\n", c->file, c->line,
			c->why);
		r->broken++;
		if (form->broken)
			form->broken(r, c);
		return;
	}
	v = eval(&a, r->policy, &c->c.flow);
	rules_used(r, v.pointer);
	if (v.allow == (c->c.expect == FLOW_EXPECT_ALLOW) &&
	    (!c->c.pointer || strcmp(c->c.pointer, v.pointer) == 0)) {
		r->passed++;
		if (form->passed)
			form->passed(r, c);
		return;
	}
	r->failed++;
	form->failed(r, c, &v);
}

static int run(const struct cli_args *args)
{
	ARENA(a);
	const struct form *form = &text_form;
	struct policy policy;
	struct run r = {.policy = &policy};
	struct cases cases = {0};
	struct config config;
	int operand = 0, rc;
	struct diags d;
	uint32_t slot;
	size_t i;

	if (cli_has(args, "json") && cli_has(args, "tap"))
		return cli_usage(args, "--json and --tap exclude each other");
	if (cli_has(args, "json"))
		form = &json_form;
	else if (cli_has(args, "tap"))
		form = &tap_form;
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
		rc = cases_read(&a, args->argv[operand], &cases);
	if (rc != CLI_YES)
		return rc;
	rules_list(&a, &r);
	if (form->begin)
		form->begin();
	for (i = 0; i < cases.n; i++)
		test_case(&r, form, &cases.v[i]);
	if (r.n_rules)
		qsort(r.rules, r.n_rules, sizeof(*r.rules), by_place);
	form->end(&r, cli_has(args, "unused"));
	if (r.broken)
		return CLI_USAGE;
	return r.failed ? CLI_NO : CLI_YES;
}

static const struct cli_option options[] = {
	{"unused", 0, NULL, NULL, "list the rules that decided no case"},
	{"tap", 0, NULL, NULL, "report as TAP, the Test Anything Protocol"},
	CLI_OPT_SLOT,
	CLI_OPT_PRESET,
	CLI_OPT_JSON,
	CLI_OPT_HELP,
	{0},
};

const struct cli_command cmd_test = {
	.name = "test",
	.operands = "CONFIG CASES...",
	.complete = {"@file"},
	.summary = "hold a policy against files of flows and verdicts",
	.details =
		"Each line of CASES is a flow as for \"explain\", followed by "
		"\"allow\" or\n\"deny\", and by the pointer of what is to "
		"decide it, if that matters;\n\"#\" starts a comment. A line "
		"\"include FILE\" takes the lines of another\nfile, from the "
		"directory of this one.",
	.options = options,
	.run = run,
};

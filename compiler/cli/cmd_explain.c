/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_explain.c - "msb-netc explain": the verdict on one flow, and why. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "compile.h"
#include "eval.h"
#include "str.h"

static void print_json(const char *flow, const struct verdict *v)
{
	STR(s);

	str_puts(&s, "{\"flow\": ");
	str_json(&s, flow, strlen(flow));
	str_printf(&s, ", \"verdict\": \"%s\", \"pointer\": ",
		   v->allow ? "allow" : "deny");
	str_json(&s, v->pointer, strlen(v->pointer));
	str_puts(&s, ", \"rule\": ");
	str_json(&s, v->words, strlen(v->words));
	if (v->note) {
		str_puts(&s, ", \"note\": ");
		str_json(&s, v->note, strlen(v->note));
	}
	str_puts(&s, "}\n");
	fputs(str_text(&s), stdout);
}

static int run(const struct cli_args *args)
{
	ARENA(a);
	const char *expect = cli_value(args, "expect"), *why;
	int operand = 0, rc;
	struct policy policy;
	struct config config;
	struct verdict v;
	uint32_t slot;
	struct diags d;
	struct flow f;
	STR(line);

	rc = cli_slot(args, &slot);
	if (rc != CLI_YES)
		return rc;
	if (expect && strcmp(expect, "allow") != 0 &&
	    strcmp(expect, "deny") != 0)
		return cli_usage(args, "--expect is \"allow\" or \"deny\"");
	rc = cli_read_config(&a, args, &operand, &d);
	if (rc != CLI_YES)
		return rc;
	for (; operand < args->argc; operand++)
		str_printf(&line, "%s%s", line.len ? " " : "",
			   args->argv[operand]);
	why = flow_parse(&a, str_text(&line), &f, NULL);
	if (why)
		return cli_usage(args, "%s", why);
	if (!compile_policy(&a, &d, slot, &config, &policy)) {
		cli_diags(&d);
		return CLI_USAGE;
	}
	cli_diags(&d);
	v = eval(&a, &policy, &f);
	if (cli_has(args, "json")) {
		print_json(flow_format(&a, &f), &v);
	} else {
		printf("%s %s: %s\n", v.allow ? "allow" : "deny", v.pointer,
		       v.words);
		if (v.note)
			printf("note: %s\n", v.note);
	}
	return expect && v.allow != (strcmp(expect, "allow") == 0) ? CLI_NO
								   : CLI_YES;
}

static const struct cli_option options[] = {
	{"expect", 0, "VERDICT", "allow deny",
	 "exit with 1 if the verdict is another"},
	CLI_OPT_SLOT,
	CLI_OPT_PRESET,
	CLI_OPT_JSON,
	CLI_OPT_HELP,
	{0},
};

const struct cli_command cmd_explain = {
	.name = "explain",
	.operands = "CONFIG FLOW",
	.complete = {"@file", "egress ingress dns", "tcp udp icmpv4 icmpv6"},
	.summary = "tell whether a flow is allowed, and which rule decides",
	.details =
		"FLOW is one argument or several words:\n"
		"  egress PROTO ADDRESS [PORT] [pin=NAME,...] [sni=NAME|-]\n"
		"  ingress PROTO PEER [PORT] [pin=NAME,...]\n"
		"  dns NAME [udp|tcp] [@RESOLVER]\n"
		"PROTO is tcp, udp, icmpv4, icmpv6, another protocol's name, "
		"or a number.",
	.options = options,
	.run = run,
};

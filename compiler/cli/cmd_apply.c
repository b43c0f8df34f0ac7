/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_apply.c - "msb-netc apply": replace the policy of a running sandbox. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "cli_live.h"
#include "sandbox.h"
#include "str.h"

/* What becomes of the helpers, as it was done and as it would be. */
static const struct {
	const char *word;
	const char *done;
	const char *dry;
} helper_words[] = {
	[APPLY_HELPERS_NONE] = {"none", NULL, NULL},
	[APPLY_HELPERS_START] = {"start", "was started", "would be started"},
	[APPLY_HELPERS_RELOAD] = {"reload", "has its new configuration",
				  "would have a new configuration"},
	[APPLY_HELPERS_STOP] = {"stop", "was stopped", "would be stopped"},
};

static const char *proto_word(const struct config_binding *b)
{
	return b->proto == CONFIG_UDP ? "udp" : "tcp";
}

static void text_bindings(const char *word,
			  const struct config_binding *const *v, size_t n)
{
	char text[IP_TEXT_MAX];
	size_t i;

	for (i = 0; i < n; i++)
		printf("  %-10s %s %s port %u to guest port %u (%s)\n", word,
		       proto_word(v[i]), ip_format(v[i]->bind, text),
		       v[i]->host_port, v[i]->guest_port, v[i]->pointer);
}

static void report_text(const char *name, const struct applied *ap, bool dry)
{
	enum supervisor_kind k;

	if (dry)
		fputs(ap->diff, stdout);
	printf("%s: %s\n", name,
	       !dry	     ? "applied"
	       : ap->diff[0] ? "would change; the kernel takes it"
			     : "would not change");
	printf("  generation 0x%08x\n", ap->compiled.plan.generation);
	text_bindings("added", ap->added, ap->n_added);
	text_bindings("removed", ap->removed, ap->n_removed);
	cli_certs_text(&ap->certs);
	for (k = 0; k < SUPERVISOR_KINDS; k++) {
		const enum apply_helpers what = ap->helpers[k];

		if (what != APPLY_HELPERS_NONE)
			printf("  %-10s %s\n", supervisor_helper(k),
			       dry ? helper_words[what].dry
				   : helper_words[what].done);
	}
}

static void json_bindings(struct str *s, const char *key,
			  const struct config_binding *const *v, size_t n)
{
	char text[IP_TEXT_MAX];
	size_t i;

	str_printf(s, ",\"%s\":[", key);
	for (i = 0; i < n; i++) {
		str_printf(s,
			   "%s{\"bind\":\"%s\",\"proto\":\"%s\","
			   "\"host_port\":%u,\"guest_port\":%u,\"pointer\":",
			   i ? "," : "", ip_format(v[i]->bind, text),
			   proto_word(v[i]), v[i]->host_port, v[i]->guest_port);
		str_json(s, v[i]->pointer, strlen(v[i]->pointer));
		str_putc(s, '}');
	}
	str_putc(s, ']');
}

static void report_json(const char *name, struct diags *d,
			const struct applied *ap, bool dry)
{
	enum supervisor_kind k;
	STR(s);

	str_puts(&s, "{\"name\":");
	str_json(&s, name, strlen(name));
	str_printf(&s, ",\"dry_run\":%s,\"changed\":%s,\"generation\":%u",
		   dry ? "true" : "false", ap->diff[0] ? "true" : "false",
		   ap->compiled.plan.generation);
	str_puts(&s, ",\"diff\":");
	str_json(&s, ap->diff, strlen(ap->diff));
	json_bindings(&s, "added", ap->added, ap->n_added);
	json_bindings(&s, "removed", ap->removed, ap->n_removed);
	for (k = 0; k < SUPERVISOR_KINDS; k++)
		str_printf(&s, ",\"%s\":\"%s\"", supervisor_keys(k).health,
			   helper_words[ap->helpers[k]].word);
	cli_certs_json(&s, &ap->certs);
	str_puts(&s, ",\"diagnostics\":");
	cli_diags_json(d, &s);
	str_puts(&s, "}\n");
	fputs(str_text(&s), stdout);
}

static int run(const struct cli_args *args)
{
	const char *path = cli_value(args, "state");
	struct apply_request req = {
		.dry = cli_has(args, "dry-run"),
		.helpers = cli_value(args, "helpers"),
	};
	struct applied applied;
	struct live_error e;
	struct state state;
	struct diags d;
	int operand = 0, rc;
	ARENA(a);

	if (args->argc < 1)
		return cli_usage(args, "the sandbox's name is missing");
	req.name = args->argv[operand++];
	if (!plan_name_valid(req.name))
		return cli_usage(args, "\"%s\" is no name of a sandbox",
				 req.name);
	rc = cli_read_config(&a, args, &operand, &d);
	if (rc != CLI_YES)
		return rc;
	if (operand < args->argc)
		return cli_usage(args, "one document at a time");
	req.doc = &d;
	if (sandbox_privileged(&e) < 0 ||
	    state_open(&state, path ? path : STATE_DEFAULT, false, &e) < 0)
		return cli_live_error(&e, NULL);
	rc = sandbox_apply(&a, &state, &req, &applied, &e);
	state_close(&state);
	if (rc < 0)
		return cli_live_error(&e, &d);
	if (cli_has(args, "json")) {
		report_json(req.name, &d, &applied, req.dry);
	} else {
		cli_diags(&d);
		report_text(req.name, &applied, req.dry);
	}
	return CLI_YES;
}

static const struct cli_option options[] = {
	{"dry-run", 0, NULL, NULL,
	 "show what would change, and change nothing"},
	CLI_OPT_HELPERS,
	CLI_OPT_PRESET,
	CLI_OPT_STATE,
	CLI_OPT_JSON,
	CLI_OPT_HELP,
	{0},
};

const struct cli_command cmd_apply = {
	.name = "apply",
	.operands = "NAME CONFIG",
	.complete = {"@sandbox", "@file"},
	.summary = "replace the policy of a running sandbox",
	.details =
		"From the next packet on flows that the new document denies "
		"are dead, open\nones too; flows that it allows go on. "
		"Published ports are added and taken\naway, these with their "
		"flows. Slot, pools and the guest's link cannot be\nchanged. "
		"Values of secrets are read anew. If anything fails, "
		"everything is\nas it was. A sandbox that was terminated is "
		"refused.",
	.options = options,
	.run = run,
};

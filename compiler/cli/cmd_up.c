/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_up.c - "msb-netc up": make a sandbox. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "cli_live.h"
#include "sandbox.h"
#include "status.h"
#include "str.h"

/* Addresses as a guest would be given them, with the length of the network. */
static void report_text(const struct sandbox *sb)
{
	const struct slot *slot = &sb->compiled.policy.slot;
	const struct policy *p = &sb->compiled.policy;
	char four[IP_TEXT_MAX], six[IP_TEXT_MAX];
	const uint8_t *m = slot->guest_mac;

	printf("%s: up\n", sb->record.name);
	printf("  slot       %u\n", sb->record.slot);
	printf("  guest      %s/30, %s/64 (%s)\n",
	       ip_format(slot->guest4, four), ip_format(slot->guest6, six),
	       sb->record.guest);
	printf("  mac        %02x:%02x:%02x:%02x:%02x:%02x\n", m[0], m[1], m[2],
	       m[3], m[4], m[5]);
	printf("  gateway    %s, %s\n", ip_format(slot->gw4, four),
	       ip_format(slot->gw6, six));
	printf("  namespace  %s\n", sb->record.netns);
	printf("  dns        %s (%s)\n", status_dns(p->dns),
	       p->dns_reason ? p->dns_reason : "");
	cli_certs_text(&sb->certs);
	if (sb->record.forwarding)
		printf("  note       IP forwarding of the host was off, and is "
		       "on now\n");
}

static void json_member(struct str *s, const char *key, const char *value)
{
	str_printf(s, ",\"%s\":", key);
	str_json(s, value, strlen(value));
}

static void report_json(struct diags *d, const struct sandbox *sb)
{
	const struct slot *slot = &sb->compiled.policy.slot;
	const struct policy *p = &sb->compiled.policy;
	const uint8_t *m = slot->guest_mac;
	char text[IP_TEXT_MAX];
	STR(s);

	str_puts(&s, "{\"name\":");
	str_json(&s, sb->record.name, strlen(sb->record.name));
	str_printf(&s, ",\"slot\":%u", sb->record.slot);
	json_member(&s, "guest", sb->record.guest);
	json_member(&s, "guest4", ip_format(slot->guest4, text));
	json_member(&s, "guest6", ip_format(slot->guest6, text));
	json_member(&s, "gateway4", ip_format(slot->gw4, text));
	json_member(&s, "gateway6", ip_format(slot->gw6, text));
	str_printf(&s, ",\"mac\":\"%02x:%02x:%02x:%02x:%02x:%02x\"", m[0], m[1],
		   m[2], m[3], m[4], m[5]);
	json_member(&s, "netns", sb->record.netns);
	json_member(&s, "uplink", sb->record.uplink);
	json_member(&s, "dns", status_dns(p->dns));
	json_member(&s, "dns_reason", p->dns_reason ? p->dns_reason : "");
	str_printf(&s, ",\"generation\":%u", sb->compiled.plan.generation);
	cli_certs_json(&s, &sb->certs);
	str_printf(&s, ",\"forwarding_turned_on\":%s,\"diagnostics\":",
		   sb->record.forwarding ? "true" : "false");
	cli_diags_json(d, &s);
	str_puts(&s, "}\n");
	fputs(str_text(&s), stdout);
}

void cli_certs_text(const struct guest_certs *c)
{
	if (!c->host.text)
		return;
	printf("  trusts     %u CAs of the host", c->host.cas);
	if (c->host.unreadable)
		printf("; %u more cannot be read", c->host.unreadable);
	putchar('\n');
}

void cli_certs_json(struct str *s, const struct guest_certs *c)
{
	str_puts(s, ",\"host_cas\":");
	if (c->host.text)
		str_printf(s, "{\"cas\":%u,\"others\":%u,\"unreadable\":%u}",
			   c->host.cas, c->host.others, c->host.unreadable);
	else
		str_puts(s, "null");
}

int cli_live_error(const struct live_error *e, struct diags *d)
{
	if (d)
		cli_diags(d);
	if (e->kind == LIVE_DOCUMENT)
		return CLI_NO;
	cli_error("%s", e->text);
	return e->kind == LIVE_REFUSED ? CLI_NO : CLI_SYSTEM;
}

static int run(const struct cli_args *args)
{
	const char *path = cli_value(args, "state");
	struct sandbox_request req = {
		.guest = cli_value(args, "guest-netns"),
		.guest_fd = -1,
		.fixed = cli_has(args, "slot"),
		.helpers = cli_value(args, "helpers"),
	};
	struct live_error e;
	struct sandbox sb;
	struct state state;
	struct diags d;
	int operand = 0, rc;
	ARENA(a);

	if (args->argc < 1)
		return cli_usage(args, "the sandbox's name is missing");
	req.name = args->argv[operand++];
	if (!plan_name_valid(req.name))
		return cli_usage(args,
				 "\"%s\" is no name: write 1 to %d characters "
				 "of a-z, 0-9 and \"-\"",
				 req.name, PLAN_NAME_MAX);
	if (!!req.guest == cli_has(args, "tap"))
		return cli_usage(args, "one of --guest-netns and --tap is "
				       "wanted");
	rc = cli_slot(args, &req.slot);
	if (rc != CLI_YES)
		return rc;
	rc = cli_read_config(&a, args, &operand, &d);
	if (rc != CLI_YES)
		return rc;
	if (operand < args->argc)
		return cli_usage(args, "one document at a time");
	req.doc = &d;
	if (sandbox_privileged(&e) < 0 ||
	    state_open(&state, path ? path : STATE_DEFAULT, true, &e) < 0)
		return cli_live_error(&e, NULL);
	rc = sandbox_up(&a, &state, &req, &sb, &e);
	state_close(&state);
	if (rc < 0)
		return cli_live_error(&e, &d);
	close(sb.owner);
	if (cli_has(args, "json")) {
		report_json(&d, &sb);
	} else {
		cli_diags(&d);
		report_text(&sb);
	}
	return CLI_YES;
}

static const struct cli_option options[] = {
	{"guest-netns", 0, "NETNS", "@netns",
	 "guest's namespace: a name, a path or a process number"},
	{"tap", 0, NULL, NULL,
	 "make a tap guest0 in the gateway's namespace instead"},
	CLI_OPT_SLOT,
	CLI_OPT_HELPERS,
	CLI_OPT_PRESET,
	CLI_OPT_STATE,
	CLI_OPT_JSON,
	CLI_OPT_HELP,
	{0},
};

const struct cli_command cmd_up = {
	.name = "up",
	.operands = "NAME CONFIG",
	.complete = {NULL, "@file"},
	.summary = "make a sandbox and put its policy in force",
	.details = "NAME is 1 to 32 of a-z, 0-9 and \"-\". The gateway is the "
		   "network namespace\nmsb-NAME. Without --slot a free slot is "
		   "leased. One of --guest-netns and\n--tap is needed. Values "
		   "of secrets are read first. If anything fails,\n"
		   "everything is as it was.",
	.options = options,
	.run = run,
};

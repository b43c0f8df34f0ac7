/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_status.c - "msb-netc status": what is running, and what it has decided.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "cli_live.h"
#include "json.h"
#include "lease.h"
#include "proof.h"
#include "sandbox.h"
#include "status.h"
#include "str.h"

static const char *policy_words(struct arena *a, const struct status *st)
{
	if (!st->compiled)
		return "?";
	return status_policy(a, &st->compiled->policy);
}

static void json_text(struct str *s, const char *key, const char *value)
{
	str_printf(s, ",\"%s\":", key);
	if (value)
		str_json(s, value, strlen(value));
	else
		str_puts(s, "null");
}

static void json_exit(struct str *s, const struct status *st)
{
	if (!st->exit.reason) {
		str_puts(s, ",\"terminated\":null");
		return;
	}
	str_puts(s, ",\"terminated\":{\"time\":");
	if (st->exit.time > 0)
		str_printf(s, "%.3f", st->exit.time);
	else
		str_puts(s, "null");
	json_text(s, "reason", st->exit.reason);
	str_putc(s, '}');
}

/* The members that the list and the single report have in common. */
static void json_common(struct arena *a, struct str *s, const struct status *st)
{
	const struct state_record *r = &st->record;
	char text[IP_TEXT_MAX];

	str_puts(s, "\"name\":");
	str_json(s, r->name, strlen(r->name));
	str_printf(s, ",\"slot\":%u", r->slot);
	json_text(s, "health", status_health_name(st->health));
	json_text(s, "missing", st->missing);
	json_exit(s, st);
	json_text(s, "guest", r->guest);
	str_printf(s, ",\"run\":%s,\"created\":%" PRId64,
		   r->run ? "true" : "false", r->created);
	json_text(s, "netns", r->netns);
	json_text(s, "uplink", r->uplink);
	str_printf(s, ",\"forwarding_turned_on\":%s",
		   r->forwarding ? "true" : "false");
	if (!st->compiled)
		return;
	json_text(s, "guest4",
		  ip_format(st->compiled->policy.slot.guest4, text));
	json_text(s, "guest6",
		  ip_format(st->compiled->policy.slot.guest6, text));
	json_text(s, "policy", policy_words(a, st));
	json_text(s, "dns", status_dns(st->compiled->policy.dns));
	json_text(s, "dns_reason", st->compiled->policy.dns_reason);
}

static const char *proto_word(const struct config_binding *b)
{
	return b->proto == CONFIG_UDP ? "udp" : "tcp";
}

static void json_helpers(struct str *s, const struct status *st)
{
	const struct config *config = &st->compiled->config;
	char text[IP_TEXT_MAX];
	enum supervisor_kind k;
	const char *line;
	size_t i;

	for (k = 0; k < SUPERVISOR_KINDS; k++) {
		const struct supervisor_keys keys = supervisor_keys(k);

		json_text(s, keys.health, status_helpers(st->helpers[k]));
		json_text(s, keys.words,
			  st->helpers[k] == SUPERVISOR_ALIVE
				  ? st->helper_words[k]
				  : NULL);
		str_printf(s, ",\"%s\":", keys.process);
		if (st->supervisors[k])
			str_printf(s, "%d", (int)st->supervisors[k]);
		else
			str_puts(s, "null");
	}
	str_puts(s, ",\"pins\":[");
	for (line = st->pins; *line;) {
		const size_t len = strcspn(line, "\n");

		str_puts(s, line == st->pins ? "\n" : ",\n");
		str_append(s, line, len);
		line += len + (line[len] == '\n');
	}
	str_putc(s, ']');
	str_puts(s, ",\"bindings\":[");
	for (i = 0; i < config->n_bindings; i++) {
		const struct config_binding *b = &config->bindings[i];

		str_printf(s,
			   "%s\n{\"bind\":\"%s\",\"proto\":\"%s\","
			   "\"host_port\":%u,\"guest_port\":%u",
			   i ? "," : "", ip_format(b->bind, text),
			   proto_word(b), b->host_port, b->guest_port);
		json_text(s, "served", status_served(b));
		json_text(s, "pointer", b->pointer);
		str_putc(s, '}');
	}
	str_putc(s, ']');
}

/* One address that is pinned, from the line that msb-dnsd wrote of it. */
static void text_pin(const char *line, size_t len)
{
	const char *name = NULL, *address = NULL;
	struct jval_member m = {0};
	int64_t seconds = 0;
	struct jval *v;
	size_t ignored;
	ARENA(a);
	struct diags d = {
		.arena = &a,
		.file = "pins",
		.text = arena_strndup(&a, line, len),
		.len = len,
	};

	v = jval_read(&d);
	while (v && jval_type(v) == JVAL_OBJECT && jval_next(v, &m)) {
		const enum jval_type type = jval_type(m.value);

		if (strcmp(m.key, "seconds") == 0 && type == JVAL_INT)
			seconds = jval_int(m.value);
		else if (strcmp(m.key, "name") == 0 && type == JVAL_TEXT)
			name = jval_text(m.value, &ignored);
		else if (strcmp(m.key, "address") == 0 && type == JVAL_TEXT)
			address = jval_text(m.value, &ignored);
	}
	if (address)
		printf("  pin         %s %s, %" PRId64 " s\n", address,
		       name ? name : "(name not known)", seconds);
	jval_free(v);
}

static void text_helper(const struct status *st, enum supervisor_kind k)
{
	if (st->helpers[k] == SUPERVISOR_NONE)
		return;
	printf("  %-10s  %s%s%s\n", supervisor_helper(k),
	       status_helpers(st->helpers[k]),
	       st->helper_words[k][0] ? ": " : "", st->helper_words[k]);
	if (st->supervisors[k])
		printf("  supervisor  of %s: pid %d\n", supervisor_helper(k),
		       (int)st->supervisors[k]);
}

static void text_exit(const struct status *st)
{
	char time[EXIT_TIME_MAX];

	if (!st->exit.reason)
		return;
	exit_time(&st->exit, time);
	printf("  terminated  %s%s%s\n", time, *time ? ": " : "",
	       st->exit.reason);
}

static void text_helpers(const struct status *st)
{
	const struct config *config = &st->compiled->config;
	enum supervisor_kind k;
	const char *line;
	char text[IP_TEXT_MAX];
	size_t i;

	for (k = 0; k < SUPERVISOR_KINDS; k++)
		text_helper(st, k);
	for (line = st->pins; *line; line += strspn(line, "\n")) {
		const size_t len = strcspn(line, "\n");

		text_pin(line, len);
		line += len;
	}
	for (i = 0; i < config->n_bindings; i++) {
		const struct config_binding *b = &config->bindings[i];

		printf("  port        %s %s %u to guest port %u, by %s (%s)\n",
		       proto_word(b), ip_format(b->bind, text), b->host_port,
		       b->guest_port, status_served(b), b->pointer);
	}
}

static int wider(int width, const char *text)
{
	const int n = (int)strlen(text);

	return n > width ? n : width;
}

static void list_text(struct arena *a, const struct status *v, size_t n)
{
	int name = (int)strlen("NAME"), health = (int)strlen("HEALTH");
	char text[IP_TEXT_MAX];
	size_t i;

	if (!n)
		return;
	for (i = 0; i < n; i++) {
		name = wider(name, v[i].record.name);
		health = wider(health, status_health_name(v[i].health));
	}
	printf("%-*s %5s  %-15s  %-*s  %s\n", name, "NAME", "SLOT", "GUEST",
	       health, "HEALTH", "POLICY");
	for (i = 0; i < n; i++) {
		const struct compiled *c = v[i].compiled;

		printf("%-*s %5u  %-15s  %-*s  %s\n", name, v[i].record.name,
		       v[i].record.slot,
		       c ? ip_format(c->policy.slot.guest4, text) : "?", health,
		       status_health_name(v[i].health), policy_words(a, &v[i]));
	}
}

static void list_json(struct arena *a, const struct status *v, size_t n)
{
	size_t i;
	STR(s);

	str_putc(&s, '[');
	for (i = 0; i < n; i++) {
		str_puts(&s, i ? ",\n{" : "{");
		json_common(a, &s, &v[i]);
		str_putc(&s, '}');
	}
	str_puts(&s, "]\n");
	fputs(str_text(&s), stdout);
}

static int list(const struct cli_args *args, struct arena *a,
		const struct state *state)
{
	struct live_error e;
	const char **names;
	struct status *v;
	size_t i, n, good = 0;
	int ret = CLI_YES;

	if (state_list(state, a, &names, &n, &e) < 0)
		return cli_live_error(&e, NULL);
	if (cli_has(args, "names")) {
		for (i = 0; i < n; i++)
			printf("%s\n", names[i]);
		return CLI_YES;
	}
	v = arena_array(a, n, struct status);
	for (i = 0; i < n; i++) {
		if (status_read(a, state, names[i], false, &v[good], &e) == 0)
			good++;
		/* One that went while we looked is none. */
		else if (state_has(state, names[i]))
			ret = cli_live_error(&e, NULL);
	}
	if (cli_has(args, "json"))
		list_json(a, v, good);
	else
		list_text(a, v, good);
	return ret;
}

static void one_text(struct arena *a, const struct state *state,
		     const struct status *st)
{
	const struct state_record *r = &st->record;
	char four[IP_TEXT_MAX], six[IP_TEXT_MAX];
	const struct policy *p;
	uint32_t slots, used = lease_count(state);
	size_t i;

	printf("%s: %s%s%s\n", r->name, status_health_name(st->health),
	       st->missing ? ", missing: " : "",
	       st->missing ? st->missing : "");
	text_exit(st);
	printf("  slot        %u\n", r->slot);
	printf("  document    %s\n", r->file);
	printf("  namespace   %s, uplink %s\n", r->netns, r->uplink);
	if (r->forwarding)
		printf("  forwarding  of the host was turned on for it\n");
	if (!st->compiled) {
		printf("  policy      the document kept cannot be compiled by "
		       "this version\n");
		return;
	}
	p = &st->compiled->policy;
	slots = pool_slots(p->config->pool4, p->config->pool6);
	printf("  guest       %s/30, %s/64 (%s)\n",
	       ip_format(p->slot.guest4, four), ip_format(p->slot.guest6, six),
	       r->guest);
	printf("  gateway     %s, %s\n", ip_format(p->slot.gw4, four),
	       ip_format(p->slot.gw6, six));
	printf("  policy      %s\n", status_policy(a, p));
	printf("  generation  0x%08x\n", st->compiled->plan.generation);
	printf("  dns         %s (%s)\n", status_dns(p->dns),
	       p->dns_reason ? p->dns_reason : "");
	text_helpers(st);
	printf("  slots       %u used, %u free\n", used,
	       slots > used ? slots - used : 0);
	if (!st->n_hits)
		return;
	printf("\n%12s %14s  %s\n", "PACKETS", "BYTES", "RULE");
	for (i = 0; i < st->n_hits; i++) {
		const struct status_hits *h = &st->hits[i];

		printf("%12" PRIu64 " %14" PRIu64 "  %s%s%s%s%s\n", h->packets,
		       h->bytes, h->direction, *h->direction ? " " : "",
		       h->pointer, h->words ? ": " : "",
		       h->words ? h->words : "");
	}
}

static void one_json(struct arena *a, const struct state *state,
		     const struct status *st)
{
	uint32_t used = lease_count(state);
	size_t i;
	STR(s);

	str_putc(&s, '{');
	json_common(a, &s, st);
	json_text(&s, "document", st->record.file);
	if (st->compiled) {
		const struct policy *p = &st->compiled->policy;
		uint32_t slots = pool_slots(p->config->pool4, p->config->pool6);

		str_printf(&s, ",\"generation\":%u",
			   st->compiled->plan.generation);
		str_printf(&s, ",\"slots_used\":%u,\"slots_free\":%u", used,
			   slots > used ? slots - used : 0);
		json_helpers(&s, st);
	}
	str_puts(&s, ",\"hits\":[");
	for (i = 0; i < st->n_hits; i++) {
		const struct status_hits *h = &st->hits[i];

		str_puts(&s, i ? ",\n{\"pointer\":" : "\n{\"pointer\":");
		str_json(&s, h->pointer, strlen(h->pointer));
		json_text(&s, "direction", *h->direction ? h->direction : NULL);
		json_text(&s, "rule", h->words);
		str_printf(&s,
			   ",\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64 "}",
			   h->packets, h->bytes);
	}
	str_puts(&s, "]}\n");
	fputs(str_text(&s), stdout);
}

/* Read what the kernel has back, and compare it with the document kept. */
static int prove_running(struct arena *a, const struct state *s,
			 const struct status *st, bool json)
{
	struct prove_result result;
	struct live_error e;
	const char *text;
	STR(out);
	int rc;

	if (!st->compiled) {
		cli_error("the document kept cannot be compiled by this "
			  "version");
		return CLI_SYSTEM;
	}
	if (status_listing(a, s, &st->record, &text, &e) < 0)
		return cli_live_error(&e, NULL);
	prove(a, &st->compiled->policy, text, &result);
	rc = cli_proof(st->record.name, "the kernel", &result,
		       json ? &out : NULL);
	if (json)
		puts(str_text(&out));
	return rc;
}

static int one(const struct cli_args *args, struct arena *a,
	       const struct state *state, const char *name)
{
	struct live_error e;
	struct status st;

	if (!plan_name_valid(name))
		return cli_usage(args, "\"%s\" is no name of a sandbox", name);
	if (!state_has(state, name)) {
		cli_error("there is no sandbox %s (state %s)", name,
			  state->path);
		return CLI_NO;
	}
	if (status_read(a, state, name, true, &st, &e) < 0)
		return cli_live_error(&e, NULL);
	if (cli_has(args, "prove"))
		return prove_running(a, state, &st, cli_has(args, "json"));
	if (cli_has(args, "json"))
		one_json(a, state, &st);
	else
		one_text(a, state, &st);
	return st.health == STATUS_OK || st.health == STATUS_RUNNING ? CLI_YES
								     : CLI_NO;
}

static int run(const struct cli_args *args)
{
	const char *path = cli_value(args, "state");
	struct live_error e;
	struct state state;
	int ret;
	ARENA(a);

	if (args->argc > 1)
		return cli_usage(args,
				 "one sandbox at a time, or none for all");
	if (cli_has(args, "names") && args->argc)
		return cli_usage(args, "--names lists all sandboxes");
	if (cli_has(args, "prove") && !args->argc)
		return cli_usage(args, "--prove needs NAME");
	/* A directory that can be read is enough for names. */
	if ((!cli_has(args, "names") && sandbox_privileged(&e) < 0) ||
	    state_open(&state, path ? path : STATE_DEFAULT, false, &e) < 0)
		return cli_live_error(&e, NULL);
	ret = args->argc ? one(args, &a, &state, args->argv[0])
			 : list(args, &a, &state);
	state_close(&state);
	return ret;
}

static const struct cli_option options[] = {
	{"names", 0, NULL, NULL, "print the names alone"},
	{"prove", 0, NULL, NULL, "prove what the ruleset in the kernel does"},
	CLI_OPT_STATE,
	CLI_OPT_JSON,
	CLI_OPT_HELP,
	{0},
};

const struct cli_command cmd_status = {
	.name = "status",
	.operands = "[NAME]",
	.complete = {"@sandbox"},
	.summary = "list the sandboxes, or show one and what its rules decided",
	.details =
		"With NAME the packets and bytes that each rule of the "
		"document has\ndecided are counted; of a flow that is allowed "
		"the first packet counts.\nThe exit status is 0 if the "
		"sandbox is whole, and 1 if it is not, or was\nterminated. "
		"With --prove the listing of the running ruleset is read "
		"back, and\nthe exit status is 1 if there is a flow that it "
		"does not judge as the document\ndoes.",
	.options = options,
	.run = run,
};

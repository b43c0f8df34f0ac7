/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diff_live.c - "msb-netc diff --live": a running sandbox, and what it should
 * be.
 */
#include <string.h>

#include "cli_live.h"
#include "diff.h"
#include "drift.h"
#include "prove.h"
#include "sandbox.h"
#include "state.h"

/* What it should be made of: the document that is kept, or another. */
static int read_expected(struct arena *a, const struct cli_args *args,
			 const struct state *s, const struct state_record *r,
			 struct diags *d, struct compiled *ret)
{
	const struct compile_request req = {.name = r->name, .slot = r->slot};
	struct live_error e;
	int rc;

	*d = (struct diags){.arena = a, .file = r->file};
	if (args->argc > 1) {
		d->file = args->argv[1];
		rc = cli_read_file(a, d->file, &d->text, &d->len);
		if (rc != CLI_YES)
			return rc;
	} else {
		d->text = state_read(s, a, r->name, "config.json", &d->len, &e);
		if (!d->text)
			return cli_live_error(&e, NULL);
	}
	if (!compile(a, d, &req, ret)) {
		cli_diags(d);
		return CLI_USAGE;
	}
	if (r->open)
		plan_cap_open(&ret->plan, r->open);
	return CLI_YES;
}

/* Of the host's table only this sandbox's elements count. */
static void compare_texts(struct arena *a, const struct state_record *r,
			  const struct compiled *c, const struct drift *d,
			  struct diff_report *report)
{
	char four[IP_TEXT_MAX], six[IP_TEXT_MAX];
	const char *const own[] = {
		r->uplink,
		ip_format(c->policy.slot.guest4, four),
		ip_format(c->policy.slot.guest6, six),
		NULL,
	};

	diff_text(report, "sandbox.nft", "expected/sandbox.nft",
		  drift_lines(a, d->gateway.expected, NULL, NULL),
		  "running/sandbox.nft",
		  drift_lines(a, d->gateway.running, NULL, NULL));
	diff_text(report, "host.nft", "expected/host.nft",
		  drift_lines(a, d->host.expected, NULL, NULL),
		  "running/host.nft",
		  drift_lines(a, d->host.running, own, d->host.expected));
}

static bool said(struct arena *a, const char *what, const char *text,
		 const struct slot *slot, struct differ_side *ret)
{
	struct lex_error e;

	*ret = (struct differ_side){.slot = *slot};
	if (prove_said(a, text, ret->walk, &e))
		return true;
	cli_error("what the %s ruleset means cannot be told: line %u: %s", what,
		  e.line, e.text);
	return false;
}

static int compare(struct arena *a, const struct state *s,
		   const struct state_record *r, const struct compiled *c,
		   struct diff_report *report)
{
	const struct slot *slot = &c->policy.slot;
	struct differ_side before, after;
	struct live_error e;
	struct drift drift;
	struct differ d;
	bool known;

	if (drift_read(a, s, r, c, &drift, &e) < 0)
		return cli_live_error(&e, NULL);
	compare_texts(a, r, c, &drift, report);
	known = said(a, "expected", drift.gateway.expected, slot, &before) &&
		said(a, "running", drift.gateway.running, slot, &after) &&
		differ(a, &before, &after, &d);
	diff_print(report, known ? &d : NULL, !report->n_texts);
	return report->n_texts ? CLI_NO : CLI_YES;
}

static int one(const struct cli_args *args, struct arena *a,
	       const struct state *s)
{
	struct diff_report report = {.json = cli_has(args, "json")};
	struct compiled *c = arena_new(a, struct compiled);
	const char *name = args->argv[0];
	struct state_record r;
	struct live_error e;
	struct diags d;
	int rc;

	if (!state_has(s, name)) {
		cli_error("there is no sandbox %s (state %s)", name, s->path);
		return CLI_USAGE;
	}
	if (state_get(s, name, &r, &e) < 0)
		return cli_live_error(&e, NULL);
	rc = read_expected(a, args, s, &r, &d, c);
	if (rc == CLI_YES)
		rc = compare(a, s, &r, c, &report);
	str_free(&report.text);
	return rc;
}

int diff_live(const struct cli_args *args)
{
	const char *path = cli_value(args, "state");
	struct live_error e;
	struct state state;
	int rc;
	ARENA(a);

	if (args->argc < 1 || args->argc > 2 || !plan_name_valid(args->argv[0]))
		return cli_usage(args,
				 "--live needs the NAME of a sandbox, and "
				 "takes a document");
	if (cli_has(args, "semantic") || cli_has(args, "slot"))
		return cli_usage(args,
				 "--live goes with neither --semantic nor "
				 "--slot");
	if (sandbox_privileged(&e) < 0 ||
	    state_open(&state, path ? path : STATE_DEFAULT, false, &e) < 0)
		return cli_live_error(&e, NULL);
	rc = one(args, &a, &state);
	state_close(&state);
	return rc;
}

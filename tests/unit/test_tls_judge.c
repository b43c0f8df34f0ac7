/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_tls_judge.c - What msb-tlsd decides is what the document means.
 *
 * Each document goes the whole way: it is compiled to tls.json, that is decoded
 * as msb-tlsd does, and flows are judged by it, as they are by the document.
 */
#include <criterion/criterion.h>

#include "eval.h"
#include "tls_judge_case.h"

#define SECRET \
	"\"Secrets\":[{\"Name\":\"KEY\",\"ValueEnv\":\"KEY\"," \
	"\"AllowedHosts\":[\"api.example.com\"]}],"

static const char secret[] =
	"{" SECRET "\"TLS\":{\"Bypass\":[\"bank.example\"]},\"Rules\":["
	"{\"Action\":\"deny\",\"Destination\":\"no.example.com\"},"
	"{\"Action\":\"allow\",\"Destination\":\".example.com\"},"
	"{\"Action\":\"allow\",\"Destination\":\"198.51.100.0/24\"},"
	"{\"Action\":\"allow\",\"Destination\":\"host\"}]}";

/* Nothing is intercepted; port 80 is read nevertheless. */
static const char secret_plain[] = "{" SECRET "\"DefaultEgress\":\"allow\"}";

/* Port 80 is for TLS. */
static const char secret_80[] = "{" SECRET
				"\"TLS\":{\"InterceptedPorts\":[80]},"
				"\"DefaultEgress\":\"allow\"}";

/* A flow, and the verdicts before anything is read, without a name, and with
 * what it says. Whether the last two allow is compared with eval(). */
static const struct row {
	const char *doc;
	const char *flow;
	enum tlsd_verdict early;
	enum tlsd_verdict plain;
	enum tlsd_verdict hello;
	const char *pointer;
} rows[] = {
	/* An allow rule needs the name and the pin. */
	{doc_names, "203.0.113.7 443 pin=a.example.com sni=a.example.com",
	 SPLICE, SPLICE, SPLICE, "/Rules/1"},
	{doc_names, "203.0.113.7 443 pin=a.example.com sni=b.example.com",
	 SPLICE, SPLICE, SPLICE, "/Rules/1"},
	{doc_names, "203.0.113.7 443 pin=a.example.com sni=example.com", SPLICE,
	 SPLICE, DENY, "/DefaultEgress"},
	{doc_names, "203.0.113.7 443 pin=a.example.com sni=a.example.net",
	 SPLICE, SPLICE, DENY, "/DefaultEgress"},
	{doc_names, "203.0.113.7 443 pin=a.example.com sni=-", SPLICE, SPLICE,
	 SPLICE, "/Rules/1"},
	{doc_names, "203.0.113.7 443 sni=a.example.com", DENY, DENY, DENY,
	 "/DefaultEgress"},
	{doc_names, "203.0.113.7 443 sni=-", DENY, DENY, DENY,
	 "/DefaultEgress"},
	{doc_names, "203.0.113.7 444 pin=a.example.com sni=a.example.com", WAIT,
	 DENY, DENY, "/DefaultEgress"},
	{doc_names, "2001:db9::7 443 pin=a.example.com sni=a.example.com",
	 SPLICE, SPLICE, SPLICE, "/Rules/1"},
	/* Neighbours that share sets: one name alone is told apart. */
	{doc_names, "203.0.113.7 443 pin=one.example.net sni=one.example.net",
	 SPLICE, SPLICE, SPLICE, "/Rules/2"},
	{doc_names, "203.0.113.7 443 pin=one.example.net sni=two.example.net",
	 SPLICE, SPLICE, DENY, "/DefaultEgress"},
	{doc_names, "203.0.113.7 80 pin=two.example.net sni=-", SPLICE, SPLICE,
	 SPLICE, "/Rules/3"},
	{doc_names, "203.0.113.7 80 pin=two.example.net sni=one.example.net",
	 SPLICE, SPLICE, DENY, "/DefaultEgress"},
	{doc_names,
	 "203.0.113.7 80 pin=one.example.net,two.example.net "
	 "sni=two.example.net",
	 SPLICE, SPLICE, SPLICE, "/Rules/3"},
	{doc_names,
	 "203.0.113.7 80 pin=one.example.net,a.example.com "
	 "sni=one.example.net",
	 SPLICE, SPLICE, SPLICE, "/Rules/2"},
	/* A deny rule needs the name alone, or the pin where there is none. */
	{doc_names, "198.51.100.7 443 sni=x.example.org", SPLICE, SPLICE, DENY,
	 "/Rules/4"},
	{doc_names, "198.51.100.7 443 sni=example.org", SPLICE, SPLICE, SPLICE,
	 "/Rules/5"},
	{doc_names, "198.51.100.7 443 sni=-", SPLICE, SPLICE, SPLICE,
	 "/Rules/5"},
	{doc_names, "198.51.100.7 443 sni=other.example", SPLICE, SPLICE,
	 SPLICE, "/Rules/5"},
	{doc_names, "198.51.100.7 443 sni=no.example.com", SPLICE, SPLICE, DENY,
	 "/Rules/0"},
	{doc_names, "203.0.113.7 443 pin=a.example.com sni=no.example.com",
	 SPLICE, SPLICE, DENY, "/Rules/0"},
	{doc_names, "2001:db8::7 443 sni=x.example.org", SPLICE, SPLICE, DENY,
	 "/Rules/4"},
	{doc_names, "2001:db8::7 22 sni=-", SPLICE, SPLICE, SPLICE, "/Rules/6"},
	/* The table of denied names. */
	{doc_names, "198.51.100.7 443 sni=bad.example.com", SPLICE, SPLICE,
	 DENY, "/DenyDomains/0"},
	{doc_names, "198.51.100.7 443 sni=worse.example.com", SPLICE, SPLICE,
	 DENY, "/DenyDomains/1"},
	{doc_names, "198.51.100.7 443 sni=x.bad.example.com", SPLICE, SPLICE,
	 SPLICE, "/Rules/5"},
	{doc_names, "198.51.100.7 443 sni=ads", SPLICE, SPLICE, DENY,
	 "/DenyDomainSuffixes/0"},
	{doc_names, "198.51.100.7 443 sni=a.b.ads", SPLICE, SPLICE, DENY,
	 "/DenyDomainSuffixes/0"},
	{doc_names, "203.0.113.7 443 pin=a.example.com sni=bad.example.com",
	 SPLICE, SPLICE, DENY, "/DenyDomains/0"},
	/* What holds whatever the rules say. */
	{doc_names, "198.51.100.7 853 sni=-", DENY, DENY, DENY,
	 "always:dns-transport"},
	{doc_names, "198.51.100.7 853 sni=other.example", DENY, DENY, DENY,
	 "always:dns-transport"},
	{doc_names, "169.254.62.1 443 sni=-", DENY, DENY, DENY,
	 "always:uplink"},
	{doc_names, "169.254.62.2 443 sni=other.example", DENY, DENY, DENY,
	 "always:uplink"},
	{doc_names, "169.254.63.1 443 sni=other.example", SPLICE, SPLICE,
	 SPLICE, "/Rules/7"},
	/* Addresses alone. */
	{doc_names, "198.51.101.7 443 sni=other.example", DENY, DENY, DENY,
	 "/DefaultEgress"},
	{doc_names, "10.0.0.5 443 sni=other.example", DENY, DENY, DENY,
	 "/DefaultEgress"},
	{doc_names, "172.16.0.1 8080 sni=-", SPLICE, SPLICE, SPLICE,
	 "/Rules/8"},
	{doc_names, "172.16.0.1 8080 sni=x.example.org", SPLICE, SPLICE, DENY,
	 "/Rules/4"},
	{doc_names, "172.16.0.1 8081 sni=-", DENY, DENY, DENY,
	 "/DefaultEgress"},
	{doc_names, "fd42:6d73:62::1 8080 sni=host.example", SPLICE, SPLICE,
	 SPLICE, "/Rules/8"},
	/* Interception: by port and name. */
	{doc_intercepting, "198.51.100.7 443 sni=other.example", SPLICE, SPLICE,
	 INTERCEPT, "/Rules/3"},
	{doc_intercepting, "198.51.100.7 8443 sni=other.example", SPLICE,
	 SPLICE, INTERCEPT, "/Rules/3"},
	{doc_intercepting, "198.51.100.7 8444 sni=other.example", SPLICE,
	 SPLICE, SPLICE, "/Rules/3"},
	{doc_intercepting, "198.51.100.7 443 sni=-", SPLICE, SPLICE, INTERCEPT,
	 "/Rules/3"},
	{doc_intercepting, "198.51.100.7 443 sni=bank.example", SPLICE, SPLICE,
	 SPLICE, "/Rules/3"},
	{doc_intercepting, "198.51.100.7 443 sni=my.bank.example", SPLICE,
	 SPLICE, SPLICE, "/Rules/3"},
	{doc_intercepting, "198.51.100.7 443 sni=a.my.bank.example", SPLICE,
	 SPLICE, SPLICE, "/Rules/3"},
	{doc_intercepting, "198.51.100.7 443 sni=notbank.example", SPLICE,
	 SPLICE, INTERCEPT, "/Rules/3"},
	{doc_intercepting, "198.51.100.7 443 sni=no.example.com", SPLICE,
	 SPLICE, DENY, "/Rules/0"},
	{doc_intercepting, "203.0.113.7 443 pin=bank.example sni=bank.example",
	 SPLICE, SPLICE, SPLICE, "/Rules/2"},
	{doc_intercepting,
	 "203.0.113.7 443 pin=bank.example sni=my.bank.example", SPLICE, SPLICE,
	 DENY, "/DefaultEgress"},
	{doc_intercepting,
	 "203.0.113.7 443 pin=a.example.com sni=a.example.com", SPLICE, SPLICE,
	 INTERCEPT, "/Rules/1"},
	{doc_intercepting, "203.0.113.7 443 pin=a.example.com sni=-", SPLICE,
	 SPLICE, INTERCEPT, "/Rules/1"},
	{doc_intercepting, "203.0.113.7 443 sni=a.example.com", DENY, DENY,
	 DENY, "/DefaultEgress"},
	{doc_intercepting, "172.16.0.1 443 sni=-", SPLICE, SPLICE, INTERCEPT,
	 "/Rules/4"},
	{doc_intercepting, "fd42:6d73:62::1 443 sni=x.example", SPLICE, SPLICE,
	 INTERCEPT, "/Rules/4"},
	{doc_intercepting, "172.16.0.1 80 sni=-", SPLICE, SPLICE, SPLICE,
	 "/Rules/4"},
	{doc_intercepting, "198.51.100.7 853 sni=-", DENY, DENY, DENY,
	 "always:dns-transport"},
	/* Where there are secrets: plain text is read, TLS has to be TLS. */
	{secret, "198.51.100.7 80 sni=-", SPLICE, READ, READ, "/Rules/2"},
	{secret, "198.51.100.7 80 sni=other.example", SPLICE, READ, READ,
	 "/Rules/2"},
	{secret, "198.51.100.7 80 sni=bank.example", SPLICE, READ, READ,
	 "/Rules/2"},
	{secret, "198.51.100.7 80 sni=no.example.com", SPLICE, READ, DENY,
	 "/Rules/0"},
	{secret, "203.0.113.7 80 pin=a.example.com sni=-", SPLICE, READ, READ,
	 "/Rules/1"},
	{secret, "203.0.113.7 80 sni=-", DENY, DENY, DENY, "/DefaultEgress"},
	{secret, "172.16.0.1 80 sni=-", SPLICE, READ, READ, "/Rules/3"},
	{secret, "198.51.100.7 443 sni=other.example", WAIT, DENY, INTERCEPT,
	 "/Rules/2"},
	{secret, "198.51.100.7 443 sni=-", WAIT, DENY, INTERCEPT, "/Rules/2"},
	{secret, "198.51.100.7 443 sni=bank.example", WAIT, DENY, SPLICE,
	 "/Rules/2"},
	{secret, "198.51.100.7 443 sni=no.example.com", WAIT, DENY, DENY,
	 "/Rules/0"},
	{secret, "203.0.113.7 443 pin=a.example.com sni=a.example.com", WAIT,
	 DENY, INTERCEPT, "/Rules/1"},
	{secret, "203.0.113.7 443 sni=a.example.com", DENY, DENY, DENY,
	 "/DefaultEgress"},
	{secret, "172.16.0.1 443 sni=-", WAIT, DENY, INTERCEPT, "/Rules/3"},
	{secret, "198.51.100.7 8080 sni=-", SPLICE, SPLICE, SPLICE, "/Rules/2"},
	{secret_plain, "203.0.113.7 80 sni=-", SPLICE, READ, READ,
	 "/DefaultEgress"},
	{secret_plain, "203.0.113.7 443 sni=a.example", SPLICE, SPLICE, SPLICE,
	 "/DefaultEgress"},
	{secret_80, "203.0.113.7 80 sni=a.example", WAIT, DENY, INTERCEPT,
	 "/DefaultEgress"},
	{secret_80, "203.0.113.7 443 sni=a.example", SPLICE, SPLICE, SPLICE,
	 "/DefaultEgress"},
	/* Allowed unless named; nothing is intercepted. */
	{doc_everything, "203.0.113.7 443 sni=bad.example.com", SPLICE, SPLICE,
	 DENY, "/DenyDomains/0"},
	{doc_everything, "203.0.113.7 443 sni=good.example.com", SPLICE, SPLICE,
	 SPLICE, "/DefaultEgress"},
	{doc_everything, "203.0.113.7 443 sni=-", SPLICE, SPLICE, SPLICE,
	 "/DefaultEgress"},
	{doc_everything, "2001:db8::1 25 sni=-", SPLICE, SPLICE, SPLICE,
	 "/DefaultEgress"},
	{doc_everything, "240.0.0.1 443 sni=-", SPLICE, SPLICE, SPLICE,
	 "/DefaultEgress"},
};

_Static_assert(sizeof(rows) / sizeof(rows[0]) >= 60, "a table worth its name");

static void compare(const struct world *w, const struct row *r,
		    const struct flow *f, enum tlsd_stage stage,
		    enum tlsd_verdict expected)
{
	struct flow meant = *f;
	struct decision d;
	const struct tlsd_answer got = world_judge(w, f, stage);

	cr_expect_eq(got.verdict, expected, "%s: stage %d: %u, not %u", r->flow,
		     stage, got.verdict, expected);
	if (stage == TLSD_HELLO)
		cr_expect_str_eq(got.pointer, r->pointer, "%s: %s", r->flow,
				 got.pointer);
	else
		meant.sni_kind = FLOW_SNI_NONE;
	d = eval_decide(&w->compiled.policy, &meant);
	/* What turns out not to be TLS is no flow that eval() is asked about:
	 * the rules allow it. */
	if (w->conf->secrets.n && stage != TLSD_HELLO && d.allow &&
	    eval_intercepts(&w->compiled.policy, f->port)) {
		cr_expect_eq(got.verdict, stage == TLSD_EARLY ? WAIT : DENY);
		if (stage == TLSD_PLAIN)
			cr_expect_str_eq(got.pointer, "always:unreadable");
		return;
	}
	cr_expect_eq(d.allow, got.verdict >= TLSD_SPLICE,
		     "%s: stage %d: eval says %s", r->flow, stage, d.pointer);
	if (got.verdict != TLSD_WAIT)
		cr_expect_str_eq(got.pointer, d.pointer, "%s: stage %d",
				 r->flow, stage);
	cr_expect_eq(got.bypass,
		     got.verdict == TLSD_SPLICE && stage == TLSD_HELLO &&
			     meant.sni_kind == FLOW_SNI_NAME &&
			     eval_intercepts(&w->compiled.policy, f->port) &&
			     eval_bypasses(&w->compiled.policy, meant.sni),
		     "%s", r->flow);
}

Test(tls_judge, as_the_document_means)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		struct world w;
		struct flow f;
		ARENA(a);

		world_make(&a, r->doc, &w);
		f = world_flow(&a, r->flow);
		compare(&w, r, &f, TLSD_EARLY, r->early);
		compare(&w, r, &f, TLSD_PLAIN, r->plain);
		compare(&w, r, &f, TLSD_HELLO, r->hello);
	}
}

/* Where the rules say yes, and no packet of the guest would get there. */
Test(tls_judge, what_no_uplink_leads_to)
{
	static const char *const flows[] = {
		"127.0.0.1 443 sni=-", "127.0.0.53 443 sni=a.example",
		"::1 443 sni=-",       "fe80::1 443 sni=a.example",
		"ff02::1 443 sni=-",   "224.0.0.1 443 sni=-",
		"0.0.0.0 443 sni=-",   ":: 443 sni=-",
	};
	struct world w;
	size_t i;
	ARENA(a);

	world_make(&a, doc_everything, &w);
	for (i = 0; i < sizeof(flows) / sizeof(flows[0]); i++) {
		const struct flow f = world_flow(&a, flows[i]);
		unsigned int stage;

		cr_expect(eval_decide(&w.compiled.policy, &f).allow);
		for (stage = 0; stage <= TLSD_HELLO; stage++) {
			const struct tlsd_answer got =
				world_judge(&w, &f, (enum tlsd_stage)stage);

			cr_expect_eq(got.verdict, TLSD_DENY, "%s", flows[i]);
			cr_expect_str_eq(got.pointer, "always:unreachable");
		}
	}
}

/* What a document says of violations, as msb-tlsd understands it. */
Test(tls_judge, what_a_violation_comes_to)
{
	static const struct {
		const char *all;
		const char *one;
		enum secret_action action;
	} v[] = {
		{"", "", SECRET_BLOCK_AND_LOG},
		{"block", "", SECRET_BLOCK},
		{"block-and-log", "", SECRET_BLOCK_AND_LOG},
		{"block-and-terminate", "", SECRET_BLOCK_AND_TERMINATE},
		{"", "block", SECRET_BLOCK},
		{"block", "block-and-terminate", SECRET_BLOCK_AND_TERMINATE},
		{"block-and-terminate", "block", SECRET_BLOCK},
		{"block-and-terminate", "block-and-log", SECRET_BLOCK_AND_LOG},
	};
	struct world w;
	size_t i;
	ARENA(a);

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		world_make(
			&a,
			arena_printf(&a,
				     "{\"TLS\":{},\"OnSecretViolation\":\"%s\","
				     "\"Secrets\":[{\"Name\":\"KEY\","
				     "\"ValueEnv\":\"KEY\",\"AllowedHosts\":["
				     "\"a.example\"],\"OnViolation\":\"%s\"}]}",
				     v[i].all, v[i].one),
			&w);
		cr_assert_eq(w.conf->secrets.n, 1);
		cr_expect_eq(w.conf->secrets.all[0].action, v[i].action,
			     "%s, %s", v[i].all, v[i].one);
	}
}

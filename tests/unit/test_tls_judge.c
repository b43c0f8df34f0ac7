/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_tls_judge.c - What msb-tlsd decides is what the document means.
 *
 * Each document goes the whole way: it is compiled to tls.json, that is decoded
 * as msb-tlsd does, and flows are judged by it, as they are by the document.
 */
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <string.h>

#include "compile.h"
#include "eval.h"
#include "judge.h"
#include "tls_json.h"

/** struct world - A document, and what msb-tlsd makes of it */
struct world {
	struct diags doc;
	struct compiled compiled;
	struct tls_conf *conf;
};

static void make(struct arena *a, const char *text, struct world *w)
{
	const struct compile_request req = {"test", 0};
	char reason[CONF_REASON_MAX] = "";
	const char *why;
	STR(json);

	*w = (struct world){
		.doc = {.arena = a,
			.file = "test",
			.text = text,
			.len = strlen(text)},
	};
	cr_assert(compile(a, &w->doc, &req, &w->compiled), "%s", text);
	tls_json(&json, &w->compiled.plan);
	w->conf = tls_conf_decode(a, str_text(&json), json.len, reason);
	cr_assert(w->conf, "%s: %s", str_text(&json), reason);
	if (!w->compiled.plan.names)
		return;
	cr_assert_not_null(w->conf->walk.names_file);
	why = names_open(w->compiled.plan.names, w->compiled.plan.names_len,
			 &w->conf->walk.names);
	cr_assert_null(why, "%s", why);
}

/** struct sets - What msb-dnsd would have pinned, and how it tells of it */
struct sets {
	const struct flow *flow;
	bool fails;
	unsigned int asked;
};

/* As the comments of elements tell: the first name, and how many there are. */
static int get(void *context, const struct walk_pin_set *set, struct ip ip,
	       struct judge_pin *ret)
{
	struct sets *s = context;
	size_t i, j, n = 0;

	s->asked++;
	if (s->fails)
		return -1;
	cr_expect(ip_equal(ip, s->flow->ip));
	for (i = 0; i < s->flow->n_pins; i++) {
		const struct dname name = s->flow->pins[i];

		for (j = 0; j < set->n_dests; j++) {
			const struct policy_rule rule = {.dest = set->dests[j]};

			if (eval_selects(&rule, name))
				break;
		}
		if (j == set->n_dests)
			continue;
		if (!n++) {
			memcpy(ret->wire, name.wire, name.len);
			ret->name = (struct dname){ret->wire, name.len};
		}
	}
	ret->others = n ? (uint32_t)n - 1 : 0;
	return n > 0;
}

static struct tlsd_ask ask_for(const struct flow *f, enum tlsd_stage stage)
{
	struct tlsd_ask ask = {
		.dial = 1,
		.stage = (uint8_t)stage,
		.family = (uint8_t)f->ip.family,
		.port = f->port,
	};

	ip_to_bytes(f->ip, ask.address);
	if (stage == TLSD_HELLO && f->sni_kind == FLOW_SNI_NAME) {
		ask.name_len = f->sni.len;
		memcpy(ask.name, f->sni.wire, f->sni.len);
	}
	return ask;
}

static struct tlsd_answer judge(const struct world *w, const struct flow *f,
				enum tlsd_stage stage)
{
	struct sets sets = {.flow = f};
	const struct judge j = {w->conf, get, &sets};
	const struct tlsd_ask ask = ask_for(f, stage);
	struct tlsd_answer answer;

	cr_assert(judge_is_sane(&ask));
	judge_flow(&j, &ask, &answer);
	return answer;
}

static const char names[] =
	"{\"DenyDomains\":[\"bad.example.com\",\"worse.example.com\"],"
	"\"DenyDomainSuffixes\":[\".ads\"],\"Rules\":["
	"{\"Action\":\"deny\",\"Destination\":\"no.example.com\"},"
	"{\"Action\":\"allow\",\"Destination\":\".example.com\","
	"\"Protocol\":\"tcp\",\"Port\":443},"
	"{\"Action\":\"allow\",\"Destination\":\"one.example.net\"},"
	"{\"Action\":\"allow\",\"Destination\":\"two.example.net\"},"
	"{\"Action\":\"deny\",\"Destination\":\".example.org\"},"
	"{\"Action\":\"allow\",\"Destination\":\"198.51.100.0/24\"},"
	"{\"Action\":\"allow\",\"Destination\":\"2001:db8::/32\"},"
	"{\"Action\":\"allow\",\"Destination\":\"link-local\"},"
	"{\"Action\":\"allow\",\"Destination\":\"host\",\"Port\":8080},"
	"{\"Action\":\"allow\",\"Destination\":\"172.16.0.1\",\"Port\":53}]}";

static const char intercepting[] =
	"{\"TLS\":{\"Bypass\":[\"bank.example\",\"*.bank.example\"],"
	"\"InterceptedPorts\":[443,8443]},\"Rules\":["
	"{\"Action\":\"deny\",\"Destination\":\"no.example.com\"},"
	"{\"Action\":\"allow\",\"Destination\":\".example.com\"},"
	"{\"Action\":\"allow\",\"Destination\":\"bank.example\"},"
	"{\"Action\":\"allow\",\"Destination\":\"198.51.100.0/24\"},"
	"{\"Action\":\"allow\",\"Destination\":\"host\"}]}";

static const char everything[] =
	"{\"DefaultEgress\":\"allow\",\"DenyDomains\":[\"bad.example.com\"],"
	"\"TLS\":{\"InterceptedPorts\":[]}}";

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

#define READ	  TLSD_READ
#define DENY	  TLSD_DENY
#define WAIT	  TLSD_WAIT
#define SPLICE	  TLSD_SPLICE
#define INTERCEPT TLSD_INTERCEPT

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
	{names, "203.0.113.7 443 pin=a.example.com sni=a.example.com", SPLICE,
	 SPLICE, SPLICE, "/Rules/1"},
	{names, "203.0.113.7 443 pin=a.example.com sni=b.example.com", SPLICE,
	 SPLICE, SPLICE, "/Rules/1"},
	{names, "203.0.113.7 443 pin=a.example.com sni=example.com", SPLICE,
	 SPLICE, DENY, "/DefaultEgress"},
	{names, "203.0.113.7 443 pin=a.example.com sni=a.example.net", SPLICE,
	 SPLICE, DENY, "/DefaultEgress"},
	{names, "203.0.113.7 443 pin=a.example.com sni=-", SPLICE, SPLICE,
	 SPLICE, "/Rules/1"},
	{names, "203.0.113.7 443 sni=a.example.com", DENY, DENY, DENY,
	 "/DefaultEgress"},
	{names, "203.0.113.7 443 sni=-", DENY, DENY, DENY, "/DefaultEgress"},
	{names, "203.0.113.7 444 pin=a.example.com sni=a.example.com", WAIT,
	 DENY, DENY, "/DefaultEgress"},
	{names, "2001:db9::7 443 pin=a.example.com sni=a.example.com", SPLICE,
	 SPLICE, SPLICE, "/Rules/1"},
	/* Neighbours that share sets: one name alone is told apart. */
	{names, "203.0.113.7 443 pin=one.example.net sni=one.example.net",
	 SPLICE, SPLICE, SPLICE, "/Rules/2"},
	{names, "203.0.113.7 443 pin=one.example.net sni=two.example.net",
	 SPLICE, SPLICE, DENY, "/DefaultEgress"},
	{names, "203.0.113.7 80 pin=two.example.net sni=-", SPLICE, SPLICE,
	 SPLICE, "/Rules/3"},
	{names, "203.0.113.7 80 pin=two.example.net sni=one.example.net",
	 SPLICE, SPLICE, DENY, "/DefaultEgress"},
	{names,
	 "203.0.113.7 80 pin=one.example.net,two.example.net "
	 "sni=two.example.net",
	 SPLICE, SPLICE, SPLICE, "/Rules/3"},
	{names,
	 "203.0.113.7 80 pin=one.example.net,a.example.com "
	 "sni=one.example.net",
	 SPLICE, SPLICE, SPLICE, "/Rules/2"},
	/* A deny rule needs the name alone, or the pin where there is none. */
	{names, "198.51.100.7 443 sni=x.example.org", SPLICE, SPLICE, DENY,
	 "/Rules/4"},
	{names, "198.51.100.7 443 sni=example.org", SPLICE, SPLICE, SPLICE,
	 "/Rules/5"},
	{names, "198.51.100.7 443 sni=-", SPLICE, SPLICE, SPLICE, "/Rules/5"},
	{names, "198.51.100.7 443 sni=other.example", SPLICE, SPLICE, SPLICE,
	 "/Rules/5"},
	{names, "198.51.100.7 443 sni=no.example.com", SPLICE, SPLICE, DENY,
	 "/Rules/0"},
	{names, "203.0.113.7 443 pin=a.example.com sni=no.example.com", SPLICE,
	 SPLICE, DENY, "/Rules/0"},
	{names, "2001:db8::7 443 sni=x.example.org", SPLICE, SPLICE, DENY,
	 "/Rules/4"},
	{names, "2001:db8::7 22 sni=-", SPLICE, SPLICE, SPLICE, "/Rules/6"},
	/* The table of denied names. */
	{names, "198.51.100.7 443 sni=bad.example.com", SPLICE, SPLICE, DENY,
	 "/DenyDomains/0"},
	{names, "198.51.100.7 443 sni=worse.example.com", SPLICE, SPLICE, DENY,
	 "/DenyDomains/1"},
	{names, "198.51.100.7 443 sni=x.bad.example.com", SPLICE, SPLICE,
	 SPLICE, "/Rules/5"},
	{names, "198.51.100.7 443 sni=ads", SPLICE, SPLICE, DENY,
	 "/DenyDomainSuffixes/0"},
	{names, "198.51.100.7 443 sni=a.b.ads", SPLICE, SPLICE, DENY,
	 "/DenyDomainSuffixes/0"},
	{names, "203.0.113.7 443 pin=a.example.com sni=bad.example.com", SPLICE,
	 SPLICE, DENY, "/DenyDomains/0"},
	/* What holds whatever the rules say. */
	{names, "198.51.100.7 853 sni=-", DENY, DENY, DENY,
	 "always:dns-transport"},
	{names, "198.51.100.7 853 sni=other.example", DENY, DENY, DENY,
	 "always:dns-transport"},
	{names, "169.254.62.1 443 sni=-", DENY, DENY, DENY, "always:uplink"},
	{names, "169.254.62.2 443 sni=other.example", DENY, DENY, DENY,
	 "always:uplink"},
	{names, "169.254.63.1 443 sni=other.example", SPLICE, SPLICE, SPLICE,
	 "/Rules/7"},
	/* Addresses alone. */
	{names, "198.51.101.7 443 sni=other.example", DENY, DENY, DENY,
	 "/DefaultEgress"},
	{names, "10.0.0.5 443 sni=other.example", DENY, DENY, DENY,
	 "/DefaultEgress"},
	{names, "172.16.0.1 8080 sni=-", SPLICE, SPLICE, SPLICE, "/Rules/8"},
	{names, "172.16.0.1 8080 sni=x.example.org", SPLICE, SPLICE, DENY,
	 "/Rules/4"},
	{names, "172.16.0.1 8081 sni=-", DENY, DENY, DENY, "/DefaultEgress"},
	{names, "fd42:6d73:62::1 8080 sni=host.example", SPLICE, SPLICE, SPLICE,
	 "/Rules/8"},
	/* Interception: by port and name. */
	{intercepting, "198.51.100.7 443 sni=other.example", SPLICE, SPLICE,
	 INTERCEPT, "/Rules/3"},
	{intercepting, "198.51.100.7 8443 sni=other.example", SPLICE, SPLICE,
	 INTERCEPT, "/Rules/3"},
	{intercepting, "198.51.100.7 8444 sni=other.example", SPLICE, SPLICE,
	 SPLICE, "/Rules/3"},
	{intercepting, "198.51.100.7 443 sni=-", SPLICE, SPLICE, INTERCEPT,
	 "/Rules/3"},
	{intercepting, "198.51.100.7 443 sni=bank.example", SPLICE, SPLICE,
	 SPLICE, "/Rules/3"},
	{intercepting, "198.51.100.7 443 sni=my.bank.example", SPLICE, SPLICE,
	 SPLICE, "/Rules/3"},
	{intercepting, "198.51.100.7 443 sni=a.my.bank.example", SPLICE, SPLICE,
	 SPLICE, "/Rules/3"},
	{intercepting, "198.51.100.7 443 sni=notbank.example", SPLICE, SPLICE,
	 INTERCEPT, "/Rules/3"},
	{intercepting, "198.51.100.7 443 sni=no.example.com", SPLICE, SPLICE,
	 DENY, "/Rules/0"},
	{intercepting, "203.0.113.7 443 pin=bank.example sni=bank.example",
	 SPLICE, SPLICE, SPLICE, "/Rules/2"},
	{intercepting, "203.0.113.7 443 pin=bank.example sni=my.bank.example",
	 SPLICE, SPLICE, DENY, "/DefaultEgress"},
	{intercepting, "203.0.113.7 443 pin=a.example.com sni=a.example.com",
	 SPLICE, SPLICE, INTERCEPT, "/Rules/1"},
	{intercepting, "203.0.113.7 443 pin=a.example.com sni=-", SPLICE,
	 SPLICE, INTERCEPT, "/Rules/1"},
	{intercepting, "203.0.113.7 443 sni=a.example.com", DENY, DENY, DENY,
	 "/DefaultEgress"},
	{intercepting, "172.16.0.1 443 sni=-", SPLICE, SPLICE, INTERCEPT,
	 "/Rules/4"},
	{intercepting, "fd42:6d73:62::1 443 sni=x.example", SPLICE, SPLICE,
	 INTERCEPT, "/Rules/4"},
	{intercepting, "172.16.0.1 80 sni=-", SPLICE, SPLICE, SPLICE,
	 "/Rules/4"},
	{intercepting, "198.51.100.7 853 sni=-", DENY, DENY, DENY,
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
	{everything, "203.0.113.7 443 sni=bad.example.com", SPLICE, SPLICE,
	 DENY, "/DenyDomains/0"},
	{everything, "203.0.113.7 443 sni=good.example.com", SPLICE, SPLICE,
	 SPLICE, "/DefaultEgress"},
	{everything, "203.0.113.7 443 sni=-", SPLICE, SPLICE, SPLICE,
	 "/DefaultEgress"},
	{everything, "2001:db8::1 25 sni=-", SPLICE, SPLICE, SPLICE,
	 "/DefaultEgress"},
	{everything, "240.0.0.1 443 sni=-", SPLICE, SPLICE, SPLICE,
	 "/DefaultEgress"},
};

_Static_assert(sizeof(rows) / sizeof(rows[0]) >= 60, "a table worth its name");

static struct flow read_flow(struct arena *a, const char *text)
{
	struct flow f;
	const char *why =
		flow_parse(a, arena_printf(a, "egress tcp %s", text), &f, NULL);

	cr_assert_null(why, "%s: %s", text, why);
	return f;
}

static void compare(const struct world *w, const struct row *r,
		    const struct flow *f, enum tlsd_stage stage,
		    enum tlsd_verdict expected)
{
	struct flow meant = *f;
	struct decision d;
	const struct tlsd_answer got = judge(w, f, stage);

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

		make(&a, r->doc, &w);
		f = read_flow(&a, r->flow);
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

	make(&a, everything, &w);
	for (i = 0; i < sizeof(flows) / sizeof(flows[0]); i++) {
		const struct flow f = read_flow(&a, flows[i]);
		unsigned int stage;

		cr_expect(eval_decide(&w.compiled.policy, &f).allow);
		for (stage = 0; stage <= TLSD_HELLO; stage++) {
			const struct tlsd_answer got =
				judge(&w, &f, (enum tlsd_stage)stage);

			cr_expect_eq(got.verdict, TLSD_DENY, "%s", flows[i]);
			cr_expect_str_eq(got.pointer, "always:unreachable");
		}
	}
}

/* Denied without a name, allowed with another: that waits. */
Test(tls_judge, a_pinned_deny_waits_for_a_name)
{
	static const char doc[] =
		"{\"DefaultEgress\":\"allow\",\"DefaultIngress\":\"deny\","
		"\"Rules\":[{\"Action\":\"allow\",\"Port\":8443,"
		"\"Destination\":\"no.example.com\"},{\"Action\":\"deny\","
		"\"Port\":443,\"Destination\":\"no.example.com\"}]}";
	struct world w;
	struct flow f;
	ARENA(a);

	make(&a, doc, &w);
	f = read_flow(&a, "203.0.113.7 443 pin=no.example.com sni=a.example");
	cr_expect_eq(judge(&w, &f, TLSD_EARLY).verdict, TLSD_WAIT);
	cr_expect_eq(judge(&w, &f, TLSD_PLAIN).verdict, TLSD_DENY);
	cr_expect_eq(judge(&w, &f, TLSD_HELLO).verdict, TLSD_SPLICE);
}

Test(tls_judge, the_leaf_without_a_name)
{
	static const struct {
		const char *flow;
		const char *leaf;
	} v[] = {
		{"203.0.113.7 443 pin=a.example.com sni=-", "a.example.com"},
		{"203.0.113.7 443 pin=a.example.com,b.example.com sni=-", NULL},
		{"203.0.113.7 443 pin=a.example.com,bank.example sni=-", NULL},
		{"198.51.100.7 443 sni=-", NULL},
		{"203.0.113.7 443 pin=a.example.com sni=a.example.com", NULL},
	};
	char text[DNAME_TEXT_MAX];
	struct world w;
	size_t i;
	ARENA(a);

	make(&a, intercepting, &w);
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		const struct flow f = read_flow(&a, v[i].flow);
		const struct tlsd_answer got = judge(&w, &f, TLSD_HELLO);

		cr_expect_eq(got.verdict, TLSD_INTERCEPT, "%s", v[i].flow);
		cr_expect_eq(!got.leaf_len, !v[i].leaf, "%s", v[i].flow);
		if (!v[i].leaf || !got.leaf_len)
			continue;
		dname_format((struct dname){got.leaf, got.leaf_len}, text);
		cr_expect_str_eq(text, v[i].leaf);
	}
}

Test(tls_judge, no_answer_of_the_kernel_is_no)
{
	struct world w;
	struct flow f;
	struct sets sets = {.flow = &f, .fails = true};
	struct judge j;
	struct tlsd_answer got;
	struct tlsd_ask ask;
	unsigned int stage;
	ARENA(a);

	make(&a, names, &w);
	j = (struct judge){w.conf, get, &sets};
	f = read_flow(&a,
		      "203.0.113.7 443 pin=a.example.com sni=a.example.com");
	for (stage = 0; stage <= TLSD_HELLO; stage++) {
		ask = ask_for(&f, (enum tlsd_stage)stage);
		judge_flow(&j, &ask, &got);
		cr_expect_eq(got.verdict, TLSD_DENY);
		cr_expect_str_eq(got.pointer, "always:pins");
	}
}

/* The address of a name that is left alone is left alone without a name. */
Test(tls_judge, bypass_by_pin)
{
	struct tlsd_answer got;
	struct world w;
	struct flow f;
	ARENA(a);

	make(&a, intercepting, &w);
	f = read_flow(&a, "203.0.113.7 443 pin=bank.example sni=-");
	got = judge(&w, &f, TLSD_HELLO);
	cr_expect_eq(got.verdict, TLSD_SPLICE);
	cr_expect_eq(got.bypass, 1);
	cr_expect_eq(got.leaf_len, 0);
	f = read_flow(&a,
		      "203.0.113.7 443 pin=bank.example,a.example.com sni=-");
	got = judge(&w, &f, TLSD_HELLO);
	cr_expect_eq(got.verdict, TLSD_INTERCEPT);
	cr_expect_eq(got.bypass, 0);
}

/* A thousand neighbouring rules ask the kernel once. */
Test(tls_judge, shared_sets_are_asked_once)
{
	struct world w;
	struct flow f;
	struct sets sets = {.flow = &f};
	struct judge j;
	struct tlsd_answer got;
	struct tlsd_ask ask;
	unsigned int i;
	ARENA(a);
	STR(doc);

	str_puts(&doc, "{\"Rules\":[");
	for (i = 0; i < 1000; i++)
		str_printf(&doc,
			   "%s{\"Action\":\"allow\",\"Destination\":"
			   "\"n%u.example.com\"}",
			   i ? "," : "", i);
	str_puts(&doc, ",{\"Action\":\"allow\",\"Destination\":\"host\","
		       "\"Port\":53}]}");
	make(&a, str_text(&doc), &w);
	j = (struct judge){w.conf, get, &sets};
	f = read_flow(&a, "203.0.113.7 443 pin=n999.example.com sni=-");
	ask = ask_for(&f, TLSD_PLAIN);
	judge_flow(&j, &ask, &got);
	cr_expect_eq(got.verdict, TLSD_SPLICE);
	cr_expect_str_eq(got.pointer, "/Rules/999");
	cr_expect_eq(sets.asked, 1);
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
		make(&a,
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

Test(tls_judge, the_stricter_of_two)
{
	static const enum tlsd_verdict v[5][5] = {
		[DENY] = {DENY, DENY, DENY, DENY, DENY},
		[WAIT] = {DENY, WAIT, WAIT, WAIT, WAIT},
		[SPLICE] = {DENY, WAIT, SPLICE, DENY, DENY},
		[INTERCEPT] = {DENY, WAIT, DENY, INTERCEPT, DENY},
		[READ] = {DENY, WAIT, DENY, DENY, READ},
	};
	unsigned int i, j;

	for (i = 0; i < 5; i++) {
		for (j = 0; j < 5; j++) {
			struct tlsd_answer a = {.verdict = i, .pointer = "/a"};
			const struct tlsd_answer b = {.verdict = j,
						      .pointer = "/b"};

			judge_stricter(&a, &b);
			cr_expect_eq(a.verdict, v[i][j], "%u %u", i, j);
			if (a.verdict != i)
				cr_expect_str_eq(a.pointer, "/b");
		}
	}
}

Test(tls_judge, requests_that_no_worker_makes)
{
	static const struct tlsd_ask good = {
		.dial = 1,
		.stage = TLSD_HELLO,
		.family = IP_V4,
		.port = 443,
		.address = {198, 51, 100, 7},
		.name_len = 5,
		.name = "\3abc",
	};
	struct tlsd_ask v[] = {
		good, good, good, good, good, good, good, good,
		good, good, good, good, good, good, good,
	};
	size_t i;

	v[0].next = 1;
	v[1].dial = 2;
	v[2].attempt = 2;
	v[3].stage = TLSD_HELLO + 1;
	v[4].family = 0;
	v[5].family = 5;
	v[6].port = 0;
	v[7].address[15] = 1;
	v[8].stage = TLSD_PLAIN;
	v[9].name_len = 1;
	v[10].name_len = 4;
	v[11].name_len = 6;
	v[12].name[1] = 'A';
	v[13].name[0] = 64;
	v[14].stage = TLSD_EARLY;
	cr_expect(judge_is_sane(&good));
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		cr_expect_not(judge_is_sane(&v[i]), "%zu", i);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_eval.c - Verdicts: pins that a function knows, and what TLS is
 * intercepted. */
#include <criterion/criterion.h>
#include <string.h>

#include "eval.h"

static void lower(struct arena *a, const char *text, struct policy *ret)
{
	struct config *config = arena_new(a, struct config);
	struct diags d = {
		.arena = a, .file = "test", .text = text, .len = strlen(text)};

	cr_assert(config_read(a, &d, config));
	cr_assert(policy_lower(a, &d, config, 0, ret));
}

static struct flow read_flow(struct arena *a, const char *line)
{
	struct flow f;

	cr_assert_null(flow_parse(a, line, &f, NULL), "%s", line);
	return f;
}

/* As a helper knows pins: by what the sets of a rule say of one address. */
struct sets {
	const struct flow *flow;
	unsigned int asked;
};

static bool in_sets(void *ctx, const struct policy_rule *r)
{
	struct sets *s = ctx;
	size_t i;

	s->asked++;
	for (i = 0; i < s->flow->n_pins; i++)
		if (eval_selects(r, s->flow->pins[i]))
			return true;
	return false;
}

Test(eval, pins_by_function_are_like_pins_by_name)
{
	static const char document[] =
		"{\"DenyDomains\": [\"bad.example.com\"], \"Rules\": ["
		"{\"Action\": \"allow\", \"Destination\": \".example.com\"},"
		"{\"Action\": \"deny\", \"Destination\": \"cdn.example.net\"},"
		"{\"Action\": \"allow\", \"Destination\": \"198.51.100.0/24\"}]}";
	static const struct {
		const char *flow;
		const char *pointer;
	} rows[] = {
		{"egress tcp 203.0.113.7 443 pin=a.example.com "
		 "sni=a.example.com",
		 "/Rules/0"},
		{"egress tcp 203.0.113.7 443 pin=a.example.com "
		 "sni=b.example.com",
		 "/Rules/0"},
		{"egress tcp 203.0.113.7 443 sni=a.example.com",
		 "/DefaultEgress"},
		{"egress tcp 203.0.113.7 443 pin=a.example.com sni=-",
		 "/Rules/0"},
		{"egress tcp 203.0.113.7 443 pin=a.example.com "
		 "sni=bad.example.com",
		 "/DenyDomains/0"},
		{"egress tcp 198.51.100.7 443 pin=cdn.example.net sni=-",
		 "/Rules/1"},
		{"egress tcp 198.51.100.7 443 pin=cdn.example.net "
		 "sni=other.example.net",
		 "/Rules/2"},
		{"egress tcp 198.51.100.7 443 sni=cdn.example.net", "/Rules/1"},
		{"egress udp 203.0.113.7 9 pin=a.example.com", "/Rules/0"},
		{"egress udp 203.0.113.7 9", "/DefaultEgress"},
	};
	struct policy p;
	unsigned int asked = 0;
	size_t i;
	ARENA(a);

	lower(&a, document, &p);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct flow by_name = read_flow(&a, rows[i].flow);
		struct flow by_set = by_name;
		struct sets sets = {.flow = &by_name};
		struct decision d;

		by_set.pins = NULL;
		by_set.n_pins = 0;
		by_set.pinned = in_sets;
		by_set.pinned_ctx = &sets;
		d = eval_decide(&p, &by_name);
		cr_expect_str_eq(d.pointer, rows[i].pointer, "%s",
				 rows[i].flow);
		d = eval_decide(&p, &by_set);
		cr_expect_str_eq(d.pointer, rows[i].pointer, "%s, by sets",
				 rows[i].flow);
		asked += sets.asked;
	}
	cr_expect_gt(asked, 0u);
}

/* The array is not looked at where there is a function: who has both means the
 * function. */
Test(eval, function_goes_before_array)
{
	struct flow nobody = {0};
	struct sets sets = {.flow = &nobody};
	struct policy p;
	struct flow f;
	ARENA(a);

	lower(&a,
	      "{\"Rules\": [{\"Action\": \"allow\", "
	      "\"Destination\": \"a.example.com\"}]}",
	      &p);
	f = read_flow(&a, "egress udp 203.0.113.7 9 pin=a.example.com");
	cr_expect(eval_decide(&p, &f).allow);
	f.pinned = in_sets;
	f.pinned_ctx = &sets;
	cr_expect_not(eval_decide(&p, &f).allow);
	cr_expect_eq(sets.asked, 1u);
}

Test(eval, says_what_is_intercepted)
{
	static const struct {
		const char *tls;
		const char *flow;
		const char *note;
	} rows[] = {
		{"{}", "egress tcp 198.51.100.7 443 sni=a.example.com",
		 "its TLS is intercepted"},
		{"{}", "egress tcp 198.51.100.7 443",
		 "if it is TLS, it is intercepted"},
		{"{}", "egress tcp 198.51.100.7 8443 sni=a.example.com", NULL},
		{"{}", "egress tcp 10.0.0.7 443 sni=a.example.com", NULL},
		{"{\"InterceptedPorts\": []}",
		 "egress tcp 198.51.100.7 443 sni=a.example.com", NULL},
		{"{\"InterceptedPorts\": [8443]}",
		 "egress tcp 198.51.100.7 8443 sni=a.example.com",
		 "its TLS is intercepted"},
		{"{\"Bypass\": [\"*.example.com\"]}",
		 "egress tcp 198.51.100.7 443 pin=a.example.com",
		 "its TLS is left alone: its name is in /TLS/Bypass"},
		{"{\"Bypass\": [\"*.example.com\"]}",
		 "egress tcp 198.51.100.7 443 sni=example.com",
		 "its TLS is intercepted"},
		{"{\"Bypass\": [\"example.com\"]}",
		 "egress tcp 198.51.100.7 443 sni=example.com",
		 "its TLS is left alone: its name is in /TLS/Bypass"},
		{"{\"Bypass\": [\"example.com\"]}",
		 "egress tcp 198.51.100.7 443 sni=a.example.com",
		 "its TLS is intercepted"},
	};
	size_t i;
	ARENA(a);

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct policy p;
		struct flow f = read_flow(&a, rows[i].flow);
		const char *note;

		lower(&a, arena_printf(&a, "{\"TLS\": %s}", rows[i].tls), &p);
		note = eval_decide(&p, &f).note;
		if (rows[i].note)
			cr_expect_str_eq(note ? note : "", rows[i].note,
					 "%s %s", rows[i].tls, rows[i].flow);
		else
			cr_expect_null(note, "%s %s: %s", rows[i].tls,
				       rows[i].flow, note);
	}
}

Test(eval, says_what_no_flow_is_left_room_for)
{
	static const struct {
		const char *flow;
		bool noted;
	} rows[] = {
		{"egress tcp 198.51.100.7 80", true},
		{"egress udp 198.51.100.7 53", true},
		{"egress tcp 172.16.0.1 80", true},
		{"dns a.example @198.51.100.7", true},
		{"egress udp 172.16.0.1 53", false},
		{"dns a.example", false},
		{"egress icmpv4 198.51.100.7", false},
		{"egress tcp 10.0.0.7 80", false},
		{"ingress tcp 198.51.100.7 80", false},
	};
	struct policy none, one;
	size_t i;
	ARENA(a);

	lower(&a,
	      "{\"MaxConnections\": 0, \"Ports\": {\"8080\": 80}, \"Rules\": "
	      "[{\"Action\": \"deny\", \"Destination\": \"private\"}, "
	      "{\"Action\": \"allow\"}]}",
	      &none);
	lower(&a, "{\"MaxConnections\": 1, \"DefaultEgress\": \"allow\"}",
	      &one);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct flow f = read_flow(&a, rows[i].flow);
		const char *note = eval_decide(&none, &f).note;

		cr_expect_eq(note && strstr(note, "MaxConnections is 0"),
			     rows[i].noted, "%s", rows[i].flow);
		note = eval_decide(&one, &f).note;
		cr_expect(!note || !strstr(note, "MaxConnections"), "%s",
			  rows[i].flow);
	}
}

Test(eval, says_what_is_looked_through)
{
	static const struct {
		const char *tls;
		const char *flow;
		const char *note;
	} rows[] = {
		{"", "egress tcp 198.51.100.7 80",
		 "it is looked through for placeholders of secrets"},
		{"", "egress tcp 172.16.0.1 80",
		 "it is looked through for placeholders of secrets"},
		{"", "egress tcp 172.16.0.1 81",
		 "it goes on to the same port of the host's loopback"},
		{"", "egress udp 198.51.100.7 80", NULL},
		{"", "egress tcp 198.51.100.7 443", NULL},
		{"", "egress tcp 10.0.0.7 80", NULL},
		{"\"TLS\": {}, ", "egress tcp 198.51.100.7 443",
		 "if it is TLS, it is intercepted; else it is closed, as there "
		 "are secrets"},
		{"\"TLS\": {}, ", "egress tcp 198.51.100.7 443 sni=a.example",
		 "its TLS is intercepted"},
		{"\"TLS\": {\"InterceptedPorts\": [80]}, ",
		 "egress tcp 198.51.100.7 80 sni=a.example",
		 "its TLS is intercepted"},
	};
	size_t i;
	ARENA(a);

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct policy p;
		struct flow f = read_flow(&a, rows[i].flow);
		const char *note;

		lower(&a,
		      arena_printf(&a,
				   "{%s\"Secrets\": [{\"Name\": \"KEY\", "
				   "\"ValueEnv\": \"KEY\"}], \"Rules\": ["
				   "{\"Action\": \"allow\", \"Destination\": "
				   "\"public\"}, {\"Action\": \"allow\", "
				   "\"Destination\": \"host\"}]}",
				   rows[i].tls),
		      &p);
		note = eval_decide(&p, &f).note;
		if (rows[i].note)
			cr_expect_str_eq(note ? note : "", rows[i].note,
					 "%s %s", rows[i].tls, rows[i].flow);
		else
			cr_expect_null(note, "%s %s: %s", rows[i].tls,
				       rows[i].flow, note);
	}
}

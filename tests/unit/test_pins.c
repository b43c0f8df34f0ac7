/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_pins.c - Which rules about names have sets, and need msb-tlsd. */
#include <criterion/criterion.h>
#include <string.h>

#include "names.h"
#include "plan.h"
#include "str.h"
#include "tables.h"

/** struct planned - A document that was planned */
struct planned {
	struct config config;
	struct policy policy;
	struct plan plan;
	struct diags d;
};

static bool plan_text(struct arena *a, const char *text, struct planned *ret)
{
	ret->d = (struct diags){
		.arena = a, .file = "test", .text = text, .len = strlen(text)};
	cr_assert(config_read(a, &ret->d, &ret->config), "%s", text);
	cr_assert(policy_lower(a, &ret->d, &ret->config, 0, &ret->policy), "%s",
		  text);
	return plan_make(a, &ret->d, &ret->policy, "test", &ret->plan);
}

/* "a.b .c|d.e": the names of each pair. */
static const char *pairs(struct arena *a, const struct plan *p)
{
	char name[DNAME_TEXT_MAX];
	size_t i, j;
	STR(s);

	for (i = 0; i < p->n_pins; i++) {
		str_puts(&s, i ? "|" : "");
		for (j = 0; j < p->pins[i]->n_dests; j++) {
			const struct config_dest *d = &p->pins[i]->dests[j];

			str_printf(&s, "%s%s%s", j ? " " : "",
				   d->kind == CONFIG_DEST_SUFFIX ? "." : "",
				   dname_format(d->name, name));
		}
	}
	return arena_strdup(a, str_text(&s));
}

#define RULE(action, dest) \
	"{\"Action\": \"" action "\", \"Destination\": \"" dest "\"}"
#define RULE_WITH(action, dest, more) \
	"{\"Action\": \"" action "\", \"Destination\": \"" dest "\", " more "}"
#define RULE_LIST(rules) "\"Rules\": [" rules "]"
#define RULES(rules)	 "{" RULE_LIST(rules) "}"

Test(pins, sets_where_an_address_can_be_pinned)
{
	static const struct {
		const char *text;
		const char *pairs;
	} rows[] = {
		{"{}", ""},
		/* What is denied first is never resolved. */
		{"{\"DenyDomains\": [\"a.b\"], \"DefaultEgress\": \"allow\"}",
		 ""},
		{RULES(RULE("deny", "a.b") ", " RULE("allow", "c.d")), "c.d"},
		{RULES(RULE("allow", "c.d") ", " RULE("deny", "a.b")), "c.d"},
		/* What is denied behind a way to resolve it may be. */
		{RULES(RULE("allow", ".b") ", " RULE("deny", "a.b")), ".b|a.b"},
		{RULES(RULE("allow", "a.b") ", " RULE("deny", ".b")), "a.b|.b"},
		{RULES(RULE("allow", ".b") ", " RULE("deny", ".x.b")),
		 ".b|.x.b"},
		{RULES(RULE("allow", "host") ", " RULE("deny", "a.b")), "a.b"},
		{RULES(RULE_WITH("allow", "host",
				 "\"Port\": 80") ", " RULE("deny", "a.b")),
		 ""},
		{RULES(RULE("deny", "host") ", " RULE("deny", "a.b")), ""},
		/* The ingress walk denies no query. */
		{RULES(RULE_WITH(
			 "deny", "a.b",
			 "\"Direction\": \"ingress\"") ", " RULE("allow",
								 "host")),
		 "a.b"},
		/* No query at all. */
		{RULES(RULE_WITH("allow", "a.b", "\"Direction\": \"ingress\"")),
		 ""},
		/* The same names share, whatever the rules do. */
		{RULES(RULE_WITH("allow", "a.b", "\"Port\": 1") ", " RULE_WITH(
			 "allow", "c.d",
			 "\"Port\": 2") ", " RULE_WITH("allow", "a.b",
						       "\"Direction\": \"any\"")),
		 "a.b|c.d"},
		/* Few neighbours are apart, many are one. */
		{RULES(RULE("allow", "a.b") ", " RULE("allow", "c.d")),
		 "a.b|c.d"},
		{RULES(RULE("allow", "a") ", " RULE("allow", "b") ", " RULE("allow", "c") ", " RULE(
			 "allow",
			 "d") ", " RULE("allow",
					"e") ", " RULE("allow",
						       "f") ", " RULE("allow",
								      "g") ", " RULE("allow",
										     "h") ", " RULE("allow",
												    ".i")),
		 "a b c d e f g h .i"},
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct planned p;
		ARENA(a);

		cr_assert(plan_text(&a, rows[i].text, &p));
		cr_expect_str_eq(pairs(&a, &p.plan), rows[i].pairs, "%s: %s",
				 rows[i].text, pairs(&a, &p.plan));
	}
}

Test(pins, a_set_is_known_by_its_names)
{
	struct planned p, moved, other;
	ARENA(a);

	cr_assert(plan_text(&a, RULES(RULE("allow", "a.b")), &p));
	cr_assert(plan_text(&a,
			    RULES(RULE("allow", "1.2.3.4") ", " RULE_WITH(
				    "allow", "a.b", "\"Port\": 443")),
			    &moved));
	cr_assert(plan_text(&a, RULES(RULE("allow", ".a.b")), &other));
	cr_expect_str_eq(p.plan.pins[0]->set4.name,
			 moved.plan.pins[0]->set4.name);
	cr_expect_str_neq(p.plan.pins[0]->set4.name,
			  other.plan.pins[0]->set4.name);
	cr_expect_str_neq(p.plan.pins[0]->set4.name, p.plan.pins[0]->set6.name);
}

/* Why msb-tlsd is needed, or NULL. */
static const char *tlsd_reason(const struct plan *p)
{
	size_t i;

	for (i = 0; i < p->n_helpers; i++)
		if (strcmp(p->helpers[i].name, PLAN_TLSD) == 0)
			return p->helpers[i].reason;
	return NULL;
}

static bool has_chain(const struct plan *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->sandbox.n_chains; i++)
		if (strcmp(p->sandbox.chains[i].name, name) == 0)
			return true;
	return false;
}

Test(pins, msb_tlsd_is_there_where_a_name_decides)
{
	static const struct {
		const char *text;
		const char *pointer;
	} rows[] = {
		{"{}", NULL},
		{"{\"DenyDomains\": [\"a.b\", \"c.d\"]}", "/DenyDomains"},
		{"{\"DenyDomainSuffixes\": [\"a.b\"]}", "/DenyDomainSuffixes"},
		/* Nothing is allowed anyway, or everything. */
		{"{\"DenyDomains\": [\"a.b\"], \"DefaultEgress\": \"deny\"}",
		 NULL},
		{"{\"Rules\": [" RULE("allow",
				      "a.b") "], "
					     "\"DefaultEgress\": \"allow\"}",
		 NULL},
		{RULES(RULE("allow", "a.b")), "/Rules/0"},
		{RULES(RULE_WITH("allow", "a.b", "\"Protocol\": \"udp\"")),
		 NULL},
		{RULES(RULE("deny", ".a.b") ", " RULE("allow", "10.0.0.1")),
		 "/Rules/0"},
		{RULES(RULE_WITH(
			 "allow", "a.b",
			 "\"Direction\": \"ingress\"") ", " RULE("allow",
								 "host")),
		 NULL},
		/* No TCP flow comes to the rule, or to what denies. */
		{RULES(RULE_WITH("deny", "*",
				 "\"Protocol\": \"tcp\"") ", " RULE("allow",
								    "a.b")),
		 NULL},
		{RULES(RULE("allow", "a.b") ", " RULE_WITH(
			 "allow", "*", "\"Protocol\": \"tcp\"")),
		 NULL},
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct planned p;
		const char *reason;
		ARENA(a);

		cr_assert(plan_text(&a, rows[i].text, &p));
		cr_expect_eq(p.d.n, 0, "%s", rows[i].text);
		reason = tlsd_reason(&p.plan);
		cr_expect_eq(!reason, !rows[i].pointer, "%s: %s", rows[i].text,
			     reason);
		if (reason && rows[i].pointer)
			cr_expect_str_eq(
				reason,
				arena_printf(&a,
					     "%s decides TCP flows by the name "
					     "in their TLS handshake",
					     rows[i].pointer));
		cr_expect_eq(has_chain(&p.plan, TABLE_NAMED), reason != NULL);
		cr_expect_eq(has_chain(&p.plan, "hello"), reason != NULL);
	}
}

Test(pins, msb_tlsd_is_there_where_tls_is_intercepted)
{
	static const struct {
		const char *text;
		const char *pointer;
		size_t ports;
	} rows[] = {
		{"{\"TLS\": {}}", "/Policy", 1},
		{"{\"TLS\": {\"InterceptedPorts\": []}}", NULL, 0},
		{"{\"TLS\": {\"InterceptedPorts\": [8443, 443, 8443]}}",
		 "/Policy", 2},
		{"{\"TLS\": {}, \"Policy\": \"none\"}", NULL, 0},
		{"{\"TLS\": {}, " RULE_LIST(
			 RULE_WITH("allow", "public", "\"Port\": 80")) "}",
		 NULL, 0},
		{"{\"TLS\": {\"InterceptedPorts\": [443, 80]}, " RULE_LIST(
			 RULE_WITH("allow", "public", "\"Port\": 80")) "}",
		 "/Rules/0", 2},
		{"{\"TLS\": {}, " RULE_LIST(RULE_WITH(
			 "deny", "*", "\"Port\": 443")) ", "
							"\"DefaultEgress\": "
							"\"allow\"}",
		 NULL, 0},
		{"{\"TLS\": {}, \"DefaultEgress\": \"allow\"}",
		 "/DefaultEgress", 1},
		/* msb-dnsd's. */
		{"{\"TLS\": {\"InterceptedPorts\": [53, 853]}}", NULL, 0},
	};
	size_t i, j;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct planned p;
		const char *reason;
		size_t ports = 0;
		ARENA(a);

		cr_assert(plan_text(&a, rows[i].text, &p));
		reason = tlsd_reason(&p.plan);
		cr_expect_eq(!reason, !rows[i].pointer, "%s: %s", rows[i].text,
			     reason);
		if (reason && rows[i].pointer)
			cr_expect_str_eq(reason,
					 arena_printf(&a,
						      "TLS is intercepted, and "
						      "%s allows flows to such "
						      "ports",
						      rows[i].pointer));
		for (j = 0; j < p.plan.sandbox.n_sets; j++)
			if (strcmp(p.plan.sandbox.sets[j].name,
				   "intercepted") == 0)
				ports = p.plan.sandbox.sets[j].n;
		cr_expect_eq(ports, rows[i].ports, "%s", rows[i].text);
		cr_expect_not(has_chain(&p.plan, TABLE_NAMED));
		cr_expect_eq(has_chain(&p.plan, "hello"), reason != NULL);
	}
}

/* Also without interception: what is in clear on port 80 is read. */
Test(pins, msb_tlsd_is_there_where_there_are_secrets)
{
	static const char secrets[] =
		"\"Secrets\": [{\"Name\": \"KEY\", \"ValueEnv\": \"KEY\"}]";
	static const struct {
		const char *text;
		const char *reason;
		size_t ports;
	} rows[] = {
		{"", "there are secrets, and /Policy allows flows to port 80",
		 1},
		{", \"Policy\": \"none\"", NULL, 0},
		{", " RULE_LIST(RULE_WITH("allow", "public", "\"Port\": 443")),
		 NULL, 0},
		{", " RULE_LIST(RULE_WITH("allow", "host",
					  "\"Protocol\": \"tcp\", "
					  "\"Port\": 80")),
		 "there are secrets, and /Rules/0 allows flows to port 80", 1},
		{", " RULE_LIST(
			 RULE_WITH("allow", "public", "\"Protocol\": \"udp\"")),
		 NULL, 0},
		{", \"TLS\": {}",
		 "TLS is intercepted, and /Policy allows flows to such ports; "
		 "there are secrets, and /Policy allows flows to port 80",
		 2},
		/* Kept together, though nobody gets to one of them. */
		{", \"TLS\": {}, " RULE_LIST(
			 RULE_WITH("allow", "public", "\"Port\": 443")),
		 "TLS is intercepted, and /Rules/0 allows flows to such ports",
		 2},
		{", \"TLS\": {}, " RULE_LIST(
			 RULE_WITH("allow", "public", "\"Port\": 80")),
		 "there are secrets, and /Rules/0 allows flows to port 80", 2},
		{", \"TLS\": {\"InterceptedPorts\": [80]}",
		 "TLS is intercepted, and /Policy allows flows to such ports",
		 1},
	};
	size_t i, j;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct planned p;
		const char *reason;
		size_t ports = 0;
		ARENA(a);

		cr_assert(plan_text(
			&a, arena_printf(&a, "{%s%s}", secrets, rows[i].text),
			&p));
		reason = tlsd_reason(&p.plan);
		cr_expect_str_eq(reason ? reason : "",
				 rows[i].reason ? rows[i].reason : "", "%s",
				 rows[i].text);
		for (j = 0; j < p.plan.sandbox.n_sets; j++)
			if (strcmp(p.plan.sandbox.sets[j].name,
				   "intercepted") == 0)
				ports = p.plan.sandbox.sets[j].n;
		cr_expect_eq(ports, rows[i].ports, "%s", rows[i].text);
		/* Also what goes to the host. */
		cr_expect_not(plan_needs(&p.plan, PLAN_RELAYD), "%s",
			      rows[i].text);
	}
}

/* A list of names is there for whoever reads it: also where there is no DNS. */
Test(pins, denied_names_are_a_file_for_msb_tlsd_alone)
{
	struct planned p;
	ARENA(a);

	cr_assert(
		plan_text(&a,
			  "{\"DenyDomains\": [\"a.b\"], " RULE_LIST(RULE_WITH(
				  "allow", "198.51.100.0/24",
				  "\"Protocol\": \"tcp\", \"Port\": 443")) "}",
			  &p));
	cr_expect_not(plan_needs(&p.plan, PLAN_DNSD));
	cr_expect(plan_needs(&p.plan, PLAN_TLSD));
	cr_expect_not_null(p.plan.names_file);
}

/* A document of @n rules about names, each unlike its neighbours. */
static const char *many_rules(struct arena *a, size_t n)
{
	size_t i;
	STR(s);

	str_puts(&s, "{\"Rules\": [");
	for (i = 0; i < n; i++)
		str_printf(&s,
			   "%s{\"Action\": \"allow\", \"Destination\": "
			   "\"n%zu.test\", \"Port\": %zu}",
			   i ? ", " : "", i, 1 + i % 2);
	str_puts(&s, "]}");
	return arena_strdup(a, str_text(&s));
}

Test(pins, sets_are_not_too_many)
{
	struct planned p;
	ARENA(a);

	cr_assert(plan_text(&a, many_rules(&a, PINS_MAX), &p));
	cr_expect_eq(p.plan.n_pins, PINS_MAX);
	cr_assert_not(plan_text(&a, many_rules(&a, PINS_MAX + 1), &p));
	cr_expect_eq(p.d.v[p.d.n - 1].code, DIAG_POLICY_SIZE);
	cr_expect(strstr(p.d.v[p.d.n - 1].message, "pairs of sets"));
}

Test(pins, a_hundred_thousand_names_are_a_file)
{
	const char *why;
	struct names names;
	struct names_match match;
	struct planned p;
	size_t i;
	ARENA(a);
	STR(s);

	str_puts(&s, "{\"DenyDomains\": [\"x.test\"");
	for (i = 0; i < 100000; i++)
		str_printf(&s, ", \"n%zu.test\"", i);
	str_puts(&s, "], \"DenyDomainSuffixes\": [\"ads\"]}");
	cr_assert(plan_text(&a, str_text(&s), &p));
	cr_expect_eq(p.plan.n_pins, 0);
	cr_expect_leq(p.plan.sandbox.n_chains, 16);
	cr_expect_eq(strncmp(p.plan.names_file, "names-", 6), 0);
	why = names_open(p.plan.names, p.plan.names_len, &names);
	cr_assert_null(why, "%s", why);
	cr_expect_eq(names.n, 100002);
	cr_assert(names_find(&names, p.config.deny_domains.v[70000], &match));
	cr_expect_eq(match.index, 70000);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_policy.c - Lowering: what a document becomes, and how DNS is served. */
#include <criterion/criterion.h>
#include <string.h>

#include "policy.h"

static bool lower(struct arena *a, const char *text, uint32_t slot,
		  struct diags *d, struct policy *ret)
{
	struct config *config = arena_new(a, struct config);

	*d = (struct diags){
		.arena = a, .file = "test", .text = text, .len = strlen(text)};
	return config_read(a, d, config) &&
	       policy_lower(a, d, config, slot, ret);
}

static void expect_words(struct arena *a, const struct policy *p,
			 enum policy_direction dir, const char *const *want)
{
	size_t i;

	for (i = 0; i < p->walk[dir].n; i++) {
		const struct policy_rule *r = &p->walk[dir].rules[i];
		const char *got = arena_printf(a, "%s %s", r->pointer,
					       policy_rule_words(a, r, dir));

		cr_assert_not_null(want[i], "unexpected: %s", got);
		cr_expect_str_eq(got, want[i]);
	}
	cr_expect_null(want[i], "missing: %s", want[i]);
}

Test(policy, nothing_set_is_public_only)
{
	const char *const egress[] = {
		"/DenyDomains/0 deny egress bad.example",
		"/DenyDomainSuffixes/0 deny egress ads.example and "
		".ads.example",
		"/Policy allow egress host tcp,udp 53",
		"/Policy allow egress public",
		NULL,
	};
	const char *const none[] = {NULL};
	struct policy p;
	struct diags d;
	ARENA(a);

	cr_assert(lower(&a,
			"{\"DenyDomains\": [\"bad.example\"], "
			"\"DenyDomainSuffixes\": [\".ads.example\"]}",
			0, &d, &p));
	expect_words(&a, &p, POLICY_EGRESS, egress);
	expect_words(&a, &p, POLICY_INGRESS, none);
	cr_expect_not(p.walk[POLICY_EGRESS].default_allow);
	cr_expect(p.walk[POLICY_INGRESS].default_allow);
}

Test(policy, defaults_are_deny_out_and_allow_in)
{
	static const struct {
		const char *text;
		bool egress;
		bool ingress;
	} rows[] = {
		{"{\"Rules\": []}", false, true},
		{"{\"DefaultEgress\": \"allow\"}", true, true},
		{"{\"DefaultIngress\": \"deny\"}", false, false},
		{"{\"Policy\": \"none\"}", false, false},
		{"{\"Policy\": \"allow-all\"}", true, true},
		{"{\"Policy\": \"non-local\"}", false, true},
		{"{\"Policy\": \"\", \"Rules\": null}", false, true},
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct policy p;
		struct diags d;
		ARENA(a);

		cr_assert(lower(&a, rows[i].text, 0, &d, &p), "%s",
			  rows[i].text);
		cr_expect_eq(p.walk[POLICY_EGRESS].default_allow,
			     rows[i].egress, "%s", rows[i].text);
		cr_expect_eq(p.walk[POLICY_INGRESS].default_allow,
			     rows[i].ingress, "%s", rows[i].text);
	}
}

Test(policy, rules_go_to_the_walks_of_their_direction)
{
	const char *const egress[] = {
		"/Rules/0 allow egress * tcp 443",
		"/Rules/2 deny egress 10.0.0.0/8 tcp,udp 80,90-91",
		NULL,
	};
	const char *const ingress[] = {
		"/Rules/1 deny ingress private",
		"/Rules/2 deny ingress 10.0.0.0/8 tcp,udp 80,90-91",
		NULL,
	};
	struct policy p;
	struct diags d;
	ARENA(a);

	cr_assert(lower(
		&a,
		"{\"Rules\": [{\"Action\": \"allow\", \"Protocol\": \"tcp\", "
		"\"Port\": \"443\"}, {\"Action\": \"deny\", \"Direction\": "
		"\"ingress\", \"Destination\": \"private\"}, {\"Action\": "
		"\"deny\", \"Direction\": \"any\", \"Destination\": "
		"\"10.0.0.0/8\", \"Ports\": [\"90-91\", 80]}, {\"Action\": "
		"\"allow\", \"Protocol\": \"icmpv4\", \"Port\": \"1\"}]}",
		0, &d, &p));
	expect_words(&a, &p, POLICY_EGRESS, egress);
	expect_words(&a, &p, POLICY_INGRESS, ingress);
	cr_assert_eq(d.n, 1);
	cr_expect_eq(d.v[0].code, DIAG_NEVER_MATCHES);
	cr_expect_str_eq(d.v[0].pointer, "/Rules/3");
}

Test(policy, slots_end_with_the_pools)
{
	const char *text = "{\"IPv4Pool\": \"10.9.0.0/28\"}";
	struct policy p;
	struct diags d;
	ARENA(a);

	cr_expect(lower(&a, text, 3, &d, &p));
	cr_expect_not(lower(&a, text, 4, &d, &p));
	cr_assert_eq(d.n, 1);
	cr_expect_eq(d.v[0].code, DIAG_POOL);
}

/* NAT: what turns a policy without need of a helper into one that has it. */
#define NAT \
	"\"DNS\": {\"RebindProtection\": false, \"Nameservers\": [\"198.51.100.53\"]}"

Test(policy, dns_is_served_by_the_least_that_does)
{
	static const struct {
		const char *text;
		enum policy_dns dns;
	} rows[] = {
		{"{}", POLICY_DNS_HELPER},
		{"{" NAT "}", POLICY_DNS_NAT},
		{"{\"Policy\": \"none\"}", POLICY_DNS_NONE},
		{"{\"Policy\": \"none\", " NAT "}", POLICY_DNS_NONE},
		{"{\"Policy\": \"allow-all\", " NAT "}", POLICY_DNS_NAT},
		{"{\"DNSRebindProtection\": false}", POLICY_DNS_HELPER},
		{"{\"DNSRebindProtection\": true, " NAT "}", POLICY_DNS_NAT},
		{"{\"DenyDomains\": [\"a.b\"], " NAT "}", POLICY_DNS_HELPER},
		{"{\"TLS\": {}, " NAT "}", POLICY_DNS_HELPER},
		{"{\"DNS\": {\"RebindProtection\": false, \"Nameservers\": "
		 "[\"ns.example\"]}}",
		 POLICY_DNS_HELPER},
		{"{\"DNS\": {\"RebindProtection\": false, \"Nameservers\": "
		 "[\"127.0.0.53\"]}}",
		 POLICY_DNS_HELPER},
		/* A resolver that an address rule lets through is DNS. */
		{"{\"Rules\": [{\"Action\": \"allow\", \"Destination\": "
		 "\"10.0.0.53\"}], " NAT "}",
		 POLICY_DNS_NAT},
		{"{\"Rules\": [{\"Action\": \"allow\", \"Destination\": "
		 "\"10.0.0.53\", \"Port\": \"443\"}], " NAT "}",
		 POLICY_DNS_NONE},
		{"{\"Rules\": [{\"Action\": \"deny\", \"Port\": \"53\"}, "
		 "{\"Action\": \"allow\"}], " NAT "}",
		 POLICY_DNS_NONE},
		{"{\"Rules\": [{\"Action\": \"deny\", \"Protocol\": \"udp\", "
		 "\"Port\": \"53\"}, {\"Action\": \"allow\"}], " NAT "}",
		 POLICY_DNS_NAT},
		{"{\"Rules\": [{\"Action\": \"deny\", \"Destination\": "
		 "\"10.0.0.0/9\"}, {\"Action\": \"deny\", \"Destination\": "
		 "\"10.128.0.0/9\"}, {\"Action\": \"allow\", "
		 "\"Destination\": \"10.0.0.0/8\"}], " NAT "}",
		 POLICY_DNS_NONE},
		/* A name is asked of the gateway, if no rule has refused it
		 * that far. */
		{"{\"Rules\": [{\"Action\": \"allow\", \"Destination\": "
		 "\"a.b\"}]}",
		 POLICY_DNS_HELPER},
		{"{\"Rules\": [{\"Action\": \"deny\", \"Destination\": "
		 "\"host\"}, {\"Action\": \"allow\", \"Destination\": "
		 "\"a.b\"}]}",
		 POLICY_DNS_NONE},
		{"{\"Rules\": [{\"Action\": \"deny\", \"Destination\": "
		 "\"172.16.0.1\"}, {\"Action\": \"allow\", "
		 "\"Destination\": \"a.b\"}]}",
		 POLICY_DNS_HELPER},
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct policy p;
		struct diags d;
		ARENA(a);

		cr_assert(lower(&a, rows[i].text, 0, &d, &p), "%s",
			  rows[i].text);
		cr_expect_eq(p.dns, rows[i].dns, "%s: %s", rows[i].text,
			     p.dns_reason);
	}
}

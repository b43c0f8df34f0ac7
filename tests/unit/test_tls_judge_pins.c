/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_tls_judge_pins.c - What the kernel's pins make of a flow. */
#include <criterion/criterion.h>

#include "str.h"
#include "tls_judge_case.h"

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

	world_make(&a, doc, &w);
	f = world_flow(&a, "203.0.113.7 443 pin=no.example.com sni=a.example");
	cr_expect_eq(world_judge(&w, &f, TLSD_EARLY).verdict, TLSD_WAIT);
	cr_expect_eq(world_judge(&w, &f, TLSD_PLAIN).verdict, TLSD_DENY);
	cr_expect_eq(world_judge(&w, &f, TLSD_HELLO).verdict, TLSD_SPLICE);
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

	world_make(&a, doc_intercepting, &w);
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		const struct flow f = world_flow(&a, v[i].flow);
		const struct tlsd_answer got = world_judge(&w, &f, TLSD_HELLO);

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
	struct world_sets sets = {.flow = &f, .fails = true};
	struct judge j;
	struct tlsd_answer got;
	struct tlsd_ask ask;
	unsigned int stage;
	ARENA(a);

	world_make(&a, doc_names, &w);
	j = (struct judge){w.conf, world_get, &sets};
	f = world_flow(&a,
		       "203.0.113.7 443 pin=a.example.com sni=a.example.com");
	for (stage = 0; stage <= TLSD_HELLO; stage++) {
		ask = world_ask_for(&f, (enum tlsd_stage)stage);
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

	world_make(&a, doc_intercepting, &w);
	f = world_flow(&a, "203.0.113.7 443 pin=bank.example sni=-");
	got = world_judge(&w, &f, TLSD_HELLO);
	cr_expect_eq(got.verdict, TLSD_SPLICE);
	cr_expect_eq(got.bypass, 1);
	cr_expect_eq(got.leaf_len, 0);
	f = world_flow(&a,
		       "203.0.113.7 443 pin=bank.example,a.example.com sni=-");
	got = world_judge(&w, &f, TLSD_HELLO);
	cr_expect_eq(got.verdict, TLSD_INTERCEPT);
	cr_expect_eq(got.bypass, 0);
}

/* A thousand neighbouring rules ask the kernel once. */
Test(tls_judge, shared_sets_are_asked_once)
{
	struct world w;
	struct flow f;
	struct world_sets sets = {.flow = &f};
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
	world_make(&a, str_text(&doc), &w);
	j = (struct judge){w.conf, world_get, &sets};
	f = world_flow(&a, "203.0.113.7 443 pin=n999.example.com sni=-");
	ask = world_ask_for(&f, TLSD_PLAIN);
	judge_flow(&j, &ask, &got);
	cr_expect_eq(got.verdict, TLSD_SPLICE);
	cr_expect_str_eq(got.pointer, "/Rules/999");
	cr_expect_eq(sets.asked, 1);
}

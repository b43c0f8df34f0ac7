/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_flow.c - The flow language: what is read, refused, and written back. */
#include <criterion/criterion.h>
#include <string.h>

#include "flow.h"

Test(flow, reads_and_writes_back)
{
	static const char *const rows[][2] = {
		{"egress tcp 10.0.0.5 443", NULL},
		{"egress  tcp\t198.51.100.7  443 pin=API.example.com sni=api.example.com.",
		 "egress tcp 198.51.100.7 443 pin=api.example.com "
		 "sni=api.example.com"},
		{"egress tcp 198.51.100.7 443 pin=a.b,c.d sni=-", NULL},
		{"egress udp ::ffff:10.0.0.1 53", "egress udp 10.0.0.1 53"},
		{"egress 6 10.0.0.1 1", "egress tcp 10.0.0.1 1"},
		{"egress icmpv4 10.0.0.1", NULL},
		{"egress 1 2001:db8::1", NULL},
		{"egress 58 10.0.0.1", NULL},
		{"egress 132 10.0.0.5", "egress sctp 10.0.0.5"},
		{"egress 253 10.0.0.5", NULL},
		{"egress 0 2001:db8::1", NULL},
		{"ingress tcp 192.168.1.9 8080", NULL},
		{"ingress udp 2001:db8::9 65535 pin=x.y", NULL},
		{"dns api.example.com", NULL},
		{"dns api.example.com udp", "dns api.example.com"},
		{"dns . tcp @192.168.1.53", NULL},
		{"dns a\\032b.evil.com @2001:db8::53", NULL},
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ARENA(a);
		enum flow_expect expect;
		struct flow f;
		const char *why = flow_parse(&a, rows[i][0], &f, &expect);

		cr_assert_null(why, "%s: %s", rows[i][0], why);
		cr_expect_eq(expect, FLOW_EXPECT_NOTHING);
		cr_expect_str_eq(flow_format(&a, &f),
				 rows[i][1] ? rows[i][1] : rows[i][0]);
	}
}

Test(flow, verdicts_end_a_test_line)
{
	enum flow_expect expect;
	struct flow f;
	ARENA(a);

	cr_assert_null(flow_parse(&a, "dns x.y allow", &f, &expect));
	cr_expect_eq(expect, FLOW_EXPECT_ALLOW);
	cr_assert_null(
		flow_parse(&a, "egress icmpv4 10.0.0.1 deny", &f, &expect));
	cr_expect_eq(expect, FLOW_EXPECT_DENY);
	cr_expect_not_null(flow_parse(&a, "dns x.y allow", &f, NULL));
}

Test(flow, a_case_may_name_what_decides)
{
	static const char *const bad[] = {
		"dns x.y",
		"dns x.y /Rules/3",
		"dns x.y allow Rules/3",
		"dns x.y allow never:quic",
		"dns x.y allow /Rules/3 /Rules/4",
		"dns x.y /Rules/3 allow",
		"allow /Rules/3",
	};
	struct flow_case c;
	size_t i;
	ARENA(a);

	cr_assert_null(flow_parse_case(&a, "dns x.y allow", &c));
	cr_expect_eq(c.expect, FLOW_EXPECT_ALLOW);
	cr_expect_null(c.pointer);
	cr_assert_null(flow_parse_case(&a, "dns x.y deny /Rules/3", &c));
	cr_expect_eq(c.expect, FLOW_EXPECT_DENY);
	cr_expect_str_eq(c.pointer, "/Rules/3");
	cr_expect_str_eq(flow_format(&a, &c.flow), "dns x.y");
	cr_assert_null(flow_parse_case(&a,
				       "egress tcp 10.0.0.1 80 pin=a.b sni=a.b "
				       "deny always:quic",
				       &c));
	cr_expect_str_eq(c.pointer, "always:quic");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_not_null(flow_parse_case(&a, bad[i], &c), "%s",
				   bad[i]);
}

Test(flow, refuses_the_rest)
{
	static const char *const bad[] = {
		"",
		"allow",
		"sideways tcp 10.0.0.1 1",
		"egress",
		"egress tcp",
		"egress tcp 10.0.0.1",
		"egress tcp 10.0.0.1 0",
		"egress tcp 10.0.0.1 65536",
		"egress tcp 10.0.0.1 080",
		"egress tcp 10.0.0.1 +80",
		"egress tcp 10.0.0.1 80 80",
		"egress tcp 10.0.0.256 80",
		"egress tcp 10.0.0.0/8 80",
		"egress icmp 10.0.0.1",
		"egress icmpv4 2001:db8::1",
		"egress icmpv6 10.0.0.1",
		"egress icmpv4 10.0.0.1 8",
		"egress 256 10.0.0.1",
		"egress 07 10.0.0.1",
		"egress ipx 10.0.0.1",
		"egress udp 10.0.0.1 443 sni=x.y",
		"ingress tcp 10.0.0.1 443 sni=x.y",
		"egress tcp 10.0.0.1 443 sni=x..y",
		"egress tcp 10.0.0.1 443 sni=a sni=b",
		"egress tcp 10.0.0.1 443 pin=",
		"egress tcp 10.0.0.1 443 pin=a,,b",
		"dns",
		"dns x..y",
		"dns x.y sctp",
		"dns x.y @nowhere",
		"dns x.y udp @10.0.0.1 extra",
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ARENA(a);
		enum flow_expect expect;
		struct flow f;

		cr_expect_not_null(flow_parse(&a, bad[i], &f, &expect), "%s",
				   bad[i]);
	}
}

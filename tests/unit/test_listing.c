/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_listing.c - What of a ruleset's text is read, and what is refused. */
#include <criterion/criterion.h>
#include <string.h>

#include "listing.h"
#include "readback.h"

/* A table with one chain that has one rule, in its third line. */
static const char *with_rule(struct arena *a, const char *rule)
{
	return arena_printf(a,
			    "table inet msb {\n\tchain egress {\n\t\t%s\n\t}\n"
			    "\n\tchain allow {\n\t\tct mark set 0x00000010 "
			    "accept\n\t}\n}\n",
			    rule);
}

Test(listing, refuses_what_it_does_not_know_and_says_where)
{
	static const struct {
		const char *text;
		unsigned int line;
		unsigned int column;
		const char *part;
	} rows[] = {
		{"", 1, 1, "no table"},
		{"table ip msb {\n}\n", 1, 7, "expected \"inet\", found ip"},
		{"table inet msb {\n", 2, 1, "nothing that a table has"},
		{"table inet msb {\n}\ntable inet other {\n}\n", 3, 18,
		 "a second table"},
		{"table inet msb {\n\tchain a {\n\t}\n}\ndelete table inet msb\n",
		 5, 14, "something follows the table"},
		{"table inet msb {\n\tflowtable f {\n\t}\n}\n", 2, 2,
		 "flowtable"},
		{"table inet msb {\n\tset s {\n\t\ttype verdict_x\n\t}\n}\n", 3,
		 8, "no type of a set"},
		{"table inet msb {\n\tset s {\n\t\ttype mark\n\t\tflags "
		 "constant\n\t}\n}\n",
		 4, 9, "no flag"},
		{"table inet msb {\n\tset s {\n\t\ttype mark\n\t\tauto-merge\n"
		 "\t}\n}\n",
		 4, 3, "expected \"elements\", found auto-merge"},
		{"table inet msb {\n\tset s {\n\t\ttype inet_service\n\t\t"
		 "elements = { 80,\n\t\t\t     90000 }\n\t}\n}\n",
		 5, 9, "\"90000\" is no value of type inet_service"},
		{"table inet msb {\n\tset s {\n\t\ttype mark\n\t}\n\tset s {\n"
		 "\t\ttype mark\n\t}\n}\n",
		 9, 1, "two sets are named s"},
		{"table inet msb {\n\tchain a {\n\t}\n\tchain a {\n\t}\n}\n", 7,
		 1, "two chains are named a"},
		{"table inet msb {\n\tchain a {\n\t\ttype filter hook input "
		 "priority 0; policy queue;\n\t}\n}\n",
		 3, 45, "expected \"accept\", found queue"},
		{"table inet msb {\n\tchain a {\n\t\tcounter \001\n\t}\n}\n", 3,
		 11, "byte 0x01"},
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct listing_table t;
		struct lex_error e;
		ARENA(a);

		cr_assert_not(listing_read(&a, rows[i].text, &t, &e), "%s",
			      rows[i].text);
		cr_expect_eq(e.line, rows[i].line, "%s: line %u, %s",
			     rows[i].text, e.line, e.text);
		cr_expect_eq(e.column, rows[i].column, "%s: column %u, %s",
			     rows[i].text, e.column, e.text);
		cr_expect(strstr(e.text, rows[i].part), "%s: %s", rows[i].text,
			  e.text);
	}
}

Test(listing, refuses_rules_that_it_does_not_know)
{
	static const char *const rules[] = {
		"ip daddr 10.0.0.1 queue",
		"ip daddr 10.0.0.1/8 drop",
		"ip daddr 10.0.0.300 drop",
		"ip daddr 10.0.0.9-10.0.0.1 drop",
		"ip daddr ::1 drop",
		"ip6 daddr 10.0.0.1 drop",
		"ip daddr @nowhere drop",
		"ip daddr { 10.0.0.1 drop",
		"ip ttl 64 drop",
		"meta l4proto ipx drop",
		"meta l4proto 256 drop",
		"th dport 65536 drop",
		"th dport 90-80 drop",
		"ct state strange accept",
		"ct mark set 0x1g accept",
		"iifname guest0 accept",
		"goto",
		"goto nowhere",
		"meta l4proto vmap { tcp : goto nowhere }",
		"reject with icmp host-unreachable",
		"counter packets many bytes 0",
		"comment \"first\" drop",
		"drop comment \"no end",
		"drop comment",
		"add @nowhere { ip daddr }",
		"log prefix \"x\" drop",
		"iifname \"a\" . iifname \"b\" drop",
	};
	size_t i;

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct listing_table t;
		struct lex_error e;
		ARENA(a);

		cr_expect_not(listing_read(&a, with_rule(&a, rules[i]), &t, &e),
			      "%s", rules[i]);
		cr_expect_eq(e.line, 3u, "%s: line %u", rules[i], e.line);
	}
}

/* Rules that are read well, but are no part of a walk. */
Test(listing, no_walk_is_made_of_what_is_none)
{
	static const char *const rules[] = {
		"accept",
		"return",
		"jump egress",
		"meta l4proto tcp iifname \"guest0\" drop",
		"ip daddr 10.0.0.1 drop",
		"ct original ip saddr 10.0.0.1 drop",
		"ct mark set 0x00000020 accept",
		"meta mark set 0x00000010 accept",
		"meta l4proto icmp drop",
		"meta l4proto igmp drop",
		"ct original proto-dst 53 drop",
		"drop counter drop",
		"masquerade",
		"ct count over 5 drop",
	};
	size_t i;

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct readback walk;
		struct listing_table t;
		struct lex_error e;
		ARENA(a);

		cr_assert(listing_read(&a, with_rule(&a, rules[i]), &t, &e),
			  "%s: %s", rules[i], e.text);
		cr_expect_not(readback_walk(&a, &t, POLICY_EGRESS, &walk, &e),
			      "%s", rules[i]);
		cr_expect_eq(e.line, 3u, "%s: line %u", rules[i], e.line);
	}
}

/* Sets with timeouts hold what names resolve to; stamps with low bits set are
 * helpers'. */
Test(listing, names_and_helpers_are_told_apart)
{
	static const struct {
		const char *rule;
		const char *denied;
		bool helpers;
	} rows[] = {
		{"ct original ip daddr @pins goto allow", "deny egress *\n",
		 false},
		{"ct original ip daddr != @pins goto allow", NULL, false},
		{"meta l4proto udp ct original proto-dst 53 ct mark set "
		 "0x00000012 accept",
		 "deny egress * udp 53\ndeny egress *\n", true},
		{"meta l4proto tcp goto named comment \"/Rules/0\"",
		 "deny egress * tcp\ndeny egress *\n", true},
		{"meta l4proto tcp drop comment \"needs msb-tlsd\"",
		 "deny egress * tcp\ndeny egress *\n", false},
		{"ct mark set 0x00000020 accept", NULL, false},
		{"meta mark set 0x00000012 accept", NULL, false},
	};
	size_t i, j;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct readback walk;
		struct listing_table t;
		struct lex_error e;
		const char *text;
		bool good;
		ARENA(a);
		STR(words);

		text = arena_printf(
			&a,
			"table inet msb {\n set pins {\n type "
			"ipv4_addr\n flags timeout\n elements = { "
			"10.0.0.1 timeout 1h expires 9s comment "
			"\"a\\032b.example +1\" }\n }\n "
			"chain egress {\n %s\n }\n chain allow {\n ct mark set "
			"0x00000010 accept\n }\n chain named {\n "
			"ct mark set 0x00000013 accept\n }\n}\n",
			rows[i].rule);
		cr_assert(listing_read(&a, text, &t, &e), "%s", e.text);
		good = readback_walk(&a, &t, POLICY_EGRESS, &walk, &e);
		cr_expect_eq(good, rows[i].denied != NULL, "%s", text);
		if (!good)
			continue;
		for (j = 0; j < walk.denied.n; j++)
			str_printf(&words, "%s\n",
				   policy_rule_words(&a, &walk.denied.rules[j],
						     POLICY_EGRESS));
		cr_expect_str_eq(str_text(&words), rows[i].denied);
		cr_expect_eq(walk.helpers, rows[i].helpers, "%s", text);
		cr_expect_eq(walk.allowed.n, walk.denied.n);
		cr_expect_eq(walk.allowed.rules[0].allow, rows[i].helpers);
	}
}

/* Walks, and the rules that they are read back into. */
Test(listing, paths_become_rules)
{
	static const struct {
		const char *rule;
		const char *words;
	} rows[] = {
		{"drop", "deny egress *\n"},
		{"goto allow", "allow egress *\n"},
		{"ct original ip daddr 10.0.0.0/8 goto allow",
		 "allow egress 10.0.0.0/8\ndeny egress *\n"},
		{"ct original ip daddr 10.0.0.3-10.0.0.9 counter drop",
		 "deny egress 10.0.0.3-10.0.0.9\ndeny egress *\n"},
		{"ct original ip daddr != 128.0.0.0/1 jump allow",
		 "allow egress 0.0.0.0/1\ndeny egress *\n"},
		{"ct original ip daddr { 10.0.0.1, 10.0.0.2, 10.0.0.9 } drop",
		 "deny egress 10.0.0.1-10.0.0.2\ndeny egress 10.0.0.9\n"
		 "deny egress *\n"},
		{"meta l4proto { tcp, udp } ct original proto-dst 80-90 goto "
		 "allow",
		 "allow egress * tcp,udp 80-90\ndeny egress *\n"},
		{"ct original ip daddr 0.0.0.0/0 meta l4proto icmp goto allow",
		 "allow egress 0.0.0.0/0 icmpv4\ndeny egress *\n"},
		{"meta l4proto != tcp drop",
		 "deny egress * tcp\ndeny egress * udp\ndeny egress * udp\n"
		 "deny egress * icmpv4,icmpv6\ndeny egress * icmpv4,icmpv6\n"
		 "deny egress *\ndeny egress *\n"},
		{"meta l4proto vmap { tcp : drop, udp : goto allow }",
		 "deny egress * tcp\nallow egress * udp\ndeny egress *\n"},
		{"ct original ip daddr . meta l4proto vmap { 10.0.0.0/8 . tcp "
		 ": goto allow }",
		 "allow egress 10.0.0.0/8 tcp\ndeny egress *\n"},
	};
	size_t i, j;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct readback walk;
		struct listing_table t;
		struct lex_error e;
		ARENA(a);
		STR(words);

		cr_assert(listing_read(&a, with_rule(&a, rows[i].rule), &t, &e),
			  "%s: %s", rows[i].rule, e.text);
		cr_assert(readback_walk(&a, &t, POLICY_EGRESS, &walk, &e),
			  "%s: %s", rows[i].rule, e.text);
		for (j = 0; j < walk.denied.n; j++)
			str_printf(&words, "%s\n",
				   policy_rule_words(&a, &walk.denied.rules[j],
						     POLICY_EGRESS));
		cr_expect_str_eq(str_text(&words), rows[i].words, "%s: %s",
				 rows[i].rule, str_text(&words));
	}
}

/* The kernel goes back to the last jump, from wherever that led to. */
Test(listing, what_falls_off_goes_on_behind_the_last_jump)
{
	static const struct {
		const char *egress;
		const char *one;
		const char *words;
	} rows[] = {
		{"jump one\n goto allow", "goto two",
		 "deny egress * tcp\nallow egress *\n"},
		{"goto one\n goto allow", "goto two",
		 "deny egress * tcp\ndeny egress *\n"},
		{"jump one\n goto allow",
		 "ct original ip daddr 10.0.0.1 goto two\n drop", NULL},
		{"jump one\n goto allow",
		 "ct original ip daddr 10.0.0.1 goto three\n drop", NULL},
		{"jump one\n goto allow",
		 "ct original ip daddr 10.0.0.1 jump two\n drop",
		 "deny egress 10.0.0.1 tcp\ndeny egress *\nallow egress *\n"},
		{"jump one\n goto allow",
		 "ct original ip daddr 10.0.0.1 goto two",
		 "deny egress 10.0.0.1 tcp\nallow egress *\n"},
	};
	size_t i, j;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct readback walk;
		struct listing_table t;
		struct lex_error e;
		const char *text;
		bool good;
		ARENA(a);
		STR(words);

		text = arena_printf(
			&a,
			"table inet msb {\n chain egress {\n %s\n "
			"}\n chain one {\n %s\n }\n chain two {\n "
			"meta l4proto tcp drop\n }\n chain three "
			"{\n goto two\n }\n chain allow {\n ct mark "
			"set 0x00000010 accept\n }\n}\n",
			rows[i].egress, rows[i].one);
		cr_assert(listing_read(&a, text, &t, &e), "%s", e.text);
		good = readback_walk(&a, &t, POLICY_EGRESS, &walk, &e);
		cr_expect_eq(good, rows[i].words != NULL, "%s", text);
		for (j = 0; good && j < walk.denied.n; j++)
			str_printf(&words, "%s\n",
				   policy_rule_words(&a, &walk.denied.rules[j],
						     POLICY_EGRESS));
		cr_expect(!good || strcmp(str_text(&words), rows[i].words) == 0,
			  "%s: %s", text, str_text(&words));
	}
}

Test(listing, reads_every_statement_that_a_table_may_have)
{
	static const char *const rules[] = {
		"ct count over 100 counter packets 1 bytes 60 drop",
		"limit rate over 10/second burst 5 packets drop",
		"limit rate over 1 mbytes/second burst 10 kbytes drop",
		"quota over 10 mbytes used 0 bytes drop",
		"tproxy ip to 127.0.0.1:8443",
		"tproxy to :8443",
		"meta mark set ct mark",
		"ct mark set meta mark",
		"dnat ip to 10.0.0.1:53 comment \"x\"",
		"snat ip6 to fe80::1",
		"redirect to :53",
		"reject with icmpx port-unreachable",
		"reject with icmpx type port-unreachable",
		"reject with tcp reset",
		"iifname . ip saddr { \"a\" . 10.0.0.1, \"b\" . 10.0.0.2 } drop",
		"meta mark 0x00000001 accept",
		"jump allow",
	};
	size_t i;

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct listing_table t;
		struct lex_error e = {0};
		ARENA(a);

		cr_expect(listing_read(&a, with_rule(&a, rules[i]), &t, &e),
			  "%s: %u:%u: %s", rules[i], e.line, e.column, e.text);
	}
}

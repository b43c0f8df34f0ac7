/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_space.c - The normal form: who decides, and what is the same. */
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <string.h>

#include "space.h"

static const struct policy *lower(struct arena *a, const char *rules)
{
	struct config *config = arena_new(a, struct config);
	struct policy *p = arena_new(a, struct policy);
	struct diags d = {.arena = a, .file = "test"};

	d.text = arena_printf(a, "{%s}", rules);
	d.len = strlen(d.text);
	cr_assert(config_read(a, &d, config), "%s", d.text);
	cr_assert(policy_lower(a, &d, config, 0, p));
	return p;
}

static struct space build(struct arena *a, const struct policy *p,
			  enum space_names names)
{
	struct space s;

	cr_assert(space_build(a, &p->walk[POLICY_EGRESS], &p->slot, names, &s));
	return s;
}

static struct space space_of(struct arena *a, const char *rules)
{
	return build(a, lower(a, arena_printf(a, "\"Rules\": [%s]", rules)),
		     SPACE_NAMELESS);
}

/* Whether two documents mean the same to egress flows and queries. */
static enum space_answer same(const char *one, const char *other)
{
	ARENA(a);
	const struct space x = build(&a, lower(&a, one), SPACE_CUT);
	const struct space y = build(&a, lower(&a, other), SPACE_CUT);
	const enum space_answer answer = space_same(&x, &y, true);

	cr_expect_eq(space_same(&y, &x, true), answer);
	cr_expect_eq(space_same(&x, &x, true), SPACE_YES);
	return answer;
}

static uint32_t at(const struct space *s, const char *text, uint8_t proto,
		   uint16_t port)
{
	struct ip ip;

	cr_assert(ip_parse(text, &ip));
	return space_lookup(s, ip, proto, port);
}

Test(space, lowest_rule_decides)
{
	ARENA(a);
	const struct space s = space_of(
		&a,
		"{\"Action\": \"deny\", \"Destination\": \"10.1.0.0/16\","
		" \"Protocol\": \"tcp\", \"Ports\": [\"80\", \"90-99\"]},"
		"{\"Action\": \"allow\", \"Destination\": \"private\","
		" \"Protocols\": [\"tcp\", \"icmpv4\"]},"
		"{\"Action\": \"allow\", \"Port\": \"53\"},"
		"{\"Action\": \"deny\", \"Destination\": \"255.255.255.255\"}");

	cr_expect_eq(at(&s, "10.1.2.3", IPPROTO_TCP, 80), 0);
	cr_expect_eq(at(&s, "10.1.2.3", IPPROTO_TCP, 81), 1);
	cr_expect_eq(at(&s, "10.1.2.3", IPPROTO_TCP, 89), 1);
	cr_expect_eq(at(&s, "10.1.2.3", IPPROTO_TCP, 99), 0);
	cr_expect_eq(at(&s, "10.2.0.0", IPPROTO_TCP, 80), 1);
	cr_expect_eq(at(&s, "10.2.0.0", IPPROTO_UDP, 53), 2);
	cr_expect_eq(at(&s, "10.2.0.0", IPPROTO_UDP, 54), SPACE_FALLS);
	cr_expect_eq(at(&s, "10.2.0.0", IPPROTO_ICMP, 0), 1);
	cr_expect_eq(at(&s, "fd00::1", IPPROTO_ICMP, 0), SPACE_FALLS);
	cr_expect_eq(at(&s, "fd00::1", IPPROTO_ICMPV6, 0), SPACE_FALLS);
	cr_expect_eq(at(&s, "::ffff:10.1.0.0", IPPROTO_TCP, 80), 0);
	cr_expect_eq(at(&s, "255.255.255.255", IPPROTO_SCTP, 0), 3);
	cr_expect_eq(at(&s, "255.255.255.255", IPPROTO_TCP, 53), 2);
	cr_expect_eq(at(&s, "255.255.255.254", IPPROTO_SCTP, 0), SPACE_FALLS);
	cr_expect_str_eq(space_pointer(&s, 2), "/Rules/2");
	cr_expect_str_eq(space_pointer(&s, SPACE_FALLS), "/DefaultEgress");
	cr_expect(space_allows(&s, 2));
	cr_expect_not(space_allows(&s, SPACE_FALLS));
}

Test(space, rules_alone_agree_with_cells)
{
	ARENA(a);
	struct space s = space_of(
		&a, "{\"Action\": \"deny\", \"Destination\": \"10.1.0.0/16\"},"
		    "{\"Action\": \"allow\", \"Destination\": \"private\","
		    " \"Protocol\": \"tcp\", \"Port\": \"80\"}");

	s.runs[0].flat = false;
	cr_expect_eq(at(&s, "10.1.2.3", IPPROTO_TCP, 80), 0);
	cr_expect_eq(at(&s, "10.2.2.3", IPPROTO_TCP, 80), 1);
	cr_expect_eq(at(&s, "10.2.2.3", IPPROTO_UDP, 80), SPACE_FALLS);
}

Test(space, areas_have_no_gap)
{
	ARENA(a);
	const struct space s = space_of(
		&a, "{\"Action\": \"deny\", \"Destination\": \"0.0.0.0/32\"},"
		    "{\"Action\": \"deny\", \"Destination\": \"128.0.0.0/1\"},"
		    "{\"Action\": \"allow\", \"Destination\": \"ffff::/16\"},"
		    "{\"Action\": \"allow\", \"Destination\": \"::/1\"}");
	const struct space_area *area = &s.runs[0].area;
	ip_num next = 0;
	size_t i;

	for (i = 0; i < area->n; i++) {
		const struct ip_range r = area->v[i].addrs;

		cr_expect(r.lo == next && r.lo <= r.hi);
		next = r.hi == ip_max(r.family) ? 0 : r.hi + 1;
		if (i && r.lo)
			cr_expect_neq(area->v[i].profile,
				      area->v[i - 1].profile);
	}
	cr_expect(next == 0);
	cr_expect(area->n && area->v[0].addrs.family == IP_V4 &&
		  area->v[area->n - 1].addrs.family == IP_V6);
}

Test(space, ranges_need_not_be_prefixes)
{
	ARENA(a);
	struct policy_rule rules[2] = {
		{.dest = {.kind = CONFIG_DEST_RANGE,
			  .range = {IP_V4, 5, 0xfffffffe}},
		 .pointer = "/0"},
		{.allow = true, .pointer = "/1"},
	};
	const struct policy_walk walk = {.rules = rules, .n = 2};
	const struct slot slot = {.gw4 = {IP_V4, 1}, .gw6 = {IP_V6, 1}};
	struct space s;

	cr_assert(space_build(&a, &walk, &slot, SPACE_CUT, &s));
	cr_expect_eq(at(&s, "0.0.0.4", 6, 1), 1);
	cr_expect_eq(at(&s, "0.0.0.5", 6, 1), 0);
	cr_expect_eq(at(&s, "255.255.255.254", 6, 1), 0);
	cr_expect_eq(at(&s, "255.255.255.255", 6, 1), 1);
	cr_expect_eq(s.runs[0].area.n, 4);
}

Test(space, deciders_hide)
{
	ARENA(a);
	const struct space s = space_of(
		&a,
		"{\"Action\": \"allow\", \"Destination\": \"10.0.0.0/9\"},"
		"{\"Action\": \"allow\", \"Destination\": \"10.128.0.0/9\"},"
		"{\"Action\": \"deny\", \"Destination\": \"10.0.0.0/8\"},"
		"{\"Action\": \"deny\", \"Destination\": \"private\","
		" \"Protocol\": \"tcp\", \"Port\": \"1\"}");
	struct space_box *boxes;
	size_t work = 1000;
	uint32_t *v;
	size_t n;

	n = space_deciders(&a, &s, 2, &v, &work);
	cr_assert_eq(n, 2);
	cr_expect(v[0] == 0 && v[1] == 1);
	n = space_deciders(&a, &s, 3, &v, &work);
	cr_assert_eq(n, 3);
	cr_expect(v[0] == 0 && v[1] == 1 && v[2] == 3);
	cr_expect(work > 0 && work < 1000);
	cr_expect(space_boxes(&a, &s, 2, 100, &boxes, &n));
	cr_expect_eq(n, 2 * SPACE_CLASSES);
	cr_expect_not(space_boxes(&a, &s, 2, 7, &boxes, &n));
	cr_expect_eq(n, 7);
	cr_expect_eq(boxes[0].rule, 0);
	cr_expect(boxes[0].addrs.lo == ip4(10, 0, 0, 0).num &&
		  boxes[0].addrs.hi == ip4(10, 127, 255, 255).num);
}

Test(space, domain_rule_is_reached_where_a_later_one_decides)
{
	ARENA(a);
	const char *rules =
		"{\"Action\": \"allow\", \"Protocol\": \"tcp\"},"
		"{\"Action\": \"deny\", \"Destination\": \"a.example\","
		" \"Protocols\": [\"tcp\", \"udp\"], \"Port\": \"443\"}";
	const struct space s = space_of(&a, rules);
	size_t work = 1000;
	uint32_t *v;

	cr_assert_eq(space_deciders(&a, &s, 1, &v, &work), 2);
	cr_expect(v[0] == 0 && v[1] == SPACE_FALLS);
}

static enum space_answer nothing_within(const char *rules, uint32_t rule,
					size_t work)
{
	ARENA(a);
	const struct policy *p = lower(&a, rules);
	const struct space s = build(&a, p, SPACE_NAMELESS);

	return space_changes_nothing(&s, &p->slot, rule, true, &work);
}

static enum space_answer nothing(const char *rules, uint32_t rule)
{
	return nothing_within(rules, rule, 1000000);
}

Test(space, what_changes_nothing)
{
	const char *plain =
		"\"Rules\": ["
		"{\"Action\": \"deny\", \"Destination\": \"10.1.0.0/16\"},"
		"{\"Action\": \"allow\", \"Destination\": \"10.0.0.0/8\"},"
		"{\"Action\": \"allow\", \"Destination\": \"private\","
		" \"Protocol\": \"tcp\"},"
		"{\"Action\": \"deny\", \"Destination\": \"public\"}]";
	const char *names =
		"\"Rules\": ["
		"{\"Action\": \"allow\", \"Destination\": \"10.0.0.0/8\"},"
		"{\"Action\": \"deny\", \"Destination\": \"a.example\"}],"
		"\"DefaultEgress\": \"allow\"";

	cr_expect_eq(nothing(plain, 0), SPACE_NO);
	cr_expect_eq(nothing(plain, 1), SPACE_NO);
	cr_expect_eq(nothing(plain, 2), SPACE_NO);
	cr_expect_eq(nothing(plain, 3), SPACE_YES);
	cr_expect_eq(nothing_within(plain, 3, 3), SPACE_UNKNOWN);
	/* Without it a.example would be denied in 10.0.0.0/8 too. */
	cr_expect_eq(nothing(names, 0), SPACE_NO);
}

Test(space, same_however_written)
{
	cr_expect_eq(same("\"Policy\": \"public-only\"", ""), SPACE_YES);
	cr_expect_eq(
		same("\"Rules\": [{\"Action\": \"allow\","
		     " \"Protocol\": \"tcp\", \"Ports\": [\"80-90\"]}]",
		     "\"Rules\": [{\"Action\": \"allow\","
		     " \"Protocol\": \"tcp\", \"Ports\": [\"86-90\", \"80\"]},"
		     "{\"Action\": \"allow\", \"Protocol\": \"tcp\","
		     " \"Ports\": [\"81-85\"], \"Destination\": \"::/0\"},"
		     "{\"Action\": \"allow\", \"Protocol\": \"tcp\","
		     " \"Ports\": [\"80-85\"], \"Destination\": \"0.0.0.0/0\"}"
		     "]"),
		SPACE_YES);
	cr_expect_eq(same("\"Rules\": [{\"Action\": \"allow\"}]",
			  "\"Rules\": [], \"DefaultEgress\": \"allow\""),
		     SPACE_YES);
	cr_expect_eq(
		same("\"Policy\": \"none\"", "\"Policy\": \"public-only\""),
		SPACE_NO);
}

#define DENY(name)  "{\"Action\": \"deny\", \"Destination\": \"" name "\"}"
#define ALLOW(name) "{\"Action\": \"allow\", \"Destination\": \"" name "\"}"
#define RULES(v)    "\"Rules\": [" v "], \"DefaultEgress\": \"allow\""

Test(space, names_of_one_verdict_are_a_set)
{
	cr_expect_eq(same(RULES(DENY("a.example") "," DENY("b.example")),
			  RULES(DENY("b.example") "," DENY("a.example"))),
		     SPACE_YES);
	cr_expect_eq(same(RULES(DENY("a.example") "," DENY(".a.example")),
			  "\"DenyDomainSuffixes\": [\"a.example\"],"
			  "\"Rules\": [], \"DefaultEgress\": \"allow\""),
		     SPACE_YES);
	cr_expect_eq(same(RULES(DENY(".example") "," DENY("b.a.example")),
			  RULES(DENY(".example"))),
		     SPACE_YES);
	/* A suffix does not match its apex. */
	cr_expect_eq(same(RULES(DENY(".example") "," DENY("example")),
			  RULES(DENY(".example"))),
		     SPACE_NO);
	/* The default allows what is allowed last. */
	cr_expect_eq(same(RULES(DENY("a.example") "," ALLOW("b.example")),
			  RULES(DENY("a.example"))),
		     SPACE_YES);
	/* A flow can have both names. */
	cr_expect_eq(same(RULES(ALLOW("a.example") "," DENY("b.example")),
			  RULES(DENY("b.example") "," ALLOW("a.example"))),
		     SPACE_NO);
}

/* One allow rule for a name and what is below it, or two. A flow to the name
 * whose address is pinned to a name below it is allowed by the one alone. */
Test(space, one_rule_must_match_both_names)
{
	ARENA(a);
	const struct slot slot = {.gw4 = {IP_V4, 1}, .gw6 = {IP_V6, 1}};
	struct policy_rule rules[3] = {
		{.allow = true, .dest.kind = CONFIG_DEST_SUFFIX},
		{.allow = true, .dest.kind = CONFIG_DEST_NAME},
		{.allow = true, .dest.kind = CONFIG_DEST_SUFFIX},
	};
	struct policy_walk one = {.rules = rules, .n = 1};
	struct policy_walk two = {.rules = rules + 1, .n = 2};
	struct space x, y;
	struct dname name;
	size_t i;

	cr_assert_null(dname_from_config(&a, "a.example", &name));
	for (i = 0; i < 3; i++)
		rules[i].dest.name = name;
	rules[0].dest.apex = true;
	cr_assert(space_build(&a, &one, &slot, SPACE_CUT, &x) &&
		  space_build(&a, &two, &slot, SPACE_CUT, &y));
	cr_expect_eq(space_same(&x, &y, true), SPACE_NO);
	for (i = 0; i < 3; i++)
		rules[i].allow = false;
	one.default_allow = two.default_allow = true;
	cr_assert(space_build(&a, &one, &slot, SPACE_CUT, &x) &&
		  space_build(&a, &two, &slot, SPACE_CUT, &y));
	cr_expect_eq(space_same(&x, &y, true), SPACE_YES);
}

Test(space, a_query_is_about_the_name_alone)
{
	const char *tcp = "\"Rules\": [{\"Action\": \"allow\","
			  " \"Destination\": \"a.example\","
			  " \"Protocol\": \"tcp\", \"Port\": \"443\"}]";
	const char *more = "\"Rules\": [{\"Action\": \"allow\","
			   " \"Destination\": \"a.example\","
			   " \"Protocol\": \"tcp\", \"Port\": \"443\"},"
			   "{\"Action\": \"allow\","
			   " \"Destination\": \"b.example\","
			   " \"Protocol\": \"udp\", \"Port\": \"1\"}]";
	ARENA(a);
	const struct space x = build(&a, lower(&a, tcp), SPACE_CUT);
	const struct space y = build(&a, lower(&a, more), SPACE_CUT);
	struct space_change *v;
	size_t n, i, queries = 0, flows = 0;
	bool all;

	cr_assert_eq(space_diff(&a, &x, &y, true, 100, &v, &n, &all),
		     SPACE_YES);
	cr_expect(all);
	for (i = 0; i < n; i++) {
		cr_expect(v[i].names);
		queries += v[i].dns;
		flows += !v[i].dns && v[i].service.class == SPACE_UDP &&
			 v[i].service.lo == 1 && v[i].service.hi == 1;
	}
	/* Over TCP and UDP, in both families; and UDP port 1 in both. */
	cr_expect_eq(queries, 4);
	cr_expect_eq(flows, 2);
	cr_expect_eq(n, 6);
}

Test(space, a_difference_is_a_box)
{
	ARENA(a);
	const struct space x =
		build(&a, lower(&a, RULES(DENY("10.0.0.0/8"))), SPACE_CUT);
	const struct space y =
		build(&a,
		      lower(&a, RULES("{\"Action\": \"allow\","
				      " \"Destination\": \"10.1.0.0/16\","
				      " \"Protocol\": \"udp\","
				      " \"Ports\": [\"7\", \"9-65535\"]}," DENY(
					      "10.0.0.0/8"))),
		      SPACE_CUT);
	const struct space_service want = {SPACE_UDP, 9, UINT16_MAX};
	struct space_change *v;
	uint16_t port;
	uint8_t proto;
	size_t n;
	bool all;

	cr_assert_eq(space_diff(&a, &x, &y, true, 100, &v, &n, &all),
		     SPACE_YES);
	cr_assert_eq(n, 2);
	cr_expect(all && !v[1].names && !v[1].dns);
	cr_expect(v[1].addrs.lo == ip4(10, 1, 0, 0).num &&
		  v[1].addrs.hi == ip4(10, 1, 255, 255).num);
	cr_expect_eq(v[1].service.class, want.class);
	cr_expect(v[1].service.lo == want.lo && v[1].service.hi == want.hi);
	cr_expect(!v[1].before_allow && v[1].after_allow);
	cr_expect(v[1].before == 0 && v[1].after == 0);
	cr_expect(
		ip_equal(space_witness(v[1].addrs, v[1].service, &proto, &port),
			 ip4(10, 1, 0, 0)));
	cr_expect(proto == IPPROTO_UDP && port == 9);
	cr_assert_eq(space_diff(&a, &x, &y, true, 1, &v, &n, &all), SPACE_YES);
	cr_expect(n == 1 && !all);
}

Test(space, what_is_too_much_is_left_as_rules)
{
	ARENA(a);
	const size_t broad = 20000, narrow = 4000;
	struct policy_rule *v =
		arena_array(&a, broad + narrow, struct policy_rule);
	struct config_ports *ports =
		arena_array(&a, broad + narrow, struct config_ports);
	const struct policy_walk walk = {.rules = v, .n = broad + narrow};
	const struct slot slot = {.gw4 = {IP_V4, 1}, .gw6 = {IP_V6, 1}};
	struct space s;
	size_t i;

	for (i = 0; i < broad + narrow; i++) {
		ports[i].lo = ports[i].hi = (uint16_t)(2 * i % 50000 + 1);
		v[i] = (struct policy_rule){
			.protos = CONFIG_TCP,
			.ports = &ports[i],
			.n_ports = 1,
			.pointer = "/x",
		};
		/* All of them in one prefix with many ports. */
		v[i].dest.kind = CONFIG_DEST_RANGE;
		v[i].dest.range = ip_prefix(ip4(11, 0, 0, 0), 8);
		if (i >= broad) {
			v[i].dest.range = ip_prefix(
				ip4(11, (uint8_t)(i >> 8), (uint8_t)i, 0), 24);
		}
	}
	cr_expect_not(space_build(&a, &walk, &slot, SPACE_CUT, &s));
	cr_expect_not(s.flat);
	cr_expect_not(s.runs[0].flat);
	cr_expect_eq(at(&s, "11.8.0.1", IPPROTO_TCP, 4097), 2048);
	cr_expect_eq(at(&s, "11.8.0.1", IPPROTO_TCP, 4098), SPACE_FALLS);
	cr_expect_eq(space_same(&s, &s, true), SPACE_UNKNOWN);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_plan.c - What follows from a document for links, limits and helpers. */
#include <criterion/criterion.h>
#include <string.h>

#include "plan.h"
#include "relay.h"
#include "str.h"
#include "tables.h"

/* A document that is right, planned as slot 0. */
static void plan_of(struct arena *a, const char *text, struct config *config,
		    struct policy *policy, struct plan *ret)
{
	struct diags d = {
		.arena = a, .file = "test", .text = text, .len = strlen(text)};

	cr_assert(config_read(a, &d, config), "%s", text);
	cr_assert(policy_lower(a, &d, config, 0, policy), "%s", text);
	cr_assert(plan_make(a, &d, policy, "test", ret), "%s", text);
}

Test(plan, a_relay_where_something_needs_one)
{
	static const struct {
		const char *text;
		/* What of the egress walk needs it, and whether ports do. */
		const char *pointer;
		bool ports;
	} rows[] = {
		{"{}", NULL, false},
		{"{\"Policy\": \"none\"}", NULL, false},
		{"{\"Policy\": \"non-local\"}", NULL, false},
		{"{\"Policy\": \"allow-all\"}", "/DefaultEgress", false},
		{"{\"Ports\": {\"1\": 2}}", NULL, true},
		{"{\"PortBindings\": [{\"Bind\": \"192.0.2.1\", \"HostPort\": 1, "
		 "\"GuestPort\": 2}]}",
		 NULL, true},
		{"{\"Ports\": {\"1\": 2}, \"DefaultEgress\": \"allow\"}",
		 "/DefaultEgress", true},
		{"{\"Rules\": [{\"Action\": \"allow\", \"Destination\": "
		 "\"host\", \"Ports\": [\"52-54\"]}]}",
		 "/Rules/0", false},
		/* DNS, and what is refused while names are seen. */
		{"{\"Rules\": [{\"Action\": \"allow\", \"Destination\": "
		 "\"host\", \"Ports\": [\"53\", \"853\"]}]}",
		 NULL, false},
		/* Without DNS to be served, it is a port like others. */
		{"{\"Rules\": [{\"Action\": \"allow\", \"Destination\": "
		 "\"host\", \"Ports\": [\"853\"]}]}",
		 "/Rules/0", false},
		{"{\"Rules\": [{\"Action\": \"allow\", \"Destination\": "
		 "\"host\", \"Protocol\": \"icmpv4\"}]}",
		 NULL, false},
		{"{\"Rules\": [{\"Action\": \"allow\", \"Destination\": "
		 "\"private\"}]}",
		 NULL, false},
		{"{\"Rules\": [{\"Action\": \"allow\", \"Destination\": "
		 "\"172.16.0.0/12\", \"Protocol\": \"udp\"}]}",
		 "/Rules/0", false},
		{"{\"Rules\": [{\"Action\": \"deny\", \"Destination\": "
		 "\"host\"}], \"DefaultEgress\": \"allow\"}",
		 NULL, false},
		/* One port, of one protocol, of one family is left. */
		{"{\"Rules\": [{\"Action\": \"deny\", \"Destination\": "
		 "\"172.16.0.1\"}, {\"Action\": \"deny\", \"Destination\": "
		 "\"host\", \"Protocol\": \"tcp\"}, {\"Action\": \"deny\", "
		 "\"Ports\": [\"1-6999\", \"7001-65535\"]}], "
		 "\"DefaultEgress\": \"allow\"}",
		 "/DefaultEgress", false},
		{"{\"Rules\": [{\"Action\": \"deny\", \"Ports\": [\"1-6999\", "
		 "\"7000-65535\"]}], \"DefaultEgress\": \"allow\"}",
		 NULL, false},
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config config;
		struct policy policy;
		struct plan p;
		const char *got, *reason;
		ARENA(a);

		plan_of(&a, rows[i].text, &config, &policy, &p);
		got = relay_host_egress(&policy);
		cr_expect_eq(!got, !rows[i].pointer, "%s", rows[i].text);
		if (got && rows[i].pointer)
			cr_expect_str_eq(got, rows[i].pointer);
		cr_expect_eq(p.host_egress, got != NULL);
		cr_assert_eq(plan_needs(&p, PLAN_RELAYD), got || rows[i].ports,
			     "%s", rows[i].text);
		if (!plan_needs(&p, PLAN_RELAYD))
			continue;
		reason = p.helpers[p.n_helpers - 1].reason;
		cr_expect_eq(strncmp(reason, "published", 9) == 0,
			     rows[i].ports);
		cr_expect_eq(!strstr(reason, "to the gateway"), !got);
	}
}

static const struct nft_object *object(const struct plan *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->sandbox.n_objects; i++)
		if (strcmp(p->sandbox.objects[i].name, name) == 0)
			return &p->sandbox.objects[i];
	return NULL;
}

Test(plan, buckets_in_the_units_of_the_kernel)
{
	static const struct {
		const char *size;
		const char *refill;
		uint64_t rate;
		enum nft_unit unit;
		uint32_t burst;
		/* Of packets instead of bytes. */
		bool packets;
	} rows[] = {
		/* A second's refill is in the bucket of bytes besides. */
		{"1000000", "1000000000", 1000000, NFT_SECOND, 0, false},
		{"1000000", "100000000", 10000000, NFT_SECOND, 0, false},
		{"1000000", "10000000000", 100000, NFT_SECOND, 900000, false},
		{"1000", "60000000000", 1000, NFT_MINUTE, 0, false},
		{"100", "7000000000", 857, NFT_MINUTE, 0, false},
		{"1", "1000000", 1000, NFT_SECOND, 0, false},
		/* One byte in two days: a day is as long as a unit gets. */
		{"1", "172800000000000", 1, NFT_DAY, 0, false},
		{"9223372036854775807", "1000000", 18446744073u, NFT_SECOND, 0,
		 false},
		{"9223372036854775807", "9223372036854775807", 1000000000u,
		 NFT_SECOND, UINT32_MAX, false},
		{"100", "1000000000", 100, NFT_SECOND, 100, true},
		{"100", "1000000", 100000, NFT_SECOND, 100, true},
		{"1", "604800000000000", 1, NFT_WEEK, 1, true},
		/* Seventy days: an hour would lose too much. */
		{"50000", "6048000000000000", 714, NFT_DAY, 50000, true},
		{"9223372036854775807", "1000000", 1000000000u, NFT_SECOND,
		 UINT32_MAX, true},
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct nft_object *o;
		struct config config;
		struct policy policy;
		struct plan p;
		ARENA(a);

		plan_of(&a,
			arena_printf(&a,
				     "{\"RateLimiter\": {\"Ingress\": {\"%s\": "
				     "{\"Size\": %s, \"RefillTime\": %s}}}}",
				     rows[i].packets ? "Ops" : "Bandwidth",
				     rows[i].size, rows[i].refill),
			&config, &policy, &p);
		cr_assert_eq(p.sandbox.n_objects, 1);
		o = object(&p, rows[i].packets ? "ingress_packets"
					       : "ingress_bytes");
		cr_assert(o);
		cr_expect_eq(o->rate, rows[i].rate, "row %zu: rate %llu", i,
			     (unsigned long long)o->rate);
		cr_expect_eq(o->unit, rows[i].unit, "row %zu: unit %d", i,
			     (int)o->unit);
		cr_expect_eq(o->burst, rows[i].burst, "row %zu: burst %u", i,
			     o->burst);
	}
}

static const struct nft_chain *chain(const struct plan *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->sandbox.n_chains; i++)
		if (strcmp(p->sandbox.chains[i].name, name) == 0)
			return &p->sandbox.chains[i];
	return NULL;
}

Test(plan, open_flows_are_taken_off_a_new_cap)
{
	static const struct {
		const char *text;
		uint32_t open;
		/* The number in the rule; none: every new flow is refused. */
		int cap;
	} rows[] = {
		{"{\"MaxConnections\": 5}", 0, 5},
		{"{\"MaxConnections\": 5}", 3, 2},
		{"{\"MaxConnections\": 5}", 9, 0},
		{"{\"MaxConnections\": 0}", 9, -1},
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct nft_chain *c;
		struct config config;
		struct policy policy;
		struct plan p;
		ARENA(a);

		plan_of(&a, rows[i].text, &config, &policy, &p);
		plan_cap_open(&p, rows[i].open);
		c = chain(&p, "cap");
		cr_assert(c && c->n == 1);
		cr_expect(c->keep);
		cr_expect_eq(c->rules[0].match[0].key == NFT_CT_COUNT_OVER,
			     rows[i].cap >= 0);
		if (rows[i].cap >= 0)
			cr_expect_eq((int)c->rules[0].match[0].v[0].lo,
				     rows[i].cap);
	}
}

Test(plan, published_ports_are_not_too_many)
{
	size_t n;

	for (n = PLAN_MAX_BINDINGS; n <= PLAN_MAX_BINDINGS + 1; n++) {
		struct config config;
		struct policy policy;
		struct plan p;
		struct diags d;
		size_t i;
		ARENA(a);
		STR(s);

		str_puts(&s, "{\"Ports\": {");
		for (i = 0; i < n; i++)
			str_printf(&s, "%s\"%zu\": 80", i ? ", " : "", 1 + i);
		str_puts(&s, "}}");
		d = (struct diags){.arena = &a,
				   .file = "test",
				   .text = str_text(&s),
				   .len = s.len};
		cr_assert(config_read(&a, &d, &config));
		cr_assert(policy_lower(&a, &d, &config, 0, &policy));
		cr_assert_eq(plan_make(&a, &d, &policy, "test", &p),
			     n == PLAN_MAX_BINDINGS);
		if (n == PLAN_MAX_BINDINGS)
			continue;
		cr_expect_eq(d.v[d.n - 1].code, DIAG_POLICY_SIZE);
		cr_expect_str_eq(d.v[d.n - 1].pointer, "/Ports/1025");
	}
}

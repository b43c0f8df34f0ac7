/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_tls_conf.c - tls.json, and what is refused of it. */
#include <criterion/criterion.h>
#include <string.h>

#include "eval.h"
#include "str.h"
#include "tls_conf.h"

#define HEAD \
	"{\"Version\":1,\"Name\":\"web\",\"Generation\":\"0x10\"," \
	"\"Gateway4\":\"172.16.0.1\",\"Gateway6\":\"fd00::1\"," \
	"\"Guest4\":\"172.16.0.2\",\"Guest6\":\"fd00::2\"," \
	"\"DNS\":\"helper\",\"Port\":61441"
#define DENY ",\"DefaultEgress\":\"deny\""

static const struct tls_conf *read_conf(struct arena *a, const char *text)
{
	char reason[CONF_REASON_MAX] = "";
	const struct tls_conf *c =
		tls_conf_decode(a, text, strlen(text), reason);

	cr_assert(c, "%s", reason);
	return c;
}

Test(tls_conf, least)
{
	ARENA(a);
	const struct tls_conf *c = read_conf(&a, HEAD DENY "}");

	cr_expect_str_eq(c->walk.name, "web");
	cr_expect_str_eq(c->walk.table, "msb");
	cr_expect_eq(c->port, 61441);
	cr_expect_eq(c->dns, POLICY_DNS_HELPER);
	cr_expect_eq(c->limits.connections, TLS_CONNECTIONS);
	cr_expect_eq(c->limits.intercepted, TLS_INTERCEPTED);
	cr_expect_eq(c->limits.hello_ms, TLS_HELLO_MS);
	cr_expect_eq(c->limits.connect_ms, TLS_CONNECT_MS);
	cr_expect_eq(c->limits.handshake_ms, TLS_HANDSHAKE_MS);
	cr_expect_eq(c->limits.hello_bytes, TLS_HELLO_BYTES);
	cr_expect_null(c->intercept);
	cr_expect_not(eval_intercepts(&c->walk.policy, 443));
	cr_expect_not(tls_conf_host(c, IP_V4, 443));
}

Test(tls_conf, interception_and_limits)
{
	ARENA(a);
	const struct tls_conf *c = read_conf(
		&a, HEAD DENY
		",\"Intercept\":{\"Bypass\":[\"*.bank.example\"],"
		"\"VerifyUpstream\":false,\"Ports\":[8443]},"
		"\"Limits\":{\"Connections\":10,\"Intercepted\":2,"
		"\"HelloMs\":100,\"ConnectMs\":200,\"HandshakeMs\":300,"
		"\"HelloBytes\":131072}}");
	struct dname name;

	cr_assert(c->intercept);
	cr_expect_not(c->intercept->verify_upstream);
	cr_expect(eval_intercepts(&c->walk.policy, 8443));
	cr_expect_not(eval_intercepts(&c->walk.policy, 443));
	cr_expect_null(dname_from_config(&a, "a.bank.example", &name));
	cr_expect(eval_bypasses(&c->walk.policy, name));
	cr_expect_null(dname_from_config(&a, "bank.example", &name));
	cr_expect_not(eval_bypasses(&c->walk.policy, name));
	cr_expect_eq(c->limits.connections, 10);
	cr_expect_eq(c->limits.intercepted, 2);
	cr_expect_eq(c->limits.hello_ms, 100);
	cr_expect_eq(c->limits.connect_ms, 200);
	cr_expect_eq(c->limits.handshake_ms, 300);
	cr_expect_eq(c->limits.hello_bytes, 131072);
}

Test(tls_conf, servers_are_verified_unless_said)
{
	ARENA(a);
	const struct tls_conf *c =
		read_conf(&a, HEAD DENY ",\"Intercept\":{\"Ports\":[]}}");

	cr_assert(c->intercept);
	cr_expect(c->intercept->verify_upstream);
}

#define RULE(action, dest) \
	"{\"Action\":\"" action "\",\"Destination\":\"" dest "\"}"
#define SET(name, dests) \
	"{\"Set4\":\"" name "_4\",\"Set6\":\"" name "_6\"," \
	"\"Destinations\":[" dests "]}"

Test(tls_conf, a_rule_has_the_set_that_says_the_most)
{
	ARENA(a);
	const struct tls_conf *c = read_conf(
		&a, HEAD DENY
		",\"Rules\":[" RULE("allow", "a.example") "," RULE("allow", ".example.net") "," RULE("allow", "10.0.0.0/8") "," RULE(
			"deny",
			"nobody.example") "," RULE("allow",
						   "b.example") "],\"PinSets\":[" SET("wide",
										      "\"a.example\",\"b.example\",\".example.net\"") "," SET("narrow",
																	      "\"a.example\"") "]}");

	cr_expect_eq(c->rule_set[0], 1);
	cr_expect_eq(c->rule_set[1], 0);
	cr_expect_eq(c->rule_set[2], TLS_NO_SET);
	cr_expect_eq(c->rule_set[3], TLS_NO_SET);
	cr_expect_eq(c->rule_set[4], 0);
}

Test(tls_conf, the_host)
{
	ARENA(a);
	const struct tls_conf *c = read_conf(
		&a, HEAD DENY ",\"Rules\":[{\"Action\":\"allow\","
			      "\"Destination\":\"host\",\"Port\":443}," RULE(
				      "allow", "a.example") "]}");

	cr_expect(tls_conf_host(c, IP_V4, 443));
	cr_expect(tls_conf_host(c, IP_V6, 443));
	cr_expect_not(tls_conf_host(c, IP_V4, 444));
	/* Whatever the rules say of names, the gateway has none. */
	cr_expect_not(tls_conf_host(c, IP_V4, 80));
}

Test(tls_conf, secrets)
{
	ARENA(a);
	const struct tls_conf *c = read_conf(
		&a, HEAD DENY
		",\"Secrets\":[{\"Name\":\"KEY\",\"ValueFile\":\"/run/key\","
		"\"Placeholder\":\"@KEY@@\",\"AllowedHosts\":["
		"\"API.example.com.\",\"*.example.net\"],"
		"\"Inject\":[\"query\",\"headers\"],"
		"\"OnViolation\":\"block-and-terminate\"},"
		"{\"Name\":\"TOKEN\",\"ValueEnv\":\"T\"},"
		"{\"Name\":\"NOWHERE\",\"ValueEnv\":\"N\",\"Inject\":[],"
		"\"OnViolation\":\"block\"}]}");
	const struct secret *s = c->secrets.all;

	cr_assert_eq(c->secrets.n, 3);
	cr_expect_str_eq(s[0].name, "KEY");
	cr_expect_eq(s[0].placeholder_len, 6);
	cr_expect_arr_eq(s[0].placeholder, "@KEY@@", 6);
	cr_expect_null(s[0].value);
	cr_expect_eq(s[0].value_len, 0);
	cr_expect_eq(s[0].inject, SECRET_IN_QUERY | SECRET_IN_HEADERS);
	cr_expect_eq(s[0].action, SECRET_BLOCK_AND_TERMINATE);
	cr_assert_eq(s[0].n_hosts, 2);
	cr_expect_str_eq(s[0].hosts[0].name, "api.example.com");
	cr_expect_not(s[0].hosts[0].below);
	cr_expect_str_eq(s[0].hosts[1].name, "example.net");
	cr_expect(s[0].hosts[1].below);
	cr_expect_str_eq(c->sources[0].file, "/run/key");
	cr_expect_null(c->sources[0].env);
	/* What is left out is as in the document. */
	cr_expect_arr_eq(s[1].placeholder, "$MSB_TOKEN", 10);
	cr_expect_eq(s[1].placeholder_len, 10);
	cr_expect_eq(s[1].n_hosts, 0);
	cr_expect_eq(s[1].inject, SECRET_IN_HEADERS | SECRET_IN_BASIC);
	cr_expect_eq(s[1].action, SECRET_BLOCK_AND_LOG);
	cr_expect_null(c->sources[1].file);
	cr_expect_str_eq(c->sources[1].env, "T");
	cr_expect_eq(s[2].inject, 0);
	cr_expect_eq(s[2].action, SECRET_BLOCK);
	/* The walk knows of them. */
	cr_expect(eval_reads(&c->walk.policy, 80));
	cr_expect_not(eval_reads(&c->walk.policy, 443));
}

/* A document that is compiled has no more, and neither has what it became. */
Test(tls_conf, more_secrets_than_may_be)
{
	static const struct {
		unsigned int n;
		int len;
		bool good;
	} rows[] = {
		{SECRET_MAX, 24, true},	    {SECRET_MAX, 25, false},
		{SECRET_MAX + 1, 6, false}, {48, 128, true},
		{49, 128, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char reason[CONF_REASON_MAX] = "";
		const struct tls_conf *c;
		STR(text);
		ARENA(a);

		str_puts(&text, HEAD DENY ",\"Secrets\":[");
		for (unsigned int k = 0; k < rows[i].n; k++)
			str_printf(&text,
				   "%s{\"Name\":\"N%u\",\"ValueEnv\":\"V\","
				   "\"Placeholder\":\"%0*u\"}",
				   k ? "," : "", k, rows[i].len, k);
		str_puts(&text, "]}");
		c = tls_conf_decode(&a, str_text(&text), text.len, reason);
		cr_expect_eq(!c, !rows[i].good, "%u of %d: %s", rows[i].n,
			     rows[i].len, reason);
		cr_expect(c || strstr(reason, "/Secrets"), "%s", reason);
	}
}

Test(tls_conf, refused)
{
	static const struct {
		const char *text;
		const char *reason;
	} rows[] = {
		{"", ""},
		{"[]", ""},
		{"{}", "Version"},
		{HEAD "}", "DefaultEgress"},
		{HEAD DENY ",\"Unknown\":1}", "/Unknown"},
		{HEAD DENY ",\"Intercept\":{}}", "Ports"},
		{HEAD DENY ",\"Intercept\":{\"Ports\":[0]}}",
		 "/Intercept/Ports/0"},
		{HEAD DENY ",\"Intercept\":{\"Ports\":[65536]}}",
		 "/Intercept/Ports/0"},
		{HEAD DENY ",\"Intercept\":{\"Ports\":[443],"
			   "\"Bypass\":[\"a*\"]}}",
		 "/Intercept/Bypass/0"},
		{HEAD DENY ",\"Limits\":{\"Connections\":0}}",
		 "/Limits/Connections"},
		{HEAD DENY ",\"Limits\":{\"Connections\":65537}}",
		 "/Limits/Connections"},
		{HEAD DENY ",\"Limits\":{\"HelloMs\":86400001}}",
		 "/Limits/HelloMs"},
		{HEAD DENY ",\"Limits\":{\"HelloBytes\":131071}}",
		 "/Limits/HelloBytes"},
		{HEAD DENY ",\"Pointers\":[\"/Rules/0\"]}",
		 "1 pointers for 0 rules"},
		{HEAD DENY ",\"PinSets\":[{\"Set4\":\"a\"}]}", "Set6"},
		{HEAD DENY ",\"PinSets\":[" SET("a", "\"10.0.0.1\"") "]}",
		 "/PinSets/0/Destinations/0"},
		{HEAD DENY ",\"Rules\":[{\"Action\":\"maybe\"}]}",
		 "/Rules/0/Action"},
		{HEAD DENY ",\"Secrets\":[{\"Name\":\"A\"}]}", "/Secrets/0"},
		{HEAD DENY ",\"Secrets\":[{\"Name\":\"A\","
			   "\"ValueFile\":\"a\"}]}",
		 "/Secrets/0/ValueFile"},
		{HEAD DENY ",\"Secrets\":[{\"Name\":\"A\","
			   "\"ValueEnv\":\"a\",\"Value\":\"x\"}]}",
		 "/Secrets/0/Value"},
		{HEAD DENY ",\"Secrets\":[{\"Name\":\"A\",\"ValueEnv\":\"a\","
			   "\"Placeholder\":\"short\"}]}",
		 "/Secrets/0/Placeholder"},
		{HEAD DENY ",\"Secrets\":[{\"Name\":\"A\",\"ValueEnv\":\"a\"},"
			   "{\"Name\":\"A\",\"ValueEnv\":\"b\","
			   "\"Placeholder\":\"@AAAAA@\"}]}",
		 "/Secrets/1/Name"},
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char reason[CONF_REASON_MAX] = "";
		ARENA(a);

		cr_expect_null(tls_conf_decode(&a, rows[i].text,
					       strlen(rows[i].text), reason),
			       "%s", rows[i].text);
		cr_expect(*reason && strstr(reason, rows[i].reason), "%s: %s",
			  rows[i].text, reason);
	}
}

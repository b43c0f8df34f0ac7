/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_locate.c - Places of JSON pointers, and spellings of field names. */
#include <criterion/criterion.h>
#include <string.h>

#include "locate.h"

static const char doc[] =
	"{\n"
	"  \"Policy\": \"none\",\n"
	"  \"rules\": [ {\"Action\":1}, [true , null],-5 ],\n"
	"  \"T\\u004cS\": {\"b\\\"ypass\": {}, \"ca_cert\": \"x\"},\n"
	"  \"a/b\": {\"~\": 7, \"~\": 8}\n"
	"}\n";

/* The text at a place must start with @want. */
static void expect(const char *pointer, bool key, const char *want,
		   const char *spelled)
{
	ARENA(a);
	struct locate_place p =
		locate_pointer(&a, doc, strlen(doc), pointer, key);

	cr_assert(p.found, "%s", pointer);
	cr_assert_eq(p.len, strlen(want), "%s: %zu", pointer, p.len);
	cr_assert(!strncmp(doc + p.offset, want, p.len), "%s: %.9s", pointer,
		  doc + p.offset);
	cr_assert_str_eq(p.pointer, spelled);
}

Test(locate, finds_values_and_keys)
{
	expect("", false, "{", "");
	expect("/Policy", false, "\"none\"", "/Policy");
	expect("/Policy", true, "\"Policy\"", "/Policy");
	expect("/Rules", false, "[", "/rules");
	expect("/Rules/0/Action", false, "1", "/rules/0/Action");
	expect("/Rules/1/0", false, "true", "/rules/1/0");
	expect("/Rules/1/1", false, "null", "/rules/1/1");
	expect("/Rules/2", true, "-5", "/rules/2");
	expect("/TLS/CACert", false, "\"x\"", "/TLS/ca_cert");
	expect("/TLS/CACert", true, "\"ca_cert\"", "/TLS/ca_cert");
	expect("/TLS", true, "\"T\\u004cS\"", "/TLS");
	/* The last of two equal keys is the one that a parser keeps. */
	expect("/a~1b/~0", false, "8", "/a~1b/~0");
}

Test(locate, names_the_nearest_ancestor)
{
	ARENA(a);
	struct locate_place p = locate_pointer(&a, doc, strlen(doc),
					       "/Rules/0/Destination", false);

	cr_assert(!p.found);
	cr_assert_eq(doc[p.offset], '{');
	cr_assert_str_eq(p.pointer, "/rules/0/Destination");
	p = locate_pointer(&a, doc, strlen(doc), "/Rules/9/Ports/0", true);
	cr_assert(!p.found);
	cr_assert_eq(doc[p.offset], '[');
	cr_assert_str_eq(p.pointer, "/rules/9/Ports/0");
	p = locate_pointer(&a, doc, strlen(doc), "/Rules/x", false);
	cr_assert(!p.found);
}

Test(locate, stays_inside_any_text)
{
	ARENA(a);

	for (size_t len = 0; len <= strlen(doc); len++) {
		/* A copy without a NUL behind it, for AddressSanitizer. */
		char *text = malloc(len ? len : 1);
		struct locate_place p;

		memcpy(text, doc, len);
		p = locate_pointer(&a, text, len, "/a~1b/~0", false);
		cr_assert_leq(p.offset + p.len, len);
		p = locate_pointer(&a, text, len, "/TLS/CACert", true);
		cr_assert_leq(p.offset + p.len, len);
		free(text);
	}
}

Test(locate, counts_lines_and_columns)
{
	static const char text[] = "a\nb\xc3\xa9"
				   "c\r\n\n";
	static const struct {
		size_t offset;
		unsigned int line, column;
	} v[] = {{0, 1, 1}, {1, 1, 2}, {2, 2, 1}, {3, 2, 2},
		 {5, 2, 3}, {8, 3, 1}, {9, 4, 1}};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		unsigned int line, column;

		locate_line(text, v[i].offset, &line, &column);
		cr_assert_eq(line, v[i].line, "%zu", i);
		cr_assert_eq(column, v[i].column, "%zu: %u", i, column);
	}
}

Test(locate, spells_names_in_snake_case)
{
	static const char *const v[][2] = {
		{"Policy", "policy"},
		{"DefaultEgress", "default_egress"},
		{"DenyDomainSuffixes", "deny_domain_suffixes"},
		{"DNS", "dns"},
		{"DNSRebindProtection", "dns_rebind_protection"},
		{"RebindProtection", "rebind_protection"},
		{"QueryTimeoutMs", "query_timeout_ms"},
		{"TLS", "tls"},
		{"BlockQUIC", "block_quic"},
		{"CACert", "ca_cert"},
		{"CAKey", "ca_key"},
		{"UpstreamCACerts", "upstream_ca_certs"},
		{"TrustHostCAs", "trust_host_cas"},
		{"IPv4Pool", "ipv4_pool"},
		{"IPv6Pool", "ipv6_pool"},
		{"OneTimeBurst", "one_time_burst"},
		{"8080", "8080"},
		{"already_snake", "already_snake"},
		{"", ""},
	};
	char buf[LOCATE_NAME_MAX];

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++)
		cr_assert_str_eq(locate_snake(v[i][0], buf), v[i][1]);
}

Test(locate, unquotes)
{
	static const char *const v[][2] = {
		{"\"a\\n\\\"\\\\\\/\"", "a\n\"\\/"},
		{"\"\\u0041\\u00e9\\u20ac\"", "A\xc3\xa9\xe2\x82\xac"},
		{"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80"},
		{"\"\\ud83dx\"", "\xef\xbf\xbdx"},
		{"\"\\ude00\"", "\xef\xbf\xbd"},
		{"\"\"", ""},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		STR(s);

		locate_unquote(&s, v[i][0], strlen(v[i][0]));
		cr_assert_str_eq(str_text(&s), v[i][1], "%s", v[i][0]);
	}
}

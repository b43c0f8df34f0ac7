/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_http2.c - Requests of nghttp2's client, as nghttp2's server hears them.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "http2_case.h"

Test(http2, header)
{
	int32_t id;

	h2_begin_flow(API);
	id = h2_ask(API, "/", "authorization", "Bearer $MSB_KEY", NULL);
	h2_talk();
	cr_assert_eq(h2.state, GATE_OK, "%s", h2.violation.why);
	cr_assert(h2_is_heard(id, "authorization: Bearer sk-12345\n"));
	cr_assert(h2_is_heard(id, ":authority: " API "\n"));
	cr_assert(h2.heard[id].ended);
	cr_assert_eq(h2.n_answers, 1);
}

Test(http2, value_is_never_in_a_table)
{
	int32_t id;

	h2_begin_flow(API);
	for (int i = 0; i < 3; i++) {
		id = h2_ask(API, "/?$MSB_QUERY", "x-key", "$MSB_KEY", NULL);
		h2_talk();
		cr_assert(h2_is_heard(id, "x-key: sk-12345\n"));
		cr_assert(h2_is_heard(id, ":path: /?a%26b%20c%2F1\n"));
		cr_assert(strstr(h2.heard[id].never, "x-key\n"));
		cr_assert(strstr(h2.heard[id].never, ":path\n"));
		cr_assert(!strstr(h2.heard[id].never, ":authority\n"));
	}
}

Test(http2, basic)
{
	int32_t id;

	h2_begin_flow(API);
	id = h2_ask(API, "/", "authorization",
		    "Basic dXNlcjokTVNCX0tFWQ==", NULL);
	h2_talk();
	cr_assert(
		h2_is_heard(id, "authorization: Basic dXNlcjpzay0xMjM0NQ==\n"));
}

Test(http2, reflected_headers)
{
	static const char *const names[] = {"user-agent", "referer", "origin",
					    "x-request-id", "traceparent"};

	h2_begin_flow(API);
	for (size_t i = 0; i < COUNT(names); i++) {
		const int32_t id = h2_ask(API, "/", names[i], "$MSB_KEY", NULL);
		char line[64];

		h2_talk();
		snprintf(line, sizeof(line), "%s: $MSB_KEY\n", names[i]);
		cr_assert(h2_is_heard(id, line));
	}
}

static void expect(enum gate_where where, enum case_secret secret)
{
	h2_talk();
	cr_assert_eq(h2.state, GATE_VIOLATION);
	cr_assert_eq(h2.violation.where, where, "%s",
		     gate_where_name(h2.violation.where));
	cr_assert_eq(h2.violation.found.secret, secret);
	cr_assert_eq(h2.violation.action, case_secrets[secret].action);
}

Test(http2, violation_in_a_header)
{
	int32_t id;

	h2_begin_flow(API);
	id = h2_ask(API, "/", "x", "%24MSB_OTHER", NULL);
	expect(GATE_HEADER, SECRET_OTHER);
	cr_assert_eq(h2.violation.found.form, FINDER_PERCENT);
	cr_assert_str_empty(h2.heard[id].head);
}

Test(http2, violation_in_the_path)
{
	h2_begin_flow(API);
	h2_ask(API, "/$MSB_OTHER", NULL, NULL, NULL);
	expect(GATE_REQUEST_LINE, SECRET_OTHER);
}

Test(http2, violation_in_a_body)
{
	struct body b = {"some $MSB_OTHER text", 20};

	h2_begin_flow(API);
	h2_ask(API, "/", NULL, NULL, &b);
	expect(GATE_BODY, SECRET_OTHER);
}

Test(http2, violation_in_the_second_request)
{
	h2_begin_flow(API);
	h2_ask(API, "/", "x", "$MSB_KEY", NULL);
	h2_talk();
	cr_assert_eq(h2.state, GATE_OK);
	h2_ask(API, "/", "x", "$MSB_OTHER", NULL);
	expect(GATE_HEADER, SECRET_OTHER);
}

Test(http2, violation_by_another_server)
{
	h2_begin_flow("unknown.example.org");
	h2_ask("anything", "/", "x", "$MSB_KEY", NULL);
	expect(GATE_HEADER, SECRET_KEY);
}

Test(http2, authority_does_not_matter_elsewhere)
{
	h2_begin_flow("unknown.example.org");
	h2_ask("anything", "/", "x", "y", NULL);
	h2_talk();
	cr_assert_eq(h2.state, GATE_OK);
}

Test(http2, authority)
{
	h2_begin_flow(API);
	h2_ask("evil.example.org", "/", "x", "$MSB_KEY", NULL);
	h2_talk();
	cr_assert_eq(h2.state, GATE_VIOLATION);
	cr_assert_eq(h2.violation.where, GATE_AUTHORITY);
	cr_assert_eq(h2.violation.action, SECRET_BLOCK_AND_LOG);
}

Test(http2, authority_and_host)
{
	h2_begin_flow(API);
	h2_ask(API, "/", "host", "evil.example.org", NULL);
	h2_talk();
	cr_assert_eq(h2.state, GATE_VIOLATION);
	cr_assert_eq(h2.violation.where, GATE_AUTHORITY);
}

Test(http2, in_octets)
{
	struct body b = {"body", 4};
	int32_t id;

	h2_begin_flow(API);
	h2.step = 1;
	id = h2_ask(API, "/", "x", "$MSB_KEY", &b);
	h2_talk();
	cr_assert_eq(h2.state, GATE_OK);
	cr_assert(h2_is_heard(id, "x: sk-12345\n"));
	cr_assert_eq(h2.heard[id].n_body, 4);
	cr_assert(!memcmp(h2.heard[id].body, "body", 4));
}

/* 100 requests with bodies of more than a window, taken in turn. */
Test(http2, hundred_streams)
{
	static struct body bodies[100];
	int32_t ids[100];

	h2_begin_flow(API);
	h2.step = 1000;
	for (size_t i = 0; i < 100; i++) {
		char path[32];

		bodies[i] = (struct body){NULL, 70000 + i};
		snprintf(path, sizeof(path), "/%zu", i);
		ids[i] = h2_ask(API, path, "x", i % 2 ? "$MSB_KEY" : "y",
				&bodies[i]);
	}
	h2_talk();
	cr_assert_eq(h2.state, GATE_OK, "%s", h2.violation.why);
	for (size_t i = 0; i < 100; i++) {
		char path[32];

		snprintf(path, sizeof(path), ":path: /%zu\n", i);
		cr_assert(h2_is_heard(ids[i], path));
		cr_assert(h2_is_heard(ids[i],
				      i % 2 ? "x: sk-12345\n" : "x: y\n"));
		cr_assert_eq(h2.heard[ids[i]].n_body, 70000 + i);
		cr_assert(h2.heard[ids[i]].ended);
	}
	cr_assert_eq(h2.n_answers, 100);
}

/* The same, and in one of them, far behind, is a placeholder. */
Test(http2, violation_in_one_of_hundred_streams)
{
	static struct body bodies[100];
	static char text[70000];

	memset(text, 'x', sizeof(text));
	memcpy(text + 60000, "$MSB_OTHER", 10);
	h2_begin_flow(API);
	for (size_t i = 0; i < 100; i++) {
		bodies[i] = (struct body){i == 57 ? text : NULL, 70000};
		h2_ask(API, "/", NULL, NULL, &bodies[i]);
	}
	expect(GATE_BODY, SECRET_OTHER);
}

Test(http2, large_head)
{
	static char value[30000];
	int32_t id;

	memset(value, '~', sizeof(value) - 1);
	h2_begin_flow(API);
	id = h2_ask(API, "/", "x-large", value, NULL);
	h2_talk();
	cr_assert_eq(h2.state, GATE_OK, "%s", h2.violation.why);
	cr_assert(h2.heard[id].ended);
}

Test(http2, not_offered_where_bodies_are_changed)
{
	cr_assert(gate_may_h2(h2.env, API));
	cr_assert(gate_may_h2(h2.env, Q));
	cr_assert(gate_may_h2(h2.env, NULL));
	cr_assert(!gate_may_h2(h2.env, "body.example.com"));
}

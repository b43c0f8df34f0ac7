/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "gate_case.h"

#define API   "api.example.com"
#define OTHER "other.example.net"
#define Q     "x.q.example.com"
#define BODY  "body.example.com"
#define NONE  "unknown.example.org"

static struct case_out out;
static struct gate_env *env;

static void begin(void)
{
	env = gate_env_new(&case_all);
	cr_assert(env);
}

static void end(void)
{
	gate_env_free(env);
}

/* In pieces of @step octets, the first of @first. */
static enum gate_state run(const char *sni, const void *text, size_t len,
			   size_t first, size_t step, struct gate_violation *v)
{
	struct gate *g = gate_begin(env, sni, false);
	enum gate_state state = GATE_OK;

	cr_assert(g);
	memset(out.len, 0, sizeof(out.len));
	*v = (struct gate_violation){.why = NULL};
	for (size_t at = 0; at < len && state == GATE_OK;) {
		size_t n = at ? step : first;

		n = len - at < n ? len - at : n;
		n = n ? n : 1;
		state = gate_feed(g, GATE_GUEST, (const uint8_t *)text + at, n,
				  case_sink, &out, v);
		at += n;
	}
	if (state == GATE_OK)
		state = gate_finish(g, GATE_GUEST, case_sink, &out, v);
	gate_end(g);
	return state;
}

/* At every place in two, in octets, and in one piece it comes to the same. */
static enum gate_state everywhere(const char *sni, const char *text, size_t len,
				  struct gate_violation *v)
{
	static struct case_out whole;
	const enum gate_state state = run(sni, text, len, len, len, v);

	whole = out;
	for (size_t cut = 1; cut < len; cut++) {
		struct gate_violation w;

		cr_assert_eq(run(sni, text, len, cut, cut == 1 ? 1 : len, &w),
			     state, "cut at %zu: %s", cut, w.why ? w.why : "-");
		if (state != GATE_OK) {
			cr_assert_eq(w.where, v->where);
			cr_assert_eq(w.found.secret, v->found.secret);
			continue;
		}
		/* Bodies that are changed are in other chunks. */
		if (sni && !strcmp(sni, BODY))
			continue;
		cr_assert_eq(out.len[0], whole.len[0], "cut at %zu", cut);
		cr_assert(!memcmp(out.text[0], whole.text[0], out.len[0]));
	}
	out = whole;
	return state;
}

static void becomes(const char *sni, const char *in, const char *expected)
{
	struct gate_violation v;
	const enum gate_state state = everywhere(sni, in, strlen(in), &v);

	cr_assert_eq(state, GATE_OK, "%s in %s", v.why ? v.why : "-", in);
	out.text[0][out.len[0]] = 0;
	cr_assert_str_eq((char *)out.text[0], expected);
}

static void passes(const char *sni, const char *in)
{
	becomes(sni, in, in);
}

static void violates(const char *sni, const char *in, enum gate_where where,
		     enum case_secret secret, enum finder_form form)
{
	struct gate_violation v;

	cr_assert_eq(everywhere(sni, in, strlen(in), &v), GATE_VIOLATION, "%s",
		     in);
	cr_assert_eq(v.where, where, "%s: %s", in, gate_where_name(v.where));
	cr_assert_eq(v.found.secret, secret);
	cr_assert_eq(v.found.form, form, "%s", finder_form_name(v.found.form));
	cr_assert_eq(v.action, case_secrets[secret].action);
	/* What was read of a head does not go on. */
	if (where == GATE_HEADER || where == GATE_REQUEST_LINE) {
		out.text[0][out.len[0]] = 0;
		cr_assert(!strstr((char *)out.text[0], "BAD"));
	}
}

static void refused(const char *sni, const char *in, size_t len,
		    enum gate_where where)
{
	struct gate_violation v;

	cr_assert_eq(everywhere(sni, in, len, &v), GATE_VIOLATION, "%s", in);
	cr_assert_eq(v.where, where, "%s: %s", in, v.why ? v.why : "-");
	cr_assert(v.why);
}

TestSuite(http1, .init = begin, .fini = end);

#define HEAD(HOST, REST) "GET / HTTP/1.1\r\nHost: " HOST "\r\n" REST "\r\n"

Test(http1, header)
{
	becomes(API, HEAD(API, "Authorization: Bearer $MSB_KEY\r\n"),
		HEAD(API, "Authorization: Bearer sk-12345\r\n"));
}

Test(http1, header_more_than_once)
{
	becomes(API,
		HEAD(API, "X-A:$MSB_KEY,$MSB_KEY\r\nX-B: \t$MSB_QUERY \r\n"),
		HEAD(API, "X-A:sk-12345,sk-12345\r\nX-B: \ta&b c/1\r\n"));
}

Test(http1, cookie)
{
	becomes(API, HEAD(API, "Cookie: a=1; s=$MSB_KEY\r\n"),
		HEAD(API, "Cookie: a=1; s=sk-12345\r\n"));
}

/* base64 of user:$MSB_KEY, of $MSB_KEY:, of user:sk-12345, of sk-12345: */
Test(http1, basic)
{
	becomes(API, HEAD(API, "Authorization: Basic dXNlcjokTVNCX0tFWQ==\r\n"),
		HEAD(API, "Authorization: Basic dXNlcjpzay0xMjM0NQ==\r\n"));
	becomes(API, HEAD(API, "authorization: basic  JE1TQl9LRVk6\r\n"),
		HEAD(API, "authorization: basic  c2stMTIzNDU6\r\n"));
}

/* SECRET_QUERY is not for Basic: base64 of user:$MSB_QUERY. */
Test(http1, basic_that_is_not_meant)
{
	passes(API, HEAD(API, "Authorization: Basic "
			      "dXNlcjokTVNCX1FVRVJZ\r\n"));
	passes(API, HEAD(API, "X-Basic: Basic JE1TQl9LRVk6\r\n"));
	passes(API, HEAD(API, "Authorization: Basic \r\n"));
	passes(API, HEAD(API, "Authorization: Basic ?\r\n"));
}

Test(http1, reflected_headers)
{
	static const char *const names[] = {"User-Agent",
					    "Referer",
					    "Origin",
					    "X-Request-Id",
					    "x-request-id",
					    "X-Correlation-ID",
					    "traceparent",
					    "Accept",
					    "If-None-Match",
					    "X-Forwarded-For",
					    "Via",
					    "Range",
					    "Content-Type",
					    "Idempotency-Key",
					    "Sec-WebSocket-Protocol"};

	for (size_t i = 0; i < COUNT(names); i++) {
		char text[256];

		snprintf(text, sizeof(text),
			 "GET / HTTP/1.1\r\nHost: " API
			 "\r\n%s: $MSB_KEY\r\n\r\n",
			 names[i]);
		passes(API, text);
	}
}

Test(http1, query)
{
	becomes(Q, "GET /p?k=$MSB_QUERY&x=1 HTTP/1.1\r\nHost: " Q "\r\n\r\n",
		"GET /p?k=a%26b%20c%2F1&x=1 HTTP/1.1\r\nHost: " Q "\r\n\r\n");
	becomes(Q, "GET /?%24MSB%5fQUERY HTTP/1.1\r\nHost: " Q "\r\n\r\n",
		"GET /?a%26b%20c%2F1 HTTP/1.1\r\nHost: " Q "\r\n\r\n");
	becomes(Q,
		"GET http://" Q "/?$MSB_QUERY HTTP/1.1\r\nHost: " Q "\r\n\r\n",
		"GET http://" Q "/?a%26b%20c%2F1 HTTP/1.1\r\nHost: " Q
		"\r\n\r\n");
}

Test(http1, not_in_the_path_nor_unasked_in_the_query)
{
	passes(Q, "GET /$MSB_QUERY HTTP/1.1\r\nHost: " Q "\r\n\r\n");
	passes(API, "GET /?$MSB_KEY HTTP/1.1\r\nHost: " API "\r\n\r\n");
}

Test(http1, not_in_a_body_unasked)
{
	passes(API, "POST / HTTP/1.1\r\nHost: " API
		    "\r\nContent-Length: 8\r\n\r\n$MSB_KEY");
}

Test(http1, empty_lines_before_a_request)
{
	becomes(API, HEAD(API, "") "\r\n\r\n" HEAD(API, "A: $MSB_KEY\r\n"),
		HEAD(API, "") HEAD(API, "A: sk-12345\r\n"));
}

Test(http1, pipelined)
{
	becomes(API,
		HEAD(API, "A: $MSB_KEY\r\n") "POST / HTTP/1.1\r\nHost: " API
					     "\r\nContent-Length: 3\r\n\r\n"
					     "abc" HEAD(API, "A: $MSB_KEY\r\n"),
		HEAD(API, "A: sk-12345\r\n") "POST / HTTP/1.1\r\nHost: " API
					     "\r\nContent-Length: 3\r\n\r\n"
					     "abc" HEAD(API,
							"A: sk-12345\r\n"));
}

Test(http1, violation_in_the_second_request)
{
	violates(API, HEAD(API, "") HEAD(API, "BAD: $MSB_OTHER\r\n"),
		 GATE_HEADER, SECRET_OTHER, FINDER_RAW);
	violates(API,
		 "POST / HTTP/1.1\r\nHost: " API "\r\nContent-Length: 3\r\n\r\n"
		 "abcGET /BAD?$MSB_OTHER HTTP/1.1\r\nHost: " API "\r\n\r\n",
		 GATE_REQUEST_LINE, SECRET_OTHER, FINDER_RAW);
}

Test(http1, violation_in_a_header)
{
	violates(API, HEAD(API, "BAD: $MSB_OTHER\r\n"), GATE_HEADER,
		 SECRET_OTHER, FINDER_RAW);
	violates(API, HEAD(API, "BAD: %24MSB_OTHER\r\n"), GATE_HEADER,
		 SECRET_OTHER, FINDER_PERCENT);
	violates(API, HEAD(API, "BAD: \\u0024MSB_OTHER\r\n"), GATE_HEADER,
		 SECRET_OTHER, FINDER_JSON);
	violates(API, HEAD(API, "$MSB_OTHER: BAD\r\n"), GATE_HEADER,
		 SECRET_OTHER, FINDER_RAW);
	violates(API, HEAD(API, "User-Agent: BAD $MSB_OTHER\r\n"), GATE_HEADER,
		 SECRET_OTHER, FINDER_RAW);
}

/* base64 of :$MSB_OTHER */
Test(http1, violation_in_basic)
{
	violates(API, HEAD(API, "Authorization: Basic OiRNU0JfT1RIRVI=\r\n"),
		 GATE_HEADER, SECRET_OTHER, FINDER_BASE64);
}

Test(http1, violation_by_another_server)
{
	violates(NONE, HEAD(NONE, "BAD: $MSB_KEY\r\n"), GATE_HEADER, SECRET_KEY,
		 FINDER_RAW);
	violates(OTHER, HEAD(OTHER, "BAD: $MSB_KEY\r\n"), GATE_HEADER,
		 SECRET_KEY, FINDER_RAW);
	violates(NULL, HEAD(API, "BAD: $MSB_KEY\r\n"), GATE_HEADER, SECRET_KEY,
		 FINDER_RAW);
}

Test(http1, violation_in_a_body)
{
	violates(API,
		 "POST / HTTP/1.1\r\nHost: " API
		 "\r\nContent-Length: 20\r\n\r\nxxxxx$MSB_OTHERxxxxx",
		 GATE_BODY, SECRET_OTHER, FINDER_RAW);
	violates(NONE,
		 "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"
		 "$MSB_OTHER",
		 GATE_BODY, SECRET_OTHER, FINDER_RAW);
}

Test(http1, violation_split_over_chunks)
{
	violates(API,
		 "POST / HTTP/1.1\r\nHost: " API
		 "\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "3\r\n$MS\r\n5;a=b\r\nB_OTH\r\n2\r\nER\r\n0\r\n\r\n",
		 GATE_BODY, SECRET_OTHER, FINDER_RAW);
	violates(API,
		 "POST / HTTP/1.1\r\nHost: " API
		 "\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "1\r\n%\r\n1\r\n2\r\n1\r\n4\r\n9\r\nMSB_OTHER\r\n0\r\n\r\n",
		 GATE_BODY, SECRET_OTHER, FINDER_PERCENT);
}

Test(http1, violation_in_a_chunk_extension)
{
	violates(API,
		 "POST / HTTP/1.1\r\nHost: " API
		 "\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "1;x=$MSB_OTHER\r\na\r\n0\r\n\r\n",
		 GATE_BODY, SECRET_OTHER, FINDER_RAW);
}

Test(http1, violation_in_trailers)
{
	violates(API,
		 "POST / HTTP/1.1\r\nHost: " API
		 "\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "1\r\na\r\n0\r\nX: $MSB_OTHER\r\n\r\n",
		 GATE_TRAILER, SECRET_OTHER, FINDER_RAW);
}

Test(http1, trailers_are_left_alone)
{
	passes(API, "POST / HTTP/1.1\r\nHost: " API
		    "\r\nTransfer-Encoding: Chunked\r\n\r\n"
		    "1;e=\"x\"\r\na\r\n0\r\nX: $MSB_KEY\r\n\r\n");
}

Test(http1, violation_where_it_is_no_http)
{
	violates(API, "EHLO there\r\nAUTH $MSB_OTHER\r\n", GATE_STREAM,
		 SECRET_OTHER, FINDER_RAW);
	violates(NONE, "\x01\x02 $MSB_KEY", GATE_STREAM, SECRET_KEY,
		 FINDER_RAW);
	violates(NULL, "$MSB_KEY", GATE_STREAM, SECRET_KEY, FINDER_RAW);
}

Test(http1, nothing_is_put_where_it_is_no_http)
{
	passes(API, "EHLO there\r\nAUTH: $MSB_KEY\r\n\r\n");
	passes(API, "GET /\r\nAuthorization: $MSB_KEY\r\n\r\n");
}

/* Violations at the end are told at the end. */
Test(http1, violation_of_the_shorter_one_at_the_end)
{
	violates(NONE, "x $MSB_BODY", GATE_STREAM, SECRET_BODY, FINDER_RAW);
}

Test(http1, authority)
{
	static const char *const bad[] = {
		HEAD("evil.example.com", "A: $MSB_KEY\r\n"),
		HEAD("", "A: $MSB_KEY\r\n"),
		HEAD("api.example.com.evil.org", ""),
		HEAD("api.example.com:443:80", ""),
		HEAD("api.example.com,evil.org", ""),
		HEAD("x@api.example.com", ""),
		HEAD("api.example.com:x", ""),
		"GET / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.0\r\n\r\n",
		"GET http://evil.org/ HTTP/1.1\r\nHost: " API "\r\n\r\n",
		"GET http://evil.org HTTP/1.1\r\nHost: " API "\r\n\r\n",
		"GET http://evil.org?" API "/ HTTP/1.1\r\nHost: " API
		"\r\n\r\n",
		"GET http://" API "@evil.org/ HTTP/1.1\r\nHost: " API
		"\r\n\r\n",
		"CONNECT evil.org:443 HTTP/1.1\r\nHost: " API "\r\n\r\n",
		HEAD(API, "") HEAD("evil.org", ""),
	};

	for (size_t i = 0; i < COUNT(bad); i++)
		refused(API, bad[i], strlen(bad[i]), GATE_AUTHORITY);
}

Test(http1, authority_that_is_the_name)
{
	passes(API, HEAD("API.Example.com", ""));
	passes(API, HEAD("api.example.com:443", ""));
	passes(API, HEAD("api.example.com.:8443", ""));
	passes(API,
	       "GET https://" API ":1/a?b HTTP/1.1\r\nHost: " API "\r\n\r\n");
	passes(API, "OPTIONS * HTTP/1.1\r\nHost: " API "\r\n\r\n");
	passes(API, "GET /http://evil.org/ HTTP/1.1\r\nHost: " API "\r\n\r\n");
}

/* Nobody may have a secret there: whoever it is for. */
Test(http1, authority_does_not_matter_elsewhere)
{
	passes(NONE, HEAD("anybody", "A: b\r\n"));
	passes(NONE, "GET / HTTP/1.0\r\n\r\n");
}

#define POST	"POST / HTTP/1.1\r\nHost: " API "\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

Test(http1, smuggling)
{
	static const char *const bad[] = {
		POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
		POST "Content-Length: 1\r\nContent-Length: 2\r\n\r\na",
		POST "Content-Length: 1, 1\r\n\r\na",
		POST "Content-Length: +1\r\n\r\na",
		POST "Content-Length: -1\r\n\r\na",
		POST "Content-Length: 0x1\r\n\r\na",
		POST "Content-Length: 1 1\r\n\r\na",
		POST "Content-Length:\r\n\r\na",
		POST "Content-Length: 1000000000000000000000\r\n\r\na",
		POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0",
		POST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0",
		POST "Transfer-Encoding: chunked\r\n"
		     "Transfer-Encoding: chunked\r\n\r\n",
		POST "Transfer-Encoding: gzip, chunked\r\n\r\n",
		POST "Transfer-Encoding: chunked, gzip\r\n\r\n",
		POST "Transfer-Encoding: xchunked\r\n\r\n",
		POST "Transfer-Encoding: \x0b"
		     "chunked\r\n\r\n",
		POST "Transfer-Encoding: identity\r\n\r\n",
		POST "Transfer-Encoding:\r\n\r\n",
		"POST / HTTP/1.0\r\nHost: " API
		"\r\nTransfer-Encoding: chunked\r\n\r\n",
		POST "Transfer-Encoding : chunked\r\n\r\n",
		POST "Content-Length\t: 1\r\n\r\n",
		POST " folded: 1\r\n\r\n",
		POST "A: b\r\n folded\r\n\r\n",
		POST "A: b\r\n\tfolded\r\n\r\n",
		POST "A: b\rC: d\r\n\r\n",
		POST "A: b\nC: d\r\n\r\n",
		POST "A: b\r\n\n",
		POST "A: b\n\r\n",
		"POST / HTTP/1.1\nHost: " API "\n\n",
		POST "nocolon\r\n\r\n",
		POST ": empty\r\n\r\n",
		POST "a b: c\r\n\r\n",
		POST "a\x80: c\r\n\r\n",
		POST "A: \x7f\r\n\r\n",
		POST "A: \x01\r\n\r\n",
		POST "Host: " API "\r\n\r\n",
		POST "host: evil.org\r\n\r\n",
		"GET /a b HTTP/1.1\r\nHost: " API "\r\n\r\n",
		"GET  / HTTP/1.1\r\nHost: " API "\r\n\r\n",
		"GET x HTTP/1.1\r\nHost: " API "\r\n\r\n",
		POST "\r\nnot a request\r\n\r\n",
		CHUNKED "1\r\nab\r\n0\r\n\r\n",
		CHUNKED "1\na\r\n0\r\n\r\n",
		CHUNKED "1\r\na\n\n0\r\n\r\n",
		CHUNKED "0x1\r\na\r\n0\r\n\r\n",
		CHUNKED "+1\r\na\r\n0\r\n\r\n",
		CHUNKED "-1\r\na\r\n0\r\n\r\n",
		CHUNKED " 1\r\na\r\n0\r\n\r\n",
		CHUNKED "1 \r\na\r\n0\r\n\r\n",
		CHUNKED "g\r\na\r\n0\r\n\r\n",
		CHUNKED "\r\na\r\n0\r\n\r\n",
		CHUNKED "10000000000000000\r\na\r\n0\r\n\r\n",
		CHUNKED "1;a\x01\r\na\r\n0\r\n\r\n",
		CHUNKED "1;a\rb\r\na\r\n0\r\n\r\n",
		CHUNKED "0\r\nA: b\n\r\n",
		CHUNKED "0\r\nA : b\r\n\r\n",
		CHUNKED "0\r\nContent-Length: 5\r\n\r\n",
		CHUNKED "0\r\nTransfer-Encoding: chunked\r\n\r\n",
		CHUNKED "0\r\nHost: evil.org\r\n\r\n",
	};

	for (size_t i = 0; i < COUNT(bad); i++)
		refused(API, bad[i], strlen(bad[i]), GATE_FRAMING);
}

Test(http1, smuggling_with_nul)
{
	static const char a[] = POST "A: b\0c\r\n\r\n";
	static const char b[] = POST "A\0: b\r\n\r\n";
	static const char c[] = "GET /\0 HTTP/1.1\r\nHost: " API "\r\n\r\n";

	refused(API, a, sizeof(a) - 1, GATE_FRAMING);
	refused(API, b, sizeof(b) - 1, GATE_FRAMING);
	refused(API, c, sizeof(c) - 1, GATE_FRAMING);
}

/* Elsewhere the same passes, and is looked through. */
Test(http1, odd_requests_elsewhere)
{
	passes(NONE, "GET / HTTP/1.1\nHost: a\n\nbody");
	passes(NONE, "POST / HTTP/1.1\r\nContent-Length: 1\r\n"
		     "Content-Length: 2\r\n\r\nab");
	passes(NONE, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
		     "zz\r\nab");
	violates(NONE,
		 "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "zz\r\n$MSB_KEY",
		 GATE_STREAM, SECRET_KEY, FINDER_RAW);
	violates(NONE, "GET / HTTP/1.1\nHost: a\n\n$MSB_KEY", GATE_STREAM,
		 SECRET_KEY, FINDER_RAW);
	violates(NONE, "GET / HTTP/1.1\r\nA: $MSB_KEY", GATE_STREAM, SECRET_KEY,
		 FINDER_RAW);
}

/* What a client of a proxy or of curl offers; nobody could read it. */
Test(http1, http2_is_not_begun_inside)
{
	becomes(API,
		HEAD(API, "Connection: Upgrade, HTTP2-Settings\r\n"
			  "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"),
		HEAD(API, "Connection: Upgrade, HTTP2-Settings\r\n"));
}

Test(http1, head_too_long)
{
	static char text[70000];
	struct gate_violation v;
	const char *head = HEAD(API, "");
	size_t len = strlen(head) - 2;

	memcpy(text, head, len);
	while (len < sizeof(text) - 20)
		len += (size_t)sprintf(text + len, "A: 0123456789\r\n");
	cr_assert_eq(run(API, text, len, len, len, &v), GATE_BROKEN);
	cr_assert_eq(out.len[0], 0);
	cr_assert_eq(run(NONE, text, len, len, len, &v), GATE_OK);
	cr_assert_eq(out.len[0], len);
	memcpy(text + len, "$MSB_KEY", 8);
	cr_assert_eq(run(NONE, text, len + 8, 1000, 1000, &v), GATE_VIOLATION);
}

/* What chunks carry, and that nothing follows the last but trailers. */
static const char *unchunk(const uint8_t *from, size_t len, char *to)
{
	size_t at = 0, n = 0;

	for (;;) {
		char *end;
		const size_t size = strtoul((const char *)from + at, &end, 16);

		at = (size_t)((uint8_t *)end - from) + 2;
		if (!size)
			break;
		memcpy(to + n, from + at, size);
		n += size;
		at += size + 2;
		cr_assert(at < len);
	}
	to[n] = 0;
	return (const char *)from + at;
}

static void body_becomes(const char *type, const char *body,
			 const char *expected, bool chunked)
{
	char text[2048], carried[2048];
	struct gate_violation v;

	if (chunked)
		snprintf(text, sizeof(text),
			 "POST / HTTP/1.1\r\nHost: " BODY
			 "\r\nContent-Type: %s\r\nTransfer-Encoding: chunked"
			 "\r\n\r\n%zx;x\r\n%s\r\n0\r\nT: u\r\n\r\n" HEAD(
				 BODY, "A: $MSB_BODY\r\n"),
			 type, strlen(body), body);
	else
		snprintf(text, sizeof(text),
			 "POST / HTTP/1.1\r\nHost: " BODY
			 "\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n"
			 "%s" HEAD(BODY, "A: $MSB_BODY\r\n"),
			 type, strlen(body), body);
	for (size_t cut = 1; cut <= strlen(text); cut++) {
		const char *body_at, *behind;

		cr_assert_eq(run(BODY, text, strlen(text), cut,
				 cut == 1 ? 1 : sizeof(text), &v),
			     GATE_OK, "%s", v.why ? v.why : "-");
		out.text[0][out.len[0]] = 0;
		body_at = strstr((char *)out.text[0], "\r\n\r\n");
		cr_assert(body_at);
		cr_assert(!strstr((char *)out.text[0], "Content-Length"));
		cr_assert(strstr((char *)out.text[0],
				 "Transfer-Encoding: chunked\r\n"));
		behind = unchunk((const uint8_t *)body_at + 4, out.len[0],
				 carried);
		cr_assert_str_eq(carried, expected, "cut at %zu", cut);
		cr_assert_eq(behind, strstr(behind, chunked ? "T: u\r\n\r\nGET "
							    : "\r\nGET "));
		cr_assert(strstr(body_at, HEAD(BODY, "A: va\"l ue\r\n")));
	}
}

Test(http1, body)
{
	body_becomes("text/plain", "a $MSB_BODY$MSB_BODY b $MSB_BOD",
		     "a va\"l ueva\"l ue b $MSB_BOD", false);
	body_becomes("text/plain", "$MSB_BODY", "va\"l ue", true);
}

Test(http1, body_json)
{
	body_becomes("application/json",
		     "{\"k\": \"$MSB_BODY\", \"l\": \"\\u0024MSB_BODY\\n\"}",
		     "{\"k\": \"va\\\"l ue\", \"l\": \"va\\\"l ue\\n\"}",
		     false);
	body_becomes("application/json", "\"\\u0024\\u004dSB_BODX\\u0024\"",
		     "\"\\u0024\\u004dSB_BODX\\u0024\"", true);
}

Test(http1, body_form)
{
	body_becomes("application/x-www-form-urlencoded",
		     "a=%24MSB_BODY&b=$MSB_BODY&c=%24",
		     "a=va%22l%20ue&b=va%22l%20ue&c=%24", false);
}

Test(http1, body_that_is_compressed_or_of_http_1_0)
{
	passes(BODY, "POST / HTTP/1.1\r\nHost: " BODY
		     "\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n"
		     "$MSB_BODY");
	passes(BODY, "POST / HTTP/1.0\r\nHost: " BODY
		     "\r\nContent-Length: 9\r\n\r\n$MSB_BODY");
}

/* A conversation: "<" is what the server says, ">" the guest. */
static enum gate_state talk(const char *sni, const char *const *lines, size_t n,
			    struct gate_violation *v)
{
	struct gate *g = gate_begin(env, sni, false);
	enum gate_state state = GATE_OK;

	memset(out.len, 0, sizeof(out.len));
	for (size_t i = 0; i < n && state == GATE_OK; i++)
		for (const char *c = lines[i] + 1; *c && state == GATE_OK; c++)
			state = gate_feed(
				g,
				lines[i][0] == '<' ? GATE_SERVER : GATE_GUEST,
				(const uint8_t *)c, 1, case_sink, &out, v);
	gate_end(g);
	out.text[0][out.len[0]] = out.text[1][out.len[1]] = 0;
	return state;
}

#define UPGRADE HEAD(API, "Upgrade: websocket\r\nConnection: Upgrade\r\n")

Test(http1, upgrade_that_is_agreed_upon)
{
	static const char *const lines[] = {
		">" UPGRADE "A: $MSB_KEY ",
		"<HTTP/1.1 100 Continue\r\nA: b\r\n\r\n",
		"<HTTP/1.1 101 Switching\r\n\r\n",
		">GET / HTTP/1.1\r\nA: $MSB_KEY\r\n\r\n",
	};
	struct gate_violation v;

	cr_assert_eq(talk(API, lines, COUNT(lines), &v), GATE_OK);
	cr_assert_str_eq((char *)out.text[0],
			 UPGRADE "A: $MSB_KEY GET / HTTP/1.1\r\n"
				 "A: $MSB_KEY\r\n\r\n");
	cr_assert_str_eq((char *)out.text[1],
			 "HTTP/1.1 100 Continue\r\nA: b\r\n\r\n"
			 "HTTP/1.1 101 Switching\r\n\r\n");
}

Test(http1, upgrade_that_is_declined)
{
	static const char *const lines[] = {
		">" UPGRADE HEAD(API, "A: $MSB_KEY\r\n"),
		"<HTTP/1.1 200 OK\r\n\r\n",
		">" HEAD(API, "A: $MSB_KEY\r\n"),
	};
	struct gate_violation v;

	cr_assert_eq(talk(API, lines, COUNT(lines), &v), GATE_OK);
	cr_assert_str_eq((char *)out.text[0],
			 UPGRADE HEAD(API, "A: sk-12345\r\n")
				 HEAD(API, "A: sk-12345\r\n"));
}

Test(http1, upgrade_that_is_answered_before_its_body)
{
	static const char *const lines[] = {
		">POST / HTTP/1.1\r\nHost: " API
		"\r\nUpgrade: x\r\nContent-Length: 3\r\n\r\na",
		"<HTTP/1.1 101 OK\r\n\r\n",
		">bc" HEAD(API, "A: $MSB_KEY\r\n"),
	};
	struct gate_violation v;

	cr_assert_eq(talk(API, lines, COUNT(lines), &v), GATE_OK);
	cr_assert(strstr((char *)out.text[0], "A: $MSB_KEY"));
}

/* It is not known which answer is meant. */
Test(http1, upgrade_behind_another_request)
{
	static const char *const lines[] = {
		">" HEAD(API, "") UPGRADE,
		"<HTTP/1.1 200 OK\r\n\r\n",
		">" HEAD(API, "A: $MSB_KEY\r\n"),
	};
	struct gate_violation v;

	cr_assert_eq(talk(API, lines, COUNT(lines), &v), GATE_OK);
	cr_assert(strstr((char *)out.text[0], "A: $MSB_KEY"));
}

/* A frame of a client with a mask, its length in as many octets as asked. */
static size_t put_websocket(uint8_t *to, size_t octets, const char *text)
{
	static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
	const size_t len = strlen(text);
	size_t n = 0;

	to[n++] = 0x81;
	to[n++] = (uint8_t)(0x80 | (octets == 2 ? 126 : octets ? 127 : len));
	for (size_t i = octets; i > 0; i--)
		to[n++] = i > 1 ? 0 : (uint8_t)len;
	memcpy(to + n, mask, 4);
	n += 4;
	for (size_t i = 0; i < len; i++)
		to[n++] = (uint8_t)text[i] ^ mask[i % 4];
	return n;
}

static enum gate_state speak_websocket(const uint8_t *frames, size_t n,
				       size_t piece, struct gate_violation *v)
{
	static const char yes[] = "HTTP/1.1 101 Switching\r\n\r\n";
	struct gate *g = gate_begin(env, API, false);
	enum gate_state state;

	memset(out.len, 0, sizeof(out.len));
	state = gate_feed(g, GATE_GUEST, (const uint8_t *)UPGRADE,
			  strlen(UPGRADE), case_sink, &out, v);
	/* Some of it is there before the answer is. */
	if (state == GATE_OK)
		state = gate_feed(g, GATE_GUEST, frames, 1, case_sink, &out, v);
	if (state == GATE_OK)
		state = gate_feed(g, GATE_SERVER, (const uint8_t *)yes,
				  sizeof(yes) - 1, case_sink, &out, v);
	for (size_t at = 1; at < n && state == GATE_OK; at += piece)
		state = gate_feed(g, GATE_GUEST, frames + at,
				  n - at < piece ? n - at : piece, case_sink,
				  &out, v);
	gate_end(g);
	return state;
}

Test(http1, websocket)
{
	static const size_t octets[] = {0, 2, 8};
	struct gate_violation v;
	uint8_t frames[2048];

	for (size_t i = 0; i < COUNT(octets); i++)
		for (size_t piece = 1; piece < 60; piece++) {
			size_t n = put_websocket(frames, octets[i],
						 "{\"a\": \"$MSB_KEY\"}");

			n += put_websocket(frames + n, 0, "");
			cr_assert_eq(speak_websocket(frames, n, piece, &v),
				     GATE_OK);
			cr_assert(!memcmp(out.text[0] + strlen(UPGRADE), frames,
					  n));
			n += put_websocket(frames + n, octets[i], "$MSB_O");
			n += put_websocket(frames + n, 0, "THER");
			cr_assert_eq(speak_websocket(frames, n, piece, &v),
				     GATE_VIOLATION);
			cr_assert_eq(v.where, GATE_STREAM);
			cr_assert_eq(v.found.secret, SECRET_OTHER);
		}
}

Test(http1, connect)
{
	static const char *const lines[] = {
		">CONNECT " API ":443 HTTP/1.1\r\nHost: " API "\r\n\r\n",
		"<HTTP/1.1 200 OK\r\n\r\n",
		">" HEAD(API, "A: $MSB_KEY\r\n") " $MSB_OTHER ",
	};
	struct gate_violation v;

	cr_assert_eq(talk(API, lines, COUNT(lines), &v), GATE_VIOLATION);
	cr_assert_eq(v.where, GATE_STREAM);
	cr_assert(strstr((char *)out.text[0], "A: $MSB_KEY"));
}

Test(http1, too_much_before_an_answer)
{
	static char text[70000];
	struct gate_violation v;
	const size_t n = strlen(UPGRADE);

	memset(text, 'x', sizeof(text));
	memcpy(text, UPGRADE, n);
	cr_assert_eq(run(API, text, sizeof(text), 5000, 5000, &v), GATE_BROKEN);
	/* Where nobody may have a secret it goes on, as a stream. */
	cr_assert_eq(run(NONE, text, sizeof(text), 5000, 5000, &v), GATE_OK);
	cr_assert_eq(out.len[0], sizeof(text));
}

Test(http1, a_server_that_speaks_first)
{
	static const char *const lines[] = {
		"<220 mail\r\n",
		">PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n A: $MSB_KEY",
		"<$MSB_OTHER",
	};
	struct gate_violation v;

	cr_assert_eq(talk(API, lines, COUNT(lines), &v), GATE_OK);
	cr_assert_str_eq((char *)out.text[0], lines[1] + 1);
	cr_assert_str_eq((char *)out.text[1], "220 mail\r\n$MSB_OTHER");
}

/* Any octets in any pieces: whatever it comes to, it is the same. */
Test(http1, random)
{
	static const char octets[] = "GET / HTTP/1.1\r\n: \r\n\r\n$MSB_KEY0";
	uint32_t seed = 3;

	for (int round = 0; round < 400; round++) {
		char text[120];
		struct gate_violation v;

		for (size_t i = 0; i < sizeof(text); i++) {
			seed = seed * 1664525 + 1013904223;
			text[i] = octets[(seed >> 16) % (sizeof(octets) - 1)];
		}
		if (round % 2)
			memcpy(text, CHUNKED, strlen(CHUNKED));
		(void)everywhere(round % 4 < 2 ? API : NULL, text, sizeof(text),
				 &v);
	}
}

static void answer(struct gate *g, const char *text, const char *heard)
{
	struct gate_violation v;

	out.len[1] = 0;
	cr_assert_eq(gate_feed(g, GATE_SERVER, (const uint8_t *)text,
			       strlen(text), case_sink, &out, &v),
		     GATE_OK);
	out.text[1][out.len[1]] = 0;
	cr_assert_str_eq((char *)out.text[1], heard);
}

/* Those that were put in, from then on; what waits ends with the server. */
Test(http1, values_in_answers)
{
	static const char one[] =
		HEAD(API, "Authorization: Basic dXNlcjokTVNCX0tFWQ==\r\n");
	struct gate *g = gate_begin(env, API, false);
	struct gate_violation v;

	answer(g, "sk-12345", "sk-12345");
	cr_assert_eq(gate_feed(g, GATE_GUEST, (const uint8_t *)one,
			       sizeof(one) - 1, case_sink, &out, &v),
		     GATE_OK);
	answer(g, "HTTP/1.1 200 sk-12345\r\nX: sk-12345\r\n\r\nother-value",
	       "HTTP/1.1 200 ********\r\nX: ********\r\n\r\nother-value");
	answer(g, "Basic dXNlcjpzay0xMjM0NQ== sk-1",
	       "Basic dXNlcjp**********Q== ");
	out.len[1] = 0;
	cr_assert_eq(gate_finish(g, GATE_SERVER, case_sink, &out, &v), GATE_OK);
	cr_assert_eq(out.len[1], 4);
	cr_assert(!memcmp(out.text[1], "****", 4));
	gate_end(g);
}

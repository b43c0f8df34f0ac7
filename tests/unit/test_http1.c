/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_http1.c - Which octets of a head in HTTP/1.1 become others. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "http1_case.h"

Test(http1, header)
{
	http1_becomes(API, HEAD(API, "Authorization: Bearer $MSB_KEY\r\n"),
		      HEAD(API, "Authorization: Bearer sk-12345\r\n"));
}

Test(http1, header_more_than_once)
{
	http1_becomes(
		API,
		HEAD(API, "X-A:$MSB_KEY,$MSB_KEY\r\nX-B: \t$MSB_QUERY \r\n"),
		HEAD(API, "X-A:sk-12345,sk-12345\r\nX-B: \ta&b c/1\r\n"));
}

Test(http1, cookie)
{
	http1_becomes(API, HEAD(API, "Cookie: a=1; s=$MSB_KEY\r\n"),
		      HEAD(API, "Cookie: a=1; s=sk-12345\r\n"));
}

/* base64 of user:$MSB_KEY, of $MSB_KEY:, of user:sk-12345, of sk-12345: */
Test(http1, basic)
{
	http1_becomes(
		API, HEAD(API, "Authorization: Basic dXNlcjokTVNCX0tFWQ==\r\n"),
		HEAD(API, "Authorization: Basic dXNlcjpzay0xMjM0NQ==\r\n"));
	http1_becomes(API, HEAD(API, "authorization: basic  JE1TQl9LRVk6\r\n"),
		      HEAD(API, "authorization: basic  c2stMTIzNDU6\r\n"));
}

/* SECRET_QUERY is not for Basic: base64 of user:$MSB_QUERY. */
Test(http1, basic_that_is_not_meant)
{
	http1_passes(API, HEAD(API, "Authorization: Basic "
				    "dXNlcjokTVNCX1FVRVJZ\r\n"));
	http1_passes(API, HEAD(API, "X-Basic: Basic JE1TQl9LRVk6\r\n"));
	http1_passes(API, HEAD(API, "Authorization: Basic \r\n"));
	http1_passes(API, HEAD(API, "Authorization: Basic ?\r\n"));
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
		http1_passes(API, text);
	}
}

Test(http1, query)
{
	http1_becomes(
		Q, "GET /p?k=$MSB_QUERY&x=1 HTTP/1.1\r\nHost: " Q "\r\n\r\n",
		"GET /p?k=a%26b%20c%2F1&x=1 HTTP/1.1\r\nHost: " Q "\r\n\r\n");
	http1_becomes(Q, "GET /?%24MSB%5fQUERY HTTP/1.1\r\nHost: " Q "\r\n\r\n",
		      "GET /?a%26b%20c%2F1 HTTP/1.1\r\nHost: " Q "\r\n\r\n");
	http1_becomes(Q,
		      "GET http://" Q "/?$MSB_QUERY HTTP/1.1\r\nHost: " Q
		      "\r\n\r\n",
		      "GET http://" Q "/?a%26b%20c%2F1 HTTP/1.1\r\nHost: " Q
		      "\r\n\r\n");
}

Test(http1, not_in_the_path_nor_unasked_in_the_query)
{
	http1_passes(Q, "GET /$MSB_QUERY HTTP/1.1\r\nHost: " Q "\r\n\r\n");
	http1_passes(API, "GET /?$MSB_KEY HTTP/1.1\r\nHost: " API "\r\n\r\n");
}

Test(http1, not_in_a_body_unasked)
{
	http1_passes(API, "POST / HTTP/1.1\r\nHost: " API
			  "\r\nContent-Length: 8\r\n\r\n$MSB_KEY");
}

Test(http1, empty_lines_before_a_request)
{
	http1_becomes(API,
		      HEAD(API, "") "\r\n\r\n" HEAD(API, "A: $MSB_KEY\r\n"),
		      HEAD(API, "") HEAD(API, "A: sk-12345\r\n"));
}

Test(http1, pipelined)
{
	http1_becomes(
		API,
		HEAD(API, "A: $MSB_KEY\r\n") "POST / HTTP/1.1\r\nHost: " API
					     "\r\nContent-Length: 3\r\n\r\n"
					     "abc" HEAD(API, "A: $MSB_KEY\r\n"),
		HEAD(API, "A: sk-12345\r\n") "POST / HTTP/1.1\r\nHost: " API
					     "\r\nContent-Length: 3\r\n\r\n"
					     "abc" HEAD(API,
							"A: sk-12345\r\n"));
}

Test(http1, authority_that_is_the_name)
{
	http1_passes(API, HEAD("API.Example.com", ""));
	http1_passes(API, HEAD("api.example.com:443", ""));
	http1_passes(API, HEAD("api.example.com.:8443", ""));
	http1_passes(API, "GET https://" API ":1/a?b HTTP/1.1\r\nHost: " API
			  "\r\n\r\n");
	http1_passes(API, "OPTIONS * HTTP/1.1\r\nHost: " API "\r\n\r\n");
	http1_passes(API,
		     "GET /http://evil.org/ HTTP/1.1\r\nHost: " API "\r\n\r\n");
}

/* Nobody may have a secret there: whoever it is for. */
Test(http1, authority_does_not_matter_elsewhere)
{
	http1_passes(NONE, HEAD("anybody", "A: b\r\n"));
	http1_passes(NONE, "GET / HTTP/1.0\r\n\r\n");
}

/* What a client of a proxy or of curl offers; nobody could read it. */
Test(http1, http2_is_not_begun_inside)
{
	http1_becomes(API,
		      HEAD(API, "Connection: Upgrade, HTTP2-Settings\r\n"
				"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"),
		      HEAD(API, "Connection: Upgrade, HTTP2-Settings\r\n"));
}

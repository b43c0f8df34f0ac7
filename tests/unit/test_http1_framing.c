/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_http1_framing.c - Requests in HTTP/1.1 that two could read in two ways.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "http1_case.h"

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
		http1_refused(API, bad[i], strlen(bad[i]), GATE_AUTHORITY);
}

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
		http1_refused(API, bad[i], strlen(bad[i]), GATE_FRAMING);
}

Test(http1, smuggling_with_nul)
{
	static const char a[] = POST "A: b\0c\r\n\r\n";
	static const char b[] = POST "A\0: b\r\n\r\n";
	static const char c[] = "GET /\0 HTTP/1.1\r\nHost: " API "\r\n\r\n";

	http1_refused(API, a, sizeof(a) - 1, GATE_FRAMING);
	http1_refused(API, b, sizeof(b) - 1, GATE_FRAMING);
	http1_refused(API, c, sizeof(c) - 1, GATE_FRAMING);
}

/* Elsewhere the same passes, and is looked through. */
Test(http1, odd_requests_elsewhere)
{
	http1_passes(NONE, "GET / HTTP/1.1\nHost: a\n\nbody");
	http1_passes(NONE, "POST / HTTP/1.1\r\nContent-Length: 1\r\n"
			   "Content-Length: 2\r\n\r\nab");
	http1_passes(NONE,
		     "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
		     "zz\r\nab");
	http1_violates(NONE,
		       "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
		       "zz\r\n$MSB_KEY",
		       GATE_STREAM, SECRET_KEY, FINDER_RAW);
	http1_violates(NONE, "GET / HTTP/1.1\nHost: a\n\n$MSB_KEY", GATE_STREAM,
		       SECRET_KEY, FINDER_RAW);
	http1_violates(NONE, "GET / HTTP/1.1\r\nA: $MSB_KEY", GATE_STREAM,
		       SECRET_KEY, FINDER_RAW);
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
	cr_assert_eq(http1_run(API, text, len, len, len, &v), GATE_BROKEN);
	cr_assert_eq(http1_out.len[0], 0);
	cr_assert_eq(http1_run(NONE, text, len, len, len, &v), GATE_OK);
	cr_assert_eq(http1_out.len[0], len);
	memcpy(text + len, "$MSB_KEY", 8);
	cr_assert_eq(http1_run(NONE, text, len + 8, 1000, 1000, &v),
		     GATE_VIOLATION);
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
		(void)http1_everywhere(round % 4 < 2 ? API : NULL, text,
				       sizeof(text), &v);
	}
}

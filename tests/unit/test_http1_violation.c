/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_http1_violation.c - Where a placeholder may not be in what is said in
 * HTTP/1.1. */
#include <criterion/criterion.h>

#include "http1_case.h"

Test(http1, violation_in_the_second_request)
{
	http1_violates(API, HEAD(API, "") HEAD(API, "BAD: $MSB_OTHER\r\n"),
		       GATE_HEADER, SECRET_OTHER, FINDER_RAW);
	http1_violates(
		API,
		"POST / HTTP/1.1\r\nHost: " API "\r\nContent-Length: 3\r\n\r\n"
		"abcGET /BAD?$MSB_OTHER HTTP/1.1\r\nHost: " API "\r\n\r\n",
		GATE_REQUEST_LINE, SECRET_OTHER, FINDER_RAW);
}

Test(http1, violation_in_a_header)
{
	http1_violates(API, HEAD(API, "BAD: $MSB_OTHER\r\n"), GATE_HEADER,
		       SECRET_OTHER, FINDER_RAW);
	http1_violates(API, HEAD(API, "BAD: %24MSB_OTHER\r\n"), GATE_HEADER,
		       SECRET_OTHER, FINDER_PERCENT);
	http1_violates(API, HEAD(API, "BAD: \\u0024MSB_OTHER\r\n"), GATE_HEADER,
		       SECRET_OTHER, FINDER_JSON);
	http1_violates(API, HEAD(API, "$MSB_OTHER: BAD\r\n"), GATE_HEADER,
		       SECRET_OTHER, FINDER_RAW);
	http1_violates(API, HEAD(API, "User-Agent: BAD $MSB_OTHER\r\n"),
		       GATE_HEADER, SECRET_OTHER, FINDER_RAW);
}

/* base64 of :$MSB_OTHER */
Test(http1, violation_in_basic)
{
	http1_violates(API,
		       HEAD(API, "Authorization: Basic OiRNU0JfT1RIRVI=\r\n"),
		       GATE_HEADER, SECRET_OTHER, FINDER_BASE64);
}

Test(http1, violation_by_another_server)
{
	http1_violates(NONE, HEAD(NONE, "BAD: $MSB_KEY\r\n"), GATE_HEADER,
		       SECRET_KEY, FINDER_RAW);
	http1_violates(OTHER, HEAD(OTHER, "BAD: $MSB_KEY\r\n"), GATE_HEADER,
		       SECRET_KEY, FINDER_RAW);
	http1_violates(NULL, HEAD(API, "BAD: $MSB_KEY\r\n"), GATE_HEADER,
		       SECRET_KEY, FINDER_RAW);
}

Test(http1, violation_in_a_body)
{
	http1_violates(API,
		       "POST / HTTP/1.1\r\nHost: " API
		       "\r\nContent-Length: 20\r\n\r\nxxxxx$MSB_OTHERxxxxx",
		       GATE_BODY, SECRET_OTHER, FINDER_RAW);
	http1_violates(
		NONE,
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"
		"$MSB_OTHER",
		GATE_BODY, SECRET_OTHER, FINDER_RAW);
}

Test(http1, violation_split_over_chunks)
{
	http1_violates(API,
		       "POST / HTTP/1.1\r\nHost: " API
		       "\r\nTransfer-Encoding: chunked\r\n\r\n"
		       "3\r\n$MS\r\n5;a=b\r\nB_OTH\r\n2\r\nER\r\n0\r\n\r\n",
		       GATE_BODY, SECRET_OTHER, FINDER_RAW);
	http1_violates(
		API,
		"POST / HTTP/1.1\r\nHost: " API
		"\r\nTransfer-Encoding: chunked\r\n\r\n"
		"1\r\n%\r\n1\r\n2\r\n1\r\n4\r\n9\r\nMSB_OTHER\r\n0\r\n\r\n",
		GATE_BODY, SECRET_OTHER, FINDER_PERCENT);
}

Test(http1, violation_in_a_chunk_extension)
{
	http1_violates(API,
		       "POST / HTTP/1.1\r\nHost: " API
		       "\r\nTransfer-Encoding: chunked\r\n\r\n"
		       "1;x=$MSB_OTHER\r\na\r\n0\r\n\r\n",
		       GATE_BODY, SECRET_OTHER, FINDER_RAW);
}

Test(http1, violation_in_trailers)
{
	http1_violates(API,
		       "POST / HTTP/1.1\r\nHost: " API
		       "\r\nTransfer-Encoding: chunked\r\n\r\n"
		       "1\r\na\r\n0\r\nX: $MSB_OTHER\r\n\r\n",
		       GATE_TRAILER, SECRET_OTHER, FINDER_RAW);
}

Test(http1, trailers_are_left_alone)
{
	http1_passes(API, "POST / HTTP/1.1\r\nHost: " API
			  "\r\nTransfer-Encoding: Chunked\r\n\r\n"
			  "1;e=\"x\"\r\na\r\n0\r\nX: $MSB_KEY\r\n\r\n");
}

Test(http1, violation_where_it_is_no_http)
{
	http1_violates(API, "EHLO there\r\nAUTH $MSB_OTHER\r\n", GATE_STREAM,
		       SECRET_OTHER, FINDER_RAW);
	http1_violates(NONE, "\x01\x02 $MSB_KEY", GATE_STREAM, SECRET_KEY,
		       FINDER_RAW);
	http1_violates(NULL, "$MSB_KEY", GATE_STREAM, SECRET_KEY, FINDER_RAW);
}

Test(http1, nothing_is_put_where_it_is_no_http)
{
	http1_passes(API, "EHLO there\r\nAUTH: $MSB_KEY\r\n\r\n");
	http1_passes(API, "GET /\r\nAuthorization: $MSB_KEY\r\n\r\n");
}

/* Violations at the end are told at the end. */
Test(http1, violation_of_the_shorter_one_at_the_end)
{
	http1_violates(NONE, "x $MSB_BODY", GATE_STREAM, SECRET_BODY,
		       FINDER_RAW);
}

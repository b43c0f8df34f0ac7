/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_http1_body.c - What is put into the bodies of requests in HTTP/1.1. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "http1_case.h"

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

		cr_assert_eq(http1_run(BODY, text, strlen(text), cut,
				       cut == 1 ? 1 : sizeof(text), &v),
			     GATE_OK, "%s", v.why ? v.why : "-");
		http1_out.text[0][http1_out.len[0]] = 0;
		body_at = strstr((char *)http1_out.text[0], "\r\n\r\n");
		cr_assert(body_at);
		cr_assert(!strstr((char *)http1_out.text[0], "Content-Length"));
		cr_assert(strstr((char *)http1_out.text[0],
				 "Transfer-Encoding: chunked\r\n"));
		behind = unchunk((const uint8_t *)body_at + 4, http1_out.len[0],
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
	http1_passes(BODY,
		     "POST / HTTP/1.1\r\nHost: " BODY
		     "\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n"
		     "$MSB_BODY");
	http1_passes(BODY, "POST / HTTP/1.0\r\nHost: " BODY
			   "\r\nContent-Length: 9\r\n\r\n$MSB_BODY");
}

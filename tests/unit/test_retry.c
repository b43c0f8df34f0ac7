/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_retry.c - HelloRetryRequests told from other answers, however they come.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "retry.h"

/* The first 38 octets of a message, in a record. */
static const uint8_t asked[] = {
	0x16, 0x03, 0x03, 0x00, 0x58, 0x02, 0x00, 0x00, 0x54, 0x03, 0x03,
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
	0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
	0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

#define HEADER 5

Test(retry, asked)
{
	for (size_t n = 0; n < sizeof(asked); n++)
		cr_assert_eq(retry_look(asked, n), RETRY_MORE, "%zu", n);
	cr_assert_eq(retry_look(asked, sizeof(asked)), RETRY_ASKED);
}

/* Each octet counts, but for length and version. */
Test(retry, another_message)
{
	uint8_t other[sizeof(asked)];

	for (size_t at = HEADER; at < sizeof(asked); at++) {
		const bool counts = at == HEADER || at >= HEADER + 6;

		memcpy(other, asked, sizeof(asked));
		other[at] ^= 1;
		cr_assert_eq(retry_look(other, sizeof(other)),
			     counts ? RETRY_NONE : RETRY_ASKED, "%zu", at);
		cr_assert_eq(retry_look(other, at + 1),
			     counts		      ? RETRY_NONE
			     : at + 1 < sizeof(asked) ? RETRY_MORE
						      : RETRY_ASKED,
			     "%zu", at);
	}
}

Test(retry, any_records)
{
	uint8_t data[RETRY_MAX] = {0};
	size_t len = 0;

	/* A record for each octet, an empty one, and one that warns. */
	memcpy(data, "\x15\3\3\0\2\1\x70\x16\3\3\0\0", 12);
	len = 12;
	for (size_t at = HEADER; at < sizeof(asked); at++) {
		memcpy(data + len, "\x16\3\3\0\1", 5);
		data[len + 5] = asked[at];
		len += 6;
		cr_assert_eq(retry_look(data, len),
			     at + 1 < sizeof(asked) ? RETRY_MORE : RETRY_ASKED);
	}
	cr_assert(len <= RETRY_MAX);
}

Test(retry, no_message)
{
	static const char *const others[] = {
		"\x15\3\3\0\2\2\x28", "HTTP/1.1 400", "\x14\3\3\0\1\1",
		"\x17\3\3\0\5hello",  "220 smtp",     "\x16\3\3\0\1\1",
	};
	static const size_t len[] = {7, 12, 6, 10, 8, 6};

	for (size_t k = 0; k < sizeof(len) / sizeof(*len); k++)
		cr_assert_eq(retry_look((const uint8_t *)others[k], len[k]),
			     RETRY_NONE, "%zu", k);
}

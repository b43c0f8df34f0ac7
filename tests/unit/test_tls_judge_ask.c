/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_tls_judge_ask.c - Questions that no worker asks, and the stricter
 * answer. */
#include <criterion/criterion.h>

#include "tls_judge_case.h"

Test(tls_judge, the_stricter_of_two)
{
	static const enum tlsd_verdict v[5][5] = {
		[DENY] = {DENY, DENY, DENY, DENY, DENY},
		[WAIT] = {DENY, WAIT, WAIT, WAIT, WAIT},
		[SPLICE] = {DENY, WAIT, SPLICE, DENY, DENY},
		[INTERCEPT] = {DENY, WAIT, DENY, INTERCEPT, DENY},
		[READ] = {DENY, WAIT, DENY, DENY, READ},
	};
	unsigned int i, j;

	for (i = 0; i < 5; i++) {
		for (j = 0; j < 5; j++) {
			struct tlsd_answer a = {.verdict = i, .pointer = "/a"};
			const struct tlsd_answer b = {.verdict = j,
						      .pointer = "/b"};

			judge_stricter(&a, &b);
			cr_expect_eq(a.verdict, v[i][j], "%u %u", i, j);
			if (a.verdict != i)
				cr_expect_str_eq(a.pointer, "/b");
		}
	}
}

Test(tls_judge, requests_that_no_worker_makes)
{
	static const struct tlsd_ask good = {
		.dial = 1,
		.stage = TLSD_HELLO,
		.family = IP_V4,
		.port = 443,
		.address = {198, 51, 100, 7},
		.name_len = 5,
		.name = "\3abc",
	};
	struct tlsd_ask v[] = {
		good, good, good, good, good, good, good, good,
		good, good, good, good, good, good, good,
	};
	size_t i;

	v[0].next = 1;
	v[1].dial = 2;
	v[2].attempt = 2;
	v[3].stage = TLSD_HELLO + 1;
	v[4].family = 0;
	v[5].family = 5;
	v[6].port = 0;
	v[7].address[15] = 1;
	v[8].stage = TLSD_PLAIN;
	v[9].name_len = 1;
	v[10].name_len = 4;
	v[11].name_len = 6;
	v[12].name[1] = 'A';
	v[13].name[0] = 64;
	v[14].stage = TLSD_EARLY;
	cr_expect(judge_is_sane(&good));
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		cr_expect_not(judge_is_sane(&v[i]), "%zu", i);
}

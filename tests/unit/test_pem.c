/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_pem.c - PEM, written and read. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "pem.h"

static uint8_t room[256];

static struct pem read_of(const char *text)
{
	return (struct pem){
		.text = text,
		.len = strlen(text),
		.room = room,
		.size = sizeof(room),
	};
}

/* Every length, so that lines and padding end in every way. */
Test(pem, there_and_back)
{
	uint8_t data[200];
	char text[PEM_ROOM(sizeof(data))];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 37);
	for (size_t len = 1; len <= sizeof(data); len++) {
		const size_t n = pem_write(text, "X Y", data, len);
		struct pem p = read_of(text);

		cr_assert(n == strlen(text) && n < PEM_ROOM(len));
		cr_assert(pem_next(&p) == PEM_BLOCK);
		cr_assert_str_eq(p.label, "X Y");
		cr_assert(der_is(p.der, data, len));
		cr_assert(pem_next(&p) == PEM_END);
	}
}

Test(pem, several_blocks)
{
	struct pem p = read_of("words\n-----BEGIN A-----\r\nAAEC\r\n"
			       "-----END A-----\r\n\n  more words -----\n"
			       "-----BEGIN B C-----\nAA\nE=\n\n"
			       "-----END B C-----");

	cr_assert(pem_next(&p) == PEM_BLOCK);
	cr_assert_str_eq(p.label, "A");
	cr_assert(der_is(p.der, "\0\1\2", 3));
	cr_assert(pem_next(&p) == PEM_BLOCK);
	cr_assert_str_eq(p.label, "B C");
	cr_assert(der_is(p.der, "\0\1", 2));
	cr_assert(pem_next(&p) == PEM_END);
	cr_assert(pem_next(&p) == PEM_END);
}

static void expect_bad(const char *body, const char *why)
{
	char text[1024];
	struct pem p;

	snprintf(text, sizeof(text), "-----BEGIN A-----\n%s", body);
	p = read_of(text);
	cr_assert(pem_next(&p) == PEM_BAD, "%s", body);
	cr_assert(strstr(p.why, why), "%s: %s", body, p.why);
}

Test(pem, what_is_no_block)
{
	char long_text[2 * sizeof(room)];

	expect_bad("AAEC\n", "does not end");
	expect_bad("", "does not end");
	expect_bad("AAEC\n-----END B-----\n", "another label");
	expect_bad("-----END A-----\n", "cut short");
	expect_bad("A\n-----END A-----\n", "cut short");
	expect_bad("AAE\n-----END A-----\n", "cut short");
	expect_bad("AAEC=\n-----END A-----\n", "cut short");
	/* bits that are lost */
	expect_bad("AAF=\n-----END A-----\n", "cut short");
	expect_bad("AA==AAEC\n-----END A-----\n", "no base64");
	expect_bad("AA===\n-----END A-----\n", "no base64");
	expect_bad("AA*C\n-----END A-----\n", "no base64");
	expect_bad("AA C\n-----END A-----\n", "no base64");
	expect_bad("Proc-Type: 4,ENCRYPTED\n\nAAEC\n-----END A-----\n",
		   "encrypted");
	memset(long_text, 'A', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	expect_bad(long_text, "too long");
}

Test(pem, one_that_does_not_end_takes_no_other_with_it)
{
	struct pem p = read_of("-----BEGIN A-----\nAAEC\n"
			       "-----BEGIN B-----\nAAEC\n-----END B-----\n");

	cr_assert(pem_next(&p) == PEM_BAD);
	cr_assert_str_eq(p.why, "does not end");
	cr_assert(pem_next(&p) == PEM_BLOCK);
	cr_assert_str_eq(p.label, "B");
	cr_assert(pem_next(&p) == PEM_END);
}

Test(pem, a_label_that_is_too_long_is_none)
{
	struct pem p = read_of("-----BEGIN AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
			       "AAAAAAAAAAAAAAAAAA-----\nAAEC\n");

	cr_assert(pem_next(&p) == PEM_END);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_mask_held.c - What waits until it is seen whether it is a value. */
#include <criterion/criterion.h>

#include "mask_case.h"
#include "mask_form.h"

/* Once so much of a value is there no more of it goes on. */
Test(mask, what_waits, .fini = mask_case_end)
{
	mask_case_begin("secret-value-0123456789");
	mask_case_say("data: secret-");
	HEARD("data: secret-");
	mask_case_say("v");
	HEARD("data: secret-");
	mask_case_say("alue-");
	HEARD("data: secret-");
	mask_case_say("x");
	HEARD("data: secret-value-x");
	cr_assert_null(mask_case.mask.kept.text);
	mask_case_say(" secret-value-01234567");
	HEARD("data: secret-value-x ");
	mask_case_say("89 on");
	HEARD("data: secret-value-x *********************** on");
	mask_case_say("secret-value");
	cr_assert_eq(mask_case.mask.kept.n, 12);
	mask_case_finish();
	HEARD("data: secret-value-x *********************** on************");
	cr_assert_null(mask_case.mask.kept.text);
}

/* Of a short value half is enough to wait. */
Test(mask, half, .fini = mask_case_end)
{
	mask_case_begin("abcd1234");
	mask_case_say("abc");
	HEARD("abc");
	mask_case_say("d");
	HEARD("abc");
	mask_case_say("123");
	HEARD("abc");
	mask_case_say("4");
	HEARD("abc*****");
}

/* What had to go on is followed by stars all the same. */
Test(mask, flushed, .fini = mask_case_end)
{
	mask_case_begin("secret-value-0123456789");
	mask_case_say("a secret-value");
	HEARD("a ");
	mask_case_flush();
	HEARD("a ************");
	mask_case_flush();
	mask_case_say("-01234");
	HEARD("a ************");
	mask_case_say("56789 b");
	HEARD("a *********************** b");
	mask_case_say("secret-value\r\n");
	mask_case_finish();
	HEARD("a *********************** b************\r\n");
	mask_case_say("-0123456789");
	HEARD("a *********************** b************\r\n-0123456789");
}

/* Values within values, that begin like others, that overlap. */
Test(mask, several, .fini = mask_case_end)
{
	static const char *const values[] = {"token-abcdef", "abcdef-12345",
					     "token-abcdef-9", "cdef-123"};

	mask_case_begin_with(values, 4, false);
	mask_case_say("token-abcdef-12345.token-abcdef-9.abcdef-123!cdef-1234");
	mask_case_finish();
	HEARD("******************.**************.ab********!********4");
	/* The longer one is not there, the shorter was covered when it was. */
	mask_case_begin_with(values, 4, false);
	mask_case_say("token-abcdef");
	mask_case_say("-8");
	mask_case_finish();
	HEARD("************-8");
	mask_case_begin_with(values, 4, false);
	mask_case_say("token-abcde");
	HEARD("");
	mask_case_say("f-1234");
	mask_case_say("x");
	mask_case_finish();
	HEARD("****************4x");
}

Test(mask, only_what_was_put_in, .fini = mask_case_end)
{
	static const char *const values[] = {"value-one-1", "value-two-2"};

	mask_case_begin_with(values, 2, false);
	memset(&mask_case.mask.put, 0, sizeof(mask_case.mask.put));
	mask_case_say("value-one-1 value-two-2 value-o");
	HEARD("value-one-1 value-two-2 value-o");
	cr_assert_eq(mask_case.n_pieces, 1);
	secret_bit_set(&mask_case.mask.put, 1);
	mask_case.n_out = 0;
	mask_case_say(" value-one-1 value-two-2 ");
	HEARD(" value-one-1 *********** ");
}

/* The longest value, cut at any octet; nothing larger is kept. */
Test(mask, long_value, .fini = mask_case_end)
{
	static char value[SECRET_VALUE_MAX + 1];
	static uint8_t text[40000];
	const char *const one = value;
	uint32_t random = 1;

	for (size_t i = 0; i < SECRET_VALUE_MAX; i++) {
		random = random * 1103515245 + 12345;
		value[i] = (char)('!' + (random >> 16) % 94);
	}
	memset(text, 'x', sizeof(text));
	memcpy(text + 10000, value, SECRET_VALUE_MAX);
	for (size_t step = 1; step < sizeof(text); step = step * 7 + 1) {
		mask_case_begin_with(&one, 1, false);
		for (size_t at = 0; at < sizeof(text); at += step) {
			const size_t left = sizeof(text) - at;

			mask_case_feed(text + at, left < step ? left : step);
			cr_assert(mask_case.mask.kept.n <= SECRET_VALUE_MAX);
		}
		mask_case_finish();
		cr_assert_eq(mask_case.n_out, sizeof(text));
		for (size_t i = 0; i < mask_case.n_out; i++) {
			const bool in = i >= 10000 &&
					i < 10000 + SECRET_VALUE_MAX;

			if (in && i >= 10000 + MASK_HELD_MIN)
				cr_assert_eq(mask_case.out[i], '*');
			else
				cr_assert(mask_case.out[i] == text[i] ||
					  (in && mask_case.out[i] == '*'));
		}
	}
}

/* What is not a value goes on from where it was, and at once. */
static const uint8_t *wanted_at;

static bool same_sink(void *arg, const uint8_t *data, size_t len)
{
	(void)arg;
	cr_assert_eq(data, wanted_at);
	wanted_at += len;
	return true;
}

Test(mask, not_copied, .fini = mask_case_end)
{
	static uint8_t text[16384];

	mask_case_begin("secret-value");
	memset(text, 's', sizeof(text));
	text[sizeof(text) - 1] = '.';
	wanted_at = text;
	cr_assert(mask_feed(&mask_case.mask, &mask_case.secrets, text,
			    sizeof(text), same_sink, NULL));
	cr_assert_eq(wanted_at, text + sizeof(text));
	cr_assert_null(mask_case.mask.kept.text);
}

static bool no_sink(void *arg, const uint8_t *data, size_t len)
{
	(void)arg;
	(void)data;
	(void)len;
	return false;
}

Test(mask, nobody_takes_it, .fini = mask_case_end)
{
	mask_case_begin("secret-value");
	cr_assert(!mask_feed(&mask_case.mask, &mask_case.secrets,
			     (const uint8_t *)"secret-value", 12, no_sink,
			     NULL));
	mask_case_begin("secret-value");
	mask_case_say("secret-valu");
	cr_assert(!mask_flush(&mask_case.mask, no_sink, NULL));
}

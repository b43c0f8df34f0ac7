/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mask.h"
#include "mask_form.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define TEXT_MAX (1 << 18)

static uint8_t out[TEXT_MAX];
static size_t n_out;
static size_t n_pieces;
static struct secret all[4];
static struct secrets secrets;
static struct mask mask;

static bool sink(void *arg, const uint8_t *data, size_t len)
{
	(void)arg;
	cr_assert(len && n_out + len <= sizeof(out));
	memcpy(out + n_out, data, len);
	n_out += len;
	n_pieces++;
	return true;
}

/* The values of a flow, all of them put in, and into Basic. */
static void begin_with(const char *const *values, size_t n, bool basic)
{
	mask_forget(&mask.kept);
	memset(&mask, 0, sizeof(mask));
	secrets = (struct secrets){all, n};
	for (size_t i = 0; i < n; i++) {
		all[i] = (struct secret){
			.value = (const uint8_t *)values[i],
			.value_len = strlen(values[i]),
		};
		secret_bit_set(basic ? &mask.basic : &mask.put, i);
	}
	n_out = n_pieces = 0;
}

static void begin(const char *value)
{
	begin_with(&value, 1, false);
}

static void end(void)
{
	mask_forget(&mask.kept);
}

static void feed(const void *text, size_t len)
{
	cr_assert(mask_feed(&mask, &secrets, text, len, sink, NULL));
}

static void say(const char *text)
{
	feed(text, strlen(text));
}

static void finish(void)
{
	cr_assert(mask_flush(&mask, sink, NULL));
	mask_forget(&mask.kept);
}

static bool is_out(const char *wanted)
{
	return n_out == strlen(wanted) && !memcmp(out, wanted, n_out);
}

#define HEARD(text) \
	cr_assert(is_out(text), "%.*s, not %s", (int)n_out, (char *)out, text)

/** struct row - What a server says, and what is heard */
struct row {
	const char *value;
	const char *said;
	const char *heard;
};

static const struct row rows[] = {
	{"sk-12345", "a sk-12345 b", "a ******** b"},
	{"sk-12345", "sk-12345", "********"},
	{"sk-12345", "sk-12345sk-12345", "****************"},
	{"sk-12345", "sk-1234 sk-1234x", "sk-1234 sk-1234x"},
	{"sk-12345", "ssk-12345sk-1234.", "s********sk-1234."},
	{"sk-12345", "ssk-12345sk-12", "s*************"},
	{"sk-12345", "ssk-12345sk-", "s********sk-"},
	/* In chunks, but not where one is the last, or none. */
	{"sk-12345", "sk-12\r\n3\r\n345\r\n0\r\n\r\n",
	 "*****\r\n3\r\n***\r\n0\r\n\r\n"},
	{"sk-12345", "s\r\n1\r\nk\r\n000a\r\n-12345",
	 "*\r\n1\r\n*\r\n000a\r\n******"},
	{"sk-12345", "sk-1\r\n0\r\n2345 sk-12\r\nx345 sk-1\n2\n345",
	 "sk-1\r\n0\r\n2345 sk-12\r\nx345 sk-1\n2\n345"},
	{"a\"b/c-12", "a%2\r\n1\r\n2b\\\r\nF\r\n/c-12 a\\u0\r\n3\r\n022b/c-12.",
	 "a%2\r\n1\r\n2b\\\r\nF\r\n/c-12 ****\r\n3\r\n*********."},
	{"sk-12345", "sk-sk-12345", "sk-********"},
	{"aaaaaaaa", "aaaaaaaa", "********"},
	{"aaaaaaab", "aaaaaaaaab", "aa********"},
	{"abababababac", "ababababababac", "ab************"},
	{"12345678", "1234567812345678", "****************"},
	/* Percent: in either case, each or none, a blank in two ways. */
	{"a&b c/12", "q=a%26b%20c%2F12&", "q=**************&"},
	{"a&b c/12", "q=a%26b+c%2f12&", "q=************&"},
	{"a&b c/12", "q=a%26b c/12&", "q=**********&"},
	{"a&b c/12", "q=a%27b%20c%2F12&", "q=a%27b%20c%2F12&"},
	{"%41bcdefg", "x%41bcdefg%2541bcdefg", "x********************"},
	{"+/=+/=+/=", "+/=+/=+/= %2B%2f%3D+%2F=%2b/%3d",
	 "********* *********************"},
	/* JSON: short escapes, and those by number. */
	{"va\"l\\ue/9", "{\"k\":\"va\\\"l\\\\ue/9\"}",
	 "{\"k\":\"***********\"}"},
	{"va\"l\\ue/9", "va\\u0022l\\u005Cue\\/9.", "********************."},
	{"va\"l\\ue/9", "va\"l\\ue/9 va%22l%5cue%2f9",
	 "********* ***************"},
	{"a\tbcdefgh", "a\\tbcdefgh", "**********"},
	{"ends with\\", "\"ends with\\\\\"", "\"***********\""},
	{"sk_12345", "sk\\u005f12345 sk\\u005e12345",
	 "************* sk\\u005e12345"},
	/* Octets of no ASCII. */
	{"caf\303\251-123", "caf\303\251-123 caf%C3%a9-123",
	 "********* *************"},
	/* Too short to be looked for. */
	{"1234567", "1234567", "1234567"},
};

Test(mask, forms, .init = NULL, .fini = end)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		begin(rows[i].value);
		say(rows[i].said);
		finish();
		HEARD(rows[i].heard);
	}
}

/* Of what is heard in pieces the first octets of a value may be seen, and no
 * others: not the eighth, not what is behind half of it.
 */
static void check_cut(const struct row *r, const char *how)
{
	const size_t len = strlen(r->said);
	size_t seen = 0;

	cr_assert_eq(n_out, len, "%s %s: %zu", r->said, how, n_out);
	for (size_t i = 0; i < len; i++) {
		const bool same = out[i] == (uint8_t)r->heard[i];

		seen = same ? 0 : seen + 1;
		cr_assert(same || out[i] == (uint8_t)r->said[i], "%s %s: %.*s",
			  r->said, how, (int)n_out, (char *)out);
		cr_assert(seen < 8 + 12, "%s %s: %.*s", r->said, how,
			  (int)n_out, (char *)out);
	}
	if (strcmp(r->said, r->heard) != 0)
		cr_assert(memchr(out, '*', n_out));
	if (strlen(r->value) >= MASK_VALUE_MIN)
		cr_assert(!memmem(out, n_out, r->value, strlen(r->value)),
			  "%s %s", r->said, how);
}

Test(mask, cut_everywhere, .fini = end)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *r = &rows[i];
		const size_t len = strlen(r->said);
		char how[64];

		for (size_t a = 0; a <= len; a++) {
			for (size_t b = a; b <= len; b++) {
				begin(r->value);
				feed(r->said, a);
				feed(r->said + a, b - a);
				feed(r->said + b, len - b);
				finish();
				snprintf(how, sizeof(how), "%zu, %zu", a, b);
				check_cut(r, how);
			}
		}
		begin(r->value);
		for (size_t a = 0; a < len; a++)
			feed(r->said + a, 1);
		finish();
		check_cut(r, "octets");
	}
}

/* Once so much of a value is there no more of it goes on. */
Test(mask, what_waits, .fini = end)
{
	begin("secret-value-0123456789");
	say("data: secret-");
	HEARD("data: secret-");
	say("v");
	HEARD("data: secret-");
	say("alue-");
	HEARD("data: secret-");
	say("x");
	HEARD("data: secret-value-x");
	cr_assert_null(mask.kept.text);
	say(" secret-value-01234567");
	HEARD("data: secret-value-x ");
	say("89 on");
	HEARD("data: secret-value-x *********************** on");
	say("secret-value");
	cr_assert_eq(mask.kept.n, 12);
	finish();
	HEARD("data: secret-value-x *********************** on************");
	cr_assert_null(mask.kept.text);
}

/* Of a short value half is enough to wait. */
Test(mask, half, .fini = end)
{
	begin("abcd1234");
	say("abc");
	HEARD("abc");
	say("d");
	HEARD("abc");
	say("123");
	HEARD("abc");
	say("4");
	HEARD("abc*****");
}

/* What had to go on is followed by stars all the same. */
Test(mask, flushed, .fini = end)
{
	begin("secret-value-0123456789");
	say("a secret-value");
	HEARD("a ");
	cr_assert(mask_flush(&mask, sink, NULL));
	HEARD("a ************");
	cr_assert(mask_flush(&mask, sink, NULL));
	say("-01234");
	HEARD("a ************");
	say("56789 b");
	HEARD("a *********************** b");
	say("secret-value\r\n");
	finish();
	HEARD("a *********************** b************\r\n");
	say("-0123456789");
	HEARD("a *********************** b************\r\n-0123456789");
}

/* Values within values, that begin like others, that overlap. */
Test(mask, several, .fini = end)
{
	static const char *const values[] = {"token-abcdef", "abcdef-12345",
					     "token-abcdef-9", "cdef-123"};

	begin_with(values, 4, false);
	say("token-abcdef-12345.token-abcdef-9.abcdef-123!cdef-1234");
	finish();
	HEARD("******************.**************.ab********!********4");
	/* The longer one is not there, the shorter was covered when it was. */
	begin_with(values, 4, false);
	say("token-abcdef");
	say("-8");
	finish();
	HEARD("************-8");
	begin_with(values, 4, false);
	say("token-abcde");
	HEARD("");
	say("f-1234");
	say("x");
	finish();
	HEARD("****************4x");
}

Test(mask, only_what_was_put_in, .fini = end)
{
	static const char *const values[] = {"value-one-1", "value-two-2"};

	begin_with(values, 2, false);
	memset(&mask.put, 0, sizeof(mask.put));
	say("value-one-1 value-two-2 value-o");
	HEARD("value-one-1 value-two-2 value-o");
	cr_assert_eq(n_pieces, 1);
	secret_bit_set(&mask.put, 1);
	n_out = 0;
	say(" value-one-1 value-two-2 ");
	HEARD(" value-one-1 *********** ");
}

/* base64 has it wherever it begins, whatever is around, escaped or not. */
Test(mask, base64, .fini = end)
{
	static const char *const coded[] = {
		"dXNlcjpzZWNyZXQtdmFsdWU/Pi8x",	    /* user:VALUE */
		"bWU6c2VjcmV0LXZhbHVlPz4vMQ==",	    /* me:VALUE */
		"dTpzZWNyZXQtdmFsdWU/Pi8xeA==",	    /* u:VALUEx */
		"YWJjOnNlY3JldC12YWx1ZT8+LzE6ZA==", /* abc:VALUE:d */
	};
	static const char *const value = "secret-value?>/1";

	for (size_t i = 0; i < COUNT(coded); i++) {
		const size_t len = strlen(coded[i]);

		for (size_t cut = 0; cut <= len; cut++) {
			size_t stars = 0;

			begin_with(&value, 1, true);
			feed(coded[i], cut);
			feed(coded[i] + cut, len - cut);
			finish();
			cr_assert_eq(n_out, len);
			for (size_t k = 0; k < len; k++) {
				stars += out[k] == '*';
				cr_assert(out[k] == '*' ||
					  out[k] == (uint8_t)coded[i][k]);
			}
			/* 16 octets are 20 or 21 whole digits. */
			cr_assert(stars >= (cut && cut < len ? 13u : 20u) &&
					  stars <= 21,
				  "%zu %zu: %.*s", i, cut, (int)n_out,
				  (char *)out);
		}
	}
	begin_with(&value, 1, true);
	say("dXNlcjpzZWNyZXQtdmFsdWU\\/Pi8x dXNlcjpzZWNyZXQtdmFsdWU%2FPi8x "
	    "secret-value?>/1");
	finish();
	HEARD("dXNlcjp********************** dXNlcjp*********************** "
	      "****************");
	/* Not where it was put in otherwise. */
	begin(value);
	say("dXNlcjpzZWNyZXQtdmFsdWU/Pi8x");
	HEARD("dXNlcjpzZWNyZXQtdmFsdWU/Pi8x");
}

/* The longest value, cut at any octet; nothing larger is kept. */
Test(mask, long_value, .fini = end)
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
		begin_with(&one, 1, false);
		for (size_t at = 0; at < sizeof(text); at += step) {
			const size_t left = sizeof(text) - at;

			feed(text + at, left < step ? left : step);
			cr_assert(mask.kept.n <= SECRET_VALUE_MAX);
		}
		finish();
		cr_assert_eq(n_out, sizeof(text));
		for (size_t i = 0; i < n_out; i++) {
			const bool in = i >= 10000 &&
					i < 10000 + SECRET_VALUE_MAX;

			if (in && i >= 10000 + MASK_HELD_MIN)
				cr_assert_eq(out[i], '*');
			else
				cr_assert(out[i] == text[i] ||
					  (in && out[i] == '*'));
		}
	}
}

/* Whether octet @i of @text is in one of the values there. */
static bool is_in(const uint8_t *text, size_t len, size_t i)
{
	for (size_t k = 0; k < secrets.n; k++) {
		const size_t n = all[k].value_len;

		for (size_t at = i < n ? 0 : i - n + 1; at <= i; at++)
			if (at + n <= len &&
			    !memcmp(text + at, all[k].value, n))
				return true;
	}
	return false;
}

/* Whether octet @i is in what begins one of the values at the end. */
static bool is_begun(const uint8_t *text, size_t len, size_t i)
{
	for (size_t k = 0; k < secrets.n; k++)
		for (size_t at = 0; at <= i; at++)
			if (len - at < all[k].value_len &&
			    !memcmp(text + at, all[k].value, len - at))
				return true;
	return false;
}

/* Two letters, so that everything begins like everything: any pieces. */
Test(mask, random, .fini = end)
{
	uint32_t random = 7;
	char value[3][16];
	const char *values[3] = {value[0], value[1], value[2]};
	uint8_t text[200];

	for (size_t round = 0; round < 20000; round++) {
		size_t len = sizeof(text);

		for (size_t k = 0; k < 3; k++) {
			random = random * 1103515245 + 12345;
			memset(value[k], 0, sizeof(value[k]));
			for (size_t i = 0; i < 8 + (random >> 16) % 6; i++)
				value[k][i] = random >> (i + 8) & 1 ? 'a' : 'b';
		}
		for (size_t i = 0; i < len; i++) {
			random = random * 1103515245 + 12345;
			text[i] = random >> 16 & 1 ? 'a' : 'b';
		}
		begin_with(values, 3, false);
		for (size_t at = 0; at < len;) {
			size_t n;

			random = random * 1103515245 + 12345;
			n = 1 + (random >> 16) % 40;
			n = n < len - at ? n : len - at;
			feed(text + at, n);
			at += n;
		}
		finish();
		cr_assert_eq(n_out, len);
		for (size_t i = 0; i < len; i++) {
			if (out[i] == '*')
				cr_assert(is_in(text, len, i) ||
					  is_begun(text, len, i));
			else
				cr_assert_eq(out[i], text[i]);
			cr_assert(!is_in(out, len, i), "%zu: %.*s", round,
				  (int)len, (char *)out);
		}
	}
}

/* Wherever it stands in a text, which is looked through in strides. */
Test(mask, at_any_place, .fini = end)
{
	static const struct row any[] = {
		{"sk-12345", "sk-12345", "********"},
		{"sk-12345", "s\r\n8\r\nk-12345", "*\r\n8\r\n*******"},
		{"sk-12345", "sk%2D12345", "**********"},
		{"a-b12345", "a-b12345", "********"},
		{"a-b12345", "a%2db12345", "**********"},
		{"+/=12345", "+/=12345", "********"},
		{"+/=12345", "\\u002b\\/=12345", "***************"},
		{"abc12345", "abc12345", "********"},
	};
	static const char *const around[] = {"x", "s", "sk", "a-", "%+", "abd"};
	static char said[512], wanted[512];

	for (size_t i = 0; i < COUNT(any); i++) {
		const size_t n = strlen(any[i].said);

		for (size_t k = 0; k < COUNT(around) * 200; k++) {
			const char *one = around[k / 200];
			const size_t at = k % 200;

			for (size_t c = 0; c < 300; c++)
				said[c] = one[c % strlen(one)];
			memcpy(wanted, said, sizeof(said));
			memcpy(said + at, any[i].said, n);
			memcpy(wanted + at, any[i].heard, n);
			begin(any[i].value);
			feed(said, 300);
			finish();
			cr_assert_eq(n_out, 300);
			cr_assert(!memcmp(out, wanted, 300), "%s at %zu: %.*s",
				  any[i].said, at, 300, (char *)out);
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

Test(mask, not_copied, .fini = end)
{
	static uint8_t text[16384];

	begin("secret-value");
	memset(text, 's', sizeof(text));
	text[sizeof(text) - 1] = '.';
	wanted_at = text;
	cr_assert(mask_feed(&mask, &secrets, text, sizeof(text), same_sink,
			    NULL));
	cr_assert_eq(wanted_at, text + sizeof(text));
	cr_assert_null(mask.kept.text);
}

static bool no_sink(void *arg, const uint8_t *data, size_t len)
{
	(void)arg;
	(void)data;
	(void)len;
	return false;
}

Test(mask, nobody_takes_it, .fini = end)
{
	begin("secret-value");
	cr_assert(!mask_feed(&mask, &secrets, (const uint8_t *)"secret-value",
			     12, no_sink, NULL));
	begin("secret-value");
	say("secret-valu");
	cr_assert(!mask_flush(&mask, no_sink, NULL));
}

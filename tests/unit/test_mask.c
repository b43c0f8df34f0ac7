/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_mask.c - Values become stars in every form, at every place. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "mask_case.h"
#include "mask_form.h"

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

Test(mask, forms, .init = NULL, .fini = mask_case_end)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		mask_case_begin(rows[i].value);
		mask_case_say(rows[i].said);
		mask_case_finish();
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

	cr_assert_eq(mask_case.n_out, len, "%s %s: %zu", r->said, how,
		     mask_case.n_out);
	for (size_t i = 0; i < len; i++) {
		const bool same = mask_case.out[i] == (uint8_t)r->heard[i];

		seen = same ? 0 : seen + 1;
		cr_assert(same || mask_case.out[i] == (uint8_t)r->said[i],
			  "%s %s: %.*s", r->said, how, (int)mask_case.n_out,
			  (char *)mask_case.out);
		cr_assert(seen < 8 + 12, "%s %s: %.*s", r->said, how,
			  (int)mask_case.n_out, (char *)mask_case.out);
	}
	if (strcmp(r->said, r->heard) != 0)
		cr_assert(memchr(mask_case.out, '*', mask_case.n_out));
	if (strlen(r->value) >= MASK_VALUE_MIN)
		cr_assert(!memmem(mask_case.out, mask_case.n_out, r->value,
				  strlen(r->value)),
			  "%s %s", r->said, how);
}

Test(mask, cut_everywhere, .fini = mask_case_end)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *r = &rows[i];
		const size_t len = strlen(r->said);
		char how[64];

		for (size_t a = 0; a <= len; a++) {
			for (size_t b = a; b <= len; b++) {
				mask_case_begin(r->value);
				mask_case_feed(r->said, a);
				mask_case_feed(r->said + a, b - a);
				mask_case_feed(r->said + b, len - b);
				mask_case_finish();
				snprintf(how, sizeof(how), "%zu, %zu", a, b);
				check_cut(r, how);
			}
		}
		mask_case_begin(r->value);
		for (size_t a = 0; a < len; a++)
			mask_case_feed(r->said + a, 1);
		mask_case_finish();
		check_cut(r, "octets");
	}
}

/* base64 has it wherever it begins, whatever is around, escaped or not. */
Test(mask, base64, .fini = mask_case_end)
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

			mask_case_begin_with(&value, 1, true);
			mask_case_feed(coded[i], cut);
			mask_case_feed(coded[i] + cut, len - cut);
			mask_case_finish();
			cr_assert_eq(mask_case.n_out, len);
			for (size_t k = 0; k < len; k++) {
				stars += mask_case.out[k] == '*';
				cr_assert(mask_case.out[k] == '*' ||
					  mask_case.out[k] ==
						  (uint8_t)coded[i][k]);
			}
			/* 16 octets are 20 or 21 whole digits. */
			cr_assert(stars >= (cut && cut < len ? 13u : 20u) &&
					  stars <= 21,
				  "%zu %zu: %.*s", i, cut, (int)mask_case.n_out,
				  (char *)mask_case.out);
		}
	}
	mask_case_begin_with(&value, 1, true);
	mask_case_say(
		"dXNlcjpzZWNyZXQtdmFsdWU\\/Pi8x dXNlcjpzZWNyZXQtdmFsdWU%2FPi8x "
		"secret-value?>/1");
	mask_case_finish();
	HEARD("dXNlcjp********************** dXNlcjp*********************** "
	      "****************");
	/* Not where it was put in otherwise. */
	mask_case_begin(value);
	mask_case_say("dXNlcjpzZWNyZXQtdmFsdWU/Pi8x");
	HEARD("dXNlcjpzZWNyZXQtdmFsdWU/Pi8x");
}

/* Whether octet @i of @text is in one of the values there. */
static bool is_in(const uint8_t *text, size_t len, size_t i)
{
	for (size_t k = 0; k < mask_case.secrets.n; k++) {
		const size_t n = mask_case.all[k].value_len;

		for (size_t at = i < n ? 0 : i - n + 1; at <= i; at++)
			if (at + n <= len &&
			    !memcmp(text + at, mask_case.all[k].value, n))
				return true;
	}
	return false;
}

/* Whether octet @i is in what begins one of the values at the end. */
static bool is_begun(const uint8_t *text, size_t len, size_t i)
{
	for (size_t k = 0; k < mask_case.secrets.n; k++)
		for (size_t at = 0; at <= i; at++)
			if (len - at < mask_case.all[k].value_len &&
			    !memcmp(text + at, mask_case.all[k].value,
				    len - at))
				return true;
	return false;
}

/* Two letters, so that everything begins like everything: any pieces. */
Test(mask, random, .fini = mask_case_end)
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
		mask_case_begin_with(values, 3, false);
		for (size_t at = 0; at < len;) {
			size_t n;

			random = random * 1103515245 + 12345;
			n = 1 + (random >> 16) % 40;
			n = n < len - at ? n : len - at;
			mask_case_feed(text + at, n);
			at += n;
		}
		mask_case_finish();
		cr_assert_eq(mask_case.n_out, len);
		for (size_t i = 0; i < len; i++) {
			if (mask_case.out[i] == '*')
				cr_assert(is_in(text, len, i) ||
					  is_begun(text, len, i));
			else
				cr_assert_eq(mask_case.out[i], text[i]);
			cr_assert(!is_in(mask_case.out, len, i), "%zu: %.*s",
				  round, (int)len, (char *)mask_case.out);
		}
	}
}

/* Wherever it stands in a text, which is looked through in strides. */
Test(mask, at_any_place, .fini = mask_case_end)
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
			mask_case_begin(any[i].value);
			mask_case_feed(said, 300);
			mask_case_finish();
			cr_assert_eq(mask_case.n_out, 300);
			cr_assert(!memcmp(mask_case.out, wanted, 300),
				  "%s at %zu: %.*s", any[i].said, at, 300,
				  (char *)mask_case.out);
		}
	}
}

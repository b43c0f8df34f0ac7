/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_str.c - Growing strings, and JSON out of any bytes. */
#include <criterion/criterion.h>

#include "str.h"

Test(str, grows_over_every_size)
{
	STR(s);
	size_t i;

	cr_expect_str_eq(str_text(&s), "");
	for (i = 0; i < 3000; i++)
		str_putc(&s, (char)('a' + i % 26));
	str_pad(&s, '.', 600);
	str_printf(&s, "%0500d", 1);
	cr_expect_eq(s.len, 4100);
	cr_expect_eq(s.data[2999], (char)('a' + 2999 % 26));
	cr_expect_eq(s.data[4099], '1');
	cr_expect_eq(s.data[4100], '\0');
}

Test(str, json_is_json_whatever_comes_in)
{
	static const struct {
		const char *in;
		size_t len;
		const char *out;
	} rows[] = {
		{"plain", 5, "\"plain\""},
		{"q\"b\\", 4, "\"q\\\"b\\\\\""},
		{"\n\t\033\177", 4, "\"\\n\\t\\u001b\\u007f\""},
		{"a\0b", 3, "\"a\\u0000b\""},
		{"\303\274", 2, "\"\303\274\""},
		{"\303", 1, "\"\\ufffd\""},
		{"\300\200", 2, "\"\\ufffd\\ufffd\""},
		{"\355\240\200", 3, "\"\\ufffd\\ufffd\\ufffd\""},
		{"\364\220\200\200", 4, "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
		{"\360\237\230\200", 4, "\"\360\237\230\200\""},
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		STR(s);

		str_json(&s, rows[i].in, rows[i].len);
		cr_expect_str_eq(str_text(&s), rows[i].out);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_drift.c - Listings with one element a line. */
#include <criterion/criterion.h>

#include "drift.h"

static const char listing[] =
	"table inet msb {\n"
	"\tset a {\n\t\ttype ifname\n"
	"\t\telements = { \"msb-web\", \"msb-a,b\",\n"
	"\t\t\t     \"msb-}\" }\n\t}\n\n"
	"\tset pins {\n\t\ttype ipv4_addr\n\t\tsize 64\n"
	"\t\tflags dynamic,timeout\n"
	"\t\telements = { 10.0.0.1 timeout 1h expires 59m "
	"comment \"a.example +1\", 10.0.0.2 timeout 1h "
	"expires 59m comment \"a\\032b.example\" }\n\t}\n\n"
	"\tmap m {\n\t\ttype ipv4_addr : verdict\n\t\tflags interval\n"
	"\t\telements = { 10.0.0.2 comment \"one, two\" : drop,\n"
	"\t\t\t     10.0.0.1 : goto x }\n\t}\n\n"
	"\tchain x {\n\t\tip daddr { 10.0.0.1, 10.0.0.2 } drop\n\t}\n}\n";

Test(drift, puts_each_element_on_a_line_in_order)
{
	ARENA(a);

	cr_expect_str_eq(
		drift_lines(&a, listing, NULL, NULL),
		"table inet msb {\n"
		"\tset a {\n\t\ttype ifname\n"
		"\t\telement \"msb-a,b\"\n\t\telement \"msb-web\"\n"
		"\t\telement \"msb-}\"\n\t}\n\n"
		"\tset pins {\n\t\ttype ipv4_addr\n\t\tsize 64\n"
		"\t\tflags dynamic,timeout\n\t}\n\n"
		"\tmap m {\n\t\ttype ipv4_addr : verdict\n"
		"\t\tflags interval\n\t\telement 10.0.0.1 : goto x\n"
		"\t\telement 10.0.0.2 comment \"one, two\" : drop\n\t}\n\n"
		"\tchain x {\n\t\tip daddr { 10.0.0.1, 10.0.0.2 } drop\n\t}\n"
		"}\n");
}

Test(drift, leaves_out_what_belongs_to_others)
{
	static const char *const only[] = {"msb-web", "10.0.0.1", NULL};
	const char *text;
	ARENA(a);

	text = drift_lines(&a, listing, only, "element \"msb-}\"");
	cr_expect(strstr(text, "\t\telement \"msb-web\"\n"), "%s", text);
	cr_expect(strstr(text, "\t\telement \"msb-}\"\n"), "%s", text);
	cr_expect(strstr(text, "\t\telement 10.0.0.1 : goto x\n"), "%s", text);
	cr_expect(!strstr(text, "msb-a,b"), "%s", text);
	cr_expect(!strstr(text, "10.0.0.2 comment"), "%s", text);
}

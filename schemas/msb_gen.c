/* SPDX-License-Identifier: GPL-2.0-or-later */
/* msb_gen.c - Prints at build time what the tables know: schema, manual. */
#include <stdio.h>
#include <string.h>

#include "config_table.h"
#include "diag.h"
#include "field_places.h"
#include "group.h"
#include "str.h"

/* mdoc takes a dot or quote at the start of a line, or a backslash, for its
 * own; none of these texts has one. */

static void codes(struct str *out, int first, int end)
{
	str_puts(out, ".Bl -tag -width Ds\n");
	for (int i = first; i < end; i++)
		str_printf(out, ".It Cm %s\n%s.\n",
			   diag_code_name((enum diag_code)i),
			   diag_code_meaning((enum diag_code)i));
	str_puts(out, ".El\n");
}

static void diags(struct str *out)
{
	codes(out, 0, DIAG_LINT_FIRST);
}

static void lint(struct str *out)
{
	codes(out, DIAG_LINT_FIRST, DIAG_CODE_COUNT);
}

static void groups(struct str *out)
{
	str_puts(out, ".Bl -tag -width Ds\n");
	for (int i = GROUP_HOST; i < GROUP_COUNT; i++)
		str_printf(out, ".It Cm %s\n%s.\n", group_name((enum group)i),
			   group_summary((enum group)i));
	str_puts(out, ".El\n");
}

static const struct {
	const char *name;
	void (*print)(struct str *out);
} outputs[] = {
	{"schema", config_schema},     {"fields.mdoc", config_manual},
	{"diags.mdoc", diags},	       {"groups.mdoc", groups},
	{"lint.mdoc", lint},	       {"places.mdoc", field_places_manual},
	{"places", field_places_list},
};

int main(int argc, char **argv)
{
	STR(out);

	if (!field_places_complete())
		return 1;
	for (size_t i = 0; argc == 2 && i < sizeof(outputs) / sizeof(*outputs);
	     i++) {
		if (strcmp(argv[1], outputs[i].name) != 0)
			continue;
		outputs[i].print(&out);
		fputs(str_text(&out), stdout);
		return ferror(stdout) ? 3 : 0;
	}
	fputs("usage: msb-gen schema|fields.mdoc|diags.mdoc|groups.mdoc|"
	      "lint.mdoc|places.mdoc|places\n",
	      stderr);
	return 2;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cases.c - Flows with the verdict and pointer that the language demands. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agree.h"
#include "document.h"

/*
 * Each NAME.json has a NAME.flows: lines of the flow language with the expected
 * verdict, and behind a "# " the pointer of what decides. "# slot N" on a line
 * of its own chooses the slot. Every line is judged by eval, and, if packets
 * can express it, by the interpreter of the emitted ruleset. With --dump those
 * lines are written to a file of the same name, with what the ruleset is to do:
 * that is for the kernel to judge.
 */

/**
 * struct tally - What was counted so far
 * @passed:	lines that are as they should be
 * @failed:	others
 * @interpreted: lines that the interpreter judged as well
 * @dump:	receives those lines, or NULL
 */
struct tally {
	size_t passed;
	size_t failed;
	size_t interpreted;
	struct str *dump;
};

static void fail(struct tally *t, const char *file, unsigned int line,
		 const char *what)
{
	printf("%s:%u: %s\n", file, line, what);
	t->failed++;
}

/* One line; @pointer is what the comment says, or NULL. */
static void run_line(struct tally *t, const struct compiled *c,
		     const char *file, unsigned int line, const char *text,
		     const char *pointer)
{
	ARENA(a);
	enum flow_expect expect;
	struct verdict v;
	struct flow f;
	const char *why;

	why = flow_parse(&a, text, &f, &expect);
	if (why || !expect || !pointer) {
		fail(t, file, line,
		     why ? why : "the line needs a verdict and a pointer");
		return;
	}
	v = eval(&a, &c->policy, &f);
	if (v.allow != (expect == FLOW_EXPECT_ALLOW) ||
	    strcmp(v.pointer, pointer) != 0) {
		fail(t, file, line,
		     arena_printf(&a, "%s: eval says %s by %s",
				  flow_format(&a, &f),
				  v.allow ? "allow" : "deny", v.pointer));
		return;
	}
	if (agree_expressible(&c->policy, &f)) {
		struct agree_want want;

		t->interpreted++;
		if (t->dump && !agree_want(&a, c, &f, &v, &want))
			str_printf(t->dump, "%s %s # %s\n", flow_format(&a, &f),
				   agree_fate_name(want.fate), want.pointer);
		why = agree_check(&a, c, &f, &v);
		if (why) {
			fail(t, file, line,
			     arena_printf(&a, "%s: %s", flow_format(&a, &f),
					  why));
			return;
		}
	}
	t->passed++;
}

static uint32_t slot_of(const char *text)
{
	const char *at = strstr(text, "# slot ");
	char digits[8] = "";
	uint64_t slot;

	if (!at)
		return 0;
	at += strlen("# slot ");
	memcpy(digits, at, strnlen(at, sizeof(digits) - 1));
	digits[strcspn(digits, "\n")] = '\0';
	return document_number(digits, UINT32_MAX, &slot) ? (uint32_t)slot
							  : UINT32_MAX;
}

static void run_case(struct tally *t, const char *dir, const char *name,
		     const char *dump)
{
	ARENA(a);
	const char *json = arena_printf(&a, "%s/%s.json", dir, name);
	const char *file = arena_printf(&a, "%s/%s.flows", dir, name);
	struct compiled c;
	unsigned int line = 0;
	char *flows, *text, *at;
	const char *why;
	STR(lines);
	size_t len;

	flows = document_read(&a, file, &len);
	text = document_read(&a, json, &len);
	if (!flows || !text ||
	    !document_compile(&a, json, text, len, slot_of(flows), "test",
			      &c)) {
		fail(t, json, 0, "cannot be run");
		return;
	}
	why = agree_bindings(&a, &c);
	if (why)
		fail(t, json, 0, why);
	t->dump = dump ? &lines : NULL;
	str_printf(&lines, "# slot %u\n", c.policy.slot.number);
	while ((at = strsep(&flows, "\n"))) {
		char *comment = strchr(at, '#'), *pointer = NULL;

		line++;
		if (comment) {
			*comment++ = '\0';
			pointer = comment + strspn(comment, " ");
			pointer[strcspn(pointer, " ")] = '\0';
		}
		if (at[strspn(at, " \t")])
			run_line(t, &c, file, line, at, pointer);
	}
	t->dump = NULL;
	if (dump && !document_write(arena_printf(&a, "%s/%s.flows", dump, name),
				    str_text(&lines), lines.len))
		fail(t, file, line, "cannot be dumped");
}

static int ends_in_json(const struct dirent *e)
{
	const size_t len = strlen(e->d_name);

	return len > 5 && strcmp(e->d_name + len - 5, ".json") == 0;
}

int main(int argc, char **argv)
{
	struct tally t = {0};
	struct dirent **v;
	int n, i;

	if (argc != 2 && (argc != 4 || strcmp(argv[2], "--dump") != 0)) {
		fputs("usage: cases DIR [--dump DIR]\n", stderr);
		return 2;
	}
	n = scandir(argv[1], &v, ends_in_json, alphasort);
	if (n < 1) {
		fprintf(stderr, "%s: no cases\n", argv[1]);
		return 2;
	}
	for (i = 0; i < n; i++) {
		v[i]->d_name[strlen(v[i]->d_name) - 5] = '\0';
		run_case(&t, argv[1], v[i]->d_name, argc == 4 ? argv[3] : NULL);
		free(v[i]);
	}
	free(v);
	printf("%zu passed, %zu failed (%zu interpreted)\n", t.passed, t.failed,
	       t.interpreted);
	return t.failed ? 1 : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lint.c - What is odd about a document that is good. */
#include "lint.h"

#include <stdarg.h>

#include "always.h"
#include "lint_parts.h"

void lint_add(struct lint *l, enum diag_level level, enum diag_code code,
	      const char *pointer, const char *hint, const char *fmt, ...)
{
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	text = arena_vprintf(l->d->arena, fmt, ap);
	va_end(ap);
	l->counts->of[code]++;
	diag_add(l->d, level, code, 0, pointer, hint, "%s", text);
}

void lint_bound(struct lint *l, const char *pointer, const char *what)
{
	lint_add(l, DIAG_NOTE, DIAG_LINT_BOUND, pointer, NULL,
		 "from here on %s: the document is too large", what);
}

bool lint_is_name(const struct policy_rule *r)
{
	return r->dest.kind == CONFIG_DEST_NAME ||
	       r->dest.kind == CONFIG_DEST_SUFFIX;
}

static bool lint_prepare(struct lint *l, enum policy_direction dir)
{
	struct lint_side *side = &l->side[dir];

	always_walk(l->a, l->p, dir, &side->first, &side->walk);
	return space_build(l->a, &side->walk, &l->p->slot, SPACE_NAMELESS,
			   &side->space) &&
	       space_build(l->a, &l->p->walk[dir], &l->p->slot, SPACE_NAMELESS,
			   &side->own);
}

void lint(struct diags *d, const struct policy *p, struct lint_counts *counts)
{
	ARENA(a);
	struct lint l = {
		.a = &a, .d = d, .p = p, .work = LINT_WORK, .counts = counts};

	*counts = (struct lint_counts){0};
	l.never = arena_array(&a, p->walk[POLICY_EGRESS].n, bool);
	if (lint_prepare(&l, POLICY_EGRESS) &&
	    lint_prepare(&l, POLICY_INGRESS)) {
		lint_rules(&l);
		lint_bindings(&l);
		lint_secrets(&l);
	} else {
		lint_add(&l, DIAG_NOTE, DIAG_LINT_BOUND, "/Rules", NULL,
			 "the rules are too many and too different to be "
			 "asked about each other");
	}
	lint_names(&l);
	diags_sort(d);
}

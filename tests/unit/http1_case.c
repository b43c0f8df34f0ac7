/* SPDX-License-Identifier: GPL-2.0-or-later */
/* http1_case.c - What a guest says in HTTP/1.1, in any pieces, and what comes
 * of it. */
#include "http1_case.h"

#include <criterion/criterion.h>

struct case_out http1_out;
struct gate_env *http1_env;

static void begin(void)
{
	http1_env = gate_env_new(&case_all);
	cr_assert(http1_env);
}

static void end(void)
{
	gate_env_free(http1_env);
}

enum gate_state http1_run(const char *sni, const void *text, size_t len,
			  size_t first, size_t step, struct gate_violation *v)
{
	struct gate *g = gate_begin(http1_env, sni, false);
	enum gate_state state = GATE_OK;

	cr_assert(g);
	memset(http1_out.len, 0, sizeof(http1_out.len));
	*v = (struct gate_violation){.why = NULL};
	for (size_t at = 0; at < len && state == GATE_OK;) {
		size_t n = at ? step : first;

		n = len - at < n ? len - at : n;
		n = n ? n : 1;
		state = gate_feed(g, GATE_GUEST, (const uint8_t *)text + at, n,
				  case_sink, &http1_out, v);
		at += n;
	}
	if (state == GATE_OK)
		state = gate_finish(g, GATE_GUEST, case_sink, &http1_out, v);
	gate_end(g);
	return state;
}

enum gate_state http1_everywhere(const char *sni, const char *text, size_t len,
				 struct gate_violation *v)
{
	static struct case_out whole;
	const enum gate_state state = http1_run(sni, text, len, len, len, v);

	whole = http1_out;
	for (size_t cut = 1; cut < len; cut++) {
		struct gate_violation w;

		cr_assert_eq(
			http1_run(sni, text, len, cut, cut == 1 ? 1 : len, &w),
			state, "cut at %zu: %s", cut, w.why ? w.why : "-");
		if (state != GATE_OK) {
			cr_assert_eq(w.where, v->where);
			cr_assert_eq(w.found.secret, v->found.secret);
			continue;
		}
		/* Bodies that are changed are in other chunks. */
		if (sni && !strcmp(sni, BODY))
			continue;
		cr_assert_eq(http1_out.len[0], whole.len[0], "cut at %zu", cut);
		cr_assert(!memcmp(http1_out.text[0], whole.text[0],
				  http1_out.len[0]));
	}
	http1_out = whole;
	return state;
}

void http1_becomes(const char *sni, const char *in, const char *expected)
{
	struct gate_violation v;
	const enum gate_state state = http1_everywhere(sni, in, strlen(in), &v);

	cr_assert_eq(state, GATE_OK, "%s in %s", v.why ? v.why : "-", in);
	http1_out.text[0][http1_out.len[0]] = 0;
	cr_assert_str_eq((char *)http1_out.text[0], expected);
}

void http1_passes(const char *sni, const char *in)
{
	http1_becomes(sni, in, in);
}

void http1_violates(const char *sni, const char *in, enum gate_where where,
		    enum case_secret secret, enum finder_form form)
{
	struct gate_violation v;

	cr_assert_eq(http1_everywhere(sni, in, strlen(in), &v), GATE_VIOLATION,
		     "%s", in);
	cr_assert_eq(v.where, where, "%s: %s", in, gate_where_name(v.where));
	cr_assert_eq(v.found.secret, secret);
	cr_assert_eq(v.found.form, form, "%s", finder_form_name(v.found.form));
	cr_assert_eq(v.action, case_secrets[secret].action);
	/* What was read of a head does not go on. */
	if (where == GATE_HEADER || where == GATE_REQUEST_LINE) {
		http1_out.text[0][http1_out.len[0]] = 0;
		cr_assert(!strstr((char *)http1_out.text[0], "BAD"));
	}
}

void http1_refused(const char *sni, const char *in, size_t len,
		   enum gate_where where)
{
	struct gate_violation v;

	cr_assert_eq(http1_everywhere(sni, in, len, &v), GATE_VIOLATION, "%s",
		     in);
	cr_assert_eq(v.where, where, "%s: %s", in, v.why ? v.why : "-");
	cr_assert(v.why);
}

TestSuite(http1, .init = begin, .fini = end);

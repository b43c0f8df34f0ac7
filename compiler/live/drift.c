/* SPDX-License-Identifier: GPL-2.0-or-later */
/* drift.c - What is in the kernel, beside what should be. */
#include "drift.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netns.h"
#include "nft_text.h"
#include "ruleset.h"
#include "status.h"
#include "str.h"

/* Load a text where nothing else is, and list what became of it. */
static int list_alone(struct arena *a, const char *text, const char **ret,
		      struct live_error *e)
{
	int home = netns_open_self(e), scratch, rc = -1;

	if (home < 0)
		return -1;
	scratch = netns_create(NULL, e);
	if (scratch >= 0 && netns_enter(scratch, e) == 0) {
		rc = ruleset_look(text, a, "msb", ret, e);
		netns_return(home);
	}
	if (scratch >= 0)
		close(scratch);
	close(home);
	return rc;
}

int drift_read(struct arena *a, const struct state *s,
	       const struct state_record *r, const struct compiled *c,
	       struct drift *ret, struct live_error *e)
{
	struct drift d = {0};
	STR(text);

	nft_text_table(&text, &c->plan.sandbox);
	if (status_listing(a, s, r, &d.gateway.running, e) < 0 ||
	    ruleset_look(NULL, a, "msb", &d.host.running, e) < 0 ||
	    list_alone(a, str_text(&text), &d.gateway.expected, e) < 0 ||
	    list_alone(a, compile_artefact(c, "host.nft")->text,
		       &d.host.expected, e) < 0)
		return -1;
	*ret = d;
	return 0;
}

/** struct elements - The elements of one set, each with its attributes */
struct elements {
	const char **v;
	size_t n;
	size_t cap;
};

static int by_text(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* Cut "A, B, C" at the commas that are not inside of quotes. */
static void elements_cut(struct arena *a, const char *text, size_t len,
			 struct elements *e)
{
	const char *end = text + len, *p = text;

	while (p < end) {
		const char *start = p;
		bool quoted = false;

		for (; p < end && (quoted || *p != ','); p++)
			quoted = quoted != (*p == '"');
		while (start < p && strchr(" \t\n", *start))
			start++;
		len = (size_t)(p - start);
		while (len && strchr(" \t\n", start[len - 1]))
			len--;
		e->v = arena_grow(a, e->v, e->n, &e->cap, sizeof(*e->v));
		e->v[e->n++] = arena_strndup(a, start, len);
		p += p < end;
	}
	if (e->n)
		qsort(e->v, e->n, sizeof(*e->v), by_text);
}

/* Whether @text has @word, and not as a part of a longer one. */
static bool has_word(const char *text, const char *word)
{
	const size_t len = strlen(word);
	const char *p = text;

	while ((p = strstr(p, word))) {
		const char after = p[len];

		if ((p == text || p[-1] == ' ' || p[-1] == '"') &&
		    (!after || after == ' ' || after == '"'))
			return true;
		p += len;
	}
	return false;
}

/**
 * struct rewriting - A listing that is being rewritten
 * @a:		arena
 * @only:	as for drift_lines()
 * @beside:	likewise
 * @out:	text so far
 * @timed:	whether the set that is read has elements with a timeout
 */
struct rewriting {
	struct arena *a;
	const char *const *only;
	const char *beside;
	struct str out;
	bool timed;
};

static bool is_kept(const struct rewriting *r, const char *element)
{
	size_t i;

	if (!r->only || strstr(r->beside, element))
		return true;
	for (i = 0; r->only[i]; i++)
		if (has_word(element, r->only[i]))
			return true;
	return false;
}

/* One element a line, so that a difference of texts shows elements. */
static void put_elements(struct rewriting *r, const char *text, size_t len)
{
	struct elements e = {0};
	size_t i;

	elements_cut(r->a, text, len, &e);
	for (i = 0; !r->timed && i < e.n; i++)
		if (is_kept(r, e.v[i]))
			str_printf(&r->out, "\t\telement %s\n", e.v[i]);
}

/* The end of "{ ... }": braces do not occur in elements but in quotes. */
static const char *closing(const char *p)
{
	bool quoted = false;

	for (; *p && (quoted || *p != '}'); p++)
		quoted = quoted != (*p == '"');
	return p;
}

static int by_pointer_text(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* A set's text, with the empty line behind it. */
static size_t set_len(const char *set)
{
	const char *end = strstr(set, "\n\t}\n");

	if (!end)
		return strlen(set);
	end += 4;
	return (size_t)(end - set) + (*end == '\n');
}

/* Sets with a timeout, which an update keeps where they are, are put in order,
 * all where the first of them is. */
static void order_timed(struct arena *a, const char *text, struct str *out)
{
	const char **v = NULL, *p = text;
	size_t n = 0, cap = 0, i, place = 0;
	STR(rest);

	while (*p) {
		const bool set = strncmp(p, "\tset ", 5) == 0;
		const size_t len = set ? set_len(p) : strcspn(p, "\n") + 1;
		const size_t here = strnlen(p, len);

		if (set && memmem(p, here, "\t\tflags timeout\n", 16)) {
			place = n ? place : rest.len;
			v = arena_grow(a, v, n, &cap, sizeof(*v));
			v[n++] = arena_strndup(a, p, here);
		} else {
			str_append(&rest, p, here);
		}
		p += here;
	}
	if (n)
		qsort(v, n, sizeof(*v), by_pointer_text);
	str_append(out, str_text(&rest), place);
	for (i = 0; i < n; i++)
		str_puts(out, v[i]);
	str_puts(out, str_text(&rest) + place);
}

const char *drift_lines(struct arena *a, const char *text,
			const char *const *only, const char *beside)
{
	static const char start[] = "\t\telements = {";
	struct rewriting r = {.a = a, .only = only, .beside = beside};
	const char *ret;
	STR(ordered);

	while (*text) {
		const size_t len = strcspn(text, "\n") + 1;

		if (strncmp(text, start, sizeof(start) - 1) == 0) {
			const char *end = closing(text + sizeof(start) - 1);

			text += sizeof(start) - 1;
			put_elements(&r, text, (size_t)(end - text));
			text = end + strcspn(end, "\n");
			text += *text == '\n';
			continue;
		}
		if (strncmp(text, "\tset ", 5) == 0 ||
		    strncmp(text, "\tmap ", 5) == 0)
			r.timed = false;
		else if (strncmp(text, "\t\tflags ", 8) == 0)
			r.timed = memmem(text, len, "timeout", 7) ||
				  memmem(text, len, "dynamic", 7);
		str_append(&r.out, text, text[len - 1] == '\n' ? len : len - 1);
		text += text[len - 1] == '\n' ? len : len - 1;
	}
	order_timed(a, str_text(&r.out), &ordered);
	ret = arena_strdup(a, str_text(&ordered));
	str_free(&r.out);
	return ret;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* finder_case.c - A finder of placeholders, and texts that are cut for it. */
#include "finder_case.h"

#include <criterion/criterion.h>
#include <string.h>

static struct secret secret_of(const char *placeholder)
{
	return (struct secret){
		.name = placeholder,
		.placeholder = (const uint8_t *)placeholder,
		.placeholder_len = strlen(placeholder),
	};
}

struct finder *finder_of(const char *const *placeholders, size_t n)
{
	struct secret all[SECRET_MAX];
	struct secrets s = {all, n};

	for (size_t i = 0; i < n; i++)
		all[i] = secret_of(placeholders[i]);
	return finder_new(&s);
}

static const struct secret_bits none;

bool finder_find_in(const struct finder *f, const uint8_t *text, size_t len,
		    size_t cut, size_t more, struct finder_found *ret)
{
	struct finder_state s;
	const size_t next = cut + more < len ? cut + more : len;

	finder_begin(&s);
	return finder_feed(f, &s, &none, text, cut, ret) ||
	       finder_feed(f, &s, &none, text + cut, next - cut, ret) ||
	       finder_feed(f, &s, &none, text + next, len - next, ret) ||
	       finder_end(f, &s, &none, ret);
}

bool finder_finds(const struct finder *f, const char *text,
		  struct finder_found *ret)
{
	bool first = false;

	for (size_t cut = 0; cut <= strlen(text); cut++) {
		struct finder_found one;
		const bool is = finder_find_in(f, (const uint8_t *)text,
					       strlen(text), cut, 1, &one);

		if (!cut)
			first = is;
		cr_assert_eq(is, first, "\"%s\" cut at %zu", text, cut);
		if (is)
			*ret = one;
	}
	return first;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_names.c - The table of denied names: what it finds, what it refuses. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "names.h"

static struct dname name(struct arena *a, const char *text)
{
	struct dname n = {0};

	cr_assert_null(dname_from_presentation(a, text, &n), "%s", text);
	return n;
}

static struct config_names list(struct arena *a, const char *const *text)
{
	struct dname *v = arena_array(a, 16, struct dname);
	size_t n = 0;

	for (; text[n]; n++)
		v[n] = name(a, text[n]);
	return (struct config_names){v, n};
}

static const char *const exact[] = {"ads.example", "both.example",
				    "ads.example", "x.y.z", NULL};
static const char *const suffix[] = {"both.example", "evil.com",
				     "deep.evil.com", NULL};

static struct names table(struct arena *a, size_t *ret_len, void **ret_data)
{
	const struct config_names e = list(a, exact), s = list(a, suffix);
	struct names t = {0};
	const void *data = names_build(a, &e, &s, ret_len);
	const char *why = names_open(data, *ret_len, &t);

	cr_assert_null(why, "%s", why);
	*ret_data = (void *)(uintptr_t)data;
	return t;
}

Test(names, finds_names_and_what_is_below_suffixes)
{
	static const struct {
		const char *name;
		int suffix;
		unsigned int index;
	} cases[] = {
		{"ads.example", 0, 0},
		{"a.ads.example", -1, 0},
		{"both.example", 0, 1},
		{"a.both.example", 1, 0},
		{"evil.com", 1, 1},
		{"-x.evil.com", 1, 1},
		{"a\\032b.evil.com", 1, 1},
		{"deep.evil.com", 1, 1},
		{"a.b.deep.evil.com", 1, 1},
		{"notevil.com", -1, 0},
		{"x\\.evil.com", -1, 0},
		{"a\\004evil\\003com", -1, 0},
		{"x.y.z", 0, 3},
		{"z", -1, 0},
		{".", -1, 0},
	};
	ARENA(a);
	void *data;
	size_t len;
	struct names t = table(&a, &len, &data);

	cr_expect_eq(t.n, 5);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct names_match m = {0};
		bool found = names_find(&t, name(&a, cases[i].name), &m);

		cr_expect_eq(found, cases[i].suffix >= 0, "%s", cases[i].name);
		if (!found)
			continue;
		cr_expect_eq(m.suffix, cases[i].suffix == 1, "%s",
			     cases[i].name);
		cr_expect_eq(m.index, cases[i].index, "%s", cases[i].name);
	}
}

Test(names, an_empty_table_denies_nothing)
{
	const struct config_names none = {0};
	struct names t = {0};
	struct names_match m;
	ARENA(a);
	size_t len;
	const void *data = names_build(&a, &none, &none, &len);

	cr_assert_null(names_open(data, len, &t));
	cr_expect_not(names_find(&t, name(&a, "a.b"), &m));
}

Test(names, holds_many)
{
	enum { MANY = 50000 };
	ARENA(a);
	struct dname *v = arena_array(&a, MANY, struct dname);
	struct config_names e = {v, MANY / 2}, s = {v + MANY / 2, MANY / 2};
	struct names_match m;
	struct names t;
	const void *data;
	char text[64];
	size_t len;

	for (int i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "n%d.x%d.example", i, i % 7);
		v[i] = name(&a, text);
	}
	data = names_build(&a, &e, &s, &len);
	cr_assert_null(names_open(data, len, &t));
	for (uint32_t i = 0; i < MANY; i++) {
		cr_assert(names_find(&t, v[i], &m));
		cr_assert_eq(m.index, i % (MANY / 2));
	}
	cr_expect_not(names_find(&t, name(&a, "n1.x2.example"), &m));
}

Test(names, refuses_what_was_changed)
{
	ARENA(a);
	void *data;
	size_t len;
	uint8_t *p;
	struct names t = table(&a, &len, &data);
	size_t head = 24 + 4 * ((size_t)t.mask + 1);
	struct names out;
	struct names_match m;

	for (size_t cut = 0; cut < len; cut++)
		cr_expect_not_null(names_open(data, cut, &out));
	p = data;
	/* Whatever one octet is changed to, what is opened can be asked. */
	for (size_t i = 0; i < len; i++) {
		const uint8_t old = p[i];

		for (unsigned int v = 0; v < 256; v += 5) {
			p[i] = (uint8_t)v;
			if (!names_open(p, len, &out))
				names_find(&out, name(&a, "q.evil.com"), &m);
		}
		p[i] = old;
	}
	p[head + 9] = 64;
	cr_expect_str_eq(names_open(p, len, &out), "has a broken entry");
	p[8] = 3;
	cr_expect_str_eq(names_open(p, len, &out),
			 "has a wrong number of slots");
}

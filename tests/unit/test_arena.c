/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_arena.c - Memory of one compile. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

#include "arena.h"

Test(arena, objects_are_zeroed_aligned_and_apart)
{
	ARENA(a);
	unsigned char *p[200];
	size_t i, j;

	for (i = 0; i < 200; i++) {
		p[i] = arena_alloc(&a, i * 7, i % 3 ? 1 : 40);
		cr_assert_eq((uintptr_t)p[i] % _Alignof(max_align_t), 0);
		for (j = 0; j < i * 7; j++)
			cr_assert_eq(p[i][j], 0);
		memset(p[i], (int)i, i * 7);
	}
	for (i = 0; i < 200; i++)
		for (j = 0; j < i * 7; j++)
			cr_assert_eq(p[i][j], (unsigned char)i);
}

Test(arena, arrays_grow_and_keep_their_elements)
{
	ARENA(a);
	size_t cap = 0, i;
	int *v = NULL;

	for (i = 0; i < 5000; i++) {
		v = arena_grow(&a, v, i, &cap, sizeof(*v));
		cr_assert_eq(v[i], 0);
		v[i] = (int)i;
	}
	for (i = 0; i < 5000; i++)
		cr_assert_eq(v[i], (int)i);
}

Test(arena, is_ready_again_after_free)
{
	struct arena a = {0};

	cr_expect_str_eq(arena_printf(&a, "%d-%s", 7, "x"), "7-x");
	arena_free(&a);
	cr_expect_str_eq(arena_strndup(&a, "abcdef", 3), "abc");
	arena_free(&a);
}

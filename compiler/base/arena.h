/* SPDX-License-Identifier: GPL-2.0-or-later */
/* arena.h - Memory that lives as long as one compile. */
#ifndef MSB_ARENA_H
#define MSB_ARENA_H

#include <stdarg.h>
#include <stddef.h>

/**
 * struct arena - A list of blocks that are released together
 * @head: newest block, NULL while nothing was allocated
 *
 * A zeroed struct arena is ready for use. One arena serves one compile: nothing
 * in it is released alone, so nothing in it can be released twice.
 */
struct arena {
	struct arena_block *head;
};

/**
 * arena_alloc() - Allocate zeroed memory
 * @a:		arena
 * @n:		number of objects, may be 0
 * @size:	size of one object, bytes
 *
 * Return: memory aligned for any object. Never NULL: a process that compiles
 * policies and has no memory left ends with exit status 3 and one line on
 * standard error, having changed nothing.
 */
void *arena_alloc(struct arena *a, size_t n, size_t size)
	__attribute__((malloc, returns_nonnull, warn_unused_result));

/** arena_new() - One zeroed object of @type */
#define arena_new(a, type) ((type *)arena_alloc((a), 1, sizeof(type)))

/** arena_array() - @n zeroed objects of @type */
#define arena_array(a, n, type) ((type *)arena_alloc((a), (n), sizeof(type)))

/**
 * arena_grow() - Make room for one more element of a growing array
 * @a:		arena
 * @v:		array, NULL while empty
 * @n:		elements in use
 * @cap:	elements there is room for; updated
 * @size:	size of one element, bytes
 *
 * Return: the array, moved if it had to be; new elements are zeroed.
 */
void *arena_grow(struct arena *a, void *v, size_t n, size_t *cap, size_t size)
	__attribute__((returns_nonnull, warn_unused_result));

/** arena_strdup() - Copy of the string @s */
char *arena_strdup(struct arena *a, const char *s)
	__attribute__((returns_nonnull, warn_unused_result));

/** arena_strndup() - Copy of the @len bytes at @s, with a NUL behind them */
char *arena_strndup(struct arena *a, const char *s, size_t len)
	__attribute__((returns_nonnull, warn_unused_result));

/** arena_printf() - Formatted string */
char *arena_printf(struct arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), returns_nonnull,
		       warn_unused_result));

/** arena_vprintf() - Formatted string, from a va_list */
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0), returns_nonnull,
		       warn_unused_result));

/** arena_free() - Release everything; @a is ready for use again */
void arena_free(struct arena *a);

/** ARENA() - Declare an arena that is released when its scope ends */
#define ARENA(name) __attribute__((cleanup(arena_free))) struct arena name = {0}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* arena.c - Memory that lives as long as one compile. */
#include "arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Large enough that a small policy needs one block, small enough that a
 * thousand of them in one process do not hurt. */
#define ARENA_BLOCK 16384

struct arena_block {
	struct arena_block *next;
	size_t used;
	size_t size;
	max_align_t data[];
};

static _Noreturn void arena_exhausted(void)
{
	static const char text[] = "msb-netc: out of memory\n";

	/* Nothing can be done if this write fails as well. */
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(3);
	_exit(3);
}

static void *arena_calloc(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		arena_exhausted();
	return p;
}

static void *arena_bytes(struct arena *a, size_t size)
{
	struct arena_block *b = a->head;

	size = (size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
	if (!b || b->size - b->used < size) {
		size_t room = size > ARENA_BLOCK / 4 ? size : ARENA_BLOCK;

		b = arena_calloc(sizeof(*b) + room);
		b->size = room;
		/* A block of its own for a large object must not end the use of
		 * the current one. */
		if (a->head && room == size) {
			b->next = a->head->next;
			a->head->next = b;
		} else {
			b->next = a->head;
			a->head = b;
		}
	}
	b->used += size;
	return (char *)b->data + b->used - size;
}

void *arena_alloc(struct arena *a, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX / 2)
		arena_exhausted();
	return arena_bytes(a, bytes ? bytes : 1);
}

void *arena_grow(struct arena *a, void *v, size_t n, size_t *cap, size_t size)
{
	size_t want = *cap ? *cap * 2 : 8;
	void *bigger;

	if (n < *cap)
		return v;
	bigger = arena_alloc(a, want, size);
	if (n)
		memcpy(bigger, v, n * size);
	*cap = want;
	return bigger;
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *copy = arena_alloc(a, len + 1, 1);

	memcpy(copy, s, len);
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	va_list again;
	char *text;
	int len;

	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (len < 0)
		arena_exhausted();
	text = arena_alloc(a, (size_t)len + 1, 1);
	vsnprintf(text, (size_t)len + 1, fmt, ap);
	return text;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return text;
}

void arena_free(struct arena *a)
{
	struct arena_block *b = a->head;

	while (b) {
		struct arena_block *next = b->next;

		free(b);
		b = next;
	}
	a->head = NULL;
}

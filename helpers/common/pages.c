/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pages.c - Giving back what only the start of a process has read. */
#include "pages.h"

#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* More than a program or library has that nobody writes. */
#define SEGMENTS_MAX 8

/** struct segment - Pages that a file has all of */
struct segment {
	uintptr_t from;
	size_t len;
};

/* Segments that nobody ever writes: all of them is in the file. They are listed
 * first, as the list is in one of them: to read on in it would have its page
 * back, and fifteen around it. */
static int forget(struct dl_phdr_info *info, size_t size, void *data)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	struct segment segment[SEGMENTS_MAX];
	size_t n = 0;

	(void)size;
	(void)data;
	for (size_t i = 0; i < info->dlpi_phnum && n < SEGMENTS_MAX; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		const uintptr_t start = info->dlpi_addr + p->p_vaddr;
		const uintptr_t from = start & ~(page - 1);

		if (p->p_type == PT_LOAD && !(p->p_flags & PF_W))
			segment[n++] = (struct segment){
				from, start + p->p_memsz - from};
	}
	/* If it fails, they stay. */
	for (size_t i = 0; i < n; i++)
		madvise((void *)segment[i].from, segment[i].len, MADV_DONTNEED);
	return 0;
}

void pages_forget(void)
{
	dl_iterate_phdr(forget, NULL);
}

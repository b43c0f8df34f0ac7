/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pages.c - Giving back what only the start of a process has read. */
#include "pages.h"

#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Segments that nobody ever writes: all of them is in the file. */
static int forget(struct dl_phdr_info *info, size_t size, void *data)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size;
	(void)data;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		const uintptr_t start = info->dlpi_addr + p->p_vaddr;
		const uintptr_t from = start & ~(page - 1);

		if (p->p_type != PT_LOAD || p->p_flags & PF_W)
			continue;
		/* If it fails, they stay. */
		madvise((void *)from, start + p->p_memsz - from, MADV_DONTNEED);
	}
	return 0;
}

void pages_forget(void)
{
	dl_iterate_phdr(forget, NULL);
}

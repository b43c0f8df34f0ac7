/* SPDX-License-Identifier: GPL-2.0-or-later */
/* given.c - The descriptors that come with a configuration, and why it is
 * refused. */
#include "given.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

void given_init(struct given *h, unsigned int n)
{
	*h = (struct given){.n = n};
	for (unsigned int i = 0; i < GIVEN_MAX; i++)
		h->fd[i] = -1;
}

void given_refuse(struct given *h, const char *why)
{
	if (!*h->refused)
		snprintf(h->refused, sizeof(h->refused), "%s", why);
}

void given_put(struct given *h, const struct channel_msg *m,
	       int fds[CHANNEL_MAX])
{
	for (uint32_t i = 0; i < m->count; i++) {
		if (m->index[i] >= h->n || h->fd[m->index[i]] >= 0) {
			given_refuse(h,
				     "a descriptor has no place, or one that "
				     "is taken");
			close(fds[i]);
			continue;
		}
		h->fd[m->index[i]] = fds[i];
	}
}

void given_inherit(struct given *h, const struct given *old, unsigned int which,
		   unsigned int needed)
{
	for (unsigned int i = 0; i < h->n; i++) {
		if (h->fd[i] < 0 && which & 1u << i)
			h->fd[i] = old->fd[i];
		if (h->fd[i] < 0 && needed & 1u << i)
			given_refuse(h, "a descriptor is missing");
	}
}

void given_map_names(struct given *h, unsigned int number, struct names *ret)
{
	const int fd = h->fd[number];
	const off_t len = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	const char *why;
	void *data;

	if (fd < 0) {
		given_refuse(h, "the table of denied names is missing");
		return;
	}
	data = len > 0 ? mmap(NULL, (size_t)len, PROT_READ, MAP_SHARED, fd, 0)
		       : MAP_FAILED;
	if (data == MAP_FAILED) {
		given_refuse(h, "the table of denied names cannot be read");
		return;
	}
	h->names = data;
	h->names_len = (size_t)len;
	why = names_open(data, h->names_len, ret);
	if (why && !*h->refused)
		snprintf(h->refused, sizeof(h->refused),
			 "the table of denied names %s", why);
}

void given_drop(struct given *h, const struct given *kept)
{
	for (unsigned int i = 0; i < h->n; i++)
		if (h->fd[i] >= 0 && (!kept || kept->fd[i] != h->fd[i]))
			close(h->fd[i]);
	if (h->names)
		munmap((void *)(uintptr_t)h->names, h->names_len);
	arena_free(&h->arena);
	given_init(h, h->n);
}

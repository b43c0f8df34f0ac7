/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bodies2.c - What is kept of HTTP/2's answers from one DATA frame to the next.
 */
#include "bodies2.h"

#include <stdlib.h>

/** struct body2 - An answer */
struct body2 {
	uint32_t stream;
	struct mask_kept kept;
};

void bodies2_resume(struct bodies2 *b, uint32_t stream, struct mask_kept *to)
{
	for (size_t i = 0; i < b->n; i++) {
		if (b->all[i].stream != stream)
			continue;
		*to = b->all[i].kept;
		b->all[i] = b->all[--b->n];
		return;
	}
}

bool bodies2_leave(struct bodies2 *b, uint32_t stream, struct mask_kept *from)
{
	if (!from->n)
		return true;
	if (b->n == BODIES2_MAX)
		return false;
	if (b->n == b->room) {
		const size_t room = b->room ? b->room * 2 : 4;
		struct body2 *all = realloc(b->all, room * sizeof(*all));

		if (!all)
			return false;
		b->all = all;
		b->room = room;
	}
	b->all[b->n++] = (struct body2){stream, *from};
	*from = (struct mask_kept){0};
	return true;
}

void bodies2_forget(struct bodies2 *b, uint32_t stream)
{
	struct mask_kept kept = {0};

	bodies2_resume(b, stream, &kept);
	mask_forget(&kept);
}

void bodies2_end(struct bodies2 *b)
{
	while (b->n)
		mask_forget(&b->all[--b->n].kept);
	free(b->all);
	*b = (struct bodies2){0};
}

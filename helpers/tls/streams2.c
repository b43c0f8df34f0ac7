/* SPDX-License-Identifier: GPL-2.0-or-later */
/* streams2.c - Requests of HTTP/2 whose bodies are on their way. */
#include "streams2.h"

#include <stdlib.h>

struct stream2 *streams2_get(struct streams2 *s, uint32_t id)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->all[i].id == id)
			return &s->all[i];
	return NULL;
}

const char *streams2_open(struct streams2 *s, uint32_t id)
{
	if (s->n == STREAMS2_MAX)
		return "there are too many streams";
	if (s->n == s->room) {
		const size_t room = s->room ? s->room * 2 : 4;
		struct stream2 *all = realloc(s->all, room * sizeof(*all));

		if (!all)
			return "there is no memory";
		s->all = all;
		s->room = room;
	}
	s->all[s->n].id = id;
	finder_begin(&s->all[s->n++].body);
	return NULL;
}

void streams2_forget(struct streams2 *s, uint32_t id)
{
	struct stream2 *one = streams2_get(s, id);

	if (one)
		*one = s->all[--s->n];
}

void streams2_end(struct streams2 *s)
{
	free(s->all);
	*s = (struct streams2){0};
}

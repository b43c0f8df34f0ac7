/* SPDX-License-Identifier: GPL-2.0-or-later */
/* streams2.h - Requests of HTTP/2 whose bodies are on their way. */
#ifndef MSB_STREAMS2_H
#define MSB_STREAMS2_H

#include "finder.h"

/** STREAMS2_MAX - Requests on their way at a time */
#define STREAMS2_MAX 256

/**
 * struct stream2 - A request whose body is on its way
 * @id:		the stream
 * @body:	state of the search through it
 */
struct stream2 {
	uint32_t id;
	struct finder_state body;
};

/**
 * struct streams2 - Those of a connection; all zero: none
 * @all:	requests
 * @n:		how many
 * @room:	for so many
 */
struct streams2 {
	struct stream2 *all;
	size_t n;
	size_t room;
};

/** streams2_get() - Find one; NULL if there is none */
struct stream2 *streams2_get(struct streams2 *s, uint32_t id);

/**
 * streams2_open() - Add one; there is none of that stream
 *
 * Return: what is wrong, or NULL
 */
const char *streams2_open(struct streams2 *s, uint32_t id)
	__attribute__((warn_unused_result));

/** streams2_forget() - One has ended; none is fine too */
void streams2_forget(struct streams2 *s, uint32_t id);

/** streams2_end() - All have */
void streams2_end(struct streams2 *s);

#endif

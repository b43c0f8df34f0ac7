/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bodies2.h - What is kept of HTTP/2's answers from one DATA frame to the next.
 */
#ifndef MSB_BODIES2_H
#define MSB_BODIES2_H

#include "mask.h"

/** BODIES2_MAX - Answers that something is kept of at a time */
#define BODIES2_MAX 512

struct body2;

/**
 * struct bodies2 - Answers of a connection; all zero: none
 * @all:	those that something is kept of
 * @n:		how many
 * @room:	for so many
 */
struct bodies2 {
	struct body2 *all;
	size_t n;
	size_t room;
};

/** bodies2_resume() - Another frame of a stream comes: move what is kept to
 * @to, where nothing is
 */
void bodies2_resume(struct bodies2 *b, uint32_t stream, struct mask_kept *to);

/**
 * bodies2_leave() - A frame of it has ended: move what is kept from @from
 *
 * Return: false if there is no memory, or are too many of them
 */
bool bodies2_leave(struct bodies2 *b, uint32_t stream, struct mask_kept *from)
	__attribute__((warn_unused_result));

/** bodies2_forget() - A stream has ended */
void bodies2_forget(struct bodies2 *b, uint32_t stream);

/** bodies2_end() - All have */
void bodies2_end(struct bodies2 *b);

#endif

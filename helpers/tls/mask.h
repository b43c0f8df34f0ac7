/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mask.h - What a server says, without the values that it was told.
 *
 * Theory of Operation
 *
 * Servers repeat requests: in error pages, in what they show for debugging. So
 * the values of those secrets that were put into a flow are looked for in what
 * comes back on it (mask_form.h), and each octet of one becomes "*": as many as
 * there were, so that lengths of bodies, chunks and frames stay true. A flow
 * into which nothing was put is not looked through.
 *
 * A value may come in two pieces. If what came ends with what may be a value's
 * beginning, that is kept to be compared with what follows. Of a short
 * beginning the octets go on all the same, since any text may end so: then the
 * first few of a value are seen, and its rest is not. A longer one waits;
 * if it may not any more, because a frame or the answer ends, it is hidden.
 *
 * What is kept is zeroed as soon as it is decided. There is no copy of a value
 * but that, and what a server's text with a value in it becomes.
 */
#ifndef MSB_MASK_H
#define MSB_MASK_H

#include "secret.h"

/**
 * struct mask_kept - The end of what came; all zero: nothing is kept of it
 * @text:	octets that may begin a value
 * @out:	what goes on for them
 * @n:		how many
 * @sent:	so many of @out have gone on
 * @room:	for so many
 */
struct mask_kept {
	uint8_t *text;
	uint8_t *out;
	size_t n;
	size_t sent;
	size_t room;
};

/**
 * struct mask - What comes back on a flow; all zero at first
 * @put:	secrets whose values were put in
 * @basic:	those that were put into Basic credentials
 * @kept:	what is kept
 */
struct mask {
	struct secret_bits put;
	struct secret_bits basic;
	struct mask_kept kept;
};

/** mask_put - What takes octets that go on; false if it cannot */
typedef bool mask_put(void *arg, const uint8_t *data, size_t len);

/**
 * mask_feed() - A server said something
 * @m:		flow
 * @s:		all secrets, with the values in force
 * @data:	what
 * @len:	octets of it
 * @put:	receives what goes on, in pieces; what is as it was is not
 *		copied, if nothing was kept
 * @arg:	for @put
 *
 * Return: false if @put cannot take it, or there is no memory
 */
bool mask_feed(struct mask *m, const struct secrets *s, const uint8_t *data,
	       size_t len, mask_put *put, void *arg)
	__attribute__((warn_unused_result));

/**
 * mask_flush() - What waits may not wait for more: it goes on, as asterisks
 *
 * It is still compared with what follows. Where a piece ends the guest may have
 * chosen: so what begins like a value does not go on in clear.
 */
bool mask_flush(struct mask *m, mask_put *put, void *arg)
	__attribute__((warn_unused_result));

/** mask_forget() - What follows is not behind what was kept; nothing waits */
void mask_forget(struct mask_kept *k);

#endif

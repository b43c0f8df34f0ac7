/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mask_case.h - Values that a server repeats, and what is heard of it. */
#ifndef MSB_MASK_CASE_H
#define MSB_MASK_CASE_H

#include <string.h>

#include "mask.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/**
 * struct mask_case - A flow that is masked
 * @all:	its secrets
 * @secrets:	those of them that it has
 * @mask:	what is known of it
 * @out:	what is heard
 * @n_out:	octets of that
 * @n_pieces:	pieces that it came in
 */
struct mask_case {
	struct secret all[4];
	struct secrets secrets;
	struct mask mask;
	uint8_t out[1 << 18];
	size_t n_out;
	size_t n_pieces;
};

/** mask_case - That of the test that runs */
extern struct mask_case mask_case;

/**
 * mask_case_begin_with() - Begin with values that were put in
 * @basic:	into Basic, not elsewhere
 */
void mask_case_begin_with(const char *const *values, size_t n, bool basic);

/** mask_case_begin() - Begin with one value */
void mask_case_begin(const char *value);

/** mask_case_feed() - The server says so many octets */
void mask_case_feed(const void *text, size_t len);

/** mask_case_say() - The server says a text */
void mask_case_say(const char *text);

/** mask_case_flush() - What waits has to go on */
void mask_case_flush(void);

/** mask_case_finish() - The server has said everything */
void mask_case_finish(void);

/** mask_case_end() - Release */
void mask_case_end(void);

/** mask_case_is_out() - Whether that is what was heard so far */
bool mask_case_is_out(const char *wanted);

/** HEARD() - That is what was heard so far */
#define HEARD(text) \
	cr_assert(mask_case_is_out(text), "%.*s, not %s", \
		  (int)mask_case.n_out, (char *)mask_case.out, text)

#endif

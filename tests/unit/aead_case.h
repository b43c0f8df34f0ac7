/* SPDX-License-Identifier: GPL-2.0-or-later */
/* aead_case.h - What computes ciphers in a test: the library that it is told.
 */
#ifndef MSB_AEAD_CASE_H
#define MSB_AEAD_CASE_H

#include "aead.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/** AEAD_CASE - Variable of the environment that names the library; libgcrypt if
 * there is none
 */
#define AEAD_CASE "MSB_TEST_AEAD"

/** aead_case() - Begin with what computes: ciphers that the library has not are
 * libgcrypt's
 */
static inline void aead_case(struct aead *a)
{
	const char *const name = getenv(AEAD_CASE);
	bool found = !name;
	bool used = !name;

	cr_assert(aead_load());
	cr_assert(aead_begin(a));
	for (enum aead_by by = 0; name && by < AEAD_BY; by++) {
		if (!aead_name(by) || strcmp(name, aead_name(by)) != 0)
			continue;
		found = true;
		for (enum aead_cipher k = 0; k < AEAD_CIPHERS; k++)
			used |= aead_use(a, k, by);
	}
	cr_assert(found, "%s: there is no such library", name);
	if (!used)
		cr_skip_test("%s does not compute on this CPU", name);
}

#endif

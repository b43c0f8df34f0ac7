/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mask_case.c - Values that a server repeats, and what is heard of it. */
#include "mask_case.h"

#include <criterion/criterion.h>

struct mask_case mask_case;

static bool sink(void *arg, const uint8_t *data, size_t len)
{
	(void)arg;
	cr_assert(len && mask_case.n_out + len <= sizeof(mask_case.out));
	memcpy(mask_case.out + mask_case.n_out, data, len);
	mask_case.n_out += len;
	mask_case.n_pieces++;
	return true;
}

void mask_case_begin_with(const char *const *values, size_t n, bool basic)
{
	mask_forget(&mask_case.mask.kept);
	memset(&mask_case.mask, 0, sizeof(mask_case.mask));
	mask_case.secrets = (struct secrets){mask_case.all, n};
	for (size_t i = 0; i < n; i++) {
		mask_case.all[i] = (struct secret){
			.value = (const uint8_t *)values[i],
			.value_len = strlen(values[i]),
		};
		secret_bit_set(
			basic ? &mask_case.mask.basic : &mask_case.mask.put, i);
	}
	mask_case.n_out = mask_case.n_pieces = 0;
}

void mask_case_begin(const char *value)
{
	mask_case_begin_with(&value, 1, false);
}

void mask_case_end(void)
{
	mask_forget(&mask_case.mask.kept);
}

void mask_case_feed(const void *text, size_t len)
{
	cr_assert(mask_feed(&mask_case.mask, &mask_case.secrets, text, len,
			    sink, NULL));
}

void mask_case_say(const char *text)
{
	mask_case_feed(text, strlen(text));
}

void mask_case_flush(void)
{
	cr_assert(mask_flush(&mask_case.mask, sink, NULL));
}

void mask_case_finish(void)
{
	mask_case_flush();
	mask_forget(&mask_case.mask.kept);
}

bool mask_case_is_out(const char *wanted)
{
	return mask_case.n_out == strlen(wanted) &&
	       !memcmp(mask_case.out, wanted, mask_case.n_out);
}

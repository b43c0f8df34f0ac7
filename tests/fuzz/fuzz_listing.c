/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_listing.c - Any bytes as a ruleset: read or refused, with a place. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "listing.h"
#include "readback.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ARENA(a);
	char *text = malloc(size + 1);
	struct readback walk;
	struct listing_table t;
	struct lex_error e;
	enum policy_direction dir;

	MUST(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	if (!listing_read(&a, text, &t, &e)) {
		MUST(e.line && e.column && e.text[0]);
		free(text);
		return 0;
	}
	MUST(t.name);
	for (dir = POLICY_EGRESS; dir < POLICY_DIRECTIONS; dir++) {
		if (!readback_walk(&a, &t, dir, &walk, &e))
			MUST(e.line && e.text[0]);
		else
			MUST(walk.denied.n);
	}
	free(text);
	return 0;
}

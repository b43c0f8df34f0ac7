/* SPDX-License-Identifier: GPL-2.0-or-later */
/* document.c - A document of a test, compiled. */
#include "document.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool document_compile(struct arena *a, const char *file, const char *text,
		      size_t len, uint32_t slot, const char *name,
		      struct compiled *ret)
{
	struct diags d = {.arena = a, .file = file, .text = text, .len = len};
	const struct compile_request req = {
		.name = name,
		.slot = slot,
	};
	STR(out);

	if (compile(a, &d, &req, ret))
		return true;
	diags_print(&d, &out);
	fputs(str_text(&out), stderr);
	return false;
}

char *document_read(struct arena *a, const char *path, size_t *ret_len)
{
	char buf[65536], *text = NULL;
	FILE *f = fopen(path, "re");
	STR(all);
	size_t n;

	if (!f) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return NULL;
	}
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		str_append(&all, buf, n);
	if (ferror(f)) {
		fprintf(stderr, "%s: cannot be read\n", path);
	} else {
		*ret_len = all.len;
		text = arena_strndup(a, str_text(&all), all.len);
	}
	fclose(f);
	return text;
}

bool document_write(const char *path, const char *text, size_t len)
{
	FILE *f = fopen(path, "we");
	bool good;

	if (!f) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return false;
	}
	good = fwrite(text, 1, len, f) == len;
	good = fclose(f) == 0 && good;
	if (!good)
		fprintf(stderr, "%s: cannot be written\n", path);
	return good;
}

bool document_number(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t n = 0;
	const char *p;

	for (p = text; *p; p++) {
		const unsigned int digit = (unsigned int)(*p - '0');

		if (digit > 9 || n > (max - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*ret = n;
	return p != text;
}

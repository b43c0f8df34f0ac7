/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile_unenforced.c - "msb-netc compile" for tests of what is enforced. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "document.h"

/*
 * Writes the artefacts of a document whose other fields may not be enforced
 * yet, as if those were absent. A program of its own, so that the command line
 * has no way to do it.
 */

static bool make_directory(const char *path)
{
	if (mkdir(path, 0755) == 0 || errno == EEXIST)
		return true;
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	return false;
}

int main(int argc, char **argv)
{
	ARENA(a);
	struct compiled c;
	uint64_t slot = 0;
	const char *text;
	size_t len, i;

	if (argc < 3 || argc > 5 ||
	    (argc > 3 && !document_number(argv[3], UINT32_MAX, &slot))) {
		fputs("usage: compile_unenforced DOCUMENT DIR [SLOT [NAME]]\n",
		      stderr);
		return 2;
	}
	text = document_read(&a, argv[1], &len);
	if (!text || !document_compile(&a, argv[1], text, len, (uint32_t)slot,
				       argc > 4 ? argv[4] : "test", &c))
		return 1;
	if (!make_directory(argv[2]) ||
	    !make_directory(arena_printf(&a, "%s/guest", argv[2])))
		return 1;
	for (i = 0; i < c.n_files; i++)
		if (!document_write(
			    arena_printf(&a, "%s/%s", argv[2], c.files[i].path),
			    c.files[i].text, c.files[i].len))
			return 1;
	return 0;
}

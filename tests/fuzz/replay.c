/* SPDX-License-Identifier: GPL-2.0-or-later */
/* replay.c - Runs a fuzz target over files and directories of files.
 *
 * Each file is taken whole, then cut short at a few places and with a byte
 * changed, so that a corpus of good documents tests bad ones too.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Variants of each file. */
#define VARIANTS 64

static size_t files;

static void run_variants(uint8_t *data, size_t size)
{
	uint32_t seed = 1;

	LLVMFuzzerTestOneInput(data, size);
	for (int i = 0; i < VARIANTS && size; i++) {
		size_t at;
		uint8_t old;

		seed = seed * 1664525 + 1013904223;
		at = (seed >> 8) % size;
		LLVMFuzzerTestOneInput(data, at);
		old = data[at];
		data[at] = (uint8_t)(seed >> 24);
		LLVMFuzzerTestOneInput(data, size);
		data[at] = old;
	}
}

static int run_file(const char *path)
{
	static uint8_t data[1 << 20];
	FILE *f = fopen(path, "re");
	size_t size;

	if (!f) {
		perror(path);
		return 1;
	}
	size = fread(data, 1, sizeof(data), f);
	fclose(f);
	run_variants(data, size);
	files++;
	return 0;
}

static int run_path(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	int rc = 0;

	if (!dir)
		return run_file(path);
	while ((entry = readdir(dir)) != NULL) {
		char name[4096];

		if (entry->d_name[0] == '.')
			continue;
		if (snprintf(name, sizeof(name), "%s/%s", path, entry->d_name) <
		    (int)sizeof(name))
			rc |= run_file(name);
	}
	closedir(dir);
	return rc;
}

int main(int argc, char **argv)
{
	int rc = 0;

	for (int i = 1; i < argc; i++)
		rc |= run_path(argv[i]);
	printf("%zu files replayed\n", files);
	return rc || !files;
}

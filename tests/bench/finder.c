/* SPDX-License-Identifier: GPL-2.0-or-later */
/* finder.c - What it costs to look for placeholders.
 *
 *	bench_finder [FILE]	over random octets, base64, text and JSON made
 *				here, or over a file
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "finder.h"

#define SIZE   (4u << 20)
#define PIECE  16384u
#define ROUNDS 12

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct finder *finder_of(size_t n)
{
	static char names[SECRET_MAX][32];
	static struct secret all[SECRET_MAX];
	struct secrets s = {all, n};

	for (size_t i = 0; i < n; i++) {
		static const char *const words[] = {"API_KEY", "TOKEN",
						    "PASSWORD", "AWS_SECRET"};

		snprintf(names[i], sizeof(names[i]), "$MSB_%s_%zu",
			 words[i % 4], i);
		all[i].placeholder = (const uint8_t *)names[i];
		all[i].placeholder_len = strlen(names[i]);
	}
	return finder_new(&s);
}

/* The best of some rounds: what others do on the machine only adds. */
static double rate(const struct finder *f, const uint8_t *data, size_t len)
{
	static const struct secret_bits none;
	double best = 1e9;

	for (int round = 0; round < ROUNDS; round++) {
		struct finder_state s;
		struct finder_found found;
		const double from = now();
		double t;

		finder_begin(&s);
		for (size_t at = 0; at < len; at += PIECE)
			if (finder_feed(f, &s, &none, data + at,
					len - at < PIECE ? len - at : PIECE,
					&found))
				abort();
		t = now() - from;
		best = t < best ? t : best;
	}
	return (double)len / best / 1e6;
}

static void fill(uint8_t *data, const char *octets, size_t n)
{
	uint32_t seed = 1;

	for (size_t i = 0; i < SIZE; i++) {
		seed = seed * 1664525 + 1013904223;
		data[i] = n ? (uint8_t)octets[(seed >> 16) % n]
			    : (uint8_t)(seed >> 16);
	}
}

/* Words in lines, or such lines in a string of JSON. */
static void write_words(uint8_t *data, const char *end)
{
	static const char *const words[] = {
		"the",	  "return", "sandbox", "Authorization", "of",
		"policy", "a",	    "value",   "const",		"network",
		"JE",	  "key",    "struct",  "request",	"and"};
	uint32_t seed = 1;
	size_t at = 0, line = 0;

	while (at + 32 < SIZE) {
		const char *word;

		seed = seed * 1664525 + 1013904223;
		word = words[(seed >> 16) % 15];
		if (line + strlen(word) > 70) {
			memcpy(data + at, end, strlen(end));
			at += strlen(end);
			line = 0;
		}
		memcpy(data + at, word, strlen(word));
		at += strlen(word);
		data[at++] = ' ';
		line += strlen(word) + 1;
	}
	memset(data + at, ' ', SIZE - at);
}

static void run(const char *name, const uint8_t *data, size_t len)
{
	static const size_t counts[] = {1, 10, 100};

	printf("%-12s", name);
	for (size_t i = 0; i < 3; i++) {
		struct finder *f = finder_of(counts[i]);

		if (!f)
			abort();
		printf("%10.0f MB/s", rate(f, data, len));
		finder_free(f);
	}
	printf("\n");
}

int main(int argc, char **argv)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm"
				     "nopqrstuvwxyz0123456789+/";
	uint8_t *data = malloc(SIZE);

	if (!data)
		return 1;
	printf("%-12s%10d     %10d     %10d secrets\n", "", 1, 10, 100);
	if (argc > 1) {
		FILE *file = fopen(argv[1], "re");

		if (!file)
			return 1;
		run("file", data, fread(data, 1, SIZE, file));
		fclose(file);
	} else {
		fill(data, NULL, 0);
		run("random", data, SIZE);
		fill(data, digits, 64);
		run("base64", data, SIZE);
		write_words(data, "\n");
		run("text", data, SIZE);
		write_words(data, "\\n");
		run("JSON", data, SIZE);
		memset(data, 0, SIZE);
		run("zeros", data, SIZE);
	}
	for (size_t n = 1; n <= 100; n *= 10) {
		struct finder *f = finder_of(n);

		if (f)
			printf("%zu secrets: %zu octets of table\n", n,
			       finder_size(f));
		finder_free(f);
	}
	free(data);
	return 0;
}

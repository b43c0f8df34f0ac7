/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suggest.c - The word that somebody may have meant. */
#include "suggest.h"

#include <string.h>

/* The letters that count. Returns their number, SUGGEST_MAX if too many. */
static size_t fold(const char *word, char buf[SUGGEST_MAX])
{
	size_t n = 0;

	for (; *word; word++) {
		if (strchr("_- ", *word))
			continue;
		if (n == SUGGEST_MAX - 1)
			return SUGGEST_MAX;
		buf[n++] = *word >= 'A' && *word <= 'Z'
				   ? (char)(*word - 'A' + 'a')
				   : *word;
	}
	return n;
}

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Optimal string alignment, with three rows of the matrix. */
size_t suggest_distance(const char *a, const char *b)
{
	char x[SUGGEST_MAX], y[SUGGEST_MAX];
	size_t row[3][SUGGEST_MAX];
	size_t n = fold(a, x), m = fold(b, y);

	if (n == SUGGEST_MAX || m == SUGGEST_MAX)
		return SUGGEST_MAX;
	for (size_t j = 0; j <= m; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *now = row[i % 3], *up = row[(i + 2) % 3];
		const size_t *before = row[(i + 1) % 3];

		now[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t other = x[i - 1] != y[j - 1];

			now[j] = min(up[j - 1] + other,
				     min(up[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && x[i - 1] == y[j - 2] &&
			    x[i - 2] == y[j - 1])
				now[j] = min(now[j], before[j - 2] + 1);
		}
	}
	return row[n % 3][m];
}

void suggest_offer(struct suggest *s, const char *typed, const char *word)
{
	size_t distance = suggest_distance(typed, word);
	char x[SUGGEST_MAX], y[SUGGEST_MAX];
	size_t n = fold(typed, x);

	/* An abbreviation is as good as one mistake. */
	if (n >= 3 && n < fold(word, y) && n < SUGGEST_MAX && !memcmp(x, y, n))
		distance = 1;

	if (distance * 3 > strlen(word) || distance >= strlen(typed))
		return;
	if (s->word && s->distance <= distance)
		return;
	s->word = word;
	s->distance = distance;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suggest.h - The word that somebody may have meant. */
#ifndef MSB_SUGGEST_H
#define MSB_SUGGEST_H

#include <stddef.h>

/** SUGGEST_MAX - Characters of the longest word that is compared */
#define SUGGEST_MAX 48

/**
 * suggest_distance() - Typing mistakes between two words
 *
 * Letter case, "_", "-" and blanks do not count. A letter more, less, other
 * than meant, or two letters exchanged count one each.
 *
 * Return: their number; SUGGEST_MAX if a word is longer than that
 */
size_t suggest_distance(const char *a, const char *b);

/**
 * struct suggest - The best of the words offered so far
 * @word:	it, or NULL
 * @distance:	its distance
 *
 * A zeroed struct suggest has none yet.
 */
struct suggest {
	const char *word;
	size_t distance;
};

/**
 * suggest_offer() - Offer a word
 * @s:		best so far; updated
 * @typed:	what was written
 * @word:	what could have been meant; not copied
 *
 * A word counts if at most a third of its letters are mistaken, or if @typed is
 * how it starts.
 */
void suggest_offer(struct suggest *s, const char *typed, const char *word);

#endif

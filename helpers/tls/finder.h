/* SPDX-License-Identifier: GPL-2.0-or-later */
/* finder.h - Placeholders in a stream of octets, however they are encoded.
 *
 * Theory of Operation
 *
 * What is looked for is each placeholder itself and its base64 forms: one for
 * each place that it can have in a group of three octets, up to the last digit
 * that it has a part in, in both alphabets (RFC 4648 sections 4 and 5). All of
 * them are one automaton (Aho and Corasick, 1975), a table with a row for each
 * prefix. A line's end inside a base64 form does not count.
 *
 * The stream is read twice by it: as it is, and with its escapes (%24, \u0024,
 * \/) undone, any of them, one by one. Both readings are the same until there
 * is an escape, and then mostly soon again, so that mostly one is made.
 *
 * Where a placeholder is the beginning of another one ($MSB_KEY, $MSB_KEY2) the
 * longest counts. Only where none of them may be there is it not waited for:
 * what has come of it in one piece of a stream is named then.
 *
 * Most octets are not read by it. Where nothing is open, the next place where a
 * pattern may begin is looked for (finder_scan.h), and the automaton works from
 * there until it is back at its root.
 */
#ifndef MSB_FINDER_H
#define MSB_FINDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "secret.h"

struct finder;

/** enum finder_form - How a placeholder was written */
enum finder_form {
	FINDER_RAW,
	FINDER_PERCENT,
	FINDER_JSON,
	FINDER_BASE64,
};

/** finder_form_name() - "raw", "percent", ... */
const char *finder_form_name(enum finder_form form);

/**
 * struct finder_track - One reading of a stream
 * @at:		octets that were read, line's ends within base64 excepted
 * @start:	where the pattern began that is not settled yet
 * @node:	row of the automaton
 * @pattern:	that pattern, or -1
 */
struct finder_track {
	uint32_t at;
	uint32_t start;
	uint16_t node;
	int16_t pattern;
};

/**
 * struct finder_state - A stream, as far as it was read; all zero but for
 * finder_begin()
 * @raw:	as it is
 * @plain:	without its escapes, if @apart
 * @apart:	the readings differ
 * @escape:	where in an escape we are
 * @digits:	digits of it that were read
 * @value:	and their value
 * @last:	the last escape's kind, enum finder_form
 */
struct finder_state {
	struct finder_track raw;
	struct finder_track plain;
	bool apart;
	uint8_t escape;
	uint8_t digits;
	uint8_t last;
	uint16_t value;
};

/**
 * struct finder_found - A placeholder
 * @secret:	index of the secret
 * @form:	how it was written
 */
struct finder_found {
	size_t secret;
	enum finder_form form;
};

/**
 * finder_new() - Make a finder
 * @s:	secrets, at most SECRET_MAX, whose placeholders have no flaw. They are
 *	not kept
 *
 * Return: NULL if there is no memory, or they are too many
 */
struct finder *finder_new(const struct secrets *s)
	__attribute__((warn_unused_result));

/** finder_free() - Release */
void finder_free(struct finder *f);

/** finder_size() - Octets that a finder occupies */
size_t finder_size(const struct finder *f);

/** finder_begin() - Begin a stream */
void finder_begin(struct finder_state *s);

/**
 * finder_feed() - Read on
 * @f:		finder
 * @s:		the stream so far
 * @but:	secrets that may be there
 * @data:	what follows
 * @len:	octets of it
 * @ret:	what was found; set if so
 *
 * Return: whether a placeholder was found of a secret that is not in @but
 */
bool finder_feed(const struct finder *f, struct finder_state *s,
		 const struct secret_bits *but, const uint8_t *data, size_t len,
		 struct finder_found *ret);

/** finder_end() - The stream has ended: settle what was open */
bool finder_end(const struct finder *f, struct finder_state *s,
		const struct secret_bits *but, struct finder_found *ret);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* inject.h - Values in place of placeholders.
 *
 * Theory of Operation
 *
 * Where a value may go, its placeholder is looked for as it would be written
 * there, the longest of those that fit: as it is in a header, with any of its
 * octets as %XX in a query and in a form's body, with any as \uXXXX in JSON.
 * The value is written as it has to be there: so a value with "&" in it does
 * not become a parameter of a query, and one with a quote does not end JSON's
 * string.
 *
 * A stream (a body) is read as it comes. What may be the beginning of a
 * placeholder is kept back, and nothing else: at most INJECT_HELD_MAX octets.
 */
#ifndef MSB_INJECT_H
#define MSB_INJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "secret.h"

/** INJECT_HELD_MAX - Octets of a placeholder in its longest form, \uXXXX */
#define INJECT_HELD_MAX (6 * SECRET_PLACEHOLDER_MAX)

/** enum inject_form - How it is written where it stands */
enum inject_form {
	INJECT_RAW,
	INJECT_PERCENT,
	INJECT_JSON,
};

/** INJECT_FORMS - How many */
#define INJECT_FORMS 3

/** INJECT_FIRSTS - Different octets that are looked for together */
#define INJECT_FIRSTS 4

/**
 * struct inject_firsts - Octets that a placeholder can begin with in a form
 * @may:	whether it can
 * @n:		how many are in @all; more than INJECT_FIRSTS: not all of them
 * @all:	them, or one of them again
 */
struct inject_firsts {
	bool may[256];
	size_t n;
	uint8_t all[INJECT_FIRSTS];
};

/** inject_firsts() - List them */
void inject_firsts(const struct secrets *s, enum inject_form form,
		   struct inject_firsts *ret);

/**
 * struct inject - What may be put where
 * @secrets:	all secrets
 * @allowed:	those that this flow's server may have
 * @where:	one bit of enum secret_inject: those that may be there
 * @form:	how they are written there
 * @firsts:	what those of @secrets begin with in that form
 * @put:	those that were put in are added to it; NULL: that is not noted
 */
struct inject {
	const struct secrets *secrets;
	const struct secret_bits *allowed;
	unsigned int where;
	enum inject_form form;
	const struct inject_firsts *firsts;
	struct secret_bits *put;
};

/** inject_put - What takes the output; false if it cannot */
typedef bool inject_put(void *arg, const uint8_t *data, size_t len);

/** inject_any() - Whether there is a secret that may be there */
bool inject_any(const struct inject *in);

/** inject_has() - Whether one of them is in a text */
bool inject_has(const struct inject *in, const uint8_t *text, size_t len);

/**
 * inject_text() - Write a text that is complete
 * @in:		what may be there
 * @text:	the text
 * @len:	octets of it
 * @put:	receives it, with values
 * @arg:	for @put
 *
 * Return: what @put does
 */
bool inject_text(const struct inject *in, const uint8_t *text, size_t len,
		 inject_put *put, void *arg);

/**
 * inject_basic() - Write the credentials of Basic authentication
 * @in:		what may be there
 * @text:	base64, RFC 7617 section 2
 * @len:	octets of it
 * @put:	receives base64
 * @arg:	for @put
 *
 * What is not base64 is written as it is.
 */
bool inject_basic(const struct inject *in, const uint8_t *text, size_t len,
		  inject_put *put, void *arg);

/**
 * struct inject_stream - A body on its way
 * @in:		what may be there
 * @n:		octets that are kept back
 * @held:	these
 */
struct inject_stream {
	struct inject in;
	size_t n;
	uint8_t held[INJECT_HELD_MAX];
};

/** inject_feed() - Write what follows of a body */
bool inject_feed(struct inject_stream *s, const uint8_t *data, size_t len,
		 inject_put *put, void *arg);

/** inject_end() - Write what was kept back: it is complete */
bool inject_end(struct inject_stream *s, inject_put *put, void *arg);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* field.h - Tables of fields, and the decoder that follows them.
 *
 * One table per kind of object says what its fields are called, what they may
 * hold, where they go in memory and what they mean. The decoder, the JSON
 * Schema and the list of fields in the manual are all read off these tables.
 */
#ifndef MSB_FIELD_H
#define MSB_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "diag.h"
#include "json.h"

/** FIELD_MAX - Fields that one object may have */
#define FIELD_MAX 32

/** FIELD_REQUIRED - The field must be set */
#define FIELD_REQUIRED 1u
/** FIELD_LIST - The value is a list of what @kind says */
#define FIELD_LIST 2u
/** FIELD_APPEND - A single value, put at the end of the field's array */
#define FIELD_APPEND 4u
/** FIELD_BITS - Words are OR-ed into an unsigned int, not stored */
#define FIELD_BITS 8u
/** FIELD_NUMBER - A whole number may stand for the text */
#define FIELD_NUMBER 16u
/** FIELD_PRESENT - @present is the offset of a bool: the field was set */
#define FIELD_PRESENT 32u

/**
 * enum field_kind - What a value is
 * @FIELD_BOOL:		stored as an enum: 0 unset, 1 false, 2 true
 * @FIELD_UINT:		whole number of @size bytes, @min to @max
 * @FIELD_WORD:		one of @words, stored as an unsigned int
 * @FIELD_TEXT:		string, read by @read
 * @FIELD_OBJECT:	object, by the table @object
 * @FIELD_MAP:		object with keys of the user's choice: each member
 *			becomes an element of an array; @read gets the key, then
 *			the value is a FIELD_UINT at @value in the element
 */
enum field_kind {
	FIELD_BOOL,
	FIELD_UINT,
	FIELD_WORD,
	FIELD_TEXT,
	FIELD_OBJECT,
	FIELD_MAP,
};

/**
 * struct field_word - A word and what it stands for
 * @word:	word; NULL ends a list
 * @value:	number stored
 * @about:	one line for the manual, or NULL
 */
struct field_word {
	const char *word;
	unsigned int value;
	const char *about;
};

/**
 * struct field_path - The way from the root of a document to a value
 * @up:		path of the object or list that holds the value
 * @key:	member's name; NULL for an element of a list
 * @index:	element
 *
 * Paths live on the stack while their values are read; the root's is NULL.
 */
struct field_path {
	const struct field_path *up;
	const char *key;
	size_t index;
};

/**
 * struct field_ctx - A decoding under way
 * @a:	arena for the result
 * @d:	diagnostics
 * @at:	value being read
 * @at_key:	its key is what is being read
 */
struct field_ctx {
	struct arena *a;
	struct diags *d;
	const struct field_path *at;
	bool at_key;
};

struct field_object;

/**
 * struct field - One field of an object
 * @name:	canonical name; its snake_case spelling is accepted too
 * @kind:	what a value is
 * @flags:	FIELD_REQUIRED and so on
 * @offset:	where it goes: the value, or for arrays a pointer to elements
 * @count:	FIELD_LIST, FIELD_APPEND, FIELD_MAP: offset of the array's
 *size_t
 * @present:	FIELD_PRESENT: offset of a bool
 * @size:	bytes of an element; of a FIELD_UINT
 * @value:	FIELD_MAP: offset of the uint16_t value in the element
 * @min:	FIELD_UINT, FIELD_NUMBER, FIELD_MAP: least value
 * @max:	greatest value
 * @words:	FIELD_WORD: the words
 * @object:	FIELD_OBJECT: its table
 * @read:	FIELD_TEXT: reads @text into @to, or reports why not.
 *		FIELD_MAP: the same for a member's key
 * @type:	what a value is, in words: "a port or a range of ports"
 * @pattern:	ECMA 262 regular expression for the JSON Schema, or NULL
 * @example:	a value as JSON, for hints, or NULL
 * @initial:	what an unset field means, in words, or NULL
 * @about:	what the field does: one or two sentences
 */
struct field {
	const char *name;
	enum field_kind kind;
	unsigned int flags;
	size_t offset;
	size_t count;
	size_t present;
	size_t size;
	size_t value;
	uint64_t min;
	uint64_t max;
	const struct field_word *words;
	const struct field_object *object;
	bool (*read)(struct field_ctx *c, const char *text, void *to);
	const char *type;
	const char *pattern;
	const char *example;
	const char *initial;
	const char *about;
};

/**
 * struct field_object - A kind of object
 * @name:	name: "PolicyRule"
 * @fields:	its fields
 * @n:		number of fields, at most FIELD_MAX
 * @check:	called when all fields are read, to set defaults and check what
 *		concerns several fields; bit i of @set tells whether field i was
 *		set. It runs after errors too. May be NULL
 * @about:	one sentence
 */
struct field_object {
	const char *name;
	const struct field *fields;
	size_t n;
	void (*check)(struct field_ctx *c, uint32_t set, void *to);
	const char *about;
};

/**
 * field_decode() - Decode a document
 * @c:		context; its @at is NULL
 * @object:	table of the top-level object
 * @v:		document
 * @to:		zeroed struct to fill
 *
 * Errors go to the diagnostics; what could be read is filled in nevertheless.
 */
void field_decode(struct field_ctx *c, const struct field_object *object,
		  const struct jval *v, void *to);

/** field_pointer() - The canonical JSON pointer of a path */
const char *field_pointer(struct arena *a, const struct field_path *path);

/**
 * field_report() - Add a diagnostic about the value being read
 *
 * The arguments are those of diag_add().
 */
void field_report(struct field_ctx *c, enum diag_level level,
		  enum diag_code code, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/** field_error() - field_report() of an error; false, to be returned */
#define field_error(c, code, hint, ...) \
	(field_report((c), DIAG_ERROR, (code), (hint), __VA_ARGS__), false)

/**
 * field_quote() - Text from a document, in quotes, for a message
 *
 * Long text is shortened; control characters are escaped.
 */
const char *field_quote(struct arena *a, const char *text);

/** field_copy() - A struct field's @read that keeps the text as it is */
bool field_copy(struct field_ctx *c, const char *text, void *to);

#endif

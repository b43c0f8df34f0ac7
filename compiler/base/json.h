/* SPDX-License-Identifier: GPL-2.0-or-later */
/* json.h - A document as a read-only tree of JSON values. */
#ifndef MSB_JSON_H
#define MSB_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"

/** struct jval - One JSON value; private */
struct jval;

/** enum jval_type - What a value is */
enum jval_type {
	JVAL_NULL,
	JVAL_BOOL,
	JVAL_INT,
	JVAL_REAL,
	JVAL_TEXT,
	JVAL_LIST,
	JVAL_OBJECT,
};

/**
 * jval_read() - Parse a document
 * @d:	its @text and @len are the document; receives what is wrong with it
 *
 * Return: the tree, to be released with jval_free(); NULL if the text is no
 * JSON. A tree may come with errors (a key that occurs twice): then it is there
 * so that more can be said about the document.
 */
struct jval *jval_read(struct diags *d) __attribute__((warn_unused_result));

/** jval_free() - Release a tree; @v may be NULL */
void jval_free(struct jval *v);

/** jval_type() - Type of a value */
enum jval_type jval_type(const struct jval *v);

/** jval_type_name() - A value's type in words: "a string" */
const char *jval_type_name(const struct jval *v);

/** jval_bool() - A boolean's value */
bool jval_bool(const struct jval *v);

/** jval_int() - A whole number's value */
int64_t jval_int(const struct jval *v);

/** jval_number() - Any number's value */
double jval_number(const struct jval *v);

/**
 * jval_text() - A string's characters
 * @v:		string
 * @ret_len:	bytes; there may be NUL bytes among them
 *
 * Return: UTF-8 with a NUL behind it; lives as long as the tree
 */
const char *jval_text(const struct jval *v, size_t *ret_len);

/** jval_count() - Elements of a list, or members of an object */
size_t jval_count(const struct jval *v);

/** jval_element() - Element @i of a list */
const struct jval *jval_element(const struct jval *v, size_t i);

/**
 * struct jval_member - One member of an object
 * @key:	key
 * @value:	value
 * @at:		private
 */
struct jval_member {
	const char *key;
	const struct jval *value;
	void *at;
};

/**
 * jval_next() - Step to the next member, in the order of the document
 * @v:	object
 * @m:	zeroed before the first call
 *
 * Return: false if there is no further member
 */
bool jval_next(const struct jval *v, struct jval_member *m);

#endif

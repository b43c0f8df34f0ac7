/* SPDX-License-Identifier: GPL-2.0-or-later */
/* json.c - A document as a read-only tree of JSON values, over jansson. */
#include "json.h"

#include <jansson.h>
#include <string.h>

#include "scan.h"
#include "str.h"

/* A struct jval is a json_t under another name, so that no other file sees the
 * library. The library takes the tree apart through pointers to non-const. */
static json_t *peel(const struct jval *v)
{
	return (json_t *)(uintptr_t)v;
}

static struct jval *wrap(json_t *json)
{
	return (struct jval *)json;
}

/* Append the text without what is reported already, where the library would
 * stop. */
static void fill_holes(const struct diags *d, const struct scan *scan,
		       struct str *out)
{
	size_t at = scan->start;

	for (size_t i = 0; i < scan->n_holes; i++) {
		const struct scan_hole *h = &scan->hole[i];

		str_append(out, d->text + at, h->offset - at);
		str_puts(out, h->instead);
		at = h->offset + h->len;
	}
	str_append(out, d->text + at, d->len - at);
}

struct jval *jval_read(struct diags *d)
{
	struct scan scan;
	json_error_t error;
	json_t *json;
	STR(filled);

	if (!scan_text(d->arena, d, &scan))
		return NULL;
	if (scan.n_holes)
		fill_holes(d, &scan, &filled);
	json = json_loadb(scan.n_holes ? str_text(&filled)
				       : d->text + scan.start,
			  scan.n_holes ? filled.len : d->len - scan.start,
			  JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	if (json)
		return wrap(json);
	if (json_error_code(&error) == json_error_out_of_memory)
		diag_add_at(d, DIAG_ERROR, DIAG_TOO_LARGE, 0, NULL,
			    "there is not enough memory for this document");
	else
		diag_add_at(d, DIAG_ERROR, DIAG_SYNTAX,
			    scan.start + (error.position > 0
						  ? (size_t)error.position - 1
						  : 0),
			    NULL, "%s", error.text);
	return NULL;
}

void jval_free(struct jval *v)
{
	json_decref((json_t *)v);
}

enum jval_type jval_type(const struct jval *v)
{
	switch (json_typeof(peel(v))) {
	case JSON_OBJECT:
		return JVAL_OBJECT;
	case JSON_ARRAY:
		return JVAL_LIST;
	case JSON_STRING:
		return JVAL_TEXT;
	case JSON_INTEGER:
		return JVAL_INT;
	case JSON_REAL:
		return JVAL_REAL;
	case JSON_TRUE:
	case JSON_FALSE:
		return JVAL_BOOL;
	case JSON_NULL:
		break;
	}
	return JVAL_NULL;
}

const char *jval_type_name(const struct jval *v)
{
	static const char *const names[] = {
		[JVAL_NULL] = "null",	     [JVAL_BOOL] = "a boolean",
		[JVAL_INT] = "a number",     [JVAL_REAL] = "a number",
		[JVAL_TEXT] = "a string",    [JVAL_LIST] = "a list",
		[JVAL_OBJECT] = "an object",
	};

	return names[jval_type(v)];
}

bool jval_bool(const struct jval *v)
{
	return json_is_true(peel(v));
}

int64_t jval_int(const struct jval *v)
{
	return json_integer_value(peel(v));
}

double jval_number(const struct jval *v)
{
	return json_number_value(peel(v));
}

const char *jval_text(const struct jval *v, size_t *ret_len)
{
	*ret_len = json_string_length(peel(v));
	return json_string_value(peel(v));
}

size_t jval_count(const struct jval *v)
{
	return jval_type(v) == JVAL_LIST ? json_array_size(peel(v))
					 : json_object_size(peel(v));
}

const struct jval *jval_element(const struct jval *v, size_t i)
{
	return wrap(json_array_get(peel(v), i));
}

bool jval_next(const struct jval *v, struct jval_member *m)
{
	m->at = m->at ? json_object_iter_next(peel(v), m->at)
		      : json_object_iter(peel(v));
	if (!m->at)
		return false;
	m->key = json_object_iter_key(m->at);
	m->value = wrap(json_object_iter_value(m->at));
	return true;
}

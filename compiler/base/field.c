/* SPDX-License-Identifier: GPL-2.0-or-later */
/* field.c - The decoder that follows tables of fields. */
#include "field.h"

#include <stdio.h>
#include <string.h>

#include "locate.h"
#include "suggest.h"

/* Of longer text from a document, this many bytes go into a message. */
#define QUOTE_MAX 72

const char *field_pointer(struct arena *a, const struct field_path *path)
{
	const struct field_path *way[SUGGEST_MAX];
	size_t n = 0;
	STR(s);

	for (; path && n < SUGGEST_MAX; path = path->up)
		way[n++] = path;
	while (n--) {
		str_putc(&s, '/');
		if (way[n]->key)
			locate_escape(&s, way[n]->key, strlen(way[n]->key));
		else
			str_printf(&s, "%zu", way[n]->index);
	}
	return arena_strdup(a, str_text(&s));
}

__attribute__((format(printf, 6, 0))) static void
report(struct field_ctx *c, enum diag_level level, enum diag_code code,
       unsigned int flags, const char *hint, const char *fmt, va_list ap)
{
	ARENA(scratch);

	if (diag_is_surplus(c->d, level))
		return;
	if (c->at_key)
		flags |= DIAG_AT_KEY;
	diag_add(c->d, level, code, flags, field_pointer(&scratch, c->at), hint,
		 "%s", arena_vprintf(&scratch, fmt, ap));
}

void field_report(struct field_ctx *c, enum diag_level level,
		  enum diag_code code, const char *hint, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(c, level, code, 0, hint, fmt, ap);
	va_end(ap);
}

/* An error about a key: the path's last step names it. */
__attribute__((format(printf, 4, 5))) static void
key_error(struct field_ctx *c, enum diag_code code, const char *hint,
	  const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(c, DIAG_ERROR, code, DIAG_AT_KEY, hint, fmt, ap);
	va_end(ap);
}

const char *field_quote(struct arena *a, const char *text)
{
	size_t len = strlen(text), shown = len;
	STR(s);

	if (len > QUOTE_MAX)
		for (shown = QUOTE_MAX; (text[shown] & 0xc0) == 0x80;)
			shown--;
	str_json(&s, text, shown);
	if (shown < len)
		str_puts(&s, "...");
	return arena_strdup(a, str_text(&s));
}

bool field_copy(struct field_ctx *c, const char *text, void *to)
{
	*(const char **)to = arena_strdup(c->a, text);
	return true;
}

/* The words of a list, as "a", "b" or "c". */
static const char *list_words(struct arena *a, const struct field_word *w)
{
	STR(s);

	for (size_t i = 0; w[i].word; i++) {
		if (i)
			str_puts(&s, w[i + 1].word ? ", " : " or ");
		str_printf(&s, "\"%s\"", w[i].word);
	}
	return arena_strdup(a, str_text(&s));
}

/* What a value of the field is, as the object of "must be". */
static const char *describe(struct arena *a, const struct field *f)
{
	switch (f->kind) {
	case FIELD_BOOL:
		return "true or false";
	case FIELD_UINT:
		return arena_printf(a, "a whole number from %ju to %ju",
				    (uintmax_t)f->min, (uintmax_t)f->max);
	case FIELD_WORD:
		return list_words(a, f->words);
	case FIELD_TEXT:
		return f->type;
	case FIELD_OBJECT:
	case FIELD_MAP:
		return f->type ? f->type : "an object";
	}
	return "";
}

/* What to write instead of a value of the wrong type, if that is plain. */
static const char *type_hint(struct arena *a, const struct field *f,
			     const struct jval *v, bool list)
{
	size_t len;
	const char *text;

	if (list && (jval_type(v) != JVAL_OBJECT || f->kind == FIELD_OBJECT))
		return f->example ? arena_printf(a, "write a list: [%s]",
						 f->example)
				  : "put it in brackets: [...]";
	if (jval_type(v) == JVAL_LIST && !list)
		return "write one value, without brackets";
	if (jval_type(v) != JVAL_TEXT)
		return f->kind == FIELD_TEXT && f->example
			       ? arena_printf(a, "for example %s", f->example)
			       : NULL;
	text = jval_text(v, &len);
	if (f->kind == FIELD_BOOL &&
	    (!strcmp(text, "true") || !strcmp(text, "false")))
		return arena_printf(a, "write %s without the quotes", text);
	if (f->kind == FIELD_UINT && len && strspn(text, "0123456789") == len)
		return arena_printf(a, "write %s without the quotes", text);
	return NULL;
}

static bool type_error(struct field_ctx *c, const struct field *f,
		       const struct jval *v, bool list)
{
	ARENA(s);
	const char *what = describe(&s, f);

	if (list)
		return field_error(c, DIAG_TYPE, type_hint(&s, f, v, true),
				   "must be a list, not %s; each element is %s",
				   jval_type_name(v), what);
	return field_error(c, DIAG_TYPE, type_hint(&s, f, v, false),
			   "must be %s, not %s", what, jval_type_name(v));
}

/* A number's digits as the document has them. */
static const char *source_text(struct field_ctx *c, struct arena *a)
{
	struct locate_place p = locate_pointer(a, c->d->text, c->d->len,
					       field_pointer(a, c->at), false);

	return arena_strndup(a, c->d->text + p.offset,
			     p.len < QUOTE_MAX ? p.len : QUOTE_MAX);
}

static bool read_number(struct field_ctx *c, const struct field *f,
			const struct jval *v, uint64_t *ret)
{
	const char *what = f->kind == FIELD_UINT ? "" : "port ";
	ARENA(s);
	int64_t n;

	if (jval_type(v) == JVAL_REAL)
		return field_error(c, DIAG_NUMBER_FORMAT, NULL,
				   "must be a whole number, written without "
				   "fraction and exponent, not %s",
				   source_text(c, &s));
	n = jval_int(v);
	if (n < 0 || (uint64_t)n < f->min)
		return field_error(c, DIAG_NUMBER_RANGE, NULL,
				   "%s%jd is below %ju; %ju to %ju are allowed",
				   what, (intmax_t)n, (uintmax_t)f->min,
				   (uintmax_t)f->min, (uintmax_t)f->max);
	if ((uint64_t)n > f->max)
		return field_error(c, DIAG_NUMBER_RANGE, NULL,
				   "%s%jd is above %ju; %ju to %ju are allowed",
				   what, (intmax_t)n, (uintmax_t)f->max,
				   (uintmax_t)f->min, (uintmax_t)f->max);
	*ret = (uint64_t)n;
	return true;
}

static void store_uint(void *to, size_t size, uint64_t n)
{
	uint16_t n16 = (uint16_t)n;
	uint32_t n32 = (uint32_t)n;

	if (size == sizeof(n16))
		memcpy(to, &n16, size);
	else if (size == sizeof(n32))
		memcpy(to, &n32, size);
	else
		memcpy(to, &n, sizeof(n));
}

static bool read_word(struct field_ctx *c, const struct field *f,
		      const char *text, unsigned int *to)
{
	struct suggest best = {0};
	ARENA(s);

	for (const struct field_word *w = f->words; w->word; w++) {
		if (!strcmp(w->word, text)) {
			*to = f->flags & FIELD_BITS ? *to | w->value : w->value;
			return true;
		}
		suggest_offer(&best, text, w->word);
	}
	return field_error(
		c, DIAG_ENUM,
		best.word ? arena_printf(&s, "did you mean \"%s\"?", best.word)
			  : NULL,
		"%s is not one of %s", field_quote(&s, text),
		list_words(&s, f->words));
}

/* The characters of a string; NULL after an error. No field has a use for NUL
 * characters, and everything behind one would go unseen. */
static const char *read_chars(struct field_ctx *c, const struct jval *v)
{
	size_t len;
	const char *text = jval_text(v, &len);

	if (strlen(text) == len)
		return text;
	field_report(c, DIAG_ERROR, DIAG_TEXT, NULL,
		     "must not contain the character \\u0000");
	return NULL;
}

static bool read_text(struct field_ctx *c, const struct field *f,
		      const struct jval *v, void *to)
{
	const char *text = read_chars(c, v);

	if (!text)
		return false;
	if (f->kind == FIELD_WORD)
		return read_word(c, f, text, to);
	return f->read(c, text, to);
}

static bool read_digits(struct field_ctx *c, const struct field *f,
			const struct jval *v, void *to)
{
	char text[24];
	uint64_t n;

	if (!read_number(c, f, v, &n))
		return false;
	snprintf(text, sizeof(text), "%ju", (uintmax_t)n);
	return f->read(c, text, to);
}

static void read_object(struct field_ctx *c, const struct field_object *o,
			const struct jval *v, void *to);

/* Read one value, not a list. */
static bool read_one(struct field_ctx *c, const struct field *f,
		     const struct jval *v, void *to)
{
	enum jval_type type = jval_type(v);
	uint64_t n;

	switch (f->kind) {
	case FIELD_BOOL:
		if (type != JVAL_BOOL)
			break;
		*(unsigned int *)to = jval_bool(v) ? 2 : 1;
		return true;
	case FIELD_UINT:
		if (type != JVAL_INT && type != JVAL_REAL)
			break;
		if (!read_number(c, f, v, &n))
			return false;
		store_uint(to, f->size, n);
		return true;
	case FIELD_WORD:
	case FIELD_TEXT:
		if (type == JVAL_TEXT)
			return read_text(c, f, v, to);
		if (f->flags & FIELD_NUMBER &&
		    (type == JVAL_INT || type == JVAL_REAL))
			return read_digits(c, f, v, to);
		break;
	case FIELD_OBJECT:
		if (type != JVAL_OBJECT)
			break;
		read_object(c, f->object, v, to);
		return true;
	case FIELD_MAP:
		break;
	}
	return type_error(c, f, v, false);
}

/* Make room for @more elements in the field's array; returns the first. */
static char *extend(struct field_ctx *c, const struct field *f, void *to,
		    size_t more)
{
	size_t n = *(size_t *)((char *)to + f->count);
	char *array = arena_alloc(c->a, n + more, f->size);
	char *old;

	/* The pointer's own type is not known here. */
	memcpy(&old, (char *)to + f->offset, sizeof(old));
	if (n)
		memcpy(array, old, n * f->size);
	memcpy((char *)to + f->offset, &array, sizeof(array));
	return array + n * f->size;
}

static void extended(const struct field *f, void *to, size_t more)
{
	*(size_t *)((char *)to + f->count) += more;
}

static bool is_empty_text(const struct jval *v)
{
	size_t len = 1;

	if (jval_type(v) == JVAL_TEXT)
		jval_text(v, &len);
	return !len;
}

static bool read_element(struct field_ctx *c, const struct field *f,
			 const struct jval *v, void *to)
{
	if (jval_type(v) == JVAL_NULL)
		return field_error(c, DIAG_EMPTY, "remove it",
				   "a list must not contain null");
	if (is_empty_text(v) &&
	    (f->kind == FIELD_TEXT || f->kind == FIELD_WORD))
		return field_error(c, DIAG_EMPTY, "remove it",
				   "a list must not contain \"\"");
	return read_one(c, f, v, to);
}

static void read_list(struct field_ctx *c, const struct field *f,
		      const struct jval *v, void *to)
{
	size_t n = jval_count(v), kept = 0;
	bool bits = f->flags & FIELD_BITS;
	struct field_path path = {.up = c->at};
	char *element = bits ? (char *)to + f->offset : extend(c, f, to, n);

	/* cppcheck-suppress autoVariables -- taken back before it ends */
	c->at = &path;
	for (; path.index < n; path.index++) {
		if (!read_element(c, f, jval_element(v, path.index), element) ||
		    bits)
			continue;
		element += f->size;
		kept++;
	}
	c->at = path.up;
	if (!bits)
		extended(f, to, kept);
}

static void read_map(struct field_ctx *c, const struct field *f,
		     const struct jval *v, void *to)
{
	char *element = extend(c, f, to, jval_count(v));
	struct field_path path = {.up = c->at};
	struct jval_member m = {0};
	size_t kept = 0;

	/* cppcheck-suppress autoVariables -- taken back before it ends */
	c->at = &path;
	while (jval_next(v, &m)) {
		bool good;
		uint64_t n;

		path.key = m.key;
		c->at_key = true;
		good = f->read(c, m.key, element);
		c->at_key = false;
		if (jval_type(m.value) != JVAL_INT &&
		    jval_type(m.value) != JVAL_REAL) {
			field_report(c, DIAG_ERROR,
				     jval_type(m.value) == JVAL_NULL
					     ? DIAG_EMPTY
					     : DIAG_TYPE,
				     "for example {\"8080\": 80}",
				     "must be a whole number from %ju to %ju, "
				     "not %s",
				     (uintmax_t)f->min, (uintmax_t)f->max,
				     jval_type_name(m.value));
			continue;
		}
		if (!read_number(c, f, m.value, &n) || !good)
			continue;
		store_uint(element + f->value, sizeof(uint16_t), n);
		element += f->size;
		kept++;
	}
	c->at = path.up;
	extended(f, to, kept);
}

static void read_field(struct field_ctx *c, const struct field *f,
		       const struct jval *v, void *to)
{
	if (f->flags & FIELD_PRESENT)
		*(bool *)((char *)to + f->present) = true;
	if (f->flags & FIELD_LIST) {
		if (jval_type(v) == JVAL_LIST)
			read_list(c, f, v, to);
		else
			type_error(c, f, v, true);
	} else if (f->kind == FIELD_MAP) {
		if (jval_type(v) == JVAL_OBJECT)
			read_map(c, f, v, to);
		else
			type_error(c, f, v, false);
	} else if (f->flags & FIELD_APPEND) {
		if (read_one(c, f, v, extend(c, f, to, 1)))
			extended(f, to, 1);
	} else {
		read_one(c, f, v, (char *)to + f->offset);
	}
}

/* Whether a key is a field's name, in either spelling. */
static bool is_name(const struct field *f, const char *key)
{
	char snake[LOCATE_NAME_MAX];

	/* Both spellings start with the same letter. */
	if ((key[0] | 0x20) != (f->name[0] | 0x20))
		return false;
	return !strcmp(f->name, key) ||
	       !strcmp(locate_snake(f->name, snake), key);
}

static void unknown_key(struct field_ctx *c, const struct field_object *o,
			const char *key)
{
	bool snake = key[0] >= 'a' && key[0] <= 'z';
	struct suggest best = {0};
	char name[LOCATE_NAME_MAX];
	const char *hint;
	ARENA(s);

	if (diag_is_surplus(c->d, DIAG_ERROR))
		return;
	for (size_t i = 0; i < o->n; i++)
		suggest_offer(&best, key, o->fields[i].name);
	if (best.word) {
		snake = snake && strcmp(key, best.word);
		hint = arena_printf(&s, "did you mean \"%s\"?",
				    snake ? locate_snake(best.word, name)
					  : best.word);
	} else {
		STR(all);

		for (size_t i = 0; i < o->n; i++)
			str_printf(&all, "%s%s", i ? ", " : "",
				   o->fields[i].name);
		hint = arena_printf(&s, "the fields are %s", str_text(&all));
	}
	key_error(c, DIAG_UNKNOWN_KEY, hint, "%s is no field of %s",
		  field_quote(&s, key), o->name);
}

/* Find the value of each field among the members of an object. */
static void collect(struct field_ctx *c, const struct field_object *o,
		    const struct jval *v, const struct jval **value)
{
	struct field_path path = {.up = c->at};
	struct jval_member m = {0};

	c->at = &path;
	while (jval_next(v, &m)) {
		size_t i = 0;

		path.key = m.key;
		while (i < o->n && !is_name(&o->fields[i], m.key))
			i++;
		if (i == o->n)
			unknown_key(c, o, m.key);
		else if (value[i])
			key_error(c, DIAG_DUPLICATE_KEY, "keep one of them",
				  "the object has this field in its other "
				  "spelling too");
		else
			value[i] = m.value;
	}
	c->at = path.up;
}

/* null, and "" for a string, mean that a field is not set. */
static bool is_set(const struct field *f, const struct jval *v)
{
	if (!v || jval_type(v) == JVAL_NULL)
		return false;
	if (f->flags & FIELD_LIST)
		return true;
	return !(f->kind == FIELD_TEXT || f->kind == FIELD_WORD) ||
	       !is_empty_text(v);
}

static void read_object(struct field_ctx *c, const struct field_object *o,
			const struct jval *v, void *to)
{
	const struct jval *value[FIELD_MAX] = {0};
	struct field_path path = {.up = c->at};
	uint32_t set = 0;

	collect(c, o, v, value);
	c->at = &path;
	for (size_t i = 0; i < o->n; i++) {
		const struct field *f = &o->fields[i];

		path.key = f->name;
		if (is_set(f, value[i])) {
			set |= UINT32_C(1) << i;
			read_field(c, f, value[i], to);
		} else if (f->flags & FIELD_REQUIRED) {
			ARENA(s);

			field_report(c, DIAG_ERROR, DIAG_MISSING, NULL,
				     "%s needs %s: %s", o->name, f->name,
				     describe(&s, f));
		}
	}
	c->at = path.up;
	if (o->check)
		o->check(c, set, to);
}

void field_decode(struct field_ctx *c, const struct field_object *object,
		  const struct jval *v, void *to)
{
	if (jval_type(v) != JVAL_OBJECT) {
		field_report(c, DIAG_ERROR, DIAG_TYPE, "the least is {}",
			     "a %s must be an object, not %s", object->name,
			     jval_type_name(v));
		return;
	}
	read_object(c, object, v, to);
}

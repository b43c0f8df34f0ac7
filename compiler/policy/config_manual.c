/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config_manual.c - The field tables as a part of the manual, in mdoc. */
#include <string.h>

#include "config_table.h"
#include "locate.h"

/* Source lines of the manual end behind a sentence, or before this column. */
#define LINE_END 72

/* Append one character that is no macro and no escape, whatever it is. */
static void put_char(struct str *out, char c, bool first)
{
	if (first && (c == '.' || c == '\''))
		str_puts(out, "\\&");
	if (c == '\\')
		str_puts(out, "\\e");
	else if (c == '-')
		str_puts(out, "\\-");
	else if (c == '"')
		str_puts(out, "\\(dq");
	else
		str_putc(out, c);
}

/* Append text, its line ends where mdoc wants them. */
static void put_plain(struct str *out, const char *text)
{
	size_t start = out->len;

	for (const char *p = text; *p; p++) {
		size_t word = strcspn(p + 1, " ");
		bool sentence = p > text && p[-1] == '.';

		if (*p == ' ' &&
		    (sentence || out->len - start + word > LINE_END)) {
			str_putc(out, '\n');
			start = out->len;
		} else {
			put_char(out, *p, out->len == start);
		}
	}
}

static const char *type_name(const struct field *f)
{
	switch (f->kind) {
	case FIELD_BOOL:
		return "boolean";
	case FIELD_UINT:
		return "number";
	case FIELD_WORD:
		return "word";
	case FIELD_TEXT:
		return f->flags & FIELD_NUMBER ? "string or number" : "string";
	case FIELD_OBJECT:
		return f->object->name;
	case FIELD_MAP:
		return "object";
	}
	return "";
}

static void put_words(struct str *out, const struct field_word *w)
{
	str_puts(out, "One of\n");
	for (; w->word; w++) {
		str_puts(out, ".Cm ");
		str_puts(out, w->word);
		if (w->about) {
			str_puts(out, "\n(");
			put_plain(out, w->about);
			str_puts(out, w[1].word ? ")," : ").");
		} else {
			str_puts(out, w[1].word ? " ," : " .");
		}
		str_putc(out, '\n');
	}
}

static void put_field(struct str *out, const struct field *f)
{
	char snake[LOCATE_NAME_MAX];

	str_printf(out, ".It Cm %s , %s\n", f->name,
		   locate_snake(f->name, snake));
	str_printf(out, ".Pq %s%s%s\n", f->flags & FIELD_LIST ? "list of " : "",
		   type_name(f), f->flags & FIELD_REQUIRED ? ", required" : "");
	put_plain(out, f->about);
	str_putc(out, '\n');
	if (f->kind == FIELD_WORD)
		put_words(out, f->words);
	if (f->kind == FIELD_UINT)
		str_printf(out, "From %ju to %ju.\n", (uintmax_t)f->min,
			   (uintmax_t)f->max);
	if (f->initial) {
		STR(initial);

		str_printf(&initial, "Unset: %s.\n", f->initial);
		put_plain(out, str_text(&initial));
	}
}

void config_manual(struct str *out)
{
	for (size_t i = 0; i < CONFIG_OBJECT_COUNT; i++) {
		const struct field_object *o = &config_objects[i];

		str_printf(out, ".Ss %s\n", o->name);
		put_plain(out, o->about);
		str_puts(out, "\n.Bl -tag -width Ds\n");
		for (size_t j = 0; j < o->n; j++)
			put_field(out, &o->fields[j]);
		str_puts(out, ".El\n");
	}
}

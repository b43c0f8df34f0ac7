/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config_schema.c - The field tables as a JSON Schema. */
#include <string.h>

#include "config_table.h"
#include "locate.h"

/** struct writer - A schema being written */
struct writer {
	struct str *out;
	unsigned int indent;
	bool comma;
};

/* Start a new line, behind a comma unless it is the first of its object. */
static void line(struct writer *w)
{
	if (w->comma)
		str_putc(w->out, ',');
	str_putc(w->out, '\n');
	str_pad(w->out, '\t', w->indent);
	w->comma = true;
}

static void put_string(struct str *out, const char *text)
{
	str_json(out, text, strlen(text));
}

static void key(struct writer *w, const char *name)
{
	line(w);
	put_string(w->out, name);
	str_puts(w->out, ": ");
}

static void open_with(struct writer *w, char bracket)
{
	str_putc(w->out, bracket);
	w->indent++;
	w->comma = false;
}

static void close_with(struct writer *w, char bracket)
{
	w->indent--;
	str_putc(w->out, '\n');
	str_pad(w->out, '\t', w->indent);
	str_putc(w->out, bracket);
	w->comma = true;
}

static void put_words(struct str *out, const struct field *f, bool unset)
{
	str_puts(out, "\"enum\": [");
	for (const struct field_word *word = f->words; word->word; word++) {
		if (word != f->words)
			str_puts(out, ", ");
		put_string(out, word->word);
	}
	str_puts(out, unset ? ", \"\", null]" : "]");
}

static void put_bounds(struct str *out, const struct field *f)
{
	str_printf(out, "\"minimum\": %ju, \"maximum\": %ju", (uintmax_t)f->min,
		   (uintmax_t)f->max);
}

static void put_text(struct str *out, const struct field *f)
{
	str_puts(out, "\"type\": \"string\", \"minLength\": 1");
	if (!f->pattern)
		return;
	str_puts(out, ", \"pattern\": ");
	put_string(out, f->pattern);
}

static void put_alternatives(struct str *out, const struct field *f, bool unset)
{
	str_puts(out, "\"anyOf\": [{");
	put_text(out, f);
	str_putc(out, '}');
	if (f->flags & FIELD_NUMBER) {
		str_puts(out, ", {\"type\": \"integer\", ");
		put_bounds(out, f);
		str_putc(out, '}');
	}
	str_puts(out, unset ? ", {\"enum\": [\"\", null]}]" : "]");
}

/* The keywords that describe one value; @unset: null, or "", may stand there
 * for "not set". */
static void put_value(struct str *out, const struct field *f, bool unset)
{
	switch (f->kind) {
	case FIELD_BOOL:
		str_puts(out, unset ? "\"type\": [\"boolean\", \"null\"]"
				    : "\"type\": \"boolean\"");
		return;
	case FIELD_UINT:
		str_puts(out, unset ? "\"type\": [\"integer\", \"null\"], "
				    : "\"type\": \"integer\", ");
		put_bounds(out, f);
		return;
	case FIELD_WORD:
		put_words(out, f, unset);
		return;
	case FIELD_TEXT:
		if (unset || f->flags & FIELD_NUMBER)
			put_alternatives(out, f, unset);
		else
			put_text(out, f);
		return;
	case FIELD_OBJECT:
		str_printf(out,
			   unset ? "\"anyOf\": [{\"$ref\": \"#/$defs/%s\"}, "
				   "{\"type\": \"null\"}]"
				 : "\"$ref\": \"#/$defs/%s\"",
			   f->object->name);
		return;
	case FIELD_MAP:
		str_puts(out, "\"type\": [\"object\", \"null\"], "
			      "\"propertyNames\": {\"pattern\": ");
		put_string(out, f->pattern);
		str_puts(out, "}, \"additionalProperties\": "
			      "{\"type\": \"integer\", ");
		put_bounds(out, f);
		str_putc(out, '}');
		return;
	}
}

static void put_field(struct writer *w, const struct field_object *o,
		      const struct field *f)
{
	char snake[LOCATE_NAME_MAX];

	key(w, f->name);
	open_with(w, '{');
	key(w, "description");
	if (f->initial) {
		STR(about);

		str_printf(&about, "%s Unset: %s.", f->about, f->initial);
		put_string(w->out, str_text(&about));
	} else {
		put_string(w->out, f->about);
	}
	line(w);
	if (f->flags & FIELD_LIST) {
		str_puts(w->out, "\"type\": [\"array\", \"null\"], "
				 "\"items\": {");
		put_value(w->out, f, false);
		str_putc(w->out, '}');
	} else {
		put_value(w->out, f, !(f->flags & FIELD_REQUIRED));
	}
	close_with(w, '}');
	key(w, locate_snake(f->name, snake));
	str_printf(w->out, "{\"$ref\": \"#/$defs/%s/properties/%s\"}", o->name,
		   f->name);
}

/* A schema that holds if @name is there, in either spelling, and its value
 * is as the schema @value says. */
static void put_is(struct str *out, const char *name, const char *value)
{
	char snake[LOCATE_NAME_MAX];

	locate_snake(name, snake);
	str_printf(out,
		   "{\"anyOf\": [{\"required\": [\"%s\"], "
		   "\"properties\": {\"%s\": %s}}, "
		   "{\"required\": [\"%s\"], "
		   "\"properties\": {\"%s\": %s}}]}",
		   name, name, value, snake, snake, value);
}

/* Members of "properties" that say what @name, if it is there, must be. */
static void put_must(struct str *out, const char *name, const char *value,
		     bool more)
{
	char snake[LOCATE_NAME_MAX];

	str_printf(out, "\"%s\": %s, \"%s\": %s%s", name, value,
		   locate_snake(name, snake), value, more ? ", " : "");
}

#define IS_SET "{\"type\": \"string\", \"minLength\": 1}"

static void network_rules(struct writer *w)
{
	line(w);
	str_puts(w->out, "{\"if\": ");
	put_is(w->out, "Policy", IS_SET);
	str_puts(w->out, ", \"then\": {\"properties\": {");
	put_must(w->out, "Rules", "{\"type\": \"null\"}", true);
	put_must(w->out, "DefaultEgress", "{\"enum\": [\"\", null]}", true);
	put_must(w->out, "DefaultIngress", "{\"enum\": [\"\", null]}", false);
	str_puts(w->out, "}}}");
}

static void rule_rules(struct writer *w)
{
#define NOT_ICMP "{\"not\": {\"enum\": [\"icmpv4\", \"icmpv6\"]}}"
	line(w);
	str_puts(w->out, "{\"if\": ");
	put_is(w->out, "Direction", "{\"enum\": [\"ingress\", \"any\"]}");
	str_puts(w->out, ", \"then\": {\"properties\": {");
	put_must(w->out, "Protocol", NOT_ICMP, true);
	put_must(w->out, "Protocols", "{\"items\": " NOT_ICMP "}", false);
	str_puts(w->out, "}}}");
#undef NOT_ICMP
}

static void tls_rules(struct writer *w)
{
	line(w);
	str_puts(w->out, "{\"if\": ");
	put_is(w->out, "CACert", IS_SET);
	str_puts(w->out, ", \"then\": ");
	put_is(w->out, "CAKey", IS_SET);
	str_puts(w->out, ", \"else\": {\"not\": ");
	put_is(w->out, "CAKey", IS_SET);
	str_puts(w->out, "}}");
}

static void secret_rules(struct writer *w)
{
	line(w);
	str_puts(w->out, "{\"oneOf\": [");
	put_is(w->out, "ValueFile", IS_SET);
	str_puts(w->out, ", ");
	put_is(w->out, "ValueEnv", IS_SET);
	str_puts(w->out, "]}");
}

/* What the checks of config_check.c say about several fields at once. */
static void (*const rules[CONFIG_OBJECT_COUNT])(struct writer *w) = {
	[CONFIG_NETWORK] = network_rules,
	[CONFIG_RULE] = rule_rules,
	[CONFIG_TLS] = tls_rules,
	[CONFIG_SECRET] = secret_rules,
};

static void put_object(struct writer *w, enum config_object which)
{
	const struct field_object *o = &config_objects[which];

	key(w, o->name);
	open_with(w, '{');
	key(w, "description");
	put_string(w->out, o->about);
	key(w, "type");
	put_string(w->out, "object");
	key(w, "additionalProperties");
	str_puts(w->out, "false");
	key(w, "properties");
	open_with(w, '{');
	for (size_t i = 0; i < o->n; i++)
		put_field(w, o, &o->fields[i]);
	close_with(w, '}');
	key(w, "allOf");
	open_with(w, '[');
	for (size_t i = 0; i < o->n; i++) {
		const char *name = o->fields[i].name;
		char snake[LOCATE_NAME_MAX];

		line(w);
		str_printf(w->out,
			   o->fields[i].flags & FIELD_REQUIRED
				   ? "{\"oneOf\": [{\"required\": [\"%s\"]}, "
				     "{\"required\": [\"%s\"]}]}"
				   : "{\"not\": {\"required\": [\"%s\", "
				     "\"%s\"]}}",
			   name, locate_snake(name, snake));
	}
	if (rules[which])
		rules[which](w);
	close_with(w, ']');
	close_with(w, '}');
}

void config_schema(struct str *out)
{
	struct writer w = {.out = out};

	open_with(&w, '{');
	key(&w, "$schema");
	put_string(out, "https://json-schema.org/draft/2020-12/schema");
	key(&w, "title");
	put_string(out, "NetworkConfig of msb-netc");
	key(&w, "$ref");
	put_string(out, "#/$defs/NetworkConfig");
	key(&w, "$defs");
	open_with(&w, '{');
	for (int i = 0; i < CONFIG_OBJECT_COUNT; i++)
		put_object(&w, (enum config_object)i);
	close_with(&w, '}');
	close_with(&w, '}');
	str_putc(out, '\n');
}

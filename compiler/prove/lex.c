/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lex.c - The words of a ruleset's text, one at a time. */
#include "lex.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char marks[] = "{};,=";

void lex_fail(struct lex *l, const char *fmt, ...)
{
	va_list ap;

	l->error->line = l->token.line;
	l->error->column = l->token.column;
	va_start(ap, fmt);
	vsnprintf(l->error->text, sizeof(l->error->text), fmt, ap);
	va_end(ap);
	longjmp(l->fail, 1);
}

static void lex_keep(struct lex *l, const char *text, size_t len)
{
	if (len > LEX_WORD_MAX)
		lex_fail(l, "a word is longer than %d bytes", LEX_WORD_MAX);
	memcpy(l->token.text, text, len);
	l->token.text[len] = '\0';
}

static void lex_quoted(struct lex *l)
{
	const char *start = ++l->p;

	while (*l->p && *l->p != '"' && *l->p != '\n')
		l->p++;
	if (*l->p != '"')
		lex_fail(l, "a quoted string has no end");
	l->token.kind = LEX_STRING;
	lex_keep(l, start, (size_t)(l->p++ - start));
}

void lex_next(struct lex *l)
{
	const char *start;

	while (*l->p == ' ' || *l->p == '\t')
		l->p++;
	start = l->p;
	l->token.line = l->line;
	l->token.column = (unsigned int)(start - l->line_start) + 1;
	l->token.text[0] = '\0';
	if (!*start) {
		l->token.kind = LEX_END;
	} else if (*start == '\n') {
		l->token.kind = LEX_NEWLINE;
		l->line_start = ++l->p;
		l->line++;
	} else if (*start == '"') {
		lex_quoted(l);
	} else if ((start[0] == '!' || start[0] == '=') && start[1] == '=') {
		l->token.kind = LEX_MARK;
		lex_keep(l, start, 2);
		l->p += 2;
	} else if (strchr(marks, *start)) {
		l->token.kind = LEX_MARK;
		lex_keep(l, l->p++, 1);
	} else {
		while (*l->p > ' ' && *l->p != 0x7f && *l->p != '"' &&
		       !strchr(marks, *l->p))
			l->p++;
		if (l->p == start)
			lex_fail(l, "byte 0x%02x is not expected in a ruleset",
				 (unsigned char)*start);
		l->token.kind = LEX_WORD;
		lex_keep(l, start, (size_t)(l->p - start));
	}
}

void lex_start(struct lex *l, struct arena *a, const char *text,
	       struct lex_error *e)
{
	l->a = a;
	l->p = l->line_start = text;
	l->line = 1;
	l->error = e;
	lex_next(l);
}

void lex_skip_lines(struct lex *l)
{
	while (l->token.kind == LEX_NEWLINE)
		lex_next(l);
}

bool lex_is(const struct lex *l, const char *text)
{
	return (l->token.kind == LEX_WORD || l->token.kind == LEX_MARK) &&
	       strcmp(l->token.text, text) == 0;
}

bool lex_take(struct lex *l, const char *text)
{
	if (!lex_is(l, text))
		return false;
	lex_next(l);
	return true;
}

static const char *lex_found(const struct lex *l)
{
	switch (l->token.kind) {
	case LEX_END:
		return "the end of the text";
	case LEX_NEWLINE:
		return "the end of the line";
	case LEX_WORD:
	case LEX_STRING:
	case LEX_MARK:
		break;
	}
	return l->token.text;
}

void lex_need(struct lex *l, const char *text)
{
	if (!lex_take(l, text))
		lex_fail(l, "expected \"%s\", found %s", text, lex_found(l));
}

const char *lex_word(struct lex *l)
{
	const char *word;

	if (l->token.kind != LEX_WORD)
		lex_fail(l, "expected a word, found %s", lex_found(l));
	word = arena_strdup(l->a, l->token.text);
	lex_next(l);
	return word;
}

const char *lex_string(struct lex *l)
{
	const char *text;

	if (l->token.kind != LEX_STRING)
		lex_fail(l, "expected a quoted string, found %s", lex_found(l));
	text = arena_strdup(l->a, l->token.text);
	lex_next(l);
	return text;
}

bool lex_text_number(const char *text, uint64_t max, uint64_t *ret)
{
	const bool hex = text[0] == '0' && text[1] == 'x';
	const uint64_t base = hex ? 16 : 10;
	const char *p = hex ? text + 2 : text;
	uint64_t n = 0;

	if (!*p)
		return false;
	for (; *p; p++) {
		uint64_t digit;

		if (*p >= '0' && *p <= '9')
			digit = (uint64_t)(*p - '0');
		else if (hex && *p >= 'a' && *p <= 'f')
			digit = (uint64_t)(*p - 'a') + 10;
		else
			return false;
		if (digit > max || n > (max - digit) / base)
			return false;
		n = n * base + digit;
	}
	*ret = n;
	return true;
}

uint64_t lex_number(struct lex *l, uint64_t max)
{
	uint64_t n;

	if (l->token.kind != LEX_WORD ||
	    !lex_text_number(l->token.text, max, &n))
		lex_fail(l, "expected a number, found %s", lex_found(l));
	lex_next(l);
	return n;
}

void lex_end_line(struct lex *l)
{
	if (l->token.kind != LEX_NEWLINE && l->token.kind != LEX_END)
		lex_fail(l, "%s is not expected here", lex_found(l));
	lex_next(l);
}

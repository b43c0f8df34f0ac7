/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lex.h - The words of a ruleset's text, one at a time. */
#ifndef MSB_LEX_H
#define MSB_LEX_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"

/** LEX_WORD_MAX - Bytes of the longest word, or of what is between quotes */
#define LEX_WORD_MAX 255

/** enum lex_kind - What a token is */
enum lex_kind {
	LEX_END,
	LEX_NEWLINE,
	LEX_WORD,
	LEX_STRING,
	LEX_MARK,
};

/**
 * struct lex_token - One token
 * @kind:	LEX_WORD: a run of characters up to a blank or a mark;
 *		LEX_STRING: what was between quotes; LEX_MARK: one of
 *		"{", "}", ";", ",", "=", "!=", "=="
 * @text:	its characters, NUL-terminated; "" for LEX_END and LEX_NEWLINE
 * @line:	line, from 1
 * @column:	column in bytes, from 1
 */
struct lex_token {
	enum lex_kind kind;
	char text[LEX_WORD_MAX + 1];
	unsigned int line;
	unsigned int column;
};

/**
 * struct lex_error - Why a text was not understood
 * @line:	line, from 1
 * @column:	column in bytes, from 1
 * @text:	one sentence without the full stop
 */
struct lex_error {
	unsigned int line;
	unsigned int column;
	char text[512];
};

/**
 * struct lex - A text being read
 * @token:	the token that is next
 * @a:		arena for what is kept of the text
 *
 * The other members are private.
 */
struct lex {
	struct lex_token token;
	struct arena *a;
	const char *p;
	const char *line_start;
	unsigned int line;
	struct lex_error *error;
	jmp_buf fail;
};

/**
 * lex_start() - Begin to read
 * @l:	filled in; its jump buffer must have been set by the caller, who is gone
 *	back to whenever the text is not understood, with @e filled in
 * @a:	arena
 * @text: text, NUL-terminated
 * @e:	error
 */
void lex_start(struct lex *l, struct arena *a, const char *text,
	       struct lex_error *e);

/** lex_next() - Go to the next token */
void lex_next(struct lex *l);

/** lex_skip_lines() - Go to the next token that is not the end of a line */
void lex_skip_lines(struct lex *l);

/** lex_is() - Whether the next token is this word or mark */
bool lex_is(const struct lex *l, const char *text);

/** lex_take() - Go past the next token if it is this word or mark */
bool lex_take(struct lex *l, const char *text);

/** lex_need() - Go past this word or mark, which must be next */
void lex_need(struct lex *l, const char *text);

/** lex_word() - Take a word, and keep it */
const char *lex_word(struct lex *l);

/** lex_string() - Take what is between quotes, and keep it */
const char *lex_string(struct lex *l);

/** lex_number() - Take a number from 0 to @max, decimal or after "0x" */
uint64_t lex_number(struct lex *l, uint64_t max);

/** lex_end_line() - Go past the end of the line, which must be next */
void lex_end_line(struct lex *l);

/** lex_fail() - Say what is wrong with the next token, and give up */
void lex_fail(struct lex *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));

/** lex_text_number() - A number as lex_number() reads it; false if none */
bool lex_text_number(const char *text, uint64_t max, uint64_t *ret)
	__attribute__((warn_unused_result));

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diff.h - The parts of "msb-netc diff": sides, text and meaning. */
#ifndef MSB_DIFF_H
#define MSB_DIFF_H

#include "cli.h"
#include "compile.h"
#include "differ.h"

/**
 * struct diff_side - One of the two that are compared
 * @name:	as it was given
 * @document:	whether it is a document; else a directory of artefacts
 * @d:		the document's diagnostics
 * @compiled:	the document compiled; without artefacts if only its meaning
 *		counts
 * @files:	artefacts, ascending by path
 * @n_files:	how many
 */
struct diff_side {
	const char *name;
	bool document;
	struct diags d;
	struct compiled compiled;
	const struct artefact *files;
	size_t n_files;
};

/**
 * diff_side_read() - Read a side
 * @a:		arena
 * @operand:	path of a document or of a directory, "-", or "preset:NAME"
 * @slot:	slot to compile for
 * @meaning:	whether only the meaning counts: then nothing is printed of it
 * @ret:	side; must not be moved
 *
 * Return: CLI_YES, or CLI_USAGE after saying why
 */
int diff_side_read(struct arena *a, const char *operand, uint32_t slot,
		   bool meaning, struct diff_side *ret);

/** diff_is_directory() - Whether an operand is a directory of artefacts */
bool diff_is_directory(const char *operand);

/**
 * struct diff_report - What was found, and how it is printed
 * @json:	as JSON
 * @text:	differences of texts so far
 * @n_texts:	how many texts differ
 */
struct diff_report {
	bool json;
	struct str text;
	size_t n_texts;
};

/**
 * diff_texts() - Compare the artefacts of two sides
 * @a:	arena for scratch
 * @x:	side before
 * @y:	side after
 * @r:	receives the differences
 */
void diff_texts(struct arena *a, const struct diff_side *x,
		const struct diff_side *y, struct diff_report *r);

/** diff_text() - Compare two texts; names as linediff() has them */
void diff_text(struct diff_report *r, const char *path, const char *before_name,
	       const char *before, const char *after_name, const char *after);

/**
 * diff_meaning() - Compare what two sides mean
 * @a:		arena for the result
 * @x:		side before
 * @y:		side after
 * @ret:	result; set on success
 *
 * Return: CLI_YES, or CLI_USAGE after saying why
 */
int diff_meaning(struct arena *a, const struct diff_side *x,
		 const struct diff_side *y, struct differ *ret);

/**
 * diff_print() - Print a report on standard output
 * @r:		differences of texts
 * @d:		differences of meaning; NULL if there was nothing to compare
 * @equal:	the verdict
 */
void diff_print(const struct diff_report *r, const struct differ *d,
		bool equal);

/**
 * diff_live() - Compare a running sandbox with what it should be
 * @args:	command line: NAME, and perhaps a document
 *
 * Return: exit status
 */
int diff_live(const struct cli_args *args);

#endif

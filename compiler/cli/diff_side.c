/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diff_side.c - Reading what "msb-netc diff" compares. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "diff.h"
#include "linediff.h"
#include "preset.h"
#include "prove.h"

/** SIDE_MAX_FILES - Files of the largest directory that is compared */
#define SIDE_MAX_FILES 256

/** SIDE_MAX_DEPTH - Directories in each other that are looked into */
#define SIDE_MAX_DEPTH 3

/** struct listing_of - The files of a directory that are read so far */
struct dir_files {
	struct arena *a;
	struct artefact *v;
	size_t n;
	size_t cap;
};

static int dir_read(struct dir_files *f, const char *root, const char *below,
		    unsigned int depth);

static int dir_entry(struct dir_files *f, const char *root, const char *path,
		     unsigned int depth)
{
	const char *whole = arena_printf(f->a, "%s/%s", root, path);
	struct artefact file = {.path = path};
	struct stat st;
	int rc;

	if (stat(whole, &st) < 0)
		return CLI_YES;
	if (S_ISDIR(st.st_mode))
		return depth < SIDE_MAX_DEPTH
			       ? dir_read(f, root, path, depth + 1)
			       : CLI_YES;
	if (!S_ISREG(st.st_mode))
		return CLI_YES;
	if (f->n == SIDE_MAX_FILES) {
		cli_error("%s has more than %d files", root, SIDE_MAX_FILES);
		return CLI_USAGE;
	}
	rc = cli_read_file(f->a, whole, &file.text, &file.len);
	if (rc != CLI_YES)
		return rc;
	f->v = arena_grow(f->a, f->v, f->n, &f->cap, sizeof(*f->v));
	f->v[f->n++] = file;
	return CLI_YES;
}

static int dir_read(struct dir_files *f, const char *root, const char *below,
		    unsigned int depth)
{
	const char *path = *below ? arena_printf(f->a, "%s/%s", root, below)
				  : root;
	struct dirent **names;
	int n = scandir(path, &names, NULL, alphasort), i, rc = CLI_YES;

	if (n < 0) {
		cli_error("cannot read directory %s", path);
		return CLI_USAGE;
	}
	for (i = 0; i < n; i++) {
		if (rc == CLI_YES && names[i]->d_name[0] != '.')
			rc = dir_entry(f, root,
				       arena_printf(f->a, "%s%s%s", below,
						    *below ? "/" : "",
						    names[i]->d_name),
				       depth);
		free(names[i]);
	}
	free(names);
	return rc;
}

static int by_path(const void *x, const void *y)
{
	const struct artefact *a = x, *b = y;

	return strcmp(a->path, b->path);
}

static const struct artefact *side_file(const struct diff_side *s,
					const char *path)
{
	const struct artefact key = {.path = path};

	if (!s->n_files)
		return NULL;
	return bsearch(&key, s->files, s->n_files, sizeof(key), by_path);
}

static int read_directory(struct arena *a, struct diff_side *s)
{
	struct dir_files f = {.a = a};
	int rc = dir_read(&f, s->name, "", 1);

	if (rc != CLI_YES)
		return rc;
	if (f.n)
		qsort(f.v, f.n, sizeof(*f.v), by_path);
	s->files = f.v;
	s->n_files = f.n;
	if (!side_file(s, "sandbox.nft")) {
		cli_error("%s has no sandbox.nft: it is no directory that "
			  "\"compile\" wrote",
			  s->name);
		return CLI_USAGE;
	}
	return CLI_YES;
}

static int read_document(struct arena *a, struct diff_side *s)
{
	static const char prefix[] = "preset:";
	const size_t len = sizeof(prefix) - 1;
	const char *preset = s->name + len;

	s->d = (struct diags){.arena = a, .file = s->name};
	if (strncmp(s->name, prefix, len) != 0)
		return cli_read_file(a, s->name, &s->d.text, &s->d.len);
	if (!preset_by_name(preset)) {
		cli_error("no preset \"%s\": \"msb-netc presets\" lists them",
			  preset);
		return CLI_USAGE;
	}
	s->d.text = arena_printf(a, "{\"Policy\": \"%s\"}\n", preset);
	s->d.len = strlen(s->d.text);
	return CLI_YES;
}

int diff_side_read(struct arena *a, const char *operand, uint32_t slot,
		   bool meaning, struct diff_side *ret)
{
	const struct compile_request req = {.name = "sandbox", .slot = slot};
	bool good;
	int rc;

	*ret = (struct diff_side){.name = operand};
	if (diff_is_directory(operand))
		return read_directory(a, ret);
	ret->document = true;
	rc = read_document(a, ret);
	if (rc != CLI_YES)
		return rc;
	good = meaning ? compile_policy(a, &ret->d, slot, &ret->compiled.config,
					&ret->compiled.policy)
		       : compile(a, &ret->d, &req, &ret->compiled);
	if (!good) {
		cli_diags(&ret->d);
		return CLI_USAGE;
	}
	ret->files = ret->compiled.files;
	ret->n_files = ret->compiled.n_files;
	return CLI_YES;
}

void diff_text(struct diff_report *r, const char *path, const char *before_name,
	       const char *before, const char *after_name, const char *after)
{
	const struct linediff_text x = {before_name, before,
					before ? strlen(before) : 0};
	const struct linediff_text y = {after_name, after,
					after ? strlen(after) : 0};
	STR(diff);

	if (!linediff(&diff, &x, &y))
		return;
	r->n_texts++;
	if (!r->json) {
		str_append(&r->text, diff.data, diff.len);
		return;
	}
	str_puts(&r->text, r->n_texts > 1 ? ",\n\t{\"path\": "
					  : "\n\t{"
					    "\"path\": ");
	str_json(&r->text, path, strlen(path));
	str_puts(&r->text, ", \"diff\": ");
	str_json(&r->text, diff.data, diff.len);
	str_putc(&r->text, '}');
}

void diff_texts(struct arena *a, const struct diff_side *x,
		const struct diff_side *y, struct diff_report *r)
{
	size_t i = 0, j = 0;

	while (i < x->n_files || j < y->n_files) {
		const struct artefact *p = i < x->n_files ? &x->files[i] : NULL;
		const struct artefact *q = j < y->n_files ? &y->files[j] : NULL;
		const int order = p && q ? by_path(p, q) : 0;
		const char *path;

		if (order > 0)
			p = NULL;
		else if (order < 0)
			q = NULL;
		path = p ? p->path : q ? q->path : "";
		i += p != NULL;
		j += q != NULL;
		diff_text(r, path, arena_printf(a, "%s/%s", x->name, path),
			  p ? p->text : NULL,
			  arena_printf(a, "%s/%s", y->name, path),
			  q ? q->text : NULL);
	}
}

/* A side as its ruleset has it. */
static int said(struct arena *a, const struct diff_side *s,
		struct differ_side *ret)
{
	struct lex_error e;

	*ret = (struct differ_side){0};
	if (s->document)
		ret->slot = s->compiled.policy.slot;
	if (prove_said(a, side_file(s, "sandbox.nft")->text, ret->walk, &e))
		return CLI_YES;
	cli_error("%s/sandbox.nft:%u:%u: %s", s->name, e.line, e.column,
		  e.text);
	return CLI_USAGE;
}

/* Whether an operand is a directory of artefacts. */
bool diff_is_directory(const char *operand)
{
	struct stat st;

	return stat(operand, &st) == 0 && S_ISDIR(st.st_mode);
}

int diff_meaning(struct arena *a, const struct diff_side *x,
		 const struct diff_side *y, struct differ *ret)
{
	struct differ_side before, after;

	if (x->document && y->document) {
		differ_side_of(a, &x->compiled.policy, &before);
		differ_side_of(a, &y->compiled.policy, &after);
	} else if (said(a, x, &before) != CLI_YES ||
		   said(a, y, &after) != CLI_YES) {
		return CLI_USAGE;
	}
	if (differ(a, &before, &after, ret))
		return CLI_YES;
	cli_error("%s and %s are too large to be compared", x->name, y->name);
	return CLI_USAGE;
}

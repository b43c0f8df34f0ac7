/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compile.h - From the bytes of a document to its artefacts. */
#ifndef MSB_COMPILE_H
#define MSB_COMPILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "diag.h"
#include "plan.h"

/**
 * struct compile_request - What to compile
 * @name:	sandbox name, valid by plan_name_valid()
 * @slot:	slot number
 */
struct compile_request {
	const char *name;
	uint32_t slot;
};

/**
 * struct artefact - One file of the output
 * @path:	path below the output directory: "sandbox.nft", "guest/hosts"
 * @text:	contents, NUL-terminated
 * @len:	bytes of contents
 */
struct artefact {
	const char *path;
	const char *text;
	size_t len;
};

/**
 * struct compiled - Everything a document became
 * @config:	decoded document
 * @policy:	rule lists
 * @plan:	placement
 * @files:	artefacts
 * @n_files:	number of artefacts
 */
struct compiled {
	struct config config;
	struct policy policy;
	struct plan plan;
	const struct artefact *files;
	size_t n_files;
};

/**
 * compile() - Compile one document
 * @a:		arena for the result
 * @d:		diagnostics; @d->text is the document
 * @req:	request
 * @ret:	result; points into itself, so it must not be moved
 *
 * Pure: no file, socket, clock or environment. The same bytes and request give
 * the same artefacts.
 *
 * Return: true if there was no error
 */
bool compile(struct arena *a, struct diags *d,
	     const struct compile_request *req, struct compiled *ret)
	__attribute__((warn_unused_result));

/**
 * compile_policy() - The first half: document to policy
 * @a:		arena for the result
 * @d:		diagnostics; @d->text is the document
 * @slot:	slot number
 * @config:	decoded document; must live as long as @policy
 * @policy:	rule lists
 *
 * Return: true if there was no error
 */
bool compile_policy(struct arena *a, struct diags *d, uint32_t slot,
		    struct config *config, struct policy *policy)
	__attribute__((warn_unused_result));

/** compile_artefact() - An artefact by its path, or NULL */
const struct artefact *compile_artefact(const struct compiled *c,
					const char *path);

#endif

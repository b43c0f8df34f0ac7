/* SPDX-License-Identifier: GPL-2.0-or-later */
/* document.h - A document of a test, compiled. */
#ifndef MSB_DOCUMENT_H
#define MSB_DOCUMENT_H

#include "compile.h"

/**
 * document_compile() - Compile a document, or say on stderr why not
 * @a:		arena for the result
 * @file:	name for diagnostics
 * @text:	the document
 * @len:	its bytes
 * @slot:	slot number
 * @name:	sandbox name
 * @ret:	result; must not be moved
 */
bool document_compile(struct arena *a, const char *file, const char *text,
		      size_t len, uint32_t slot, const char *name,
		      struct compiled *ret) __attribute__((warn_unused_result));

/**
 * document_read() - A whole file
 * @a:		arena for the text
 * @path:	path
 * @ret_len:	bytes
 *
 * Return: the text, or NULL after saying why on stderr
 */
char *document_read(struct arena *a, const char *path, size_t *ret_len);

/** document_write() - Write a whole file; false after saying why on stderr */
bool document_write(const char *path, const char *text, size_t len)
	__attribute__((warn_unused_result));

/** document_number() - A decimal number; false if @text is none up to @max */
bool document_number(const char *text, uint64_t max, uint64_t *ret)
	__attribute__((warn_unused_result));

#endif

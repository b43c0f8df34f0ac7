/* SPDX-License-Identifier: GPL-2.0-or-later */
/* state_dir.h - Directories, and files that are whole or not there. */
#ifndef MSB_STATE_DIR_H
#define MSB_STATE_DIR_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "arena.h"

/**
 * state_dir_open() - Open a directory
 * @at:		directory that @path is below
 * @path:	path
 * @create:	make it if it is missing
 * @mode:	of a new one
 *
 * Return: descriptor, -1 and errno on failure
 */
int state_dir_open(int at, const char *path, bool create, mode_t mode);

/** state_dir_close() - Close a descriptor, which becomes -1; -1 is nothing */
void state_dir_close(int *fd);

/** state_dir_list() - List an open directory, from its beginning; NULL and
 * errno on failure
 */
DIR *state_dir_list(int fd);

/**
 * state_dir_remove() - Remove a file, or a directory and what is below it
 * @at:		directory that it is in
 * @name:	its name; nothing is fine too
 * @depth:	levels below it, at the most
 *
 * Return: 0, -1 and errno on failure
 */
int state_dir_remove(int at, const char *name, unsigned int depth);

/**
 * state_dir_write() - Write a file aside and rename it
 * @dir:	directory
 * @path:	path below it
 * @text:	what is in it
 * @len:	bytes
 *
 * Readers see the old one or the new.
 *
 * Return: 0, -1 and errno on failure
 */
int state_dir_write(int dir, const char *path, const char *text, size_t len);

/**
 * state_dir_read() - Read a file
 * @at:		directory
 * @a:		arena for the text
 * @name:	directory in @at
 * @path:	path below that
 * @ret_len:	bytes; set on success
 *
 * Return: text with a NUL behind it, NULL and errno on failure
 */
const char *state_dir_read(int at, struct arena *a, const char *name,
			   const char *path, size_t *ret_len);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* value_file.h - A secret's value, read from the file that the host keeps it
 * in.
 */
#ifndef MSB_VALUE_FILE_H
#define MSB_VALUE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "values.h"

/** VALUE_FILE_ROOM - What is read of a file at most: a value, the newline
 * behind it, and an octet that is too much
 */
#define VALUE_FILE_ROOM (VALUE_MAX + 2)

/**
 * value_file_read() - Read a value
 * @path:	path of a regular file
 * @room:	of VALUE_FILE_ROOM octets, of values_room(): receives what is in
 *		the file
 * @ret_len:	octets of the value, which one newline at the end of the file is
 *		no part of; set on success
 *
 * Return: NULL, or what is wrong, which says nothing of the value
 */
const char *value_file_read(const char *path, uint8_t *room, size_t *ret_len)
	__attribute__((warn_unused_result));

#endif

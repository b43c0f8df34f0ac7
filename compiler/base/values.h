/* SPDX-License-Identifier: GPL-2.0-or-later */
/* values.h - The values of secrets, on their way to whoever needs them.
 *
 * A value is read by msb-netc, kept by a supervisor, and used by a worker. From
 * one to the next it goes as a file in memory, which has no name, and whose
 * pages are locked by everybody who keeps it: it is never written to a disk,
 * and it is zeroed before it is given back. No other file, argument, variable
 * or message has any of it.
 *
 * The file has a number, how many there are; so many numbers, the octets of
 * each; and these, one behind the other. Both ends are of one build and one
 * machine.
 */
#ifndef MSB_VALUES_H
#define MSB_VALUES_H

#include <stddef.h>
#include <stdint.h>

#include "secret_limit.h"

/** VALUES_MAX - Values of one sandbox */
#define VALUES_MAX SECRET_MAX

/** VALUE_MAX - Octets of a value */
#define VALUE_MAX SECRET_VALUE_MAX

/** VALUES_LOCK_MAX - Octets of memory that all of them take, locked, at most */
#define VALUES_LOCK_MAX ((size_t)VALUES_MAX * (VALUE_MAX + 4) + 65536)

/**
 * struct value - A value
 * @text:	its octets
 * @len:	how many
 */
struct value {
	const uint8_t *text;
	size_t len;
};

/**
 * struct values - Values that were read
 * @n:		how many
 * @v:		each, in @room
 * @room:	memory that is locked, is in no core, and is no child's; NULL:
 *		nothing was read
 * @room_len:	octets of it
 */
struct values {
	size_t n;
	struct value v[VALUES_MAX];
	void *room;
	size_t room_len;
};

/**
 * value_flaw() - What is wrong with a value
 * @text:	its octets
 * @len:	how many
 *
 * It can stand in a header (RFC 9110 section 5.5): no control characters but
 * tab, and no blank at either end, which a server would not see.
 *
 * Return: a sentence that says nothing of it, or NULL if nothing is
 */
const char *value_flaw(const uint8_t *text, size_t len);

/**
 * values_room() - Get memory for values: locked, in no core, and no child's
 * @len:	octets
 *
 * Return: zeroed memory, at a page's start; NULL and errno, which is ENOMEM or
 * EAGAIN if RLIMIT_MEMLOCK is too low
 */
void *values_room(size_t len) __attribute__((warn_unused_result));

/** values_room_free() - Zero it, and give it back; @room may be NULL */
void values_room_free(void *room, size_t len);

/**
 * values_write() - Make a file of values
 * @v:	values, each of at most VALUE_MAX octets
 * @n:	how many, at most VALUES_MAX
 *
 * Its size cannot be changed.
 *
 * Return: a descriptor, CLOEXEC; -1 and errno
 */
int values_write(const struct value *v, size_t n)
	__attribute__((warn_unused_result));

/**
 * values_read() - Read a file of values
 * @fd:		descriptor, whose offset does not matter
 * @n:		how many there must be
 * @ret:	values; set on success
 *
 * A worker that is confined may do this. Whatever is in the file, nothing but
 * the values of @ret comes of it.
 *
 * Return: NULL, or what is wrong
 */
const char *values_read(int fd, size_t n, struct values *ret)
	__attribute__((warn_unused_result));

/** values_drop() - Zero the values, and give their memory back */
void values_drop(struct values *v);

/** values_wipe() - Zero the octets of a file; nobody needs it any more */
void values_wipe(int fd);

/**
 * struct values_pin - A file whose pages stay in memory
 * @pages:	they; NULL: there is none
 * @len:	octets
 */
struct values_pin {
	void *pages;
	size_t len;
};

/**
 * values_pin() - Keep a file of values from being paged out
 * @fd:		descriptor, which may be closed
 * @ret:	set on success
 *
 * Return: 0; -1 and errno, as by values_room()
 */
int values_pin(int fd, struct values_pin *ret)
	__attribute__((warn_unused_result));

/** values_unpin() - Let go of it */
void values_unpin(struct values_pin *pin);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf.h - Reading a helper's configuration by its field tables. */
#ifndef MSB_CONF_H
#define MSB_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "field.h"

/** CONF_MAX_BYTES - Size of the largest configuration: 64 MiB */
#define CONF_MAX_BYTES (64u << 20)

/** CONF_REASON_MAX - Room for the reason why one is refused, with NUL */
#define CONF_REASON_MAX 256

/**
 * conf_decode() - Decode and check the text of a configuration
 * @a:		arena for everything that @to points to
 * @object:	table of the top-level object
 * @text:	JSON
 * @len:	bytes
 * @to:		zeroed struct to fill
 * @ret_reason:	on failure, the first error: "/Listeners/0/Bind: ..."
 *
 * Return: true if there was no error
 */
bool conf_decode(struct arena *a, const struct field_object *object,
		 const char *text, size_t len, void *to,
		 char ret_reason[CONF_REASON_MAX])
	__attribute__((warn_unused_result));

/**
 * conf_read_fd() - Read a whole file, from its start
 * @a:		arena for the text
 * @fd:		descriptor of a file; its offset does not matter
 * @ret_len:	bytes
 *
 * Return: the text; NULL and errno if it cannot be read or is too large
 */
const char *conf_read_fd(struct arena *a, int fd, size_t *ret_len)
	__attribute__((warn_unused_result));

/**
 * conf_warm_up() - Let the libraries open, and ask for, what they want to
 *
 * To be called before confinement: the JSON library seeds its hash tables when
 * it makes its first object, and the C library wants to know the machine's
 * memory when it first sorts.
 */
void conf_warm_up(void);

/** conf_read_ip4() - Read an IPv4 address into a struct ip: a @read function */
bool conf_read_ip4(struct field_ctx *c, const char *text, void *to);

/** conf_read_ip6() - Read an IPv6 address into a struct ip: a @read function */
bool conf_read_ip6(struct field_ctx *c, const char *text, void *to);

/**
 * CONF_HEAD() - The fields that every helper's configuration begins with
 * @into:	struct that is filled: uint32_t version; const char *name and
 *		*generation, NULL if it has none; struct ip gw4, gw6, guest4 and
 *		guest6, the addresses of the guest's link
 */
/* clang-format off */
#define CONF_HEAD(into) \
	{ \
		.name = "Version", \
		.kind = FIELD_UINT, \
		.flags = FIELD_REQUIRED, \
		.offset = offsetof(into, version), \
		.size = sizeof(uint32_t), \
		.min = 1, \
		.max = 1, \
	}, \
	{ \
		.name = "Name", \
		.kind = FIELD_TEXT, \
		.flags = FIELD_REQUIRED, \
		.offset = offsetof(into, name), \
		.read = field_copy, \
		.type = "a name as a string", \
	}, \
	{ \
		.name = "Generation", \
		.kind = FIELD_TEXT, \
		.offset = offsetof(into, generation), \
		.read = field_copy, \
		.type = "a mark as a string", \
	}, \
	{ \
		.name = "Gateway4", \
		.kind = FIELD_TEXT, \
		.flags = FIELD_REQUIRED, \
		.offset = offsetof(into, gw4), \
		.read = conf_read_ip4, \
		.type = "an IPv4 address as a string", \
	}, \
	{ \
		.name = "Gateway6", \
		.kind = FIELD_TEXT, \
		.flags = FIELD_REQUIRED, \
		.offset = offsetof(into, gw6), \
		.read = conf_read_ip6, \
		.type = "an IPv6 address as a string", \
	}, \
	{ \
		.name = "Guest4", \
		.kind = FIELD_TEXT, \
		.flags = FIELD_REQUIRED, \
		.offset = offsetof(into, guest4), \
		.read = conf_read_ip4, \
		.type = "an IPv4 address as a string", \
	}, \
	{ \
		.name = "Guest6", \
		.kind = FIELD_TEXT, \
		.flags = FIELD_REQUIRED, \
		.offset = offsetof(into, guest6), \
		.read = conf_read_ip6, \
		.type = "an IPv6 address as a string", \
	}
/* clang-format on */

#endif

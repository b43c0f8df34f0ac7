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
 * conf_warm_up() - Let the libraries open what they want to open
 *
 * To be called before confinement: the JSON library seeds its hash tables when
 * it makes its first object.
 */
void conf_warm_up(void);

/** conf_read_ip4() - Read an IPv4 address into a struct ip: a @read function */
bool conf_read_ip4(struct field_ctx *c, const char *text, void *to);

/** conf_read_ip6() - Read an IPv6 address into a struct ip: a @read function */
bool conf_read_ip6(struct field_ctx *c, const char *text, void *to);

#endif

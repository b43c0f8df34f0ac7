/* SPDX-License-Identifier: GPL-2.0-or-later */
/* chunk1.h - Chunks of a body in HTTP/1.1 (RFC 9112 section 7.1). */
#ifndef MSB_CHUNK1_H
#define MSB_CHUNK1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * chunk1_read() - Read the line before a chunk
 * @line:	it, with the "\n" that is its end
 * @len:	octets of it
 * @ret:	set to the octets of the chunk
 *
 * Return: what is wrong with it, or NULL
 */
const char *chunk1_read(const uint8_t *line, size_t len, uint64_t *ret);

/**
 * chunk1_put() - Pass octets on as a chunk of our own
 * @arg:	struct watch
 * @data:	octets
 * @len:	how many; none are no chunk
 *
 * Return: false if that cannot be done
 */
bool chunk1_put(void *arg, const uint8_t *data, size_t len);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* settings2.h - The settings of an HTTP/2 server (RFC 9113 section 6.5). */
#ifndef MSB_SETTINGS2_H
#define MSB_SETTINGS2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** SETTINGS2_ENTRY - Octets of one of them */
#define SETTINGS2_ENTRY 6

/** SETTINGS2_MAX - Octets of a frame of them */
#define SETTINGS2_MAX ((size_t)64 * SETTINGS2_ENTRY)

/**
 * struct settings2 - A frame of them
 * @text:	its octets, and room for one more
 * @n:		how many
 * @seen:	there was a frame before
 * @has_table:	it says how large the server's table is
 * @table:	so large: SETTINGS_HEADER_TABLE_SIZE
 */
struct settings2 {
	uint8_t text[SETTINGS2_MAX + SETTINGS2_ENTRY];
	size_t n;
	bool seen;
	bool has_table;
	uint32_t table;
};

/** settings2_add() - Read on; there are at most SETTINGS2_MAX octets */
void settings2_add(struct settings2 *s, const uint8_t *data, size_t len);

/**
 * settings2_limit() - It is complete: make of it what the guest is told
 * @s:		settings
 * @streams:	most streams that may be open
 * @table:	size of the table that the guest has, whatever the server's is
 *
 * The first frame is made to say how many streams may be open if it does not.
 *
 * Return: whether it is in order
 */
bool settings2_limit(struct settings2 *s, uint32_t streams, uint32_t table);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* settings2.c - The settings of an HTTP/2 server, read and limited. */
#include "settings2.h"

#include <string.h>

/** enum setting - Those that are changed */
enum setting {
	SETTING_HEADER_TABLE_SIZE = 1,
	SETTING_MAX_CONCURRENT_STREAMS = 3,
};

void settings2_add(struct settings2 *s, const uint8_t *data, size_t len)
{
	memcpy(s->text + s->n, data, len);
	s->n += len;
}

static uint32_t get(const uint8_t *entry)
{
	return (uint32_t)entry[2] << 24 | (uint32_t)entry[3] << 16 |
	       (uint32_t)entry[4] << 8 | entry[5];
}

static void set(uint8_t *entry, enum setting id, uint32_t value)
{
	entry[0] = 0;
	entry[1] = (uint8_t)id;
	entry[2] = (uint8_t)(value >> 24);
	entry[3] = (uint8_t)(value >> 16);
	entry[4] = (uint8_t)(value >> 8);
	entry[5] = (uint8_t)value;
}

bool settings2_limit(struct settings2 *s, uint32_t streams, uint32_t table)
{
	bool said = s->seen;

	if (s->n % SETTINGS2_ENTRY)
		return false;
	s->has_table = false;
	for (size_t at = 0; at < s->n; at += SETTINGS2_ENTRY) {
		uint8_t *entry = s->text + at;
		const unsigned int id = (unsigned int)entry[0] << 8 | entry[1];

		if (id == SETTING_HEADER_TABLE_SIZE) {
			s->has_table = true;
			s->table = get(entry);
			set(entry, SETTING_HEADER_TABLE_SIZE, table);
		} else if (id == SETTING_MAX_CONCURRENT_STREAMS) {
			said = true;
			if (get(entry) > streams)
				set(entry, SETTING_MAX_CONCURRENT_STREAMS,
				    streams);
		}
	}
	if (!said) {
		set(s->text + s->n, SETTING_MAX_CONCURRENT_STREAMS, streams);
		s->n += SETTINGS2_ENTRY;
	}
	s->seen = true;
	return true;
}

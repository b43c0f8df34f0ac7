/* SPDX-License-Identifier: GPL-2.0-or-later */
/* chunk1.c - Chunks of a body in HTTP/1.1 (RFC 9112 section 7.1). */
#include "chunk1.h"

#include <stdio.h>

#include "watch.h"

static int hex(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 15 digits, so that 64 bits are enough. */
const char *chunk1_read(const uint8_t *line, size_t len, uint64_t *ret)
{
	size_t n = 0;

	*ret = 0;
	while (n < 16 && hex(line[n]) >= 0)
		*ret = *ret << 4 | (uint64_t)hex(line[n++]);
	if (!n || n == 16)
		return "a chunk's size is none";
	if (len < n + 2 || line[len - 2] != '\r')
		return "a chunk's line ends without CR";
	if (line[n] != ';' && n + 2 != len)
		return "a chunk's size is none";
	for (size_t i = n; i < len - 2; i++)
		if ((line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
			return "a control character is in a chunk's line";
	return NULL;
}

bool chunk1_put(void *arg, const uint8_t *data, size_t len)
{
	char line[24];
	const int n = snprintf(line, sizeof(line), "%zx\r\n", len);

	return !len || (watch_put_ok(arg, (const uint8_t *)line, (size_t)n) &&
			watch_put_ok(arg, data, len) &&
			watch_put_ok(arg, (const uint8_t *)"\r\n", 2));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* websocket.c - What a client says in WebSocket frames, unmasked. */
#include "websocket.h"

#include <stdbool.h>

#define MASK_LEN 4

static bool is_masked(const struct websocket *ws)
{
	return ws->header[1] & 0x80;
}

/* Octets of the length behind the first two. */
static size_t length_octets(const struct websocket *ws)
{
	const uint8_t length = ws->header[1] & 0x7f;

	if (length < 126)
		return 0;
	return length == 126 ? 2 : 8;
}

static size_t header_len(const struct websocket *ws)
{
	if (ws->n < 2)
		return 2;
	return 2 + length_octets(ws) + (is_masked(ws) ? MASK_LEN : 0);
}

static void begin_payload(struct websocket *ws)
{
	const size_t octets = length_octets(ws);

	ws->at = 0;
	ws->left = octets ? 0 : ws->header[1] & 0x7f;
	for (size_t i = 0; i < octets; i++)
		ws->left = ws->left << 8 | ws->header[2 + i];
}

size_t websocket_read(struct websocket *ws, const uint8_t *data, size_t len,
		      uint8_t *to, size_t *ret)
{
	const uint8_t *mask;
	size_t n = 0;

	*ret = 0;
	while (n < len && ws->n < header_len(ws)) {
		ws->header[ws->n++] = data[n++];
		if (ws->n == header_len(ws))
			begin_payload(ws);
	}
	if (ws->n < header_len(ws))
		return n;
	mask = ws->header + header_len(ws) - MASK_LEN;
	for (; n < len && ws->left; n++, ws->left--)
		to[(*ret)++] = is_masked(ws)
				       ? data[n] ^ mask[ws->at++ % MASK_LEN]
				       : data[n];
	if (!ws->left)
		ws->n = 0;
	return n;
}

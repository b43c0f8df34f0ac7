/* SPDX-License-Identifier: GPL-2.0-or-later */
/* retry.c - Whether a server's first answer is a HelloRetryRequest. */
#include "retry.h"

#define RECORD_HEADER	 5
#define RECORD_ALERT	 21
#define RECORD_HANDSHAKE 22
#define WARNING		 1

#define SERVER_HELLO 2
#define RANDOM_AT    6 /* behind type, length and version */
#define RANDOM_LEN   32

/* What stands in place of its random (RFC 8446 section 4.1.3). */
static const uint8_t retry_random[RANDOM_LEN] = {
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
	0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
	0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

/* One octet of the message: by which it is another one, or may not be. */
static enum retry_answer look_at(size_t at, uint8_t octet)
{
	if (at == 0 && octet != SERVER_HELLO)
		return RETRY_NONE;
	if (at < RANDOM_AT)
		return RETRY_MORE;
	if (octet != retry_random[at - RANDOM_AT])
		return RETRY_NONE;
	return at == RANDOM_AT + RANDOM_LEN - 1 ? RETRY_ASKED : RETRY_MORE;
}

enum retry_answer retry_look(const uint8_t *data, size_t len)
{
	size_t said = 0;

	while (len) {
		const uint8_t type = data[0];
		size_t left;

		if (type != RECORD_HANDSHAKE && type != RECORD_ALERT)
			return RETRY_NONE;
		if (len < RECORD_HEADER)
			return RETRY_MORE;
		left = (size_t)data[3] << 8 | data[4];
		data += RECORD_HEADER;
		len -= RECORD_HEADER;
		if (type == RECORD_ALERT && len && data[0] != WARNING)
			return RETRY_NONE;
		for (; left && len; left--, len--, data++) {
			const enum retry_answer a =
				type == RECORD_ALERT ? RETRY_MORE
						     : look_at(said++, *data);

			if (a != RETRY_MORE)
				return a;
		}
	}
	return RETRY_MORE;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* answer1.h - Whether a server of HTTP/1.1 agrees to speak something else. */
#ifndef MSB_ANSWER1_H
#define MSB_ANSWER1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** enum answer1_is - What it says */
enum answer1_is {
	ANSWER1_OPEN,
	ANSWER1_AGREED,
	ANSWER1_REFUSED,
};

/**
 * struct answer1 - An answer to CONNECT or Upgrade, as far as it was read
 * @asked:	one is expected
 * @connect:	to CONNECT: any 2xx agrees; to Upgrade: 101 (RFC 9110)
 * @n:		octets of its first line that were read
 * @line:	these
 * @interim:	it was an interim one (1xx): another one follows
 * @line_len:	octets of the line that is being read, CR excepted
 */
struct answer1 {
	bool asked;
	bool connect;
	size_t n;
	uint8_t line[12];
	bool interim;
	size_t line_len;
};

/** answer1_begin() - One is expected */
void answer1_begin(struct answer1 *a, bool connect);

/**
 * answer1_feed() - Read on
 *
 * What is no answer of HTTP/1.1 agrees: nothing is put into what follows it.
 */
enum answer1_is answer1_feed(struct answer1 *a, const uint8_t *data,
			     size_t len);

#endif

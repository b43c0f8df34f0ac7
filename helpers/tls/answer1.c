/* SPDX-License-Identifier: GPL-2.0-or-later */
/* answer1.c - A server's answer to CONNECT or Upgrade, read. */
#include "answer1.h"

#include <string.h>

void answer1_begin(struct answer1 *a, bool connect)
{
	*a = (struct answer1){.asked = true, .connect = connect};
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/1.1 101" is there. */
static enum answer1_is judge(struct answer1 *a)
{
	const uint8_t *code = a->line + 9;

	if (memcmp(a->line, "HTTP/1.", 7) != 0 || !is_digit(a->line[7]) ||
	    a->line[8] != ' ' || !is_digit(code[0]) || !is_digit(code[1]) ||
	    !is_digit(code[2]))
		return ANSWER1_AGREED;
	if (!memcmp(code, "101", 3))
		return ANSWER1_AGREED;
	if (a->connect && code[0] == '2')
		return ANSWER1_AGREED;
	a->interim = code[0] == '1';
	return a->interim ? ANSWER1_OPEN : ANSWER1_REFUSED;
}

/* An interim answer ends with an empty line. */
static void pass_interim(struct answer1 *a, uint8_t octet)
{
	if (octet == '\n' && !a->line_len) {
		a->interim = false;
		a->n = 0;
	}
	if (octet == '\n')
		a->line_len = 0;
	else if (octet != '\r')
		a->line_len++;
}

enum answer1_is answer1_feed(struct answer1 *a, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		enum answer1_is is;

		if (a->interim) {
			pass_interim(a, data[i]);
			continue;
		}
		a->line[a->n++] = data[i];
		if (a->n < sizeof(a->line))
			continue;
		a->line_len = a->n;
		is = judge(a);
		if (is != ANSWER1_OPEN)
			return is;
	}
	return ANSWER1_OPEN;
}

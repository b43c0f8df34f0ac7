/* SPDX-License-Identifier: GPL-2.0-or-later */
/* basic.c - Values put into the credentials of Basic authentication. */
#include <stdlib.h>
#include <string.h>

#include "inject.h"

static const char alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The value of a digit; 64 if it is none. */
static unsigned int digit_value(uint8_t c)
{
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? (unsigned int)(at - alphabet) : 64;
}

/* RFC 4648 section 4, padded or not; returns octets, or SIZE_MAX. */
static size_t decode(const uint8_t *text, size_t len, uint8_t *to)
{
	uint32_t bits = 0;
	size_t n = 0;

	while (len && text[len - 1] == '=')
		len--;
	for (size_t i = 0; i < len; i++) {
		const unsigned int v = digit_value(text[i]);

		if (v == 64)
			return SIZE_MAX;
		bits = bits << 6 | v;
		if (i % 4)
			to[n++] = (uint8_t)(bits >> (6 - i % 4 * 2));
	}
	return len % 4 == 1 ? SIZE_MAX : n;
}

/**
 * struct encoder - Octets that become base64
 * @put:	takes it
 * @arg:	for @put
 * @bits:	octets that are not written yet
 * @n:		how many
 */
struct encoder {
	inject_put *put;
	void *arg;
	uint32_t bits;
	unsigned int n;
};

static bool encode_octet(struct encoder *e, uint8_t octet)
{
	uint8_t out[4];
	bool ok;

	e->bits = e->bits << 8 | octet;
	if (++e->n < 3)
		return true;
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)alphabet[e->bits >> (18 - 6 * i) & 63];
	ok = e->put(e->arg, out, sizeof(out));
	explicit_bzero(out, sizeof(out));
	e->bits = 0;
	e->n = 0;
	return ok;
}

static bool encode(void *arg, const uint8_t *data, size_t len)
{
	struct encoder *e = arg;

	for (size_t i = 0; i < len; i++)
		if (!encode_octet(e, data[i]))
			return false;
	return true;
}

static bool encode_end(struct encoder *e)
{
	const uint32_t bits = e->bits << (24 - 8 * e->n);
	uint8_t out[4] = "====";

	if (!e->n)
		return true;
	for (unsigned int i = 0; i <= e->n; i++)
		out[i] = (uint8_t)alphabet[bits >> (18 - 6 * i) & 63];
	return e->put(e->arg, out, sizeof(out));
}

bool inject_basic(const struct inject *in, const uint8_t *text, size_t len,
		  inject_put *put, void *arg)
{
	struct encoder e = {.put = put, .arg = arg};
	uint8_t *plain = malloc(len ? len : 1);
	size_t n = plain ? decode(text, len, plain) : 0;
	bool ok = plain;

	if (ok && (n == SIZE_MAX || !inject_has(in, plain, n)))
		ok = put(arg, text, len);
	else if (ok)
		ok = inject_text(in, plain, n, encode, &e) && encode_end(&e);
	free(plain);
	return ok;
}

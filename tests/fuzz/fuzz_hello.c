/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_hello.c - Any octets as a ClientHello: safe, the same in any segments,
 * and with the name that wolfSSL finds in it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <wolfssl/options.h>

#include <wolfssl/ssl.h>

#include "hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

/** struct reading - A hello as it was read */
struct reading {
	struct hello h;
	uint8_t message[HELLO_MAX];
	size_t used;
};

static void read_in(struct reading *r, const uint8_t *data, size_t size,
		    size_t step)
{
	hello_begin(&r->h);
	r->used = 0;
	for (size_t at = 0; at < size; at += step) {
		const size_t len = size - at < step ? size - at : step;
		size_t n;

		n = hello_feed(&r->h, r->message, data + at, len);
		MUST(n <= len && (n == len || r->h.state != HELLO_MORE));
		r->used += n;
	}
	MUST(r->used <= HELLO_RAW_MAX);
}

static void same(const struct reading *a, const struct reading *b)
{
	MUST(a->h.state == b->h.state && a->h.alert == b->h.alert);
	MUST(a->used == b->used && a->h.message_len == b->h.message_len);
	MUST(!memcmp(a->message, b->message, a->h.message_len));
	MUST(a->h.sni.len == b->h.sni.len);
	MUST(!memcmp(a->h.sni_wire, b->h.sni_wire, a->h.sni.len));
	MUST(a->h.n_alpn == b->h.n_alpn);
	MUST(!memcmp(a->h.alpn, b->h.alpn, sizeof(a->h.alpn)));
	MUST(a->h.tls13 == b->h.tls13 && a->h.ech == b->h.ech);
}

/* What is read is well-formed. */
static void sound(const struct reading *r)
{
	const struct hello *h = &r->h;
	size_t at = 0;

	for (size_t i = 0; i < h->n_alpn; i++)
		MUST(h->alpn[i] + 1u + r->message[h->alpn[i]] <=
		     h->message_len);
	if (!h->sni.len)
		return;
	while (at < h->sni.len && h->sni.wire[at])
		at += 1u + h->sni.wire[at];
	MUST(at + 1 == h->sni.len);
}

/* The same name, as wolfSSL finds it: it knows one record only, so it is given
 * one. */
static void same_name(const struct reading *r)
{
	static uint8_t record[5 + HELLO_MAX];
	const struct hello *h = &r->h;
	uint8_t name[256];
	word32 len = sizeof(name);
	const size_t at = 1;
	int rc;

	record[0] = 22;
	record[1] = 3;
	record[2] = 1;
	record[3] = (uint8_t)(h->message_len >> 8);
	record[4] = (uint8_t)h->message_len;
	memcpy(record + 5, r->message, h->message_len);
	rc = wolfSSL_SNI_GetFromBuffer(record, (word32)(5 + h->message_len),
				       WOLFSSL_SNI_HOST_NAME, name, &len);
	if (!h->sni.len) {
		MUST(rc <= 0 || !len);
		return;
	}
	MUST(rc == WOLFSSL_SUCCESS);
	MUST(len == h->sni.len - 2u ||
	     (len == h->sni.len - 1u && name[len - 1] == '.'));
	for (size_t i = 0; i < h->sni.len - 2u; i++) {
		const uint8_t c = name[i];

		/* A label's length stands where a dot is in the text. */
		if (c == '.')
			MUST(h->sni.wire[at + i] <= 63);
		else
			MUST((c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c) ==
			     h->sni.wire[at + i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct reading whole, other;

	read_in(&whole, data, size, size ? size : 1);
	for (size_t step = 1; step < 8; step += 2) {
		read_in(&other, data, size, step);
		same(&whole, &other);
	}
	if (whole.h.state == HELLO_DONE) {
		sound(&whole);
		same_name(&whole);
	}
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hello_case.c - ClientHellos that are made, and read in any segments. */
#include "hello_case.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static void put(struct made *m, const void *data, size_t len)
{
	cr_assert_leq(m->len + len, sizeof(m->data));
	memcpy(m->data + m->len, data, len);
	m->len += len;
}

void made_put_number(struct made *m, size_t octets, size_t n)
{
	for (size_t i = octets; i-- > 0;) {
		const uint8_t octet = (uint8_t)(n >> 8 * i);

		put(m, &octet, 1);
	}
}

void made_close_vector(struct made *m, size_t at, size_t octets)
{
	const size_t len = m->len - at - octets;

	for (size_t i = 0; i < octets; i++)
		m->data[at + i] = (uint8_t)(len >> 8 * (octets - 1 - i));
}

size_t made_open_vector(struct made *m, size_t octets)
{
	const size_t at = m->len;

	made_put_number(m, octets, 0);
	return at;
}

void made_begin(struct made *m)
{
	*m = (struct made){0};
	made_put_number(m, 1, 1);
	made_put_number(m, 3, 0);
	made_put_number(m, 2, 0x0303);
	for (unsigned int i = 0; i < 32; i++)
		made_put_number(m, 1, i);
	made_put_number(m, 1, 32);
	for (unsigned int i = 0; i < 32; i++)
		made_put_number(m, 1, 0xa0 + i);
	made_put_number(m, 2, 6);
	made_put_number(m, 2, 0x0a0a); /* GREASE */
	made_put_number(m, 2, 0x1301);
	made_put_number(m, 2, 0xc02b);
	made_put_number(m, 1, 1);
	made_put_number(m, 1, 0);
	m->extensions = made_open_vector(m, 2);
}

void made_put_extension(struct made *m, unsigned int type, const void *data,
			size_t len)
{
	made_put_number(m, 2, type);
	made_put_number(m, 2, len);
	put(m, data, len);
}

void made_put_sni(struct made *m, const char *name)
{
	size_t extension, list;

	made_put_number(m, 2, 0);
	extension = made_open_vector(m, 2);
	list = made_open_vector(m, 2);
	made_put_number(m, 1, 0);
	made_put_number(m, 2, strlen(name));
	put(m, name, strlen(name));
	made_close_vector(m, list, 2);
	made_close_vector(m, extension, 2);
}

void made_end(struct made *m)
{
	made_close_vector(m, m->extensions, 2);
	made_close_vector(m, 1, 3);
}

const uint8_t made_alpn[] = {0,	  12,  2,   'h', '2', 8,   'h',
			     't', 't', 'p', '/', '1', '.', '1'};
const uint8_t made_versions[] = {6, 0x2a, 0x2a, 3, 4, 3, 3};

void made_hello(struct made *m, const char *name, size_t share)
{
	uint8_t *shares = calloc(1, share + 1);

	made_begin(m);
	made_put_extension(m, 0x1a1a, "", 0);
	if (name)
		made_put_sni(m, name);
	made_put_extension(m, 16, made_alpn, sizeof(made_alpn));
	made_put_extension(m, 43, made_versions, sizeof(made_versions));
	if (share)
		made_put_extension(m, 51, shares, share);
	made_put_extension(m, 0xfe0d, "x", 1);
	made_end(m);
	free(shares);
}

size_t made_records(const struct made *m, size_t size, uint8_t *to)
{
	size_t n = 0;

	for (size_t at = 0; at < m->len;) {
		const size_t left = m->len - at;
		const size_t len = left < size ? left : size;
		const uint8_t header[] = {22, 3, 1, (uint8_t)(len >> 8),
					  (uint8_t)len};

		cr_assert_leq(n + 5 + len, WIRE_MAX);
		memcpy(to + n, header, 5);
		memcpy(to + n + 5, m->data + at, len);
		n += 5 + len;
		at += len;
	}
	return n;
}

void hello_read_in(struct reading *r, const uint8_t *data, size_t len,
		   size_t first, size_t size)
{
	*r = (struct reading){0};
	hello_begin(&r->h);
	for (size_t at = 0; at < len && r->h.state == HELLO_MORE;) {
		const size_t most = at ? size : first;
		const size_t n = len - at < most ? len - at : most;
		uint8_t *segment = malloc(n);
		size_t used;

		memcpy(segment, data + at, n);
		used = hello_feed(&r->h, r->message, segment, n);
		free(segment);
		cr_assert_leq(used, n);
		cr_assert(used == n || r->h.state != HELLO_MORE);
		r->used += used;
		at += n;
	}
}

void hello_expect_same(const struct reading *a, const struct reading *b)
{
	cr_assert_eq(a->h.state, b->h.state);
	cr_assert_eq(a->h.alert, b->h.alert);
	cr_assert_eq(a->used, b->used);
	cr_assert_eq(a->h.message_len, b->h.message_len);
	cr_assert_eq(memcmp(a->message, b->message, a->h.message_len), 0);
	cr_assert_eq(a->h.sni.len, b->h.sni.len);
	cr_assert_eq(memcmp(a->h.sni_wire, b->h.sni_wire, a->h.sni.len), 0);
	cr_assert_eq(a->h.n_alpn, b->h.n_alpn);
	cr_assert_eq(a->h.tls13, b->h.tls13);
	cr_assert_eq(a->h.ech, b->h.ech);
}

void hello_expect_name(const struct hello *h, const char *want)
{
	char text[DNAME_TEXT_MAX] = "";

	cr_expect_eq(h->state, HELLO_DONE, "%s", h->why);
	if (!want) {
		cr_expect_eq(h->sni.len, 0);
		return;
	}
	cr_assert_neq(h->sni.len, 0);
	cr_expect_str_eq(dname_format(h->sni, text), want);
}

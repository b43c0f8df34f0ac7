/* SPDX-License-Identifier: GPL-2.0-or-later */
/* collect.c - The CAs among certificates, each of them once. */
#include "collect.h"

#include <string.h>

#include "name_hash.h"
#include "pem.h"
#include "x509.h"

/* Octets that a certificate may have. */
#define DER_MAX (64u << 10)

static bool is_ca(const struct x509 *x)
{
	if (x->has_usage && !x->cert_sign)
		return false;
	return x->has_basic ? x->ca
			    : der_is(x->issuer, x->subject.p, x->subject.len);
}

static bool is_there(const struct der_view *v, size_t n, struct der_view der)
{
	for (size_t i = 0; i < n; i++)
		if (der_is(v[i], der.p, der.len))
			return true;
	return false;
}

static void put_pem(struct arena *a, struct str *to, struct der_view der)
{
	char *text = arena_alloc(a, PEM_ROOM(der.len), 1);

	str_append(to, text, pem_write(text, PEM_CERTIFICATE, der.p, der.len));
}

static void take(struct arena *a, struct der_view *v, struct der_view der,
		 struct str *to, struct collected *ret)
{
	struct x509 x;
	uint8_t *copy;

	if (x509_read(der, &x)) {
		ret->unreadable++;
		return;
	}
	if (!is_ca(&x)) {
		ret->others++;
		return;
	}
	if (is_there(v, ret->cas, der))
		return;
	if (ret->cas == COLLECT_MAX) {
		ret->truncated = true;
		return;
	}
	copy = arena_alloc(a, der.len, 1);
	memcpy(copy, der.p, der.len);
	if (ret->cas < COLLECT_HASHES &&
	    !name_hash(x.subject, ret->hashes[ret->cas]))
		memcpy(ret->hashes[ret->cas], "-", sizeof("-"));
	v[ret->cas++] = (struct der_view){copy, der.len};
	put_pem(a, to, der);
}

void collect(struct arena *a, const char *text, size_t len, struct str *to,
	     struct collected *ret)
{
	struct der_view *v = arena_array(a, COLLECT_MAX, struct der_view);
	enum pem_found found;
	struct pem p = {
		.text = text,
		.len = len,
		.room = arena_alloc(a, DER_MAX, 1),
		.size = DER_MAX,
	};

	*ret = (struct collected){0};
	while ((found = pem_next(&p)) != PEM_END) {
		/* Another kind of block is none of ours, good or bad. */
		if (strcmp(p.label, PEM_CERTIFICATE) != 0)
			continue;
		if (found == PEM_BAD)
			ret->unreadable++;
		else
			take(a, v, p.der, to, ret);
	}
}

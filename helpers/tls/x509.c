/* SPDX-License-Identifier: GPL-2.0-or-later */
/* x509.c - What a CA's certificate (RFC 5280) says, as far as a signer asks. */
#include "x509.h"

#include <string.h>

/* Arcs 2.5.29, certificate extensions; 2.5.4, attributes of names. */
#define EXTENSION_KEY_ID  14
#define EXTENSION_USAGE	  15
#define EXTENSION_BASIC	  19
#define EXTENSION_PURPOSE 37
#define KEY_CERT_SIGN	  0x04

static const uint8_t oid_server_auth[] = {0x2b, 0x06, 0x01, 0x05,
					  0x05, 0x07, 0x03, 0x01};
static const uint8_t oid_any_purpose[] = {0x55, 0x1d, 0x25, 0x00};

/* The contents of a BIT STRING without unused bits. */
static bool read_bits(struct der_view *from, struct der_view *ret)
{
	struct der_view v;

	if (!der_expect(from, DER_BIT_STRING, &v) || !v.len || v.p[0])
		return false;
	*ret = (struct der_view){v.p + 1, v.len - 1};
	return true;
}

static bool read_key(struct der_view *from, struct x509 *x)
{
	struct der_view spki, id, copy;
	struct der_view all = *from;

	if (!der_whole(from, DER_SEQUENCE, &x->spki) ||
	    !der_expect(&all, DER_SEQUENCE, &spki) ||
	    !der_expect(&spki, DER_SEQUENCE, &id) ||
	    !der_expect(&id, DER_OID, &x->algorithm))
		return false;
	copy = id;
	if (!der_expect(&copy, DER_OID, &x->curve))
		x->curve = (struct der_view){0};
	return read_bits(&spki, &x->key);
}

static bool read_basic(struct der_view v, struct x509 *x)
{
	struct der_view basic, flag;

	if (!der_expect(&v, DER_SEQUENCE, &basic))
		return false;
	x->has_basic = true;
	/* FALSE is the default, and left out in DER. */
	if (der_expect(&basic, DER_BOOLEAN, &flag))
		x->ca = flag.len == 1 && flag.p[0];
	return true;
}

static bool read_usage(struct der_view v, struct x509 *x)
{
	struct der_view bits;

	/* The first octet says how many bits at the end are not used. */
	if (!der_expect(&v, DER_BIT_STRING, &bits) || bits.len < 2)
		return false;
	x->has_usage = true;
	x->cert_sign = bits.p[1] & KEY_CERT_SIGN;
	return true;
}

static bool read_purpose(struct der_view v, struct x509 *x)
{
	struct der_view list, oid;

	if (!der_expect(&v, DER_SEQUENCE, &list))
		return false;
	x->has_purpose = true;
	while (der_expect(&list, DER_OID, &oid))
		if (der_is(oid, oid_server_auth, sizeof(oid_server_auth)) ||
		    der_is(oid, oid_any_purpose, sizeof(oid_any_purpose)))
			x->server_auth = true;
	return !list.len;
}

static bool read_extension(struct der_view *from, struct x509 *x)
{
	struct der_view extension, oid, critical, value;

	if (!der_expect(from, DER_SEQUENCE, &extension) ||
	    !der_expect(&extension, DER_OID, &oid))
		return false;
	/* What is critical and not known is for those who verify leaves. */
	if (der_expect(&extension, DER_BOOLEAN, &critical) && critical.len != 1)
		return false;
	if (!der_expect(&extension, DER_OCTET_STRING, &value))
		return false;
	if (oid.len != 3 || oid.p[0] != 0x55 || oid.p[1] != 0x1d)
		return true;
	switch (oid.p[2]) {
	case EXTENSION_KEY_ID:
		return der_expect(&value, DER_OCTET_STRING, &x->key_id);
	case EXTENSION_USAGE:
		return read_usage(value, x);
	case EXTENSION_BASIC:
		return read_basic(value, x);
	case EXTENSION_PURPOSE:
		return read_purpose(value, x);
	default:
		return true;
	}
}

static bool read_extensions(struct der_view tbs, struct x509 *x)
{
	struct der_view explicit, list;
	unsigned int tag;
	struct der_view ignored;

	/* Unique identifiers, [1] and [2], come before them if at all. */
	while (tbs.len && tbs.p[0] != (DER_CONTEXT_OF | 3))
		if (!der_next(&tbs, &tag, &ignored))
			return false;
	if (!tbs.len)
		return true;
	if (!der_expect(&tbs, DER_CONTEXT_OF | 3, &explicit) ||
	    !der_expect(&explicit, DER_SEQUENCE, &list))
		return false;
	while (list.len)
		if (!read_extension(&list, x))
			return false;
	return true;
}

const char *x509_read(struct der_view der, struct x509 *ret)
{
	struct der_view cert, tbs, version, ignored, validity, bits;
	struct x509 x = {0};

	if (!der_expect(&der, DER_SEQUENCE, &cert) || der.len ||
	    !der_expect(&cert, DER_SEQUENCE, &tbs) ||
	    !der_expect(&cert, DER_SEQUENCE, &ignored) ||
	    !read_bits(&cert, &bits) || cert.len)
		return "is no certificate";
	if (der_expect(&tbs, DER_CONTEXT_OF | 0, &version) &&
	    (!der_expect(&version, DER_INTEGER, &ignored) || ignored.len != 1))
		return "is of a version that is not known";
	if (!der_expect(&tbs, DER_INTEGER, &ignored) ||
	    !der_expect(&tbs, DER_SEQUENCE, &ignored))
		return "has no serial number or no algorithm";
	if (!der_whole(&tbs, DER_SEQUENCE, &x.issuer) ||
	    !der_expect(&tbs, DER_SEQUENCE, &validity) ||
	    !der_get_time(&validity, &x.not_before) ||
	    !der_get_time(&validity, &x.not_after) ||
	    !der_whole(&tbs, DER_SEQUENCE, &x.subject))
		return "has no names, or a time that cannot be read";
	if (!read_key(&tbs, &x))
		return "has a public key that cannot be read";
	if (!read_extensions(tbs, &x))
		return "has extensions that cannot be read";
	*ret = x;
	return NULL;
}

/* --- names --- */

/* Attributes by the last octet of 2.5.4.n. */
static const char *attribute_name(uint8_t n)
{
	static const char *const names[] = {
		[3] = "CN", [6] = "C",	[7] = "L",
		[8] = "ST", [10] = "O", [11] = "OU",
	};

	return n < sizeof(names) / sizeof(names[0]) ? names[n] : NULL;
}

static void attribute_text(struct str *s, struct der_view attribute)
{
	struct der_view oid, value;
	const char *name = NULL;
	unsigned int tag;

	if (!der_expect(&attribute, DER_OID, &oid) ||
	    !der_next(&attribute, &tag, &value))
		return;
	if (oid.len == 3 && oid.p[0] == 0x55 && oid.p[1] == 0x04)
		name = attribute_name(oid.p[2]);
	str_printf(s, "%s%s=", s->len ? ", " : "", name ? name : "?");
	/* A name is somebody's words: nothing of it moves a terminal. */
	for (size_t i = 0; i < value.len; i++) {
		const uint8_t c = value.p[i];

		if (c < 0x20 || c == 0x7f)
			str_printf(s, "\\x%02x", c);
		else
			str_putc(s, (char)c);
	}
}

void x509_name_text(struct str *s, struct der_view name)
{
	struct der_view list, set, attribute;

	if (!der_expect(&name, DER_SEQUENCE, &list))
		return;
	while (der_expect(&list, DER_SET, &set))
		while (der_expect(&set, DER_SEQUENCE, &attribute))
			attribute_text(s, attribute);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cert.c - Certificates (RFC 5280), written from a template. */
#include "cert.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* ub-common-name of RFC 5280 appendix A.1. */
#define COMMON_NAME_MAX 64

/* Extensions by the last octet of their OID, 2.5.29.n. */
enum extension {
	EXTENSION_KEY_ID = 14,
	EXTENSION_USAGE = 15,
	EXTENSION_ALT_NAME = 17,
	EXTENSION_BASIC = 19,
	EXTENSION_ISSUER_ID = 35,
	EXTENSION_PURPOSE = 37,
};

/* Bits of keyUsage, as its first octet has them, and how many are not used. */
#define USAGE_SIGNATURE 7, 0x80
#define USAGE_CERT_CRL	1, 0x06

/* Choices of GeneralName. */
#define ALT_DNS	    2
#define ALT_ADDRESS 7

static const uint8_t yes = 0xff;
static const uint8_t version3[] = {0x02, 0x01, 0x02};
static const uint8_t oid_common_name[] = {0x55, 0x04, 0x03};
static const uint8_t purpose_server[] = {0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06,
					 0x01, 0x05, 0x05, 0x07, 0x03, 0x01};
/* id-ecPublicKey (RFC 5480), prime256v1. */
static const uint8_t key_p256[] = {
	0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
	0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
};

static void put_bits(struct der *d, const uint8_t *octets, size_t len)
{
	static const uint8_t unused;
	const size_t bits = der_begin(d, DER_BIT_STRING);

	der_raw(d, &unused, 1);
	der_raw(d, octets, len);
	der_end(d, bits);
}

void cert_write_key(struct der *d, const uint8_t point[CERT_POINT])
{
	const size_t spki = der_begin(d, DER_SEQUENCE);

	der_raw(d, key_p256, sizeof(key_p256));
	put_bits(d, point, CERT_POINT);
	der_end(d, spki);
}

/* A Name of one common name, or of nothing. */
static void put_name(struct der *d, const char *text, size_t len)
{
	const size_t name = der_begin(d, DER_SEQUENCE);

	if (len) {
		const size_t set = der_begin(d, DER_SET);
		const size_t pair = der_begin(d, DER_SEQUENCE);

		der_put(d, DER_OID, oid_common_name, sizeof(oid_common_name));
		der_put(d, DER_UTF8, text, len);
		der_end(d, pair);
		der_end(d, set);
	}
	der_end(d, name);
}

/* --- extensions --- */

/** struct open - An extension that is being written */
struct open {
	size_t extension;
	size_t value;
};

static struct open open_extension(struct der *d, enum extension n,
				  bool critical)
{
	const uint8_t oid[] = {0x55, 0x1d, (uint8_t)n};
	struct open o;

	o.extension = der_begin(d, DER_SEQUENCE);
	der_put(d, DER_OID, oid, sizeof(oid));
	if (critical)
		der_put(d, DER_BOOLEAN, &yes, 1);
	o.value = der_begin(d, DER_OCTET_STRING);
	return o;
}

static void close_extension(struct der *d, struct open o)
{
	der_end(d, o.value);
	der_end(d, o.extension);
}

static void put_usage(struct der *d, uint8_t unused, uint8_t bits)
{
	const uint8_t value[] = {unused, bits};
	const struct open o = open_extension(d, EXTENSION_USAGE, true);

	der_put(d, DER_BIT_STRING, value, sizeof(value));
	close_extension(d, o);
}

static void put_key_ids(struct der *d, const struct cert *c)
{
	struct open o = open_extension(d, EXTENSION_KEY_ID, false);
	size_t ids;

	der_put(d, DER_OCTET_STRING, c->key_id, CERT_KEY_ID);
	close_extension(d, o);
	o = open_extension(d, EXTENSION_ISSUER_ID, false);
	ids = der_begin(d, DER_SEQUENCE);
	der_put(d, DER_CONTEXT | 0, c->issuer_id.p, c->issuer_id.len);
	der_end(d, ids);
	close_extension(d, o);
}

/* A CA has cA, and no CA below it; a leaf is no CA, which is the default. */
static void put_basic(struct der *d, bool is_ca)
{
	static const uint8_t path_len;
	const struct open o = open_extension(d, EXTENSION_BASIC, true);
	const size_t basic = der_begin(d, DER_SEQUENCE);

	if (is_ca) {
		der_put(d, DER_BOOLEAN, &yes, 1);
		der_put(d, DER_INTEGER, &path_len, 1);
	}
	der_end(d, basic);
	close_extension(d, o);
}

/* --- the whole --- */

/* From the version to the validity; what comes then differs. */
static void put_head(struct der *d, const struct cert *c,
		     struct der_view issuer)
{
	const size_t version = der_begin(d, DER_CONTEXT_OF | 0);
	uint8_t serial[CERT_SERIAL];
	size_t validity;

	der_raw(d, version3, sizeof(version3));
	der_end(d, version);
	/* Positive, and of the same length whatever it is. */
	memcpy(serial, c->serial, sizeof(serial));
	serial[0] = (uint8_t)((serial[0] & 0x3f) | 0x40);
	der_put_unsigned(d, serial, sizeof(serial));
	der_raw(d, c->algorithm.p, c->algorithm.len);
	der_raw(d, issuer.p, issuer.len);
	validity = der_begin(d, DER_SEQUENCE);
	der_put_time(d, c->not_before);
	der_put_time(d, c->not_after);
	der_end(d, validity);
}

static bool is_label_octet(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_';
}

bool leaf_name(struct dname name, char *ret, size_t *ret_len)
{
	size_t len = 0, i = 0;
	bool digits = false;

	if (name.len < 2 || name.wire[name.len - 1])
		return false;
	while (name.wire[i]) {
		const size_t end = i + 1 + name.wire[i];

		/* The root's octet is left behind the last label. */
		if (name.wire[i] > 63 || end >= name.len)
			return false;
		if (len)
			ret[len++] = '.';
		for (digits = true, i++; i < end; i++) {
			if (!is_label_octet(name.wire[i]))
				return false;
			if (name.wire[i] < '0' || name.wire[i] > '9')
				digits = false;
			ret[len++] = (char)name.wire[i];
		}
	}
	/* No top-level domain is a number (RFC 3696 section 2): what ends in
	 * one would be read as an address. */
	if (i + 1 != name.len || digits)
		return false;
	*ret_len = len;
	return true;
}

static void put_alt_name(struct der *d, bool critical, const char *text,
			 size_t len, const struct leaf_subject *subject)
{
	const struct open o = open_extension(d, EXTENSION_ALT_NAME, critical);
	const size_t names = der_begin(d, DER_SEQUENCE);

	if (subject->address_len)
		der_put(d, DER_CONTEXT | ALT_ADDRESS, subject->address,
			subject->address_len);
	else
		der_put(d, DER_CONTEXT | ALT_DNS, text, len);
	der_end(d, names);
	close_extension(d, o);
}

static size_t address_text(const struct leaf_subject *s, char *ret)
{
	char text[INET6_ADDRSTRLEN];
	const int family = s->address_len == 4 ? AF_INET : AF_INET6;
	size_t len;

	if (!inet_ntop(family, s->address, text, sizeof(text)))
		return 0;
	len = strlen(text);
	memcpy(ret, text, len);
	return len;
}

bool leaf_write(struct der *d, const struct cert *c,
		const struct leaf_subject *subject)
{
	const size_t tbs = der_begin(d, DER_SEQUENCE);
	size_t explicit, list, len = 0;
	char text[CERT_TEXT_MAX];
	bool has_subject;
	struct open o;

	if (subject->address_len)
		len = address_text(subject, text);
	else if (!leaf_name(subject->name, text, &len))
		len = 0;
	if (!len)
		return false;
	has_subject = len <= COMMON_NAME_MAX;
	put_head(d, c, c->issuer);
	put_name(d, text, has_subject ? len : 0);
	cert_write_key(d, c->point);
	explicit = der_begin(d, DER_CONTEXT_OF | 3);
	list = der_begin(d, DER_SEQUENCE);
	put_alt_name(d, !has_subject, text, len, subject);
	put_basic(d, false);
	put_usage(d, USAGE_SIGNATURE);
	o = open_extension(d, EXTENSION_PURPOSE, false);
	der_raw(d, purpose_server, sizeof(purpose_server));
	close_extension(d, o);
	put_key_ids(d, c);
	der_end(d, list);
	der_end(d, explicit);
	der_end(d, tbs);
	return !d->failed;
}

bool authority_write(struct der *d, const struct cert *c)
{
	const size_t tbs = der_begin(d, DER_SEQUENCE);
	uint8_t name[CERT_NAME_MAX];
	struct der issuer = {.data = name, .room = sizeof(name)};
	char text[COMMON_NAME_MAX + 1];
	size_t explicit, list;
	int len;

	len = snprintf(text, sizeof(text), "msb-netc CA %02x%02x%02x%02x",
		       c->key_id[0], c->key_id[1], c->key_id[2], c->key_id[3]);
	put_name(&issuer, text, (size_t)len);
	put_head(d, c, (struct der_view){name, issuer.len});
	der_raw(d, name, issuer.len);
	cert_write_key(d, c->point);
	explicit = der_begin(d, DER_CONTEXT_OF | 3);
	list = der_begin(d, DER_SEQUENCE);
	put_basic(d, true);
	put_usage(d, USAGE_CERT_CRL);
	put_key_ids(d, c);
	der_end(d, list);
	der_end(d, explicit);
	der_end(d, tbs);
	return !d->failed && !issuer.failed;
}

bool cert_write(struct der *d, struct der_view tbs, struct der_view algorithm,
		struct der_view signature)
{
	const size_t cert = der_begin(d, DER_SEQUENCE);

	der_raw(d, tbs.p, tbs.len);
	der_raw(d, algorithm.p, algorithm.len);
	put_bits(d, signature.p, signature.len);
	der_end(d, cert);
	return !d->failed;
}

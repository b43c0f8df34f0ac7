/* SPDX-License-Identifier: GPL-2.0-or-later */
/* certificate.c - What a server's certificate says beside its chain.
 *
 * A walk over DER by whoever sent it. Nothing is copied.
 */
#include "certificate.h"

#include <string.h>

/* Tags of TBSCertificate's optional members, and kinds of names (RFC 5280
 * appendix A.2). */
#define TBS_VERSION    (DER_CONTEXT_OF | 0)
#define TBS_ISSUER_ID  (DER_CONTEXT | 1)
#define TBS_SUBJECT_ID (DER_CONTEXT | 2)
#define TBS_EXTENSIONS (DER_CONTEXT_OF | 3)
#define NAME_DNS       (DER_CONTEXT | 2)
#define NAME_ADDRESS   (DER_CONTEXT | 7)

/* Pass over a value, if it is there at all. */
static bool skip(struct der_view *from, unsigned int want)
{
	struct der_view gone;

	return !from->len || from->p[0] != want ||
	       der_expect(from, want, &gone);
}

/* One of version 1 says nothing of what it is for, and so does not say that it
 * is no CA's; of which a root may be. */
static bool take_version(struct der_view *tbs, bool *ret_first)
{
	*ret_first = tbs->len && tbs->p[0] != TBS_VERSION;
	return skip(tbs, TBS_VERSION);
}

#define IS(v, octets) der_is(v, octets, sizeof(octets))

/* Hashes for which somebody can make two documents, and get one of them
 * signed. The names of the algorithms: RFC 3279 section 2.2. */
static bool is_weak(struct der_view algorithm)
{
	static const uint8_t md2[] = {0x2a, 0x86, 0x48, 0x86, 0xf7,
				      0x0d, 0x01, 0x01, 0x02};
	static const uint8_t md5[] = {0x2a, 0x86, 0x48, 0x86, 0xf7,
				      0x0d, 0x01, 0x01, 0x04};
	static const uint8_t sha1[] = {0x2a, 0x86, 0x48, 0x86, 0xf7,
				       0x0d, 0x01, 0x01, 0x05};
	static const uint8_t ecdsa_sha1[] = {0x2a, 0x86, 0x48, 0xce,
					     0x3d, 0x04, 0x01};
	static const uint8_t dsa_sha1[] = {0x2a, 0x86, 0x48, 0xce,
					   0x38, 0x04, 0x03};

	return IS(algorithm, md2) || IS(algorithm, md5) ||
	       IS(algorithm, sha1) || IS(algorithm, ecdsa_sha1) ||
	       IS(algorithm, dsa_sha1);
}

/* With PSS the hash is a parameter, and SHA-1 where there is none (RFC 4055
 * section 3.1): one of SHA-2's three is what is not weak. */
static bool is_weak_pss(struct der_view parameters)
{
	static const uint8_t sha2[] = {0x60, 0x86, 0x48, 0x01,
				       0x65, 0x03, 0x04, 0x02};
	struct der_view all, hash, id, oid;

	return !der_expect(&parameters, DER_SEQUENCE, &all) ||
	       !der_expect(&all, DER_CONTEXT_OF | 0, &hash) ||
	       !der_expect(&hash, DER_SEQUENCE, &id) ||
	       !der_expect(&id, DER_OID, &oid) || oid.len != sizeof(sha2) + 1 ||
	       memcmp(oid.p, sha2, sizeof(sha2)) != 0 ||
	       oid.p[sizeof(sha2)] < 1 || oid.p[sizeof(sha2)] > 3;
}

/* The bits of a keyUsage (RFC 5280 section 4.2.1.3). */
#define USAGE_SIGNATURE	   0x80
#define USAGE_CERTIFICATES 0x04
#define USAGE_LISTS	   0x02

static uint8_t read_usage(struct der_view value)
{
	struct der_view bits;

	return der_expect(&value, DER_BIT_STRING, &bits) && bits.len > 1
		       ? bits.p[1]
		       : 0;
}

static bool read_extensions(struct der_view list, struct certificate *c)
{
	static const uint8_t alt_name[] = {0x55, 0x1d, 0x11};
	static const uint8_t usage[] = {0x55, 0x1d, 0x0f};
	static const uint8_t basic[] = {0x55, 0x1d, 0x13};
	static const uint8_t constraints[] = {0x55, 0x1d, 0x1e};
	static const uint8_t purposes[] = {0x55, 0x1d, 0x25};
	uint8_t bits = USAGE_CERTIFICATES;
	bool has_basic = false, has_usage = false, ca = false;
	struct der_view all;

	if (!der_expect(&list, DER_SEQUENCE, &all) || list.len)
		return false;
	while (all.len) {
		struct der_view one;
		struct der_view id;
		struct der_view value;
		struct der_view names;

		if (!der_expect(&all, DER_SEQUENCE, &one) ||
		    !der_expect(&one, DER_OID, &id) ||
		    !skip(&one, DER_BOOLEAN) ||
		    !der_expect(&one, DER_OCTET_STRING, &value) || one.len)
			return false;
		if (IS(id, usage)) {
			bits = read_usage(value);
			has_usage = true;
		}
		has_basic = has_basic || IS(id, basic);
		if ((IS(id, basic) &&
		     !constraints_take_basic(&c->limits, value, &ca)) ||
		    (IS(id, constraints) &&
		     !constraints_take_names(&c->limits, value)) ||
		    (IS(id, purposes) &&
		     !constraints_take_purposes(&c->limits, value)))
			return false;
		if (!IS(id, alt_name))
			continue;
		/* No extension twice (RFC 5280 section 4.2). */
		if (c->names || !der_expect(&value, DER_SEQUENCE, &names) ||
		    value.len)
			return false;
		c->names = names.p;
		c->names_len = names.len;
	}
	if (has_usage) {
		c->key.lists = bits & USAGE_LISTS;
		c->signs = bits & USAGE_SIGNATURE;
	}
	c->limits.issues = (has_basic ? ca : has_usage) &&
			   bits & USAGE_CERTIFICATES;
	return true;
}

bool certificate_read(const uint8_t *der, size_t len, struct certificate *ret)
{
	static const uint8_t pss[] = {0x2a, 0x86, 0x48, 0x86, 0xf7,
				      0x0d, 0x01, 0x01, 0x0a};
	struct der_view in = {der, len};
	struct der_view outer;
	struct der_view tbs;
	struct der_view gone;
	struct der_view algorithm;
	struct der_view id;
	struct der_view issuer;
	struct der_view subject;
	struct der_view list;
	struct certificate c = {.key.lists = true, .signs = true};

	constraints_begin(&c.limits);
	if (!der_expect(&in, DER_SEQUENCE, &outer) || in.len ||
	    !der_expect(&outer, DER_SEQUENCE, &tbs) ||
	    !take_version(&tbs, &c.limits.issues) ||
	    !der_expect(&tbs, DER_INTEGER, &c.serial) ||
	    !der_expect(&tbs, DER_SEQUENCE, &algorithm) ||
	    !der_expect(&algorithm, DER_OID, &id) ||
	    !der_expect(&tbs, DER_SEQUENCE, &issuer) ||
	    !der_expect(&tbs, DER_SEQUENCE, &gone) /* validity */ ||
	    !der_expect(&tbs, DER_SEQUENCE, &subject) ||
	    !der_whole(&tbs, DER_SEQUENCE, &c.key.spki) ||
	    !skip(&tbs, TBS_ISSUER_ID) || !skip(&tbs, TBS_SUBJECT_ID))
		return false;
	if (tbs.len && (!der_expect(&tbs, TBS_EXTENSIONS, &list) || tbs.len ||
			!read_extensions(list, &c)))
		return false;
	c.weak = IS(id, pss) ? is_weak_pss(algorithm) : is_weak(id);
	c.issuer = issuer.p;
	c.issuer_len = issuer.len;
	c.subject = subject.p;
	c.subject_len = subject.len;
	c.self_issued = der_is(issuer, subject.p, subject.len);
	*ret = c;
	return true;
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/* Whether the label at @wire (a length, and so many octets) is the text. */
static bool label_is(const uint8_t *wire, const uint8_t *text, size_t len)
{
	if (*wire != len)
		return false;
	for (size_t k = 0; k < len; k++) {
		if (lower(text[k]) != lower(wire[1 + k]))
			return false;
	}
	return true;
}

static bool name_matches(struct der_view pattern, struct dname name)
{
	const uint8_t *wire = name.wire;
	const uint8_t *const end = wire + name.len;
	size_t labels = 0;
	bool any = false;

	while (pattern.len) {
		const uint8_t *const dot = memchr(pattern.p, '.', pattern.len);
		const size_t len = dot ? (size_t)(dot - pattern.p)
				       : pattern.len;

		if (wire >= end || !*wire)
			return false;
		if (!labels && len == 1 && pattern.p[0] == '*')
			any = true;
		else if (!len || memchr(pattern.p, '*', len) ||
			 !label_is(wire, pattern.p, len))
			return false;
		wire += 1 + *wire;
		labels++;
		pattern.p += len;
		pattern.len -= len;
		if (dot) {
			pattern.p++;
			pattern.len--;
			if (!pattern.len)
				return false;
		}
	}
	return labels && wire < end && !*wire && (!any || labels > 2);
}

bool certificate_is_for_name(const struct certificate *c, struct dname name)
{
	struct der_view names = {c->names, c->names_len};
	struct der_view one;
	unsigned int tag;

	while (names.len && der_next(&names, &tag, &one)) {
		if (tag == NAME_DNS && name_matches(one, name))
			return true;
	}
	return false;
}

bool certificate_is_for_address(const struct certificate *c, struct ip ip)
{
	struct der_view names = {c->names, c->names_len};
	struct der_view one;
	uint8_t octets[16];
	const size_t len = ip_to_bytes(ip, octets);
	unsigned int tag;

	while (names.len && der_next(&names, &tag, &one)) {
		if (tag == NAME_ADDRESS && der_is(one, octets, len))
			return true;
	}
	return false;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crl.c - A certificate revocation list (RFC 5280 section 5), read. */
#include "crl.h"

#include <string.h>

/* Arc 2.5.29, extensions of lists and of their entries. */
#define EXTENSION_ISSUER_NAMES 18
#define EXTENSION_NUMBER       20
#define EXTENSION_REASON       21
#define EXTENSION_INVALIDITY   24
#define EXTENSION_CHANGES      27
#define EXTENSION_SCOPE	       28
#define EXTENSION_ISSUER       29
#define EXTENSION_ISSUER_KEY   35
#define EXTENSION_FRESHEST     46

/* Tag, and the one reason that is none for a complete list (section 5.3.1). */
#define DER_ENUMERATED	0x0a
#define REASON_RETURNED 8

/** struct extension - One extension */
struct extension {
	struct der_view value;
	uint8_t id; /* of arc 2.5.29; 0: of another */
	bool critical;
};

static bool read_extension(struct der_view *from, struct extension *ret)
{
	struct der_view one, oid, flag;

	*ret = (struct extension){0};
	if (!der_expect(from, DER_SEQUENCE, &one) ||
	    !der_expect(&one, DER_OID, &oid))
		return false;
	if (der_expect(&one, DER_BOOLEAN, &flag)) {
		if (flag.len != 1)
			return false;
		ret->critical = flag.p[0];
	}
	if (!der_expect(&one, DER_OCTET_STRING, &ret->value) || one.len)
		return false;
	if (oid.len == 3 && oid.p[0] == 0x55 && oid.p[1] == 0x1d)
		ret->id = oid.p[2];
	return true;
}

static const char *const not_a_list = "is no revocation list";
static const char *const bad_extension = "has extensions that cannot be read";

/* What there is beside the entries. What is not critical and not known says
 * nothing about which certificates the list is of (section 5.2). */
static const char *check_extensions(struct der_view list)
{
	uint64_t seen = 0;

	while (list.len) {
		struct extension e;

		if (!read_extension(&list, &e))
			return bad_extension;
		if (e.id && e.id < 64) {
			if (seen & UINT64_C(1) << e.id)
				return "has an extension twice";
			seen |= UINT64_C(1) << e.id;
		}
		switch (e.id) {
		case EXTENSION_CHANGES:
			return "is one of changes to another (a delta CRL)";
		case EXTENSION_SCOPE:
			return "is of some certificates alone "
			       "(issuingDistributionPoint)";
		case EXTENSION_ISSUER_NAMES:
		case EXTENSION_NUMBER:
		case EXTENSION_ISSUER_KEY:
		case EXTENSION_FRESHEST:
			break;
		default:
			if (e.critical)
				return "has a critical extension that is not "
				       "known";
		}
	}
	return NULL;
}

static const char *check_entry_extensions(struct der_view list)
{
	while (list.len) {
		struct extension e;
		struct der_view reason;

		if (!read_extension(&list, &e))
			return bad_extension;
		switch (e.id) {
		case EXTENSION_ISSUER:
			return "is of other issuers' certificates (an indirect "
			       "CRL)";
		case EXTENSION_REASON:
			if (!der_expect(&e.value, DER_ENUMERATED, &reason) ||
			    reason.len != 1 || e.value.len)
				return bad_extension;
			if (reason.p[0] == REASON_RETURNED)
				return "takes an entry back, as one of changes "
				       "may (removeFromCRL)";
			break;
		case EXTENSION_INVALIDITY:
			break;
		default:
			if (e.critical)
				return "has an entry with a critical extension "
				       "that is not known";
		}
	}
	return NULL;
}

struct der_view crl_serial(struct der_view v)
{
	/* The sign is the first bit of what is left. */
	while (v.len > 1 && ((v.p[0] == 0x00 && !(v.p[1] & 0x80)) ||
			     (v.p[0] == 0xff && v.p[1] & 0x80)))
		v = (struct der_view){v.p + 1, v.len - 1};
	return v;
}

bool crl_next(struct der_view *entries, struct der_view *ret)
{
	struct der_view entry, serial;

	if (!der_expect(entries, DER_SEQUENCE, &entry) ||
	    !der_expect(&entry, DER_INTEGER, &serial))
		return false;
	*ret = crl_serial(serial);
	return true;
}

static const char *check_entry(struct der_view entry, bool v1, struct crl *c)
{
	static const char *const bad = "has an entry that cannot be read";
	struct der_view serial, list;
	int64_t when;

	if (!der_expect(&entry, DER_INTEGER, &serial) || !serial.len ||
	    !der_get_time(&entry, &when))
		return bad;
	serial = crl_serial(serial);
	if (serial.len > CRL_SERIAL_MAX)
		return bad;
	c->n++;
	c->octets += serial.len;
	if (!entry.len)
		return NULL;
	if (v1 || !der_expect(&entry, DER_SEQUENCE, &list) || entry.len)
		return bad;
	return check_entry_extensions(list);
}

static const char *check_entries(struct crl *c, bool v1)
{
	struct der_view left = c->entries;

	while (left.len) {
		struct der_view entry;
		const char *why;

		if (!der_expect(&left, DER_SEQUENCE, &entry))
			return "has an entry that cannot be read";
		why = check_entry(entry, v1, c);
		if (why)
			return why;
	}
	return NULL;
}

/* Version 1 has no version, and no extensions. */
static const char *read_version(struct der_view *tbs, bool *ret_v1)
{
	static const uint8_t v2 = 1;
	struct der_view version;

	*ret_v1 = !der_expect(tbs, DER_INTEGER, &version);
	if (!*ret_v1 && !der_is(version, &v2, 1))
		return "is of a version that is not known";
	return NULL;
}

static const char *read_head(struct der_view *tbs, struct crl *c)
{
	struct der_view algorithm;

	if (!der_expect(tbs, DER_SEQUENCE, &algorithm))
		return not_a_list;
	if (!der_is(c->part.algorithm, algorithm.p, algorithm.len))
		return "is signed by another algorithm than it says";
	if (!signed_is_known(algorithm))
		return "is signed by an algorithm that is not known, or too "
		       "weak";
	if (!der_expect(tbs, DER_SEQUENCE, &c->issuer) || !c->issuer.len)
		return "has no issuer";
	if (!der_get_time(tbs, &c->since))
		return "has a time that cannot be read";
	if (!der_get_time(tbs, &c->until))
		return "does not say when there is a next one";
	return c->until < c->since ? "ends before it begins" : NULL;
}

const char *crl_read(struct der_view der, struct crl *ret)
{
	struct der_view whole, tbs, explicit, list;
	struct crl c = {0};
	const char *why;
	bool v1;

	if (!signed_read(der, &c.part))
		return not_a_list;
	whole = c.part.text;
	if (!der_expect(&whole, DER_SEQUENCE, &tbs))
		return not_a_list;
	why = read_version(&tbs, &v1);
	if (!why)
		why = read_head(&tbs, &c);
	if (why)
		return why;
	/* None at all where nothing was revoked. */
	if (!der_expect(&tbs, DER_SEQUENCE, &c.entries))
		c.entries = (struct der_view){0};
	why = check_entries(&c, v1);
	if (why)
		return why;
	if (tbs.len) {
		if (v1 || !der_expect(&tbs, DER_CONTEXT_OF | 0, &explicit) ||
		    tbs.len || !der_expect(&explicit, DER_SEQUENCE, &list) ||
		    explicit.len)
			return bad_extension;
		why = check_extensions(list);
		if (why)
			return why;
	}
	*ret = c;
	return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* constraints.c - What a CA may issue, as its own certificate says. */
#include "constraints.h"

#include <string.h>

/* Kinds of names, and the two lists (RFC 5280 sections 4.2.1.6 and 4.2.1.10).
 */
#define NAME_DNS     (DER_CONTEXT | 2)
#define NAME_ADDRESS (DER_CONTEXT | 7)
#define PERMITTED    (DER_CONTEXT_OF | 0)
#define EXCLUDED     (DER_CONTEXT_OF | 1)

/* Octets of an address and its mask at most. */
#define ADDRESS_MAX 16

void constraints_begin(struct constraints *l)
{
	*l = (struct constraints){.issues = true,
				  .servers = true,
				  .length = CONSTRAINTS_NO_LENGTH};
}

bool constraints_take_names(struct constraints *l, struct der_view value)
{
	/* No extension twice (RFC 5280 section 4.2). */
	return !l->names.len && der_whole(&value, DER_SEQUENCE, &l->names) &&
	       !value.len;
}

bool constraints_take_purposes(struct constraints *l, struct der_view value)
{
	static const uint8_t server[] = {0x2b, 0x06, 0x01, 0x05,
					 0x05, 0x07, 0x03, 0x01};
	static const uint8_t any[] = {0x55, 0x1d, 0x25, 0x00};
	struct der_view all, one;
	bool found = false;

	if (!der_expect(&value, DER_SEQUENCE, &all) || value.len || !all.len)
		return false;
	while (all.len) {
		if (!der_expect(&all, DER_OID, &one))
			return false;
		found = found || der_is(one, server, sizeof(server)) ||
			der_is(one, any, sizeof(any));
	}
	l->servers = l->servers && found;
	return true;
}

bool constraints_take_basic(struct constraints *l, struct der_view value,
			    bool *ret_ca)
{
	struct der_view all, flag, length;

	if (!der_expect(&value, DER_SEQUENCE, &all) || value.len)
		return false;
	*ret_ca = der_expect(&all, DER_BOOLEAN, &flag) && flag.len == 1 &&
		  flag.p[0];
	if (!all.len)
		return true;
	if (!der_expect(&all, DER_INTEGER, &length) || all.len || !length.len ||
	    length.p[0] & 0x80)
		return false;
	if (length.len == 1)
		l->length = length.p[0];
	return true;
}

/* ---- Names ----------------------------------------------------------- */

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/* Whether a name is the text: at @wire labels, each behind its length. */
static bool is_text(const uint8_t *wire, struct der_view text)
{
	size_t at = 0;

	for (; *wire; wire += 1 + *wire) {
		if (at && (at == text.len || text.p[at++] != '.'))
			return false;
		if (text.len - at < *wire)
			return false;
		for (size_t k = 1; k <= *wire; k++)
			if (lower(text.p[at++]) != lower(wire[k]))
				return false;
	}
	return at == text.len;
}

/* What is no base of a subtree of names: with a label that is empty. */
static bool is_broken(struct der_view base)
{
	return (base.len == 1 && base.p[0] == '.') ||
	       memmem(base.p, base.len, "..", 2);
}

/* Whether a name is the base of a subtree, or below; a dot in front of that, as
 * some write it, is for those below alone. */
static bool is_in(struct dname name, struct der_view base)
{
	const bool below = base.len && base.p[0] == '.';
	const uint8_t *wire = name.wire;

	if (!base.len)
		return true;
	if (below)
		base = (struct der_view){base.p + 1, base.len - 1};
	if (base.p[base.len - 1] == '.')
		base.len--;
	for (wire += below && *wire ? 1 + *wire : 0; *wire; wire += 1 + *wire)
		if (is_text(wire, base))
			return true;
	return false;
}

/* Whether an address is in a subtree, an address and a mask. */
static bool holds(struct der_view base, const uint8_t *address, size_t len)
{
	if (base.len != 2 * len)
		return false;
	for (size_t k = 0; k < len; k++)
		if ((address[k] ^ base.p[k]) & base.p[len + k])
			return false;
	return true;
}

/** enum subtrees - What a list says of a name or an address */
enum subtrees {
	SUBTREES_SILENT, /* it is about others */
	SUBTREES_WITHOUT,
	SUBTREES_WITH,
	SUBTREES_MALFORMED,
};

static enum subtrees look(struct der_view list, struct dname name, struct ip ip)
{
	const unsigned int kind = name.len ? NAME_DNS : NAME_ADDRESS;
	uint8_t address[ADDRESS_MAX];
	const size_t len = name.len ? 0 : ip_to_bytes(ip, address);
	enum subtrees found = SUBTREES_SILENT;

	while (list.len) {
		struct der_view tree, base;
		unsigned int tag;

		/* There is no minimum but 0, which DER leaves out, and no
		 * maximum. */
		if (!der_expect(&list, DER_SEQUENCE, &tree) ||
		    !der_next(&tree, &tag, &base) || tree.len)
			return SUBTREES_MALFORMED;
		if (tag == NAME_DNS ? is_broken(base)
				    : tag == NAME_ADDRESS && base.len != 8 &&
					      base.len != 32)
			return SUBTREES_MALFORMED;
		if (tag != kind)
			continue;
		if (name.len ? is_in(name, base) : holds(base, address, len))
			found = SUBTREES_WITH;
		else if (found == SUBTREES_SILENT)
			found = SUBTREES_WITHOUT;
	}
	return found;
}

bool constraints_permit(const struct constraints *l, struct dname name,
			struct ip ip)
{
	struct der_view in = l->names, all, list;
	enum subtrees permitted = SUBTREES_SILENT;
	enum subtrees excluded = SUBTREES_SILENT;

	if (!in.len)
		return true;
	if (!der_expect(&in, DER_SEQUENCE, &all))
		return false;
	if (der_expect(&all, PERMITTED, &list))
		permitted = look(list, name, ip);
	if (der_expect(&all, EXCLUDED, &list))
		excluded = look(list, name, ip);
	return !all.len &&
	       (permitted == SUBTREES_SILENT || permitted == SUBTREES_WITH) &&
	       (excluded == SUBTREES_SILENT || excluded == SUBTREES_WITHOUT);
}

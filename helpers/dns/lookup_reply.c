/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lookup_reply.c - What a resolver of the host says of a name server's name. */
#include "lookup_reply.h"

#include <string.h>

#include "packet.h"

/* Type, class, time to live and length behind a record's owner. */
#define FIXED 10

size_t lookup_query(uint8_t buf[LOOKUP_QUERY_MAX], uint16_t id,
		    struct dname name, enum ip_family family)
{
	uint8_t *at = buf + PACKET_HEADER;

	memset(buf, 0, PACKET_HEADER);
	packet_set16(buf, id);
	packet_set16(buf + 2, PACKET_RD);
	packet_set16(buf + 4, 1);
	memcpy(at, name.wire, name.len);
	at += name.len;
	packet_set16(at, family == IP_V4 ? TYPE_A : TYPE_AAAA);
	packet_set16(at + 2, CLASS_IN);
	return (size_t)(at + 4 - buf);
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 'a' - 'A') : c;
}

/* Whether it is a reply, and to this query. Lengths of labels, type and class
 * are no letters. */
static bool is_reply(const uint8_t *query, size_t asked, const uint8_t *data,
		     size_t len)
{
	if (len < asked || memcmp(query, data, 2) != 0 ||
	    (packet_get16(data + 2) & (PACKET_QR | PACKET_OPCODE)) !=
		    PACKET_QR ||
	    packet_get16(data + 4) != 1)
		return false;
	for (size_t i = PACKET_HEADER; i < asked; i++)
		if (lower(query[i]) != lower(data[i]))
			return false;
	return true;
}

/* Step over a name, which ends in the root or in a pointer. Return: the offset
 * behind it; 0: it is none. */
static size_t skip_name(const uint8_t *data, size_t len, size_t at)
{
	while (at < len && data[at] && data[at] < 0x40)
		at += 1u + data[at];
	if (at >= len || (data[at] && data[at] < 0xc0))
		return 0;
	return at + (data[at] ? 2 : 1);
}

/* Put an address in its place. */
static void take(struct lookup_reply *r, struct ip ip)
{
	size_t at = 0;

	while (at < r->n && r->v[at].num < ip.num)
		at++;
	if ((at < r->n && r->v[at].num == ip.num) || r->n == DNS_SERVERS_MAX)
		return;
	memmove(&r->v[at + 1], &r->v[at], (r->n - at) * sizeof(r->v[0]));
	r->v[at] = ip;
	r->n++;
}

/* Read the answer section. Return: whether it is well-formed. */
static bool read_answer(const uint8_t *data, size_t len, size_t at,
			enum ip_family family, struct lookup_reply *r)
{
	const unsigned int type = family == IP_V4 ? TYPE_A : TYPE_AAAA;
	const unsigned int size = ip_bits(family) / 8;

	r->ttl = INT32_MAX;
	for (unsigned int left = packet_get16(data + 6); left; left--) {
		unsigned int is, n;
		uint32_t ttl;

		at = skip_name(data, len, at);
		if (!at || len < at || len - at < FIXED)
			return false;
		is = packet_get16(data + at);
		ttl = packet_get32(data + at + 4);
		n = packet_get16(data + at + 8);
		if (packet_get16(data + at + 2) != CLASS_IN)
			is = 0;
		at += FIXED;
		if (len - at < n)
			return false;
		/* RFC 2181 §8: the top bit set is a time of zero. */
		if ((is == type || is == TYPE_CNAME) && ttl > INT32_MAX)
			ttl = 0;
		if ((is == type || is == TYPE_CNAME) && ttl < r->ttl)
			r->ttl = ttl;
		if (is == type && n != size)
			return false;
		if (is == type)
			take(r, ip_from_bytes(family, data + at));
		at += n;
	}
	return true;
}

void lookup_read(const uint8_t *query, size_t asked, const uint8_t *data,
		 size_t len, struct lookup_reply *ret)
{
	const enum ip_family family =
		packet_get16(query + asked - 4) == TYPE_A ? IP_V4 : IP_V6;
	bool whole;

	*ret = (struct lookup_reply){.fate = LOOKUP_OTHER};
	if (!is_reply(query, asked, data, len))
		return;
	switch (packet_get16(data + 2) & PACKET_RCODE) {
	case RCODE_NOERROR:
		break;
	case RCODE_NXDOMAIN:
		ret->fate = LOOKUP_MISSING;
		return;
	default:
		ret->fate = LOOKUP_FAILED;
		return;
	}
	ret->fate = LOOKUP_FAILED;
	whole = read_answer(data, len, asked, family, ret);
	/* What a resolver has cut off is said to be so; addresses before that
	 * are addresses. */
	if (packet_get16(data + 2) & PACKET_TC ? !ret->n : !whole)
		return;
	ret->fate = ret->n ? LOOKUP_FOUND : LOOKUP_EMPTY;
}

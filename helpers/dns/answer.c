/* SPDX-License-Identifier: GPL-2.0-or-later */
/* answer.c - What an upstream answer may tell the guest. */
#include "answer.h"

#include <string.h>

#include "rebind.h"
#include "svcb.h"

/**
 * struct chain - The name asked, and where its CNAME records lead
 * @name:	names
 * @n:		how many
 * @ttl:	lowest time to live on the way
 */
struct chain {
	struct packet_name name[ANSWER_CHAIN + 1];
	size_t n;
	uint32_t ttl;
};

/* RFC 2181 §8: the top bit set is a time of zero. */
static uint32_t ttl_of(const struct packet_record *r)
{
	return r->ttl > INT32_MAX ? 0 : r->ttl;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static bool is_svcb(const struct packet_record *r)
{
	return r->class == CLASS_IN &&
	       (r->type == TYPE_SVCB || r->type == TYPE_HTTPS);
}

/* Most owners are a pointer to the question. */
static bool owned_by(const uint8_t *data, const struct packet_record *r,
		     const struct packet_name *name, size_t which)
{
	struct packet_name owner;

	if (!which && packet_get16(data + r->owner) == 0xc000 + PACKET_HEADER)
		return true;
	return packet_name_read(data, r->rdata, r->owner, &owner) &&
	       dname_equal(packet_dname(&owner), packet_dname(name));
}

/* Follow the CNAME records, in whatever order they stand: each pass takes at
 * least one more, or is the last. */
static bool follow(const uint8_t *data, size_t len,
		   const struct packet_question *q, struct chain *ret)
{
	bool more;

	ret->name[0] = q->name;
	ret->n = 1;
	ret->ttl = INT32_MAX;
	do {
		struct packet_walk w = packet_walk_begin(data, q);
		struct packet_record r;

		more = false;
		while (packet_walk_next(data, len, &w, &r) > 0 &&
		       r.section == SECTION_ANSWER) {
			const size_t last = ret->n - 1;

			if (r.type != TYPE_CNAME || q->type == TYPE_CNAME ||
			    !owned_by(data, &r, &ret->name[last], last))
				continue;
			if (ret->n > ANSWER_CHAIN ||
			    !packet_name_read(data, r.end, r.rdata,
					      &ret->name[ret->n]))
				return false;
			ret->n++;
			ret->ttl = least(ret->ttl, ttl_of(&r));
			more = true;
		}
	} while (more);
	return true;
}

static bool in_chain(const uint8_t *data, const struct packet_record *r,
		     const struct chain *chain)
{
	for (size_t i = 0; i < chain->n; i++)
		if (owned_by(data, r, &chain->name[i], i))
			return true;
	return false;
}

/* Take note of an address; false if the answer is settled by it. */
static bool take(const struct dns_conf *c, struct answer *a,
		 enum ip_family family, const uint8_t *bytes, bool pin)
{
	const struct ip ip = ip_from_bytes(family, bytes);

	if (rebind_denied(c->local, ip)) {
		a->fate = ANSWER_REBIND;
		a->address = ip;
		return false;
	}
	if (!pin)
		return true;
	if (a->n == ANSWER_ADDRESSES) {
		a->fate = ANSWER_BROKEN;
		return false;
	}
	a->v[a->n++] = ip;
	return true;
}

static bool take_hints(const struct dns_conf *c, struct answer *a,
		       const uint8_t *data, const struct packet_record *r,
		       bool pin)
{
	size_t at = svcb_begin(data, r);
	struct svcb_param s;

	if (!at)
		a->fate = ANSWER_BROKEN;
	for (; at && svcb_next(data, r, at, &s); at = s.end) {
		const enum ip_family family = s.key == SVCB_IPV4HINT ? IP_V4
								     : IP_V6;

		if (s.key != SVCB_IPV4HINT && s.key != SVCB_IPV6HINT)
			continue;
		for (size_t i = s.value; i < s.end; i += ip_bits(family) / 8)
			if (!take(c, a, family, data + i, pin))
				return false;
	}
	return a->fate == ANSWER_PASS;
}

/* Whether a record leads to a name that is denied. */
static bool leads_astray(const struct dns_conf *c, struct answer *a,
			 const uint8_t *data, const struct packet_record *r)
{
	struct packet_name target;

	if (r->section != SECTION_ANSWER ||
	    (r->type != TYPE_CNAME && r->type != TYPE_DNAME))
		return false;
	if (!packet_name_read(data, r->end, r->rdata, &target)) {
		a->fate = ANSWER_BROKEN;
		return true;
	}
	a->denied = dns_conf_alias(c, packet_dname(&target));
	if (!a->denied.allow)
		a->fate = ANSWER_ALIAS;
	return !a->denied.allow;
}

/* The first walk: what the answer says. */
static void look(const struct dns_conf *c, const struct packet *p,
		 const struct packet_question *q, const struct chain *chain,
		 bool pinned, struct answer *a)
{
	struct packet_walk w = packet_walk_begin(p->data, q);
	struct packet_record r;

	while (a->fate == ANSWER_PASS &&
	       packet_walk_next(p->data, p->len, &w, &r) > 0) {
		const bool address = r.class == CLASS_IN &&
				     (r.type == TYPE_A || r.type == TYPE_AAAA);
		bool pin;

		if (r.type == TYPE_OPT)
			continue;
		a->keep = least(a->keep, ttl_of(&r));
		if (leads_astray(c, a, p->data, &r))
			return;
		if (!address && !is_svcb(&r))
			continue;
		pin = pinned && r.section == SECTION_ANSWER &&
		      in_chain(p->data, &r, chain);
		if (address ? take(c, a, r.type == TYPE_A ? IP_V4 : IP_V6,
				   p->data + r.rdata, pin)
			    : take_hints(c, a, p->data, &r, pin))
			a->ttl = pin ? least(a->ttl, ttl_of(&r)) : a->ttl;
	}
}

/* The second: what is taken out. Return: whether anything was. */
static bool strip(const struct dns_conf *c, struct packet *p,
		  const struct packet_question *q, struct answer *a)
{
	struct packet_walk w = packet_walk_begin(p->data, q);
	const size_t len = p->len;
	struct packet_record r;

	while (packet_walk_next(p->data, p->len, &w, &r) > 0) {
		const size_t end = r.end;

		if (!is_svcb(&r))
			continue;
		if (!svcb_strip(p, q, &r, c->strip_ech == CONFIG_TRUE,
				c->strip_h3 == CONFIG_TRUE)) {
			a->fate = ANSWER_BROKEN;
			break;
		}
		w.at -= end - r.end;
	}
	return p->len != len;
}

/* How long a denial may be kept: RFC 2308 §5. Without an SOA, not at all. */
static uint32_t negative(const struct packet *p,
			 const struct packet_question *q)
{
	struct packet_walk w = packet_walk_begin(p->data, q);
	struct packet_record r;

	while (packet_walk_next(p->data, p->len, &w, &r) > 0) {
		uint32_t ttl;

		if (r.section != SECTION_AUTHORITY || r.type != TYPE_SOA)
			continue;
		ttl = least(ttl_of(&r), packet_get32(p->data + r.end - 4));
		return least(ttl, ANSWER_NEGATIVE_MAX);
	}
	return 0;
}

static uint32_t keep(const struct packet *p, const struct packet_question *q,
		     const struct answer *a)
{
	const unsigned int rcode = q->flags & PACKET_RCODE;
	const bool empty = !packet_get16(p->data + 6);

	if (q->flags & PACKET_TC ||
	    (rcode != RCODE_NOERROR && rcode != RCODE_NXDOMAIN))
		return 0;
	if (rcode == RCODE_NXDOMAIN || empty)
		return least(a->keep, negative(p, q));
	return least(a->keep, ANSWER_TTL_MAX);
}

void answer_screen(const struct dns_conf *c, struct packet *p,
		   struct packet_question *q, bool pinned, struct answer *ret)
{
	struct packet_question again;
	struct chain chain;
	bool changed = false;

	ret->fate = ANSWER_PASS;
	ret->denied = (struct dns_verdict){.pointer = "always:rebind"};
	ret->keep = INT32_MAX;
	ret->ttl = INT32_MAX;
	ret->n = 0;
	if (!follow(p->data, p->len, q, &chain)) {
		ret->fate = ANSWER_BROKEN;
		return;
	}
	look(c, p, q, &chain, pinned, ret);
	if (ret->fate != ANSWER_PASS)
		return;
	ret->keep = keep(p, q, ret);
	if (c->strip_ech == CONFIG_TRUE || c->strip_h3 == CONFIG_TRUE)
		changed = strip(c, p, q, ret);
	ret->ttl = least(ret->ttl, chain.ttl);
	if (ret->ttl < ANSWER_TTL_MIN)
		ret->ttl = ANSWER_TTL_MIN;
	ret->ttl = least(ret->ttl, ANSWER_TTL_MAX);
	if (ret->n)
		changed |= packet_age(p, q, 0, ret->ttl);
	if (ret->fate != ANSWER_PASS || !changed)
		return;
	/* A name that pointed at what was changed is another name now. */
	if (packet_question_read(p->data, p->len, true, &again) == PACKET_GOOD)
		*q = again;
	else
		ret->fate = ANSWER_BROKEN;
}

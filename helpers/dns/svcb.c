/* SPDX-License-Identifier: GPL-2.0-or-later */
/* svcb.c - The parameters of SVCB and HTTPS records (RFC 9460). */
#include "svcb.h"

#include <string.h>

/* Whether a list of identifiers, each with its length, is whole. */
static bool alpn_good(const uint8_t *data, const struct svcb_param *s)
{
	size_t at = s->value;

	while (at < s->end) {
		if (!data[at] || s->end - at <= data[at])
			return false;
		at += data[at] + 1u;
	}
	return s->end > s->value;
}

static bool param_good(const uint8_t *data, const struct svcb_param *s)
{
	const size_t n = s->end - s->value;

	switch (s->key) {
	case SVCB_MANDATORY:
		return n && n % 2 == 0;
	case SVCB_ALPN:
		return alpn_good(data, s);
	case SVCB_NO_DEFAULT_ALPN:
		return n == 0;
	case SVCB_IPV4HINT:
		return n && n % 4 == 0;
	case SVCB_IPV6HINT:
		return n && n % 16 == 0;
	default:
		return true;
	}
}

bool svcb_next(const uint8_t *data, const struct packet_record *r, size_t at,
	       struct svcb_param *ret)
{
	if (at >= r->end || r->end - at < 4)
		return false;
	ret->key = packet_get16(data + at);
	ret->at = at;
	ret->value = at + 4;
	ret->end = ret->value + packet_get16(data + at + 2);
	return ret->end <= r->end;
}

size_t svcb_begin(const uint8_t *data, const struct packet_record *r)
{
	struct svcb_param s;
	size_t at, begin;
	int last = -1;

	if (r->end - r->rdata < 3)
		return 0;
	for (at = r->rdata + 2; at < r->end && data[at]; at += data[at] + 1u)
		if (data[at] > 63)
			return 0;
	begin = packet_name_read(data, r->end, r->rdata + 2, NULL);
	if (!begin || begin != at + 1)
		return 0;
	for (at = begin; svcb_next(data, r, at, &s); at = s.end) {
		if (s.key <= last || !param_good(data, &s))
			return 0;
		last = s.key;
	}
	return at == r->end ? begin : 0;
}

static bool is_h3(const uint8_t *id)
{
	return id[0] >= 2 && id[1] == 'h' && id[2] == '3' &&
	       (id[0] == 2 || id[3] == '-');
}

/* Take the HTTP/3 identifiers out of "alpn"; @s is adjusted. */
static bool strip_h3(struct packet *p, const struct packet_question *q,
		     struct packet_record *r, struct svcb_param *s)
{
	size_t at = s->value;

	while (at < s->end) {
		const size_t n = p->data[at] + 1u;

		if (!is_h3(p->data + at)) {
			at += n;
			continue;
		}
		if (!packet_cut(p, q, r, at, n))
			return false;
		s->end -= n;
		packet_set16(p->data + s->at + 2,
			     (unsigned int)(s->end - s->value));
	}
	return true;
}

/* Take keys out of "mandatory", and all of it if none is left. */
static bool strip_mandatory(struct packet *p, const struct packet_question *q,
			    struct packet_record *r, size_t begin,
			    unsigned int gone)
{
	struct svcb_param s;
	size_t at;

	if (!svcb_next(p->data, r, begin, &s) || s.key != SVCB_MANDATORY)
		return true;
	for (at = s.value; at < s.end;) {
		const uint16_t key = packet_get16(p->data + at);

		if (key >= 16 || !(gone & 1u << key)) {
			at += 2;
			continue;
		}
		if (!packet_cut(p, q, r, at, 2))
			return false;
		s.end -= 2;
		packet_set16(p->data + s.at + 2,
			     (unsigned int)(s.end - s.value));
	}
	return s.end > s.value || packet_cut(p, q, r, s.at, 4);
}

bool svcb_strip(struct packet *p, const struct packet_question *q,
		struct packet_record *r, bool ech, bool h3)
{
	const size_t begin = svcb_begin(p->data, r);
	unsigned int gone = 0;
	struct svcb_param s;
	size_t at = begin;

	if (!begin)
		return false;
	while (svcb_next(p->data, r, at, &s)) {
		bool cut = ech && s.key == SVCB_ECH;

		if (h3 && s.key == SVCB_ALPN) {
			if (!strip_h3(p, q, r, &s))
				return false;
			cut = s.end == s.value;
		}
		if (s.key == SVCB_NO_DEFAULT_ALPN)
			cut = gone & 1u << SVCB_ALPN;
		if (!cut) {
			at = s.end;
			continue;
		}
		gone |= 1u << s.key;
		if (!packet_cut(p, q, r, s.at, s.end - s.at))
			return false;
	}
	return strip_mandatory(p, q, r, begin, gone);
}

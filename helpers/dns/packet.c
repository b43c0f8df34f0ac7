/* SPDX-License-Identifier: GPL-2.0-or-later */
/* packet.c - DNS messages, walked and changed in place. */
#include "packet.h"

#include <string.h>

#define LABEL_MAX     63
#define POINTER	      0xc0
#define QUESTION_AT   PACKET_HEADER
#define COUNT_AT(s)   (4 + 2 * (size_t)(s))
#define FIXED_LEN     10
#define NAME_OF_QUERY 0xc00c

/**
 * struct names_row - Names in the data of a type
 * @type:	type
 * @skip:	octets before the first
 * @names:	how many, one behind the other
 *
 * Types whose names older servers compress: those of RFC 1035, and those that
 * RFC 3597 §4 lists. In other types a name is never compressed, and so is data
 * like any other.
 */
struct names_row {
	uint8_t type;
	uint8_t skip;
	uint8_t names;
};

static const struct names_row names_rows[] = {
	{TYPE_NS, 0, 1},    {TYPE_MD, 0, 1},	{TYPE_MF, 0, 1},
	{TYPE_CNAME, 0, 1}, {TYPE_SOA, 0, 2},	{TYPE_MB, 0, 1},
	{TYPE_MG, 0, 1},    {TYPE_MR, 0, 1},	{TYPE_PTR, 0, 1},
	{TYPE_MINFO, 0, 2}, {TYPE_MX, 2, 1},	{TYPE_RP, 0, 2},
	{TYPE_AFSDB, 2, 1}, {TYPE_RT, 2, 1},	{TYPE_SIG, 18, 1},
	{TYPE_PX, 2, 2},    {TYPE_NXT, 0, 1},	{TYPE_SRV, 6, 1},
	{TYPE_KX, 2, 1},    {TYPE_DNAME, 0, 1},
};

static const struct names_row *names_in(uint16_t type)
{
	for (size_t i = 0; i < sizeof(names_rows) / sizeof(names_rows[0]); i++)
		if (names_rows[i].type == type)
			return &names_rows[i];
	return NULL;
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 'a' - 'A') : c;
}

/* The same for eight octets: the top bit of each says what it is, and sums of
 * seven bits do not reach the next. */
static uint64_t lower8(uint64_t v)
{
	const uint64_t each = UINT64_C(0x0101010101010101), top = each << 7;
	const uint64_t low = v & ~top;
	const uint64_t from_a = low + each * (0x80 - 'A');
	const uint64_t past_z = low + each * (0x80 - 'Z' - 1);

	return v | (from_a & ~past_z & ~v & top) >> 2;
}

/* Lengths of labels are below "A": they stay. */
static void lower_name(struct packet_name *n)
{
	size_t i = 0;
	uint64_t v;

	for (; i + sizeof(v) <= n->len; i += sizeof(v)) {
		memcpy(&v, n->wire + i, sizeof(v));
		v = lower8(v);
		memcpy(n->wire + i, &v, sizeof(v));
	}
	for (; i < n->len; i++)
		n->wire[i] = lower(n->wire[i]);
}

size_t packet_name_read(const uint8_t *data, size_t len, size_t at,
			struct packet_name *ret)
{
	size_t start = at, run = at, end = 0, n = 0;

	for (;;) {
		uint8_t label;

		if (at >= len)
			return 0;
		label = data[at];
		if (label >= POINTER) {
			size_t to;

			if (at + 1 >= len)
				return 0;
			to = packet_get16(data + at) & 0x3fff;
			if (to < PACKET_HEADER || to >= start)
				return 0;
			if (!end)
				end = at + 2;
			if (ret)
				memcpy(ret->wire + n - (at - run), data + run,
				       at - run);
			start = to;
			run = to;
			at = to;
			continue;
		}
		if (label > LABEL_MAX || len - at <= label ||
		    n + label + 1 > DNAME_WIRE_MAX)
			return 0;
		n += label + 1u;
		at += label + 1u;
		if (!label)
			break;
	}
	if (ret) {
		memcpy(ret->wire + n - (at - run), data + run, at - run);
		ret->len = (uint8_t)n;
		lower_name(ret);
	}
	return end ? end : at;
}

/* Whether the names in a record's data are good, and end within it. */
static bool data_names_good(const uint8_t *data, const struct packet_record *r)
{
	const struct names_row *row = names_in(r->type);
	size_t at = r->rdata;

	if (!row)
		return true;
	at += row->skip;
	for (unsigned int i = 0; i < row->names; i++) {
		at = at < r->end ? packet_name_read(data, r->end, at, NULL) : 0;
		if (!at)
			return false;
	}
	return r->type == TYPE_SOA   ? r->end - at == 20
	       : r->type == TYPE_NXT ? true
	       : r->type == TYPE_SIG ? true
				     : at == r->end;
}

struct packet_walk packet_walk_begin(const uint8_t *data,
				     const struct packet_question *q)
{
	struct packet_walk w = {.at = q->end, .section = SECTION_ANSWER};

	for (size_t s = SECTION_ANSWER; s < SECTION_COUNT; s++)
		w.left[s] = packet_get16(data + COUNT_AT(s));
	return w;
}

int packet_walk_next(const uint8_t *data, size_t len, struct packet_walk *w,
		     struct packet_record *ret)
{
	struct packet_record r = {.owner = w->at};
	size_t data_len;

	while (w->section < SECTION_COUNT && !w->left[w->section])
		w->section++;
	if (w->section == SECTION_COUNT)
		return 0;
	r.section = w->section;
	/* Most owners are the name asked, which was read already. */
	if (len - w->at >= 2 && packet_get16(data + w->at) == NAME_OF_QUERY)
		r.fixed = w->at + 2;
	else
		r.fixed = packet_name_read(data, len, w->at, NULL);
	if (!r.fixed || len - r.fixed < FIXED_LEN)
		return -1;
	r.type = packet_get16(data + r.fixed);
	r.class = packet_get16(data + r.fixed + 2);
	r.ttl = packet_get32(data + r.fixed + 4);
	data_len = packet_get16(data + r.fixed + 8);
	r.rdata = r.fixed + FIXED_LEN;
	if (len - r.rdata < data_len)
		return -1;
	r.end = r.rdata + data_len;
	w->at = r.end;
	w->left[w->section]--;
	*ret = r;
	return 1;
}

/* Fill in what an OPT record says; false if it may not be there. */
static bool read_opt(const uint8_t *data, const struct packet_record *r,
		     struct packet_question *q)
{
	size_t at = r->rdata;

	/* RFC 6891 §6.1.1: one, in the additional section, owned by the root.
	 */
	if (q->edns || r->section != SECTION_ADDITIONAL || data[r->owner] != 0)
		return false;
	while (at < r->end) {
		size_t n;

		if (r->end - at < 4)
			return false;
		n = packet_get16(data + at + 2);
		if (r->end - at - 4 < n)
			return false;
		at += 4 + n;
	}
	q->edns = true;
	q->size = r->class < PACKET_UDP_MIN ? PACKET_UDP_MIN : r->class;
	q->version = (uint8_t)(r->ttl >> 16);
	q->dnssec_ok = (r->ttl & 0x8000) != 0;
	q->opt = r->owner;
	q->opt_end = r->end;
	return true;
}

/* The addresses of an A or AAAA record have a length, in class IN at least. */
static bool address_good(const struct packet_record *r)
{
	const size_t n = r->end - r->rdata;

	if (r->class != CLASS_IN)
		return true;
	return r->type == TYPE_A ? n == 4 : r->type != TYPE_AAAA || n == 16;
}

static enum packet_fault read_records(const uint8_t *data, size_t len,
				      bool reply, struct packet_question *q)
{
	struct packet_walk w = packet_walk_begin(data, q);
	struct packet_record r;
	enum packet_fault fault = PACKET_GOOD;
	int more;

	while ((more = packet_walk_next(data, len, &w, &r)) > 0) {
		if (!data_names_good(data, &r))
			return PACKET_GARBAGE;
		if (reply && !address_good(&r))
			return PACKET_GARBAGE;
		if (!reply && r.section == SECTION_ANSWER)
			fault = PACKET_QUESTIONS;
		if (r.type == TYPE_OPT && !read_opt(data, &r, q))
			fault = PACKET_QUESTIONS;
	}
	if (more < 0 || w.at != len)
		return PACKET_GARBAGE;
	if (fault == PACKET_GOOD && q->version)
		return PACKET_VERSION;
	return fault;
}

enum packet_fault packet_question_read(const uint8_t *data, size_t len,
				       bool reply, struct packet_question *ret)
{
	struct packet_question q = {.size = PACKET_UDP_MIN};
	size_t at;

	if (len < PACKET_HEADER || len > PACKET_MAX)
		return PACKET_GARBAGE;
	q.id = packet_get16(data);
	q.flags = packet_get16(data + 2);
	ret->id = q.id;
	ret->flags = q.flags;
	if (!(q.flags & PACKET_QR) == reply)
		return PACKET_GARBAGE;
	if (q.flags & PACKET_OPCODE)
		return PACKET_NO_QUERY;
	if (packet_get16(data + COUNT_AT(SECTION_QUESTION)) != 1)
		return PACKET_QUESTIONS;
	at = packet_name_read(data, len, QUESTION_AT, &q.name);
	if (!at || len - at < 4)
		return PACKET_GARBAGE;
	q.type = packet_get16(data + at);
	q.class = packet_get16(data + at + 2);
	q.end = at + 4;
	switch (read_records(data, len, reply, &q)) {
	case PACKET_GOOD:
		/* A question about OPT has no meaning (RFC 6891 §5). */
		if (q.type == TYPE_OPT)
			return PACKET_QUESTIONS;
		*ret = q;
		return PACKET_GOOD;
	case PACKET_VERSION:
		*ret = q;
		return PACKET_VERSION;
	case PACKET_QUESTIONS:
		return PACKET_QUESTIONS;
	case PACKET_GARBAGE:
	case PACKET_NO_QUERY:
		break;
	}
	return PACKET_GARBAGE;
}

/* Adjust the pointer that ends the name at @at, if one does. */
static bool name_moves(uint8_t *data, size_t at, size_t cut, size_t n)
{
	size_t to;

	while (data[at] && data[at] < POINTER)
		at += data[at] + 1u;
	if (!data[at])
		return true;
	to = packet_get16(data + at) & 0x3fff;
	if (to < cut)
		return true;
	if (to < cut + n)
		return false;
	packet_set16(data + at, 0xc000u | (unsigned int)(to - n));
	return true;
}

static size_t name_end(const uint8_t *data, size_t at)
{
	while (data[at] && data[at] < POINTER)
		at += data[at] + 1u;
	return data[at] ? at + 2 : at + 1;
}

bool packet_cut(struct packet *p, const struct packet_question *q,
		struct packet_record *r, size_t at, size_t n)
{
	struct packet_walk w = packet_walk_begin(p->data, q);
	struct packet_record other;

	/* Lengths and offsets are those before the cut until all is adjusted:
	 * pointers never lead to where they stand, so a changed one does no
	 * harm to the walk, which only steps over it. */
	while (w.section < SECTION_COUNT) {
		const struct names_row *row;
		size_t name;

		while (w.section < SECTION_COUNT && !w.left[w.section])
			w.section++;
		if (w.section == SECTION_COUNT)
			break;
		w.left[w.section]--;
		other.owner = w.at;
		if (!name_moves(p->data, other.owner, at, n))
			return false;
		other.fixed = name_end(p->data, other.owner);
		other.type = packet_get16(p->data + other.fixed);
		other.rdata = other.fixed + FIXED_LEN;
		w.at = other.rdata + packet_get16(p->data + other.fixed + 8);
		row = names_in(other.type);
		name = other.rdata + (row ? row->skip : 0);
		for (unsigned int i = 0; row && i < row->names; i++) {
			if (!name_moves(p->data, name, at, n))
				return false;
			name = name_end(p->data, name);
		}
	}
	packet_set16(p->data + r->fixed + 8,
		     (unsigned int)(r->end - r->rdata - n));
	memmove(p->data + at, p->data + at + n, p->len - at - n);
	p->len -= n;
	r->end -= n;
	return true;
}

void packet_reply_begin(struct packet *p, const uint8_t *query,
			const struct packet_question *q, unsigned int flags,
			enum packet_rcode rcode)
{
	const unsigned int copied = packet_get16(query + 2) &
				    (PACKET_OPCODE | PACKET_RD | PACKET_CD);

	p->len = q ? q->end : PACKET_HEADER;
	memmove(p->data, query, p->len);
	packet_set16(p->data + 2, PACKET_QR | PACKET_RA | copied | flags |
					  (rcode & PACKET_RCODE));
	memset(p->data + COUNT_AT(SECTION_QUESTION), 0, 8);
	packet_set16(p->data + COUNT_AT(SECTION_QUESTION), q ? 1 : 0);
}

static void put(struct packet *p, const void *bytes, size_t n)
{
	memcpy(p->data + p->len, bytes, n);
	p->len += n;
}

static void put16(struct packet *p, unsigned int v)
{
	packet_set16(p->data + p->len, v);
	p->len += 2;
}

static void put32(struct packet *p, uint32_t v)
{
	packet_set32(p->data + p->len, v);
	p->len += 4;
}

static void count(struct packet *p, enum packet_section s)
{
	uint8_t *at = p->data + COUNT_AT(s);

	packet_set16(at, packet_get16(at) + 1u);
}

void packet_put_address(struct packet *p, enum packet_type type,
			const uint8_t *bytes, uint32_t ttl)
{
	const unsigned int n = type == TYPE_A ? 4 : 16;

	put16(p, NAME_OF_QUERY);
	put16(p, type);
	put16(p, CLASS_IN);
	put32(p, ttl);
	put16(p, n);
	put(p, bytes, n);
	count(p, SECTION_ANSWER);
}

void packet_put_soa(struct packet *p, uint32_t ttl)
{
	/* The name asked is its own zone, served and kept by nobody (".", RFC
	 * 7505 has the custom); nobody refreshes it. */
	put16(p, NAME_OF_QUERY);
	put16(p, TYPE_SOA);
	put16(p, CLASS_IN);
	put32(p, ttl);
	put16(p, 1 + 1 + 20);
	put16(p, 0);
	put32(p, 1);
	put32(p, 3600);
	put32(p, 600);
	put32(p, 86400);
	put32(p, ttl);
	count(p, SECTION_AUTHORITY);
}

void packet_put_opt(struct packet *p, const struct packet_question *q,
		    enum packet_rcode rcode, enum packet_ede ede,
		    const char *text)
{
	const size_t n = ede == EDE_NONE ? 0 : 6 + strlen(text);

	if (!q->edns)
		return;
	put(p, "", 1);
	put16(p, TYPE_OPT);
	put16(p, PACKET_EDNS_SIZE);
	put32(p, (uint32_t)rcode >> 4 << 24 | (q->dnssec_ok ? 0x8000u : 0));
	put16(p, (unsigned int)n);
	if (n) {
		put16(p, 15);
		put16(p, (unsigned int)n - 4);
		put16(p, (unsigned int)ede);
		put(p, text, n - 6);
	}
	count(p, SECTION_ADDITIONAL);
}

void packet_truncate(struct packet *p, const struct packet_question *q)
{
	const size_t opt = q->edns ? q->opt_end - q->opt : 0;

	/* An OPT record with options may itself be what is too long. */
	if (opt && opt <= PACKET_UDP_MIN - q->end)
		memmove(p->data + q->end, p->data + q->opt, opt);
	p->len = q->end;
	memset(p->data + COUNT_AT(SECTION_ANSWER), 0, 6);
	p->data[2] |= PACKET_TC >> 8;
	if (opt && opt <= PACKET_UDP_MIN - q->end) {
		p->len += opt;
		count(p, SECTION_ADDITIONAL);
	}
}

bool packet_age(struct packet *p, const struct packet_question *q, uint32_t age,
		uint32_t max)
{
	struct packet_walk w = packet_walk_begin(p->data, q);
	struct packet_record r;
	bool changed = false;

	while (packet_walk_next(p->data, p->len, &w, &r) > 0) {
		uint32_t ttl = r.ttl;

		if (r.type == TYPE_OPT)
			continue;
		/* RFC 2181 §8: the top bit set is a time of zero. */
		if (ttl > INT32_MAX)
			ttl = 0;
		ttl = ttl > age ? ttl - age : 0;
		ttl = ttl < max ? ttl : max;
		changed |= ttl != r.ttl;
		packet_set32(p->data + r.fixed + 4, ttl);
	}
	return changed;
}

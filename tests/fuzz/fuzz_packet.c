/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_packet.c - Any octets as a message: safe, and read as ldns reads them.
 */
#include <ldns/ldns.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TYPE_TSIG 250

#define MUST(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

/* The same name, as ldns has it. */
static void same_name(const uint8_t *data, size_t size, size_t at,
		      const ldns_rdf *theirs)
{
	struct packet_name n;

	MUST(packet_name_read(data, size, at, &n));
	MUST(n.len == ldns_rdf_size(theirs));
	for (size_t i = 0; i < n.len; i++) {
		const uint8_t c = ldns_rdf_data(theirs)[i];

		MUST(n.wire[i] == c ||
		     (c >= 'A' && c <= 'Z' && n.wire[i] == c + 'a' - 'A'));
	}
}

/* Whether the data of a type is names, which are known to end with it. */
static bool is_names(uint16_t type)
{
	switch (type) {
	case TYPE_NS:
	case TYPE_CNAME:
	case TYPE_SOA:
	case TYPE_PTR:
	case TYPE_MX:
	case TYPE_SRV:
	case TYPE_DNAME:
		return true;
	default:
		return false;
	}
}

/* Where a record's data go on behind its last field, ldns takes what is left
 * for the next record. Names may be longer there: uncompressed. */
static bool lost(const struct packet_record *r, const ldns_rr *rr)
{
	bool names = false;
	size_t n = 0;

	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *field = ldns_rr_rdf(rr, i);

		n += ldns_rdf_size(field);
		names |= ldns_rdf_get_type(field) == LDNS_RDF_TYPE_DNAME;
	}
	return names ? !is_names(r->type) : n < r->end - r->rdata;
}

/* ldns drops an OPT record into fields of its own.
 *
 * Return: whether it read them all
 */
static bool same_records(const uint8_t *data, size_t size,
			 const struct packet_question *q,
			 const ldns_pkt *theirs)
{
	const ldns_rr_list *lists[SECTION_COUNT] = {
		[SECTION_ANSWER] = ldns_pkt_answer(theirs),
		[SECTION_AUTHORITY] = ldns_pkt_authority(theirs),
		[SECTION_ADDITIONAL] = ldns_pkt_additional(theirs),
	};
	size_t n[SECTION_COUNT] = {0};
	struct packet_walk w = packet_walk_begin(data, q);
	struct packet_record r;

	while (packet_walk_next(data, size, &w, &r) > 0) {
		const ldns_rr *rr;

		/* It takes nothing behind a TSIG record (RFC 8945 §5.1). */
		if (r.section == SECTION_ADDITIONAL && r.type == TYPE_TSIG)
			return false;
		if (r.section == SECTION_ADDITIONAL && r.type == TYPE_OPT)
			continue;
		MUST(n[r.section] < ldns_rr_list_rr_count(lists[r.section]));
		rr = ldns_rr_list_rr(lists[r.section], n[r.section]++);
		if (lost(&r, rr))
			return false;
		same_name(data, size, r.owner, ldns_rr_owner(rr));
		MUST(r.type == ldns_rr_get_type(rr));
		MUST(r.class == ldns_rr_get_class(rr));
		MUST(r.ttl == ldns_rr_ttl(rr));
		if (r.type == TYPE_CNAME)
			same_name(data, size, r.rdata, ldns_rr_rdf(rr, 0));
		/* A query may have an address record without an address. */
		if (r.class == CLASS_IN && ldns_rr_rd_count(rr) &&
		    (r.type == TYPE_A || r.type == TYPE_AAAA)) {
			const ldns_rdf *a = ldns_rr_rdf(rr, 0);

			MUST(r.end - r.rdata == ldns_rdf_size(a));
			MUST(memcmp(data + r.rdata, ldns_rdf_data(a),
				    ldns_rdf_size(a)) == 0);
		}
	}
	return true;
}

static void compare(const uint8_t *data, size_t size,
		    const struct packet_question *q)
{
	ldns_pkt *theirs = NULL;
	const ldns_rr *rr;

	if (ldns_wire2pkt(&theirs, data, size) != LDNS_STATUS_OK)
		return;
	MUST(ldns_pkt_id(theirs) == q->id);
	MUST(ldns_rr_list_rr_count(ldns_pkt_question(theirs)) == 1);
	rr = ldns_rr_list_rr(ldns_pkt_question(theirs), 0);
	same_name(data, size, PACKET_HEADER, ldns_rr_owner(rr));
	MUST(ldns_rr_get_type(rr) == q->type);
	MUST(ldns_rr_get_class(rr) == q->class);
	/* ldns takes an OPT record with nothing but zeros for none. */
	if (same_records(data, size, q, theirs))
		MUST(q->edns || !ldns_pkt_edns(theirs));
	ldns_pkt_free(theirs);
}

/* What is changed in place stays a message. */
static void change(const uint8_t *data, size_t size,
		   const struct packet_question *q)
{
	uint8_t *copy = malloc(size + PACKET_UDP_MIN);
	struct packet p = {copy, size, size + PACKET_UDP_MIN};
	struct packet_walk w = packet_walk_begin(data, q);
	struct packet_record r;
	struct packet_question again;

	MUST(copy);
	while (packet_walk_next(data, size, &w, &r) > 0) {
		if (r.end - r.rdata < 2 || r.type == TYPE_OPT)
			continue;
		memcpy(copy, data, size);
		p.len = size;
		if (packet_cut(&p, q, &r, r.rdata, 2))
			MUST(packet_question_read(copy, p.len, true, &again) !=
				     PACKET_GOOD ||
			     again.end == q->end);
	}
	memcpy(copy, data, size);
	p.len = size;
	/* A name may have pointed at a time: its owner's fault. */
	packet_age(&p, q, 7, 3600);
	MUST(packet_question_read(copy, p.len, true, &again) != PACKET_GOOD ||
	     again.end == q->end);
	packet_truncate(&p, q);
	MUST(p.len <= size &&
	     packet_question_read(copy, p.len, true, &again) == PACKET_GOOD);
	free(copy);
}

static void reply(const uint8_t *query, const struct packet_question *q)
{
	uint8_t out[PACKET_UDP_MIN];
	struct packet p = {out, 0, sizeof(out)};
	struct packet_question r;

	packet_reply_begin(&p, query, q, 0, RCODE_NXDOMAIN);
	packet_put_soa(&p, 10);
	packet_put_opt(&p, q, RCODE_NXDOMAIN, EDE_BLOCKED, "text");
	MUST(p.len <= sizeof(out));
	MUST(packet_question_read(out, p.len, true, &r) == PACKET_GOOD);
	MUST(r.end == q->end && r.edns == q->edns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* An exact copy: a read past the end is then seen. */
	uint8_t *copy = malloc(size ? size : 1);
	struct packet_question q;

	MUST(copy);
	if (size)
		memcpy(copy, data, size);
	if (packet_question_read(copy, size, true, &q) == PACKET_GOOD) {
		compare(copy, size, &q);
		change(copy, size, &q);
	}
	if (packet_question_read(copy, size, false, &q) == PACKET_GOOD) {
		compare(copy, size, &q);
		reply(copy, &q);
	}
	free(copy);
	return 0;
}

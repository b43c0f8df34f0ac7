/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_lookup.c - Any octets as a resolver's reply to the monitor: safe, and no
 * address that the walk of packet.h does not find.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lookup_reply.h"
#include "packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

static const uint8_t wire[] = "\002ns\004test";

/* Whether the answer section has an address. */
static bool has(const uint8_t *data, size_t size,
		const struct packet_question *q, struct ip ip)
{
	struct packet_walk w = packet_walk_begin(data, q);
	const unsigned int type = ip.family == IP_V4 ? TYPE_A : TYPE_AAAA;
	struct packet_record r;

	while (packet_walk_next(data, size, &w, &r) > 0)
		if (r.section == SECTION_ANSWER && r.type == type &&
		    r.class == CLASS_IN &&
		    ip_equal(ip, ip_from_bytes(ip.family, data + r.rdata)))
			return true;
	return false;
}

static void try(const uint8_t *data, size_t size, enum ip_family family)
{
	const struct dname name = {.wire = wire, .len = sizeof(wire)};
	uint8_t query[LOOKUP_QUERY_MAX];
	struct packet_question q;
	struct lookup_reply r;
	size_t asked;

	/* The identifier is the reply's: that it is looked at, others test. */
	asked = lookup_query(query, size < 2 ? 0 : packet_get16(data), name,
			     family);
	lookup_read(query, asked, data, size, &r);
	MUST(r.n <= DNS_SERVERS_MAX);
	MUST(!r.n || r.fate == LOOKUP_FOUND || r.fate == LOOKUP_FAILED);
	MUST(r.n || r.fate != LOOKUP_FOUND);
	for (size_t i = 1; i < r.n; i++)
		MUST(r.v[i - 1].num < r.v[i].num);
	if (packet_question_read(data, size, true, &q) != PACKET_GOOD ||
	    r.fate == LOOKUP_OTHER)
		return;
	MUST(dname_equal(packet_dname(&q.name), name));
	for (size_t i = 0; i < r.n; i++)
		MUST(has(data, size, &q, r.v[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* So that a sanitizer sees what is behind it. */
	uint8_t *copy = malloc(size ? size : 1);

	MUST(copy);
	if (size)
		memcpy(copy, data, size);
	try(copy, size, IP_V4);
	try(copy, size, IP_V6);
	free(copy);
	return 0;
}

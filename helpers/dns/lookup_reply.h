/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lookup_reply.h - What a resolver of the host says of a name server's name.
 *
 * The monitor reads it, which has a power, and so it reads as little as will
 * do: the header and the question must be those that were sent, octet by octet
 * but for the letters' case; of the records it takes addresses that stand at a
 * fixed distance behind their owner, and it follows no pointer. Whose the
 * records are is not looked at: whoever could lie about that could lie about
 * the addresses.
 */
#ifndef MSB_LOOKUP_REPLY_H
#define MSB_LOOKUP_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "dname.h"
#include "dns_conf.h"

/** LOOKUP_QUERY_MAX - Octets of the longest query */
#define LOOKUP_QUERY_MAX (12 + DNAME_WIRE_MAX + 4)

/** LOOKUP_REPLY_MAX - Octets of a reply that are read: what RFC 1035 §4.2.1
 * lets a server send to who asks without EDNS. More does not fit into it than
 * DNS_SERVERS_MAX addresses, so a truncated one is as good as a whole one.
 */
#define LOOKUP_REPLY_MAX 512

/**
 * enum lookup_fate - What a reply is
 * @LOOKUP_OTHER:	no reply to this query
 * @LOOKUP_FOUND:	addresses
 * @LOOKUP_EMPTY:	the name has none of this family
 * @LOOKUP_MISSING:	there is no such name
 * @LOOKUP_FAILED:	the resolver does not know
 */
enum lookup_fate {
	LOOKUP_OTHER,
	LOOKUP_FOUND,
	LOOKUP_EMPTY,
	LOOKUP_MISSING,
	LOOKUP_FAILED,
};

/**
 * struct lookup_reply - A reply
 * @fate:	what it is
 * @ttl:	LOOKUP_FOUND: lowest time to live of the answer, s
 * @n:		how many addresses
 * @v:		these, in ascending order: so that the next reply, in which they
 *		may stand in another, is the same
 */
struct lookup_reply {
	enum lookup_fate fate;
	uint32_t ttl;
	size_t n;
	struct ip v[DNS_SERVERS_MAX];
};

/**
 * lookup_query() - Write a query for the addresses of a name
 * @buf:	receives it
 * @id:		identifier
 * @name:	name
 * @family:	which addresses
 *
 * Return: octets
 */
size_t lookup_query(uint8_t buf[LOOKUP_QUERY_MAX], uint16_t id,
		    struct dname name, enum ip_family family);

/**
 * lookup_read() - Read a reply
 * @query:	the query
 * @asked:	octets of it
 * @data:	what came
 * @len:	octets of that
 * @ret:	what it says
 */
void lookup_read(const uint8_t *query, size_t asked, const uint8_t *data,
		 size_t len, struct lookup_reply *ret);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* packet.h - DNS messages, walked and changed in place.
 *
 * Theory of Operation
 *
 * A message is a run of octets (RFC 1035 §4.1), and stays one: nothing is
 * decoded into a tree, and nothing is allocated. A walk hands out offsets, and
 * every offset that it hands out has been checked against the length.
 *
 * A name is labels up to the root, or up to a pointer to an earlier name
 * (§4.1.4). Each pointer must go to before the labels that led to it: so a walk
 * over a name ends, whatever the octets are, and a name that is longer than 255
 * octets is refused. That is stricter than the letter of the RFC, which says
 * "prior occurance" and means it.
 *
 * What is accepted here is accepted, with the same meaning, by a full decoder
 * (ldns): the fuzz target compares the two.
 */
#ifndef MSB_PACKET_H
#define MSB_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dname.h"

/** PACKET_HEADER - Octets of a header (RFC 1035 §4.1.1) */
#define PACKET_HEADER 12

/** PACKET_MAX - Octets of the longest message: TCP's length has 16 bits */
#define PACKET_MAX 65535

/** PACKET_UDP_MIN - What every client takes over UDP (RFC 1035 §4.2.1) */
#define PACKET_UDP_MIN 512

/** PACKET_EDNS_SIZE - What we say that we take: it is never fragmented */
#define PACKET_EDNS_SIZE 1232

/* Flags of the header's second 16 bits. */
#define PACKET_QR     0x8000u
#define PACKET_OPCODE 0x7800u
#define PACKET_AA     0x0400u
#define PACKET_TC     0x0200u
#define PACKET_RD     0x0100u
#define PACKET_RA     0x0080u
#define PACKET_AD     0x0020u
#define PACKET_CD     0x0010u
#define PACKET_RCODE  0x000fu

/** enum packet_type - Record types that are looked at (IANA: DNS RR TYPEs) */
enum packet_type {
	TYPE_A = 1,
	TYPE_NS = 2,
	TYPE_MD = 3,
	TYPE_MF = 4,
	TYPE_CNAME = 5,
	TYPE_SOA = 6,
	TYPE_MB = 7,
	TYPE_MG = 8,
	TYPE_MR = 9,
	TYPE_PTR = 12,
	TYPE_MINFO = 14,
	TYPE_MX = 15,
	TYPE_RP = 17,
	TYPE_AFSDB = 18,
	TYPE_RT = 21,
	TYPE_SIG = 24,
	TYPE_PX = 26,
	TYPE_AAAA = 28,
	TYPE_NXT = 30,
	TYPE_SRV = 33,
	TYPE_KX = 36,
	TYPE_DNAME = 39,
	TYPE_OPT = 41,
	TYPE_SVCB = 64,
	TYPE_HTTPS = 65,
	TYPE_IXFR = 251,
	TYPE_AXFR = 252,
};

#define CLASS_IN 1u

/** enum packet_rcode - Response codes (RFC 1035 §4.1.1, RFC 6891 §9) */
enum packet_rcode {
	RCODE_NOERROR = 0,
	RCODE_FORMERR = 1,
	RCODE_SERVFAIL = 2,
	RCODE_NXDOMAIN = 3,
	RCODE_NOTIMP = 4,
	RCODE_BADVERS = 16,
};

/** enum packet_ede - Extended errors (RFC 8914 §4) */
enum packet_ede {
	EDE_NONE = -1,
	EDE_OTHER = 0,
	EDE_BLOCKED = 15,
	EDE_NO_REACHABLE = 22,
	EDE_NETWORK = 23,
};

/**
 * struct packet - A message that may be changed
 * @data:	octets
 * @len:	how many
 * @cap:	how many there is room for
 */
struct packet {
	uint8_t *data;
	size_t len;
	size_t cap;
};

/**
 * struct packet_name - A name out of a message: whole, in lower case
 * @wire:	as in struct dname
 * @len:	octets
 */
struct packet_name {
	uint8_t wire[DNAME_WIRE_MAX];
	uint8_t len;
};

/** enum packet_section - Sections of a message, as its header counts them */
enum packet_section {
	SECTION_QUESTION,
	SECTION_ANSWER,
	SECTION_AUTHORITY,
	SECTION_ADDITIONAL,
	SECTION_COUNT,
};

/**
 * struct packet_record - Where a record is
 * @section:	section
 * @type:	type
 * @class:	class; of OPT the sender's UDP size
 * @ttl:	time to live, s; of OPT the extended flags
 * @owner:	offset of the owner's name
 * @fixed:	offset of type, class, ttl and length: 10 octets
 * @rdata:	offset of the data
 * @end:	offset behind the record
 */
struct packet_record {
	enum packet_section section;
	uint16_t type;
	uint16_t class;
	uint32_t ttl;
	size_t owner;
	size_t fixed;
	size_t rdata;
	size_t end;
};

/**
 * struct packet_walk - A walk over the records of a message
 * @at:		offset of the next one
 * @section:	its section
 * @left:	records left in each section
 */
struct packet_walk {
	size_t at;
	enum packet_section section;
	uint16_t left[SECTION_COUNT];
};

/**
 * struct packet_question - What a message with one question asks
 * @id:		identifier
 * @flags:	the header's flags
 * @name:	name asked
 * @type:	type asked
 * @class:	class asked
 * @end:	offset behind the question
 * @edns:	whether there is an OPT record (RFC 6891)
 * @size:	UDP size of its sender, not below PACKET_UDP_MIN
 * @version:	EDNS version
 * @dnssec_ok:	DO
 * @opt:	offset of the OPT record, if there is one
 * @opt_end:	offset behind it
 */
struct packet_question {
	uint16_t id;
	uint16_t flags;
	struct packet_name name;
	uint16_t type;
	uint16_t class;
	size_t end;
	bool edns;
	uint16_t size;
	uint8_t version;
	bool dnssec_ok;
	size_t opt;
	size_t opt_end;
};

/**
 * enum packet_fault - What is wrong with a message
 * @PACKET_GOOD:	nothing
 * @PACKET_GARBAGE:	it is no message, or a reply where a query should be:
 *			there is nobody to tell
 * @PACKET_NO_QUERY:	its opcode is not QUERY: NOTIMP
 * @PACKET_QUESTIONS:	it does not have one question, or has what a query must
 *			not have: FORMERR
 * @PACKET_VERSION:	its EDNS version is not 0: BADVERS
 */
enum packet_fault {
	PACKET_GOOD,
	PACKET_GARBAGE,
	PACKET_NO_QUERY,
	PACKET_QUESTIONS,
	PACKET_VERSION,
};

static inline uint16_t packet_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t packet_get32(const uint8_t *p)
{
	return (uint32_t)packet_get16(p) << 16 | packet_get16(p + 2);
}

static inline void packet_set16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void packet_set32(uint8_t *p, uint32_t v)
{
	packet_set16(p, v >> 16);
	packet_set16(p + 2, v & 0xffff);
}

/** packet_dname() - The same name, for those who compare names */
static inline struct dname packet_dname(const struct packet_name *n)
{
	return (struct dname){.wire = n->wire, .len = n->len};
}

/**
 * packet_name_read() - Read a name
 * @data:	message
 * @len:	octets
 * @at:		offset of the name
 * @ret:	the whole name, lower case; may be NULL
 *
 * Return: the offset behind the name where it stands; 0 if it is malformed
 */
size_t packet_name_read(const uint8_t *data, size_t len, size_t at,
			struct packet_name *ret)
	__attribute__((warn_unused_result));

/**
 * packet_question_read() - Read the header, the question and EDNS
 * @data:	message: a query, or a reply
 * @len:	octets
 * @reply:	which of the two it should be
 * @ret:	what it asks; @id and @flags are set unless it is garbage, the
 *rest only if it is good, or of another EDNS version
 *
 * The whole message is walked: behind PACKET_GOOD every record and every name
 * that a type of RFC 1035 holds is well-formed, and the last one ends where the
 * message does. A reply without records may lack its question (RFC 1035 servers
 * that do not understand EDNS answer so): that is no answer, PACKET_QUESTIONS.
 */
enum packet_fault packet_question_read(const uint8_t *data, size_t len,
				       bool reply, struct packet_question *ret)
	__attribute__((warn_unused_result));

/** packet_walk_begin() - Start at the first record behind the question
 * @data:	message of which packet_question_read() says that it is good
 * @q:		what it said
 */
struct packet_walk packet_walk_begin(const uint8_t *data,
				     const struct packet_question *q);

/**
 * packet_walk_next() - The next record
 *
 * Return: 1, 0 behind the last one, -1 if it is malformed
 */
int packet_walk_next(const uint8_t *data, size_t len, struct packet_walk *w,
		     struct packet_record *ret)
	__attribute__((warn_unused_result));

/**
 * packet_cut() - Take octets out of a record's data
 * @p:		message, good
 * @q:		its question
 * @r:		the record; its @end is adjusted
 * @at:		offset, inside the data
 * @n:		octets to take out
 *
 * Lengths are adjusted, and pointers to what comes behind.
 *
 * Return: false, and a message that must not be used, if a name would have
 * lost its tail
 */
bool packet_cut(struct packet *p, const struct packet_question *q,
		struct packet_record *r, size_t at, size_t n)
	__attribute__((warn_unused_result));

/**
 * packet_reply_begin() - Begin a reply: header and question
 * @p:		receives it; its @cap is at least PACKET_UDP_MIN
 * @query:	the query
 * @q:		what it asks; NULL: leave the question out
 * @flags:	AA, or 0: QR, RA and what a reply copies are added
 * @rcode:	response code
 */
void packet_reply_begin(struct packet *p, const uint8_t *query,
			const struct packet_question *q, unsigned int flags,
			enum packet_rcode rcode);

/** packet_put_address() - Append an address of the name asked
 * @p:		reply; there is room
 * @type:	TYPE_A or TYPE_AAAA
 * @bytes:	4 or 16 octets
 * @ttl:	time to live, s
 */
void packet_put_address(struct packet *p, enum packet_type type,
			const uint8_t *bytes, uint32_t ttl);

/**
 * packet_put_soa() - Append the SOA that lets a denial be cached (RFC 2308)
 * @p:		reply; there is room
 * @ttl:	how long, s
 */
void packet_put_soa(struct packet *p, uint32_t ttl);

/**
 * packet_put_opt() - Append an OPT record, if the query had one
 * @p:		reply; there is room
 * @q:		what was asked
 * @rcode:	response code; its high bits are here
 * @ede:	extended error, or EDE_NONE
 * @text:	what it says, or ""
 */
void packet_put_opt(struct packet *p, const struct packet_question *q,
		    enum packet_rcode rcode, enum packet_ede ede,
		    const char *text);

/**
 * packet_truncate() - Cut a reply down to header, question and OPT, with TC
 * @p:	reply, good
 * @q:	its question
 */
void packet_truncate(struct packet *p, const struct packet_question *q);

/**
 * packet_age() - Lower the times to live
 * @p:		reply, good
 * @q:		its question
 * @age:	seconds that it has been kept
 * @max:	no record outlives this, s
 *
 * Return: whether anything is another now, and so perhaps a name that points
 * there
 */
bool packet_age(struct packet *p, const struct packet_question *q, uint32_t age,
		uint32_t max);

#endif

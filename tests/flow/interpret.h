/* SPDX-License-Identifier: GPL-2.0-or-later */
/* interpret.h - What emitted nftables objects do with one packet. */
#ifndef MSB_INTERPRET_H
#define MSB_INTERPRET_H

#include <stdbool.h>
#include <stdint.h>

#include "ip.h"
#include "nft.h"

/** enum interpret_route - Where a packet goes behind prerouting */
enum interpret_route {
	INTERPRET_NOWHERE,
	INTERPRET_INPUT,
	INTERPRET_FORWARD,
	/* No place behind prerouting: the namespace sends it itself. */
	INTERPRET_OUTPUT,
};

/**
 * struct interpret_packet - One packet as a namespace sees it
 * @iif:	interface it came in by; "" for INTERPRET_OUTPUT
 * @family:	family of its addresses
 * @saddr:	source
 * @daddr:	destination
 * @proto:	IP protocol, or the next header behind the extension headers
 * @has_ports:	whether the protocol has ports: @dport counts
 * @dport:	destination port
 * @icmp_type:	for protocols 1 and 58: type
 * @hoplimit:	IPv6 hop limit
 * @ct_state:	one of enum nft_ct_state
 * @ct_direction: which side of its flow sent it
 * @ct_mark:	mark of its flow
 * @ct_saddr:	source with which its flow was opened
 * @ct_daddr:	destination with which its flow was opened
 * @ct_dport:	destination port with which its flow was opened; what the kernel
 *		keeps in its place for a protocol without ports
 * @route:	where its destination, as it came in, leads
 * @oif:	interface it goes out by if it is forwarded or sent by the
 *		namespace itself, or because its destination is rewritten
 * @to_local:	whether its destination is an address of the namespace itself
 * @ct_status:	set of enum nft_ct_status
 * @tcp_rst:	for TCP: whether it resets
 * @ct_count:	flows that "ct count" has in its list, this one included
 * @exhausted:	whether the named limits and quotas are used up
 * @listening:	whether a transparent socket listens where tproxy leads
 * @pinned:	address that is in dynamic sets; no other is in any
 * @sets:	names of those sets
 * @n_sets:	how many
 *
 * An invalid or untracked packet belongs to no flow: of the ct_ members only
 * @ct_state counts.
 */
struct interpret_packet {
	const char *iif;
	enum ip_family family;
	struct ip saddr;
	struct ip daddr;
	uint8_t proto;
	bool has_ports;
	uint16_t dport;
	uint8_t icmp_type;
	uint8_t hoplimit;
	enum nft_ct_state ct_state;
	enum nft_ct_direction ct_direction;
	uint32_t ct_mark;
	struct ip ct_saddr;
	struct ip ct_daddr;
	uint16_t ct_dport;
	enum interpret_route route;
	const char *oif;
	bool to_local;
	unsigned int ct_status;
	bool tcp_rst;
	uint64_t ct_count;
	bool exhausted;
	bool listening;
	struct ip pinned;
	const char *const *sets;
	size_t n_sets;
};

/** enum interpret_fate - What becomes of a packet */
enum interpret_fate {
	INTERPRET_ACCEPTED,
	INTERPRET_DROPPED,
	INTERPRET_REJECTED,
	INTERPRET_RESET,
};

/**
 * struct interpret_result - The answer
 * @fate:	what becomes of the packet
 * @chain:	base chain that decided, or the last one that it passed
 * @comment:	comment of the last rule with a comment that matched, other than
 *		one that translates addresses; NULL if there was none
 * @stamped:	whether a rule set the flow's mark
 * @mark:	mark of the flow afterwards
 * @steered:	port of the transparent socket that has the packet, or 0
 * @translated:	whether the destination was rewritten
 * @to:		destination afterwards
 * @to_port:	destination port afterwards
 */
struct interpret_result {
	enum interpret_fate fate;
	const char *chain;
	const char *comment;
	bool stamped;
	uint32_t mark;
	uint16_t steered;
	bool translated;
	struct ip to;
	uint16_t to_port;
};

/**
 * interpret() - Send a packet through a table
 * @t:		table
 * @p:		packet
 *
 * Through the base chains at prerouting, by priority, then those at input, or
 * at forward and postrouting; of a packet that the namespace sends itself, at
 * output and postrouting. Ends the program with a message if the table has
 * anything that it does not know: an interpreter that skips what it does not
 * understand proves nothing.
 */
struct interpret_result interpret(const struct nft_table *t,
				  const struct interpret_packet *p);

/** interpret_fate_name() - "accept", "drop", "reject", "reset" */
const char *interpret_fate_name(enum interpret_fate fate);

/** interpret_said() - A sentence: of @what, the ruleset says @r */
const char *interpret_said(struct arena *a, const char *what,
			   const struct interpret_result *r);

#endif

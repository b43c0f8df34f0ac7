/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flow.h - One flow, as explain and test write it. */
#ifndef MSB_FLOW_H
#define MSB_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "dname.h"
#include "ip.h"

/** enum flow_kind - What a flow line is about */
enum flow_kind {
	FLOW_EGRESS,
	FLOW_INGRESS,
	FLOW_DNS,
};

/** enum flow_sni - What is known of the name in the ClientHello */
enum flow_sni {
	FLOW_SNI_UNSAID,
	FLOW_SNI_NONE,
	FLOW_SNI_NAME,
};

struct policy_rule;

/** FLOW_MAX_PINS - Names that one flow's address can be pinned to */
#define FLOW_MAX_PINS 64

/**
 * struct flow - A flow to judge
 * @kind:	egress, ingress, or a DNS query
 * @proto:	IP protocol number; of a query IPPROTO_UDP or IPPROTO_TCP
 * @ip:		egress: destination; ingress: peer; query: the resolver asked,
 *		family 0 if it is the gateway. Never IPv4-mapped
 * @has_port:	whether @port is set: TCP and UDP
 * @port:	destination port (ingress: guest port)
 * @pins:	names that @ip is pinned to
 * @n_pins:	how many
 * @pinned:	NULL, or answers in place of @pins whether @ip is pinned to a
 *		name that a domain rule matches: for those who have the names
 *		only as sets of addresses. @n_pins is 0 then, so that
 *		FLOW_SNI_UNSAID is like FLOW_SNI_NONE
 * @pinned_ctx:	handed to @pinned
 * @sni_kind:	what is known of the SNI
 * @sni:	FLOW_SNI_NAME: the name
 * @qname:	of a query, the name asked
 */
struct flow {
	enum flow_kind kind;
	uint8_t proto;
	struct ip ip;
	bool has_port;
	uint16_t port;
	const struct dname *pins;
	size_t n_pins;
	bool (*pinned)(void *ctx, const struct policy_rule *r);
	void *pinned_ctx;
	enum flow_sni sni_kind;
	struct dname sni;
	struct dname qname;
};

/** enum flow_expect - The verdict at the end of a test line */
enum flow_expect {
	FLOW_EXPECT_NOTHING,
	FLOW_EXPECT_ALLOW,
	FLOW_EXPECT_DENY,
};

/**
 * flow_parse() - Read one line of the flow language
 * @a:		arena for the flow
 * @line:	text, NUL-terminated, without a comment
 * @ret:	flow; set on success
 * @ret_expect:	verdict at the end of the line; NULL if there may be none
 *
 * Return: NULL, or a sentence that says what is wrong with the line
 */
const char *flow_parse(struct arena *a, const char *line, struct flow *ret,
		       enum flow_expect *ret_expect)
	__attribute__((warn_unused_result));

/**
 * struct flow_case - A flow, and what is expected of it
 * @flow:	flow
 * @expect:	its verdict
 * @pointer:	what decides it, or NULL if that is left open
 */
struct flow_case {
	struct flow flow;
	enum flow_expect expect;
	const char *pointer;
};

/**
 * flow_parse_case() - Read one line of a file of cases
 * @a:		arena for the case
 * @line:	"FLOW VERDICT [POINTER]", NUL-terminated, without a comment
 * @ret:	case; set on success
 *
 * POINTER is a JSON pointer or "always:..."; it is not looked up.
 *
 * Return: NULL, or a sentence that says what is wrong with the line
 */
const char *flow_parse_case(struct arena *a, const char *line,
			    struct flow_case *ret)
	__attribute__((warn_unused_result));

/**
 * flow_format() - Write a flow in the flow language
 *
 * Return: text in @a that flow_parse() reads back
 */
const char *flow_format(struct arena *a, const struct flow *f);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rule_builder.h - A rule of nft, written one expression at a time. */
#ifndef MSB_RULE_BUILDER_H
#define MSB_RULE_BUILDER_H

#include "nft.h"

/** BUILD_MAX - Expressions of the longest rule that is written this way */
#define BUILD_MAX 6

/**
 * struct builder - A rule being written, and where it goes
 * @a:		arena
 * @chain:	chain that the rule is appended to at its end
 * @match:	expressions so far
 * @n:		how many
 */
struct builder {
	struct arena *a;
	struct nft_chain *chain;
	struct nft_match match[BUILD_MAX];
	size_t n;
};

/** build_rule() - Begin a rule; returns @b */
struct builder *build_rule(struct arena *a, struct nft_chain *chain,
			   struct builder *b);

/** build_match() - One of @n values; they are copied */
void build_match(struct builder *b, enum nft_key key, const struct nft_elem *v,
		 size_t n);

/** build_value() - One number */
void build_value(struct builder *b, enum nft_key key, ip_num value);

/** build_range() - A range of addresses */
void build_range(struct builder *b, enum nft_key key, struct ip_range r);

/** build_link() - An interface */
void build_link(struct builder *b, enum nft_key key, const char *name);

/** build_stamp_is() - Stamped by the policy in force, carried by @owner */
void build_stamp_is(struct builder *b, uint32_t owner);

/** build_set() - An element of a named set */
void build_set(struct builder *b, enum nft_key key, const struct nft_set *set);

/** build_ip() - An address, by the key of its family */
void build_ip(struct builder *b, enum nft_key key4, enum nft_key key6,
	      struct ip ip);

/** build_tcp_udp() - TCP or UDP */
void build_tcp_udp(struct builder *b);

/** build_neighbour() - Neighbour solicitation or advertisement (RFC 4861
 * section 4.3 and 4.4), from the link
 */
void build_neighbour(struct builder *b);

/** build_end() - End a rule with a verdict */
void build_end(struct builder *b, enum nft_verb verb, bool counter,
	       const char *comment);

/** build_end_limited() - Accept, at most @limit packets a second */
void build_end_limited(struct builder *b, uint32_t limit);

/** build_end_chain() - Go to or jump to a chain */
void build_end_chain(struct builder *b, enum nft_verb verb, const char *target);

/** build_end_goto() - Go to a chain */
void build_end_goto(struct builder *b, const char *target);

/** build_end_stamp() - Stamp the flow as carried by @owner, and accept */
void build_end_stamp(struct builder *b, uint32_t owner);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* set_message.h - Messages to and from nf_tables about elements of sets. */
#ifndef MSB_SET_MESSAGE_H
#define MSB_SET_MESSAGE_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ip.h"
#include "pin_comment.h"

/**
 * SET_HEAD_MAX - Room for a message's head: struct nlmsghdr and nfgenmsg, and
 * the names of table and set, of NFT_NAME_MAXLEN at most
 */
#define SET_HEAD_MAX 640

/** SET_ELEMENT_MAX - Room for one element with time and comment */
#define SET_ELEMENT_MAX 256

/**
 * set_message_head() - Begin a message
 * @at:		where; room for SET_HEAD_MAX octets
 * @type:	message type, its subsystem included
 * @flags:	NLM_F_*
 * @seq:	number
 * @family:	NFPROTO_*
 * @resource:	resource number of the nfnetlink head
 */
struct nlmsghdr *set_message_head(void *at, unsigned int type, uint16_t flags,
				  uint32_t seq, uint8_t family,
				  uint16_t resource);

/**
 * set_message_begin() - Begin a message about a set of a table (inet)
 * @at:		where; room for SET_HEAD_MAX octets
 * @type:	enum nf_tables_msg_types
 * @flags:	NLM_F_*; NLM_F_REQUEST is added
 * @seq:	number
 * @table:	the table's name
 * @set:	the set's name
 */
struct nlmsghdr *set_message_begin(void *at, unsigned int type, uint16_t flags,
				   uint32_t seq, const char *table,
				   const char *set);

/**
 * set_message_list() - Begin the list of elements of a message
 *
 * Return: what set_message_list_end() ends
 */
struct nlattr *set_message_list(struct nlmsghdr *h);

/** set_message_list_end() - End it */
void set_message_list_end(struct nlmsghdr *h, struct nlattr *list);

/**
 * set_message_put() - Put an element in the list
 * @h:		message; room for SET_ELEMENT_MAX octets
 * @ip:		address
 * @life:	time that it has, s; 0: none
 * @comment:	comment; NULL: none
 * @len:	characters of it, without NUL, fewer than PIN_COMMENT_MAX
 */
void set_message_put(struct nlmsghdr *h, struct ip ip, uint32_t life,
		     const char *comment, size_t len);

/**
 * struct set_element - An element as the kernel tells of it
 * @ip:		address
 * @timed:	whether it ends by itself
 * @left_ms:	when, ms from now
 * @comment:	its comment; "": none, or one longer than any of ours
 */
struct set_element {
	struct ip ip;
	bool timed;
	uint64_t left_ms;
	char comment[PIN_COMMENT_MAX];
};

/**
 * set_message_each() - Call for each element of a message of the kernel
 * @h:		message
 * @family:	family of the set's addresses; other elements are left out
 * @fn:		function
 * @to:		for @fn
 */
void set_message_each(const struct nlmsghdr *h, enum ip_family family,
		      void (*fn)(void *to, const struct set_element *e),
		      void *to);

#endif

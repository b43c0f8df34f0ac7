/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pin_set.h - The ruleset's sets of addresses, written in one transaction.
 *
 * Changes are collected as netlink messages, and sent as one batch: the kernel
 * does all of it, or nothing (nf_tables, NFNL_MSG_BATCH_BEGIN). It does so
 * while it is being sent to; when that returns, its answers are there to be
 * read.
 */
#ifndef MSB_PIN_SET_H
#define MSB_PIN_SET_H

#include "dns_conf.h"
#include "pin_comment.h"
#include "pin_table.h"

/** PIN_SET_BYTES - Room for a batch: PIN_TABLE_MAX elements, each with the
 * longest comment, and in a message of its own
 */
#define PIN_SET_BYTES (8u << 20)

/**
 * struct pin_set - The socket, and a batch while it is made
 * @fd:		NETLINK_NETFILTER socket; -1: none
 * @conf:	configuration, which has the sets' names
 * @seq:	number of the last message
 * @buf:	the batch
 * @len:	octets of it
 * @open:	offset of the message that elements are added to; 0: none
 * @list:	offset of its list of elements
 * @type:	its type
 * @set:	its set
 * @family:	its family
 * @overflow:	something did not fit: the batch must not be sent
 * @wire:	name that @comment is about
 * @wire_len:	octets of it
 * @comment:	the last comment
 * @name_len:	characters of it that are the name; 0: there is none yet
 */
struct pin_set {
	int fd;
	const struct dns_conf *conf;
	uint32_t seq;
	char *buf;
	size_t len;
	size_t open;
	size_t list;
	uint16_t type;
	uint16_t set;
	enum ip_family family;
	bool overflow;
	uint8_t wire[DNAME_WIRE_MAX];
	uint8_t wire_len;
	char comment[PIN_COMMENT_MAX];
	size_t name_len;
};

/** pin_set_open() - Get ready; false if there is no memory */
bool pin_set_open(struct pin_set *s) __attribute__((warn_unused_result));

/** pin_set_close() - Release; the socket stays open */
void pin_set_close(struct pin_set *s);

/**
 * pin_set_use() - Write by a socket
 * @s:		set writer
 * @conf:	configuration
 * @fd:		netlink socket; its buffer is made to hold a batch
 */
void pin_set_use(struct pin_set *s, const struct dns_conf *conf, int fd);

/** pin_set_begin() - Begin a batch */
void pin_set_begin(struct pin_set *s);

/** pin_set_flush() - Take all elements out of a pair of sets */
void pin_set_flush(struct pin_set *s, uint16_t set);

/** pin_set_change - What pin_table.h wants done, put into a batch: @to is the
 * struct pin_set
 */
extern const struct pin_change pin_set_change;

/**
 * pin_set_commit() - Send the batch
 *
 * Return: whether all of it is in force; else nothing of it is
 */
bool pin_set_commit(struct pin_set *s) __attribute__((warn_unused_result));

/* Called for an element, with who has it, and the time it has left, s. */
typedef void pin_set_listed(void *to, const struct pin_element *e,
			    const struct pin_names *names, uint32_t life);

/**
 * pin_set_list() - Read a pair of sets
 * @s:		set writer
 * @set:	which
 * @fn:		called for each element
 * @to:		for @fn
 *
 * Return: false if the kernel does not have it
 */
bool pin_set_list(struct pin_set *s, uint16_t set, pin_set_listed *fn, void *to)
	__attribute__((warn_unused_result));

#endif

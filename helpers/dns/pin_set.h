/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pin_set.h - The ruleset's sets of addresses, written in one transaction.
 *
 * Changes are collected as netlink messages, and sent as one batch: the kernel
 * does all of it, or nothing (nf_tables, NFNL_MSG_BATCH_BEGIN). It does so
 * while it is being sent to; when that returns, its answers are there to be
 * read.
 *
 * A message has many elements of one set, and either adds or removes them.
 * Removals and additions come in turn: each renewal is one of each. So they are
 * put into two messages, and all removals go first. That may be done unless an
 * element is to be removed that was added just before: then both messages are
 * put into the batch as they are, and two new ones begun.
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

/** PIN_SET_MESSAGE - Room for a message that elements are put into */
#define PIN_SET_MESSAGE (40u << 10)

/** PIN_SET_MARKS - Marks of elements that the open messages add, a power of two
 */
#define PIN_SET_MARKS 8192

/**
 * struct pin_set_message - A message that elements are put into
 * @buf:	the message, PIN_SET_MESSAGE octets
 * @list:	its list of elements; NULL: there is none yet
 */
struct pin_set_message {
	char *buf;
	void *list;
};

/**
 * struct pin_set - The socket, and a batch while it is made
 * @fd:		NETLINK_NETFILTER socket; -1: none
 * @conf:	configuration, which has the sets' names
 * @seq:	number of the last message
 * @buf:	the batch
 * @len:	octets of it
 * @last:	offset of its last message about elements; 0: none
 * @set:	set of what is being put together
 * @family:	its family
 * @gone:	elements that go
 * @added:	elements that are added, when those are gone
 * @marks:	bit n: an element of number n may be in @added
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
	size_t last;
	uint16_t set;
	enum ip_family family;
	struct pin_set_message gone;
	struct pin_set_message added;
	uint64_t marks[PIN_SET_MARKS / 64];
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

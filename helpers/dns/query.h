/* SPDX-License-Identifier: GPL-2.0-or-later */
/* query.h - What the parts of the resolver have of each other. */
#ifndef MSB_QUERY_H
#define MSB_QUERY_H

#include "resolver.h"

/* tries.c: queries in flight, and their tries. */

/**
 * query_new() - A query that is to be asked; what was asked is to be filled in
 *
 * Return: query; NULL if there is none left
 */
struct query *query_new(struct resolver *r);

/** query_find() - A query in flight that asks the same; NULL if none does */
struct query *query_find(const struct resolver *r, const struct cache_key *key);

/** query_ask() - Begin to ask; its answer may come before this returns */
void query_ask(struct resolver *r, struct query *q);

/** query_wait() - Let @q have the answer that @leader gets */
void query_wait(struct query *leader, struct query *q);

/** query_drop() - Give it up without a word */
void query_drop(struct resolver *r, struct query *q);

/** query_again() - Ask anew, for the servers have changed */
void query_again(struct resolver *r, struct query *q);

/** query_port_shut() - Close a socket that nobody waits at */
void query_port_shut(struct resolver *r, unsigned int port);

/* reply.c: what the guest is told. */

/**
 * struct asker - Who asked what
 * @client:	who
 * @q:		what
 * @asked:	the question as the guest spelt it: @q->end - PACKET_HEADER
 *		octets
 */
struct asker {
	const struct client *client;
	const struct packet_question *q;
	const uint8_t *asked;
};

/** reply_fault() - Say what is wrong with a message
 * @asked:	message
 */
void reply_fault(struct resolver *r, const struct client *client,
		 const uint8_t *data, enum packet_fault fault,
		 const struct packet_question *q);

/** reply_denied() - NXDOMAIN, with an SOA and an extended error */
void reply_denied(struct resolver *r, const struct asker *to, const char *text);

/** reply_empty() - NOERROR without an answer: the name has no such record */
void reply_empty(struct resolver *r, const struct asker *to,
		 unsigned int flags);

/** reply_failed() - SERVFAIL
 * @ede:	extended error
 */
void reply_failed(struct resolver *r, const struct asker *to,
		  enum packet_ede ede, const char *text);

/** reply_not_implemented() - NOTIMP */
void reply_not_implemented(struct resolver *r, const struct asker *to);

/** reply_gateway() - The gateway's own address */
void reply_gateway(struct resolver *r, const struct asker *to);

/**
 * reply_answer() - An answer, which was screened
 * @to:		who gets it
 * @p:		the answer; its header and question become those of @to
 * @q:		its question
 * @a:		what is pinned before it leaves
 * @entry:	where it is cached, or NULL
 */
void reply_answer(struct resolver *r, const struct asker *to, struct packet *p,
		  const struct packet_question *q, const struct answer *a,
		  struct cache_entry *entry);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* server.h - Name servers, what is known of each, and the ports to ask from.
 *
 * Each server is asked from up to SERVER_PORTS sockets, which are connected to
 * it and have random ports of their own; a socket is replaced after PORT_USES
 * queries. So whoever wants to forge an answer has to guess a port, an
 * identifier and the spelling of the name (RFC 5452), and is told nothing when
 * a guess was wrong.
 */
#ifndef MSB_SERVER_H
#define MSB_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "dns_conf.h"

/** SERVER_CHOSEN - Resolvers of the guest's choice that are remembered */
#define SERVER_CHOSEN 16

/** SERVER_COUNT - Servers in all: those of the configuration come first */
#define SERVER_COUNT (DNS_SERVERS_MAX + SERVER_CHOSEN)

/** SERVER_PORTS - Sockets to ask one server from */
#define SERVER_PORTS 8

/** SERVER_STREAMS - TCP connections to servers */
#define SERVER_STREAMS 32

/** PORT_COUNT - Sockets in all; those of streams come last */
#define PORT_COUNT (SERVER_COUNT * SERVER_PORTS + SERVER_STREAMS)

/** PORT_STREAM - The first stream's number */
#define PORT_STREAM (SERVER_COUNT * SERVER_PORTS)

/** PORT_USES - Queries that are sent from one socket */
#define PORT_USES 512

/** PORT_WRONG - Forged-looking answers that a socket may see; at the next,
 * whoever waits there goes over to TCP
 */
#define PORT_WRONG 8

/** SERVER_FAILS - Silences in a row after which a server counts as dead */
#define SERVER_FAILS 3

/** SERVER_DEAD_MS - How long it does, at first; twice as long each time */
#define SERVER_DEAD_MS 2000

/** SERVER_DEAD_MAX_MS - and at most */
#define SERVER_DEAD_MAX_MS 60000

/** SERVER_CASE_FAILS - Answers in another spelling, without one in the right
 * one, after which a server is known to keep no spelling
 */
#define SERVER_CASE_FAILS 3

/**
 * struct server - One server
 * @to:		address and port; family 0: the place is free
 * @used:	when it was asked last, ms
 * @dead:	until when it counts as dead, ms
 * @dead_ms:	how long it did last
 * @fails:	silences in a row
 * @srtt:	smoothed time of an answer, ms; 0: not known
 * @case_fails:	answers in another spelling, see SERVER_CASE_FAILS
 * @case_kept:	it was seen to keep the spelling
 */
struct server {
	struct address to;
	uint64_t used;
	uint64_t dead;
	uint64_t dead_ms;
	unsigned int fails;
	uint32_t srtt;
	unsigned int case_fails;
	bool case_kept;
};

/** server_keeps_case() - Whether the name may be spelt at random */
static inline bool server_keeps_case(const struct server *s)
{
	return s->case_kept || s->case_fails < SERVER_CASE_FAILS;
}

/** server_answered() - It answered, after @ms */
void server_answered(struct server *s, uint64_t ms);

/** server_silent() - It did not answer in time
 * @now:	ms
 */
void server_silent(struct server *s, uint64_t now);

/** server_failed() - It cannot be reached: a transport error */
void server_failed(struct server *s, uint64_t now);

/**
 * server_hedge() - How long to wait for it before another is asked too
 *
 * Return: ms
 */
uint32_t server_hedge(const struct server *s);

/**
 * server_choose() - Which server of a list to ask next
 * @v:		servers
 * @n:		how many
 * @now:	ms
 * @asked:	bit i: server i was asked already; bits beyond are clear
 * @failed:	bit i: and failed
 * @last:	the one that was asked last
 *
 * In order: one that was not asked; among these the living first; then, of
 * those asked, the living in turn.
 *
 * Return: its index; @n if all have failed
 */
size_t server_choose(const struct server *v, size_t n, uint64_t now,
		     uint32_t asked, uint32_t failed, size_t last);

#endif

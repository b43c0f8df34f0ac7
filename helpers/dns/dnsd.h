/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dnsd.h - The two processes of msb-dnsd, and what they say to each other.
 *
 * Theory of Operation
 *
 *	supervisor ──channel──► monitor ──channel──► worker ◄── guest
 *	                           │ ◄───broker────── │  │
 *	                           │ ◄────pins─────── │  └──► name servers
 *	                       nf_tables
 *
 * The worker parses what guests and servers send. It has no capability, no
 *file, and makes no socket: besides the gateway's sockets, which are there from
 *the start, it has sockets to name servers, which the monitor made and
 *connected. It cannot connect them anew, nor send to anybody else from them
 *(calls.h). So whoever takes it over can lie to the guest, and ask name
 *servers.
 *
 * The monitor makes the sockets, of the host's network namespace, where it
 * lives; and it writes the pins, for which it has kept CAP_NET_ADMIN and a
 * netlink socket of the gateway's namespace. It reads messages of fixed shape,
 * and holds each against its own copy of the configuration: a socket is made
 * only to a name server, or to a resolver that the rules let the guest ask; an
 * address is pinned only in the sets of its name, for a time within the bounds.
 * Name servers that the document names it asks for itself (lookup.h): the
 * servers of the host's resolv.conf are the only strangers that it hears.
 *
 * When either ends, both do, and the supervisor starts them anew. The pins are
 * the kernel's, and stay.
 */
#ifndef MSB_DNSD_H
#define MSB_DNSD_H

#include "dns_state.h"
#include "log.h"
#include "loop.h"
#include "pin.h"
#include "resolver.h"

/** DNSD_ADDRESS - Numbers of a message that are an address and a port */
#define DNSD_ADDRESS 6

/** dnsd_address_to() - Write port, family, and address, the highest first */
static inline void dnsd_address_to(const struct address *a,
				   uint32_t ret[DNSD_ADDRESS])
{
	ret[0] = a->port;
	ret[1] = a->ip.family;
	for (unsigned int i = 0; i < 4; i++)
		ret[2 + i] = (uint32_t)(a->ip.num >> (96 - 32 * i));
}

/** dnsd_address_from() - Read it */
static inline struct address dnsd_address_from(const uint32_t v[DNSD_ADDRESS])
{
	struct address a = {.port = (uint16_t)v[0]};

	if (v[1] == IP_V4)
		a.ip = (struct ip){IP_V4, v[5]};
	else
		a.ip = (struct ip){IP_V6, (ip_num)v[2] << 96 |
						  (ip_num)v[3] << 64 |
						  (ip_num)v[4] << 32 | v[5]};
	return a;
}

/**
 * enum dnsd_open - Numbers of a CONNECT message from worker to monitor
 * @DNSD_OPEN_PORT:	socket's number in the resolver, which comes back
 * @DNSD_OPEN_STREAM:	1: TCP, 0: UDP
 * @DNSD_OPEN_TO:	the server's address
 */
enum dnsd_open {
	DNSD_OPEN_PORT,
	DNSD_OPEN_STREAM,
	DNSD_OPEN_TO,
};

/**
 * enum dnsd_servers - Numbers of a SOCKETS message that tells of name servers
 * @DNSD_SERVERS_COUNT:	how many
 * @DNSD_SERVERS_FIRST:	the first one's address; the others follow
 */
enum dnsd_servers {
	DNSD_SERVERS_COUNT,
	DNSD_SERVERS_FIRST,
};

_Static_assert(DNSD_SERVERS_FIRST + DNS_SERVERS_MAX * DNSD_ADDRESS <=
		       CHANNEL_MAX,
	       "room for all of them");

/** DNSD_WORKER_MS - How long the worker may take to answer its monitor, or to
 * take an answer
 */
#define DNSD_WORKER_MS 5000

/**
 * struct dnsd_ends - One side's ends of what connects monitor and worker
 * @channel:	messages of channel.h, from monitor to worker, and answers
 * @broker:	CONNECT, and its answers
 * @pins:	struct pin_batch, and struct pin_reply
 */
struct dnsd_ends {
	int channel;
	int broker;
	int pins;
};

/**
 * dnsd_monitor() - Be the monitor, until the supervisor says STOP
 * @log:	event log
 * @supervisor:	channel to the supervisor
 * @ends:	the monitor's ends
 * @confine:	called when everything is set up: gives up what is not needed;
 *		NULL, or what could not be done
 *
 * Return: exit status
 */
int dnsd_monitor(struct log *log, int supervisor, const struct dnsd_ends *ends,
		 const char *(*confine)(void));

/**
 * dnsd_worker() - Be the worker, until the monitor is gone
 * @log:	event log
 * @ends:	the worker's ends
 * @confine:	likewise
 *
 * Return: exit status
 */
int dnsd_worker(struct log *log, const struct dnsd_ends *ends,
		const char *(*confine)(void));

#endif

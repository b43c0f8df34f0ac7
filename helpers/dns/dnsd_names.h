/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dnsd_names.h - The monitor's sockets for name servers that have names. */
#ifndef MSB_DNSD_NAMES_H
#define MSB_DNSD_NAMES_H

#include "dns_state.h"
#include "lookup.h"
#include "loop.h"

struct dnsd_names;

/**
 * struct names_socket - A lookup's socket
 * @watch:	socket; fd -1: none
 * @names:	whose it is
 */
struct names_socket {
	struct loop_watch watch;
	struct dnsd_names *names;
};

/**
 * struct dnsd_names - Lookups, and their sockets
 * @all:	lookups
 * @socket:	of each
 * @now:	configuration in force, whose servers they set
 * @worker:	channel to the worker, which is told of these
 */
struct dnsd_names {
	struct lookups all;
	struct names_socket socket[LOOKUPS];
	struct dns_state *now;
	int worker;
};

/** dnsd_names_open() - Begin without any */
void dnsd_names_open(struct dnsd_names *n, struct loop *l,
		     struct dns_state *now, int worker);

/** dnsd_names_configure() - The configuration in force is another one, or its
 * resolv.conf
 */
void dnsd_names_configure(struct dnsd_names *n);

/** dnsd_names_close() - Close all sockets */
void dnsd_names_close(struct dnsd_names *n);

/**
 * dnsd_connect() - Make a socket to a server
 * @to:		server
 * @stream:	TCP; else UDP
 *
 * Return: it; a stream may not be connected yet. -1 and errno
 */
int dnsd_connect(const struct address *to, bool stream);

#endif

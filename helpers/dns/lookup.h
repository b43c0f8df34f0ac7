/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lookup.h - Name servers that have names, asked for in time.
 *
 * Theory of Operation
 *
 * "Nameservers" may have names. What they are is first found by msb-netc, as
 * the host finds names, and told beside the host's resolv.conf (dns_fd.h). From
 * then on the monitor asks for them itself: at once, to learn how long the
 * addresses hold, and whenever that time is over. It asks the servers of
 * resolv.conf in their order, and each twice. What is known is used until
 * something else is: a name that is not found any more, or a resolver that is
 * dead, changes nothing but when it is asked again. A name that stands in the
 * host's hosts(5) is not asked for.
 *
 * It is the monitor that asks, because the addresses are what it holds the
 * worker's wishes against: a worker that is somebody else's must not be able to
 * name the servers that it wants sockets to. What there is to be read for that
 * is in lookup_reply.h.
 *
 * There are neither sockets nor a clock here: struct lookup_io.
 */
#ifndef MSB_LOOKUP_H
#define MSB_LOOKUP_H

#include "dns_conf.h"
#include "lookup_reply.h"
#include "loop.h"

/** LOOKUPS - Lookups: for each name server of a name, one a family */
#define LOOKUPS ((size_t)2 * DNS_SERVERS_MAX)

/** LOOKUP_TTL_MIN - A lookup is not done again before this, s */
#define LOOKUP_TTL_MIN 30

/** LOOKUP_TTL_MAX - but at last after this, s */
#define LOOKUP_TTL_MAX 3600

/** LOOKUP_EMPTY_MS - When a family is looked for again that a name lacks */
#define LOOKUP_EMPTY_MS 300000

/** LOOKUP_TRY_MS - How long a resolver is waited for */
#define LOOKUP_TRY_MS 2000

/** LOOKUP_ROUNDS - How often each resolver is asked */
#define LOOKUP_ROUNDS 2

/** LOOKUP_WRONG - Replies to something else that a socket may see */
#define LOOKUP_WRONG 8

/** LOOKUP_PAUSE_MS - How long until it is tried again, at first; twice as long
 * each time
 */
#define LOOKUP_PAUSE_MS 5000

/** LOOKUP_PAUSE_MAX_MS - and at most */
#define LOOKUP_PAUSE_MAX_MS 300000

struct lookups;

/**
 * struct lookup - One name, and one family
 * @all:	all lookups
 * @host:	place of the name in Nameservers
 * @family:	family
 * @fixed:	its addresses are those of hosts(5)
 * @asking:	it waits for a reply
 * @timer:	when @asking, for the next resolver; else for the next time
 * @server:	which resolver is asked
 * @round:	how often all were asked
 * @wrong:	replies to something else
 * @pause:	how long the last pause was after a failure, ms; 0: none
 * @query:	query
 * @len:	octets of it
 * @n:		addresses in use
 * @v:		these
 */
struct lookup {
	struct lookups *all;
	size_t host;
	enum ip_family family;
	bool fixed;
	bool asking;
	struct loop_timer timer;
	size_t server;
	unsigned int round;
	unsigned int wrong;
	uint64_t pause;
	uint8_t query[LOOKUP_QUERY_MAX];
	size_t len;
	size_t n;
	struct ip v[DNS_SERVERS_MAX];
};

/**
 * struct lookup_io - What a lookup wants done
 * @ask:	send @l->query to a resolver, from a new socket; false: it
 *		cannot be sent
 * @drop:	that socket is not wanted any more
 * @random:	16 random bits that nobody can guess
 * @changed:	lookups_servers() has another answer now
 */
struct lookup_io {
	bool (*ask)(struct lookups *all, const struct lookup *l,
		    const struct address *to);
	void (*drop)(struct lookups *all, const struct lookup *l);
	uint16_t (*random)(struct lookups *all);
	void (*changed)(struct lookups *all);
};

/**
 * struct lookups - All lookups of a configuration
 * @io:		what they can have done
 * @loop:	clock
 * @context:	the owner's
 * @timers:	timers
 * @conf:	configuration; NULL: there is none
 * @resolvers:	servers of resolv.conf
 * @v:		lookups
 * @n:		how many
 */
struct lookups {
	const struct lookup_io *io;
	struct loop *loop;
	void *context;
	struct loop_queue timers;
	const struct dns_conf *conf;
	struct dns_servers resolvers;
	struct lookup v[LOOKUPS];
	size_t n;
};

/** lookups_open() - Begin without any */
void lookups_open(struct lookups *all, const struct lookup_io *io,
		  struct loop *loop, void *context);

/**
 * lookups_configure() - Take a configuration, or another resolv.conf
 * @all:	lookups
 * @conf:	configuration; NULL: none. If it is the one in force, addresses
 *		that are known stay
 * @text:	resolv.conf, with lines of ours
 */
void lookups_configure(struct lookups *all, const struct dns_conf *conf,
		       const char *text);

/** lookups_number() - A lookup's place, from 0 to LOOKUPS - 1 */
static inline size_t lookups_number(const struct lookups *all,
				    const struct lookup *l)
{
	return (size_t)(l - all->v);
}

/** lookups_answered() - Something came for lookup number @which */
void lookups_answered(struct lookups *all, size_t which, const uint8_t *data,
		      size_t len);

/** lookups_failed() - The socket of lookup number @which has failed */
void lookups_failed(struct lookups *all, size_t which);

/** lookups_servers() - The name servers of the configuration, as of now */
void lookups_servers(const struct lookups *all, struct dns_servers *ret);

#endif

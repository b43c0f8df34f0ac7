/* SPDX-License-Identifier: GPL-2.0-or-later */
/* resolver.h - From a guest's query to its answer.
 *
 * Theory of Operation
 *
 * The resolver has no sockets and no clock of its own: what it wants done it
 * says through struct resolver_io, and what has happened it is told. The daemon
 * does it with the kernel; the replay tests with a script.
 *
 *	query ─► judge ─► cache ─► (the same in flight?) ─► ask ─► screen ─►
 *pins ─► answer │        │                                  ▲       │ NXDOMAIN
 *└─────────────────────────► screen │       └─► NXDOMAIN another server, TCP
 *
 * A query that is asked is in a table of fixed size, with up to QUERY_TRIES
 * tries. Its first try goes to the first server that lives. If there is no
 * answer after a short while (server_hedge()), the next server is asked too,
 * and the first answer from whichever counts; a server that cannot be reached
 * is left at once. When the last server that was asked has had QueryTimeoutMs,
 * the guest is told SERVFAIL. What a server says, SERVFAIL and REFUSED as well,
 * is the answer.
 */
#ifndef MSB_RESOLVER_H
#define MSB_RESOLVER_H

#include "cache.h"
#include "dns_conf.h"
#include "hold.h"
#include "loop.h"
#include "server.h"

/** QUERIES - Queries in flight; more: SERVFAIL */
#define QUERIES 1024

/** QUERY_TRIES - Tries of one query */
#define QUERY_TRIES 6

/** QUERY_MAX - Octets of a query as it goes to a server */
#define QUERY_MAX 512

/** QUERY_ANSWER_UDP - Octets of the longest answer over UDP to the guest */
#define QUERY_ANSWER_UDP 4096

/** QUERY_DENIED_TTL - How long a guest may remember a denial, s */
#define QUERY_DENIED_TTL 10

/** QUERY_ALIAS_TTL - How long the gateway's own name may be remembered, s */
#define QUERY_ALIAS_TTL 60

struct resolver;

/**
 * struct resolver_io - What the resolver wants done
 * @open:	a socket is wanted: resolver_opened() or resolver_failed() is to
 *		be called, now or later
 * @close:	a socket is not wanted any more
 * @send:	send a query; false: the socket has failed. On a stream it is
 *		called once, and the answer's end is the stream's
 * @answer:	send an answer to a guest
 * @commit:	pin addresses; resolver_committed() is to be called later
 * @random:	32 random bits that nobody can guess
 * @denied:	a query was denied, or an answer
 */
struct resolver_io {
	void (*open)(struct resolver *r, unsigned int port);
	void (*close)(struct resolver *r, unsigned int port);
	bool (*send)(struct resolver *r, unsigned int port, const uint8_t *data,
		     size_t len);
	void (*answer)(struct resolver *r, const struct client *client,
		       const uint8_t *data, size_t len);
	void (*commit)(struct resolver *r, const struct pin_batch *pins);
	uint32_t (*random)(struct resolver *r);
	void (*denied)(struct resolver *r, struct dname name,
		       const struct dns_verdict *why, const char *how);
};

/** enum port_state - A socket to a server */
enum port_state {
	PORT_CLOSED,
	PORT_OPENING,
	PORT_OPEN,
};

/**
 * struct try - One try of a query
 * @query:	query; NULL: not in use
 * @server:	server asked
 * @port:	socket
 * @id:		identifier
 * @sent:	when it was sent, ms; 0: it waits for its socket
 * @next:	next try on the same socket
 */
struct
try {
	struct query *query;
	uint8_t server;
	uint16_t port;
	uint16_t id;
	uint64_t sent;
	struct try *next;
};

/**
 * struct port - A socket to a server, or a stream
 * @state:	its state
 * @uses:	queries that were sent
 * @wrong:	answers that nobody asked for
 * @tries:	tries that wait there
 */
struct port {
	enum port_state state;
	uint16_t uses;
	uint16_t wrong;
	struct try *tries;
};

/**
 * struct query - A query in flight
 * @resolver:	whose it is
 * @client:	who asked
 * @shared:	its answer may be cached, and shared by those who ask the same
 * @pinned:	the name's addresses are pinned
 * @first:	the first server it may be sent to
 * @servers:	how many
 * @tried:	bit i: server @first + i was asked
 * @failed:	bit i: and cannot be reached
 * @last:	the one that was asked last, counted from @first
 * @n_tries:	tries so far
 * @tries:	the tries
 * @retry:	when to try again
 * @deadline:	when to give up
 * @waiting:	others who ask the same
 * @leader:	the one whose answer this waits for; NULL: itself
 * @next:	next free one, or next of the same bucket
 * @q:		what the guest asked
 * @asked:	the question as the guest spelt it
 * @key:	key for the cache
 * @len:	octets at @wire
 * @wire:	query as it goes to servers, identifier aside
 *
 * What is large comes last: query_new() leaves it as it is, from @q on.
 */
struct query {
	struct resolver *resolver;
	struct client client;
	bool shared;
	bool pinned;
	uint8_t first;
	uint8_t servers;
	uint32_t tried;
	uint32_t failed;
	uint8_t last;
	uint8_t n_tries;
	struct try tries[QUERY_TRIES];
	struct loop_timer retry;
	struct loop_timer deadline;
	struct query *waiting;
	struct query *leader;
	struct query *next;
	struct packet_question q;
	uint8_t asked[DNAME_WIRE_MAX + 4];
	struct cache_key key;
	size_t len;
	uint8_t wire[QUERY_MAX];
};

/** QUERY_BUCKETS - Buckets of queries in flight, a power of two */
#define QUERY_BUCKETS 256

/**
 * struct resolver_count - What it has done, for status
 * @queries:	queries from the guest
 * @denied:	denied, before or after they were asked
 * @cached:	answered from the cache
 * @failed:	answered SERVFAIL
 * @full:	of these, because a table was full
 */
struct resolver_count {
	uint64_t queries;
	uint64_t denied;
	uint64_t cached;
	uint64_t failed;
	uint64_t full;
};

/**
 * struct resolver - The resolver
 * @io:		what it can have done
 * @loop:	its clock and its timers
 * @conf:	configuration; NULL: it answers nothing
 * @cache:	cache
 * @hold:	answers that wait for pins
 * @servers:	how many servers the configuration has
 * @server:	servers
 * @port:	sockets and streams
 * @query:	queries
 * @free:	free ones
 * @used:	queries that were ever used: those beyond cost no memory
 * @bucket:	queries in flight, by key
 * @in_flight:	how many
 * @retries:	timers
 * @deadlines:	timers
 * @epoch:	of the pins, as the monitor said last
 * @scratch:	room for an answer
 * @count:	figures
 * @context:	the owner's
 */
struct resolver {
	const struct resolver_io *io;
	struct loop *loop;
	const struct dns_conf *conf;
	struct cache cache;
	struct hold hold;
	size_t servers;
	struct server server[SERVER_COUNT];
	struct port port[PORT_COUNT];
	struct query *query;
	struct query *free;
	size_t used;
	struct query *bucket[QUERY_BUCKETS];
	size_t in_flight;
	struct loop_queue retries;
	struct loop_queue deadlines;
	uint64_t epoch;
	uint8_t *scratch;
	struct resolver_count count;
	void *context;
};

/**
 * resolver_open() - Make a resolver without a configuration
 * @r:		resolver
 * @io:		what it can have done
 * @loop:	clock and timers
 * @context:	the owner's
 *
 * Return: false if there is no memory
 */
bool resolver_open(struct resolver *r, const struct resolver_io *io,
		   struct loop *loop, void *context)
	__attribute__((warn_unused_result));

/** resolver_close() - Release it */
void resolver_close(struct resolver *r);

/**
 * resolver_configure() - Put a configuration in force
 * @r:		resolver
 * @conf:	configuration
 * @servers:	its name servers
 *
 * The cache is emptied. What is in flight is judged by the new configuration
 * when its answer comes; to servers that are no more, it fails.
 */
void resolver_configure(struct resolver *r, const struct dns_conf *conf,
			const struct dns_servers *servers);

/** resolver_servers() - Take other name servers, as resolv.conf says */
void resolver_servers(struct resolver *r, const struct dns_servers *servers);

/**
 * resolver_query() - A guest asks
 * @r:		resolver
 * @client:	who, and whom
 * @data:	message
 * @len:	octets
 *
 * Return: false if it is no message, or not the guest's: a TCP connection is
 * closed then
 */
bool resolver_query(struct resolver *r, const struct client *client,
		    const uint8_t *data, size_t len);

/** resolver_opened() - A socket that was wanted is there */
void resolver_opened(struct resolver *r, unsigned int port);

/** resolver_failed() - A socket could not be had, or has failed */
void resolver_failed(struct resolver *r, unsigned int port);

/**
 * resolver_answered() - A message came from a server
 * @r:		resolver
 * @port:	socket or stream
 * @data:	message; changed
 * @len:	octets
 * @cap:	octets there is room for
 */
void resolver_answered(struct resolver *r, unsigned int port, uint8_t *data,
		       size_t len, size_t cap);

/** resolver_flush() - Commit the pins of what is held; after each wake-up */
void resolver_flush(struct resolver *r);

/**
 * resolver_committed() - The monitor has spoken: resolver_flush() is next
 * @r:		resolver
 * @reply:	what it said
 */
void resolver_committed(struct resolver *r, const struct pin_reply *reply);

/**
 * resolver_port_server() - The server that a socket is for
 * @r:		resolver
 * @port:	socket or stream, wanted
 * @ret_index:	its number in the configuration; -1: the guest chose it
 *
 * Return: its address
 */
const struct address *resolver_port_server(const struct resolver *r,
					   unsigned int port, int *ret_index);

#endif

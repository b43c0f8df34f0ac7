/* SPDX-License-Identifier: GPL-2.0-or-later */
/* worker.h - What the parts of the worker have of each other. */
#ifndef MSB_WORKER_H
#define MSB_WORKER_H

#include "dnsd.h"

/** GUEST_CONNECTIONS - TCP connections of the guest; at one more, the one that
 * said nothing for the longest is closed
 */
#define GUEST_CONNECTIONS 128

/** GUEST_QUERY_MAX - Octets of the longest query over TCP; longer ones close
 * the connection
 */
#define GUEST_QUERY_MAX 4096

/** GUEST_PENDING - Queries in flight of one connection; no more are read */
#define GUEST_PENDING 32

/** GUEST_IDLE_MS - A connection that said nothing whole for so long is closed
 */
#define GUEST_IDLE_MS 10000

/** GUEST_BATCH - Datagrams that are received, or sent, at once */
#define GUEST_BATCH 32

/** GUEST_ROUNDS - Batches that are received before others have their turn */
#define GUEST_ROUNDS 4

/** UPSTREAM_BATCH - Datagrams that are received from one server at once */
#define UPSTREAM_BATCH 16

/** UPSTREAM_QUEUE - Datagrams to servers that wait to be sent; when there are
 * so many, all leave
 */
#define UPSTREAM_QUEUE 32

/** GUEST_DATAGRAM - Octets of the longest query over UDP */
#define GUEST_DATAGRAM 1536

struct worker;

/**
 * struct guest_udp - Datagrams from and to the guest, of one family
 * @watch:	socket
 * @in:		room for what comes
 * @n:		answers that wait
 * @len:	octets of each
 * @to:		where each goes
 * @from:	where each comes from
 * @out:	the answers
 */
struct guest_udp {
	struct loop_watch watch;
	uint8_t in[GUEST_BATCH][GUEST_DATAGRAM];
	unsigned int n;
	size_t len[GUEST_BATCH];
	struct address to[GUEST_BATCH];
	struct ip from[GUEST_BATCH];
	uint8_t out[GUEST_BATCH][QUERY_ANSWER_UDP];
};

/**
 * struct guest_tcp - A connection of the guest
 * @watch:	socket
 * @open:	whether it is there: the place is free otherwise
 * @idle:	when it is closed
 * @generation:	of the place
 * @from:	guest's address and port
 * @to:		resolver that it connected to
 * @pending:	queries in flight
 * @ended:	the guest will say nothing more
 * @paused:	nothing is read
 * @more:	one was answered: what was read already may be asked
 * @have:	octets at @data
 * @data:	a message, with its length before it
 */
struct guest_tcp {
	struct loop_watch watch;
	bool open;
	struct loop_timer idle;
	uint64_t generation;
	struct address from;
	struct ip to;
	unsigned int pending;
	bool ended;
	bool paused;
	bool more;
	size_t have;
	uint8_t data[2 + GUEST_QUERY_MAX];
};

/**
 * struct upstream - A socket to a server
 * @watch:	socket; fd -1: none
 * @asked:	sockets that were asked for, and are not here yet
 * @drop:	how many of these are not wanted any more
 * @connected:	of a stream: it is connected
 */
struct upstream {
	struct loop_watch watch;
	unsigned int asked;
	unsigned int drop;
	bool connected;
};

/**
 * struct stream - What a stream has more than a socket
 * @out:	query, with its length before it
 * @out_len:	octets
 * @out_at:	octets that are sent
 * @in_len:	octets of the answer that are here, its length with it
 */
struct stream {
	uint8_t out[2 + QUERY_MAX];
	size_t out_len;
	size_t out_at;
	size_t in_len;
};

/**
 * struct upstream_queue - Datagrams to servers that wait for the end of a
 * wake-up
 * @n:		how many
 * @port:	socket of each; PORT_COUNT: it is not wanted any more
 * @len:	octets of each
 * @data:	the datagrams
 */
struct upstream_queue {
	unsigned int n;
	unsigned int port[UPSTREAM_QUEUE];
	size_t len[UPSTREAM_QUEUE];
	uint8_t data[UPSTREAM_QUEUE][QUERY_MAX];
};

/** STREAM_BYTES - Room for an answer over TCP */
#define STREAM_BYTES (2 + PACKET_MAX + 1)

/**
 * struct worker - The worker
 * @log:	event log
 * @l:		loop
 * @r:		resolver
 * @channel:	monitor's messages
 * @broker:	sockets from the monitor
 * @pins:	what the monitor says about pins
 * @now:	configuration in force
 * @next:	configuration that is prepared
 * @prepared:	it is ready
 * @udp:	datagrams, IPv4 and IPv6
 * @listener:	listening sockets, IPv4 and IPv6
 * @tcp:	connections
 * @n_tcp:	how many
 * @more_tcp:	some of them have @more
 * @idle:	timers of connections
 * @upstream:	sockets to servers, by the resolver's numbers
 * @queue:	datagrams to servers
 * @stream:	what streams have more
 * @stream_in:	their answers, STREAM_BYTES each
 * @datagram:	room for answers over UDP
 */
struct worker {
	struct log *log;
	struct loop l;
	struct resolver r;
	struct loop_watch channel;
	struct loop_watch broker;
	struct loop_watch pins;
	struct dns_state now;
	struct dns_state next;
	bool prepared;
	struct guest_udp *udp[2];
	struct loop_watch listener[2];
	struct guest_tcp *tcp;
	size_t n_tcp;
	bool more_tcp;
	struct loop_queue idle;
	struct upstream upstream[PORT_COUNT];
	struct upstream_queue queue;
	struct stream stream[SERVER_STREAMS];
	uint8_t *stream_in;
	uint8_t datagram[UPSTREAM_BATCH][QUERY_ANSWER_UDP];
};

/** guest_udp_open() - Watch a socket; false on failure */
bool guest_udp_open(struct worker *w, unsigned int which, int fd)
	__attribute__((warn_unused_result));

/** guest_udp_answer() - Send an answer; it leaves with guest_udp_flush() */
void guest_udp_answer(struct worker *w, const struct client *client,
		      const uint8_t *data, size_t len);

/** guest_udp_flush() - Send what waits */
void guest_udp_flush(struct worker *w);

/** guest_tcp_open() - Watch a listening socket; false on failure */
bool guest_tcp_open(struct worker *w, unsigned int which, int fd)
	__attribute__((warn_unused_result));

/** guest_tcp_answer() - Send an answer on the connection it belongs to */
void guest_tcp_answer(struct worker *w, const struct client *client,
		      const uint8_t *data, size_t len);

/** guest_tcp_run() - Ask what was read already where something was answered */
void guest_tcp_run(struct worker *w);

/** guest_tcp_close_all() - Close all connections */
void guest_tcp_close_all(struct worker *w);

/** upstream_open() - The resolver wants a socket */
void upstream_open(struct resolver *r, unsigned int port);

/** upstream_close() - It wants it no more */
void upstream_close(struct resolver *r, unsigned int port);

/** upstream_send() - It has a query to send; it leaves with upstream_flush() */
bool upstream_send(struct resolver *r, unsigned int port, const uint8_t *data,
		   size_t len);

/** upstream_flush() - Send what waits */
void upstream_flush(struct worker *w);

/** upstream_brokered() - The monitor has answered */
void upstream_brokered(struct loop *l, struct loop_watch *w, uint32_t events);

/** worker_fail() - End, for something went wrong */
void worker_fail(struct worker *w, const char *what);

#endif

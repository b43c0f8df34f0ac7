/* SPDX-License-Identifier: GPL-2.0-or-later */
/* relay.h - msb-relayd's one context struct, and its tables.
 *
 * Two kinds of flows are relayed, TCP and UDP each:
 *
 *	ingress	client on the host's loopback ► guest's published port. The
 *		listening sockets are of the host's namespace; the socket
 *		towards the guest is made here, in the gateway's namespace
 *	host	guest ► gateway's address ► same port on the host's loopback.
 *		The ruleset steers these flows to sockets of the gateway's
 *		namespace; the socket towards the host comes from the supervisor
 *
 * Every flow has a place in a fixed table. Each is judged by the policy when it
 * begins, and again when the policy is replaced.
 */
#ifndef MSB_RELAY_H
#define MSB_RELAY_H

#include "address.h"
#include "log.h"
#include "loop.h"
#include "relay_sockets.h"
#include "splice.h"

/** RELAY_POOL_MS - Time without work after which no pipe is kept */
#define RELAY_POOL_MS 2000

/** RELAY_BATCH - Connections or datagrams taken from a socket at once */
#define RELAY_BATCH 32

/** RELAY_DATAGRAM - Room for the largest datagram */
#define RELAY_DATAGRAM 65536

/** RELAY_HOST - In place of a listener's index: a flow to the host */
#define RELAY_HOST UINT32_MAX

/** enum relay_count - What is counted, for "status" */
enum relay_count {
	RELAY_COUNT_ACCEPTED,
	RELAY_COUNT_DENIED,
	RELAY_COUNT_LIMITED,
	RELAY_COUNT_REFUSED,
	RELAY_COUNT_RESET,
	RELAY_COUNTS,
};

/** enum relay_side - The two sockets of a flow */
enum relay_side {
	RELAY_CLIENT,
	RELAY_SERVER,
	RELAY_SIDES,
};

/**
 * struct relay_flow - What TCP and UDP flows have in common
 * @listener:	index of the listener, or RELAY_HOST
 * @client:	who opened the flow: the peer on the host, or the guest
 * @asked:	the address it was opened to
 * @port:	guest port, or the host's port
 * @frozen:	denied by the policy that is prepared: no byte moves
 */
struct relay_flow {
	uint32_t listener;
	struct address client;
	struct address asked;
	uint16_t port;
	bool frozen;
};

/**
 * struct relay_tcp - One relayed connection
 * @flow:	whose it is
 * @watch:	by enum relay_side
 * @pump:	what moves its bytes, once it is open
 * @timer:	for the connection to come about
 * @open:	whether it has
 * @family:	family of the address of the host that is tried
 * @used:	whether this place of the table is taken
 * @queued:	whether it is in the list of those with more to do
 * @next:	next free place, or next in that list
 */
struct relay_tcp {
	struct relay_flow flow;
	struct loop_watch watch[RELAY_SIDES];
	struct splice_pump pump;
	struct loop_timer timer;
	bool open;
	enum ip_family family;
	bool used;
	bool queued;
	struct relay_tcp *next;
};

/**
 * struct relay_udp - One UDP flow
 * @flow:	whose it is
 * @watch:	by enum relay_side. Ingress: a client has no socket of its own,
 *		it speaks to the listener's. Host: the client's is bound to the
 *		address that it asked
 * @timer:	for the idle time
 * @family:	family of the address of the host that is tried
 * @answered:	whether the server has ever spoken
 * @used:	whether this place of the table is taken
 * @next:	next free place, or next with the same hash
 */
struct relay_udp {
	struct relay_flow flow;
	struct loop_watch watch[RELAY_SIDES];
	struct loop_timer timer;
	enum ip_family family;
	bool answered;
	bool used;
	struct relay_udp *next;
};

/** struct relay_udp_list - Flows of one hash */
struct relay_udp_list {
	struct relay_udp *first;
};

/**
 * struct relay_port - A listening or steering socket being watched
 * @watch:	its watch
 * @number:	its number in the set of sockets
 */
struct relay_port {
	struct loop_watch watch;
	uint32_t number;
};

/**
 * struct relay_state - A configuration with its sockets
 * @arena:	holds all of it
 * @conf:	NULL: there is none
 * @sockets:	its sockets
 * @ports:	those that are watched
 * @n_ports:	how many
 */
struct relay_state {
	struct arena arena;
	const struct relay_conf *conf;
	struct relay_sockets sockets;
	struct relay_port *ports;
	size_t n_ports;
};

/**
 * struct relay - msb-relayd
 * @loop:	the loop
 * @log:	event log
 * @channel:	to the supervisor: requests and answers
 * @broker:	to the supervisor: sockets of the host's namespace
 * @now:	configuration in force
 * @next:	configuration being prepared
 * @prepared:	@next is complete, and what it forbids stands still
 * @told:	why @next was refused, to be told when READY comes; or ""
 * @spare:	a descriptor to give away when there is no other left
 * @pool:	pipes
 * @pool_queue:	for @pool_timer
 * @pool_timer:	nothing was to be done for a while
 * @connecting:	timers of connections that are coming about
 * @idle:	timers of UDP flows that only one side has spoken in
 * @idle_both:	timers of other UDP flows
 * @tcp:	table of RELAY_CONNECTIONS_MAX; those behind @tcp_top were never
 *		used, and so cost no memory
 * @tcp_free:	places that are free again
 * @tcp_top:	see @tcp
 * @tcp_count:	places that are taken
 * @ready:	connections that have more to do, in order
 * @ready_last:	where the next one goes
 * @udp:	table of RELAY_FLOWS_MAX, kept likewise
 * @udp_free:	places that are free again
 * @udp_top:	see @udp
 * @udp_count:	places that are taken
 * @udp_hash:	RELAY_FLOWS_MAX lists
 * @seed:	of the hash, so that nobody can choose flows that collide
 * @counts:	by enum relay_count
 * @datagram:	RELAY_DATAGRAM bytes
 */
struct relay {
	struct loop loop;
	struct log log;
	struct loop_watch channel;
	int broker;
	struct relay_state now;
	struct relay_state next;
	bool prepared;
	char told[CONF_REASON_MAX];
	int spare;
	struct splice_pool pool;
	struct loop_queue pool_queue;
	struct loop_timer pool_timer;
	struct loop_queue connecting;
	struct loop_queue idle;
	struct loop_queue idle_both;
	struct relay_tcp *tcp;
	struct relay_tcp *tcp_free;
	size_t tcp_top;
	size_t tcp_count;
	struct relay_tcp *ready;
	struct relay_tcp **ready_last;
	struct relay_udp *udp;
	struct relay_udp *udp_free;
	size_t udp_top;
	size_t udp_count;
	struct relay_udp_list *udp_hash;
	uint64_t seed;
	uint64_t counts[RELAY_COUNTS];
	uint8_t *datagram;
};

/* control.c - what the supervisor asks for. */

/** relay_control() - A message of the supervisor has come */
void relay_control(struct loop *l, struct loop_watch *w, uint32_t events);

/* judge.c - who may begin a flow, and which flows may go on. */

/** relay_judge() - Whether a flow may be, under a configuration */
bool relay_judge(const struct relay_conf *conf, const struct relay_conf *now,
		 const struct relay_flow *f, int proto);

/** relay_count_denied() - Count a flow that was denied, and write an event */
void relay_count_denied(struct relay *r, const struct relay_flow *f, int proto);

/** relay_count_limited() - Count a flow that a limit forbids, likewise */
void relay_count_limited(struct relay *r, const char *limit);

/**
 * relay_relocate() - Follow a flow's listener to another configuration
 * @from:	configuration that the flow is of
 * @to:		configuration that it goes on under
 * @f:		flow
 */
void relay_relocate(const struct relay_conf *from, const struct relay_conf *to,
		    struct relay_flow *f);

/**
 * relay_ask_host() - Ask the supervisor for a socket to the host's loopback
 * @r:		context
 * @proto:	IPPROTO_TCP or IPPROTO_UDP
 * @guest:	family of the flow
 * @host:	family of the address wanted
 * @port:	port
 *
 * Return: a non-blocking socket that is connected, or about to be; -1 and errno
 */
int relay_ask_host(struct relay *r, int proto, enum ip_family guest,
		   enum ip_family host, uint16_t port);

/* ports.c - the sockets that flows begin at. */

/** relay_ports_watch() - Watch the sockets of @s; false and errno on failure */
bool relay_ports_watch(struct relay *r, struct relay_state *s)
	__attribute__((warn_unused_result));

/** relay_ports_unwatch() - Watch them no more */
void relay_ports_unwatch(struct relay *r, struct relay_state *s);

/** relay_ports_pause() - Let new connections wait, or (@pause false) come */
void relay_ports_pause(struct relay *r, bool pause);

/* tcp.c - connections. */

/** relay_tcp_accept() - Accept what waits at a socket */
void relay_tcp_accept(struct relay *r, int fd, uint32_t listener);

/** relay_tcp_run() - Go on with those that had more to do; true: there is more
 */
bool relay_tcp_run(struct loop *l);

/** relay_tcp_rest() - Nothing was to be done for a while: keep no pipe */
void relay_tcp_rest(struct loop *l, struct loop_timer *t);

/** relay_tcp_freeze() - Let those stand still that @r->next denies */
void relay_tcp_freeze(struct relay *r);

/** relay_tcp_thaw() - Let all go on */
void relay_tcp_thaw(struct relay *r);

/** relay_tcp_commit() - Reset the frozen ones; the others go on under @to */
void relay_tcp_commit(struct relay *r, const struct relay_conf *to);

/** relay_tcp_close_all() - Reset all */
void relay_tcp_close_all(struct relay *r);

/* udp.c - UDP flows. */

/** relay_udp_receive() - Read what waits at a listening or steering socket */
void relay_udp_receive(struct relay *r, int fd, uint32_t listener);

/** relay_udp_idle() - A flow's idle time is over */
void relay_udp_idle(struct loop *l, struct loop_timer *t);

/** relay_udp_freeze() - Let those stand still that @r->next denies */
void relay_udp_freeze(struct relay *r);

/** relay_udp_thaw() - Let all go on */
void relay_udp_thaw(struct relay *r);

/** relay_udp_commit() - End the frozen ones; the others go on under @to */
void relay_udp_commit(struct relay *r, const struct relay_conf *to);

/** relay_udp_close_all() - End all */
void relay_udp_close_all(struct relay *r);

/* icmp.c - what a refused datagram is answered with. */

/**
 * relay_unreachable() - Send "port unreachable" to the guest
 * @r:	context
 * @f:	flow to the host whose port nobody listens on
 */
void relay_unreachable(struct relay *r, const struct relay_flow *f);

#endif

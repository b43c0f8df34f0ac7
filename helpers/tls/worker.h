/* SPDX-License-Identifier: GPL-2.0-or-later */
/* worker.h - What the parts of msb-tlsd's worker have of each other.
 *
 * Theory of Operation
 *
 *	                                    ┌► RETRIED ┐
 *	                              ┌─► GREETED ─────┤
 *	accepted ──► READING ──► DIALLING ──► SPLICED ◄┘ ─► closed
 *	    │           │            │    ├─► INTERCEPTED ─►
 *	    ▼           ▼            ▼    └─► READ ────────►
 *	  reset      REFUSED       reset
 *
 * Most guests speak first, and at once: then the monitor is told of a flow with
 * what was said, once. Where nothing has come after a moment (WORKER_EARLY_MS)
 * it is told before anything is known, for the server may be the one who speaks
 * first. Either the flow is denied; or it has to be read first (TLSD_WAIT); or
 * it would be allowed without a name as well, and then a socket to the server
 * comes with the answer.
 *
 * READING, what the guest sends is collected and read as a ClientHello. Once
 * that is complete, or cannot become one, the monitor is told, and decides. A
 * flow that nobody has said anything in can harm nobody: where the server is
 * dialled already it may stay so for as long as it likes. As soon as the guest
 * has begun with what looks like TLS there is no way but to end it in time: the
 * server is not listened to any more before that.
 *
 * What was read goes to the server before everything else, and the flow is a
 * pump (splice.h) from there on; or it is an interception (intercept.h); or,
 * if there are secrets and it is not encrypted, it goes through a gate that
 * keeps their placeholders in (plain.h).
 *
 * A server of TLS 1.3 may ask for another ClientHello (retry.h), and may go by
 * the name in that. So where TLS 1.3 was offered nothing is spliced before the
 * server has said what it does: GREETED, the hello was passed on, and no more
 *is taken from the guest until the server's answer has been looked at, without
 * taking it. Mostly it is none of those, and the flow is a pump. RETRIED, the
 * second ClientHello is collected as the first one was, behind what servers
 * throw away (a change_cipher_spec, early data), and passed on if it is for the
 * same name.
 *
 * REFUSED, an alert was sent to the guest, or whoever intercepted the flow sent
 * one, and what the guest still sends is thrown away until it ends: the socket
 * of somebody who is still sending would be reset, and the alert lost with it.
 *
 * While a configuration is prepared, nothing is decided; what it denies stands
 * still, and is reset when it is in force. What it treats otherwise than now is
 * denied to it: a flow whose bytes went on as they are cannot be intercepted
 * half-way, nor the other way round. So is what was looked through for other
 * secrets than there will be; new values of the same are no others (vault.h).
 */
#ifndef MSB_WORKER_H
#define MSB_WORKER_H

#include "hello.h"
#include "intercept.h"
#include "log.h"
#include "loop.h"
#include "plain.h"
#include "splice.h"
#include "tls_state.h"
#include "tlsd.h"
#include "tlsd_parts.h"
#include "vault.h"

/** WORKER_BATCH - Connections that are accepted at once */
#define WORKER_BATCH 32

/** WORKER_READ - Octets that are read of a guest at once */
#define WORKER_READ 16384

/** WORKER_EARLY_MS - Time that a guest has to speak before its server may: more
 * than one needs between its connection and its ClientHello, and less than
 * anybody notices
 */
#define WORKER_EARLY_MS 2

/** WORKER_POOL_MS - Time without work after which no pipe is kept */
#define WORKER_POOL_MS 2000

/** WORKER_LINGER_MS - Time that a refused guest has to read why */
#define WORKER_LINGER_MS 2000

/** WORKER_LINGER_MAX - Octets of it that are thrown away meanwhile */
#define WORKER_LINGER_MAX (256 << 10)

/** WORKER_FILES - Descriptors of a worker: two sockets for each connection, two
 * pipes each when all of them are busy, and its own
 */
#define WORKER_FILES (6 * TLS_CONNECTIONS_MAX + 128)

/** enum worker_count - What is counted, for "status" */
enum worker_count {
	TLS_COUNT_ACCEPTED,
	TLS_COUNT_SPLICED,
	TLS_COUNT_INTERCEPTED,
	TLS_COUNT_DENIED,
	TLS_COUNT_FAILED,
	TLS_COUNT_TIMED_OUT,
	TLS_COUNT_LIMITED,
	TLS_COUNT_READ,
	TLS_COUNT_VIOLATIONS,
	TLS_COUNTS,
};

/** enum tls_side - The two sockets of a flow */
enum tls_side {
	FLOW_GUEST,
	FLOW_SERVER,
	FLOW_SIDES,
};

/** enum tls_flow_state - How far a flow has got: see above */
enum tls_flow_state {
	FLOW_FREE,
	FLOW_READING,
	FLOW_DIALLING,
	FLOW_GREETED,
	FLOW_RETRIED,
	FLOW_SPLICED,
	FLOW_INTERCEPTED,
	FLOW_READ,
	FLOW_REFUSED,
};

/**
 * struct opening - What a guest said first
 * @hello:	as it is read
 * @message:	its handshake message
 * @message_room: octets that fit there
 * @raw:	all octets, as they came
 * @raw_room:	octets that fit there
 * @raw_len:	octets
 * @used:	of these, octets that @hello has read
 * @begun:	RETRIED: what is thrown away before it is over
 * @skip:	octets that are left of a record that is
 * @head_len:	octets of @head
 * @head:	header of the next one
 * @leaf_len:	octets of @leaf; 0: there is none
 * @leaf:	name that a leaf is for, if the monitor has said one
 */
struct opening {
	struct hello hello;
	uint8_t *message;
	size_t message_room;
	uint8_t *raw;
	size_t raw_room;
	size_t raw_len;
	size_t used;
	bool begun;
	size_t skip;
	uint8_t head_len;
	uint8_t head[5];
	uint8_t leaf_len;
	uint8_t leaf[DNAME_WIRE_MAX];
};

/**
 * struct tls_flow - One connection
 * @watch:	by enum tls_side; fd -1: there is none
 * @pump:	what is known of the sockets; what moves the bytes if SPLICED
 * @timer:	see @queue
 * @queue:	queue that @timer is in; NULL: none
 * @asked:	address that the guest dialled
 * @opening:	what the guest said, while it is of use; else NULL
 * @name:	SNI that it was judged by, or NULL
 * @intercept:	INTERCEPTED: the interception
 * @plain:	READ: what reads it
 * @name_len:	octets of @name
 * @state:	state
 * @stage:	what it was judged by, by enum tlsd_stage
 * @verdict:	what was decided, by enum tlsd_verdict
 * @connected:	the server's socket is connected
 * @again:	there is another address to try if the server refuses
 * @attempt:	how many were tried before this
 * @told:	the monitor was asked before anything was known
 * @guest_ended: the guest has sent its last octet; READING only
 * @awaited:	epoll tells when the guest's socket takes more
 * @frozen:	a configuration is prepared: nothing goes on
 * @condemned:	and denies it
 * @queued:	it is in the list of those with more to do
 * @linger:	REFUSED: octets that were thrown away
 * @next:	next free place, or next in that list
 * @prev:	what points to it in that list
 */
struct tls_flow {
	struct loop_watch watch[FLOW_SIDES];
	struct splice_pump pump;
	struct loop_timer timer;
	struct loop_queue *queue;
	struct address asked;
	struct opening *opening;
	uint8_t *name;
	struct intercept *intercept;
	struct plain *plain;
	uint8_t name_len;
	uint8_t state;
	uint8_t stage;
	uint8_t verdict;
	bool connected;
	bool again;
	uint8_t attempt;
	bool told;
	bool guest_ended;
	bool awaited;
	bool frozen;
	bool condemned;
	bool queued;
	uint32_t linger;
	struct tls_flow *next;
	struct tls_flow **prev;
};

/**
 * struct worker - The worker
 * @log:	event log
 * @violations:	the same, for violations: what else happens takes no line away
 *		from them
 * @l:		loop
 * @channel:	monitor's messages
 * @judge:	descriptor: what the monitor is asked
 * @process:	what all interceptions have in common, ever
 * @now:	configuration in force
 * @next:	configuration that is prepared
 * @prepared:	it is ready
 * @trust:	what interceptions have in common; NULL: there are none
 * @next_trust:	the same, of @next; may be @trust
 * @vault:	the secrets; NULL: there are none
 * @next_vault:	those of @next; may be @vault
 * @terminated:	the sandbox is to be ended: no flow is taken any more
 * @listener:	listening sockets, IPv4 and IPv6
 * @spare:	two descriptors to give up when there is no other left
 * @pool:	pipes
 * @pool_queue:	for @pool_timer
 * @pool_timer:	nothing was to be done for a while
 * @early:	timers of flows that nobody has said anything in, or knows of
 * @hello:	timers of flows that the guest is to say something in
 * @connect:	timers of those whose server is dialled
 * @shake:	timers of interceptions that are not open yet
 * @refused:	timers of flows that were refused
 * @flow:	table; those behind @top were never used, and so cost nothing
 * @room:	places of the table
 * @free:	places that are free again
 * @top:	see @flow
 * @open:	places that are taken
 * @intercepting: interceptions
 * @reading:	flows that are READ
 * @opening_bytes: octets of memory that all struct opening have
 * @ready:	flows that have more to do, in order
 * @ready_last:	where the next one goes
 * @count:	by enum worker_count
 * @in:		room for what is read
 */
struct worker {
	struct log *log;
	struct log violations;
	struct loop l;
	struct loop_watch channel;
	int judge;
	struct intercept_process *process;
	struct tls_state now;
	struct tls_state next;
	bool prepared;
	struct trust *trust;
	struct trust *next_trust;
	struct vault *vault;
	struct vault *next_vault;
	bool terminated;
	struct loop_watch listener[2];
	int spare[2];
	struct splice_pool pool;
	struct loop_queue pool_queue;
	struct loop_timer pool_timer;
	struct loop_queue early;
	struct loop_queue hello;
	struct loop_queue connect;
	struct loop_queue shake;
	struct loop_queue refused;
	struct tls_flow *flow;
	size_t room;
	struct tls_flow *free;
	size_t top;
	size_t open;
	size_t intercepting;
	size_t reading;
	size_t opening_bytes;
	struct tls_flow *ready;
	struct tls_flow **ready_last;
	uint64_t count[TLS_COUNTS];
	uint8_t in[WORKER_READ];
};

/** worker_fail() - End, for something went wrong */
void worker_fail(struct worker *w, const char *what);

/* ask.c - what the monitor is asked, and what is written of it. */

/**
 * ask_monitor() - Ask what becomes of a flow
 * @w:		worker
 * @f:		flow: @f->asked, @f->stage, @f->name and @f->attempt are told
 * @next:	by the configuration that is prepared
 * @dial:	a socket is wanted
 * @ret:	answer
 *
 * Return: the socket that came with it, or -1. If the monitor does not answer
 * the worker ends, and the verdict is TLSD_DENY.
 */
int ask_monitor(struct worker *w, const struct tls_flow *f, bool next,
		bool dial, struct tlsd_answer *ret);

/** event_flow() - Write an event about a flow, with one more member */
void event_flow(const struct worker *w, const char *event,
		const struct tls_flow *f, const char *key, const char *text);

/** event_limited() - Count a flow that a limit forbids, and write an event */
void event_limited(struct worker *w, const char *limit);

/* opening.c - what a guest says first. */

/** opening_take() - Take octets that came; false: there is no room for them */
bool opening_take(struct worker *w, struct tls_flow *f, const uint8_t *data,
		  size_t len) __attribute__((warn_unused_result));

/** opening_drop() - Release it */
void opening_drop(struct worker *w, struct tls_flow *f);

/* table.c - the places of flows, and who has more to do. */

/** table_take() - Take a place; NULL if all are taken */
struct tls_flow *table_take(struct worker *w)
	__attribute__((warn_unused_result));

/** table_give() - Give it back */
void table_give(struct worker *w, struct tls_flow *f);

/** table_queue() - It has more to do, after the others */
void table_queue(struct worker *w, struct tls_flow *f);

/** table_run() - Let those go on that have more to do; true: there is more */
bool table_run(struct loop *l);

/** flow_time() - Set the flow's timer, or (@queue NULL) unset it */
void flow_time(struct worker *w, struct tls_flow *f, struct loop_queue *queue,
	       uint64_t ms);

/* guest.c - flows accepted, and read until they can be judged. */

/** guest_listen() - Watch the listening sockets; false on failure */
bool guest_listen(struct worker *w) __attribute__((warn_unused_result));

/** guest_pause() - Let new connections wait, or (@pause false) come */
void guest_pause(struct worker *w, bool pause);

/** guest_read() - Go on with a flow that is READING */
void guest_read(struct worker *w, struct tls_flow *f);

/** guest_read_on() - Read what there is, until it can be judged; false: the
 * flow was ended
 */
bool guest_read_on(struct worker *w, struct tls_flow *f)
	__attribute__((warn_unused_result));

/** guest_keep() - Keep @len octets of @w->in as read; false: the flow was ended
 */
bool guest_keep(struct worker *w, struct tls_flow *f, size_t len)
	__attribute__((warn_unused_result));

/* second.c - flows whose server may ask for another ClientHello. */

/** second_begin() - Pass the ClientHello on, and wait for what is said to it */
void second_begin(struct worker *w, struct tls_flow *f);

/** second_answer() - Go on with a flow that is GREETED */
void second_answer(struct worker *w, struct tls_flow *f);

/** second_read() - Go on with a flow that is RETRIED */
void second_read(struct worker *w, struct tls_flow *f);

/* sockets.c - a flow's two sockets. */

/** sockets_begin() - Watch the guest's socket; false: the flow was ended */
bool sockets_begin(struct worker *w, struct tls_flow *f, int fd)
	__attribute__((warn_unused_result));

/** sockets_redial() - Ask for another one to the same server, whose first was
 * dropped; the flow ends if there is none
 */
void sockets_redial(struct worker *w, struct tls_flow *f);

/** sockets_dial() - Take the one to the server, which came with an answer;
 * false: the flow was ended
 */
bool sockets_dial(struct worker *w, struct tls_flow *f, int fd,
		  const struct tlsd_answer *answer);

/** sockets_await_guest() - Be told when the guest takes more; false: the flow
 * was ended
 */
bool sockets_await_guest(struct worker *w, struct tls_flow *f)
	__attribute__((warn_unused_result));

/** sockets_drop() - Close one, with a reset or in order */
void sockets_drop(struct worker *w, struct tls_flow *f, enum tls_side side,
		  bool reset);

/* carry.c - flows carried and ended. */

/** carry_run() - Go on with a flow, whatever its state */
void carry_run(struct worker *w, struct tls_flow *f);

/** carry_pump() - Splice what can be; false: the flow was ended */
bool carry_pump(struct worker *w, struct tls_flow *f)
	__attribute__((warn_unused_result));

/** carry_begin() - Begin with a guest's socket; false: it was ended */
bool carry_begin(struct worker *w, struct tls_flow *f, int fd)
	__attribute__((warn_unused_result));

/** carry_limit() - End it, for a limit forbids it */
void carry_limit(struct worker *w, struct tls_flow *f, const char *limit);

/** carry_deny() - End it, for the monitor denies it */
void carry_deny(struct worker *w, struct tls_flow *f,
		const struct tlsd_answer *answer);

/** carry_refuse() - End it with an alert; 0: it was sent already */
void carry_refuse(struct worker *w, struct tls_flow *f, uint8_t alert);

/** carry_end() - End it, with a reset or in order */
void carry_end(struct worker *w, struct tls_flow *f, bool reset);

/* violation.c - what comes of a placeholder that is not for whom it is sent to.
 */

/** violation_end() - End a flow for a violation, and what else that comes to */
void violation_end(struct worker *w, struct tls_flow *f,
		   const struct gate_violation *v);

/* rejudge.c - flows under a configuration that is prepared. */

/** rejudge_freeze() - Let stand still what @w->next does not allow */
void rejudge_freeze(struct worker *w);

/** rejudge_reset() - End what it does not allow */
void rejudge_reset(struct worker *w);

/** rejudge_thaw() - Let all others go on */
void rejudge_thaw(struct worker *w);

/* trust.c - what interceptions have in common. */

struct trust;

/**
 * trust_prepare() - Get ready for the interceptions of @w->next
 *
 * Where it says the same as @w->now, @w->next_trust is @w->trust.
 *
 * Return: NULL, or what is wrong
 */
const char *trust_prepare(struct worker *w) __attribute__((warn_unused_result));

/** trust_drop_next() - Forget it */
void trust_drop_next(struct worker *w);

/** trust_commit() - It is in force; no interception of another one is left */
void trust_commit(struct worker *w);

/** trust_of() - The environment itself */
struct intercept_env *trust_of(const struct trust *e);

#endif

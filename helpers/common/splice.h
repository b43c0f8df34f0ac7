/* SPDX-License-Identifier: GPL-2.0-or-later */
/* splice.h - The two-way pump between two TCP connections.
 *
 * Theory of Operation
 *
 * Many bytes go from one socket to the other by way of a pipe (splice(2)), and
 * so never enter this process. Each direction is on its own:
 *
 *	source ── fill ──► pipe ── drain ──► sink
 *	   └───────────── copy ───────────────┘
 *
 * A few are copied, read and sent: that is two calls, and a pipe takes three.
 * As soon as a read is full, the direction is spliced, until so little comes at
 * once again. What a sink does not take of a copy is put into a pipe.
 *
 * A source that has nothing, or a pipe that is full, ends the filling; a sink
 * that takes nothing ends the draining, and with it, once the pipe is full, the
 * filling: then the source's receive window closes. That is the whole of the
 * back-pressure. A source that has ended (FIN) has its pipe drained, then the
 * sink's writing side is shut down: so each side ends by itself, and no byte is
 * lost on the way. A pump is finished when both have. An error of either socket
 * (a reset, above all) is an error of the pump, whose owner closes both sockets
 * with splice_reset(), so that the other side sees a reset too.
 *
 * A pipe is taken from a pool when there are bytes to move, and given back
 * whenever it is empty: connections that say nothing cost no pipe, and no user
 * comes near the kernel's limit on pipes (pipe-user-pages-soft) by holding many
 * connections open. The relays of all sandboxes are one user: whoever has
 * nothing to do for a while is to close its pool's pipes, too.
 *
 * epoll is edge-triggered: what is known of each socket is remembered here, and
 * forgotten only when the kernel says EAGAIN, or has less than was asked for.
 * An EAGAIN while filling means an empty source only if the pipe is empty too:
 * the kernel gives the same answer for a full pipe. Less than was asked for is
 * all that there is, and what comes later is another event; but not where an
 * event has told of an end, which follows then, or of urgent data, at which a
 * read stops short.
 *
 * Who had to read the first bytes of a connection before it knew what to do
 *with it gives them to the pump (splice_head()): they go before all others.
 */
#ifndef MSB_SPLICE_H
#define MSB_SPLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

/** SPLICE_POOL - Empty pipes that are kept for the next who needs one */
#define SPLICE_POOL 16

/** SPLICE_EVENTS - What epoll is asked about a socket */
#define SPLICE_EVENTS (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET)

/** SPLICE_ROOM - Send buffer towards a peer on this machine, while much is
 * spliced to it. It takes what it is sent when it has the processor, and what
 * waits for it until then is in the caches only if it is little: the pages are
 * the sender's, and the sender would write to ever new ones. The kernel takes
 * twice this.
 */
#define SPLICE_ROOM (128 << 10)

/** SPLICE_ROUND - Bytes a direction may move before others have their turn */
#define SPLICE_ROUND (UINT32_C(1) << 20)

/**
 * struct splice_pool - Empty pipes
 * @pipe:	the pipes: reading end, writing end
 * @n:		how many
 */
struct splice_pool {
	int pipe[SPLICE_POOL][2];
	unsigned int n;
};

/**
 * struct splice_way - One direction
 * @pipe:	its pipe, while it has one; else -1
 * @held:	bytes in the pipe
 * @moved:	bytes that reached the sink, ever
 * @bulk:	there is much: it is spliced
 * @ended:	the source has sent its last byte
 * @shut:	and the sink has been told
 */
struct splice_way {
	int pipe[2];
	uint32_t held;
	uint64_t moved;
	bool bulk;
	bool ended;
	bool shut;
};

/**
 * struct splice_pump - Two sockets and what is known of them
 * @fd:		non-blocking, connected sockets
 * @way:	way[0] from fd[0] to fd[1], way[1] back
 * @readable:	whether the socket may have something
 * @writable:	whether it may take something
 * @ending:	it has said its last, or failed: what is left, and the end, can
 *		be read without waiting
 * @unsure:	there may be more than a read that comes short has
 * @roomy:	its peer is on this machine, and its send buffer is as large as
 *		the kernel makes it
 * @hold:	nothing is taken from it for now
 * @failed:	a socket has failed; what is still there is moved, then it ends
 * @head:	bytes that go to fd[1] before what fd[0] has; the owner's
 * @head_len:	how many are left of them
 */
struct splice_pump {
	int fd[2];
	struct splice_way way[2];
	bool readable[2];
	bool writable[2];
	bool ending[2];
	bool unsure[2];
	bool roomy[2];
	bool hold[2];
	bool failed;
	uint32_t head_len;
	const uint8_t *head;
};

/**
 * enum splice_state - What a call of splice_run() came to
 * @SPLICE_WAIT:	nothing more can be moved now
 * @SPLICE_MORE:	there is more; others should have their turn first
 * @SPLICE_DONE:	both sides have ended, and everything was delivered: the
 *owner closes both sockets, which tells the last one
 * @SPLICE_FAILED:	a socket failed
 */
enum splice_state {
	SPLICE_WAIT,
	SPLICE_MORE,
	SPLICE_DONE,
	SPLICE_FAILED,
};

/** splice_init() - Begin with no socket */
void splice_init(struct splice_pump *p);

/**
 * splice_side() - Give it a socket
 * @p:		pump
 * @side:	0 or 1: which one
 * @fd:		non-blocking; connected before splice_run() is called
 * @near:	its peer is on this machine
 *
 * From here on it has to be told all events of it.
 */
void splice_side(struct splice_pump *p, unsigned int side, int fd, bool near);

/**
 * splice_head() - Give a pump bytes that came from fd[0] before it began
 * @p:		pump
 * @data:	bytes, which stay where they are until @p->head_len is 0
 * @len:	how many
 */
void splice_head(struct splice_pump *p, const uint8_t *data, uint32_t len);

/**
 * splice_hold() - Take nothing from a side for now, or (@hold false) again
 * @p:		pump
 * @side:	0 or 1: which one
 * @hold:	whether
 *
 * What splice_head() has given is sent nevertheless.
 */
void splice_hold(struct splice_pump *p, unsigned int side, bool hold);

/**
 * splice_events() - Take note of what epoll says
 * @p:		pump
 * @side:	0 or 1: which socket
 * @events:	EPOLL* bits, of those that SPLICE_EVENTS asks for
 */
void splice_events(struct splice_pump *p, unsigned int side, uint32_t events);

/**
 * splice_was_read() - Take note of what somebody else has read
 * @p:		pump
 * @side:	0 or 1: which socket
 * @less:	there was less than was asked for
 */
void splice_was_read(struct splice_pump *p, unsigned int side, bool less);

/** splice_run() - Move what can be moved, both ways */
enum splice_state splice_run(struct splice_pool *pool, struct splice_pump *p)
	__attribute__((warn_unused_result));

/** splice_release() - Give the pipes back; the sockets stay open */
void splice_release(struct splice_pool *pool, struct splice_pump *p);

/**
 * splice_options() - Set what connections need; accepted ones inherit it
 * @fd:		TCP socket
 * @near:	the peer is on this machine: the guest, or a program of the
 *host. The socket listens, or is not connected yet: who has paced once goes on
 */
void splice_options(int fd, bool near);

/** splice_reset() - Close a TCP socket so that its peer sees a reset */
void splice_reset(int fd);

/** splice_pool_close() - Close the pipes of a pool */
void splice_pool_close(struct splice_pool *pool);

#endif

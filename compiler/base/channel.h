/* SPDX-License-Identifier: GPL-2.0-or-later */
/* channel.h - Messages between msb-netc, a supervisor and its workers.
 *
 * A channel is a UNIX socket of type SOCK_SEQPACKET. Every message is one
 * struct channel_msg of fixed size: nothing in it is a length of something
 * that follows, and nothing has to be parsed before it can be refused. The
 * descriptors that belong to a message travel with it (SCM_RIGHTS).
 *
 * Calls that fail return -1 and leave the reason in errno. EPROTO: the other
 * side sent what is no message.
 */
#ifndef MSB_CHANNEL_H
#define MSB_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/** CHANNEL_MAX - Numbers, and descriptors, that one message can carry */
#define CHANNEL_MAX 64

/** CHANNEL_TEXT_MAX - Room for a message's text, with NUL */
#define CHANNEL_TEXT_MAX 512

/**
 * CHANNEL_HOPS - Time to live of what a socket made for a worker sends
 *
 * Such a socket is the guest's way to the host's loopback. Sockets of published
 * ports take nothing that has this value, so it ends at no sandbox. The host's
 * own programs have 64, or what its settings say; no system says 62.
 */
#define CHANNEL_HOPS 62

/** CHANNEL_HOLD_MS - How long a worker leaves the ruleset alone, at most */
#define CHANNEL_HOLD_MS 30000

/**
 * CHANNEL_TYPES() - Every type of message: enum tail, its name
 *
 * From msb-netc to a supervisor, and from there on to its worker:
 *
 *	PREPARE	a new configuration: one descriptor, a file to be read. No
 *		answer
 *	SOCKETS	sockets that it needs: @count descriptors, @index tells which
 *		each is. No answer
 *	READY	that was all. OK: it is complete, and whatever it forbids stands
 *		still. FAILED: it is dropped
 *	COMMIT	it is in force from here on. OK
 *	ABORT	it is dropped; all goes on as before. OK
 *	STATUS	STATUS, with a text
 *	HOLD	the ruleset is being read, or changed: the worker leaves it
 *		alone, until the channel that asked is closed, or for
 *		CHANNEL_HOLD_MS. OK
 *	STOP	the worker is ended, and the supervisor ends. OK
 *
 * From a supervisor to its worker alone:
 *
 *	RELEASE	it may go on. OK
 *
 * From a worker to its supervisor:
 *
 *	CONNECT	a socket of the host's namespace is wanted. CONNECTED, with
 *		the socket, or REFUSED
 *	TERMINATE the sandbox is to be ended, and the text says why. It may come
 *		at any time. No answer
 *
 * From msb-netc to a supervisor alone:
 *
 *	WATCH	whoever asks wants to know when the sandbox is terminated. OK;
 *		then TERMINATE with the text of the worker's, once, at any time
 *		between other answers, also if it has been terminated before
 */
#define CHANNEL_TYPES(X) \
	X(PREPARE, "prepare") \
	X(SOCKETS, "sockets") \
	X(READY, "ready") \
	X(COMMIT, "commit") \
	X(ABORT, "abort") \
	X(STATUS, "status") \
	X(STOP, "stop") \
	X(OK, "ok") \
	X(FAILED, "failed") \
	X(CONNECT, "connect") \
	X(CONNECTED, "connected") \
	X(REFUSED, "refused") \
	X(HOLD, "hold") \
	X(RELEASE, "release") \
	X(TERMINATE, "terminate") \
	X(WATCH, "watch")

/** enum channel_type - Types of messages, by CHANNEL_TYPES(); 0 is none */
enum channel_type {
	CHANNEL_NONE,
#define CHANNEL_ENUM(id, name) CHANNEL_##id,
	CHANNEL_TYPES(CHANNEL_ENUM)
#undef CHANNEL_ENUM
		CHANNEL_TYPE_COUNT,
};

/**
 * struct channel_msg - One message, as it is on the wire
 * @type:	enum channel_type
 * @count:	descriptors that come with it
 * @index:	SOCKETS: what each descriptor is. CONNECT: by enum
 *		channel_connect
 * @text:	text, NUL-terminated, or ""
 *
 * Both ends are of one build and one machine: byte order and layout are its.
 */
struct channel_msg {
	uint32_t type;
	uint32_t count;
	uint32_t index[CHANNEL_MAX];
	char text[CHANNEL_TEXT_MAX];
};

/**
 * enum channel_connect - Numbers of a CONNECT message
 * @CHANNEL_PROTO:	IPPROTO_TCP or IPPROTO_UDP
 * @CHANNEL_GUEST_FAMILY: enum ip_family of the flow, which is judged
 * @CHANNEL_HOST_FAMILY: enum ip_family of the loopback address wanted
 * @CHANNEL_PORT:	port, of the flow as of the host
 */
enum channel_connect {
	CHANNEL_PROTO,
	CHANNEL_GUEST_FAMILY,
	CHANNEL_HOST_FAMILY,
	CHANNEL_PORT,
};

/** channel_type_name() - "prepare"; "unknown" for what is no type */
const char *channel_type_name(uint32_t type);

/**
 * channel_pair() - Make two connected ends, both CLOEXEC
 * @ret:	the ends; set on success
 */
int channel_pair(int ret[2]) __attribute__((warn_unused_result));

/**
 * channel_listen() - Make a socket that waits for connections
 * @dirfd:	directory to make it in
 * @name:	its name there, without '/'; nothing may have that name
 *
 * Only the owner may connect. The descriptor is non-blocking. The name does not
 * go away with it.
 */
int channel_listen(int dirfd, const char *name)
	__attribute__((warn_unused_result));

/**
 * channel_connect() - Connect to a socket made by channel_listen()
 * @dirfd:	directory
 * @name:	name
 * @ms:		longest time to wait, here and for each message from then on;
 *		then EAGAIN
 *
 * ECONNREFUSED: there is a name, and nobody behind it. EAGAIN: so many wait
 * that there is no room, and nobody takes them in.
 */
int channel_connect(int dirfd, const char *name, unsigned int ms)
	__attribute__((warn_unused_result));

/**
 * channel_accept() - Accept one connection, if its peer may speak here
 * @fd:	of channel_listen()
 *
 * Only root and this process's own effective user may; EPERM for others, whose
 * connection is closed. EAGAIN: none is waiting.
 *
 * Return: a blocking descriptor
 */
int channel_accept(int fd) __attribute__((warn_unused_result));

/**
 * channel_set_timeout() - Let no call on @fd wait longer than @ms milliseconds
 *
 * Afterwards a call that waited in vain fails with EAGAIN.
 */
int channel_set_timeout(int fd, unsigned int ms)
	__attribute__((warn_unused_result));

/**
 * channel_send() - Send one message
 * @fd:		channel
 * @m:		message
 * @fds:	its m->count descriptors, which stay open here; NULL if none
 */
int channel_send(int fd, const struct channel_msg *m, const int *fds)
	__attribute__((warn_unused_result));

/**
 * channel_send_text() - Send a message of @type with a text and nothing else
 *
 * Text that is too long is cut.
 */
int channel_send_text(int fd, enum channel_type type, const char *fmt, ...)
	__attribute__((warn_unused_result, format(printf, 3, 4)));

/**
 * channel_receive() - Receive one message
 * @fd:		channel
 * @ret:	message: its type is known, its text ends; set on success
 * @ret_fds:	its ret->count descriptors, all CLOEXEC
 *
 * Return: 1; 0 if the other side has closed the channel; -1 on failure, when
 * no descriptor is left open
 */
int channel_receive(int fd, struct channel_msg *ret, int ret_fds[CHANNEL_MAX])
	__attribute__((warn_unused_result));

/** channel_close_fds() - Close the descriptors of a message; sets them to -1 */
void channel_close_fds(const struct channel_msg *m, int fds[CHANNEL_MAX]);

#endif

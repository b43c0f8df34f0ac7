/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls_hold.h - Connections that say what can be checked, and who holds them. */
#ifndef MSB_TLS_HOLD_H
#define MSB_TLS_HOLD_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/** HOLD_FIRST - What goes each way before a connection counts as held */
#define HOLD_FIRST 200

/** HOLD_TICK_MS - How often a slow side reads and writes */
#define HOLD_TICK_MS 20

/** HOLD_PATTERN - Octets of what is said, before it begins again elsewhere */
#define HOLD_PATTERN 65536

/** enum hold_state - How far a connection is */
enum hold_state {
	HOLD_CONNECT,
	HOLD_HANDSHAKE,
	HOLD_OPEN,
	HOLD_DONE,
};

/**
 * struct hold_conn - A connection
 * @fd:		socket
 * @ssl:	its TLS, or NULL
 * @state:	how far it is
 * @interest:	events of epoll that are waited for
 * @prefix:	what comes before the pattern: a ClientHello, @id, @size
 * @prefix_len:	octets of that
 * @prefix_done: octets that were sent; of a server: whether it was read
 * @id:		its number
 * @size:	octets that each side says
 * @sent:	octets of them that were said
 * @received:	octets of them that were heard
 * @slow_read:	this side reads slowly
 * @slow_write:	this side writes slowly
 * @said_end:	this side ended its direction
 * @heard_end:	the other did
 * @held:	it was counted
 */
struct hold_conn {
	int fd;
	SSL *ssl;
	enum hold_state state;
	uint32_t interest;
	uint8_t prefix[1024];
	uint32_t prefix_len;
	uint32_t prefix_done;
	uint32_t id;
	uint32_t size;
	uint64_t sent;
	uint64_t received;
	bool slow_read;
	bool slow_write;
	bool said_end;
	bool heard_end;
	bool held;
};

/**
 * struct hold_program - One side of all connections
 * @serves:	it is the server
 * @epoll:	what waits for all of them
 * @tls:	TLS of all of them, or NULL
 * @conns:	connections
 * @n_conns:	how many there may be
 * @go:		it is to begin: all may be said
 * @pattern:	what is said, twice
 */
struct hold_program {
	bool serves;
	int epoll;
	SSL_CTX *tls;
	struct hold_conn *conns;
	unsigned int n_conns;
	bool go;
	uint8_t pattern[2 * HOLD_PATTERN];
};

/** hold_fail() - Say why it is over, and end */
void hold_fail(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));

/** hold_broken() - Say what is wrong with a connection, and end */
void hold_broken(const struct hold_program *p, const struct hold_conn *c,
		 const char *what) __attribute__((noreturn));

/** hold_now_ms() - Milliseconds of a clock that is never set */
int64_t hold_now_ms(void);

/**
 * hold_tls() - TLS of one side
 * @certificate: file of the server's chain, or NULL
 * @key:	file of its key
 * @ca:		file of the CA that the client trusts, or NULL
 */
SSL_CTX *hold_tls(const char *certificate, const char *key, const char *ca);

/** hold_add() - Wait for a connection whose socket is there */
void hold_add(struct hold_program *p, struct hold_conn *c, int fd,
	      uint32_t interest);

/** hold_watch() - Wait for these events of it */
void hold_watch(struct hold_program *p, struct hold_conn *c, uint32_t interest);

/** hold_handshake() - Go on with its TLS, if it has any */
void hold_handshake(struct hold_program *p, struct hold_conn *c);

/** hold_read() - Octets, 0 if none can be had now, -1 at the end */
ssize_t hold_read(const struct hold_program *p, struct hold_conn *c, void *to,
		  size_t len);

/** hold_write() - Octets that were taken, 0 if none can be now */
ssize_t hold_write(const struct hold_program *p, struct hold_conn *c,
		   const void *from, size_t len);

/** hold_end() - End this direction */
void hold_end(struct hold_conn *c);

/** hold_close() - Close it */
void hold_close(struct hold_conn *c);

/** hold_begin() - Make the pattern, and what waits */
void hold_begin(struct hold_program *p);

/** hold_settle() - Wait for what a connection needs now, or close it */
void hold_settle(struct hold_program *p, struct hold_conn *c);

/**
 * hold_turn() - Wait once, and do what can be done
 * @next:	when the slow ones are due; set anew when they were
 */
void hold_turn(struct hold_program *p, int64_t *next);

/**
 * hold_client() - Open all connections, hold them, and have them move
 * @a:		server
 * @len:	octets of its address
 * @name:	name that it is asked for
 * @size:	octets that each side of each connection says
 *
 * Return: 0, or 1 if nobody told it to go on
 */
int hold_client(struct hold_program *p, const struct sockaddr_storage *a,
		socklen_t len, const char *name, uint32_t size);

#endif

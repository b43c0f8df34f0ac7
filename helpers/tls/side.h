/* SPDX-License-Identifier: GPL-2.0-or-later */
/* side.h - One end of an intercepted connection: a socket with TLS on it.
 *
 * Theory of Operation
 *
 * wolfSSL is told only that nothing can be read or written now; that the socket
 * has ended is known here. So its idea of a connection breaks for one reason
 * alone, TLS that is wrong, and how TCP ended can be told to the other side as
 * it was: with close_notify, without, or by a reset.
 *
 * Records are looked at on their way to wolfSSL (RFC 8446 section 5): their
 * type, version and length have to be possible. Releases of wolfSSL have read
 * what was not there when an encrypted record was shorter than its own tag.
 *
 * With the handshake wolfSSL's part is over: what comes then is stream.h's.
 */
#ifndef MSB_SIDE_H
#define MSB_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record.h"
#include "wolf.h"

/** SIDE_FINISHED - Octets of the record with Finished in it, in TLS 1.2 with
 * AES-GCM
 */
#define SIDE_FINISHED (RECORD_HEAD + 8 + 4 + 12 + AEAD_TAG)

/**
 * struct stream_end - What is said on one end of an open connection
 * @wait:	sealed octets that the socket has not taken: NULL, or owned
 * @wait_at:	next of them
 * @wait_len:	how many there are
 * @fresh:	what is to be read ahead was not looked at yet
 * @notified:	close_notify was received
 * @broken:	it was ended by @fault, or by an alert of its own
 * @strayed:	not every record was given to wolfSSL
 * @due:	enum stream_due: what is to be sent before all else
 * @fault:	alert that it is to be told
 * @idle:	messages of TLS itself since the last data
 * @message:	header of the handshake message that is received
 * @message_len: octets of it
 * @message_left: octets of that message that are still to come
 */
struct stream_end {
	uint8_t *wait;
	size_t wait_at;
	size_t wait_len;
	bool fresh;
	bool notified;
	bool broken;
	bool strayed;
	uint8_t due;
	uint8_t fault;
	uint8_t idle;
	uint8_t message[4];
	uint8_t message_len;
	uint32_t message_left;
};

/**
 * struct side - One end
 * @ssl:	TLS; NULL: not begun yet, or not needed any more
 * @fd:		socket, the owner's
 * @readable:	it may have something to read
 * @writable:	it may take something
 * @hup:	the other end sends no more, says epoll
 * @fin:	everything was read that the other end sent
 * @failed:	it was reset, says epoll
 * @reset:	it was reset, and everything read that came before
 * @dead:	nothing can be sent any more
 * @sent:	something was sent
 * @broken:	what it sent are no TLS records
 * @sealed:	the handshake is over: @records are read and written, and @ssl
 *		sends no more
 * @server:	we are the server
 * @ahead:	octets that are read before the socket's: NULL, or owned
 * @ahead_at:	next of them
 * @ahead_len:	how many there are
 * @feed:	what @ssl is given to read if it is @sealed
 * @feed_len:	octets of it
 * @head:	header of the record that is being read
 * @head_len:	octets of it
 * @left:	octets of the record that are still to come
 * @alert:	the last alert of a handshake: level, description. If it was
 *		encrypted these are no such thing. @sealed: the fatal one that
 *		has ended it
 * @tail:	the last octets that were sent in a handshake
 * @records:	@sealed: its records
 * @stream:	@sealed: what is said in them
 */
struct side {
	WOLFSSL *ssl;
	int fd;
	bool readable;
	bool writable;
	bool hup;
	bool fin;
	bool failed;
	bool reset;
	bool dead;
	bool sent;
	bool broken;
	bool sealed;
	bool server;
	uint8_t *ahead;
	size_t ahead_at;
	size_t ahead_len;
	const uint8_t *feed;
	size_t feed_len;
	uint8_t head[RECORD_HEAD];
	uint8_t head_len;
	uint32_t left;
	uint8_t alert[2];
	uint8_t tail[SIDE_FINISHED];
	struct records records;
	struct stream_end stream;
};

/** side_init() - Begin: both readable and writable until shown otherwise */
void side_init(struct side *s, int fd);

/** side_attach() - Begin TLS: wolfSSL reads and writes through @s from now on
 */
void side_attach(struct side *s, WOLFSSL *ssl);

/** side_events() - Take note of EPOLL* bits */
void side_events(struct side *s, uint32_t events);

/** side_receive() - Octets of the socket into @to: how many; 0 if there are
 * none, and then it is known why
 */
size_t side_receive(struct side *s, void *to, size_t max);

/** side_transmit() - Octets into the socket: how many it has taken, and if not
 * all, it is known why
 */
size_t side_transmit(struct side *s, const void *from, size_t len);

/** side_ahead() - Octets of what is to be read ahead into @to: how many */
size_t side_ahead(struct side *s, void *to, size_t max);

/** side_close_tls() - wolfSSL is not needed any more */
void side_close_tls(struct side *s);

/** side_is_over() - Whether nothing more can be read: ended, reset or broken */
bool side_is_over(const struct side *s);

/**
 * side_send() - Send octets past wolfSSL, all or nothing
 *
 * For an alert where there is no TLS yet, or none any more: some tens of
 * octets, which a socket that was never written to takes.
 */
bool side_send(struct side *s, const void *octets, size_t len);

/** side_release() - Release all but the socket */
void side_release(struct side *s);

/** side_use() - Let a context's connections read and write through sides */
void side_use(WOLFSSL_CTX *ctx);

#endif

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
 */
#ifndef MSB_SIDE_H
#define MSB_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wolf.h"

/**
 * struct side - One end
 * @ssl:	TLS; NULL: not begun yet
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
 * @sealed:	records without encryption are none any more
 * @ahead:	octets that are read before the socket's: NULL, or owned
 * @ahead_at:	next of them
 * @ahead_len:	how many there are
 * @head:	header of the record that is being read
 * @head_len:	octets of it
 * @left:	octets of the record that are still to come
 * @alert:	the last alert of a handshake: level, description. If it was
 *		encrypted these are no such thing
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
	uint8_t *ahead;
	size_t ahead_at;
	size_t ahead_len;
	uint8_t head[5];
	uint8_t head_len;
	uint32_t left;
	uint8_t alert[2];
};

/** side_init() - Begin: both readable and writable until shown otherwise */
void side_init(struct side *s, int fd);

/** side_attach() - Begin TLS: wolfSSL reads and writes through @s from now on
 */
void side_attach(struct side *s, WOLFSSL *ssl);

/** side_events() - Take note of EPOLL* bits */
void side_events(struct side *s, uint32_t events);

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

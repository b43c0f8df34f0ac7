/* SPDX-License-Identifier: GPL-2.0-or-later */
/* datagram.h - Datagrams, with the address that each was sent to. */
#ifndef MSB_DATAGRAM_H
#define MSB_DATAGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "address.h"

/**
 * datagram_watch_asked() - Have the address told that a datagram was sent to
 * @fd:		UDP socket
 * @steered:	whether datagrams are steered to it (TPROXY): then it is the
 *		address and port they had before; else the local address
 *
 * Return: 0; -1 and errno
 */
int datagram_watch_asked(int fd, bool steered)
	__attribute__((warn_unused_result));

/**
 * datagram_receive() - Receive one datagram
 * @fd:		non-blocking socket that datagram_watch_asked() was called for
 * @data:	receives it
 * @room:	bytes there is room for
 * @ret_from:	who sent it
 * @ret_to:	what it was sent to; its port is 0 if that was not steered;
 *		family 0 if the kernel did not say
 *
 * Return: its bytes; -1 and errno
 */
ssize_t datagram_receive(int fd, void *data, size_t room,
			 struct address *ret_from, struct address *ret_to);

/**
 * datagram_answer() - Send a datagram from a certain address of this machine
 * @fd:		socket
 * @data:	bytes
 * @len:	how many
 * @to:		where to
 * @from:	local address that it shall come from
 *
 * Return: 0; -1 and errno
 */
int datagram_answer(int fd, const void *data, size_t len,
		    const struct address *to, struct ip from);

/**
 * datagram_socket() - Make a connected UDP socket
 * @from:	local address and port, shared with other sockets; NULL: any
 * @to:		peer
 *
 * Return: non-blocking socket; -1 and errno
 */
int datagram_socket(const struct address *from, const struct address *to);

#endif

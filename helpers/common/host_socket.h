/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host_socket.h - Sockets to the host's loopback, which a supervisor makes. */
#ifndef MSB_HOST_SOCKET_H
#define MSB_HOST_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "ip.h"

/** HOST_SOCKET_MS - Time that the supervisor has to answer */
#define HOST_SOCKET_MS 2000

/**
 * host_socket() - Ask the supervisor for a socket
 * @broker:	channel for it, with a timeout of HOST_SOCKET_MS
 * @proto:	IPPROTO_TCP or IPPROTO_UDP
 * @guest:	family of the gateway's address that the guest dialled
 * @host:	family of the loopback address wanted
 * @port:	port
 * @ret_broken:	set to true if the supervisor does not answer: an answer that
 *		comes too late would be taken for the next one's, so the channel
 *		is of no use any more
 *
 * Return: a non-blocking socket that is connected, or about to be; -1 and errno
 */
int host_socket(int broker, int proto, enum ip_family guest,
		enum ip_family host, uint16_t port, bool *ret_broken);

#endif

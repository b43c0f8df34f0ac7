/* SPDX-License-Identifier: GPL-2.0-or-later */
/* address.h - Addresses and ports as the socket calls have them. */
#ifndef MSB_ADDRESS_H
#define MSB_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "ip.h"

/**
 * struct address - An address and a port
 * @ip:		address, never IPv4-mapped
 * @port:	port, 0 if there is none
 */
struct address {
	struct ip ip;
	uint16_t port;
};

/** union address_room - Room for a socket address of either family */
union address_room {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/** address_from() - Read a socket address; IPv4-mapped ones are unwrapped */
struct address address_from(const union address_room *from);

/**
 * address_to() - Write a socket address
 * @a:		address
 * @family:	the socket's: AF_INET6 writes an IPv4 address as IPv4-mapped
 * @ret:	socket address
 *
 * Return: its length
 */
socklen_t address_to(const struct address *a, int family,
		     union address_room *ret);

/** address_equal() - Same address and port */
bool address_equal(const struct address *a, const struct address *b);

/** address_local() - A socket's own address; family 0 on failure */
struct address address_local(int fd);

/** address_is_loopback() - Whether it is in 127.0.0.0/8, or ::1 */
bool address_is_loopback(struct ip ip);

#endif

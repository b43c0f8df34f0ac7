/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dial.c - Sockets to servers, of the gateway's namespace.
 *
 * They are made where the guest's packets pass, not on the host: what they send
 * leaves by the uplink, and the host's table and routes treat it as what the
 * guest sends. So another sandbox, the uplink, a port that is published on the
 * host are as far away as for a flow that nobody carries, and no rule has to be
 * told twice.
 *
 * Their source is the gateway's address and not the guest's: a packet from the
 * guest's would be one of the guest's own flows, for conntrack, whenever both
 * have the same port.
 */
#include "dial.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

static int prepare(int fd, int family, struct ip from)
{
	static const char link[] = DIAL_LINK;
	const struct address source = {from, 0};
	const int mark = DIAL_MARK, on = 1;
	union address_room room;
	const socklen_t len = address_to(&source, family, &room);

	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, link, sizeof(link)) <
		    0 ||
	    setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0)
		return -1;
	/* The port is chosen for the peer, so there are as many as there are
	 * ports for each. */
	if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on,
		       sizeof(on)) < 0)
		return -1;
	return bind(fd, &room.any, len);
}

int dial(const struct tls_conf *c, const struct address *to, bool speaks)
{
	const bool v4 = to->ip.family == IP_V4;
	const int family = v4 ? AF_INET : AF_INET6;
	const int fd =
		socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	union address_room room;
	const socklen_t len = address_to(to, family, &room);
	const int off = 0;
	int code;

	if (fd < 0)
		return -1;
	/* Or the kernel would send the last packet of the handshake alone. */
	if (speaks)
		setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof(off));
	if (prepare(fd, family, v4 ? c->walk.gw4 : c->walk.gw6) == 0 &&
	    (connect(fd, &room.any, len) == 0 || errno == EINPROGRESS))
		return fd;
	code = errno;
	close(fd);
	errno = code;
	return -1;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host_socket.c - Sockets to the host's loopback, which a supervisor makes. */
#include "host_socket.h"

#include <errno.h>

#include "channel.h"

int host_socket(int broker, int proto, enum ip_family guest,
		enum ip_family host, uint16_t port, bool *ret_broken)
{
	struct channel_msg m = {
		.type = CHANNEL_CONNECT,
		.index = {[CHANNEL_PROTO] = (uint32_t)proto,
			  [CHANNEL_GUEST_FAMILY] = guest,
			  [CHANNEL_HOST_FAMILY] = host,
			  [CHANNEL_PORT] = port},
	};
	int fds[CHANNEL_MAX];
	int rc;

	if (channel_send(broker, &m, NULL) < 0)
		return -1;
	rc = channel_receive(broker, &m, fds);
	if (rc == 1 && m.type == CHANNEL_CONNECTED && m.count == 1)
		return fds[0];
	if (rc == 1) {
		channel_close_fds(&m, fds);
		errno = m.type == CHANNEL_REFUSED && m.index[0]
				? (int)m.index[0]
				: EPROTO;
		return -1;
	}
	*ret_broken = true;
	errno = EPIPE;
	return -1;
}

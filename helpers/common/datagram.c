/* SPDX-License-Identifier: GPL-2.0-or-later */
/* datagram.c - Datagrams, with the address that each was sent to. */
#include "datagram.h"

#include <errno.h>
#include <linux/in6.h>
#include <string.h>
#include <unistd.h>

/* Room for the one control message that is asked for. */
union control {
	struct cmsghdr head;
	char room[128];
};

static int socket_family(int fd)
{
	int family = AF_UNSPEC;
	socklen_t len = sizeof(family);

	getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len);
	return family;
}

int datagram_watch_asked(int fd, bool steered)
{
	const bool v4 = socket_family(fd) == AF_INET;
	const int on = 1;

	if (v4)
		return setsockopt(fd, IPPROTO_IP,
				  steered ? IP_RECVORIGDSTADDR : IP_PKTINFO,
				  &on, sizeof(on));
	return setsockopt(fd, IPPROTO_IPV6,
			  steered ? IPV6_RECVORIGDSTADDR : IPV6_RECVPKTINFO,
			  &on, sizeof(on));
}

/* What a control message says of the address that was asked, if it does. */
static void read_asked(const struct cmsghdr *c, struct address *ret)
{
	union address_room room = {0};
	struct in_pktinfo info4;
	struct in6_pktinfo info6;
	const void *data = CMSG_DATA(c);

	if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
		memcpy(&info4, data, sizeof(info4));
		ret->ip = ip_from_bytes(IP_V4, (uint8_t *)&info4.ipi_addr);
	} else if (c->cmsg_level == IPPROTO_IPV6 &&
		   c->cmsg_type == IPV6_PKTINFO) {
		memcpy(&info6, data, sizeof(info6));
		ret->ip =
			ip_unmap(ip_from_bytes(IP_V6, info6.ipi6_addr.s6_addr));
	} else if (c->cmsg_level == IPPROTO_IP &&
		   c->cmsg_type == IP_ORIGDSTADDR) {
		memcpy(&room.in, data, sizeof(room.in));
		*ret = address_from(&room);
	} else if (c->cmsg_level == IPPROTO_IPV6 &&
		   c->cmsg_type == IPV6_ORIGDSTADDR) {
		memcpy(&room.in6, data, sizeof(room.in6));
		*ret = address_from(&room);
	}
}

ssize_t datagram_receive(int fd, void *data, size_t room,
			 struct address *ret_from, struct address *ret_to)
{
	union control control;
	union address_room from = {0};
	struct iovec iov = {data, room};
	struct msghdr m = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room),
	};
	const ssize_t n = recvmsg(fd, &m, 0);

	if (n < 0)
		return -1;
	*ret_from = address_from(&from);
	*ret_to = (struct address){0};
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		read_asked(c, ret_to);
	return n;
}

int datagram_answer(int fd, const void *data, size_t len,
		    const struct address *to, struct ip from)
{
	const int family = socket_family(fd);
	const struct address source = {from, 0};
	union address_room name, local;
	union control control = {0};
	struct iovec iov = {(void *)(uintptr_t)data, len};
	struct msghdr m = {
		.msg_name = &name,
		.msg_namelen = address_to(to, family, &name),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
	};

	address_to(&source, family, &local);
	if (family == AF_INET) {
		const struct in_pktinfo info = {
			.ipi_spec_dst = local.in.sin_addr,
		};

		control.head.cmsg_level = IPPROTO_IP;
		control.head.cmsg_type = IP_PKTINFO;
		control.head.cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(&control.head), &info, sizeof(info));
		m.msg_controllen = CMSG_SPACE(sizeof(info));
	} else {
		const struct in6_pktinfo info = {
			.ipi6_addr = local.in6.sin6_addr,
		};

		control.head.cmsg_level = IPPROTO_IPV6;
		control.head.cmsg_type = IPV6_PKTINFO;
		control.head.cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(&control.head), &info, sizeof(info));
		m.msg_controllen = CMSG_SPACE(sizeof(info));
	}
	return sendmsg(fd, &m, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

int datagram_socket(const struct address *from, const struct address *to)
{
	const int family = to->ip.family == IP_V4 ? AF_INET : AF_INET6;
	const int on = 1;
	union address_room room;
	socklen_t len;
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (from) {
		len = address_to(from, family, &room);
		if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) <
			    0 ||
		    bind(fd, &room.any, len) < 0)
			goto fail;
	}
	len = address_to(to, family, &room);
	if (connect(fd, &room.any, len) == 0)
		return fd;
fail:;
	const int code = errno;

	close(fd);
	errno = code;
	return -1;
}

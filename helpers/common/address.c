/* SPDX-License-Identifier: GPL-2.0-or-later */
/* address.c - Addresses and ports as the socket calls have them. */
#include "address.h"

#include <string.h>

struct address address_from(const union address_room *from)
{
	struct address a = {0};

	if (from->any.sa_family == AF_INET) {
		a.ip = ip_from_bytes(IP_V4,
				     (const uint8_t *)&from->in.sin_addr);
		a.port = ntohs(from->in.sin_port);
	} else if (from->any.sa_family == AF_INET6) {
		a.ip = ip_unmap(
			ip_from_bytes(IP_V6, from->in6.sin6_addr.s6_addr));
		a.port = ntohs(from->in6.sin6_port);
	}
	return a;
}

socklen_t address_to(const struct address *a, int family,
		     union address_room *ret)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	uint8_t bytes[16];
	const size_t n = ip_to_bytes(a->ip, bytes);

	memset(ret, 0, sizeof(*ret));
	if (family == AF_INET) {
		ret->in.sin_family = AF_INET;
		ret->in.sin_port = htons(a->port);
		memcpy(&ret->in.sin_addr, bytes, sizeof(ret->in.sin_addr));
		return sizeof(ret->in);
	}
	ret->in6.sin6_family = AF_INET6;
	ret->in6.sin6_port = htons(a->port);
	if (n == 4) {
		memcpy(ret->in6.sin6_addr.s6_addr, mapped, sizeof(mapped));
		memcpy(ret->in6.sin6_addr.s6_addr + sizeof(mapped), bytes, n);
	} else {
		memcpy(ret->in6.sin6_addr.s6_addr, bytes, n);
	}
	return sizeof(ret->in6);
}

bool address_equal(const struct address *a, const struct address *b)
{
	return a->port == b->port && ip_equal(a->ip, b->ip);
}

struct address address_local(int fd)
{
	union address_room room = {0};
	socklen_t len = sizeof(room);

	if (getsockname(fd, &room.any, &len) < 0)
		return (struct address){0};
	return address_from(&room);
}

bool address_is_loopback(struct ip ip)
{
	if (ip.family == IP_V4)
		return ip.num >> 24 == 127;
	return ip.family == IP_V6 && ip.num == 1;
}

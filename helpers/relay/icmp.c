/* SPDX-License-Identifier: GPL-2.0-or-later */
/* icmp.c - What a refused datagram is answered with. */
#include <linux/icmp.h>
#include <linux/ip.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

#include "relay.h"

/*
 * An ICMP error quotes the head of the packet that it is about (RFC 792, RFC
 * 4443 §3.1). Of that packet the receiver looks at addresses and ports alone,
 * and these are known as long as the flow is: the packet itself need not be.
 */

/** struct quote4 - "Port unreachable" over IPv4 */
struct quote4 {
	struct icmphdr icmp;
	struct iphdr ip;
	struct udphdr udp;
};

/** struct quote6 - "Port unreachable" over IPv6 */
struct quote6 {
	struct icmp6_hdr icmp;
	struct ip6_hdr ip;
	struct udphdr udp;
};

static struct udphdr quote_udp(const struct relay_flow *f)
{
	return (struct udphdr){
		.source = htons(f->client.port),
		.dest = htons(f->asked.port),
		.len = htons(sizeof(struct udphdr)),
	};
}

/* The Internet checksum (RFC 1071) of a whole number of 16-bit words. */
static uint16_t checksum(const void *data, size_t len)
{
	const uint8_t *bytes = data;
	uint32_t sum = 0;
	uint16_t word;

	for (size_t i = 0; i < len; i += sizeof(word)) {
		memcpy(&word, bytes + i, sizeof(word));
		sum += word;
	}
	sum = (sum >> 16) + (sum & 0xffff);
	sum += sum >> 16;
	return (uint16_t)~sum;
}

static void send_quote(int fd, const void *data, size_t len,
		       const struct relay_flow *f)
{
	const struct address guest = {f->client.ip, 0};
	const int family = guest.ip.family == IP_V4 ? AF_INET : AF_INET6;
	union address_room to;
	const socklen_t size = address_to(&guest, family, &to);

	sendto(fd, data, len, MSG_DONTWAIT, &to.any, size);
}

static void unreachable4(int fd, const struct relay_flow *f)
{
	struct quote4 q = {
		.icmp = {.type = ICMP_DEST_UNREACH, .code = ICMP_PORT_UNREACH},
		.ip = {.version = 4,
		       .ihl = sizeof(q.ip) / 4,
		       .tot_len = htons(sizeof(q.ip) + sizeof(q.udp)),
		       .ttl = 64,
		       .protocol = IPPROTO_UDP},
		.udp = quote_udp(f),
	};

	q.ip.saddr = htonl((uint32_t)f->client.ip.num);
	q.ip.daddr = htonl((uint32_t)f->asked.ip.num);
	q.ip.check = checksum(&q.ip, sizeof(q.ip));
	q.icmp.checksum = checksum(&q, sizeof(q));
	send_quote(fd, &q, sizeof(q), f);
}

static void unreachable6(int fd, const struct relay_flow *f)
{
	/* The kernel writes the checksum: it covers the addresses. */
	struct quote6 q = {
		.icmp = {.icmp6_type = ICMP6_DST_UNREACH,
			 .icmp6_code = ICMP6_DST_UNREACH_NOPORT},
		.ip.ip6_flow = htonl(UINT32_C(6) << 28),
		.ip.ip6_plen = htons(sizeof(q.udp)),
		.ip.ip6_nxt = IPPROTO_UDP,
		.ip.ip6_hlim = 64,
		.udp = quote_udp(f),
	};

	ip_to_bytes(f->client.ip, q.ip.ip6_src.s6_addr);
	ip_to_bytes(f->asked.ip, q.ip.ip6_dst.s6_addr);
	send_quote(fd, &q, sizeof(q), f);
}

void relay_unreachable(struct relay *r, const struct relay_flow *f)
{
	const int *gateway = r->now.sockets.fd + r->now.conf->n_listeners;

	if (f->client.ip.family == IP_V4)
		unreachable4(gateway[RELAY_ICMP4], f);
	else
		unreachable6(gateway[RELAY_ICMP6], f);
}

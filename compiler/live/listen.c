/* SPDX-License-Identifier: GPL-2.0-or-later */
/* listen.c - The sockets that a sandbox's helpers are given. */
#include "listen.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/icmp.h>
#include <linux/netlink.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "binding.h"
#include "channel.h"
#include "lease.h"
#include "port_owner.h"

#define BACKLOG	 4096
#define DNS_PORT 53

/** struct option - A socket option that is set to 1 */
struct option {
	int level;
	int name;
};

static int sockaddr_of(struct ip ip, uint16_t port,
		       struct sockaddr_storage *ret)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
	struct sockaddr_in *in4 = (struct sockaddr_in *)ret;
	uint8_t bytes[16];

	memset(ret, 0, sizeof(*ret));
	ip_to_bytes(ip, bytes);
	if (ip.family == IP_V4) {
		in4->sin_family = AF_INET;
		in4->sin_port = htons(port);
		memcpy(&in4->sin_addr, bytes, sizeof(in4->sin_addr));
		return sizeof(*in4);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, bytes, sizeof(in6->sin6_addr));
	return sizeof(*in6);
}

static int socket_with(int af, int type, int proto, const struct option *v,
		       size_t n)
{
	const int on = 1;
	int fd = socket(af, type | SOCK_CLOEXEC | SOCK_NONBLOCK, proto);
	size_t i;

	for (i = 0; fd >= 0 && i < n; i++) {
		if (setsockopt(fd, v[i].level, v[i].name, &on, sizeof(on)) <
		    0) {
			const int code = errno;

			close(fd);
			errno = code;
			return -1;
		}
	}
	return fd;
}

/*
 * A socket of a published port is for clients on the loopback, whoever holds
 * it. It is bound to that device, and has a filter, which is locked, that
 * refuses
 *
 * - what a supervisor's socket has sent, which its time to live tells: a
 * sandbox that comes by way of the host;
 * - what is not to a loopback address, and the answer to a SYN: one that is
 * made to connect instead hears nothing from a network. (One of UDP is rid of
 * its device by that.)
 *
 * So neither can a helper, nor who has taken one over.
 */
static int keep_to_clients(int fd, bool tcp)
{
	static const char device[] = "lo";
	struct sock_filter v[] = {
		/* TCP's flags. */
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x12, 17, 0),
		/* The version; of IPv4 time to live and destination. */
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)SKF_NET_OFF + 0),
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 4, 0, 4),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)SKF_NET_OFF + 8),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CHANNEL_HOPS, 12, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)SKF_NET_OFF + 16),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 127, 11, 10),
		/* Of IPv6. */
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)SKF_NET_OFF + 7),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CHANNEL_HOPS, 8, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_NET_OFF + 24),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 6),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_NET_OFF + 28),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_NET_OFF + 32),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_NET_OFF + 36),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	const unsigned short first = tcp ? 0 : 3;
	const struct sock_fprog filter = {
		(unsigned short)(sizeof(v) / sizeof(v[0]) - first), v + first};
	const int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device,
		       sizeof(device)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter,
		       sizeof(filter)) < 0)
		return -1;
	return setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on));
}

bool listen_same(const struct config_binding *a, const struct config_binding *b)
{
	return a->proto == b->proto && a->host_port == b->host_port &&
	       ip_equal(a->bind, b->bind);
}

const struct config_binding *listen_find(const struct config *c,
					 const struct config_binding *b)
{
	size_t i;

	for (i = 0; c && i < c->n_bindings; i++)
		if (listen_same(&c->bindings[i], b))
			return &c->bindings[i];
	return NULL;
}

void listen_init(struct arena *a, struct listen_sockets *s, size_t n)
{
	size_t i;

	s->binding = arena_array(a, n, int);
	s->n = n;
	for (i = 0; i < n; i++)
		s->binding[i] = -1;
	for (i = 0; i < LISTEN_GATEWAY; i++)
		s->gateway[i] = -1;
}

static const char *binding_words(const struct config_binding *b, char *buf,
				 size_t size)
{
	char text[IP_TEXT_MAX];

	snprintf(buf, size, b->bind.family == IP_V4 ? "%s:%u/%s" : "[%s]:%u/%s",
		 ip_format(b->bind, text), b->host_port,
		 b->proto == CONFIG_UDP ? "udp" : "tcp");
	return buf;
}

static const struct config_binding *own_on_port(const struct config *own,
						const struct config_binding *b)
{
	size_t i;

	for (i = 0; own && i < own->n_bindings; i++)
		if (own->bindings[i].host_port == b->host_port &&
		    own->bindings[i].proto == b->proto)
			return &own->bindings[i];
	return NULL;
}

static int refuse_leased(const struct config_binding *b, const char *owner,
			 struct live_error *e)
{
	char words[IP_TEXT_MAX + 16];

	return live_refuse(e, "%s: %s is taken by sandbox %s", b->pointer,
			   binding_words(b, words, sizeof(words)), owner);
}

static int refuse_taken(const struct state *state, const char *name,
			const struct config_binding *b,
			const struct config *own, struct live_error *e)
{
	const struct config_binding *before = own_on_port(own, b);
	char words[IP_TEXT_MAX + 16], owner[PLAN_NAME_MAX + 1], who[256];

	binding_words(b, words, sizeof(words));
	if (before)
		return live_refuse(e,
				   "%s: %s is taken by the sandbox's own %s: "
				   "take that away first, then add this",
				   b->pointer, words, before->pointer);
	lease_owner_of_port(state, name, b, owner);
	if (owner[0])
		return refuse_leased(b, owner, e);
	port_owner(b, who, sizeof(who));
	return live_refuse(e, "%s: %s is taken by %s", b->pointer, words, who);
}

int listen_open(const struct state *state, const char *name,
		const struct config_binding *b, const struct config *own,
		struct live_error *e)
{
	const bool tcp = b->proto == CONFIG_TCP;
	const bool relayed = binding_is_loopback(b) || binding_is_wildcard(b);
	const bool v4 = b->bind.family == IP_V4;
	char words[IP_TEXT_MAX + 16], owner[PLAN_NAME_MAX + 1];
	struct sockaddr_storage address;
	const int len = sockaddr_of(b->bind, b->host_port, &address);
	struct option options[2];
	size_t n = 0;
	int fd, code;

	/* One whose helper is gone has its ports all the same. */
	lease_owner_of_binding(state, b, owner);
	if (owner[0] && strcmp(owner, name) != 0)
		return refuse_leased(b, owner, e);
	/* A relay's own old connections are not in the way of its successor.
	 * A socket that does not listen must not be shared: only a listener
	 * keeps others with this option away. */
	if (tcp && relayed)
		options[n++] = (struct option){SOL_SOCKET, SO_REUSEADDR};
	if (!tcp && v4)
		options[n++] = (struct option){IPPROTO_IP, IP_PKTINFO};
	if (!tcp && !v4)
		options[n++] = (struct option){IPPROTO_IPV6, IPV6_RECVPKTINFO};
	fd = socket_with(v4 ? AF_INET : AF_INET6,
			 tcp ? SOCK_STREAM : SOCK_DGRAM, 0, options, n);
	if (fd < 0)
		return live_errno(e, errno, "%s: open a socket", b->pointer);
	if (!v4) {
		/* "::" takes IPv4 too, whatever the host's default is. */
		const int only = !binding_is_wildcard(b);

		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
	}
	if (keep_to_clients(fd, tcp) == 0 &&
	    bind(fd, (struct sockaddr *)&address, (socklen_t)len) == 0 &&
	    (!tcp || !relayed || listen(fd, BACKLOG) == 0))
		return fd;
	code = errno;
	close(fd);
	binding_words(b, words, sizeof(words));
	if (code == EADDRINUSE)
		return refuse_taken(state, name, b, own, e);
	if (code == EADDRNOTAVAIL)
		return live_refuse(e,
				   "%s: %s cannot be bound: the host does not "
				   "have this address now",
				   b->pointer, words);
	return live_errno(e, code, "%s: bind %s", b->pointer, words);
}

/** struct row - What a socket of the gateway's namespace is */
struct row {
	int af;
	int type;
	int proto;
	struct option options[4];
};

static const struct row gateway_rows[LISTEN_GATEWAY] = {
	{AF_INET,
	 SOCK_STREAM,
	 0,
	 {{SOL_SOCKET, SO_REUSEADDR}, {IPPROTO_IP, IP_TRANSPARENT}}},
	{AF_INET6,
	 SOCK_STREAM,
	 0,
	 {{SOL_SOCKET, SO_REUSEADDR},
	  {IPPROTO_IPV6, IPV6_TRANSPARENT},
	  {IPPROTO_IPV6, IPV6_V6ONLY}}},
	{AF_INET,
	 SOCK_DGRAM,
	 0,
	 {{IPPROTO_IP, IP_TRANSPARENT}, {IPPROTO_IP, IP_RECVORIGDSTADDR}}},
	{AF_INET6,
	 SOCK_DGRAM,
	 0,
	 {{IPPROTO_IPV6, IPV6_TRANSPARENT},
	  {IPPROTO_IPV6, IPV6_V6ONLY},
	  {IPPROTO_IPV6, IPV6_RECVORIGDSTADDR}}},
	{AF_INET, SOCK_RAW, IPPROTO_ICMP, {{0, 0}}},
	{AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, {{0, 0}}},
};

static const struct row dns_rows[DNS_NETLINK + 1] = {
	[DNS_UDP4] = {AF_INET, SOCK_DGRAM, 0, {{IPPROTO_IP, IP_TRANSPARENT}}},
	[DNS_UDP6] = {AF_INET6,
		      SOCK_DGRAM,
		      0,
		      {{IPPROTO_IPV6, IPV6_TRANSPARENT},
		       {IPPROTO_IPV6, IPV6_V6ONLY}}},
	[DNS_TCP4] = {AF_INET,
		      SOCK_STREAM,
		      0,
		      {{SOL_SOCKET, SO_REUSEADDR},
		       {IPPROTO_IP, IP_TRANSPARENT}}},
	[DNS_TCP6] = {AF_INET6,
		      SOCK_STREAM,
		      0,
		      {{SOL_SOCKET, SO_REUSEADDR},
		       {IPPROTO_IPV6, IPV6_TRANSPARENT},
		       {IPPROTO_IPV6, IPV6_V6ONLY}}},
	[DNS_NETLINK] = {AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER, {{0, 0}}},
};

static const struct row tls_rows[TLS_NETLINK + 1] = {
	[TLS_TCP4] = {AF_INET,
		      SOCK_STREAM,
		      0,
		      {{SOL_SOCKET, SO_REUSEADDR},
		       {IPPROTO_IP, IP_TRANSPARENT}}},
	[TLS_TCP6] = {AF_INET6,
		      SOCK_STREAM,
		      0,
		      {{SOL_SOCKET, SO_REUSEADDR},
		       {IPPROTO_IPV6, IPV6_TRANSPARENT},
		       {IPPROTO_IPV6, IPV6_V6ONLY}}},
	[TLS_NETLINK] = {AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER, {{0, 0}}},
};

/* A raw socket gets a copy of every ICMP message; nobody reads these. */
static void send_only(int fd, int af)
{
	const struct icmp_filter none4 = {~0u};
	struct icmp6_filter none6;

	ICMP6_FILTER_SETBLOCKALL(&none6);
	if (af == AF_INET)
		setsockopt(fd, SOL_RAW, ICMP_FILTER, &none4, sizeof(none4));
	else
		setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &none6,
			   sizeof(none6));
}

static int open_one(const struct row *row, uint16_t port)
{
	const struct ip any = {row->af == AF_INET ? IP_V4 : IP_V6, 0};
	struct sockaddr_storage address;
	const int len = sockaddr_of(any, port, &address);
	size_t n = 0;
	int fd, code;

	while (n < 4 && row->options[n].name)
		n++;
	fd = socket_with(row->af, row->type, row->proto, row->options, n);
	if (fd >= 0 && row->type == SOCK_RAW && row->af != AF_NETLINK)
		send_only(fd, row->af);
	if (fd < 0 || row->type == SOCK_RAW)
		return fd;
	if (bind(fd, (struct sockaddr *)&address, (socklen_t)len) == 0 &&
	    (row->type == SOCK_DGRAM || listen(fd, BACKLOG) == 0))
		return fd;
	code = errno;
	close(fd);
	errno = code;
	return -1;
}

static int open_rows(const struct row *rows, size_t n, uint16_t port,
		     const char *what, int *ret, struct live_error *e)
{
	size_t i;

	for (i = 0; i < n; i++) {
		ret[i] = open_one(&rows[i], port);
		if (ret[i] < 0)
			return live_errno(e, errno, "open %s", what);
	}
	return 0;
}

int listen_open_gateway(struct listen_sockets *s, uint16_t port,
			struct live_error *e)
{
	return open_rows(gateway_rows, LISTEN_GATEWAY, port,
			 "the gateway's sockets", s->gateway, e);
}

int listen_open_dns(int ret[DNS_FD_COUNT], struct live_error *e)
{
	return open_rows(dns_rows, DNS_NETLINK + 1, DNS_PORT,
			 "the gateway's DNS sockets", ret, e);
}

int listen_open_tls(int ret[TLS_FD_COUNT], uint16_t port, struct live_error *e)
{
	return open_rows(tls_rows, TLS_NETLINK + 1, port,
			 "the gateway's TLS sockets", ret, e);
}

void listen_close(struct listen_sockets *s)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (s->binding[i] >= 0)
			close(s->binding[i]);
		s->binding[i] = -1;
	}
	for (i = 0; i < LISTEN_GATEWAY; i++) {
		if (s->gateway[i] >= 0)
			close(s->gateway[i]);
		s->gateway[i] = -1;
	}
}

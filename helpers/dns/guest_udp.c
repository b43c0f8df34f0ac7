/* SPDX-License-Identifier: GPL-2.0-or-later */
/* guest_udp.c - Datagrams from and to the guest, many at once. */
#include "datagram.h"

#include <linux/in6.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "worker.h"

/* Room for the one control message of a datagram. */
union control {
	struct cmsghdr head;
	char room[64];
};

/* The address that a datagram was sent to; family 0 if it is not said. */
static struct ip asked(struct msghdr *m)
{
	union address_room room = {0};

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP &&
		    c->cmsg_type == IP_ORIGDSTADDR)
			memcpy(&room.in, CMSG_DATA(c), sizeof(room.in));
		else if (c->cmsg_level == IPPROTO_IPV6 &&
			 c->cmsg_type == IPV6_ORIGDSTADDR)
			memcpy(&room.in6, CMSG_DATA(c), sizeof(room.in6));
		else
			continue;
		return address_from(&room).ip;
	}
	return (struct ip){0};
}

/* Receive a batch. Return: how many datagrams. */
static int receive(struct worker *w, struct guest_udp *g)
{
	struct mmsghdr m[GUEST_BATCH];
	struct iovec iov[GUEST_BATCH];
	union address_room from[GUEST_BATCH];
	union control control[GUEST_BATCH];
	int n;

	for (unsigned int i = 0; i < GUEST_BATCH; i++) {
		iov[i] = (struct iovec){g->in[i], GUEST_DATAGRAM};
		m[i].msg_hdr = (struct msghdr){
			.msg_name = &from[i],
			.msg_namelen = sizeof(from[i]),
			.msg_iov = &iov[i],
			.msg_iovlen = 1,
			.msg_control = &control[i],
			.msg_controllen = sizeof(control[i]),
		};
	}
	n = recvmmsg(g->watch.fd, m, GUEST_BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		const struct client client = {
			.from = address_from(&from[i]),
			.to = asked(&m[i].msg_hdr),
		};

		if (client.to.family && !(m[i].msg_hdr.msg_flags & MSG_TRUNC))
			(void)resolver_query(&w->r, &client, g->in[i],
					     m[i].msg_len);
	}
	return n;
}

static void ready(struct loop *l, struct loop_watch *watch, uint32_t events)
{
	struct guest_udp *g = loop_owner(watch, struct guest_udp, watch);
	int n = GUEST_BATCH;

	(void)events;
	for (int i = 0; i < GUEST_ROUNDS && n == GUEST_BATCH; i++)
		n = receive(l->context, g);
}

bool guest_udp_open(struct worker *w, unsigned int which, int fd)
{
	struct guest_udp *g = w->udp[which];

	g->watch = (struct loop_watch){fd, ready};
	return datagram_watch_asked(fd, true) == 0 &&
	       loop_add(&w->l, &g->watch, EPOLLIN) == 0;
}

/* Have a datagram come from the address that was asked. */
static void set_source(struct msghdr *m, union control *control, int family,
		       struct ip from)
{
	struct cmsghdr *c = &control->head;
	const struct address source = {from, 0};
	union address_room local;

	address_to(&source, family, &local);
	m->msg_control = control;
	if (family == AF_INET) {
		const struct in_pktinfo info = {
			.ipi_spec_dst = local.in.sin_addr,
		};

		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		m->msg_controllen = CMSG_SPACE(sizeof(info));
	} else {
		const struct in6_pktinfo info = {
			.ipi6_addr = local.in6.sin6_addr,
		};

		c->cmsg_level = IPPROTO_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		m->msg_controllen = CMSG_SPACE(sizeof(info));
	}
}

static void flush(struct guest_udp *g, int family)
{
	struct mmsghdr m[GUEST_BATCH];
	struct iovec iov[GUEST_BATCH];
	union address_room to[GUEST_BATCH];
	union control control[GUEST_BATCH];
	unsigned int at = 0;

	for (unsigned int i = 0; i < g->n; i++) {
		control[i] = (union control){0};
		iov[i] = (struct iovec){g->out[i], g->len[i]};
		m[i].msg_hdr = (struct msghdr){
			.msg_name = &to[i],
			.msg_namelen = address_to(&g->to[i], family, &to[i]),
			.msg_iov = &iov[i],
			.msg_iovlen = 1,
		};
		set_source(&m[i].msg_hdr, &control[i], family, g->from[i]);
	}
	/* One that cannot be sent is lost, as datagrams are. */
	while (at < g->n) {
		const int n = sendmmsg(g->watch.fd, m + at, g->n - at,
				       MSG_DONTWAIT | MSG_NOSIGNAL);

		at += n > 0 ? (unsigned int)n : 1;
	}
	g->n = 0;
}

void guest_udp_flush(struct worker *w)
{
	if (w->udp[0]->n)
		flush(w->udp[0], AF_INET);
	if (w->udp[1]->n)
		flush(w->udp[1], AF_INET6);
}

void guest_udp_answer(struct worker *w, const struct client *client,
		      const uint8_t *data, size_t len)
{
	const bool v6 = client->to.family == IP_V6;
	struct guest_udp *g = w->udp[v6];

	if (len > QUERY_ANSWER_UDP)
		return;
	if (g->n == GUEST_BATCH)
		flush(g, v6 ? AF_INET6 : AF_INET);
	memcpy(g->out[g->n], data, len);
	g->len[g->n] = len;
	g->to[g->n] = client->from;
	g->from[g->n++] = client->to;
}

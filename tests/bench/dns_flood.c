/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dns_flood.c - A guest that wants its DNS filter to fall over.
 *
 *	dns_flood GATEWAY4 GATEWAY6 RATE CONNECTIONS OPENED
 *
 * It sends RATE datagrams a second to port 53 of the gateway, and keeps
 * CONNECTIONS TCP connections to it, of which it opens OPENED a second anew,
 *until it is killed. What it sends is said by the table below; nothing is
 *repeated but by chance, and the same is sent each time that it is started.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS	  1000000
#define TICKS	  1000
#define BATCH	  64
#define SOCKETS	  128
#define DATAGRAM  1600
#define NAMES	  "0123456789abcdefghijklmnopqrstuvwxyz-_"
#define ADDRESSES 256

/* Queries that it begins with, and the resolvers that they are for. */
#define BEGIN_QUERIES	1200
#define BEGIN_RESOLVERS 8

/* Ticks from the opening of a connection to what is said on it. */
#define SILENCE 200

/**
 * enum kind - What is sent
 * @KIND_PINNED:	a name that is pinned, asked once
 * @KIND_PLAIN:		one that is forwarded only
 * @KIND_DENIED:	one that is denied
 * @KIND_INSIDE:	one that leads inside
 * @KIND_ELSEWHERE:	a resolver of the guest's choice
 * @KIND_MUTATED:	a query with an octet that is another
 * @KIND_OCTETS:	octets
 */
enum kind {
	KIND_PINNED,
	KIND_PLAIN,
	KIND_DENIED,
	KIND_INSIDE,
	KIND_ELSEWHERE,
	KIND_MUTATED,
	KIND_OCTETS,
	KIND_COUNT,
};

static const struct {
	/* Of a thousand. */
	unsigned int share;
	const char *prefix;
	const char *suffix;
} kinds[KIND_COUNT] = {
	[KIND_PINNED] = {400, "", "pin.test"},
	[KIND_PLAIN] = {240, "", "plain.test"},
	[KIND_DENIED] = {60, "", "ads.test"},
	[KIND_INSIDE] = {60, "inside-", "pin.test"},
	[KIND_ELSEWHERE] = {4, "", "plain.test"},
	[KIND_MUTATED] = {120, "", "plain.test"},
	[KIND_OCTETS] = {116, "", ""},
};

/**
 * struct flood - The flood
 * @chance:	state of the random numbers
 * @to:		the gateway's addresses
 * @udp:	sockets; every second one is of IPv6
 * @tcp:	connections; -1: none
 * @data:	what is sent
 * @m:		messages
 * @iov:	their places
 * @elsewhere:	resolvers of the guest's choice
 * @begin:	queries that it begins with, and that are not sent yet
 */
struct flood {
	uint64_t chance;
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} to[2];
	int udp[SOCKETS];
	int *tcp;
	uint8_t data[BATCH][DATAGRAM];
	struct mmsghdr m[BATCH];
	struct iovec iov[BATCH];
	struct sockaddr_in elsewhere[BATCH];
	unsigned int begin;
};

/* xorshift64: it is no secret. */
static uint32_t chance(struct flood *f, uint32_t below)
{
	f->chance ^= f->chance << 13;
	f->chance ^= f->chance >> 7;
	f->chance ^= f->chance << 17;
	return (uint32_t)(f->chance >> 32) % below;
}

static size_t put_octets(struct flood *f, uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)chance(f, 256);
	return n;
}

static size_t put_label(uint8_t *p, const char *text, size_t len)
{
	p[0] = (uint8_t)len;
	memcpy(p + 1, text, len);
	return len + 1;
}

static size_t put_name(struct flood *f, uint8_t *p, enum kind kind)
{
	const char *suffix = kinds[kind].suffix, *dot = strchr(suffix, '.');
	char label[64];
	size_t n = strlen(kinds[kind].prefix), at = 0;
	const size_t end = n + 12 + chance(f, 40);

	memcpy(label, kinds[kind].prefix, n);
	while (n < end)
		label[n++] = NAMES[chance(f, sizeof(NAMES) - 1)];
	at += put_label(p + at, label, n);
	at += put_label(p + at, suffix, (size_t)(dot - suffix));
	at += put_label(p + at, dot + 1, strlen(dot + 1));
	p[at] = 0;
	return at + 1;
}

/* One message. Return: its length. */
static size_t put_message(struct flood *f, uint8_t *p, enum kind kind)
{
	static const uint8_t edns[] = {0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0};
	static const uint8_t types[] = {1, 1, 1, 28, 28, 65, 16, 255};
	uint8_t head[12] = {0, 0, 1, 0, 0, 1};
	size_t at = sizeof(head);

	if (kind == KIND_OCTETS)
		return put_octets(f, p, 1 + chance(f, DATAGRAM - 1));
	put_octets(f, head, 2);
	head[11] = (uint8_t)chance(f, 2);
	memcpy(p, head, sizeof(head));
	at += put_name(f, p + at, kind);
	p[at++] = 0;
	p[at++] = types[chance(f, sizeof(types))];
	p[at++] = 0;
	p[at++] = 1;
	if (head[11]) {
		memcpy(p + at, edns, sizeof(edns));
		at += sizeof(edns);
	}
	if (kind == KIND_MUTATED)
		p[chance(f, (uint32_t)at)] = (uint8_t)chance(f, 256);
	return at;
}

static enum kind choose(struct flood *f)
{
	unsigned int left = chance(f, 1000), kind = 0;

	while (left >= kinds[kind].share)
		left -= kinds[kind++].share;
	return (enum kind)kind;
}

static socklen_t length(int which)
{
	return which ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

static int open_udp(struct flood *f, int which)
{
	const int fd = socket(f->to[which].any.sa_family,
			      SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const int room = 1;

	/* Nobody reads the answers. */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	return fd;
}

/* Send some datagrams from one socket, then have another one in its place. */
static void send_datagrams(struct flood *f, unsigned int slot, unsigned int n)
{
	const int which = slot & 1;
	unsigned int sent = 0;

	for (unsigned int i = 0; i < n; i++) {
		const bool begin = f->begin && !which;
		const enum kind kind = begin ? KIND_ELSEWHERE : choose(f);

		f->begin -= begin;
		f->iov[i] = (struct iovec){f->data[i],
					   put_message(f, f->data[i], kind)};
		f->m[i].msg_hdr = (struct msghdr){
			.msg_name = &f->to[which],
			.msg_namelen = length(which),
			.msg_iov = &f->iov[i],
			.msg_iovlen = 1,
		};
		if (kind != KIND_ELSEWHERE || which)
			continue;
		f->elsewhere[i] = f->to[0].in;
		f->elsewhere[i].sin_addr.s_addr =
			htonl(0xc6336400 |
			      chance(f, begin ? BEGIN_RESOLVERS : ADDRESSES));
		f->m[i].msg_hdr.msg_name = &f->elsewhere[i];
	}
	while (sent < n) {
		const int done = sendmmsg(f->udp[slot], f->m + sent, n - sent,
					  MSG_DONTWAIT | MSG_NOSIGNAL);

		sent += done > 0 ? (unsigned int)done : 1;
	}
	if (chance(f, 16) == 0) {
		close(f->udp[slot]);
		f->udp[slot] = open_udp(f, which);
	}
}

static void open_tcp(struct flood *f, int *fd)
{
	const struct linger reset = {.l_onoff = 1};
	const int which = (int)chance(f, 2);

	if (*fd >= 0) {
		if (chance(f, 2))
			setsockopt(*fd, SOL_SOCKET, SO_LINGER, &reset,
				   sizeof(reset));
		close(*fd);
	}
	*fd = socket(f->to[which].any.sa_family,
		     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd >= 0 && connect(*fd, &f->to[which].any, length(which)) < 0 &&
	    errno != EINPROGRESS) {
		close(*fd);
		*fd = -1;
	}
}

/* Nothing; half of a message; a message; many; octets. */
static void say(struct flood *f, int fd)
{
	uint8_t data[2 + DATAGRAM], *p = data;
	const unsigned int what = chance(f, 5);
	size_t n = 0;

	if (fd < 0 || what == 0)
		return;
	if (what == 4) {
		n = put_octets(f, p, 1 + chance(f, DATAGRAM));
	} else {
		n = put_message(f, p + 2, what == 3 ? KIND_PINNED : choose(f));
		p[0] = (uint8_t)(n >> 8);
		p[1] = (uint8_t)n;
		n = what == 1 ? 1 + chance(f, (uint32_t)n) : n + 2;
	}
	for (unsigned int i = 0; i < (what == 3 ? 100 : 1); i++)
		if (send(fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			return;
}

static void tick(struct timespec *next)
{
	struct timespec now;

	next->tv_nsec += TICK_NS;
	if (next->tv_nsec >= 1000000000) {
		next->tv_nsec -= 1000000000;
		next->tv_sec++;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	/* What was missed while it was stopped is not made up for. */
	if (now.tv_sec > next->tv_sec + 1)
		*next = now;
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL);
}

static void run(struct flood *f, unsigned int rate, unsigned int connections,
		unsigned int opened)
{
	struct timespec next;
	uint64_t place = 0;
	unsigned int due = 0, open_due = 0;

	clock_gettime(CLOCK_MONOTONIC, &next);
	for (unsigned int t = 0;; t++) {
		tick(&next);
		for (due += rate; due >= TICKS;) {
			unsigned int n = due / TICKS;

			n = n > BATCH ? BATCH : n;
			due -= n * TICKS;
			send_datagrams(f, chance(f, SOCKETS), n);
		}
		for (open_due += opened; open_due >= TICKS; place++) {
			const uint64_t late =
				(uint64_t)SILENCE * opened / TICKS;

			open_due -= TICKS;
			open_tcp(f, &f->tcp[place % connections]);
			if (place >= late)
				say(f, f->tcp[(place - late) % connections]);
		}
	}
}

static unsigned int number(const char *text)
{
	return (unsigned int)strtoul(text, NULL, 10);
}

int main(int argc, char **argv)
{
	static struct flood f = {.chance = 0x6d7362, .begin = BEGIN_QUERIES};
	struct rlimit files;
	unsigned int connections;

	if (argc != 6 ||
	    inet_pton(AF_INET, argv[1], &f.to[0].in.sin_addr) != 1 ||
	    inet_pton(AF_INET6, argv[2], &f.to[1].in6.sin6_addr) != 1 ||
	    !number(argv[4])) {
		fprintf(stderr, "usage: dns_flood GATEWAY4 GATEWAY6 RATE "
				"CONNECTIONS OPENED\n");
		return 2;
	}
	f.to[0].in.sin_family = AF_INET;
	f.to[0].in.sin_port = htons(53);
	f.to[1].in6.sin6_family = AF_INET6;
	f.to[1].in6.sin6_port = htons(53);
	connections = number(argv[4]);
	files = (struct rlimit){connections + SOCKETS + 64,
				connections + SOCKETS + 64};
	f.tcp = calloc(connections, sizeof(*f.tcp));
	if (!f.tcp || setrlimit(RLIMIT_NOFILE, &files) < 0) {
		perror("dns_flood");
		return 3;
	}
	for (unsigned int i = 0; i < connections; i++)
		f.tcp[i] = -1;
	for (unsigned int i = 0; i < SOCKETS; i++)
		f.udp[i] = open_udp(&f, i & 1);
	run(&f, number(argv[3]), connections, number(argv[5]));
}

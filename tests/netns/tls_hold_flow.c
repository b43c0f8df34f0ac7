/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls_hold_flow.c - What goes each way on all connections, and its pace. */
#include "tls_hold.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

/* How much a slow side reads and writes in each tick. */
#define SLOW 2048

#define CHUNK 16384

void hold_begin(struct hold_program *p)
{
	uint32_t seed = 1;

	for (size_t i = 0; i < HOLD_PATTERN; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 17;
		seed ^= seed << 5;
		p->pattern[i] = p->pattern[i + HOLD_PATTERN] = (uint8_t)seed;
	}
	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (p->epoll < 0)
		hold_fail("epoll: %s", strerror(errno));
}

/* Where the pattern has what is at @offset; at least HOLD_PATTERN bytes follow.
 */
static const uint8_t *pattern_at(const struct hold_program *p, uint32_t id,
				 bool server, uint64_t offset)
{
	const uint64_t start = id * 7919u + (server ? 31337u : 0u);

	/* Another place after each round: a round that is lost is seen. */
	return p->pattern +
	       ((start + offset + offset / HOLD_PATTERN * 257) % HOLD_PATTERN);
}

/* How much of the pattern can be looked at in one go at @offset. */
static size_t pattern_run(uint64_t offset, size_t len)
{
	const size_t left = HOLD_PATTERN - offset % HOLD_PATTERN;

	return len < left ? len : left;
}

/* What may be sent now: a little, until it is to begin. */
static uint64_t out_limit(const struct hold_program *p,
			  const struct hold_conn *c)
{
	if (p->serves)
		return c->received == 0 ? 0
		       : c->received > HOLD_FIRST || c->size == HOLD_FIRST
			       ? c->size
			       : HOLD_FIRST;
	return p->go ? c->size : HOLD_FIRST;
}

/* The server learns from the first bytes who it is talking to: behind the
 * ClientHello, if nothing is encrypted. True once it knows.
 */
static bool server_prefix(struct hold_program *p, struct hold_conn *c)
{
	for (;;) {
		uint32_t want = 5;
		ssize_t n;

		if (c->ssl)
			want = 8;
		else if (c->prefix_len >= 5)
			want = 5u +
			       (uint32_t)(c->prefix[3] << 8 | c->prefix[4]) + 8;
		if (want > sizeof(c->prefix))
			hold_broken(p, c, "what comes first is too long");
		if (c->prefix_len == want && want > 5) {
			memcpy(&c->id, c->prefix + want - 8, 4);
			memcpy(&c->size, c->prefix + want - 4, 4);
			c->prefix_done = 1;
			c->slow_read = c->id % 4 == 3;
			return true;
		}
		n = hold_read(p, c, c->prefix + c->prefix_len,
			      want - c->prefix_len);
		if (n <= 0) {
			if (n < 0)
				hold_close(c);
			return false;
		}
		c->prefix_len += (uint32_t)n;
	}
}

static void receive(struct hold_program *p, struct hold_conn *c, size_t budget)
{
	uint8_t buffer[CHUNK];

	while (!c->heard_end && budget > 0) {
		const ssize_t n = hold_read(p, c, buffer,
					    budget < CHUNK ? budget : CHUNK);
		size_t at = 0;

		if (n == 0)
			return;
		if (n < 0) {
			c->heard_end = true;
			if (c->received != c->size)
				hold_broken(p, c, "ends too early");
			return;
		}
		if (c->received + (size_t)n > c->size)
			hold_broken(p, c, "more than was said");
		while (at < (size_t)n) {
			const size_t run =
				pattern_run(c->received, (size_t)n - at);

			if (memcmp(buffer + at,
				   pattern_at(p, c->id, !p->serves,
					      c->received),
				   run) != 0)
				hold_broken(p, c,
					    "bytes are not what was said");
			c->received += run;
			at += run;
		}
		budget -= (size_t)n;
	}
}

static void transmit(struct hold_program *p, struct hold_conn *c, size_t budget)
{
	const uint64_t limit = out_limit(p, c);

	while (c->prefix_done < c->prefix_len && !p->serves) {
		const ssize_t n = hold_write(p, c, c->prefix + c->prefix_done,
					     c->prefix_len - c->prefix_done);

		if (n <= 0)
			return;
		c->prefix_done += (uint32_t)n;
	}
	while (c->sent < limit && budget > 0) {
		const uint64_t left = limit - c->sent;
		size_t len = budget < CHUNK ? budget : CHUNK;
		ssize_t n;

		len = pattern_run(c->sent, left < len ? left : len);
		n = hold_write(p, c, pattern_at(p, c->id, p->serves, c->sent),
			       len);
		if (n <= 0)
			return;
		c->sent += (uint64_t)n;
		budget -= (size_t)n;
	}
}

void hold_settle(struct hold_program *p, struct hold_conn *c)
{
	uint32_t interest = 0;

	if (c->state != HOLD_OPEN)
		return;
	if (!p->serves && c->sent == c->size)
		hold_end(c);
	if (p->serves && c->heard_end && c->sent == c->size) {
		hold_end(c);
		hold_close(c);
		return;
	}
	if (!p->serves && c->heard_end) {
		if (c->sent != c->size)
			hold_broken(p, c, "the server ends too early");
		hold_close(c);
		return;
	}
	/* The pace of what is slow counts once it is to begin. */
	if (!(c->slow_read && c->received >= HOLD_FIRST) && !c->heard_end)
		interest |= EPOLLIN;
	if (!(c->slow_write && c->sent >= HOLD_FIRST) &&
	    (c->sent < out_limit(p, c) ||
	     (!p->serves && c->prefix_done < c->prefix_len)))
		interest |= EPOLLOUT;
	hold_watch(p, c, interest);
}

static void conn_run(struct hold_program *p, struct hold_conn *c,
		     uint32_t events)
{
	if (c->state == HOLD_CONNECT) {
		int error = 0;
		socklen_t len = sizeof(error);

		getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
		errno = error;
		if (error)
			hold_broken(p, c, "connect");
		c->state = HOLD_HANDSHAKE;
	}
	if (c->state == HOLD_HANDSHAKE)
		hold_handshake(p, c);
	if (c->state != HOLD_OPEN)
		return;
	if (p->serves && !c->prefix_done && !server_prefix(p, c)) {
		if (c->state == HOLD_OPEN)
			hold_watch(p, c, EPOLLIN);
		return;
	}
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) &&
	    !(c->slow_read && c->received >= HOLD_FIRST))
		receive(p, c, SIZE_MAX);
	if (!(c->slow_write && c->sent >= HOLD_FIRST))
		transmit(p, c, SIZE_MAX);
	hold_settle(p, c);
}

static void tick(struct hold_program *p)
{
	for (unsigned int i = 0; i < p->n_conns; i++) {
		struct hold_conn *c = &p->conns[i];

		if (c->state != HOLD_OPEN || (p->serves && !c->prefix_done))
			continue;
		if (c->slow_read && c->received >= HOLD_FIRST)
			receive(p, c, SLOW);
		if (c->slow_write && c->sent >= HOLD_FIRST)
			transmit(p, c, SLOW);
		hold_settle(p, c);
	}
}

void hold_turn(struct hold_program *p, int64_t *next)
{
	struct epoll_event events[256];
	const int64_t left = *next - hold_now_ms();
	const int n =
		epoll_wait(p->epoll, events, 256, left < 0 ? 0 : (int)left);

	for (int i = 0; i < n; i++)
		if (events[i].data.ptr)
			conn_run(p, events[i].data.ptr, events[i].events);
	if (hold_now_ms() >= *next) {
		tick(p);
		*next = hold_now_ms() + HOLD_TICK_MS;
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* splice.c - The two-way pump between two TCP connections. */
#include "splice.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

/* More than any pipe holds: the kernel moves what fits. */
#define CHUNK (1u << 20)

/* What is copied at once. Any pipe that is empty takes it: also those of a user
 * with many have two pages (commit 46c4c9d1beb7). */
#define COPY 8192

/** enum outcome - What one call of splice(2) came to */
enum outcome {
	MOVED,
	BLOCKED,
	ENDED,
	BROKEN,
};

static bool pool_take(struct splice_pool *pool, struct splice_way *w)
{
	if (pool->n) {
		pool->n--;
		w->pipe[0] = pool->pipe[pool->n][0];
		w->pipe[1] = pool->pipe[pool->n][1];
		return true;
	}
	return pipe2(w->pipe, O_CLOEXEC | O_NONBLOCK) == 0;
}

static void pool_give(struct splice_pool *pool, struct splice_way *w)
{
	if (w->pipe[0] < 0)
		return;
	/* What is not empty has bytes of somebody in it. */
	if (!w->held && pool->n < SPLICE_POOL) {
		pool->pipe[pool->n][0] = w->pipe[0];
		pool->pipe[pool->n][1] = w->pipe[1];
		pool->n++;
	} else {
		close(w->pipe[0]);
		close(w->pipe[1]);
	}
	w->pipe[0] = -1;
	w->pipe[1] = -1;
	w->held = 0;
}

void splice_pool_close(struct splice_pool *pool)
{
	while (pool->n) {
		pool->n--;
		close(pool->pipe[pool->n][0]);
		close(pool->pipe[pool->n][1]);
	}
}

void splice_init(struct splice_pump *p)
{
	*p = (struct splice_pump){
		.fd = {-1, -1},
		.way = {{.pipe = {-1, -1}}, {.pipe = {-1, -1}}},
	};
}

void splice_side(struct splice_pump *p, unsigned int side, int fd, bool near)
{
	p->fd[side] = fd;
	p->readable[side] = false;
	p->writable[side] = true;
	p->ending[side] = false;
	p->unsure[side] = false;
	p->roomy[side] = near;
}

void splice_head(struct splice_pump *p, const uint8_t *data, uint32_t len)
{
	p->head = data;
	p->head_len = len;
}

void splice_hold(struct splice_pump *p, unsigned int side, bool hold)
{
	p->hold[side] = hold;
}

void splice_events(struct splice_pump *p, unsigned int side, uint32_t events)
{
	/* After an error or a hang-up every call has its answer at once. */
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		p->readable[side] = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		p->writable[side] = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		p->ending[side] = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI))
		p->unsure[side] = true;
	if (events & EPOLLERR)
		p->failed = true;
}

void splice_was_read(struct splice_pump *p, unsigned int side, bool less)
{
	if (less && !p->unsure[side])
		p->readable[side] = false;
}

static enum outcome move(int from, int to, size_t len, ssize_t *ret)
{
	do {
		*ret = splice(from, NULL, to, NULL, len,
			      SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
	} while (*ret < 0 && errno == EINTR);
	if (*ret > 0)
		return MOVED;
	if (*ret == 0)
		return ENDED;
	return errno == EAGAIN ? BLOCKED : BROKEN;
}

/* The source has said that there is nothing. */
static void emptied(struct splice_pump *p, unsigned int from)
{
	p->readable[from] = false;
	p->unsure[from] = false;
}

/* Fill the pipe from the source, once. False: a socket failed. */
static bool fill(struct splice_pool *pool, struct splice_pump *p,
		 unsigned int from)
{
	struct splice_way *w = &p->way[from];
	ssize_t n;

	if (w->ended || !p->readable[from])
		return true;
	/* The descriptors suffice for all connections: the system is short of
	 * something. To wait for it would be to hang. */
	if (w->pipe[0] < 0 && !pool_take(pool, w))
		return false;
	switch (move(p->fd[from], w->pipe[1], CHUNK, &n)) {
	case MOVED:
		w->held += (uint32_t)n;
		return true;
	case BLOCKED:
		if (!w->held)
			emptied(p, from);
		return true;
	case ENDED:
		w->ended = true;
		return true;
	case BROKEN:
		break;
	}
	return false;
}

/* Drain the pipe to the sink, once. False: a socket failed. */
static bool drain(struct splice_pump *p, unsigned int from)
{
	struct splice_way *w = &p->way[from];
	ssize_t n;

	if (!w->held || !p->writable[!from])
		return true;
	switch (move(w->pipe[0], p->fd[!from], w->held, &n)) {
	case MOVED:
		w->held -= (uint32_t)n;
		w->moved += (uint32_t)n;
		return true;
	case BLOCKED:
		p->writable[!from] = false;
		return true;
	case ENDED:
	case BROKEN:
		break;
	}
	return false;
}

/* What the sink did not take waits in a pipe, as if it had been spliced. */
static bool keep_rest(struct splice_pool *pool, struct splice_way *w,
		      const char *data, size_t len)
{
	if (w->pipe[0] < 0 && !pool_take(pool, w))
		return false;
	w->held = (uint32_t)len;
	return write(w->pipe[1], data, len) == (ssize_t)len;
}

/* Send what was copied. False: the sink failed, or there is no pipe. */
static bool pass(struct splice_pool *pool, struct splice_pump *p,
		 unsigned int from, const char *data, size_t len)
{
	/* The end comes next, and takes no packet of its own. */
	const int more = p->ending[from] ? MSG_MORE : 0;
	struct splice_way *w = &p->way[from];
	ssize_t n;

	do {
		n = send(p->fd[!from], data, len,
			 MSG_DONTWAIT | MSG_NOSIGNAL | more);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno != EAGAIN)
		return false;
	if (n < 0)
		n = 0;
	w->moved += (uint32_t)n;
	if ((size_t)n == len)
		return true;
	p->writable[!from] = false;
	return keep_rest(pool, w, data + n, len - (size_t)n);
}

/* There is much, and it is spliced from now on. */
static void begin_bulk(struct splice_pump *p, unsigned int from)
{
	const int room = SPLICE_ROOM;

	p->way[from].bulk = true;
	if (!p->roomy[!from])
		return;
	p->roomy[!from] = false;
	setsockopt(p->fd[!from], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
}

/* Move a little without a pipe, once. False: a socket failed. */
static bool copy(struct splice_pool *pool, struct splice_pump *p,
		 unsigned int from)
{
	struct splice_way *w = &p->way[from];
	char data[COPY];
	ssize_t n;

	do {
		n = recv(p->fd[from], data, sizeof(data), MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		emptied(p, from);
		return errno == EAGAIN;
	}
	if (n == 0) {
		w->ended = true;
		return true;
	}
	splice_was_read(p, from, n < COPY);
	if (n == COPY)
		begin_bulk(p, from);
	return pass(pool, p, from, data, (size_t)n);
}

/* Send what goes before the pipe, once. False: the socket failed. */
static bool send_head(struct splice_pump *p)
{
	ssize_t n;

	if (!p->writable[1])
		return true;
	do {
		n = send(p->fd[1], p->head, p->head_len,
			 MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno != EAGAIN)
		return false;
	if (n < 0) {
		p->writable[1] = false;
		return true;
	}
	p->head += n;
	p->head_len -= (uint32_t)n;
	p->way[0].moved += (uint64_t)n;
	return true;
}

static enum splice_state run_way(struct splice_pool *pool,
				 struct splice_pump *p, unsigned int from)
{
	struct splice_way *w = &p->way[from];
	const uint64_t start = w->moved;

	while (from == 0 && p->head_len) {
		if (!send_head(p))
			return SPLICE_FAILED;
		if (!p->writable[1])
			return SPLICE_WAIT;
	}
	if (p->hold[from])
		return SPLICE_WAIT;
	while (!w->shut) {
		const bool small = !w->bulk && !w->held && !w->ended &&
				   p->readable[from] && p->writable[!from];
		/* What came before a reset is still delivered, if it can be. */
		const bool filled = small ? copy(pool, p, from)
					  : fill(pool, p, from);

		if (!drain(p, from) || !filled)
			return SPLICE_FAILED;
		if (!w->held)
			pool_give(pool, w);
		if (!w->held && w->ended) {
			/* The last to end is closed next. A sink that is gone
			 * says so itself, in an event. */
			if (!p->way[!from].shut)
				shutdown(p->fd[!from], SHUT_WR);
			w->shut = true;
			break;
		}
		if (w->held && !p->writable[!from])
			break;
		if (!w->held && !p->readable[from])
			break;
		if (w->moved - start >= SPLICE_ROUND)
			return SPLICE_MORE;
	}
	if (!w->held && w->moved - start < COPY)
		w->bulk = false;
	return w->shut ? SPLICE_DONE : SPLICE_WAIT;
}

enum splice_state splice_run(struct splice_pool *pool, struct splice_pump *p)
{
	const enum splice_state a = run_way(pool, p, 0);
	const enum splice_state b = a == SPLICE_FAILED ? a
						       : run_way(pool, p, 1);

	if (b == SPLICE_FAILED)
		return SPLICE_FAILED;
	if (p->failed && a != SPLICE_MORE && b != SPLICE_MORE)
		return SPLICE_FAILED;
	if (a == SPLICE_MORE || b == SPLICE_MORE)
		return SPLICE_MORE;
	return a == SPLICE_DONE && b == SPLICE_DONE ? SPLICE_DONE : SPLICE_WAIT;
}

void splice_release(struct splice_pool *pool, struct splice_pump *p)
{
	pool_give(pool, &p->way[0]);
	pool_give(pool, &p->way[1]);
}

void splice_options(int fd, bool near)
{
	static const char plain[] = "reno";
	const int on = 1;

	/* Whoever sent a small segment had a reason. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	/* The host's congestion control is for networks. Between processes of
	 * one machine there is none to be shared or found out about, and what
	 * paces its packets (BBR) sets a timer for each, and sends from it:
	 * beside what is sent meanwhile, so out of order. "reno" is in every
	 * kernel. Where the administrator forbids it the host's serves. */
	if (near)
		setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, plain,
			   sizeof(plain) - 1);
}

void splice_reset(int fd)
{
	const struct linger now = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plain.c - A flow that is not encrypted: read, and passed on both ways. */
#include "plain.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "outbox.h"

/* Octets that one side may say before others have their turn. */
#define ROUND ((size_t)256 << 10)

/**
 * struct end - One side
 * @fd:		its socket
 * @readable:	it may have something
 * @writable:	it may take something
 * @hup:	it may have ended
 * @failed:	it has failed
 */
struct end {
	int fd;
	bool readable;
	bool writable;
	bool hup;
	bool failed;
};

/**
 * struct way - What one side says
 * @out:	what has come out of the gate, and waits
 * @ended:	there is no more to be read
 * @finished:	the gate has been told
 * @shut:	the other side has been told
 */
struct way {
	struct outbox out;
	bool ended;
	bool finished;
	bool shut;
};

/**
 * struct plain - A flow
 * @gate:	what reads it
 * @end:	both sides, by enum gate_side
 * @way:	what each says
 * @state:	what the gate says of it
 * @found:	what is wrong, unless that is GATE_OK
 */
struct plain {
	struct gate *gate;
	struct end end[2];
	struct way way[2];
	enum gate_state state;
	struct gate_violation found;
};

/** enum outcome - What one step came to */
enum outcome {
	MOVED,
	BLOCKED,
	FAILED,
};

static bool put(void *arg, enum gate_side from, const uint8_t *data, size_t len)
{
	struct plain *p = arg;

	return outbox_put(&p->way[from].out, data, len);
}

static enum outcome feed(struct plain *p, enum gate_side from,
			 const uint8_t *data, size_t len)
{
	p->state = gate_feed(p->gate, from, data, len, put, p, &p->found);
	return p->state == GATE_OK ? MOVED : FAILED;
}

struct plain *plain_begin(const struct gate_env *env, int guest, int server,
			  const uint8_t *head, size_t head_len)
{
	struct plain *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	/* What came up before is not known here. */
	p->end[GATE_GUEST] = (struct end){guest, true, true, true, false};
	p->end[GATE_SERVER] = (struct end){server, true, true, true, false};
	/* Nobody has proved to be anybody: nobody may have a value. */
	p->gate = gate_begin(env, NULL, false);
	if (!p->gate) {
		plain_end(p);
		return NULL;
	}
	if (head_len)
		(void)feed(p, GATE_GUEST, head, head_len);
	return p;
}

void plain_end(struct plain *p)
{
	if (!p)
		return;
	gate_end(p->gate);
	for (unsigned int i = 0; i < 2; i++)
		outbox_drop(&p->way[i].out);
	free(p);
}

void plain_events(struct plain *p, unsigned int side, uint32_t events)
{
	struct end *e = &p->end[side];

	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		e->hup = true;
	if (events & EPOLLERR)
		e->failed = true;
	if (events & EPOLLIN || e->hup)
		e->readable = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		e->writable = true;
}

static enum outcome pull(struct plain *p, enum gate_side from, uint8_t *room,
			 size_t len, size_t *moved)
{
	struct end *e = &p->end[from];
	ssize_t n;

	if (!e->readable)
		return BLOCKED;
	n = recv(e->fd, room, len, MSG_DONTWAIT);
	if (n < 0 && errno == EINTR)
		return MOVED;
	if (n < 0 && errno == EAGAIN) {
		e->readable = false;
		e->hup = false;
		return BLOCKED;
	}
	if (n <= 0) {
		e->failed |= n < 0;
		p->way[from].ended = true;
		return MOVED;
	}
	/* That was all: what comes next is an event, and so is an end, if it
	 * has not been one. */
	e->readable = (size_t)n == len || e->hup;
	*moved += (size_t)n;
	return feed(p, from, room, (size_t)n);
}

/* Whom this way leads to takes nothing any more. What it has said is still
 * heard. */
static enum outcome lose(struct plain *p, enum gate_side from)
{
	struct way *w = &p->way[from];

	p->end[!from].failed = true;
	outbox_drop(&w->out);
	w->ended = true;
	w->finished = true;
	w->shut = true;
	return MOVED;
}

static enum outcome push(struct plain *p, enum gate_side from)
{
	struct outbox *out = &p->way[from].out;
	struct end *to = &p->end[!from];
	ssize_t n;

	if (!to->writable)
		return BLOCKED;
	n = send(to->fd, outbox_next(out), outbox_len(out),
		 MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n >= 0) {
		outbox_take(out, (size_t)n);
		return MOVED;
	}
	if (errno == EINTR)
		return MOVED;
	if (errno != EAGAIN)
		return lose(p, from);
	to->writable = false;
	return BLOCKED;
}

/* Tell the gate that a side has ended, then the other side. */
static enum outcome finish(struct plain *p, enum gate_side from)
{
	struct way *w = &p->way[from];

	if (!w->finished) {
		w->finished = true;
		p->state = gate_finish(p->gate, from, put, p, &p->found);
		return p->state == GATE_OK ? MOVED : FAILED;
	}
	w->shut = true;
	/* A socket that is gone says so itself, in an event. */
	if (!p->end[from].failed)
		shutdown(p->end[!from].fd, SHUT_WR);
	return MOVED;
}

static enum outcome run_way(struct plain *p, enum gate_side from, uint8_t *room,
			    size_t len, bool *ret_more)
{
	struct way *w = &p->way[from];
	enum outcome o = MOVED;
	size_t moved = 0;

	while (!w->shut && o == MOVED) {
		if (outbox_len(&w->out)) {
			o = push(p, from);
		} else if (w->ended) {
			o = finish(p, from);
		} else if (moved >= ROUND) {
			*ret_more = true;
			break;
		} else {
			o = pull(p, from, room, len, &moved);
		}
	}
	return o;
}

/* A reset throws away what the guest has not acknowledged. */
static bool has_unsent(int fd)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
	       (info.tcpi_unacked || info.tcpi_notsent_bytes);
}

enum intercept_state plain_run(struct plain *p, uint8_t *room, size_t len)
{
	const struct way *guest = &p->way[GATE_GUEST];
	const struct way *server = &p->way[GATE_SERVER];
	bool more = false;

	/* It may have been wrong from its first octet on. */
	if (p->state != GATE_OK)
		return INTERCEPT_FAILED;
	/* What the server says may free what the guest has said. */
	if (run_way(p, GATE_SERVER, room, len, &more) == FAILED ||
	    run_way(p, GATE_GUEST, room, len, &more) == FAILED)
		return INTERCEPT_FAILED;
	if (p->end[GATE_GUEST].failed && !more)
		return INTERCEPT_FAILED;
	if (server->shut && p->end[GATE_SERVER].failed)
		return has_unsent(p->end[GATE_GUEST].fd) ? INTERCEPT_DONE
							 : INTERCEPT_FAILED;
	if (guest->shut && server->shut)
		return INTERCEPT_DONE;
	/* What the guest said has freed what the server had. */
	more |= outbox_len(&server->out) && p->end[GATE_GUEST].writable;
	return more ? INTERCEPT_MORE : INTERCEPT_WAIT;
}

const struct gate_violation *plain_violation(const struct plain *p)
{
	return p->state == GATE_VIOLATION ? &p->found : NULL;
}

const char *plain_why(const struct plain *p)
{
	return p->state == GATE_BROKEN ? p->found.why : NULL;
}
